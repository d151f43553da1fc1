"""The report as one HTML page that asks nobody for anything: plots, and the tables beside them."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

from feedhub.stats import plots
from feedhub.stats.tables import facts, is_part, notes, sections
from feedhub.stats.words import number, span

if TYPE_CHECKING:
    from jinja2 import Template

    from feedhub.stats.report import Report


# More would be a page that no browser likes.
_MOST_ROWS = 500


def page(report: Report) -> str:
    """Return the page; equal reports give equal pages."""
    tables = sections(report)
    template, policy = _template()
    return template.render(
        policy=policy,
        span=span(report.since, report.until) if report.since else "",
        report=report,
        facts=facts(report),
        notes=notes(report),
        days=plots.timeline(report),
        bars={"feeds": plots.feed_bars(report), "readers": plots.reader_bars(report)},
        sections=[section for section in tables if section.name != "days"],
        by_day=next((section for section in tables if section.name == "days"), None),
    )


@cache
def _template() -> tuple[Template, str]:
    source = (files("feedhub.stats") / "page.html.j2").read_text(encoding="utf-8")
    style = source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    room = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    room.filters["number"] = number
    room.tests["part"] = is_part
    room.globals["most"] = _MOST_ROWS
    return room.from_string(source), f"default-src 'none'; style-src 'sha256-{digest}'"
