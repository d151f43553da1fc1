"""The source that is a built site: list the entries of its feeds, read each with its page."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from feedhub.errors import ArticleError, ConfigError, Problem
from feedhub.feed_reader import ParsedEntry
from feedhub.fingerprint import Value, fingerprint, named_values
from feedhub.sources import ReadOptions, ReadResult, SourceFile, SourceMemory
from feedhub.sources.adopted_ids import AdoptedIds
from feedhub.sources.built import discovery
from feedhub.sources.built.additions import MAX_SIDE_FILE_BYTES, read_additions, side_file_of
from feedhub.sources.built.archive import ArchiveMemory, find_older_pages
from feedhub.sources.built.articles import EntryPage, read_entry
from feedhub.sources.built.discovery import find_feeds, matches
from feedhub.sources.built.entries import SiteEntry, pair, unique_entries
from feedhub.sources.built.folder import MAX_PAGE_BYTES, SiteFolder, trusted_stamp
from feedhub.sources.built.messages import (
    SUMMARIES_ONLY,
    archive_messages,
    has_summary_only,
    missing_message,
)
from feedhub.sources.built.pages import PageFacts, PageMemory, facts_of, parse_page
from feedhub.sources.files import FilesSource

# Raise it when the same bytes are read differently by newer code.
READER_VERSION = 3
# A minifier drops the end tag; but where the others have one and a young page has none, it is
# being written.
_TAIL_BYTES = 1024


class BuiltMemory(Struct, frozen=True, array_like=True):
    """What is kept of the pages of entries, and of all pages if the archive is read.

    `dates` are those of the entries, with their feeds. `reader` is the version that wrote it.
    """

    pages: dict[str, PageMemory] = {}
    archive: ArchiveMemory = ArchiveMemory()
    dates: dict[str, tuple[str, int]] = {}
    reader: int = 0


class ListedEntry(NamedTuple):
    """An entry that the last scan has yielded, with the facts of its page and its stamp."""

    entry: SiteEntry
    facts: PageFacts
    image: str
    stamp: str


_memory = msgspec.msgpack.Decoder(BuiltMemory)


class BuiltSource:
    """The articles of a built site.

    `memory` is what the catalog keeps between two scans: the ids that pages had, and what is known
    of each page, so that one is parsed only when its bytes have changed.
    """

    def __init__(self, address: Path, options: ReadOptions) -> None:
        self.memory = SourceMemory()
        self._address = address
        self._files = FilesSource(address, options)
        self._folder = SiteFolder(self._files.key)
        self._options = options
        self._listed: dict[str, ListedEntry] = {}
        self._pages: dict[str, PageMemory] = {}
        self._archive: ArchiveMemory | None = None  # before the first look
        self._problems: list[Problem] = []
        self._known_ids: dict[str, str] | None = None  # those before the first scan

    @property
    def key(self) -> str:
        """Return the real path of the folder."""
        return self._files.key

    @property
    def collection(self) -> str:
        """Return "": its name is in no id."""
        return ""

    @property
    def adopted(self) -> AdoptedIds:
        """Return the ids of a feed that the site had before its own."""
        return self._options.adopted

    @property
    def signature(self) -> str:
        """Return a text that changes when the same bytes would be read differently."""
        options, built = self._options, self._options.built
        values = named_values(
            root=self.key,
            authority=options.authority,
            base_url=options.base_url,
            zone=str(options.zone),
            feed=built.feed,
            content=built.content,
            article=built.article,
            remove=built.remove,
            date=built.date,
            archive=built.archive,
            adopted=options.adopted.fingerprint,
        )
        return fingerprint("built", READER_VERSION, values)

    def check(self) -> None:
        """Raise ConfigError where there is no folder."""
        self._files.check()

    def locate(self, path: str) -> str:
        """Return the path of a page as it continues the path of the folder."""
        return self._files.locate(path)

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every entry of the site's feeds, by the path of its page.

        A generator empties the folder and writes for a while: what is not whole yet is looked at
        again when nothing has changed for two seconds. Raises ConfigError where it still is not.
        """
        try:
            self._look()
            is_whole = not self._has_open_page() and not any(self._lost_pages())
        except ConfigError:
            is_whole = False
        if not is_whole:
            self._folder.wait_until_quiet()
            self._look()
        yield from self._problems
        yield from self._new_ids()
        for path in sorted(self._listed):
            yield SourceFile(path, self._listed[path].stamp.encode())
        self._remember()

    def _new_ids(self) -> Iterator[Problem]:
        """Yield a problem for each page that had another id: readers take it for a new article."""
        if self._known_ids is None:
            self._known_ids = self.memory.ids
        for path, listed in self._listed.items():
            before, entry = self._known_ids.get(path), listed.entry.entry
            if before not in (None, entry.id) and not self.adopted.find(path, entry.link):
                message = "the feed has another id for this page than before: readers see it as new"
                yield Problem(path=path, level="warning", code="id-changed", message=message)

    def settle(self) -> None:
        """Wait until nothing in the site has changed for two seconds."""
        self._folder.wait_until_quiet()

    def _look(self) -> None:
        """List the entries of the feeds and look at their pages."""
        built = self._options.built
        self._folder.forget()
        self._problems = []
        entries, prefix = self._pair()
        if self._archive is None:
            known_before = recall(self.memory)
            self._pages, self._archive = known_before.pages, known_before.archive
        known, self._pages = self._pages, {}
        for entry in entries:
            if entry.page and entry.page not in self._pages:
                self._pages[entry.page] = self._page(entry.page, known.get(entry.page))
        # A check says what there is, though it is not published.
        if entries and (built.archive or self._options.unknown_keys):
            entries += self._older_entries(entries, prefix)
        self._list(entries)
        if built.content == "auto":
            self._tell_of_summaries()

    def _tell_of_summaries(self) -> None:
        """Add a problem if most entries are much shorter than their pages."""
        listed = [each for each in self._listed.values() if each.entry.page]
        listed = [each for each in listed if not each.entry.is_older]
        short = [each for each in listed if has_summary_only(each.entry.entry, each.facts)]
        if len(short) * 2 > len(listed):
            path = short[0].entry.feed
            problem = Problem(path=path, level="info", code="summaries", message=SUMMARIES_ONLY)
            self._problems.append(problem)

    def _pair(self) -> tuple[list[SiteEntry], str]:
        """Return the entries of all feeds, and the path below which the site is mounted."""
        built = self._options.built
        feeds = find_feeds(
            self._folder, paths=built.feed, languages=built.languages, zone=self._options.zone
        )
        entries: list[SiteEntry] = []
        prefix = ""
        for feed in feeds:
            pairing = pair(self._folder, feed.path, feed.content, feed.language, built.exclude)
            entries += pairing.entries
            prefix = prefix or pairing.prefix
            total = len(feed.content.entries)
            if repeated := len(pairing.entries) - len(unique_entries(pairing.entries)):
                message = f"{repeated} of {total} entries have the id of an earlier one: left out"
                problem = Problem(path=feed.path, level="warning", code="same-id", message=message)
                self._problems.append(problem)
            if pairing.missing:
                message = missing_message(pairing.missing, total)
                if not pairing.entries:
                    raise ConfigError(f"{self._folder.root}/{feed.path}:1: {message}")
                problem = Problem(path=feed.path, level="warning", code="no-page", message=message)
                self._problems.append(problem)
        return unique_entries(entries), prefix

    def _older_entries(self, entries: list[SiteEntry], prefix: str) -> list[SiteEntry]:
        """Return the entries of older pages if they are wanted; add a problem that counts them."""
        archive = find_older_pages(
            self._folder,
            entries,
            {path: page.hash for path, page in self._pages.items()},
            self._archive or ArchiveMemory(),
            ids=self.memory.ids,
            prefix=prefix,
            exclude=self._options.built.exclude,
            zone=self._options.zone,
        )
        self._archive = archive.memory
        messages = archive_messages(archive, len(entries), wanted=self._options.built.archive)
        for code, message in messages:
            problem = Problem(path=entries[0].feed, level="info", code=code, message=message)
            self._problems.append(problem)
        if not self._options.built.archive:
            return []
        for entry in archive.older:
            self._pages[entry.page] = archive.memory.pages[entry.page].page
        return archive.older

    def _page(self, path: str, known: PageMemory | None) -> PageMemory:
        """Return what there is to know of a page; it is read only if its status has changed."""
        stamp = trusted_stamp(self._folder.status(path))
        if known and stamp and known.status == stamp:
            return known
        data = self._folder.read_or_nothing(path)
        digest = blake2b(data, digest_size=16).digest()
        is_known = known is not None and known.hash == digest
        facts = known.facts if known and is_known else facts_of(parse_page(data))
        return PageMemory(stamp, digest, facts)

    def _list(self, entries: list[SiteEntry]) -> None:
        """Note the entries with their stamps, which cover all that an article is made of."""
        built = self._options.built
        images = Counter(page.facts.image for page in self._pages.values())
        self._listed = {}
        for entry in entries:
            page = self._pages.get(entry.page, PageMemory())
            # A picture that most pages share is the site's, not the article's.
            is_shared = images[page.facts.image] * 2 > len(self._pages) > 1
            image = "" if is_shared else page.facts.image
            language = language_of(entry, page.facts.language)
            if built.languages and language and not matches(language, built.languages):
                continue
            stamp = fingerprint(
                entry_values(entry.entry),
                language,
                image,
                page.facts.meta,
                self._side_file(entry),
                entry.text,
                page.hash if self._needs_page(entry) else b"",
            )
            listed = ListedEntry(entry._replace(language=language), page.facts, image, stamp)
            self._listed[entry.path] = listed

    def _needs_page(self, entry: SiteEntry) -> bool:
        """Return whether an article is made of more than the head of its page."""
        built = self._options.built
        has_date = entry.entry.published or entry.entry.updated
        return entry.is_older or built.content == "page" or bool(built.date and not has_date)

    def _side_file(self, entry: SiteEntry) -> bytes:
        try:
            return self._folder.read(side_file_of(entry.page), MAX_SIDE_FILE_BYTES)
        except OSError:  # nearly always: there is none
            return b""

    def _has_open_page(self) -> bool:
        """Return whether the text of a page is needed that may still be being written."""
        if self._options.built.content != "page":
            return False
        young = [path for path, page in self._pages.items() if not page.status]
        return any(
            b"</html" not in self._folder.read_or_nothing(path)[-_TAIL_BYTES:].lower()
            for path in young
        )

    def _remember(self) -> None:
        """Keep the ids that pages have, and what is known of the pages.

        An entry that has left the end of its feed keeps its id as long as its page is there; one
        that has left it elsewhere was withdrawn, and nothing of it stays.
        """
        known = recall(self.memory).dates
        entries = [listed.entry for listed in self._listed.values() if listed.entry.page]
        dates = {
            entry.path: (entry.feed, int(entry.entry.published.timestamp()))
            for entry in entries
            if entry.entry.published and not entry.is_older
        }
        oldest: dict[str, int] = {}
        for feed, date in dates.values():
            oldest[feed] = min(date, oldest.get(feed, date))

        def is_withdrawn(path: str) -> bool:
            feed, date = known.get(path, ("", 0))
            return date > oldest.get(feed, date)

        lost = set(self._lost_pages())
        ids = {
            path: identity
            for path, identity in self.memory.ids.items()
            if path not in lost and not is_withdrawn(path)
        }
        ids |= {entry.path: entry.entry.id for entry in entries if entry.entry.id}
        pages = {path: self._pages[path] for path in self._pages if not self._is_older(path)}
        archive = self._archive or ArchiveMemory()
        memory = BuiltMemory(pages, archive, dates, READER_VERSION)
        self.memory = SourceMemory(ids=ids, cache=msgspec.msgpack.encode(memory))

    def _lost_pages(self) -> Iterator[str]:
        """Yield the paths that have an id, are no longer in a feed and have no file any more."""
        for path in self.memory.ids.keys() - self._listed.keys():
            names = (path, path.rpartition("#")[0])  # entries that share a page differ behind it
            if not any(map(self._folder.status, names)):
                yield path

    def _is_older(self, path: str) -> bool:
        return path in self._listed and self._listed[path].entry.is_older

    def read(self, path: str, now: datetime) -> ReadResult:
        """Read one entry with its page; a bad one is a rejected ReadResult, never an exception."""
        if path not in self._listed:
            list(self.scan())
        try:
            listed = self._listed[path]
            entry = listed.entry
            root = None
            if entry.page and self._needs_page(entry):
                root = parse_page(self._folder.read(entry.page, MAX_PAGE_BYTES))
            side_file = self._side_file(entry)
            zone = self._options.zone
            page = EntryPage(
                entry=entry,
                root=root,
                language=entry.language,
                image=listed.image,
                additions=read_additions(entry.page, listed.facts.meta, side_file, zone),
            )
            return read_entry(page, self._options, now)
        except ArticleError as error:
            problem = error.at(path)
        except OSError as error:
            message = f"cannot be read: {error.strerror or type(error).__name__}"
            problem = Problem(path=path, code="unreadable", message=message)
        except Exception as error:  # one bad page must never stop the others
            message = f"the page cannot be read ({type(error).__name__}): please report it"
            problem = Problem(path=path, code="unexpected", message=message)
        return ReadResult(state="rejected", problems=(problem,))

    def watch(self, stop: threading.Event, output: Path | None = None) -> Iterator[set[str] | None]:
        """Yield, several times a second until `stop` is set, None if something changed."""
        return self._files.watch_all(stop, output, lambda path: "other")


def looks_built(address: str | Path) -> bool:
    """Return whether there is a built site at an address."""
    return discovery.looks_built(SiteFolder(os.path.realpath(address)))


def entry_values(entry: ParsedEntry) -> tuple[Value, ...]:
    """Return the values of an entry for a fingerprint."""
    published, updated = entry.published, entry.updated
    return (
        entry.id,
        entry.link,
        entry.title,
        astuple(entry.summary),
        astuple(entry.content),
        published.timestamp() if published else None,
        updated.timestamp() if updated else None,
        [(author.name, author.url) for author in entry.authors],
        entry.categories,
        [astuple(enclosure) for enclosure in entry.enclosures],
        entry.language,
    )


def language_of(entry: SiteEntry, page_language: str) -> str:
    """Return the language of an entry.

    One feed may have entries in all languages of a site. A page counts that is in another than the
    home page; one in the same may have it from a theme that says so everywhere.
    """
    home, page = entry.home_language, page_language
    if not entry.entry.language and home and page and home[:2].lower() != page[:2].lower():
        return page
    return entry.language or page


def recall(memory: SourceMemory) -> BuiltMemory:
    """Return what the memory knows; nothing of pages where another version has written it."""
    try:
        known = _memory.decode(memory.cache)
    except msgspec.MsgspecError:
        return BuiltMemory()
    return known if known.reader == READER_VERSION else BuiltMemory(dates=known.dates)
