"""The first page of a site, the page of each kind of feed, and the page that combines feeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from feedhub.article import Article
from feedhub.feed import Channel, page_path
from feedhub.formats.pages import gettext, linked_data, page_title, write
from feedhub.formats.pages.follow import follow_sheet
from feedhub.formats.pages.items import lead_picture, show
from feedhub.kinds import KINDS

# The newest articles of the first page: one large, some beside it, the others below.
MAX_NEWEST = 12
BESIDE = 5
# The largest feeds of each kind on the first page.
MAX_LARGEST = 12
# A list with no more feeds needs no field to find one.
MIN_FINDABLE = 25
# So many rows of a list have a picture.
MAX_PICTURES = 400
# How many bytes the rows of the page that combines may take, for it to stay below 100 KB; and a row
# of nothing but a box and a count, without its texts.
MAX_ROW_BYTES = 70_000
_ROW_BYTES = 100


@dataclass(frozen=True, slots=True)
class FeedSummary:
    """A feed on the page: how many articles it leads to, and what returns its picture or ""."""

    slug: str
    label: str
    count: int
    picture: Callable[[], str] = str


@dataclass(frozen=True, slots=True)
class Row:
    """A feed in a list: its address, and that of its picture or ""."""

    slug: str
    label: str
    count: int
    url: str
    picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedGroup:
    """Feeds of one kind; `total` is how many there are, `pictured` whether one has a picture."""

    kind: str
    heading: str
    noun: str
    url: str
    rows: Sequence[Row]
    total: int
    pictured: bool


def encode(
    channel: Channel, feeds: Mapping[str, Sequence[FeedSummary]], newest: Sequence[Article]
) -> bytes:
    """Return the first page: the `newest` articles, and the largest feeds of each kind, by name."""
    groups = [
        make_group(channel, kind, largest(rows, MAX_LARGEST), len(rows))
        for kind, rows in feeds.items()
        if KINDS[kind].heading and rows
    ]
    items = [show(article, channel) for article in newest]
    # The large place is for an article with a picture, if one of the first has one.
    lead = next((n for n, item in enumerate(items[: BESIDE + 1]) if item.picture), 0)
    items = [*items[lead : lead + 1], *items[:lead], *items[lead + 1 :]]
    return write(
        "landing.html.j2",
        channel,
        title=channel.display_title(channel.title),
        url=channel.url(""),
        count=sum(row.count for row in feeds.get("all", ())),
        has_feed="all" in feeds,
        lead=items[:1],
        beside=items[1 : BESIDE + 1],
        below=items[BESIDE + 1 :],
        picture=next((image for a in newest if (image := lead_picture(a))), None),
        groups=groups,
        combines=any(KINDS[group.kind].combinable for group in groups),
        follow=follow_sheet(channel, "all", ""),
        linked_data=linked_data.collection(
            channel, channel.url(""), channel.display_title(channel.title), newest
        ),
    )


def encode_kind(channel: Channel, kind: str, rows: Sequence[FeedSummary]) -> bytes:
    """Return the page of all feeds of one kind."""
    known = KINDS[kind]
    return write(
        "kind.html.j2",
        channel,
        title=page_title(channel, known.heading),
        url=channel.url(f"{known.folder}/"),
        group=make_group(channel, kind, by_name(rows), len(rows)),
        findable=len(rows) >= MIN_FINDABLE,
        combines=known.combinable,
    )


def encode_combine(channel: Channel, feeds: Mapping[str, Sequence[FeedSummary]]) -> bytes:
    """Return the page that combines feeds: of each kind those with most articles that fit."""
    kinds = {kind: rows for kind, rows in feeds.items() if KINDS[kind].combinable and rows}
    shares = share_room({kind: len(rows) for kind, rows in kinds.items()}, max_rows(kinds))
    groups = [
        make_group(channel, kind, by_name(largest(rows, shares[kind])), len(rows), pictures=False)
        for kind, rows in kinds.items()
    ]
    return write(
        "combine.html.j2",
        channel,
        title=page_title(channel, gettext("Combine feeds")),
        url=channel.url("combine/"),
        groups=groups,
    )


def make_group(
    channel: Channel,
    kind: str,
    feeds: Sequence[FeedSummary],
    total: int,
    *,
    pictures: bool = True,
) -> FeedGroup:
    """Return a group of feeds; of many only the first have a picture."""
    rows = [
        Row(
            feed.slug,
            feed.label,
            feed.count,
            channel.url(page_path(kind, feed.slug)),
            feed.picture() if pictures and index < MAX_PICTURES else "",
        )
        for index, feed in enumerate(feeds)
    ]
    return FeedGroup(
        kind=kind,
        heading=KINDS[kind].heading,
        noun=KINDS[kind].noun,
        url=channel.url(f"{KINDS[kind].folder}/"),
        rows=rows,
        total=total,
        pictured=any(row.picture for row in rows),
    )


def largest(rows: Sequence[FeedSummary], count: int) -> list[FeedSummary]:
    """Return the feeds of most articles, the largest first."""
    return sorted(rows, key=lambda row: (-row.count, row.slug))[:count]


def by_name(rows: Iterable[FeedSummary]) -> list[FeedSummary]:
    """Return feeds in the order of their names, without case."""
    return sorted(rows, key=lambda row: (row.label.casefold(), row.slug))


def max_rows(kinds: Mapping[str, Sequence[FeedSummary]]) -> int:
    """Return how many rows there is room for."""
    sizes = [
        _ROW_BYTES + len(quote(row.slug)) + len(row.label.encode())
        for rows in kinds.values()
        for row in rows
    ]
    return len(sizes) if sum(sizes) <= MAX_ROW_BYTES else len(sizes) * MAX_ROW_BYTES // sum(sizes)


def share_room(sizes: Mapping[str, int], room: int) -> dict[str, int]:
    """Divide the room: a kind that needs less than an equal share leaves the rest to the others."""
    shares: dict[str, int] = {}
    for done, (kind, size) in enumerate(sorted(sizes.items(), key=lambda item: item[1])):
        shares[kind] = min(size, room // (len(sizes) - done))
        room -= shares[kind]
    return shares
