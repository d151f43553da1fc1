"""A report is made of what was counted."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from feedhub.dates import format_rfc3339, from_timestamp
from feedhub.stats.distinct import count, union
from feedhub.stats.lines import DAY
from feedhub.stats.readers import ROBOTS, shown
from feedhub.stats.report import (
    AstrayRow,
    Audience,
    DayRow,
    DocumentRow,
    FeedRow,
    HeedlessRow,
    ReaderRow,
    Report,
    Served,
    audience,
    served,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feedhub.stats.addresses import Asked
    from feedhub.stats.counts import Tally
    from feedhub.stats.documents import Coded, Document, Reader

# Full answers of one length after another, and never a 304: chance no more.
_REPEATS = 5
# How often an address must be asked for to be worth a word, and how many are told.
_OFTEN, _MOST_TOLD, _NAMES_TOLD = 3, 50, 3


def report(tally: Tally, *, days: int = 7, unreadable: int = 0) -> Report:
    """Return what a closed tally tells; readers count who came in the `days` before its end."""
    return _Reporting(tally, days).report(unreadable)


class _Reporting:
    def __init__(self, tally: Tally, days: int) -> None:
        self._tally = tally
        self._days = days
        self._after = tally.newest - days * DAY
        self._documents = sorted(
            tally.documents.values(), key=lambda document: (document.feed, document.format)
        )

    def report(self, unreadable: int) -> Report:
        tally = self._tally
        rows = sorted(self._feeds(), key=lambda row: (-row.audience.subscribers, row.feed))
        whole = together([row.served for row in rows])
        software = sorted(self._software(), key=_by_use)
        return Report(
            since=format_rfc3339(from_timestamp(tally.oldest)) if tally.newest else "",
            until=format_rfc3339(from_timestamp(tally.newest)) if tally.newest else "",
            window_days=self._days,
            answers=whole.requests + tally.others + tally.archives,
            others=tally.others,
            archives=tally.archives,
            unreadable=unreadable,
            audience=self._audience(self._documents),
            subscriptions=sum(row.audience.subscribers for row in rows),
            served=whole,
            feeds=tuple(rows),
            readers=tuple(row for row in software if row.kind not in ROBOTS),
            robots=tuple(row for row in software if row.kind in ROBOTS),
            days=_days(tally.days),
            unread=self._unread(),
            heedless=self._heedless(),
            astray=self._astray(),
        )

    def _feeds(self) -> Iterable[FeedRow]:
        titles = self._tally.addresses.titles or {}
        for feed, documents in groupby(self._documents, key=lambda document: document.feed):
            every = list(documents)
            rows = tuple(
                DocumentRow(
                    format=document.format,
                    audience=self._audience([document]),
                    served=_served(document.coded),
                )
                for document in every
            )
            yield FeedRow(
                feed=shown(feed),
                title=titles.get(feed, ""),
                audience=self._audience(every),
                served=together([row.served for row in rows]),
                documents=rows,
            )

    def _came(self, reader: Reader) -> bool:
        return reader.second > self._after

    def _audience(self, documents: list[Document]) -> Audience:
        """Return who read any of the documents lately; a single reader of two counts once."""
        level, readers = union([document.singles for document in documents], self._came)
        reported = sum(self._reported(document).total() for document in documents)
        return audience(reported, count(len({identity for identity, _ in readers}), level))

    def _reported(self, document: Document) -> Counter[str]:
        """Return for how many people each service asked lately: for one if it never told."""
        reported: Counter[str] = Counter()
        lately = [reader for reader in document.services.values() if self._came(reader)]
        for reader in lately:
            if reader.subscribers is not None:
                reported[reader.name] += reader.subscribers
        for reader in lately:
            reported.setdefault(reader.name, 1)
        return reported

    def _software(self) -> Iterable[ReaderRow]:
        level, readers = union([document.singles for document in self._documents], self._came)
        names = dict(readers)
        single = Counter(reader.name for reader in names.values())
        reported: Counter[str] = Counter()
        for document in self._documents:
            reported.update(self._reported(document))
        for row in self._tally.visitors.software.values():
            if row.requests:
                yield ReaderRow(
                    name=row.name,
                    kind=row.kind,
                    audience=audience(reported[row.name], count(single[row.name], level)),
                    requests=row.requests,
                    unchanged=row.unchanged,
                    sent=row.sent,
                )

    def _unread(self) -> tuple[str, ...] | None:
        titles = self._tally.addresses.titles
        if titles is None:
            return None
        read = {row.feed for row in self._documents if self._audience([row]).subscribers}
        return tuple(feed for feed in titles if feed not in read)

    def _heedless(self) -> tuple[HeedlessRow, ...]:
        """Return who never gets a 304 of a feed that others get 304s of."""
        readers: Counter[str] = Counter()
        answers: Counter[str] = Counter()
        sent: Counter[str] = Counter()
        for document in self._documents:
            if not any(coded.unchanged for coded in document.coded.values()):
                continue
            level = document.singles.level
            singles = [(reader, 1 << level) for reader in document.singles.states.values()]
            for reader, many in [*singles, *((r, 1) for r in document.services.values())]:
                if reader.repeats >= _REPEATS and not reader.unchanged:
                    readers[reader.name] += many
                    answers[reader.name] += reader.repeats * many
                    sent[reader.name] += reader.repeats * reader.size * many
        return tuple(
            HeedlessRow(name=name, readers=many, answers=answers[name], sent=sent[name])
            for name, many in sorted(readers.items(), key=lambda item: (-sent[item[0]], item[0]))
        )

    def _astray(self) -> tuple[AstrayRow, ...]:
        often = sorted(self._tally.astray.items(), key=lambda item: (-item[1].requests, item[0]))
        rows = [
            AstrayRow(
                path=shown(asked.path),
                status=status,
                requests=astray.requests,
                newest=format_rfc3339(from_timestamp(astray.newest)),
                names=tuple(sorted(astray.names)[:_NAMES_TOLD]),
                was=not asked.archive and self._ended(asked, astray.newest),
            )
            for (asked, status), astray in often[:_MOST_TOLD]
            if astray.requests >= _OFTEN
        ]
        return tuple(rows)

    def _ended(self, asked: Asked, second: int) -> bool:
        """Tell whether there was a document, but none since a moment."""
        document = self._tally.documents.get((asked.feed, asked.format))
        return document is not None and second > max(c.newest for c in document.coded.values())


def _by_use(row: ReaderRow) -> tuple[int, int, str]:
    return -row.audience.subscribers, -row.requests, row.name


def _served(coded: dict[str, Coded]) -> Served:
    """Return what a document took; a 304 saves as much as a median answer in its coding."""
    every: Counter[int] = Counter()
    for answers in coded.values():
        every += answers.sizes
    saved = unpriced = 0
    for answers in coded.values():
        price = _median(answers.sizes or every)
        if price is None:
            unpriced += answers.unchanged
        else:
            saved += max(0, answers.unchanged * price - answers.sent_unchanged)
    full = sum(answers.full for answers in coded.values())
    unchanged = sum(answers.unchanged for answers in coded.values())
    partial = sum(answers.partial for answers in coded.values())
    return served(
        requests=full + partial + unchanged,
        full=full,
        unchanged=unchanged,
        sent=sum(answers.sent for answers in coded.values()),
        saved=saved,
        unpriced=unpriced,
    )


def _median(sizes: Counter[int]) -> int | None:
    """Return the median, of two in the middle the lower one."""
    left = (sizes.total() + 1) // 2
    for size in sorted(sizes):
        left -= sizes[size]
        if left <= 0:
            return size
    return None


def _days(counted: dict[int, list[int]]) -> tuple[DayRow, ...]:
    return tuple(
        DayRow(
            day=from_timestamp(day * DAY).date().isoformat(), requests=requests, unchanged=unchanged
        )
        for day, (requests, unchanged) in sorted(counted.items())
        if requests
    )
