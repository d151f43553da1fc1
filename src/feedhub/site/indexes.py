"""The documents that list the whole site: which there are, when each changed, and its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedhub.article import Article
from feedhub.catalog import Catalog, ListedFeed
from feedhub.feed import Channel, Feed, FeedState, build_feed, feed_path, page_path
from feedhub.fingerprint import Value, fingerprint, named_values
from feedhub.formats import OPML_MEDIA_TYPE, PAGE_MEDIA_TYPE, WRITERS, Format
from feedhub.kinds import KINDS, ON_DEMAND_KINDS
from feedhub.messages import is_missing, messages_of
from feedhub.site.months import Months
from feedhub.site.page_links import PageLinks
from feedhub.site.paths import INDEX_PATH, parse_feed_path

if TYPE_CHECKING:
    from feedhub.formats.pages.landing import FeedSummary  # Jinja2, which feeds do not need

OPML_PATH = "feeds.opml"
ICON_PATH = "favicon.svg"
FAVICON_PATH = "favicon.ico"
TOUCH_ICON_PATH = "apple-touch-icon.png"
ROBOTS_PATH = "robots.txt"
# Well-known addresses (RFC 8615): a menu of feeds (draft-nottingham-feed-menu-01), and a list.
FEED_MENU_PATH = ".well-known/feed-menu.json"
WELL_KNOWN_LIST = ".well-known/feeds"
SITEMAP_PATH = "sitemap.xml"
NEWS_PATH = "sitemap-news.xml"
# What a host shows for an address that has no document.
NOT_FOUND_PATH = "404.html"
# Where a server answers searches, and where people combine feeds.
SEARCH_PATH = "search/"
COMBINE_PATH = "combine/index.html"
MEDIA_TYPES = {
    "opml": OPML_MEDIA_TYPE,
    "html": PAGE_MEDIA_TYPE,
    "ico": "image/vnd.microsoft.icon",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}
# The folders of lists.
LIST_FOLDERS = frozenset(kind.folder for kind in KINDS.values() if kind.heading)
# A sitemap holds at most 50,000 addresses and 50 MB (sitemaps.org); addresses may be long.
MAX_SITEMAP = 25_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """Which documents there are besides feeds.

    `pages` are for people; `discovery` adds a sitemap and robots.txt for crawlers, `feed_menu` a
    menu of feeds for readers, `news` a sitemap of the newest articles. `combines` tells whether a
    server answers the form that combines feeds. `indexnow_key` has a file of its own.
    """

    pages: bool
    discovery: bool = False
    combines: bool = False
    feed_menu: bool = False
    news: bool = False
    indexnow_key: str = ""

    def values(self) -> dict[str, Value]:
        """Return the options as values of a fingerprint."""
        return named_values(
            pages=self.pages,
            discovery=self.discovery,
            combines=self.combines,
            feed_menu=self.feed_menu,
            news=self.news,
        )


class Indexes:
    """The documents that list the feeds of a catalog.

    `formats` are those of feeds. `base_fingerprint` is that of everything else that lists are
    made with. `archives` tells whether feeds have archives, whose articles count too. `articles`
    returns the newest articles of a feed, `feeds` all feeds that lists name.
    """

    def __init__(
        self,
        catalog: Catalog,
        page_links: PageLinks,
        formats: Sequence[Format],
        options: IndexOptions,
        *,
        base_fingerprint: str,
        archives: bool,
        months: Months,
        articles: Callable[[FeedState, int], list[Article]],
        feeds: Callable[[], list[ListedFeed]],
    ) -> None:
        self._catalog = catalog
        self._page_links = page_links
        self._months = months
        self._articles = articles
        self._feeds = feeds
        # Importers of OPML know XML; JSON is listed only if there is nothing else.
        self._listed_format = next((known for known in formats if known.name != "json"), formats[0])
        self._options = options
        self._base_fingerprint = base_fingerprint
        self._archives = archives

    @property
    def _channel(self) -> Channel:
        return self._page_links.channel()

    def update(self, now: int, newest_change: Callable[[], int]) -> list[str]:
        """Store which documents there are, and that those with new fingerprints changed `now`.

        Returns the paths of those that changed or are gone. Inside the transaction of a sync. A
        document that is new has the date of the newest feed, which `newest_change` returns.
        """
        changed, paths = [], []
        for path, new_fingerprint in self._fingerprints(self._feeds()):
            is_changed = self._catalog.indexes.update(
                path,
                new_fingerprint,
                now=now,
                first=newest_change,
                media_type=media_type_of(path),
            )
            paths.append(path)
            changed += [path] * is_changed
        return changed + self._catalog.indexes.retain(paths)

    def body(self, path: str) -> bytes:
        """Return the bytes of the document at a path."""
        if path == ROBOTS_PATH:
            paths = (SITEMAP_PATH, NEWS_PATH) if self._options.news else (SITEMAP_PATH,)
            return robots_txt(map(self._channel.url, paths))
        if path.endswith(".txt"):
            return self._options.indexnow_key.encode()
        if path == NOT_FOUND_PATH:
            from feedhub.formats.pages import not_found  # Jinja2, which feeds do not need

            return not_found(self._channel)
        if path in (ICON_PATH, FAVICON_PATH, TOUCH_ICON_PATH):
            from feedhub.formats.pages import read_bytes  # Jinja2, which feeds do not need

            return read_bytes("icon.svg" if path == ICON_PATH else path)
        feeds = self._feeds()
        states = [feed.state for feed in feeds]
        if path == OPML_PATH:
            return self._opml(states)
        if path == NEWS_PATH:
            return self._news(states)
        if path == FEED_MENU_PATH:
            return self._feed_menu(states)
        if path.endswith(".xml"):
            return self._sitemap(path, states)
        return self._page(path, feeds)

    def address(self, state: FeedState) -> str:
        """Return the public address of a feed in the format that a list names."""
        return self._channel.url(feed_path(state.kind, state.slug) + self._listed_format.suffix)

    def _fingerprints(self, feeds: list[ListedFeed]) -> Iterator[tuple[str, str]]:
        """Yield the path of each list, and the fingerprint of its bytes."""
        shown, emptied = [feed.state for feed in feeds], self._emptied()
        outlines = [(s.kind, s.slug, s.label, int(s.updated.timestamp())) for s in shown]
        last = max(emptied.values(), default=None)
        # The list has the date of a feed in it, or else this one.
        date = [int(last.timestamp())] if last and all(s.updated < last for s in shown) else []
        yield OPML_PATH, fingerprint(self._base_fingerprint, outlines, *date)
        # It is looked for at the root of a host, and names RSS and Atom alone.
        at_root = not urlsplit(self._channel.base_url).path
        if self._options.feed_menu and at_root and self._menu_suffixes():
            yield FEED_MENU_PATH, fingerprint(self._base_fingerprint, FEED_MENU_PATH, outlines)
        if key := self._options.indexnow_key:
            yield f"{key}.txt", fingerprint(WRITERS, key)
        if not self._options.pages:
            return
        options, links = self._options.values(), self._page_links.links_fingerprint()
        rows = [
            (
                *(s.kind, s.slug, s.label, count),
                # The front page shows articles, and a list the pictures that articles have.
                s.fingerprint if s.kind == "all" or KINDS[s.kind].picture else "",
            )
            for s, count in map(self._counted, feeds)
        ]
        yield INDEX_PATH, fingerprint(links, rows, options)
        for folder, group in groupby(rows, key=lambda row: KINDS[row[0]].folder):
            if folder:
                yield page_of_folder(folder), fingerprint(links, list(group), options)
        if self._options.combines:
            named = [row for row in rows if KINDS[row[0]].combinable]
            yield COMBINE_PATH, fingerprint(links, named, options)
        yield NOT_FOUND_PATH, fingerprint(links, options)
        yield ICON_PATH, fingerprint(WRITERS, ICON_PATH)
        if not self._channel.icon:
            yield FAVICON_PATH, fingerprint(WRITERS, FAVICON_PATH)
            yield TOUCH_ICON_PATH, fingerprint(WRITERS, TOUCH_ICON_PATH)
        if not self._options.discovery:
            return
        base_url = self._channel.base_url
        if at_root:  # where robots.txt is read
            yield ROBOTS_PATH, fingerprint(WRITERS, base_url, self._options.news)
        everything = all_of(shown)
        if self._options.news and everything:
            yield NEWS_PATH, fingerprint(WRITERS, NEWS_PATH, base_url, everything.fingerprint)
        for path, pages in split_sitemap(pages_of(shown, emptied, self._months.pages(shown))):
            part = [(page, int(updated.timestamp())) for page, updated in pages]
            yield path, fingerprint(WRITERS, base_url, part)

    def _emptied(self) -> dict[str, datetime]:
        """Return when the last feed of each kind left the lists: their dates never go back."""
        return self._catalog.emptied(self._channel.links.kinds)

    def _counted(self, feed: ListedFeed) -> tuple[FeedState, int]:
        """Return a feed with the number of its articles, archives included."""
        return feed.state, feed.articles if self._archives else feed.state.count

    def _menu_suffixes(self) -> dict[str, str]:
        """Return how the addresses of the formats that a menu of feeds knows end, by their name."""
        formats = self._channel.links.formats
        known = {suffix[1:]: suffix for _, _, suffix in formats}
        return {name: known[name] for name in ("rss", "atom") if name in known}

    def _groups(self, states: list[FeedState]) -> dict[str, list[Feed]]:
        """Return the feeds by the heading of their kind, or ""."""
        messages = messages_of(self._channel.language)
        groups: dict[str, list[Feed]] = {}
        for state in states:
            heading = KINDS[state.kind].heading
            heading = messages.gettext(heading) if heading else ""
            # A list cannot mark its headings: without a translation it has none.
            known = messages.is_of(self._channel.language) and not is_missing(heading)
            feeds = groups.setdefault(heading if known else "", [])
            feeds.append(build_feed(self._channel, state, pages=self._options.pages))
        return groups

    def _feed_menu(self, states: list[FeedState]) -> bytes:
        from feedhub.formats import feed_menu  # few sites have one

        return feed_menu.encode(self._channel, self._groups(states), self._menu_suffixes())

    def _opml(self, states: list[FeedState]) -> bytes:
        from feedhub.formats import opml  # lxml, which a render without changes does not need

        groups = self._groups(states)
        emptied = max(self._emptied().values(), default=None)
        suffix = self._listed_format.suffix
        return opml.encode(self._channel, groups.items(), suffix, updated=emptied)

    def _page(self, path: str, feeds: list[ListedFeed]) -> bytes:
        from feedhub.formats.pages import landing  # Jinja2, which feeds do not need

        groups: dict[str, list[FeedSummary]] = {}
        for state, count in map(self._counted, feeds):
            label = KINDS[state.kind].name_of(state.label)
            row = landing.FeedSummary(state.slug, label, count, partial(self._picture, state))
            groups.setdefault(state.kind, []).append(row)
        if path == COMBINE_PATH:
            return landing.encode_combine(self._channel, groups)
        if path == INDEX_PATH:
            everything = all_of([feed.state for feed in feeds])
            newest = self._articles(everything, landing.MAX_NEWEST) if everything else []
            return landing.encode(self._channel, groups, newest)
        (kind,) = (kind for kind in groups if page_of_folder(KINDS[kind].folder) == path)
        return landing.encode_kind(self._channel, kind, groups[kind])

    def _picture(self, state: FeedState) -> str:
        """Return the address of the picture of a feed's label, or ""."""
        picture = KINDS[state.kind].picture
        articles = self._articles(state, 1) if picture else []
        return picture(articles[0]) if picture and articles else ""

    def _news(self, states: list[FeedState]) -> bytes:
        from feedhub.formats import sitemap  # lxml, which a render without changes does not need

        everything = all_of(states)
        newest = self._articles(everything, sitemap.MAX_NEWS) if everything else []
        host = urlsplit(self._channel.base_url).hostname
        own = [article for article in newest if urlsplit(article.url).hostname == host]
        return sitemap.encode_news(own, self._channel.title, self._channel.language)

    def _sitemap(self, path: str, states: list[FeedState]) -> bytes:
        from feedhub.formats import sitemap  # lxml, which a render without changes does not need

        parts = dict(split_sitemap(pages_of(states, self._emptied(), self._months.pages(states))))
        urls = ((self._channel.url(page), at) for page, at in parts[path])
        is_index = path == SITEMAP_PATH and len(parts) > 1
        return sitemap.encode_index(urls) if is_index else sitemap.encode(urls)


def media_type_of(path: str) -> str:
    """Return the media type of a document that lists the site."""
    return "application/json" if path == FEED_MENU_PATH else MEDIA_TYPES[path.rpartition(".")[2]]


def may_exist(path: str) -> bool:
    """Return whether a path has the form of one of the documents that are not built on request.

    Most addresses that nobody has published have not: the catalog need not be asked for them.
    """
    if named := parse_feed_path(path):
        return named.kind not in ON_DEMAND_KINDS
    folder, slash, _ = path.partition("/")
    in_root = not slash and path.rpartition(".")[2] in MEDIA_TYPES
    return in_root or folder in LIST_FOLDERS or path in (COMBINE_PATH, FEED_MENU_PATH)


def all_of(states: list[FeedState]) -> FeedState | None:
    """Return the state of the feed of all articles, if there is one."""
    return next((state for state in states if state.kind == "all"), None)


def pages_of(
    states: list[FeedState], emptied: Mapping[str, datetime], months: Iterable[tuple[str, datetime]]
) -> list[tuple[str, datetime]]:
    """Return the path of every page's address, and when its content was updated.

    Not when its bytes changed: another catalog of the same source would have another date.
    `emptied` is when the last feed of each kind left the lists, `months` are pages of months.
    """
    lists: dict[str, datetime] = {}
    kinds = {state.kind for state in states}  # each has a page, which lists its feeds
    for kind, updated in [*((s.kind, s.updated) for s in states), *emptied.items()]:
        folder = KINDS[kind].folder
        for page in ("", f"{folder}/") if folder and kind in kinds else ("",):
            lists[page] = max(updated, lists.get(page, updated))
    feeds = ((page_path(s.kind, s.slug), s.updated) for s in states)
    return [*lists.items(), *feeds, *months]


def page_of_folder(folder: str) -> str:
    """Return the path of the page of a kind."""
    return f"{folder}/{INDEX_PATH}"


def split_sitemap(
    pages: list[tuple[str, datetime]],
) -> list[tuple[str, list[tuple[str, datetime]]]]:
    """Return the path and the pages of each sitemap; an index of several comes first."""
    if len(pages) <= MAX_SITEMAP:
        return [(SITEMAP_PATH, pages)]
    starts = range(0, len(pages), MAX_SITEMAP)
    parts = [pages[start : start + MAX_SITEMAP] for start in starts]
    named = [(f"sitemap-{number}.xml", part) for number, part in enumerate(parts, 1)]
    newest = [(path, max(at for _, at in part)) for path, part in named]
    return [(SITEMAP_PATH, newest), *named]


def robots_txt(sitemap_urls: Iterable[str]) -> bytes:
    """Return what crawlers may request (RFC 9309): everything but the endless searches."""
    lines = (
        "# Feed readers are welcome: every feed of this site is listed in feeds.opml.",
        "User-agent: *",
        f"Disallow: /{SEARCH_PATH}",
        "Allow: /",
        "",
        *(f"Sitemap: {url}" for url in sitemap_urls),
        "",
    )
    return "\n".join(lines).encode()
