"""The shapes of records, each worked out once: which keys stand where, and which may follow.

A record is a mapping with the mappings inside it. Its heads are its lines without their values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from feedhub.sources.tree import SECURED

#: What stands among the heads for a list that gives the key before it its value.
LIST = b"\n\n"

# What stands before a key's colon, the key with it; and where no value follows the rest of a line.
_LEAD = re.compile(rb"( {0,99})(- )?([A-Za-z0-9_][A-Za-z0-9_-]{0,63})(:\n)?")
# Mappings in one another without a list between them.
MAX_TABLES = 3
# A longer record, such as a table of thousands of keys, is no article and is not worth keeping.
_MAX_HEADS = 100
# Heads that are kept, counted again in each shape that has them: about 5 MB at most.
_MAX_KEPT = 50_000
# A column of no key.
_NOWHERE = 1_000


class UnsureError(Exception):
    """What stands here may be outside of the dialect."""


class Lead(NamedTuple):
    """What a head says: the column of its key from 0, and whether a hyphen stands before it.

    `empty` is whether no value follows on the line.
    """

    column: int
    hyphen: bool
    key: str
    empty: bool


# What is refused raises, so that the cache never keeps more of a file than its keys.
@lru_cache(maxsize=1024)
def lead_of(head: bytes) -> Lead:
    """Return what the head of a line with a key says; raises UnsureError for any other."""
    found = _LEAD.fullmatch(head)
    if not found:
        raise UnsureError
    return Lead(found.start(3), bool(found[2]), found[3].decode(), bool(found[4]))


class Table:
    """One mapping of a record: for each of its keys, in order, the index of its head or a Table.

    `first` is the index of the head it begins with, `column` that of its keys, from 0.
    """

    __slots__ = ("column", "first", "keys", "slots")

    def __init__(self, first: int, column: int) -> None:
        self.first = first
        self.column = column
        self.slots: dict[str, int | Table] = {}
        self.keys: tuple[str, ...] = ()


class Shape:
    """What a record's `heads` say so far; `next` has the shapes it has been seen to go on with.

    A list may follow from the column `list_from` on; `column` is that of the record's own keys.
    """

    __slots__ = ("column", "heads", "list_from", "next", "table")

    def __init__(self, heads: tuple[bytes, ...], column: int) -> None:
        self.heads = heads
        self.column = column
        self.next: dict[bytes, Shape] = {}
        self.table = Table(0, column)
        self.list_from = _NOWHERE
        _grow(self)

    def after(self, head: bytes) -> Shape:
        """Return the shape with one more head.

        Raises UnsureError where the head cannot stand there beyond doubt.
        """
        return self.next.get(head) or _learnt(self.next, (*self.heads, head), self.column)


def first_of(head: bytes, column: int) -> Shape:
    """Return the shape of a record in a list that begins with `head`, its key at `column`."""
    return _firsts.get(head) or _learnt(_firsts, (head,), column)


def _learnt(among: dict[bytes, Shape], heads: tuple[bytes, ...], column: int) -> Shape:
    global _kept
    shape = Shape(heads, column)
    if _kept > _MAX_KEPT:
        forget()
    _kept += len(heads)
    among[heads[-1]] = shape
    return shape


def forget() -> None:
    """Let go of every shape; those in use go on, and are learnt anew by the next file."""
    global _kept
    ROOT.next.clear()
    _firsts.clear()
    _kept = 0


def _grow(shape: Shape) -> None:
    """Read all heads of a shape, which has none yet."""
    if len(shape.heads) > _MAX_HEADS:
        raise UnsureError
    open_, pending = [shape.table], ""
    taken: set[tuple[int, str]] = set()
    for index, head in enumerate(shape.heads):
        if head == LIST:
            open_[-1].slots[pending] = index
            pending = ""
            continue
        lead = lead_of(head)
        _make_room(open_, lead, pending, index)
        name = (open_[-1].first, lead.key.casefold())
        if name in taken:
            raise UnsureError
        taken.add(name)
        open_[-1].slots[lead.key] = index
        pending = lead.key if lead.empty else ""
    shape.list_from = open_[-1].column if pending else _NOWHERE
    _seal(shape.table)


def _make_room(open_: list[Table], lead: Lead, pending: str, index: int) -> None:
    """Open the mapping of a key, or close those that end before it."""
    if lead.column > open_[-1].column and pending:
        table = Table(index, lead.column)
        open_[-1].slots[pending] = table
        open_.append(table)
        if len(open_) > MAX_TABLES:
            raise UnsureError
    while open_[-1].column > lead.column and len(open_) > 1:
        open_.pop()
    if open_[-1].column != lead.column:
        raise UnsureError


def _seal(table: Table) -> None:
    """Drop what is secured, and note the other keys."""
    for key in [key for key in table.slots if key.casefold() == SECURED]:
        del table.slots[key]
    table.keys = tuple(table.slots)
    for slot in table.slots.values():
        if isinstance(slot, Table):
            _seal(slot)


#: Of scalars in a list, and of all else that no key can follow.
NOTHING = Shape((), _NOWHERE)
#: Of a file before its first line.
ROOT = Shape((), 0)

_firsts: dict[bytes, Shape] = {}
_kept = 0
