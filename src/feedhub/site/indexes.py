"""What lists the whole site: which documents that are, when each last changed, and its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from feedhub.feed import build_feed, feed_path, page_path
from feedhub.fingerprint import Value, fingerprint, named_values
from feedhub.formats import OPML_MEDIA_TYPE, PAGE_MEDIA_TYPE, WRITERS
from feedhub.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from feedhub.catalog import Catalog
    from feedhub.feed import Feed, FeedState
    from feedhub.formats import Format
    from feedhub.formats.pages.landing import FeedSummary
    from feedhub.site.page_links import PageLinks

OPML_PATH = "feeds.opml"
INDEX_PATH = "index.html"
ICON_PATH = "favicon.svg"
ROBOTS_PATH = "robots.txt"
SITEMAP_PATH = "sitemap.xml"
# Where a server answers combined feeds.
SEARCH_PATH = "search/"
_TYPES = {
    "opml": OPML_MEDIA_TYPE,
    "html": PAGE_MEDIA_TYPE,
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}
# A sitemap holds at most 50,000 addresses and 50 MB (sitemaps.org); addresses may be long.
_SITEMAP_MAX = 25_000


class IndexDocument(NamedTuple):
    """A document that lists the whole site; equal fingerprints mean equal bytes."""

    path: str
    fingerprint: str
    media_type: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """What there is besides the feeds themselves.

    `pages` for people; with them `discovery`, which is what crawlers ask for; and whether a server
    stands behind the pages that `combines` feeds.
    """

    pages: bool
    discovery: bool = False
    combines: bool = False

    def values(self) -> dict[str, Value]:
        """Return what a fingerprint needs of them."""
        return named_values(pages=self.pages, discovery=self.discovery, combines=self.combines)


class Indexes:
    """The lists of what a catalog holds.

    `linking` knows where pages stand, `formats` are what feeds are written as, `mark` stands for
    whatever else lists are made with. `archives` tells whether older articles can be had too.
    """

    def __init__(
        self,
        catalog: Catalog,
        linking: PageLinks,
        formats: Sequence[Format],
        shown: IndexOptions,
        *,
        mark: str,
        archives: bool,
    ) -> None:
        self._catalog = catalog
        self._linking = linking
        self._channel = linking.plain
        # Importers of OPML know XML; JSON is listed only where there is nothing else.
        self._named = next((row for row in formats if row.name != "json"), formats[0])
        self._shown = shown
        self._mark = mark
        self._archives = archives

    def rows(self, states: list[FeedState]) -> Iterator[IndexDocument]:
        """Yield the lists of the feeds whose states are given, archives among them."""
        for path, print_ in self._fingerprints(states):
            media_type = _TYPES[path.rpartition(".")[2]]
            yield IndexDocument(path, print_, media_type, self._catalog.index_changed_at(path))

    def date(self, states: list[FeedState], now: int) -> None:
        """Note when the lists changed; in a fresh catalog, when the newest feed did."""
        newest = max((int(state.changed_at.timestamp()) for state in states), default=0)
        for path, print_ in self._fingerprints(states):
            self._catalog.date_index(path, print_, now=now, first=newest)

    def body(self, path: str, states: list[FeedState]) -> bytes:
        """Build the list at a path from the states of all feeds."""
        shown = [state for state in states if not state.period]
        if path == OPML_PATH:
            return self._opml(shown)
        if path == ROBOTS_PATH:
            return _robots(self._channel.url(SITEMAP_PATH))
        if path == ICON_PATH:
            from feedhub.formats.pages import ICON  # Jinja2, which feeds do not need

            return ICON.encode()
        return self._sitemap(path, shown) if path.endswith(".xml") else self._page(path, shown)

    def address(self, state: FeedState) -> str:
        """Return the public address of a feed in the format that a list names."""
        return self._channel.url(feed_path(state.kind, state.slug) + self._named.suffix)

    def _fingerprints(self, states: list[FeedState]) -> Iterator[tuple[str, str]]:
        """Yield the path of each list, and the fingerprint of its bytes."""
        shown = [state for state in states if not state.period]
        feeds = [(s.kind, s.slug, s.label, int(s.updated.timestamp())) for s in shown]
        yield OPML_PATH, fingerprint(self._mark, feeds)
        if not self._shown.pages:
            return
        options = self._shown.values()
        rows = [
            (s.kind, s.slug, s.label, count, int(s.newest.timestamp()) if s.newest else None)
            for s, count in self._counted(shown)
        ]
        yield INDEX_PATH, fingerprint(self._mark, rows, options)
        for folder, group in groupby(rows, key=lambda row: KINDS[row[0]].folder):
            if folder:
                yield _page_of_folder(folder), fingerprint(self._mark, list(group), options)
        yield ICON_PATH, fingerprint(WRITERS, ICON_PATH)
        if not self._shown.discovery:
            return
        base_url = self._channel.base_url
        if not urlsplit(base_url).path:  # robots.txt is read at the root of a host alone
            yield ROBOTS_PATH, fingerprint(WRITERS, base_url)
        for path, pages in _sitemaps(_pages(shown)):
            part = [(page, int(updated.timestamp())) for page, updated in pages]
            yield path, fingerprint(WRITERS, base_url, part)

    def _counted(self, shown: list[FeedState]) -> list[tuple[FeedState, int]]:
        """Return each feed with how many articles it leads to."""
        if not self._archives:
            return [(state, state.count) for state in shown]
        totals = self._catalog.totals()
        return [(state, totals.get((state.kind, state.slug), state.count)) for state in shown]

    def _opml(self, shown: list[FeedState]) -> bytes:
        from feedhub.formats import opml  # lxml, which a render without changes does not need

        groups: dict[str, list[Feed]] = {}
        for state in shown:
            feeds = groups.setdefault(KINDS[state.kind].heading, [])
            feeds.append(build_feed(self._channel, state, pages=self._shown.pages))
        return opml.encode(self._channel, groups.items(), self._named.suffix)

    def _page(self, path: str, shown: list[FeedState]) -> bytes:
        from feedhub.formats.pages import landing  # Jinja2, which feeds do not need

        groups: dict[str, list[FeedSummary]] = {}
        for state, count in self._counted(shown):
            row = landing.FeedSummary(state.slug, state.label, count, state.newest)
            groups.setdefault(state.kind, []).append(row)
        index = landing.IndexContext(
            channel=self._channel,
            opml_url=self._channel.url(OPML_PATH),
            search=SEARCH_PATH if self._shown.combines else "",
        )
        if path == INDEX_PATH:
            return landing.encode(index, groups)
        (kind,) = (kind for kind in groups if _page_of_folder(KINDS[kind].folder) == path)
        return landing.encode_kind(index, kind, groups[kind])

    def _sitemap(self, path: str, shown: list[FeedState]) -> bytes:
        from feedhub.formats import sitemap  # lxml, which a render without changes does not need

        parts = dict(_sitemaps(_pages(shown)))
        urls = ((self._channel.url(page), at) for page, at in parts[path])
        whole = path == SITEMAP_PATH and len(parts) > 1
        return sitemap.encode_index(urls) if whole else sitemap.encode(urls)


def _pages(shown: list[FeedState]) -> list[tuple[str, datetime]]:
    """Return the path of every page as its address ends, and when what it shows was updated.

    Not when its bytes changed: that is known to one catalog alone.
    """
    lists: dict[str, datetime] = {}
    for state in shown:
        folder = KINDS[state.kind].folder
        for page in ("", f"{folder}/") if folder else ("",):
            lists[page] = max(state.updated, lists.get(page, state.updated))
    return [*lists.items(), *((page_path(s.kind, s.slug), s.updated) for s in shown)]


def _page_of_folder(folder: str) -> str:
    return f"{folder}/{INDEX_PATH}"


def _sitemaps(pages: list[tuple[str, datetime]]) -> list[tuple[str, list[tuple[str, datetime]]]]:
    """Return each sitemap's path and pages; where there are several, one that lists them first."""
    if len(pages) <= _SITEMAP_MAX:
        return [(SITEMAP_PATH, pages)]
    starts = range(0, len(pages), _SITEMAP_MAX)
    parts = [pages[start : start + _SITEMAP_MAX] for start in starts]
    named = [(f"sitemap-{number}.xml", part) for number, part in enumerate(parts, 1)]
    newest = [(path, max(at for _, at in part)) for path, part in named]
    return [(SITEMAP_PATH, newest), *named]


def _robots(sitemap_url: str) -> bytes:
    """Return what crawlers may ask for (RFC 9309); a combined feed may be followed."""
    lines = (
        "# Feed readers are welcome: every feed of this site is listed in feeds.opml.",
        "User-agent: *",
        f"Disallow: /{SEARCH_PATH}",
        "Allow: /",
        "",
        f"Sitemap: {sitemap_url}",
        "",
    )
    return "\n".join(lines).encode()
