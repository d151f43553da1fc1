"""`feedhub stats`: what access logs tell of the readers of the feeds."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import msgspec

from feedhub.cli.console import BOLD, draws, paint, quiet, remark, shown, tell
from feedhub.cli.places import catalog_place, check_source, config_of
from feedhub.cli.table import aligned
from feedhub.errors import ConfigError, OutputError
from feedhub.feed import feed_path
from feedhub.stats import STANDARD_INPUT, LogProblem, SiteFeeds, TrafficReport, analyze_logs
from feedhub.stats.tables import Section, key_figures, sections, summary

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

    from feedhub.config import Config

# How many lines that cannot be read are told of each log.
_TOLD = 3
# As wide as may be where nobody looks at it on a terminal.
_WIDE = 10_000


def stats(options: Namespace) -> int:
    """Read logs and tell what they tell: as tables, as JSON, as a page."""
    if options.logs.count(STANDARD_INPUT) > 1:
        raise ConfigError("standard input can be read only once")
    if options.html is not None and not options.html.parent.is_dir():
        raise OutputError(f"{options.html}: cannot be written: there is no such folder")
    report = _read(options)
    if options.html is not None:
        _write_page(options.html, report)
    sys.stdout.write(_json(report) if options.json else _tables(report, options.top))
    return 0


def _read(options: Namespace) -> TrafficReport:
    """Return what the logs tell, and say what is wrong with them."""
    feeds = _feeds(options)
    troubles = _Troubles()
    with _progress(options.logs) as on_progress:
        report = analyze_logs(
            options.logs,
            feeds,
            days=options.days,
            on_problem=troubles.note,
            on_progress=on_progress,
        )
    troubles.tell()
    if report.unreadable_lines and not report.requests:
        raise ConfigError("no line could be read: write the log in the combined format or in JSON")
    if report.requests and not report.traffic.requests:
        advice = "set --base-url to where the feeds are published"
        remark(f"no request is for a feed below {feeds.prefix}/: {advice}")
    return report


class _Troubles:
    """Keeps the first lines of each log that cannot be read, and counts the rest.

    They are told at the end: the bar would be drawn over them.
    """

    def __init__(self) -> None:
        self._counted: Counter[str] = Counter()
        self._first: list[LogProblem] = []

    def note(self, trouble: LogProblem) -> None:
        """Keep it, or count it."""
        self._counted[trouble.path] += 1
        if self._counted[trouble.path] <= _TOLD:
            self._first.append(trouble)

    def tell(self) -> None:
        """Tell the first, and how many more there are."""
        if quiet():
            return
        for trouble in self._first:
            place = paint(f"{_named(trouble.path)}:{trouble.line}:", BOLD, sys.stderr)
            tell(f"{place} {trouble.message}")
        for name, counted in self._counted.items():
            if counted > _TOLD:
                more = "line" if counted == _TOLD + 1 else "lines"
                remark(f"{_named(name)}: {counted - _TOLD} more {more} cannot be read")


def _named(place: str) -> str:
    return "standard input" if place == STANDARD_INPUT else shown(place)


@contextmanager
def _progress(logs: list[str]) -> Iterator[Callable[[int], object]]:
    """Show on a terminal how much of the logs has been read; elsewhere do nothing."""
    if not draws():
        yield lambda size: None
        return
    from tqdm import tqdm

    places = [Path(log) for log in logs]
    known = all(place.is_file() for place in places)
    total = sum(place.stat().st_size for place in places) if known else None
    with tqdm(
        total=total, unit="B", unit_scale=True, delay=0.5, leave=False, dynamic_ncols=True
    ) as bar:
        yield bar.update


def _feeds(options: Namespace) -> SiteFeeds:
    """Return where the feeds lie, and which there are, where that is known."""
    config = config_of(options)
    titles = None
    if options.catalog is not None or options.source is not None:
        if options.catalog is None:
            check_source(options)
        config, titles = _known(catalog_place(options, config), options, config)
    return SiteFeeds(
        prefix=unquote(urlsplit(config.site.base_url).path),
        moved=dict(config.feeds.moved),
        titles=titles,
    )


def _known(place: Path, options: Namespace, config: Config) -> tuple[Config, dict[str, str]]:
    """Return the configuration that a catalog was made with, and the title of each feed."""
    from feedhub.catalog import Catalog
    from feedhub.site import Site, config_of_catalog

    if not place.is_file():
        raise ConfigError(f"{place}: there is no catalog; feedhub render or sync makes it")
    with closing(Catalog(place, read_only=True)) as catalog:
        made = config_of_catalog(catalog)
        states = Site(catalog, made).states()
    titles = {feed_path(state.kind, state.slug): state.label for state in states}
    return (config if options.base_url or options.config else made), titles


def _tables(report: TrafficReport, most: int) -> str:
    """Return the report as text; tables have at most so many rows, all for 0."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE
    lines = [
        f"{paint(number, BOLD, sys.stdout)} {what} ({how})\n"
        for number, what, how in key_figures(report)
    ]
    lines.append(f"{summary(report)}\n")
    if report.feeds_without_readers is None:
        lines.append("Give --source or --catalog to list the feeds without readers.\n")
    lines += [_table(section, columns, most) for section in sections(report)]
    return "".join(lines)


def _table(section: Section, columns: int, most: int) -> str:
    """Return a table under its heading; what a row is about stands last, where it is never cut."""
    first, left = section.top_rows(most)
    *head, last = [*section.columns[1:], section.columns[0]]
    rows = [(*map(shown, row[1:]), shown(row[0])) for row in first]
    right = range(section.first_number - 1, len(section.columns) - 1)
    text = aligned([*(word.upper() for word in head), last.upper()], rows, right, 0, columns)
    more = f"and {left} more: --top 0 shows all\n" if left else ""
    return f"\n{paint(section.heading, BOLD, sys.stdout)}\n{text}{more}"


def _write_page(place: Path, report: TrafficReport) -> None:
    from feedhub.stats.page import render_page

    try:
        place.write_text(render_page(report), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{place}: cannot be written: {error.strerror}") from None


def _json(report: TrafficReport) -> str:
    return json.dumps(msgspec.to_builtins(report), ensure_ascii=False, indent=2) + "\n"
