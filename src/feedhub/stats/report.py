"""What a log tells of the readers of the feeds: rows for people, for JSON and for plots."""

from __future__ import annotations

from dataclasses import dataclass

from feedhub.stats.distinct import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What it took to answer: requests, of them whole documents and 304s; sizes in bytes.

    `share` is that of 304s, from 0 to 1. `saved` is what the 304s would have cost; of `unpriced` of
    them nobody can say.
    """

    requests: int
    full: int
    unchanged: int
    share: float
    sent: int
    saved: int
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """How many read: those for whom aggregators ask (`reported`), and those who ask themselves.

    `error` is the relative standard error of `single`, 0 where the count is exact.
    """

    subscribers: int
    reported: int
    single: int
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """A feed in one format."""

    format: str
    audience: Audience
    served: Served


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """A feed in all its formats; `title` is "" where it is not known."""

    feed: str
    title: str
    audience: Audience
    served: Served
    documents: tuple[DocumentRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRow:
    """A program or service by its name, with all its requests; robots have no audience."""

    name: str
    kind: str
    audience: Audience
    requests: int
    unchanged: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """A day of UTC, as `2026-11-21`."""

    day: str
    requests: int
    unchanged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeedlessRow:
    """A program by its name that gets unchanged feeds whole, again and again.

    `answers` and `sent` are those that a 304 would have spared.
    """

    name: str
    readers: int
    answers: int
    sent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AstrayRow:
    """An address of a feed that answers with something else; `was` one earlier in the log."""

    path: str
    status: int
    requests: int
    newest: str
    names: tuple[str, ...]
    was: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. Moments are as RFC 3339 writes them, `since` without its seconds; "" where the log
    is empty.

    `others` are answers that were none of a feed, `archives` those of months. `unread` is None
    where nobody knows which feeds there are.
    """

    since: str
    until: str
    window_days: int
    answers: int
    others: int
    archives: int
    unreadable: int
    audience: Audience
    subscriptions: int
    served: Served
    feeds: tuple[FeedRow, ...]
    readers: tuple[ReaderRow, ...]
    robots: tuple[ReaderRow, ...]
    days: tuple[DayRow, ...]
    unread: tuple[str, ...] | None
    heedless: tuple[HeedlessRow, ...]
    astray: tuple[AstrayRow, ...]


def audience(reported: int, single: Count) -> Audience:
    """Return an audience of what aggregators told and what was counted."""
    return Audience(
        subscribers=reported + single.number,
        reported=reported,
        single=single.number,
        error=round(single.error, 4),
    )


def served(
    *, requests: int, full: int, unchanged: int, sent: int, saved: int, unpriced: int
) -> Served:
    """Return what it took to answer, with the share of 304s."""
    share = round(unchanged / requests, 6) if requests else 0.0
    return Served(
        requests=requests,
        full=full,
        unchanged=unchanged,
        share=share,
        sent=sent,
        saved=saved,
        unpriced=unpriced,
    )


def together(rows: list[Served]) -> Served:
    """Return the sum."""
    return served(
        requests=sum(row.requests for row in rows),
        full=sum(row.full for row in rows),
        unchanged=sum(row.unchanged for row in rows),
        sent=sum(row.sent for row in rows),
        saved=sum(row.saved for row in rows),
        unpriced=sum(row.unpriced for row in rows),
    )
