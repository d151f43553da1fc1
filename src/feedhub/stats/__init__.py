"""Statistics of access logs: how many people read which feed, without identifying anybody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from feedhub.stats.counters import SiteFeeds, TrafficCounter
from feedhub.stats.log_files import STANDARD_INPUT, check_readable, read_chunks
from feedhub.stats.log_lines import parse_lines
from feedhub.stats.report import TrafficReport, build_report

__all__ = ["STANDARD_INPUT", "LogProblem", "SiteFeeds", "TrafficReport", "analyze_logs"]


class LogProblem(NamedTuple):
    """Where a log could not be read, and why; the message quotes nothing of the log."""

    path: str
    line: int
    message: str


def analyze_logs(
    logs: Sequence[str],
    feeds: SiteFeeds,
    *,
    days: int = 7,
    on_problem: Callable[[LogProblem], object] = lambda problem: None,
    on_progress: Callable[[int], object] = lambda size: None,
) -> TrafficReport:
    """Read access logs, given in any order, and return the report of their traffic.

    `-` is standard input. Readers count if they came in the last `days` before the newest line.
    Calls `on_problem` for each unreadable line and `on_progress` with the number of bytes read.
    Raises ConfigError, before anything is read, if a file cannot be opened.
    """
    # First of all: a run of minutes must not fail at its last file.
    for path in logs:
        check_readable(path)
    counter, unreadable = TrafficCounter(feeds), 0
    for path in logs:
        for chunk in read_chunks(path, on_progress):
            rows, errors = parse_lines(chunk.lines)
            counter.add(rows)
            for line, message in errors:
                on_problem(LogProblem(path, chunk.number + line, message))
            if chunk.problem:
                on_problem(LogProblem(path, chunk.number, chunk.problem))
            unreadable += len(errors) + bool(chunk.problem)
    counter.close()
    return build_report(counter, days=days, unreadable=unreadable)
