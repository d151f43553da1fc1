"""`feedhub completion`: a script by which a shell completes what is typed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import shtab

from feedhub.cli.arguments import build_parser
from feedhub.cli.options import place
from feedhub.cli.parsing import parsers_of

if TYPE_CHECKING:
    from argparse import Action, Namespace

# What stands for a folder, and what for files though it may be `-` too.
_FOLDERS, _LOGS = ("SOURCE", "OUT"), "LOG"


def completion(options: Namespace) -> int:
    """Print the script for one shell."""
    parser = build_parser()
    for command in (parser, *parsers_of(parser).values()):
        for action in command._actions:
            _complete(action)
    # For several words shtab writes what zsh takes for one (zshcompsys, _arguments).
    script = shtab.complete(parser, options.shell).replace('"(*):', '"*:')
    sys.stdout.write(script if script.endswith("\n") else f"{script}\n")
    return 0


def _complete(action: Action) -> None:
    """Say what the value of an option is, where it is a place."""
    if action.type is place or action.metavar == _LOGS:
        kind = shtab.DIRECTORY if action.metavar in _FOLDERS else shtab.FILE
        action.complete = kind  # type: ignore[attr-defined] # shtab looks for it
