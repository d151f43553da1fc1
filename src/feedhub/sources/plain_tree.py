"""The YAML that robots write, read line by line in a fraction of the time that its events take.

What is not of this dialect beyond doubt is left to `yaml_tree`, which also tells what is wrong.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias, TypeVar

from feedhub.sources.tree import (
    CONTROL,
    MAX_DEPTH,
    MAX_NODES,
    SECURED,
    Mapping,
    Node,
    Scalar,
    Sequence,
)

_FENCE = "---\n"
# A line makes six events at most: `- key: value` may begin and end a list and a mapping.
_MAX_LINES = MAX_NODES // 8
# What libyaml refuses, takes for a line end or skips, and what UTF-8 cannot carry.
_ODD = re.compile(f"[{CONTROL.pattern[1:-1]}\t\r\x85\u2028\u2029\ud800-\udfff\ufeff]")
# Without the bytes that these are made of in UTF-8, a text is known to have none in half the time.
_RARE = bytes([*range(10), *range(11, 32), 0x7F, 0xC2, 0xEF])
_SEPARATORS = ("\u2028".encode(), "\u2029".encode())
# What stands before a key's colon, the key with it; and an item that has no key.
_LEAD = re.compile(r"( {0,99})(- )?([A-Za-z0-9_][A-Za-z0-9_-]{0,63})")
_ITEM = re.compile(r"( {0,99})- (.+)")
# It begins with no indicator of YAML, holds neither `: ` nor ` #`, and ends in no colon or blank.
_PLAIN = re.compile(r"(?:-?\w|[/.+(]|[^\0-\x7f])(?:[^ :]++|:(?=[^ ])| ++(?=[^ #]))*+")
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\")*+)"')
_SINGLE = re.compile(r"'((?:[^']++|'')*+)'")

# A column of no key.
_NOWHERE = -1

_Entries: TypeAlias = dict[str, Node]
_Items: TypeAlias = list[Node]
_Kind = TypeVar("_Kind", _Entries, _Items)


class _UnsureError(Exception):
    """What stands here may be outside of the dialect."""


def read_plain(text: str) -> Mapping | None:
    """Return what `read_yaml` returns for `text`, or None wherever that is not beyond doubt."""
    if not text.startswith(_FENCE) or text.count("\n") > _MAX_LINES or not _is_clean(text):
        return None
    tree = _Tree()
    try:
        tree.read(text.removeprefix(_FENCE).split("\n"))
        return tree.root()
    except _UnsureError:
        return None


def _is_clean(text: str) -> bool:
    """Say whether YAML takes every character of `text` for what it looks like."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return False
    if len(data.translate(None, _RARE)) == len(data):
        return not any(map(data.__contains__, _SEPARATORS))
    return not _ODD.search(text)


# What is refused raises, so that the cache never keeps more of a file than its keys.
@lru_cache(maxsize=1024)
def _lead(written: str) -> tuple[int, bool, str, int]:
    """Return a key's column from 0, whether a hyphen is before it, the key, and its end.

    The end is the column from 1 behind its colon.
    """
    found = _LEAD.fullmatch(written)
    if not found:
        raise _UnsureError
    return found.start(3), bool(found[2]), found[3], found.end(3) + 2


def _value(written: str) -> tuple[str, bool]:
    """Return the text of a scalar, and whether it is plain."""
    if written[0] == '"':
        text = written[1:-1]
        if '"' not in text and "\\" not in text and written.endswith('"', 1):
            return text, False
        if found := _DOUBLE.fullmatch(written):
            return found[1].replace('\\"', '"'), False
    elif written.isalnum() or _PLAIN.fullmatch(written):
        return written, True
    elif found := _SINGLE.fullmatch(written):
        return found[1].replace("''", "'"), False
    raise _UnsureError


class _Tree:
    """A tree that grows line by line, and what is open of it: what the next line can go on with."""

    def __init__(self) -> None:
        self._open: list[tuple[int, _Entries | _Items]] = []
        self._mappings: list[Mapping] = []
        self._lists: list[tuple[_Entries, str, _Items, int, int]] = []
        # The mapping that the last line was in, and the column from 0 of its keys.
        self._entries: _Entries = {}
        self._column = _NOWHERE

    def read(self, lines: list[str]) -> None:
        """Take the lines of a text below its fence."""
        entries, at, new = self._entries, self._column, tuple.__new__
        for number, line in enumerate(lines, 2):
            head, colon, written = line.partition(": ")
            if not colon:
                if line[-1:] != ":":
                    entries, at = self._item(line, number), self._column
                    continue
                head = line[:-1]
            try:
                column, hyphen, key, end = _lead(head)
            except _UnsureError:
                entries, at = self._item(line, number), self._column
                continue
            if hyphen or column != at:
                entries, at = self._turn(column, number, hyphen=hyphen), column
            if key in entries:
                raise _UnsureError
            if written:
                text, plain = _value(written)
                entries[key] = new(Scalar, (text, number, end + 1, plain))
            else:
                entries[key] = Scalar("", number, end, plain=True)

    def root(self) -> Mapping:
        """Return the whole tree, once all lines are read."""
        for owner, key, items, line, column in self._lists:
            owner[key] = Sequence(tuple(items), line, column)
        keys = set().union(*(mapping.entries for mapping in self._mappings))
        names = {key.casefold(): key for key in keys}
        # Two spellings of a key need not meet in one mapping to be left to the strict reader.
        if not names or len(names) < len(keys):
            raise _UnsureError
        if SECURED in names:
            for mapping in self._mappings:
                mapping.entries.pop(names[SECURED], None)
        return self._mappings[0]

    def _item(self, line: str, number: int) -> _Entries:
        """Take a line that is empty or an item, and return the mapping that may go on."""
        if line:
            found = _ITEM.fullmatch(line)
            if not found:
                raise _UnsureError
            text, plain = _value(found[2])
            column = found.end(1)
            self._items(column, number).append(Scalar(text, number, column + 3, plain))
            self._entries, self._column = {}, _NOWHERE
        return self._entries

    def _turn(self, column: int, number: int, *, hyphen: bool) -> _Entries:
        """Return the mapping of a key at `column`, which may begin with it."""
        if hyphen:
            self._items(column - 2, number).append(self._mapping(column, number))
        elif not self._open and not column:
            self._mapping(column, number)
        elif column > self._column and (key := self._pending()):
            owner = self._entries
            owner[key] = self._mapping(column, number)
        else:
            self._entries, self._column = self._back(column, dict), column
        return self._entries

    def _items(self, column: int, number: int) -> _Items:
        """Return the list of an item at `column`, which may begin with it."""
        if column < self._column or not (key := self._pending()):
            return self._back(column, list)
        items: _Items = []
        self._lists.append((self._entries, key, items, number, column + 1))
        self._enter(column, items)
        return items

    def _pending(self) -> str:
        """Return the last key, if the last line gave it no value."""
        key = next(reversed(self._entries), "")
        value = self._entries.get(key)
        return key if type(value) is Scalar and value.plain and not value.text else ""

    def _mapping(self, column: int, number: int) -> Mapping:
        self._entries, self._column = {}, column
        self._enter(column, self._entries)
        mapping = Mapping(self._entries, number, column + 1)
        self._mappings.append(mapping)
        return mapping

    def _enter(self, column: int, collection: _Entries | _Items) -> None:
        self._open.append((column, collection))
        if len(self._open) > MAX_DEPTH:
            raise _UnsureError

    def _back(self, column: int, kind: type[_Kind]) -> _Kind:
        """Close what cannot go on at `column`, and return what does, if it is of this `kind`."""
        while self._open:
            at, collection = self._open[-1]
            if at == column and isinstance(collection, kind):
                return collection
            if at < column:
                break
            self._open.pop()
        raise _UnsureError
