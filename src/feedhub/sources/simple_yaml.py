"""A fast reader of simple YAML, line by line, in a fraction of the time that libyaml's events take.

It takes what programs write: block mappings, lists and one-line values. For everything else it
returns None, and the strict reader (`yaml_tree`) reads the text and says what is wrong. What it
takes it reads exactly as the strict reader does; tests hold the two together.

Files of one site repeat their records (a mapping and the mappings in it): the same keys in the same
order. A `Layout` is what the key parts of a record's lines say, worked out once and looked up for
every record like it. The key part of a line is all of it but the value:

    title: "A"              b"title"        the record of the file, up to its list
    images:                 b"images:\\n"    followed by LIST
      - url: "a.png"        b"  - url"      a record in the list
        width: 50           b"    width"
"""

from __future__ import annotations

import re
from collections import abc
from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

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

_FENCE = b"---\n"
# A line makes six events at most: `- key: value` may begin and end a list and a mapping.
MAX_LINES = MAX_NODES // 8
# Mappings in one another without a list between them.
MAX_MAPPINGS = 3
# Lists in one another; with MAX_MAPPINGS between them that is no deeper than MAX_DEPTH.
MAX_LISTS = (MAX_DEPTH - MAX_MAPPINGS) // (MAX_MAPPINGS + 1)
# A longer record, such as a table of thousands of keys, is no article and not worth a layout.
MAX_KEYS = 100
# Key parts in all cached layouts, counted in each that has them: about 5 MB at most.
MAX_CACHED_KEYS = 50_000

# Characters that libyaml refuses, takes for a line end or skips.
_ODD = re.compile(f"[{CONTROL.pattern[1:-1]}\t\r\x85\u2028\u2029\ufeff]")
# Most of these contain one of these bytes in UTF-8; without them, only U+2028 and U+2029 are left.
_RARE = bytes([*range(10), *range(11, 32), 0x7F, 0xC2, 0xEF])
# Indentation, hyphen and key, up to the colon; a line end after the colon says there is no value.
_KEY_PART = re.compile(rb"( {0,99})(- )?([A-Za-z0-9_][A-Za-z0-9_-]{0,63})(:\n)?")
_ITEM = re.compile(rb"( {0,99})- (.+)")
# A value begins with no indicator of YAML, holds neither `: ` nor ` #`, and ends in no colon or
# blank; else it is quoted.
_PLAIN = rb"(?:-?[A-Za-z0-9_\x80-\xff]|[/.+(])(?:[^ :\n]++|:(?=[^ \n])| ++(?=[^ #\n]))*+"
_VALUES = re.compile(
    rb"(?:(?:" + _PLAIN + rb"|\"(?:[^\"\\\n]++|\\\")*+\"|'(?:[^'\n]++|'')*+')\n)*+"
)
_QUOTE, _APOSTROPHE, _BACKSLASH = b"\"'\\"
# The constructor of a named tuple takes three times as long.
_new = tuple.__new__

#: Stands among the key parts for a list that is the value of the key before it.
LIST = b"\n\n"
# The column of a layout without keys.
NO_COLUMN = 1_000

#: A line cut at its first `: `: the key part, that separator, and the value.
Line: TypeAlias = tuple[bytes, bytes, bytes]
#: The items of a list as it grows: `Scalar | tuple[Layout, Positions]`, a tuple for a record.
Items: TypeAlias = list[Any]
#: Where each key part of a record is: the index of its line; for LIST the items of the list with
#: line and column of its start, from 1: `int | tuple[Items, int, int]`.
Positions: TypeAlias = list[Any]


class NotSimpleYamlError(Exception):
    """The text may not be simple YAML; the strict reader must read it."""


class KeyLine(NamedTuple):
    """A parsed key part: the column of its key from 0, and whether a hyphen stands before it.

    `has_value` is whether a value follows on the line.
    """

    column: int
    hyphen: bool
    key: str
    has_value: bool


# Other lines raise, because exceptions are not cached: the cache keeps only keys, never values.
@lru_cache(maxsize=1024)
def parse_key_line(key_part: bytes) -> KeyLine:
    """Return what the key part of a line says; raises NotSimpleYamlError for any other line."""
    found = _KEY_PART.fullmatch(key_part)
    if not found:
        raise NotSimpleYamlError
    return KeyLine(found.start(3), bool(found[2]), found[3].decode(), not found[4])


class MappingLayout:
    """One mapping of a record: the index of the key part of each key, or the mapping below it.

    `first` is the index of the first key part, `column` that of the keys, from 0.
    """

    __slots__ = ("column", "first", "indexes", "names", "own")

    def __init__(self, first: int, column: int) -> None:
        self.first = first
        self.column = column
        self.indexes: dict[str, int | MappingLayout] = {}
        self.names: tuple[str, ...] = ()
        self.own: tuple[int, ...] = ()  # the indexes of keys without a mapping below

    def finish(self) -> None:
        """Remove `secured` keys at every depth: their values must not stay in memory."""
        for key, index in list(self.indexes.items()):
            if key.casefold() == SECURED:
                del self.indexes[key]
            elif isinstance(index, MappingLayout):
                index.finish()
        self.names = tuple(self.indexes)
        self.own = tuple(index for index in self.indexes.values() if isinstance(index, int))


class Layout:
    """The parsed key parts of a record so far; `next` caches the layouts with one part more.

    `column` is that of the record's own keys. A list may follow from `list_column` on.
    """

    __slots__ = ("column", "key_parts", "list_column", "mapping", "next")

    def __init__(self, key_parts: tuple[bytes, ...], column: int) -> None:
        if len(key_parts) > MAX_KEYS:
            raise NotSimpleYamlError
        self.key_parts = key_parts
        self.column = column
        self.next: dict[bytes, Layout] = {}
        self.mapping = MappingLayout(0, column)
        # The mappings that are open, and the key that waits for the value on the next lines.
        stack, pending = [self.mapping], ""
        taken: set[tuple[int, str]] = set()
        for index, key_part in enumerate(key_parts):
            if key_part == LIST:
                stack[-1].indexes[pending] = index
                pending = ""
                continue
            line = parse_key_line(key_part)
            if line.column > stack[-1].column and pending:
                below = MappingLayout(index, line.column)
                stack[-1].indexes[pending] = below
                stack.append(below)
            while stack[-1].column > line.column and len(stack) > 1:
                stack.pop()
            name = (stack[-1].first, line.key.casefold())
            if stack[-1].column != line.column or name in taken or len(stack) > MAX_MAPPINGS:
                raise NotSimpleYamlError
            taken.add(name)
            stack[-1].indexes[line.key] = index
            pending = "" if line.has_value else line.key
        self.list_column = stack[-1].column if pending else NO_COLUMN
        self.mapping.finish()

    def after(self, key_part: bytes) -> Layout:
        """Return the layout with one more key part; raises NotSimpleYamlError if that cannot be."""
        known = self.next.get(key_part)
        return known or cache_layout(self.next, (*self.key_parts, key_part), self.column)


#: The layout of a scalar in a list: no key can follow it.
SCALAR = Layout((), NO_COLUMN)
#: The layout of a file before its first line.
ROOT = Layout((), 0)
# The layouts of records in lists, by their first key part.
_item_layouts: dict[bytes, Layout] = {}
_cached_keys = 0


def cache_layout(layouts: dict[bytes, Layout], key_parts: tuple[bytes, ...], column: int) -> Layout:
    """Return a new layout, which `layouts` has from now on; clear the cache if it is full."""
    global _cached_keys
    layout = Layout(key_parts, column)
    if _cached_keys > MAX_CACHED_KEYS:
        clear_layouts()
    _cached_keys += len(key_parts)
    layouts[key_parts[-1]] = layout
    return layout


def clear_layouts() -> None:
    """Empty the cache of layouts; those in use stay valid."""
    global _cached_keys
    ROOT.next.clear()
    _item_layouts.clear()
    _cached_keys = 0


def read_simple_yaml(head: bytes) -> Mapping | None:
    """Return what `read_yaml` returns for `head`, or None wherever that is not certain."""
    if not head.startswith(_FENCE) or not has_only_usual_characters(head):
        return None
    # The last one is empty.
    lines = list(map(bytes.partition, head[len(_FENCE) :].split(b"\n"), repeat(b": ")))
    if len(lines) > MAX_LINES:
        return None
    try:
        return SimpleYamlReader(lines).read()
    except NotSimpleYamlError:
        return None


def has_only_usual_characters(head: bytes) -> bool:
    """Return whether `head` is UTF-8 and YAML takes each of its characters for what it looks."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        return False
    if len(head.translate(None, _RARE)) == len(head):
        return "\u2028" not in text and "\u2029" not in text
    return not _ODD.search(text)


class SimpleYamlReader:
    """Reads the lines of one block; the innermost of the open lists is the last."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines
        # Column from 0, items, and the layout and positions of the record the list is in.
        self._lists: list[tuple[int, Items, Layout, Positions]] = []
        # Values to check at the end, all at once.
        self._unchecked: list[bytes] = []

    def read(self) -> Mapping:
        """Return the tree; raises NotSimpleYamlError."""
        layout, check_later = ROOT, self._unchecked.append
        positions: Positions = []
        for number, (key_part, colon, value) in enumerate(self._lines):
            if not value:
                key_part += b":\n" if colon else b"\n"
            following = layout.next.get(key_part)
            if following:
                layout = following
                positions.append(number)
            elif key_part != b"\n":
                layout, positions = self._add_line(number, key_part, layout, positions)
                if not positions:
                    continue
            if value:
                if value[0] == _QUOTE:
                    # Of a number, not of bytes: that looks for them eight times as fast.
                    if value.find(b'"', 1) != len(value) - 1 or _BACKSLASH in value:
                        check_later(value)
                elif not value.isalnum():
                    check_later(value)
        while self._lists:
            layout, positions = self._close_list(layout, positions)
        if not positions or not _VALUES.fullmatch(b"\n".join([*self._unchecked, b""])):
            raise NotSimpleYamlError
        return make_mapping(layout.mapping, positions, self._lines)

    def _add_line(
        self, number: int, key_part: bytes, layout: Layout, positions: Positions
    ) -> tuple[Layout, Positions]:
        """Add a line that begins or ends a list or a record, or that no layout has here yet.

        Returns the record that may go on, which has no positions after a scalar.
        """
        record = _item_layouts.get(key_part)
        if record:
            self._find_list(record.column - 2, number, layout, positions)
            return record, [number]
        if key_part.endswith(b"\n") and not key_part.endswith(b":\n"):
            return self._add_scalar_item(number, layout, positions)
        try:
            column, hyphen, _, _ = parse_key_line(key_part)
        except NotSimpleYamlError:
            return self._add_scalar_item(number, layout, positions)
        if hyphen:
            self._find_list(column - 2, number, layout, positions)
            return cache_layout(_item_layouts, (key_part,), column), [number]
        while column < layout.column and self._lists:
            layout, positions = self._close_list(layout, positions)
        positions.append(number)
        return layout.after(key_part), positions

    def _add_scalar_item(
        self, number: int, layout: Layout, positions: Positions
    ) -> tuple[Layout, Positions]:
        found = _ITEM.fullmatch(b"".join(self._lines[number]))
        if not found:
            raise NotSimpleYamlError
        column = found.end(1)
        items = self._find_list(column, number, layout, positions)
        self._unchecked.append(found[2])
        items.append(make_scalar(found[2], number + 2, column + 3))
        return SCALAR, []

    def _find_list(self, column: int, number: int, layout: Layout, positions: Positions) -> Items:
        """Return the list of an item at `column`; the item may be its first."""
        lists = self._lists
        if column >= layout.list_column:
            items: Items = []
            lists.append((column, items, layout.after(LIST), positions))
            if len(lists) > MAX_LISTS:
                raise NotSimpleYamlError
            positions.append((items, number + 2, column + 1))
            return items
        while lists and lists[-1][0] > column:
            layout, positions = self._close_list(layout, positions)
        if not lists or lists[-1][0] != column:
            raise NotSimpleYamlError
        if positions:
            lists[-1][1].append((layout, positions))
        return lists[-1][1]

    def _close_list(self, layout: Layout, positions: Positions) -> tuple[Layout, Positions]:
        """Close the innermost list with its last record; return the record that it is in."""
        _, items, outer_layout, outer_positions = self._lists.pop()
        if positions:
            items.append((layout, positions))
        return outer_layout, outer_positions


def make_scalar(value: bytes, line: int, column: int) -> Scalar:
    """Return the scalar of a value that is known to be one."""
    quote = value[0]
    if quote == _QUOTE:
        text = value[1:-1].decode()
        return _new(Scalar, (text.replace('\\"', '"'), line, column, False))
    if quote == _APOSTROPHE:
        text = value[1:-1].decode()
        return _new(Scalar, (text.replace("''", "'"), line, column, False))
    return _new(Scalar, (value.decode(), line, column, True))


def make_mapping(layout: MappingLayout, positions: Positions, lines: list[Line]) -> Mapping:
    """Return a mapping whose values are made when they are read."""
    first = positions[layout.first]
    entries = LazyEntries(layout, positions, lines)
    return _new(Mapping, (entries, first + 2, layout.column + 1))


class LazyEntries(abc.Mapping[str, Node]):
    """The values of one mapping by key; each is made when it is read, for most never are."""

    __slots__ = ("_layout", "_lines", "_positions")

    def __init__(self, layout: MappingLayout, positions: Positions, lines: list[Line]) -> None:
        self._layout = layout
        self._positions = positions
        self._lines = lines

    def __getitem__(self, key: str) -> Node:
        index = self._layout.indexes[key]
        if isinstance(index, MappingLayout):
            return make_mapping(index, self._positions, self._lines)
        position = self._positions[index]
        if type(position) is int:
            key_part, _, value = self._lines[position]
            if not value:
                column = len(key_part.removesuffix(b":")) + 2
                return _new(Scalar, ("", position + 2, column, True))
            if value[0] == _QUOTE:  # as most are: what `make_scalar` does, without the call
                text = value[1:-1].decode().replace('\\"', '"')
                return _new(Scalar, (text, position + 2, len(key_part) + 3, False))
            return make_scalar(value, position + 2, len(key_part) + 3)
        items, line, column = position
        nodes = [
            item if type(item) is Scalar else make_mapping(item[0].mapping, item[1], self._lines)
            for item in items
        ]
        return Sequence(tuple(nodes), line, column)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layout.indexes)

    def __len__(self) -> int:
        return len(self._layout.indexes)

    def __repr__(self) -> str:
        return repr(dict(self))


def texts_of(entries: abc.Mapping[str, Node]) -> tuple[object, ...] | None:
    """Return what is equal for equal mappings of one-line values, or None for other mappings."""
    if type(entries) is not LazyEntries or len(entries._layout.own) < len(entries._layout.names):
        return None
    lines, positions = entries._lines, entries._positions
    try:
        return entries._layout.names, *[lines[positions[index]][2] for index in entries._layout.own]
    except TypeError:  # the value of a key is a list
        return None


def names_of(entries: abc.Mapping[str, Node]) -> tuple[str, ...]:
    """Return the keys of a mapping, as written and in order."""
    return entries._layout.names if type(entries) is LazyEntries else tuple(entries)
