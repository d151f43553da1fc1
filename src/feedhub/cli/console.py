"""Output for the user: messages, colours, problems, a progress bar and tables."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TextIO

from feedhub.errors import Problem

RED, YELLOW, CYAN, BOLD, DIM = "31", "33", "36", "1", "2"
LEVEL_COLOURS = {"error": RED, "warning": YELLOW, "info": CYAN}
QUIET, NORMAL, VERBOSE = range(3)
# The column that makes room for the others keeps this many cells, so that a row can be recognized.
MIN_CUT_WIDTH = 12
# One decision about a whole site may cause these in many files: more than so many are one line.
SHARED_CAUSES = (
    *("duplicate-id", "duplicate-url", "unknown-key", "no-address", "no-fence"),
    *("no-date", "no-text", "unsure-text", "id-changed"),  # of a built site
)
MAX_UNFOLDED = 3

_verbosity = NORMAL  # of the command that this process runs


def set_verbosity(options: Namespace) -> None:
    """Print as much as the options `quiet` and `verbose` of a command say."""
    global _verbosity
    _verbosity = QUIET if options.quiet else VERBOSE if options.verbose else NORMAL


def is_quiet() -> bool:
    """Return whether only results and errors are printed."""
    return _verbosity == QUIET


def is_verbose() -> bool:
    """Return whether details are printed."""
    return _verbosity == VERBOSE


def error(text: str) -> None:
    """Print what stops the command or a part of it, whatever the verbosity."""
    _print_message(text, RED)


def warn(text: str) -> None:
    """Print what the user should know, unless --quiet is given."""
    if not is_quiet():
        _print_message(text, YELLOW)


def debug(text: str) -> None:
    """Print a detail if --verbose is given."""
    if is_verbose():
        _print_message(text, DIM)


def _print_message(text: str, colour: str) -> None:
    print_line(f"{paint('feedhub:', colour, sys.stderr)} {escape(text)}")


def print_line(line: str) -> None:
    """Print a line on standard error; ignore an error, because the work can go on without it."""
    with suppress(OSError):
        print(line, file=sys.stderr)


def escape(text: str) -> str:
    """Return text with control characters escaped: a file name must not move the cursor."""
    # Imported here because it takes milliseconds that `feedhub --version` does not need.
    from feedhub.text import printable

    return printable(text)


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return text in a colour if `stream` shows colours (ECMA-48, 8.3.117)."""
    return f"\x1b[{colour}m{text}\x1b[0m" if text and use_colours(stream) else text


def use_colours(stream: TextIO) -> bool:
    """Return whether to use colours: on a terminal, unless the environment says otherwise.

    NO_COLOR comes first (no-color.org), then FORCE_COLOR and CLICOLOR_FORCE, then CLICOLOR
    (bixense.com/clicolors) and TERM.
    """
    if os.environ.get("NO_COLOR"):
        return False
    # "0" turns each of them off.
    forcing = ("FORCE_COLOR", "CLICOLOR_FORCE")
    if any(os.environ.get(name, "0") not in ("", "0") for name in forcing):
        return True
    return os.environ.get("CLICOLOR") != "0" and is_terminal(stream)


def is_terminal(stream: TextIO) -> bool:
    """Return whether `stream` is a terminal whose cursor can be moved."""
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def shows_progress() -> bool:
    """Return whether a progress bar is drawn on standard error."""
    return not is_quiet() and is_terminal(sys.stderr)


@contextmanager
def progress(unit: str = " files", total: int | None = None) -> Iterator[Callable[..., object]]:
    """Give a callback that moves a progress bar, by 1 or by its argument.

    The bar is drawn only on a terminal, and only if the work takes more than half a second.
    """
    if not shows_progress():
        yield lambda *_: None
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # its thread would forbid other processes (`fork_map`)
    with tqdm(
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        delay=0.5,
        leave=False,
        dynamic_ncols=True,
    ) as bar:
        yield bar.update


def fold_problems(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems, but of many that have one cause only the first, with their number.

    --verbose returns all.
    """
    if is_verbose():
        return list(problems)

    def cause_of(problem: Problem) -> tuple[str, ...]:
        # Each unknown key is a cause of its own; other messages name files, which differ.
        name = problem.message if problem.code == "unknown-key" else ""
        return (problem.level, problem.code, name)

    counts = Counter(cause_of(problem) for problem in problems if problem.code in SHARED_CAUSES)
    folded: list[Problem] = []
    for problem in problems:
        count = counts.get(cause_of(problem), 1)
        if count > MAX_UNFOLDED:
            counts[cause_of(problem)] = 0
            more = f"(and {count - 1} more: --verbose lists them)"
            folded.append(replace(problem, message=f"{problem.message} {more}"))
        elif count:
            folded.append(problem)
    return folded


def print_problems(problems: Sequence[Problem], source: str) -> int:
    """Print errors, as folded, and the number of warnings; return the number of errors.

    --verbose prints each warning, --quiet not even their number.
    """
    errors = [problem for problem in problems if problem.level == "error"]
    warnings = [problem for problem in problems if problem.level == "warning"]
    for problem in [*fold_problems(errors), *(warnings if is_verbose() else ())]:
        position = paint(f"{escape(problem.path)}:{problem.line}:", BOLD, sys.stderr)
        level = ""
        if problem.level == "warning":
            level = f"{paint('warning', YELLOW, sys.stderr)}: "
        print_line(f"{position} {level}{escape(problem.message)}")
    if warnings and not is_verbose() and not is_quiet():
        count, them = (
            ("1 warning", "it") if len(warnings) == 1 else (f"{len(warnings)} warnings", "them")
        )
        print_line(f"{count}: run feedhub check {escape(source)} to see {them}")
    return len(errors)


def format_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, numeric: Collection[int], cut: int
) -> str:
    """Return the rows for standard output: aligned on a terminal, else with tabs and no head.

    `numeric` are the columns aligned to the right; `cut` is the one that is cut if the terminal is
    too narrow. The last column is never cut, so that an address can be copied.
    """
    cells = [[escape(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():  # for `cut -f` and other programs
        return "".join("\t".join(row) + "\n" for row in cells)
    return align_columns(head, cells, numeric, cut, shutil.get_terminal_size().columns)


def align_columns(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numeric: Collection[int],
    cut: int,
    terminal_width: int,
) -> str:
    """Return the rows below `head`, each column as wide as its widest cell; cut column `cut`."""
    from wcwidth import wcswidth  # a Chinese letter takes two cells

    def fit(text: str, width: int, to_right: bool) -> str:
        if wcswidth(text) > width:
            while wcswidth(text) >= width:
                text = text[:-1]
            text += "…"
        blank = " " * (width - wcswidth(text))
        return blank + text if to_right else text + blank

    table = [head, *rows]
    gap = "  "
    widths = [max(wcswidth(cell) for cell in column) for column in zip(*table, strict=True)]
    excess = sum(widths) + len(gap) * (len(widths) - 1) - terminal_width
    if excess > 0:
        widths[cut] = max(min(MIN_CUT_WIDTH, widths[cut]), widths[cut] - excess)
    lines = []
    for row in table:
        cells = [fit(cell, widths[n], n in numeric) for n, cell in enumerate(row[:-1])]
        lines.append(gap.join([*cells, row[-1]]))
    lines[0] = paint(lines[0], BOLD, sys.stdout)
    return "\n".join(lines) + "\n"
