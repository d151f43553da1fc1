"""The encoded entries of articles: each is made once for all feeds and formats."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import accumulate, count
from operator import attrgetter
from typing import TYPE_CHECKING, BinaryIO

from cachetools import LRUCache, cachedmethod

from feedhub.article import Article
from feedhub.catalog import Catalog
from feedhub.catalog.records import size_of
from feedhub.feed import Channel
from feedhub.fork_map import fork_map
from feedhub.formats import PAGE, SUBSCRIBED
from feedhub.formats.entries import EncodedEntry, encode_entry

if TYPE_CHECKING:
    from feedhub.formats.pages.feed import PageItem  # Jinja2, which feeds do not need

# Documents that are built one after another mostly have the same articles.
ARTICLE_CACHE_BYTES = 4_000_000
ENTRY_CACHE_BYTES = 12_000_000
PAGE_CACHE_BYTES = 4_000_000
# Fewer entries fit into the caches.
MIN_SPOOLED = 256
# How many articles are written at once: few enough for memory, many enough for the system's calls.
GROUP_SIZE = 32


class EntryStore:
    """Hands out the entries of articles, by the numbers that these have in the catalog.

    `channel` is that of feeds, `page_channel` returns that of pages, `story_articles` the articles
    of a story. What was used last stays in memory until the catalog moves; for a large render all
    entries are written to a file first.
    """

    def __init__(
        self,
        catalog: Catalog,
        channel: Channel,
        page_channel: Callable[[], Channel],
        story_articles: Callable[[str], Iterable[Article]],
    ) -> None:
        self._catalog = catalog
        self._channel = channel
        self._page_channel = page_channel
        self._story_articles = story_articles
        self._articles: LRUCache[int, Article] = LRUCache(ARTICLE_CACHE_BYTES, size_of)
        self._entries: LRUCache[int, EncodedEntry] = LRUCache(
            ENTRY_CACHE_BYTES, lambda entry: sum(map(len, entry.values()))
        )
        self._items: LRUCache[int, PageItem] = LRUCache(
            PAGE_CACHE_BYTES, lambda item: len(item.html)
        )
        # The documents of a story follow one another in a plan.
        self._stories: LRUCache[str, list[EncodedEntry]] = LRUCache(1)
        self._spool: EntrySpool | None = None

    @cachedmethod(attrgetter("_articles"))
    def article(self, number: int) -> Article:
        """Return an article of the catalog."""
        return self._catalog.article(number)

    @cachedmethod(attrgetter("_entries"))
    def entry(self, number: int) -> EncodedEntry:
        """Return an article as feeds hold it."""
        return encode_entry(self.article(number), self._channel)

    @cachedmethod(attrgetter("_items"))
    def page_item(self, number: int) -> PageItem:
        """Return an article as pages show it."""
        from feedhub.formats.pages.feed import PageItem, encode_item

        if self._spool is None:
            return encode_item(self.article(number), self._page_channel())
        return PageItem(self.article(number), self._spool.read(number, PAGE.name).decode())

    @cachedmethod(attrgetter("_stories"))
    def story(self, slug: str) -> list[EncodedEntry]:
        """Return the articles of a story as feeds hold them; most of them have no number."""
        return [encode_entry(article, self._channel) for article in self._story_articles(slug)]

    def entries(self, numbers: Iterable[int], format_name: str) -> list[bytes]:
        """Return articles as the feeds of one format hold them."""
        if self._spool is not None:
            return [self._spool.read(number, format_name) for number in numbers]
        return [self.entry(number)[format_name] for number in numbers]

    @contextmanager
    def spooled(
        self,
        in_feeds: Mapping[int, object],
        on_pages: Mapping[int, object],
        open_file: Callable[[], AbstractContextManager[BinaryIO]],
        processes: int,
        begin: Callable[[], object],
    ) -> Iterator[None]:
        """Serve the entries of these articles, and of no others, from a file, if there are many.

        The keys of `in_feeds` and `on_pages` are the numbers of articles, in the order of use.
        Each is encoded by one of up to `processes` processes, which call `begin` first. All of
        them, and processes that are forked within, can read the file.
        """
        numbers = list(dict.fromkeys([*in_feeds, *on_pages]))
        if len(numbers) < MIN_SPOOLED:
            yield
            return
        groups = [
            numbers[start : start + GROUP_SIZE] for start in range(0, len(numbers), GROUP_SIZE)
        ]
        with open_file() as file:
            spool = EntrySpool(file.fileno(), (*SUBSCRIBED, PAGE.name))

            def forms(number: int) -> Iterator[bytes]:
                article, entry, page = self._catalog.article(number), EncodedEntry(), ""
                if number in in_feeds:
                    entry = encode_entry(article, self._channel)
                if number in on_pages:
                    from feedhub.formats.pages.feed import encode_item

                    page = encode_item(article, self._page_channel()).html
                yield from (entry.get(name, b"") for name in SUBSCRIBED)
                yield page.encode()

            def write(group: Sequence[int]) -> array[int]:
                return spool.write([form for number in group for form in forms(number)])

            with closing(fork_map(write, groups, processes, begin, batch_size=1)) as written:
                for group, bounds in zip(groups, written, strict=True):
                    spool.add(group, bounds)
            self._spool = spool
            try:
                yield
            finally:
                self._spool = None


class EntrySpool:
    """Articles as each of some formats has them, in a file that forked processes share."""

    def __init__(self, descriptor: int, formats: Sequence[str]) -> None:
        self._descriptor = descriptor
        self._formats = formats
        self._slots: dict[int, int] = {}
        # Where each form of each article of a group begins, and where the last one ends. In an
        # array: a forked process would copy the memory of number objects by counting its
        # references to them.
        self._bounds = array("q")

    def write(self, forms: Sequence[bytes]) -> array[int]:
        """Append articles as each format has them, from any process; return begin and ends."""
        body = b"".join(forms)
        # Not flock: processes that share the descriptor would share the lock.
        os.lockf(self._descriptor, os.F_LOCK, 0)
        try:
            begin = end = os.fstat(self._descriptor).st_size
            while body:
                written = os.pwrite(self._descriptor, body, end)
                body, end = body[written:], end + written
        finally:
            os.lockf(self._descriptor, os.F_ULOCK, 0)
        return array("q", accumulate(map(len, forms), initial=begin))

    def add(self, group: Iterable[int], bounds: array[int]) -> None:
        """Note where the articles of a group are, for this process and those it forks later."""
        first = len(self._bounds)
        self._slots.update(zip(group, count(first, len(self._formats)), strict=False))
        self._bounds.extend(bounds)

    def read(self, number: int, format_name: str) -> bytes:
        """Return an article as a format has it."""
        slot = self._slots[number] + self._formats.index(format_name)
        begin, end = self._bounds[slot : slot + 2]
        return os.pread(self._descriptor, end - begin, begin)
