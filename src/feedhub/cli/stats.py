"""`feedhub stats`: read access logs and report who reads the feeds."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from feedhub.catalog import Catalog
from feedhub.cli import console, options
from feedhub.errors import ConfigError, OutputError
from feedhub.feed import feed_path
from feedhub.site import Site, config_of_catalog
from feedhub.stats import STANDARD_INPUT, LogProblem, SiteFeeds, TrafficReport, analyze_logs
from feedhub.stats.counters import DEFAULT_POLL_LIMIT
from feedhub.stats.tables import Section, key_figures, sections, summary

EXAMPLES = (
    "/var/log/nginx/feedhub.log /var/log/nginx/feedhub.log.1 /var/log/nginx/feedhub.log.2.gz",
    "access.log --catalog /var/lib/feedhub/catalog.db --html readers.html",
    "- --days 30 --json",
)
MAX_LINES_SHOWN = 3  # of each log, lines that cannot be read
FILE_WIDTH = 10_000  # columns of a table that is not printed on a terminal


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "logs",
        metavar="LOG",
        nargs="+",
        help="access log of nginx, Caddy or feedhub serve, compressed or not; - is standard input",
    )
    options.add_config(parser)
    parser.add_argument(
        "--source",
        metavar="SOURCE",
        type=options.source,
        help="folder that was given to feedhub render: its catalog lists the feeds",
    )
    options.add_catalog(
        parser, "catalog that feedhub render or sync has written: it lists the feeds"
    )
    parser.set_defaults(drafts=False)
    parser.add_argument(
        "--days",
        metavar="N",
        type=options.integer(1, 1_000),
        default=7,
        help="count readers of the last N days of the log; default: 7",
    )
    parser.add_argument(
        "--top",
        metavar="N",
        type=options.integer(0, 1_000_000),
        default=20,
        help="rows of each table, 0 for all; default: 20",
    )
    parser.add_argument(
        "--html", metavar="FILE", type=options.path, help="also write the report as one HTML page"
    )
    options.add_json(parser, "report")


def run(args: Namespace) -> int:
    """Read the logs; print tables or JSON, and write the page with --html."""
    if args.logs.count(STANDARD_INPUT) > 1:
        raise ConfigError("standard input can be read only once")
    if args.html is not None and not args.html.parent.is_dir():
        raise OutputError(f"{args.html}: cannot be written: the folder does not exist")
    report = read_logs(args)
    if args.html is not None:
        # Imported here because jinja2 is needed by the page only.
        from feedhub.stats.page import render_page

        try:
            args.html.write_text(render_page(report), encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{args.html}: cannot be written: {error.strerror}") from None
    if args.json:
        print(json.dumps(msgspec.to_builtins(report), ensure_ascii=False, indent=2))
    else:
        sys.stdout.write(format_report(report, args.top))
    return 0


def read_logs(args: Namespace) -> TrafficReport:
    """Return the report of the logs; print which lines cannot be read."""
    feeds = feeds_of(args)
    counts: Counter[str] = Counter()
    shown: list[LogProblem] = []

    def on_problem(problem: LogProblem) -> None:
        counts[problem.path] += 1
        if counts[problem.path] <= MAX_LINES_SHOWN:
            shown.append(problem)

    with console.progress("B", total_size(args.logs)) as on_progress:
        report = analyze_logs(
            args.logs, feeds, days=args.days, on_problem=on_problem, on_progress=on_progress
        )
    # Now that the progress bar is gone: it would be drawn over them.
    if not console.is_quiet():
        for problem in shown:
            position = f"{log_name(problem.path)}:{problem.line}:"
            console.print_line(
                f"{console.paint(position, console.BOLD, sys.stderr)} {problem.message}"
            )
    for log, count in counts.items():
        if more := max(0, count - MAX_LINES_SHOWN):
            lines = "1 more line" if more == 1 else f"{more} more lines"
            console.warn(f"{log_name(log)}: {lines} cannot be read")
    if report.unreadable_lines and not report.requests:
        raise ConfigError("no line could be read: the log must be in the combined format or JSON")
    if report.requests and not report.traffic.requests:
        advice = "set --base-url to where the feeds are published"
        console.warn(f"no request is for a feed below {feeds.prefix}/: {advice}")
    return report


def log_name(log: str) -> str:
    """Return how messages name a log."""
    return "standard input" if log == STANDARD_INPUT else console.escape(log)


def total_size(logs: list[str]) -> int | None:
    """Return the bytes of all logs, or None if one is no regular file."""
    paths = [Path(log) for log in logs]
    return sum(p.stat().st_size for p in paths) if all(p.is_file() for p in paths) else None


def feeds_of(args: Namespace) -> SiteFeeds:
    """Return where the feeds are, and which there are if a catalog can be read."""
    config = options.config_of(args)
    titles = None
    if args.catalog is not None or args.source is not None:
        if args.catalog is None:
            options.check_source(args)
        path = options.catalog_path(args, config)
        with closing(Catalog.open_existing(path, read_only=True)) as catalog:
            catalog_config = config_of_catalog(catalog)
            states = Site(catalog, catalog_config).states()
        titles = {feed_path(state.kind, state.slug): state.label for state in states}
        if not (args.base_url or args.config):
            config = catalog_config
    return SiteFeeds(
        prefix=unquote(urlsplit(config.site.base_url).path),
        moved=dict(config.feeds.moved),
        titles=titles,
        max_age=config.http.max_age,
        poll_limit=config.http.poll_limit or DEFAULT_POLL_LIMIT,
    )


def format_report(report: TrafficReport, max_rows: int) -> str:
    """Return the report as text; tables have at most `max_rows` rows, all if it is 0."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else FILE_WIDTH
    lines = [
        f"{console.paint(number, console.BOLD, sys.stdout)} {what} ({how})\n"
        for number, what, how in key_figures(report)
    ]
    lines.append(f"{summary(report)}\n")
    if report.feeds_without_readers is None:
        lines.append("Give --source or --catalog to list the feeds without readers.\n")
    lines += [format_section(section, width, max_rows) for section in sections(report)]
    return "".join(lines)


def format_section(section: Section, width: int, max_rows: int) -> str:
    """Return a table below its heading; the name of a row comes last, where it is never cut."""
    first, left = section.top_rows(max_rows)
    head = [word.upper() for word in (*section.columns[1:], section.columns[0])]
    rows = [[console.escape(cell) for cell in (*row[1:], row[0])] for row in first]
    numeric = range(section.first_number - 1, len(section.columns) - 1)
    table = console.align_columns(head, rows, numeric, 0, width)
    more = f"and {left} more: --top 0 shows all\n" if left else ""
    return f"\n{console.paint(section.heading, console.BOLD, sys.stdout)}\n{table}{more}"
