"""The YAML that robots write, read line by line in a fraction of the time that its events take.

What is not of this dialect beyond doubt is left to `yaml_tree`, which also tells what is wrong.
"""

from __future__ import annotations

import re
from collections import abc
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeAlias

from feedhub.sources.layouts import (
    LIST,
    MAX_TABLES,
    NOTHING,
    ROOT,
    Shape,
    Table,
    UnsureError,
    first_of,
    lead_of,
)
from feedhub.sources.tree import (
    CONTROL,
    MAX_DEPTH,
    MAX_NODES,
    NULLS,
    Mapping,
    Node,
    Scalar,
    Sequence,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = b"---\n"
# A line makes six events at most: `- key: value` may begin and end a list and a mapping.
_MAX_LINES = MAX_NODES // 8
# What libyaml refuses, takes for a line end or skips.
_ODD = re.compile(f"[{CONTROL.pattern[1:-1]}\t\r\x85\u2028\u2029\ufeff]")
# Without the bytes that most of these are made of in UTF-8, a text has but the separators of them.
_RARE = bytes([*range(10), *range(11, 32), 0x7F, 0xC2, 0xEF])
_ITEM = re.compile(rb"( {0,99})- (.+)")
# A value begins with no indicator of YAML, holds neither `: ` nor ` #`, and ends in no colon or
# blank; else it is quoted.
_PLAIN = rb"(?:-?[A-Za-z0-9_\x80-\xff]|[/.+(])(?:[^ :\n]++|:(?=[^ \n])| ++(?=[^ #\n]))*+"
_VALUES = re.compile(
    rb"(?:(?:" + _PLAIN + rb"|\"(?:[^\"\\\n]++|\\\")*+\"|'(?:[^'\n]++|'')*+')\n)*+"
)
_QUOTE, _APOSTROPHE = b"\"'"
# The constructor of a named tuple takes three times as long.
_new = tuple.__new__

# Lists in one another; with MAX_TABLES between them that is no deeper than MAX_DEPTH.
_MAX_LISTS = (MAX_DEPTH - MAX_TABLES) // (MAX_TABLES + 1)

#: A line: what is before its first `: `, that, and what is behind it.
_Line: TypeAlias = tuple[bytes, bytes, bytes]
#: What is in a list as it grows, `Scalar | tuple[Shape, _Places]`: scalars and whole records.
_Items: TypeAlias = list[Any]
#: Where the heads of a record are: the index of the line of each; for LIST a list, and where it
#: begins, line and column from 1: `int | tuple[_Items, int, int]`.
_Places: TypeAlias = list[Any]
#: A list that is open: its column from 0, its items, and the record it is in.
_Frame: TypeAlias = tuple[int, _Items, Shape, _Places]


def read_plain(head: bytes) -> Mapping | None:
    """Return what `read_yaml` returns for `head`, or None wherever that is not beyond doubt."""
    if not head.startswith(_FENCE) or not _is_clean(head):
        return None
    # The last one is empty.
    lines = list(map(bytes.partition, head[len(_FENCE) :].split(b"\n"), repeat(b": ")))
    if len(lines) > _MAX_LINES:
        return None
    try:
        return _Tree(lines).read()
    except UnsureError:
        return None


def _is_clean(head: bytes) -> bool:
    """Say whether YAML takes every character of `head` for what it looks like."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        return False
    if len(head.translate(None, _RARE)) == len(head):
        return "\u2028" not in text and "\u2029" not in text
    return not _ODD.search(text)


def _scalar(written: bytes, line: int, column: int) -> Scalar:
    """Return the scalar that a value, known to be one, is."""
    quote, text = written[0], written.decode()
    if quote == _QUOTE:
        text = text[1:-1].replace('\\"', '"')
    elif quote == _APOSTROPHE:
        text = text[1:-1].replace("''", "'")
    else:
        return _new(Scalar, (text, line, column, True))
    return _new(Scalar, (text, line, column, False))


def text_of(written: bytes) -> str:
    """Return the text of a scalar, or "" where it says nothing, or is seldom written so."""
    text = written.decode()
    if written[:1] == b'"':
        text = text[1:-1].replace('\\"', '"') if b"\\" in written else text[1:-1]
    elif text in NULLS or written[:1] == b"'":
        return ""
    return text.strip() and text


class _Tree:
    """A tree that grows line by line, and the lists that are open in it, the innermost last."""

    def __init__(self, lines: list[_Line]) -> None:
        self._lines = lines
        self._frames: list[_Frame] = []
        # Values to look at closely, all at once.
        self._doubtful: list[bytes] = []

    def read(self) -> Mapping:
        """Return the whole tree; raises UnsureError."""
        shape, doubt = ROOT, self._doubtful.append
        places: _Places = []
        for number, (head, colon, written) in enumerate(self._lines):
            if not written:
                head += b":\n" if colon else b"\n"
            following = shape.next.get(head)
            if following:
                shape = following
                places.append(number)
            elif head != b"\n":
                shape, places = self._turn(number, head, shape, places)
                if not places:
                    continue
            if written:
                if written[0] == _QUOTE:
                    if written.find(b'"', 1) != len(written) - 1 or b"\\" in written:
                        doubt(written)
                elif not written.isalnum():
                    doubt(written)
        return self._root(shape, places)

    def _root(self, shape: Shape, places: _Places) -> Mapping:
        while self._frames:
            shape, places = _closed(self._frames, shape, places)
        values = b"\n".join([*self._doubtful, b""])
        if not places or not _VALUES.fullmatch(values):
            raise UnsureError
        return _mapping(shape.table, places, self._lines)

    def _turn(
        self, number: int, head: bytes, shape: Shape, places: _Places
    ) -> tuple[Shape, _Places]:
        """Take a line that begins or ends a list or a record, or was not seen here before.

        Return the record that may go on, which has no places after a scalar.
        """
        if head.endswith(b"\n") and not head.endswith(b":\n"):
            return self._item(number, shape, places)
        try:
            column, hyphen, _, _ = lead_of(head)
        except UnsureError:
            return self._item(number, shape, places)
        if hyphen:
            self._list(column - 2, number, shape, places)
            return first_of(head, column), [number]
        frames = self._frames
        while column < shape.column and frames:
            shape, places = _closed(frames, shape, places)
        places.append(number)
        return shape.after(head), places

    def _item(self, number: int, shape: Shape, places: _Places) -> tuple[Shape, _Places]:
        """Take an item of a list that has no key."""
        found = _ITEM.fullmatch(b"".join(self._lines[number]))
        if not found:
            raise UnsureError
        column = found.end(1)
        items = self._list(column, number, shape, places)
        self._doubtful.append(found[2])
        items.append(_scalar(found[2], number + 2, column + 3))
        return NOTHING, []

    def _list(self, column: int, number: int, shape: Shape, places: _Places) -> _Items:
        """Return the list of an item at `column`, which may begin with it."""
        frames = self._frames
        if column >= shape.list_from:
            items: _Items = []
            frames.append((column, items, shape.after(LIST), places))
            if len(frames) > _MAX_LISTS:
                raise UnsureError
            places.append((items, number + 2, column + 1))
            return items
        while frames and frames[-1][0] > column:
            shape, places = _closed(frames, shape, places)
        if not frames or frames[-1][0] != column:
            raise UnsureError
        if places:
            frames[-1][1].append((shape, places))
        return frames[-1][1]


def _closed(frames: list[_Frame], shape: Shape, places: _Places) -> tuple[Shape, _Places]:
    """Close the innermost list, and return the record that it is in."""
    _, items, outer, outer_places = frames.pop()
    if places:
        items.append((shape, places))
    return outer, outer_places


def _mapping(table: Table, places: _Places, lines: list[_Line]) -> Mapping:
    first = places[table.first]
    return _new(Mapping, (Entries(table, places, lines), first + 2, table.column + 1))


class Entries(abc.Mapping[str, Node]):
    """The values of one mapping by key; each is made where it is asked for."""

    __slots__ = ("_lines", "_places", "table")

    def __init__(self, table: Table, places: _Places, lines: list[_Line]) -> None:
        self.table = table
        self._places = places
        self._lines = lines

    def __getitem__(self, key: str) -> Node:
        slot = self.table.slots[key]
        if isinstance(slot, Table):
            return _mapping(slot, self._places, self._lines)
        place = self._places[slot]
        if type(place) is int:
            head, _, written = self._lines[place]
            if written:
                return _scalar(written, place + 2, len(head) + 3)
            return Scalar("", place + 2, len(head.removesuffix(b":")) + 2, plain=True)
        return self._sequence(*place)

    def written(self, slots: tuple[int, ...]) -> list[bytes] | None:
        """Return the scalars at several slots as they are written, b"" where one is negative.

        None where a list, or nothing, is written at one of them.
        """
        places, lines, found = self._places, self._lines, []
        for slot in slots:
            if slot < 0:
                found.append(b"")
                continue
            place = places[slot]
            if type(place) is not int or not (written := lines[place][2]):
                return None
            found.append(written)
        return found

    def _sequence(self, items: _Items, line: int, column: int) -> Sequence:
        nodes = [
            item if type(item) is Scalar else _mapping(item[0].table, item[1], self._lines)
            for item in items
        ]
        return Sequence(tuple(nodes), line, column)

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.keys)

    def __len__(self) -> int:
        return len(self.table.keys)

    def __repr__(self) -> str:
        return repr(dict(self))
