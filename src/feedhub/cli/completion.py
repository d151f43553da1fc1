"""`feedhub completion`: print a script with which a shell completes commands, options and paths."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from feedhub.cli import options

EXAMPLES = (
    "bash > ~/.local/share/bash-completion/completions/feedhub",
    "zsh > ~/.zfunc/_feedhub",
    "fish > ~/.config/fish/completions/feedhub.fish",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish"
    )


def run(args: Namespace) -> int:
    """Print the script for one shell."""
    # Imported here because no other command needs it.
    import shtab

    from feedhub.cli.registry import build_parser

    parser = build_parser()
    for command in (parser, *parser.commands().values()):
        for action in command._actions:
            # The logs of `stats` have no type: one may be `-`, standard input.
            folder = action.metavar in ("SOURCE", "OUT")
            if folder or action.type is options.path or action.metavar == "LOG":
                action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined] # shtab's own
    # For several words shtab writes what zsh takes for one (zshcompsys, _arguments).
    script = shtab.complete(parser, args.shell).replace('"(*):', '"*:')
    sys.stdout.write(script if script.endswith("\n") else f"{script}\n")
    return 0
