"""The report as one HTML page that loads nothing: plots, and every table as text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined, Template

from feedhub.formats.pages import csp_hash
from feedhub.stats.report import Audience, TrafficReport
from feedhub.stats.tables import (
    format_number,
    format_period,
    format_share,
    is_part,
    key_figures,
    sections,
    summary,
)

# Browsers become slow with longer tables.
MAX_TABLE_ROWS = 500
MAX_BARS, MAX_COLUMNS, MAX_TIMELINE_DAYS = 15, 62, 3660
# The highest value of an axis: numbers whose half is round too, for it is the label in the middle.
_ROUND_NUMBERS = (2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)


class Bar(NamedTuple):
    """A row of a bar chart: lengths, from 0 to 100, of reported subscribers and of individuals."""

    name: str
    value: str
    reported: float
    individuals: float


class Column(NamedTuple):
    """One day, or some, of the timeline: heights, from 0 to 100, of 304s and of full responses."""

    position: int
    not_modified: float
    full: float
    description: str


class Timeline(NamedTuple):
    """Columns from left to right, each for `days`; `top` is the number of requests at height 100.

    `labels` stand below, at equal steps.
    """

    columns: tuple[Column, ...]
    top: int
    labels: tuple[str, ...]
    days: int


def render_page(report: TrafficReport) -> str:
    """Return the HTML page of a report; equal reports give equal pages."""
    tables = sections(report)
    template, policy = _template()
    return template.render(
        policy=policy,
        period=format_period(report),
        report=report,
        key_figures=key_figures(report),
        summary=summary(report),
        timeline=timeline(report),
        bars={"feeds": feed_bars(report), "readers": reader_bars(report)},
        sections=[section for section in tables if section.name != "days"],
        days=next((section for section in tables if section.name == "days"), None),
    )


@cache
def _template() -> tuple[Template, str]:
    """Return the template of the page, and a policy that allows its own style and nothing else."""
    source = (files("feedhub.stats") / "page.html.j2").read_text(encoding="utf-8")
    style = source.partition("<style>")[2].partition("</style>")[0]
    # Clients choose the names and paths on the page: all text is escaped.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = format_number
    environment.tests["part"] = is_part
    environment.globals["max_rows"] = MAX_TABLE_ROWS
    return environment.from_string(source), f"default-src 'none'; style-src {csp_hash(style)}"


def feed_bars(report: TrafficReport) -> tuple[Bar, ...]:
    """Return the bars of the feeds with most subscribers."""
    return _bars((row.title or row.feed, row.audience) for row in report.feeds)


def reader_bars(report: TrafficReport) -> tuple[Bar, ...]:
    """Return the bars of the programs and services with most subscribers."""
    return _bars((row.name, row.audience) for row in report.readers)


def _bars(rows: Iterable[tuple[str, Audience]]) -> tuple[Bar, ...]:
    top = [(name, audience) for name, audience in rows if audience.subscribers][:MAX_BARS]
    longest = max((audience.subscribers for _, audience in top), default=0)
    return tuple(
        Bar(
            name,
            format_number(audience.subscribers),
            round(audience.reported * 100 / longest, 2),
            round(audience.individuals * 100 / longest, 2),
        )
        for name, audience in top
    )


def timeline(report: TrafficReport) -> Timeline:
    """Return the requests by day, or by several days if the time is long, days without any too."""
    by_day = {date.fromisoformat(row.day): (row.requests, row.not_modified) for row in report.days}
    if not by_day:
        return Timeline((), 0, (), 1)
    last = max(by_day)
    first = max(min(by_day), last - timedelta(days=MAX_TIMELINE_DAYS))
    # Rounded up, so that there are at most MAX_COLUMNS.
    step = -(-((last - first).days + 1) // MAX_COLUMNS)
    starts = [first + timedelta(days=day) for day in range(0, (last - first).days + 1, step)]
    sums = []
    for start in starts:
        rows = [by_day.get(start + timedelta(days=day), (0, 0)) for day in range(step)]
        sums.append((sum(row[0] for row in rows), sum(row[1] for row in rows)))
    top = round_up(max(requests for requests, _ in sums))
    columns = []
    for position, (start, (requests, not_modified)) in enumerate(zip(starts, sums, strict=True)):
        period = start.isoformat()
        if step > 1:
            period += f" to {(start + timedelta(days=step - 1)).isoformat()}"
        share = format_share(not_modified / requests if requests else 0)
        columns.append(
            Column(
                position,
                round(not_modified * 100 / top, 2),
                round((requests - not_modified) * 100 / top, 2),
                f"{period}: {format_number(requests)} requests, {share} answered with 304",
            )
        )
    # An even number of columns has none in the middle.
    labelled = {0, len(starts) - 1} | ({len(starts) // 2} if len(starts) % 2 else set())
    labels = tuple(starts[index].isoformat() for index in sorted(labelled))
    return Timeline(tuple(columns), top, labels, step)


def round_up(value: int) -> int:
    """Return the next round number whose half is round too."""
    scale: int = 10 ** max(0, len(str(value)) - 2)
    return next(step * scale for step in _ROUND_NUMBERS if step * scale >= value)
