"""The reader of TOML: it checks depth and size, then calls tomllib, then finds the lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date, time
from typing import Any, TypeAlias

from feedhub.errors import ArticleError
from feedhub.sources.tree import (
    CONTROL,
    MAX_DEPTH,
    MAX_NODES,
    SECURED,
    Mapping,
    Node,
    Scalar,
    Sequence,
    error_at,
    key_error,
    position_at,
    too_deep,
    too_many,
)

# The strings and comments of TOML 1.0, passed over, and outside them what nests or counts. A string
# that is never closed runs on to where it has to end, so that the scan takes linear time.
_SIGN = re.compile(
    r'''
      """ (?: \\. | [^\\"] | "(?!"") )*+ "{0,5}
    | \'\'\' (?: [^'] | '(?!'') )*+ '{0,5}
    | " (?: \\. | [^\\"\n] )*+ "?
    | ' [^'\n]*+ '?
    | \# [^\n]*+
    | [][{}.,=\n]
    ''',
    re.DOTALL | re.VERBOSE,
)
_POSITION = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)\Z")
KeyPath: TypeAlias = tuple[str, ...]


def read_toml(text: str) -> Mapping:
    """Return the root table of `text`, a file's head from its `+++` line on, so that lines agree.

    Raises ArticleError as `read_yaml` does; tomllib refuses doubled keys (TOML 1.0.0, Keys).
    """
    if found := CONTROL.search(text):
        message = "a control character stands in the front matter; delete it"
        raise error_at(text, found.start(), "control-character", message)
    starts = find_statements(text)
    try:
        table = tomllib.loads(text[text.index("\n") :])
        return TreeBuilder(find_keys(text, starts)).mapping(table, (), 1, 1)
    except ArticleError:
        raise
    except Exception as error:  # an integer of 5,000 digits is a bare ValueError
        failure = toml_error(str(error), text)
    # Raised here, the error has no context: tomllib's may quote the file.
    raise failure


def toml_error(problem: str, text: str) -> ArticleError:
    """Return an ArticleError for a message of tomllib about `text`."""
    position = _POSITION.search(problem)
    line, column = map(int, position.groups()) if position else (text.count("\n") + 1, 1)
    if problem.startswith("Cannot overwrite a value"):
        key = text.split("\n")[line - 1].partition("=")[0].strip(" \t\"'").casefold()
        return key_error(key, {key}, 1, line, 1)
    message = "the TOML cannot be read here; check the quotes, brackets and values"
    return ArticleError("toml-syntax", message, line=line, column=column)


def find_statements(text: str) -> list[int]:
    """Return where the lines begin on which a header or a key may stand.

    Refuses what takes tomllib long or deep: it recurses, and dotted keys cost it the square.
    """
    starts = [text.index("\n") + 1]
    depth = dots = parts = 0
    for found in _SIGN.finditer(text, starts[0]):
        sign = found[0]
        if sign == "\n" and not depth:
            starts.append(found.end())
        if sign[0] not in "\"'.":
            depth += (sign in "[{") - (sign in "]}")
            dots = 0
        dots += sign == "."
        parts += sign in ".,=[{"
        if depth > MAX_DEPTH + 2 or dots > MAX_DEPTH:
            raise too_deep(*position_at(text, found.start()))
        if parts > MAX_NODES:
            raise too_many(*position_at(text, found.start()))
    return starts


def find_keys(text: str, starts: list[int]) -> Iterator[tuple[KeyPath, int]]:
    """Yield path and line of each header and key that a line in `starts` shows by itself."""

    def split(key: str) -> KeyPath:
        return tuple(part.strip(" \t\"'") for part in key.split("."))

    header: KeyPath = ()
    line, counted = 1, 0
    for start in starts:
        line += text.count("\n", counted, start)
        counted = start
        statement = text[start : text.find("\n", start)].strip(" \t")
        if statement.startswith("["):
            header = split(statement.lstrip("[").partition("]")[0])
            yield header, line
        elif "=" in statement:
            yield header + split(statement.partition("=")[0]), line


class TreeBuilder:
    """Builds nodes from a document of tomllib, which keeps no lines: `keys` gives them by path."""

    def __init__(self, keys: Iterable[tuple[KeyPath, int]]) -> None:
        self._lines: dict[KeyPath, list[int]] = {}
        for path, line in keys:
            self._lines.setdefault(path, []).append(line)
        for lines in self._lines.values():
            lines.reverse()

    def mapping(self, table: dict[str, Any], path: KeyPath, line: int, depth: int) -> Mapping:
        """Return a table as a Mapping; `depth` counts it too."""
        if depth > MAX_DEPTH:
            raise too_deep(line, 1)
        entries: dict[str, Node] = {}
        taken: set[str] = set()
        for key, value in table.items():
            below = (*path, key)
            at = self._next_line(below, line, keep=isinstance(value, list))
            folded = key.casefold()
            if folded in taken or not key.isprintable():
                raise key_error(folded, taken, depth, at, 1)
            taken.add(folded)
            if folded != SECURED:
                entries[key] = self.node(value, below, at, depth + 1)
        return Mapping(entries, line, 1)

    def node(self, value: Any, path: KeyPath, line: int, depth: int) -> Node:
        """Return a value of tomllib as a node."""
        if isinstance(value, dict):
            return self.mapping(value, path, line, depth)
        if isinstance(value, list):
            if depth > MAX_DEPTH:
                raise too_deep(line, 1)
            items = []
            for item in value:
                at = self._next_line(path, line) if isinstance(item, dict) else line
                items.append(self.node(item, path, at, depth + 1))
            return Sequence(tuple(items), line, 1)
        if isinstance(value, str):
            return Scalar(value, line, 1, plain=False)
        if isinstance(value, bool):
            return Scalar(str(value).lower(), line, 1, plain=True)
        text = value.isoformat() if isinstance(value, date | time) else str(value)
        return Scalar(text, line, 1, plain=True)

    def _next_line(self, path: KeyPath, default: int, *, keep: bool = False) -> int:
        """Return the next line that sets `path`; tables of an array come in the file's order."""
        lines = self._lines.get(path, [default])
        return lines[-1] if keep or len(lines) == 1 else lines.pop()
