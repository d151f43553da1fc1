"""What the plots of the page show: lengths from 0 to 100, and the words beside them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from feedhub.stats.words import number, share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feedhub.stats.report import Audience, Report

_MOST_BARS, _MOST_DAYS = 15, 62
_ROUND = (2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)


class Bar(NamedTuple):
    """A row of a bar plot: what services told comes first, then single readers."""

    name: str
    value: str
    told: float
    single: float


class Column(NamedTuple):
    """One day, or some: `low` is the part answered with 304, `high` lies on it; `about` says it."""

    place: int
    low: float
    high: float
    about: str


class Timeline(NamedTuple):
    """Columns from left to right; `top` is the number at 100, `labels` stand below at equal steps.

    `days` is how many one column stands for.
    """

    columns: tuple[Column, ...]
    top: int
    labels: tuple[str, ...]
    days: int


def feed_bars(report: Report) -> tuple[Bar, ...]:
    """Return the feeds with most subscribers."""
    return _bars((row.title or row.feed, row.audience) for row in report.feeds)


def reader_bars(report: Report) -> tuple[Bar, ...]:
    """Return the programs and services with most subscribers."""
    return _bars((row.name, row.audience) for row in report.readers)


def _bars(rows: Iterable[tuple[str, Audience]]) -> tuple[Bar, ...]:
    shown = [(name, audience) for name, audience in rows if audience.subscribers][:_MOST_BARS]
    most = max((audience.subscribers for _, audience in shown), default=0)
    return tuple(
        Bar(
            name,
            number(audience.subscribers),
            round(audience.reported * 100 / most, 2),
            round(audience.single * 100 / most, 2),
        )
        for name, audience in shown
    )


def timeline(report: Report) -> Timeline:
    """Return requests by day; of a long time, by some days together. Days without any count too."""
    found = {date.fromisoformat(row.day): (row.requests, row.unchanged) for row in report.days}
    if not found:
        return Timeline((), 0, (), 1)
    last = max(found)
    first = max(min(found), last - timedelta(days=3660))
    step = -(-((last - first).days + 1) // _MOST_DAYS)
    starts = [first + timedelta(days=day) for day in range(0, (last - first).days + 1, step)]
    sums = [_sum(found, start, step) for start in starts]
    top = _round_up(max(requests for requests, _ in sums))
    columns = tuple(
        Column(
            place,
            round(unchanged * 100 / top, 2),
            round((requests - unchanged) * 100 / top, 2),
            _about(start, step, requests, unchanged),
        )
        for place, (start, (requests, unchanged)) in enumerate(zip(starts, sums, strict=True))
    )
    return Timeline(columns, top, _labels(starts), step)


def _sum(found: dict[date, tuple[int, int]], start: date, days: int) -> tuple[int, int]:
    rows = [found.get(start + timedelta(days=day), (0, 0)) for day in range(days)]
    return sum(row[0] for row in rows), sum(row[1] for row in rows)


def _about(start: date, days: int, requests: int, unchanged: int) -> str:
    when = start.isoformat()
    if days > 1:
        when += f" to {(start + timedelta(days=days - 1)).isoformat()}"
    part = share(unchanged / requests) if requests else "0%"
    return f"{when}: {number(requests)} requests, {part} answered with 304"


def _round_up(value: int) -> int:
    """Return a number that is not much larger, and that is round, as its half is."""
    scale: int = 10 ** max(0, len(str(value)) - 2)
    return next(step * scale for step in _ROUND if step * scale >= value)


def _labels(starts: list[date]) -> tuple[str, ...]:
    """Return the first, the last and a middle day."""
    places = sorted({0, len(starts) // 2, len(starts) - 1})
    if len(starts) % 2 == 0:  # nothing stands in the middle
        places = sorted({0, len(starts) - 1})
    return tuple(starts[place].isoformat() for place in places)
