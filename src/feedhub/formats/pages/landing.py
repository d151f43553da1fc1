"""The front door of a site, and a page for each kind of feed: what there is, counted and dated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from feedhub.feed import KINDS, feed_path, page_path
from feedhub.formats.pages import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from feedhub.feed import Channel

# How many bytes the rows of the front page may take, for the page to stay below 100 KB. It says
# less of each feed where there are many, and what does not fit stands on the page of its kind.
_ROOM = 77_000
# A row of nothing but a link, a count and a date, without its texts; what a box and a link add.
_ROW, _BOX, _LINK = 72, 64, 34
# Where rows are plain, so many feeds of a kind have a box of their own; the script adds the rest.
_BOXES = 50
# What can be combined, by the name of the kind, which is that of the parameter.
_COMBINED = ("topic", "provider")


@dataclass(frozen=True, slots=True)
class Row:
    """A feed on the page: how many articles it leads to, the time of the newest."""

    slug: str
    label: str
    count: int
    newest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What all lists share: the site, where its OPML is, and the path that combines feeds or ""."""

    channel: Channel
    opml_url: str
    search: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """The feeds of one kind as a page shows them.

    `total` is how many there are, `boxed` the slugs of those that can be ticked, and `ticks` tells
    whether all can, with some help of the script.
    """

    kind: str
    heading: str
    folder: str
    rows: Sequence[Row]
    total: int
    ticks: bool
    boxed: frozenset[str]


def encode(front: Front, groups: Mapping[str, Sequence[Row]]) -> bytes:
    """Return the page of the whole site; `groups` are the feeds of each kind, by its name."""
    kinds = {kind: rows for kind, rows in groups.items() if KINDS[kind].heading and rows}
    everything = [row for kind, rows in groups.items() if not KINDS[kind].heading for row in rows]
    links = _links(front, kinds)
    room = _shares({kind: len(rows) for kind, rows in kinds.items()}, _fitting(front, kinds))
    shown = [
        _group(front, kind, _largest(rows, room[kind]), len(rows), _BOXES if links == 0 else None)
        for kind, rows in kinds.items()
    ]
    channel = front.channel
    return write(
        "landing.html.j2",
        channel,
        title=channel.titled(channel.title),
        url=channel.url(""),
        root="",
        everything=everything[:1],
        groups=shown,
        **_shared(front, links),
    )


def encode_kind(front: Front, kind: str, rows: Sequence[Row]) -> bytes:
    """Return the page of all feeds of one kind."""
    channel, known = front.channel, KINDS[kind]
    return write(
        "kind.html.j2",
        channel,
        title=channel.titled(f"{known.heading} · {channel.title}"),
        url=channel.url(f"{known.folder}/"),
        root="../",
        group=_group(front, kind, rows, len(rows)),
        **_shared(front, _links(front, {kind: rows}) or 1),
    )


def _shared(front: Front, links: int) -> dict[str, object]:
    """Return what both templates need to write rows with so many links to documents."""
    formats = front.channel.links.formats
    return {
        "front": front,
        "formats": formats[:links],
        "all_formats": formats,
        "feed_of": lambda kind, slug: quote(feed_path(kind, slug)),
        "page_of": lambda kind, slug: quote(page_path(kind, slug)),
    }


def _group(
    front: Front, kind: str, rows: Sequence[Row], total: int, boxes: int | None = None
) -> _Group:
    ticks = bool(front.search) and kind in _COMBINED
    boxed = _largest(rows, len(rows) if boxes is None else boxes) if ticks else ()
    return _Group(
        kind=kind,
        heading=KINDS[kind].heading,
        folder=KINDS[kind].folder,
        rows=rows,
        total=total,
        ticks=ticks,
        boxed=frozenset(row.slug for row in boxed),
    )


def _links(front: Front, kinds: Mapping[str, Sequence[Row]]) -> int:
    """Return to how many documents each row can link: to all, to one, or, where many, to none."""
    rows = [row for rows in kinds.values() for row in rows]
    slugs = sum(len(quote(row.slug)) + _LINK for row in rows)
    for links in (len(front.channel.links.formats), 1):
        if sum(map(_length, rows)) + _boxes(front, kinds) + links * slugs <= _ROOM:
            return links
    return 0


def _fitting(front: Front, kinds: Mapping[str, Sequence[Row]]) -> int:
    """Return how many rows of the plainest sort there is room for."""
    room = _ROOM - _boxes(front, {kind: _largest(rows, _BOXES) for kind, rows in kinds.items()})
    rows = [row for rows in kinds.values() for row in rows]
    length = sum(map(_length, rows))
    return len(rows) if length <= room else len(rows) * room // length


def _boxes(front: Front, kinds: Mapping[str, Sequence[Row]]) -> int:
    """Return how many bytes it takes to let every row be ticked that can be."""
    boxed = (rows for kind, rows in kinds.items() if front.search and kind in _COMBINED)
    return sum(_length(row) - _ROW + _BOX for rows in boxed for row in rows)


def _length(row: Row) -> int:
    return _ROW + len(quote(row.slug)) + len(row.label.encode())


def _largest(rows: Sequence[Row], room: int) -> Sequence[Row]:
    """Return the feeds of most articles, in the order they are given in."""
    if room >= len(rows):
        return rows
    links = sorted(range(len(rows)), key=lambda place: (-rows[place].count, place))
    return [rows[place] for place in sorted(links[:room])]


def _shares(sizes: Mapping[str, int], room: int) -> dict[str, int]:
    """Divide the room: who needs less than an equal share leaves the rest to the others."""
    shares: dict[str, int] = {}
    for done, (kind, size) in enumerate(sorted(sizes.items(), key=lambda item: item[1])):
        shares[kind] = min(size, room // (len(sizes) - done))
        room -= shares[kind]
    return shares
