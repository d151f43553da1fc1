"""The landing page of a site, and a page for each kind of feed: its feeds, counted and dated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from feedhub.feed import Channel, feed_path, page_path
from feedhub.formats.pages import write
from feedhub.kinds import KINDS
from feedhub.messages import messages_of

# How many bytes the rows of the landing page may take, for the page to stay below 100 KB. With many
# feeds, rows are shorter; feeds without room are only on the page of their kind.
MAX_ROW_BYTES = 77_000
# A row of nothing but a link, a count and a date, without its texts; what a box and a link add.
_ROW_BYTES, _BOX_BYTES, _LINK_BYTES = 72, 64, 34
# With plain rows, so many feeds of a kind have a box of their own; the script adds the others.
MAX_BOXES = 50


@dataclass(frozen=True, slots=True)
class FeedSummary:
    """A feed on the page: how many articles it leads to, the time of the newest."""

    slug: str
    label: str
    count: int
    newest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexContext:
    """What all lists share: the site, the address of its OPML, and the path of searches or ""."""

    channel: Channel
    opml_url: str
    search: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedGroup:
    """The feeds of one kind as a page shows them.

    `total` is how many there are, `boxed` the slugs of those that can be ticked, and `ticks` tells
    whether all can, with some help of the script.
    """

    kind: str
    heading: str
    folder: str
    rows: Sequence[FeedSummary]
    total: int
    ticks: bool
    boxed: frozenset[str]


def encode(index: IndexContext, feeds: Mapping[str, Sequence[FeedSummary]]) -> bytes:
    """Return the page of the whole site; `feeds` are those of each kind, by its name."""
    kinds = {kind: rows for kind, rows in feeds.items() if KINDS[kind].heading and rows}
    everything = [row for kind, rows in feeds.items() if not KINDS[kind].heading for row in rows]
    links = links_per_row(index, kinds)
    shares = share_room({kind: len(rows) for kind, rows in kinds.items()}, max_rows(index, kinds))
    groups = [
        make_group(
            index, kind, largest(rows, shares[kind]), len(rows), MAX_BOXES if links == 0 else None
        )
        for kind, rows in kinds.items()
    ]
    channel = index.channel
    return write(
        "landing.html.j2",
        channel,
        title=channel.display_title(channel.title),
        url=channel.url(""),
        root="",
        everything=everything[:1],
        groups=groups,
        **shared_values(index, links),
    )


def encode_kind(index: IndexContext, kind: str, rows: Sequence[FeedSummary]) -> bytes:
    """Return the page of all feeds of one kind."""
    channel, known = index.channel, KINDS[kind]
    messages = messages_of(channel.language)
    return write(
        "kind.html.j2",
        channel,
        title=channel.display_title(f"{messages.gettext(known.heading)} · {channel.title}"),
        url=channel.url(f"{known.folder}/"),
        root="../",
        group=make_group(index, kind, rows, len(rows)),
        **shared_values(index, links_per_row(index, {kind: rows}) or 1),
    )


def shared_values(index: IndexContext, links: int) -> dict[str, object]:
    """Return what both templates need to write rows with so many links to documents."""
    formats = index.channel.links.formats
    return {
        "index": index,
        "formats": formats[:links],
        "all_formats": formats,
        "feed_of": lambda kind, slug: quote(feed_path(kind, slug)),
        "page_of": lambda kind, slug: quote(page_path(kind, slug)),
    }


def make_group(
    index: IndexContext,
    kind: str,
    rows: Sequence[FeedSummary],
    total: int,
    max_boxes: int | None = None,
) -> FeedGroup:
    """Return a group with a box for `max_boxes` feeds, or for all."""
    ticks = bool(index.search) and KINDS[kind].combinable
    boxed = largest(rows, len(rows) if max_boxes is None else max_boxes) if ticks else ()
    return FeedGroup(
        kind=kind,
        heading=KINDS[kind].heading,
        folder=KINDS[kind].folder,
        rows=rows,
        total=total,
        ticks=ticks,
        boxed=frozenset(row.slug for row in boxed),
    )


def links_per_row(index: IndexContext, kinds: Mapping[str, Sequence[FeedSummary]]) -> int:
    """Return to how many documents each row can link: to all, to one, or, where many, to none."""
    rows = [row for rows in kinds.values() for row in rows]
    length = sum(map(row_bytes, rows)) + box_bytes(index, kinds)
    slugs = sum(len(quote(row.slug)) + _LINK_BYTES for row in rows)
    for links in (len(index.channel.links.formats), 1):
        if length + links * slugs <= MAX_ROW_BYTES:
            return links
    return 0


def max_rows(index: IndexContext, kinds: Mapping[str, Sequence[FeedSummary]]) -> int:
    """Return how many rows of the plainest sort there is room for."""
    boxed = {kind: largest(rows, MAX_BOXES) for kind, rows in kinds.items()}
    room = MAX_ROW_BYTES - box_bytes(index, boxed)
    rows = [row for rows in kinds.values() for row in rows]
    length = sum(map(row_bytes, rows))
    return len(rows) if length <= room else len(rows) * room // length


def box_bytes(index: IndexContext, kinds: Mapping[str, Sequence[FeedSummary]]) -> int:
    """Return how many bytes it takes to let every row be ticked that can be."""
    boxed = (rows for kind, rows in kinds.items() if index.search and KINDS[kind].combinable)
    return sum(row_bytes(row) - _ROW_BYTES + _BOX_BYTES for rows in boxed for row in rows)


def row_bytes(row: FeedSummary) -> int:
    """Return about how many bytes a row without links to documents takes."""
    return _ROW_BYTES + len(quote(row.slug)) + len(row.label.encode())


def largest(rows: Sequence[FeedSummary], count: int) -> Sequence[FeedSummary]:
    """Return the feeds of most articles, in the order they are given in."""
    if count >= len(rows):
        return rows
    ranked = sorted(range(len(rows)), key=lambda number: (-rows[number].count, number))
    return [rows[number] for number in sorted(ranked[:count])]


def share_room(sizes: Mapping[str, int], room: int) -> dict[str, int]:
    """Divide the room: a kind that needs less than an equal share leaves the rest to the others."""
    shares: dict[str, int] = {}
    for done, (kind, size) in enumerate(sorted(sizes.items(), key=lambda item: item[1])):
        shares[kind] = min(size, room // (len(sizes) - done))
        room -= shares[kind]
    return shares
