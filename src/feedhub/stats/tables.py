"""The tables of a report, for the terminal and for the page alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedhub.stats.words import counted, number, share, single, size, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedhub.stats.report import AstrayRow, DocumentRow, FeedRow, ReaderRow, Report, Served

_KINDS = {
    "service": "service",
    "app": "program",
    "browser": "browser",
    "tool": "library or tool",
    "unknown": "not known",
    "monitor": "monitoring",
    "bot": "robot",
}
_SERVED = ("Requests", "304s", "Sent")


class Section(NamedTuple):
    """A table: its name in an address, heading, explanation, columns and rows of text.

    The first column names what a row is about; those from `numbers` on hold numbers. What begins
    with two blanks is part of the row above it.
    """

    name: str
    heading: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: int = 1

    def first(self, most: int) -> tuple[tuple[tuple[str, ...], ...], int]:
        """Return so many rows with all of their parts, or all for 0, and how many are left."""
        whole = [place for place, row in enumerate(self.rows) if not is_part(row)]
        if not 0 < most < len(whole):
            return self.rows, 0
        return self.rows[: whole[most]], len(whole) - most


def is_part(row: tuple[str, ...]) -> bool:
    """Tell whether a row is part of the one above it."""
    return row[0].startswith("  ")


def facts(report: Report) -> tuple[tuple[str, str, str], ...]:
    """Return what matters most: a number, what it counts, and how it is meant."""
    served, audience = report.served, report.audience
    own, alone = report.subscriptions - audience.reported, single(audience)
    return (
        (
            number(report.subscriptions),
            "subscription" if report.subscriptions == 1 else "subscriptions",
            f"{number(audience.reported)} told by services, "
            f"{alone if own == audience.single else f'{number(own)} by {alone}'} single "
            f"{'reader' if audience.single == 1 else 'readers'}; "
            f"last {counted(report.window_days, 'day')}",
        ),
        (
            number(served.requests),
            "request for a feed" if served.requests == 1 else "requests for feeds",
            span(report.since, report.until) if report.since else "no line was read",
        ),
        (
            share(served.share),
            "answered with 304",
            f"nothing new had to be sent {counted(served.unchanged, 'time')}",
        ),
        (
            size(served.saved),
            "saved by 304s",
            f"{size(served.sent)} were sent"
            + (f"; {number(served.unpriced)} cannot be priced" if served.unpriced else ""),
        ),
    )


def sections(report: Report) -> list[Section]:
    """Return every table that has something to tell, the most important first."""
    every = [
        _feeds(report),
        _readers(report),
        _unread(report),
        _heedless(report),
        _astray(report),
        _robots(report),
        _days(report),
    ]
    return [section for section in every if section.rows]


def _feeds(report: Report) -> Section:
    about = (
        "Subscribers are those for whom services ask, as they tell in their User-Agent, and single "
        f"readers of the last {report.window_days} days. A single reader of two formats or feeds "
        "counts once in each, and once above."
    )
    columns = ("Feed", "Subscribers", "Told", "Single", *_SERVED, "Saved")
    rows = tuple(row for feed in report.feeds for row in _feed_rows(feed))
    return Section("feeds", "Feeds", about, columns, rows)


def _feed_rows(feed: FeedRow) -> Iterator[tuple[str, ...]]:
    name = f"{feed.title} ({feed.feed})" if feed.title else feed.feed
    parts: list[tuple[str, FeedRow | DocumentRow]]
    if len(feed.documents) == 1:
        parts = [(f"{name}, {feed.documents[0].format}", feed)]
    else:
        parts = [(name, feed), *((f"  {row.format}", row) for row in feed.documents)]
    for name, row in parts:
        audience = row.audience
        yield (
            name,
            number(audience.subscribers),
            number(audience.reported),
            single(audience),
            *_served(row.served),
            size(row.served.saved),
        )


def _served(served: Served) -> tuple[str, str, str]:
    return number(served.requests), share(served.share), size(served.sent)


def _readers(report: Report) -> Section:
    about = (
        "By what stands in the User-Agent. A service asks once for many; a program asks for one "
        "person, and is counted by a hash of its network address and User-Agent."
    )
    rows = tuple(
        (
            row.name,
            _KINDS[row.kind],
            number(row.audience.subscribers),
            number(row.audience.reported),
            single(row.audience),
            *_use(row),
        )
        for row in report.readers
    )
    columns = ("Reader", "Kind", "Subscribers", "Told", "Single", *_SERVED)
    return Section("readers", "Readers", about, columns, rows, 2)


def _use(row: ReaderRow) -> tuple[str, str, str]:
    part = row.unchanged / row.requests if row.requests else 0.0
    return number(row.requests), share(part), size(row.sent)


def _unread(report: Report) -> Section:
    rows = tuple((feed,) for feed in report.unread or ())
    about = (
        f"{counted(len(rows), 'feed')} of the catalog that nobody but robots has asked for in the "
        f"last {counted(report.window_days, 'day')}."
    )
    return Section("unread", "Feeds that nobody reads", about, ("Feed",), rows)


def _heedless(report: Report) -> Section:
    about = (
        "They were sent a feed of the same length at least five times after another, and never got "
        "a 304, though others get it for the same feed: they keep neither ETag nor Last-Modified. "
        "Their authors may want to know. Logs hold no tags: equal length stands for equal bytes."
    )
    rows = tuple(
        (row.name, number(row.readers), number(row.answers), size(row.sent))
        for row in report.heedless
    )
    columns = ("Reader", "Readers", "Unneeded answers", "Sent in vain")
    return Section("heedless", "Readers that ignore validators", about, columns, rows)


def _astray(report: Report) -> Section:
    about = (
        "Addresses that readers ask for as feeds and that give none. One that was a feed once goes "
        "into feeds.moved of the configuration, or into feeds.gone."
    )
    rows = tuple(
        (
            f"/{row.path}",
            f"{row.status}, {_meaning(row)}",
            ", ".join(row.names),
            number(row.requests),
            row.newest[:10],
        )
        for row in report.astray
    )
    columns = ("Address", "Answer", "Asked by", "Requests", "Last")
    return Section("astray", "Asked for in vain", about, columns, rows, 3)


def _meaning(row: AstrayRow) -> str:
    if row.status == 410:
        return "retired"
    if row.status in (403, 404):
        return "was a feed" if row.was else "not found"
    if 300 <= row.status < 400:
        return "redirected"
    if row.status in (408, 499):
        return "the reader went away"
    if row.status == 429:
        return "asked too often"
    return "the server failed" if row.status >= 500 else "refused"


def _robots(report: Report) -> Section:
    about = "Crawlers and monitoring: they count as requests, never as readers."
    rows = tuple((row.name, _KINDS[row.kind], *_use(row)) for row in report.robots)
    return Section("robots", "Robots", about, ("Robot", "Kind", *_SERVED), rows, 2)


def _days(report: Report) -> Section:
    about = "Requests for feeds by day, in UTC, the newest first."
    rows = tuple(
        (row.day, number(row.requests), number(row.unchanged), share(row.unchanged / row.requests))
        for row in reversed(report.days)
    )
    columns = ("Day", "Requests", "304s", "Share of 304s")
    return Section("days", "Days", about, columns, rows)


def notes(report: Report) -> str:
    """Return what else was in the logs, in one sentence."""
    parts = [
        counted(report.answers, "answer"),
        f"{number(report.served.requests)} of feeds",
        f"{number(report.archives)} of archives",
        f"{number(report.others)} of anything else",
    ]
    unreadable = f"; {counted(report.unreadable, 'line')} could not be read"
    return f"{', '.join(parts)}{unreadable if report.unreadable else ''}."
