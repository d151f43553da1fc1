"""The report as text: key figures and tables, for the terminal and for the HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from feedhub.stats.report import (
    Audience,
    DocumentStats,
    FeedStats,
    NotFoundPath,
    SoftwareStats,
    Traffic,
    TrafficReport,
)

_KIND_LABELS = {
    "service": "service",
    "app": "program",
    "browser": "browser",
    "tool": "library or tool",
    "unknown": "unknown",
    "monitor": "monitoring",
    "bot": "robot",
}
_TRAFFIC_COLUMNS = ("Requests", "304s", "Sent")
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


class Section(NamedTuple):
    """A table under a heading; `name` is its HTML id, `columns` and `rows` hold text.

    The first column names what a row is about; columns from `first_number` on hold numbers. A row
    that begins with two spaces is part of the row above it.
    """

    name: str
    heading: str
    explanation: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    first_number: int = 1

    def top_rows(self, limit: int) -> tuple[tuple[tuple[str, ...], ...], int]:
        """Return the first `limit` rows with their parts, all for 0, and how many are left out."""
        starts = [index for index, row in enumerate(self.rows) if not is_part(row)]
        if not 0 < limit < len(starts):
            return self.rows, 0
        return self.rows[: starts[limit]], len(starts) - limit


def is_part(row: tuple[str, ...]) -> bool:
    """Return whether a row is part of the one above it."""
    return row[0].startswith("  ")


def key_figures(report: TrafficReport) -> tuple[tuple[str, str, str], ...]:
    """Return the most important figures: a number, what it counts, and details."""
    traffic, audience = report.traffic, report.audience
    individuals = format_individuals(audience)
    # A person who reads two feeds is one individual and two subscriptions.
    subscriptions = report.subscriptions - audience.reported
    if subscriptions != audience.individuals:
        individuals = f"{format_number(subscriptions)} by {individuals}"
    return (
        (
            format_number(report.subscriptions),
            "subscription" if report.subscriptions == 1 else "subscriptions",
            f"{format_number(audience.reported)} reported by services, {individuals} "
            f"{'individual' if audience.individuals == 1 else 'individuals'}; "
            f"last {format_count(report.window_days, 'day')}",
        ),
        (
            format_number(traffic.requests),
            "request for a feed" if traffic.requests == 1 else "requests for feeds",
            "; ".join(filter(None, (format_period(report), format_trend(report))))
            or "no line could be read",
        ),
        (
            format_share(traffic.not_modified_share),
            "answered with 304",
            f"nothing new to send {format_count(traffic.not_modified, 'time')}",
        ),
        (
            format_size(traffic.bytes_saved),
            "saved by 304s",
            f"{format_size(traffic.bytes_sent)} were sent"
            + (
                f"; the savings of {format_number(traffic.savings_unknown)} are unknown"
                if traffic.savings_unknown
                else ""
            ),
        ),
    )


def format_trend(report: TrafficReport) -> str:
    """Return how the last full days of the log compare with as many before, "" if it has fewer.

    As many as the window has; its last day is rarely whole.
    """
    requests = {date.fromisoformat(row.day): row.requests for row in report.days}
    if not requests:
        return ""
    length = timedelta(days=report.window_days)
    end = max(requests)
    start = end - 2 * length
    if min(requests) > start:
        return ""
    before = sum(number for day, number in requests.items() if start <= day < start + length)
    last = sum(number for day, number in requests.items() if start + length <= day < end)
    days = format_count(report.window_days, "day")
    if not before:
        return ""
    change = round((last - before) * 100 / before)
    compared = "as many as"
    if change:
        compared = f"{abs(change)}% {'more' if change > 0 else 'fewer'} than"
    return f"{format_number(last)} in the last {days}, {compared} in the {days} before"


def summary(report: TrafficReport) -> str:
    """Return in one sentence what the logs held."""
    parts = [
        format_count(report.requests, "request"),
        f"{format_number(report.traffic.requests)} for feeds",
        f"{format_number(report.archive_requests)} for archives",
        f"{format_number(report.other_requests)} for anything else",
    ]
    unreadable = f"; {format_count(report.unreadable_lines, 'line')} could not be read"
    return f"{', '.join(parts)}{unreadable if report.unreadable_lines else ''}."


def sections(report: TrafficReport) -> list[Section]:
    """Return every table that has rows, the most important first."""
    tables = [
        feeds_section(report),
        readers_section(report),
        feeds_without_readers_section(report),
        ignore_validators_section(report),
        frequent_polls_section(report),
        not_found_section(report),
        robots_section(report),
        days_section(report),
    ]
    return [section for section in tables if section.rows]


def feeds_section(report: TrafficReport) -> Section:
    """Return the table of feeds, each with its formats."""
    explanation = (
        "Subscribers are the people for whom services say that they fetch, and the individuals of "
        f"the last {report.window_days} days. An individual who reads two formats or feeds counts "
        "once in each, and once in the sum above."
    )
    columns = ("Feed", "Subscribers", "Reported", "Individuals", *_TRAFFIC_COLUMNS, "Saved")
    rows = tuple(row for feed in report.feeds for row in _feed_rows(feed))
    return Section("feeds", "Feeds", explanation, columns, rows)


def _feed_rows(feed: FeedStats) -> Iterator[tuple[str, ...]]:
    """Yield the row of a feed and those of its formats, or one for both."""
    name = f"{feed.title} ({feed.feed})" if feed.title else feed.feed
    parts: list[tuple[str, FeedStats | DocumentStats]]
    if len(feed.documents) == 1:
        parts = [(f"{name}, {feed.documents[0].format}", feed)]
    else:
        parts = [(name, feed), *((f"  {row.format}", row) for row in feed.documents)]
    for name, row in parts:
        yield (
            name,
            *_audience_cells(row.audience),
            *_traffic_cells(row.traffic),
            format_size(row.traffic.bytes_saved),
        )


def _audience_cells(audience: Audience) -> tuple[str, str, str]:
    return (
        format_number(audience.subscribers),
        format_number(audience.reported),
        format_individuals(audience),
    )


def _traffic_cells(row: Traffic | SoftwareStats) -> tuple[str, str, str]:
    share = row.not_modified / row.requests if row.requests else 0.0
    return format_number(row.requests), format_share(share), format_size(row.bytes_sent)


def readers_section(report: TrafficReport) -> Section:
    """Return the table of programs and services."""
    explanation = (
        "By User-Agent. A service fetches once for many people; a program fetches for one person, "
        "who is counted by a hash of network address and User-Agent."
    )
    rows = tuple(
        (row.name, _KIND_LABELS[row.kind], *_audience_cells(row.audience), *_traffic_cells(row))
        for row in report.readers
    )
    columns = ("Reader", "Kind", "Subscribers", "Reported", "Individuals", *_TRAFFIC_COLUMNS)
    return Section("readers", "Readers", explanation, columns, rows, 2)


def feeds_without_readers_section(report: TrafficReport) -> Section:
    """Return the table of the feeds of the catalog that have no readers."""
    rows = tuple((feed,) for feed in report.feeds_without_readers or ())
    explanation = (
        f"{format_count(len(rows), 'feed')} of the catalog that only robots, or no one at all, "
        f"requested in the last {format_count(report.window_days, 'day')}."
    )
    heading = "Feeds without readers"
    return Section("feeds-without-readers", heading, explanation, ("Feed",), rows)


def ignore_validators_section(report: TrafficReport) -> Section:
    """Return the table of programs that download unchanged feeds in full."""
    explanation = (
        "These programs downloaded a feed of unchanged size at least five times in a row and never "
        "got a 304, though others get one for the same feed: they store neither ETag nor "
        "Last-Modified. Their authors may want to know. Logs hold no entity tags, so equal size "
        "stands for equal bytes."
    )
    rows = tuple(
        (
            row.name,
            format_number(row.readers),
            format_number(row.redundant_responses),
            format_size(row.redundant_bytes),
        )
        for row in report.ignore_validators
    )
    columns = ("Reader", "Readers", "Redundant responses", "Redundant bytes")
    heading = "Readers that ignore validators"
    return Section("ignore-validators", heading, explanation, columns, rows)


def frequent_polls_section(report: TrafficReport) -> Section:
    """Return the table of programs that poll above the limit."""
    explanation = (
        f"These programs got a feed in full more than {format_count(report.poll_limit, 'time')} "
        f"within {format_count(report.max_age, 'second')} and never a 304. With "
        f"http.poll_limit = {report.poll_limit} the excess would have been answered with 429."
    )
    rows = tuple(
        (row.name, format_number(row.readers), format_number(row.excess_responses))
        for row in report.frequent_polls
    )
    columns = ("Reader", "Readers", "Excess responses")
    heading = "Readers that poll too often"
    return Section("frequent-polls", heading, explanation, columns, rows)


def not_found_section(report: TrafficReport) -> Section:
    """Return the table of paths that gave no feed."""
    explanation = (
        "Paths that readers request as feeds and that give none. Add one that was a feed to "
        "feeds.moved or feeds.gone of the configuration."
    )
    rows = tuple(
        (
            f"/{row.path}",
            f"{row.status}, {describe_status(row)}",
            ", ".join(row.readers),
            format_number(row.requests),
            row.last_seen[:10],
        )
        for row in report.not_found
    )
    columns = ("Path", "Status", "Requested by", "Requests", "Last")
    return Section("not-found", "Feeds not found", explanation, columns, rows, 3)


def describe_status(row: NotFoundPath) -> str:
    """Return in words what came of the requests for a path."""
    if row.status in (403, 404):
        return "was a feed" if row.was_feed else "not found"
    if row.status in (408, 499):
        return "the reader disconnected"
    if 300 <= row.status < 400:
        return "redirected"
    if row.status >= 500:
        return "the server failed"
    return {410: "retired", 429: "too many requests"}.get(row.status, "refused")


def robots_section(report: TrafficReport) -> Section:
    """Return the table of crawlers and monitoring."""
    explanation = "Crawlers and monitoring: they count as requests, never as readers."
    rows = tuple((row.name, _KIND_LABELS[row.kind], *_traffic_cells(row)) for row in report.robots)
    columns = ("Robot", "Kind", *_TRAFFIC_COLUMNS)
    return Section("robots", "Robots", explanation, columns, rows, 2)


def days_section(report: TrafficReport) -> Section:
    """Return the table of days."""
    explanation = "Requests for feeds by day, in UTC, the newest first."
    rows = tuple(
        (
            row.day,
            format_number(row.requests),
            format_number(row.not_modified),
            format_share(row.not_modified / row.requests),
        )
        for row in reversed(report.days)
    )
    columns = ("Day", "Requests", "304s", "Share of 304s")
    return Section("days", "Days", explanation, columns, rows)


def format_number(value: int) -> str:
    """Return `12,345`."""
    return f"{value:,}"


def format_size(value: int) -> str:
    """Return bytes in decimal units: `999 bytes`, `1.2 kB`, `34 MB`."""
    amount, unit = float(value), 0
    # 999.5 is where `{amount:.0f}` becomes 1000.
    while amount >= 999.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    text = f"{amount:.1f}" if unit and amount < 9.95 else f"{amount:.0f}"
    return f"{text} {_UNITS[unit]}"


def format_share(part: float) -> str:
    """Return a share from 0 to 1 as `83%`; only nothing is 0%, and only all is 100%."""
    if 0 < part < 0.005:
        return "<1%"
    if 0.995 <= part < 1:
        return ">99%"
    return f"{part * 100:.0f}%"


def format_individuals(audience: Audience) -> str:
    """Return the number of individuals, with its error if it is an estimate: `41,216 ±0.8%`."""
    error = f" ±{audience.error * 100:.1f}%" if audience.error else ""
    return format_number(audience.individuals) + error


def format_count(value: int, noun: str) -> str:
    """Return `1 feed`, `2 feeds`."""
    return f"{format_number(value)} {noun if value == 1 else f'{noun}s'}"


def format_period(report: TrafficReport) -> str:
    """Return the days of a report: `2026-11-08 to 2026-11-21`; "" if the log is empty."""
    first, last = report.since[:10], report.until[:10]
    return first if first == last else f"{first} to {last}"
