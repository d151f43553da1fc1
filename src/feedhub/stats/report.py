"""The report of a log: who reads which feed and what it costs, built from the counters.

Its dataclasses are the JSON of `feedhub stats --json`, field by field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from feedhub.dates import format_rfc3339, from_timestamp
from feedhub.stats.counters import (
    CodingCounter,
    DocumentCounter,
    FeedRequest,
    ReaderState,
    TrafficCounter,
)
from feedhub.stats.log_lines import SECONDS_PER_DAY
from feedhub.stats.sampling import Estimate, estimate, merge
from feedhub.user_agents import ROBOTS, anonymize

# Full responses of one size after another, without any 304, that are no longer chance.
MIN_REPEATS = 5
# A path that readers requested less often than that is not worth a row.
MIN_NOT_FOUND_REQUESTS = 3
MAX_NOT_FOUND_ROWS, MAX_NAMES_PER_ROW = 50, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Requests and the bytes they cost; `full` and `not_modified` are responses of 200 and 304.

    `not_modified_share` goes from 0 to 1. `bytes_saved` is what the 304s would have cost as full
    responses; of `savings_unknown` of them that cannot be estimated.
    """

    requests: int
    full: int
    not_modified: int
    not_modified_share: float
    bytes_sent: int
    bytes_saved: int
    savings_unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """How many people read: those that services report, and individuals, who fetch themselves.

    `subscribers` is the sum. `error` is the relative standard error of `individuals`, 0 if exact.
    """

    subscribers: int
    reported: int
    individuals: int
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentStats:
    """A feed in one format."""

    format: str
    audience: Audience
    traffic: Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedStats:
    """A feed in all its formats; `title` is "" if it is unknown."""

    feed: str
    title: str
    audience: Audience
    traffic: Traffic
    documents: tuple[DocumentStats, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareStats:
    """A program or service with all its requests; robots have no audience."""

    name: str
    kind: str
    audience: Audience
    requests: int
    not_modified: int
    bytes_sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStats:
    """A day in UTC, as `2026-11-21`."""

    day: str
    requests: int
    not_modified: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredValidators:
    """A program that downloads unchanged feeds in full, again and again.

    `redundant_responses` and `redundant_bytes` are those that a 304 would have spared.
    """

    name: str
    readers: int
    redundant_responses: int
    redundant_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequentPolls:
    """A program that gets feeds in full too often, without validators: `http.poll_limit` meets it.

    `excess_responses` are those that would have been 429.
    """

    name: str
    readers: int
    excess_responses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFoundPath:
    """A path that was requested as a feed and gave none; `was_feed` if it did earlier in the log.

    `readers` are the names of some programs that requested it.
    """

    path: str
    status: int
    requests: int
    last_seen: str
    readers: tuple[str, ...]
    was_feed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficReport:
    """The whole report. Times are RFC 3339, `since` to the minute; "" if the log is empty.

    `requests` is the number of all lines that could be read. `feeds_without_readers` is None if it
    is unknown which feeds the site has. `poll_limit` and `max_age` (seconds) are the limit that
    `frequent_polls` are above.
    """

    since: str
    until: str
    window_days: int
    requests: int
    other_requests: int
    archive_requests: int
    unreadable_lines: int
    audience: Audience
    subscriptions: int
    traffic: Traffic
    feeds: tuple[FeedStats, ...]
    readers: tuple[SoftwareStats, ...]
    robots: tuple[SoftwareStats, ...]
    days: tuple[DayStats, ...]
    feeds_without_readers: tuple[str, ...] | None
    ignore_validators: tuple[IgnoredValidators, ...]
    poll_limit: int
    max_age: int
    frequent_polls: tuple[FrequentPolls, ...]
    not_found: tuple[NotFoundPath, ...]


def build_report(counter: TrafficCounter, *, days: int = 7, unreadable: int = 0) -> TrafficReport:
    """Return the report of a closed counter; readers of the last `days` of the log count."""
    return ReportBuilder(counter, days).build(unreadable)


class ReportBuilder:
    """Builds the report of a closed counter."""

    def __init__(self, counter: TrafficCounter, days: int) -> None:
        self.counter = counter
        self.days = days
        self.window_start = counter.newest - days * SECONDS_PER_DAY
        self.documents = sorted(
            counter.documents.values(), key=lambda document: (document.feed, document.format)
        )

    def build(self, unreadable: int) -> TrafficReport:
        """Return the report."""
        counter = self.counter
        feeds = sorted(self.feeds(), key=lambda row: (-row.audience.subscribers, row.feed))
        traffic = sum_traffic([row.traffic for row in feeds])
        software = sorted(
            self.software(), key=lambda row: (-row.audience.subscribers, -row.requests, row.name)
        )
        return TrafficReport(
            since=format_rfc3339(from_timestamp(counter.oldest)) if counter.newest else "",
            until=format_rfc3339(from_timestamp(counter.newest)) if counter.newest else "",
            window_days=self.days,
            requests=traffic.requests + counter.other_requests + counter.archive_requests,
            other_requests=counter.other_requests,
            archive_requests=counter.archive_requests,
            unreadable_lines=unreadable,
            audience=self.audience(self.documents),
            subscriptions=sum(row.audience.subscribers for row in feeds),
            traffic=traffic,
            feeds=tuple(feeds),
            readers=tuple(row for row in software if row.kind not in ROBOTS),
            robots=tuple(row for row in software if row.kind in ROBOTS),
            days=tuple(
                DayStats(
                    day=from_timestamp(day * SECONDS_PER_DAY).date().isoformat(),
                    requests=requests,
                    not_modified=not_modified,
                )
                for day, (requests, not_modified) in sorted(counter.days.items())
                if requests
            ),
            feeds_without_readers=self.feeds_without_readers(),
            ignore_validators=self.ignore_validators(),
            poll_limit=counter.feeds.poll_limit,
            max_age=counter.feeds.max_age,
            frequent_polls=self.frequent_polls(),
            not_found=self.not_found(),
        )

    def is_recent(self, reader: ReaderState) -> bool:
        """Return whether a reader came within the window."""
        return reader.last_seen > self.window_start

    def audience(self, documents: list[DocumentCounter]) -> Audience:
        """Return the recent readers of documents; an individual who reads two counts once."""
        level, readers = merge([document.individuals for document in documents], self.is_recent)
        reported = sum(self.reported(document).total() for document in documents)
        return make_audience(reported, estimate(len({identity for identity, _ in readers}), level))

    def reported(self, document: DocumentCounter) -> Counter[str]:
        """Return the subscribers by service, 1 for a service that gives no number."""
        reported: Counter[str] = Counter()
        services = [state for state in document.services.values() if self.is_recent(state)]
        for state in services:
            if state.subscribers is not None:
                reported[state.name] += state.subscribers
        for state in services:
            reported.setdefault(state.name, 1)
        return reported

    def feeds(self) -> Iterator[FeedStats]:
        """Yield the feeds with their formats, in order of path."""
        # The documents are sorted by feed, as groupby needs it.
        titles = self.counter.feeds.titles or {}
        for feed, group in groupby(self.documents, key=lambda document: document.feed):
            documents = list(group)
            rows = tuple(
                DocumentStats(
                    format=document.format,
                    audience=self.audience([document]),
                    traffic=document_traffic(document.codings.values()),
                )
                for document in documents
            )
            yield FeedStats(
                feed=anonymize(feed),
                title=titles.get(feed, ""),
                audience=self.audience(documents),
                traffic=sum_traffic([row.traffic for row in rows]),
                documents=rows,
            )

    def software(self) -> Iterator[SoftwareStats]:
        """Yield the programs, services and robots that were sent a feed."""
        individuals = [document.individuals for document in self.documents]
        level, readers = merge(individuals, self.is_recent)
        by_identity = dict(readers)  # a reader of several documents comes several times
        by_name = Counter(state.name for state in by_identity.values())
        reported: Counter[str] = Counter()
        for document in self.documents:
            reported.update(self.reported(document))
        for row in self.counter.visitors.software.values():
            if row.requests:
                yield SoftwareStats(
                    name=row.name,
                    kind=row.kind,
                    audience=make_audience(reported[row.name], estimate(by_name[row.name], level)),
                    requests=row.requests,
                    not_modified=row.not_modified,
                    bytes_sent=row.bytes_sent,
                )

    def feeds_without_readers(self) -> tuple[str, ...] | None:
        """Return the feeds of the site without recent readers, None if its feeds are unknown."""
        titles = self.counter.feeds.titles
        if titles is None:
            return None
        read = {row.feed for row in self.documents if self.audience([row]).subscribers}
        return tuple(feed for feed in titles if feed not in read)

    def ignore_validators(self) -> tuple[IgnoredValidators, ...]:
        """Return the programs that never get a 304 of a document of which others get 304s."""
        readers: Counter[str] = Counter()
        responses: Counter[str] = Counter()
        sent: Counter[str] = Counter()
        for document in self.documents:
            # If no reader gets a 304, the server may be the cause.
            if not any(coding.not_modified for coding in document.codings.values()):
                continue
            weight = 1 << document.individuals.level  # readers per reader of the sample
            states = [(state, weight) for state in document.individuals.states.values()]
            for state, number in [*states, *((s, 1) for s in document.services.values())]:
                if state.repeats >= MIN_REPEATS and not state.not_modified:
                    readers[state.name] += number
                    responses[state.name] += state.repeats * number
                    sent[state.name] += state.repeats * state.size * number
        return tuple(
            IgnoredValidators(
                name=name,
                readers=number,
                redundant_responses=responses[name],
                redundant_bytes=sent[name],
            )
            for name, number in sorted(readers.items(), key=lambda item: (-sent[item[0]], item[0]))
        )

    def frequent_polls(self) -> tuple[FrequentPolls, ...]:
        """Return the programs that poll above the limit and never get a 304; services may."""
        readers: Counter[str] = Counter()
        excess: Counter[str] = Counter()
        for document in self.documents:
            for state in document.individuals.states.values():
                if state.excess and not state.not_modified:
                    readers[state.name] += 1 << document.individuals.level
                    excess[state.name] += state.excess << document.individuals.level
        return tuple(
            FrequentPolls(name=name, readers=readers[name], excess_responses=number)
            for name, number in sorted(excess.items(), key=lambda item: (-item[1], item[0]))
        )

    def not_found(self) -> tuple[NotFoundPath, ...]:
        """Return the paths without a feed that were requested most."""
        rows = sorted(self.counter.not_found.items(), key=lambda item: (-item[1].requests, item[0]))
        return tuple(
            NotFoundPath(
                path=anonymize(request.path),
                status=status,
                requests=counter.requests,
                last_seen=format_rfc3339(from_timestamp(counter.last_seen)),
                readers=tuple(sorted(counter.names)[:MAX_NAMES_PER_ROW]),
                was_feed=self.has_ended(request, counter.last_seen),
            )
            for (request, status), counter in rows[:MAX_NOT_FOUND_ROWS]
            if counter.requests >= MIN_NOT_FOUND_REQUESTS
        )

    def has_ended(self, request: FeedRequest, second: int) -> bool:
        """Return whether a path gave a feed earlier, but not since a second."""
        document = self.counter.documents.get((request.feed, request.format))
        if document is None or request.archive:
            return False
        return second > max(coding.last_sent for coding in document.codings.values())


def make_audience(reported: int, individuals: Estimate) -> Audience:
    """Return the audience of a number that services report and an estimate of individuals."""
    return Audience(
        subscribers=reported + individuals.number,
        reported=reported,
        individuals=individuals.number,
        error=round(individuals.error, 4),
    )


def document_traffic(codings: Iterable[CodingCounter]) -> Traffic:
    """Return the traffic of a document; a 304 saves a full response of median size in its coding.

    If there is none in its coding, the median of all full responses counts.
    """
    codings = list(codings)
    all_sizes: Counter[int] = Counter()
    for coding in codings:
        all_sizes += coding.sizes
    saved = unknown = 0
    for coding in codings:
        size = median(coding.sizes or all_sizes)
        if size is None:
            unknown += coding.not_modified
        else:
            # In a log that counts header fields, 304s may cost more than a small document.
            saved += max(0, coding.not_modified * size - coding.not_modified_bytes)
    full = sum(coding.full for coding in codings)
    not_modified = sum(coding.not_modified for coding in codings)
    requests = full + not_modified + sum(coding.partial for coding in codings)
    return Traffic(
        requests=requests,
        full=full,
        not_modified=not_modified,
        not_modified_share=share_of(not_modified, requests),
        bytes_sent=sum(coding.bytes_sent for coding in codings),
        bytes_saved=saved,
        savings_unknown=unknown,
    )


def sum_traffic(rows: list[Traffic]) -> Traffic:
    """Return the sum of some traffic."""
    requests = sum(row.requests for row in rows)
    not_modified = sum(row.not_modified for row in rows)
    return Traffic(
        requests=requests,
        full=sum(row.full for row in rows),
        not_modified=not_modified,
        not_modified_share=share_of(not_modified, requests),
        bytes_sent=sum(row.bytes_sent for row in rows),
        bytes_saved=sum(row.bytes_saved for row in rows),
        savings_unknown=sum(row.savings_unknown for row in rows),
    )


def share_of(part: int, whole: int) -> float:
    """Return a share from 0 to 1, 0 of nothing, to six digits."""
    return round(part / whole, 6) if whole else 0.0


def median(sizes: Counter[int]) -> int | None:
    """Return the median, of two in the middle the lower one; None if there is no size."""
    left = (sizes.total() + 1) // 2
    for size in sorted(sizes):
        left -= sizes[size]
        if left <= 0:
            return size
    return None
