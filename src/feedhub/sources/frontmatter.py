"""Front matter: the fenced block of YAML or TOML that heads an article file, and the body after."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date, time
from typing import Any, NamedTuple, TypeAlias

from feedhub.errors import ArticleError
from feedhub.sources.tree import (
    MAX_DEPTH,
    MAX_NODES,
    SECURED,
    Mapping,
    Node,
    Scalar,
    Sequence,
    error_at,
    key_error,
    place_at,
    too_deep,
    too_many,
)
from feedhub.sources.yaml_tree import CONTROL, read_yaml

MAX_BYTES = 256 * 1024

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?(?:---|\+\+\+)[ \t]*(?:[\r\n]|\Z)")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"-\0-\0-\0", b"\0-\0-\0-", b"+\0+\0+\0", b"\0+\0+\0+")


class FrontMatter(NamedTuple):
    """The fields of one file and its body, which begins at `body_line`, counted from 1."""

    fields: Mapping
    body: str
    body_line: int


def read_front_matter(data: bytes) -> FrontMatter | None:
    """Return the front matter and body of a whole file, or None where its first line is no fence.

    `---` fences YAML, `+++` TOML. Line ends of the body become line feeds; else it is as written.
    Raises ArticleError, its place counted in the file, for anything that could be misread.
    """
    if not _OPENING.match(data):
        if data.startswith(_WIDE):
            raise ArticleError("not-utf8", "The file is UTF-16; save it as UTF-8.")
        return None
    if len(data) > MAX_BYTES:
        message = f"The file is larger than {MAX_BYTES // 1024} KiB; shorten it."
        raise ArticleError("too-large", message)
    text = _decoded(data)
    head, body = _split(text)
    fields = read_yaml(head) if head.startswith("-") else _read_toml(head)
    return FrontMatter(fields, body, head.count("\n") + 2)


def _decoded(data: bytes) -> str:
    """Return the text of UTF-8 `data` without a byte order mark, every line end a line feed."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        start = error.start
    else:
        return _unified(text)
    before = _unified(data[:start].decode())
    message = "The file holds bytes that are not UTF-8; save it as UTF-8."
    # Raised here, the error has no context: Python's carries the file.
    raise error_at(before, len(before), "not-utf8", message)


def _unified(text: str) -> str:
    text = text.removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _split(text: str) -> tuple[str, str]:
    """Return the opening fence with the block under it, and the body after the closing fence."""
    # A torn file must never pass for a whole one, so only a closing fence ends the block.
    at = text.find(f"\n{text[:3]}") + 1
    if not at:
        message = "The front matter is never closed; put a line with the opening fence after it."
        raise ArticleError("no-closing-fence", message)
    line, _, body = text[at:].partition("\n")
    if line[3:].strip(" \t"):
        # Cut after its third character, the line would be a closing fence.
        message = "A line begins with the fence but goes on; leave the fence alone on its line."
        raise error_at(text, at, "bad-fence", message)
    return text[:at], body


# The strings and comments of TOML 1.0, passed over, and outside them what nests or counts. A string
# that is never closed runs on to where it has to end, so that the scan takes linear time.
_TOML_SIGN = re.compile(
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
_TOML_PLACE = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)\Z")
_Path: TypeAlias = tuple[str, ...]


def _read_toml(text: str) -> Mapping:
    """Return the root table of `text`, a file's head from its `+++` line on, so that lines agree.

    Raises ArticleError as `read_yaml` does; tomllib refuses doubled keys (TOML 1.0.0, Keys).
    """
    if found := CONTROL.search(text):
        message = "A control character stands in the front matter; delete it."
        raise error_at(text, found.start(), "control-character", message)
    starts = _toml_statements(text)
    try:
        table = tomllib.loads(text[text.index("\n") :])
        return _TomlTree(_toml_keys(text, starts)).mapping(table, (), 1, 1)
    except ArticleError:
        raise
    except Exception as error:  # an integer of 5,000 digits is a bare ValueError
        failure = _translated(str(error), text)
    # Raised here, the error has no context: tomllib's may quote the file.
    raise failure


def _translated(problem: str, text: str) -> ArticleError:
    place = _TOML_PLACE.search(problem)
    line, column = map(int, place.groups()) if place else (text.count("\n") + 1, 1)
    if problem.startswith("Cannot overwrite a value"):
        key = text.split("\n")[line - 1].partition("=")[0].strip(" \t\"'").casefold()
        return key_error(key, {key}, 1, (line, 1))
    message = "The TOML cannot be read here; check the quotes, brackets and values."
    return ArticleError("toml-syntax", message, line=line, column=column)


def _toml_statements(text: str) -> list[int]:
    """Return where the lines begin on which a header or a key may stand.

    Refuses what takes tomllib long or deep: it recurses, and dotted keys cost it the square.
    """
    starts = [text.index("\n") + 1]
    depth = dots = parts = 0
    for found in _TOML_SIGN.finditer(text, starts[0]):
        sign = found[0]
        if sign == "\n" and not depth:
            starts.append(found.end())
        if sign[0] not in "\"'.":
            depth += (sign in "[{") - (sign in "]}")
            dots = 0
        dots += sign == "."
        parts += sign in ".,=[{"
        if depth > MAX_DEPTH + 2 or dots > MAX_DEPTH:
            raise too_deep(*place_at(text, found.start()))
        if parts > MAX_NODES:
            raise too_many(*place_at(text, found.start()))
    return starts


class _TomlTree:
    """Nodes from a document of tomllib, which keeps no lines: they are looked up by key paths."""

    def __init__(self, keys: Iterable[tuple[_Path, int]]) -> None:
        self._lines: dict[_Path, list[int]] = {}
        for path, line in keys:
            self._lines.setdefault(path, []).append(line)
        for lines in self._lines.values():
            lines.reverse()

    def mapping(self, table: dict[str, Any], path: _Path, line: int, depth: int) -> Mapping:
        if depth > MAX_DEPTH:
            raise too_deep(line, 1)
        entries: dict[str, Node] = {}
        taken: set[str] = set()
        for key, value in table.items():
            below = (*path, key)
            at = self._line(below, line, keep=isinstance(value, list))
            folded = key.casefold()
            if folded in taken or not key.isprintable():
                raise key_error(folded, taken, depth, (at, 1))
            taken.add(folded)
            if folded != SECURED:
                entries[key] = self._node(value, below, at, depth + 1)
        return Mapping(entries, line, 1)

    def _node(self, value: Any, path: _Path, line: int, depth: int) -> Node:
        if isinstance(value, dict):
            return self.mapping(value, path, line, depth)
        if isinstance(value, list):
            return self._sequence(value, path, line, depth)
        return _toml_scalar(value, line)

    def _sequence(self, array: list[Any], path: _Path, line: int, depth: int) -> Sequence:
        if depth > MAX_DEPTH:
            raise too_deep(line, 1)
        items = []
        for value in array:
            at = self._line(path, line) if isinstance(value, dict) else line
            items.append(self._node(value, path, at, depth + 1))
        return Sequence(tuple(items), line, 1)

    def _line(self, path: _Path, default: int, *, keep: bool = False) -> int:
        """Return the next line that sets `path`; tables of an array come in the file's order."""
        lines = self._lines.get(path, [default])
        return lines[-1] if keep or len(lines) == 1 else lines.pop()


def _toml_keys(text: str, starts: list[int]) -> Iterator[tuple[_Path, int]]:
    """Yield the path and the line of each header and key that a line shows by itself."""
    header: _Path = ()
    line, counted = 1, 0
    for start in starts:
        line += text.count("\n", counted, start)
        counted = start
        written = text[start : text.find("\n", start)].strip(" \t")
        if written.startswith("["):
            header = _toml_path(written.lstrip("[").partition("]")[0])
            yield header, line
        elif "=" in written:
            yield header + _toml_path(written.partition("=")[0]), line


def _toml_path(key: str) -> _Path:
    return tuple(part.strip(" \t\"'") for part in key.split("."))


def _toml_scalar(value: Any, line: int) -> Scalar:
    if isinstance(value, str):
        return Scalar(value, line, 1, plain=False)
    if isinstance(value, bool):
        return Scalar(str(value).lower(), line, 1, plain=True)
    text = value.isoformat() if isinstance(value, date | time) else str(value)
    return Scalar(text, line, 1, plain=True)
