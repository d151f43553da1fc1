"""How much is said beside the answer, and in which colours: on standard error, a line at a time."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from argparse import Namespace

RED, YELLOW, CYAN, BOLD, DIM = "31", "33", "36", "1", "2"
LEVELS = {"error": RED, "warning": YELLOW, "info": CYAN}

_QUIET, _USUAL, _VERBOSE = range(3)
_volume = _USUAL


def set_volume(options: Namespace) -> None:
    """Speak as the options `quiet` and `verbose` of a command ask for."""
    global _volume
    _volume = _QUIET if options.quiet else _VERBOSE if options.verbose else _USUAL


def quiet() -> bool:
    """Tell whether only answers and errors are wanted."""
    return _volume == _QUIET


def verbose() -> bool:
    """Tell whether details are wanted."""
    return _volume == _VERBOSE


def wrong(text: str) -> None:
    """Say what stops the command, or a part of it."""
    _say(text, RED)


def remark(text: str) -> None:
    """Say what a person should know, unless nothing but answers and errors is wanted."""
    if not quiet():
        _say(text, YELLOW)


def detail(text: str) -> None:
    """Say what only they want to know who ask for it."""
    if verbose():
        _say(text, DIM)


def tell(line: str) -> None:
    """Print a line on standard error; where nobody can read it, the work goes on."""
    with suppress(OSError):
        print(line, file=sys.stderr)


def _say(text: str, colour: str) -> None:
    tell(f"{paint('feedhub:', colour, sys.stderr)} {shown(text)}")


def shown(text: str) -> str:
    """Return text without what could move a terminal's cursor: names of files may hold it."""
    from feedhub.text import printable

    return printable(text)


def paint(text: str, colour: str, stream: TextIO) -> str:
    """Return text in a colour, where `stream` shows colours (ECMA-48, 8.3.117)."""
    return f"\x1b[{colour}m{text}\x1b[0m" if text and shows_colours(stream) else text


def shows_colours(stream: TextIO) -> bool:
    """Tell whether colours are wanted: on a terminal, unless the environment says otherwise.

    NO_COLOR comes first (no-color.org), then FORCE_COLOR and CLICOLOR_FORCE, then CLICOLOR
    (bixense.com/clicolors) and TERM.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in _FORCING):
        return True
    return os.environ.get("CLICOLOR") != "0" and _moves_cursor(stream)


def draws() -> bool:
    """Tell whether a bar may be drawn on standard error, over and over on one line."""
    return not quiet() and _moves_cursor(sys.stderr)


def _moves_cursor(stream: TextIO) -> bool:
    return os.environ.get("TERM") != "dumb" and stream.isatty()


_FORCING = ("FORCE_COLOR", "CLICOLOR_FORCE")
