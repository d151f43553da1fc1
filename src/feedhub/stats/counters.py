"""Counters of a log's traffic: which feed each request is for, and what came of it.

Memory has a bound whatever a log holds, and each distinct value of the log is decoded only once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

from feedhub.formats import SUBSCRIBED
from feedhub.stats.log_lines import SECONDS_PER_DAY, LogRow, minute_to_seconds, parse_request
from feedhub.stats.readers import Visitor, VisitorRegistry
from feedhub.stats.sampling import Sample
from feedhub.user_agents import ROBOTS

# Readers that are counted exactly: of one document, and of all documents together.
MAX_DOCUMENT_READERS, MAX_READERS = 32_768, 300_000
# Services of one document, and of all documents together.
MAX_DOCUMENT_SERVICES, MAX_SERVICES = 5_000, 100_000
MAX_DOCUMENTS, MAX_NOT_FOUND, MAX_NOT_FOUND_READERS = 20_000, 4_000, 100
# Distinct sizes of one document in one coding; more are rounded down to within one percent.
MAX_SIZES = 100
MAX_PATH_LENGTH = 500
DEFAULT_POLL_LIMIT = 5  # for a server that has none: whom a limit would meet
# The cache of parsed requests: how many, and the longest that is worth its memory.
MAX_CACHED_TARGETS, MAX_CACHED_TARGET_LENGTH = 16_384, 500
# Bytes that pollers may take before their counts are merged, and those of one without its strings.
MAX_POLLER_BYTES, POLLER_BYTES = 64_000_000, 500

# A status is bytes in rows of the combined format, else a number.
_OK, _NOT_MODIFIED = frozenset({200, b"200"}), frozenset({304, b"304"})
_PARTIAL = frozenset({206, 226, b"206", b"226"})
_SECONDS: dict[object, int] = {0: 0} | {b"%02d" % number: number for number in range(62)}
_CODINGS = frozenset({"br", "gzip", "zstd", "deflate", "identity"})
# Scanners, which try paths at random, mostly claim to be browsers.
_SCANNERS = frozenset({"browser", *ROBOTS})

_FORMAT_BY_SUFFIX = {row.suffix: row.name for row in SUBSCRIBED.values()}
_ARCHIVE_MONTH = re.compile(r"/\d{4}-\d{2}$")
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
# Paths that people and programs try for feeds, besides our own suffixes.
_COMMON_FEED_PATH = re.compile(
    r"(?:^|/)(?:feed|feeds|rss|atom|rdf|index\.rdf|(?=[^/]*?(?:feed|rss|atom))[^/]*\.(?:xml|php)"
    r"|index\.xml)/?$",
    re.IGNORECASE,
)


class FeedRequest(NamedTuple):
    """What a request is for.

    `path` is the requested one, without query and the site's prefix. `feed` is a path without
    suffix such as `topics/ai`; it and `format` are "" if the path has no suffix of ours.
    """

    path: str
    feed: str = ""
    format: str = ""
    archive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFeeds:
    """The feeds of a site: the path of its base URL, and the feeds that have moved.

    `titles` holds the title of every feed by its path, or is None if the feeds are unknown. A
    reader may get a document in full `poll_limit` times within `max_age` seconds.
    """

    prefix: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] | None = None
    max_age: int = 900
    poll_limit: int = DEFAULT_POLL_LIMIT

    def parse_target(self, target: str) -> FeedRequest | None:
        """Return what a request target is for, or None if it cannot be meant as a feed."""
        path = unquote(_ORIGIN.sub("", target, count=1).partition("?")[0].partition("#")[0])
        if not path.startswith(f"{self.prefix}/") or len(path) > MAX_PATH_LENGTH:
            return None
        path = path[len(self.prefix) + 1 :]
        stem, dot, suffix = path.rpartition(".")
        name = _FORMAT_BY_SUFFIX.get(dot + suffix)
        if name is None or not stem:
            return FeedRequest(path) if _COMMON_FEED_PATH.search(path) else None
        archive = _ARCHIVE_MONTH.search(stem)
        feed = stem[: archive.start()] if archive else stem
        return FeedRequest(path, self.moved.get(feed, feed), name, archive is not None)


class ReaderState:
    """What is known of one reader of one document; `last_seen` in seconds since 1970.

    `repeats` counts full responses of the same size as the one before, `excess` those that came
    too soon. `subscribers` is the newest number that the reader gave, at `reported_at`; None if it
    never gave one.
    """

    __slots__ = (
        "excess",
        "last_seen",
        "name",
        "not_modified",
        "polls",
        "repeats",
        "reported_at",
        "size",
        "subscribers",
        "window_ends",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = -1
        self.subscribers: int | None = None
        self.last_seen = self.reported_at = self.repeats = self.not_modified = 0
        self.excess = self.polls = self.window_ends = 0

    def count_full(self, second: int, size: int, max_age: int, limit: int) -> None:
        """Count a full response, of which there may be `limit` in each window of `max_age`."""
        self.repeats += size == self.size
        self.size = size
        # The first one begins a window, as in a server; older lines may follow.
        if not self.window_ends - max_age <= second < self.window_ends:
            self.window_ends, self.polls = second + max_age, 0
        self.polls += 1
        self.excess += self.polls > limit


@dataclass(slots=True)
class CodingCounter:
    """Responses with one document in one content coding; `sizes` are those of full ones, in bytes.

    `bytes_sent` is the size of all responses, `not_modified_bytes` that of the 304s among them.
    `last_sent` is when the last response was sent, in seconds since 1970.
    """

    full: int = 0
    partial: int = 0
    not_modified: int = 0
    bytes_sent: int = 0
    not_modified_bytes: int = 0
    last_sent: int = 0
    sizes: Counter[int] = field(default_factory=Counter)

    def add_full(self, size: int) -> None:
        """Count a full response of a size in bytes."""
        self.full += 1
        if size not in self.sizes and len(self.sizes) >= MAX_SIZES:
            shift = max(0, size.bit_length() - 8)  # eight bits are within one percent
            size = size >> shift << shift
        self.sizes[size] += 1


@dataclass(slots=True)
class DocumentCounter:
    """A feed in one format; `services` fetch for many people and are never sampled."""

    feed: str
    format: str
    codings: dict[str, CodingCounter] = field(default_factory=dict)
    services: dict[int, ReaderState] = field(default_factory=dict)
    individuals: Sample[ReaderState] = field(default_factory=lambda: Sample(MAX_DOCUMENT_READERS))


@dataclass(slots=True)
class NotFoundCounter:
    """Requests for one path that got one status and no feed; `last_seen` in seconds since 1970."""

    requests: int = 0
    last_seen: int = 0
    names: set[str] = field(default_factory=set)


class Target:
    """A distinct request; its counters are set once a response shows that the feed exists."""

    __slots__ = ("coding", "counter", "document", "request")

    def __init__(self, request: FeedRequest, coding: str) -> None:
        self.request = request
        self.coding = coding
        self.document: DocumentCounter | None = None
        self.counter: CodingCounter | None = None


class Poller:
    """A distinct visitor, user agent and target: what one reader polls.

    Its 304s, the bulk of a log, are counted here and merged into the other counters at the end.
    """

    __slots__ = ("bytes_sent", "counter", "last_seen", "not_modified", "state", "target", "visitor")

    def __init__(self, target: Target, visitor: Visitor) -> None:
        self.target = target
        self.visitor = visitor
        self.counter = target.counter
        self.state: ReaderState | None = None
        self.last_seen = self.bytes_sent = self.not_modified = 0


class TrafficCounter:
    """All counters of one run: call `add` with rows, then `close`."""

    def __init__(self, feeds: SiteFeeds) -> None:
        self.feeds = feeds
        self.documents: dict[tuple[str, str], DocumentCounter] = {}
        self.not_found: dict[tuple[FeedRequest, int], NotFoundCounter] = {}
        self.days: dict[int, list[int]] = {}  # requests, and 304s among them
        self.visitors = VisitorRegistry()
        self.other_requests = self.archive_requests = 0
        self.oldest, self.newest = 1 << 62, 0
        self._readers = self._services = self._poller_bytes = 0
        self._targets: dict[Any, Target | None] = {}
        self._pollers: dict[tuple[Any, Any, Any], Poller | None] = {}

    def add(self, rows: Iterable[LogRow]) -> None:
        """Count rows, in any order."""
        # The loop runs for every line: attributes are locals, and the 304 of a known reader,
        # which is nine lines of ten, is counted without a call.
        pollers, newest = self._pollers, self.newest
        last_minute: Any = None
        last_zone: Any = None
        minute_start, day = 0, [0, 0]
        for address, minute, second_text, zone, request, status, size, agent in rows:
            if minute != last_minute or zone != last_zone:
                last_minute, last_zone = minute, zone
                minute_start = minute_to_seconds(minute, zone)
                # JSON rows have their whole time here, so it is cut to the minute.
                self.oldest = min(self.oldest, minute_start - minute_start % 60)
                day = self.days.setdefault(minute_start // SECONDS_PER_DAY, [0, 0])
            second = minute_start + _SECONDS[second_text]
            if second > newest:
                newest = second
            try:
                poller = pollers[request, address, agent]
            except KeyError:
                poller = self._add_poller(request, address, agent)
            if poller is None:
                self.other_requests += 1
            elif poller.state is not None and status in _NOT_MODIFIED:
                poller.not_modified += 1
                poller.bytes_sent += int(size or 0)
                if second > poller.last_seen:
                    poller.last_seen = second
                day[0] += 1
                day[1] += 1
            elif self._count(poller, second, status, int(size or 0)):
                day[0] += 1
                day[1] += status in _NOT_MODIFIED
        self.newest = newest

    def close(self) -> None:
        """Merge the counts of all pollers into those of documents, readers and software."""
        for poller in self._pollers.values():
            if poller is None or poller.counter is None or poller.state is None:
                continue
            state, visitor, counter = poller.state, poller.visitor, poller.counter
            # Lines come in any order, and one reader may have several pollers.
            state.last_seen = max(state.last_seen, poller.last_seen)
            state.not_modified += poller.not_modified
            if visitor.subscribers is not None and poller.last_seen >= state.reported_at:
                state.reported_at, state.subscribers = poller.last_seen, visitor.subscribers
            counter.last_sent = max(counter.last_sent, poller.last_seen)
            counter.not_modified += poller.not_modified
            counter.bytes_sent += poller.bytes_sent
            counter.not_modified_bytes += poller.bytes_sent
            visitor.software.requests += poller.not_modified
            visitor.software.not_modified += poller.not_modified
            visitor.software.bytes_sent += poller.bytes_sent
        self._pollers.clear()
        self._poller_bytes = 0

    def _add_poller(self, request: Any, address: Any, agent: Any) -> Poller | None:
        """Return a new poller, None if the request is for no feed."""
        # Pollers are only a cache in front of the other counters.
        if self._poller_bytes >= MAX_POLLER_BYTES:
            self.close()
        length = len(request) if isinstance(request, bytes) else sum(map(len, request))
        if request in self._targets:
            target = self._targets[request]
        else:
            method, path, coding = parse_request(request)
            parsed = self.feeds.parse_target(path) if method == "GET" else None
            target = Target(parsed, coding if coding in _CODINGS else "") if parsed else None
            if length <= MAX_CACHED_TARGET_LENGTH:
                if len(self._targets) >= MAX_CACHED_TARGETS:
                    self._targets.clear()
                self._targets[request] = target
        poller = Poller(target, self.visitors.visitor(address, agent)) if target else None
        if poller is not None and poller.target.document is not None:
            poller.state = self._reader_state(poller.target.document, poller.visitor)
        self._pollers[request, address, agent] = poller
        self._poller_bytes += POLLER_BYTES + len(address) + len(agent) + length
        return poller

    def _count(self, poller: Poller, second: int, status: Any, size: int) -> bool:
        """Count any response but the 304 of a known reader; return whether a feed gave it."""
        if not (status in _OK or status in _NOT_MODIFIED or status in _PARTIAL):
            self._count_not_found(poller, int(status), second)
            return False
        if poller.counter is None or poller.state is None:
            document = self._open_document(poller.target)
            if document is None:
                return False
            poller.counter = poller.target.counter
            poller.state = self._reader_state(document, poller.visitor)
        poller.last_seen = max(poller.last_seen, second)
        if status in _NOT_MODIFIED:
            poller.not_modified += 1
            poller.bytes_sent += size
            return True
        assert poller.counter  # noqa: S101 - the document is open
        poller.visitor.software.requests += 1
        poller.visitor.software.bytes_sent += size
        poller.counter.bytes_sent += size
        if status in _OK:
            poller.counter.add_full(size)
            poller.state.count_full(second, size, self.feeds.max_age, self.feeds.poll_limit)
        else:
            poller.counter.partial += 1
        return True

    def _open_document(self, target: Target) -> DocumentCounter | None:
        """Set the counters of a target and return the document's; None if it has none."""
        request = target.request
        if request.archive:
            self.archive_requests += 1
            return None
        key = (request.feed, request.format)
        no_room = key not in self.documents and len(self.documents) >= MAX_DOCUMENTS
        if not request.format or no_room:
            self.other_requests += 1
            return None
        document = target.document = self.documents.setdefault(key, DocumentCounter(*key))
        target.counter = document.codings.setdefault(target.coding, CodingCounter())
        return document

    def _reader_state(self, document: DocumentCounter, visitor: Visitor) -> ReaderState:
        """Return the state of a visitor as a reader of a document.

        That of robots, and of readers for whom there is no room, is stored nowhere.
        """
        states = document.services if visitor.is_service else document.individuals.states
        state = states.get(visitor.identity)
        if state is not None:
            return state
        state = ReaderState(visitor.software.name)
        if visitor.is_service:
            if len(states) < MAX_DOCUMENT_SERVICES and self._services < MAX_SERVICES:
                states[visitor.identity] = state
                self._services += 1
        elif visitor.identity:
            self._readers += document.individuals.add(visitor.identity, state)
            # An upper limit: samples that halve by themselves do not lower it.
            if self._readers > MAX_READERS:
                self._shrink_samples()
        return state

    def _shrink_samples(self) -> None:
        """Sample the readers of the largest documents, so that those of small ones stay exact."""
        samples = [document.individuals for document in self.documents.values()]
        self._readers = sum(len(sample.states) for sample in samples)
        # A quarter becomes free at once, so that this is done rarely.
        while self._readers > MAX_READERS * 3 // 4:
            largest = max(samples, key=lambda sample: len(sample.states))
            self._readers -= len(largest.states)
            largest.halve()
            self._readers += len(largest.states)

    def _count_not_found(self, poller: Poller, status: int, second: int) -> None:
        """Count a response without a feed; leave out robots and scanners."""
        self.other_requests += 1
        software = poller.visitor.software
        if software.kind in _SCANNERS:
            return
        counter = self.not_found.setdefault((poller.target.request, status), NotFoundCounter())
        counter.requests += 1
        counter.last_seen = max(counter.last_seen, second)
        if len(counter.names) < MAX_NOT_FOUND_READERS:
            counter.names.add(software.name)
        if len(self.not_found) > MAX_NOT_FOUND:
            # Half at once: sorting for every new path would take too long.
            by_requests = sorted(self.not_found.items(), key=lambda item: -item[1].requests)
            self.not_found = dict(by_requests[: MAX_NOT_FOUND // 2])
