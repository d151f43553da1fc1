"""What a person sees: problems on standard error, a progress bar on a terminal, a summary."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from feedhub.cli.console import BOLD, DIM, LEVELS, draws, paint, quiet, shown, tell, verbose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from feedhub.errors import Problem
    from feedhub.render import Report

# Why an article is not published, in the order of the summary.
_HIDDEN = ("unpublished", "removed", "scheduled", "expired", "undated", "plain")
_WORDS = {"plain": "without front matter"}


def print_problems(problems: tuple[Problem, ...], source: str) -> int:
    """Print errors, one line each, and how many warnings there are; return the number of errors.

    Who wants details gets the warnings themselves, who wants quiet not even their number.
    """
    errors = [problem for problem in problems if problem.level == "error"]
    warnings = [problem for problem in problems if problem.level == "warning"]
    for problem in errors:
        tell(f"{_place(problem)} {shown(problem.message)}")
    if verbose():
        for problem in warnings:
            word = paint("warning", LEVELS["warning"], sys.stderr)
            tell(f"{_place(problem)} {word}: {shown(problem.message)}")
    elif warnings and not quiet():
        count = f"{len(warnings)} warning{'s' if len(warnings) > 1 else ''}"
        tell(f"{count}: feedhub check {shown(source)} tells them")
    return len(errors)


def problem_lines(problems: Iterable[Problem]) -> str:
    """Return every problem as a line in colours: `path:line:column: level code message`."""

    def painted(problem: Problem) -> str:
        place = f"{shown(problem.path)}:{problem.line}:{problem.column}:"
        level = paint(problem.level, LEVELS[problem.level], sys.stdout)
        code = paint(problem.code, DIM, sys.stdout)
        return f"{paint(place, BOLD, sys.stdout)} {level} {code} {shown(problem.message)}\n"

    return "".join(map(painted, problems))


def _place(problem: Problem) -> str:
    return paint(f"{shown(problem.path)}:{problem.line}:", BOLD, sys.stderr)


@contextmanager
def progress(unit: str = " files") -> Iterator[Callable[[], object]]:
    """Show a bar on a terminal once the work takes longer than a moment; elsewhere do nothing."""
    if not draws():
        yield lambda: None
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # its thread would forbid other processes (`parallel`)
    with tqdm(unit=unit, delay=0.5, leave=False, dynamic_ncols=True) as bar:
        yield bar.update


def summary(report: Report, seconds: float, *, as_json: bool) -> str:
    """Return what a render did, in three lines or as one JSON object."""
    states = report.changes.states
    hidden = {state: states[state] for state in _HIDDEN if states.get(state)}
    if as_json:
        return json.dumps(_numbers(report, hidden, seconds))
    reasons = ", ".join(f"{count} {_WORDS.get(state, state)}" for state, count in hidden.items())
    left_out = f"{sum(hidden.values())} left out" + (f" ({reasons})" if reasons else "")
    return (
        f"articles: {report.changes.articles} found, {report.changes.read} read, "
        f"{report.published} published, {left_out}, {report.changes.rejected} rejected\n"
        f"documents: {report.written} written, {report.unchanged} unchanged, "
        f"{report.removed} files removed\n"
        f"{seconds:.2f} seconds"
    )


def _numbers(report: Report, hidden: dict[str, int], seconds: float) -> dict[str, object]:
    return {
        "articles": {
            "found": report.changes.articles,
            "read": report.changes.read,
            "published": report.published,
            "hidden": hidden,
            "rejected": report.changes.rejected,
        },
        "documents": {
            "written": report.written,
            "unchanged": report.unchanged,
            "removed_files": report.removed,
        },
        "seconds": round(seconds, 3),
    }
