"""How arguments are read: one line for a wrong one, with the nearest known word."""

from __future__ import annotations

import argparse
import re
import sys
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NoReturn

from feedhub.cli.console import RED, paint
from feedhub.messages import did_you_mean

if TYPE_CHECKING:
    pass


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line, with the nearest known word."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with 2."""
        if match := re.search(r"(.*invalid choice: (.*)) \(choose from", message):
            known = [word for action in self._actions for word in action.choices or ()]
            near = did_you_mean(match[2].strip("'"), known)
            message = match[1] + (near or f"; known are {', '.join(known)}")
        told = paint(f"{self.prog}:", RED, sys.stderr)
        self.exit(2, f"{told} {message}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is not known here, where the options of the command are.

        Misspelled options come first: argparse would say that something else is missing.
        """
        own = takewhile(lambda word: word != "--", args or ())
        if self._subparsers is not None:  # what follows is the command's
            own = takewhile(lambda word: word.startswith("-"), own)
        self._refuse([word for word in own if self._is_unknown_option(word)])
        found, unknown = super().parse_known_args(args, namespace)
        self._refuse(unknown)
        return found, unknown

    def _is_unknown_option(self, word: str) -> bool:
        match = re.fullmatch(r"(--[\w-]+)(=.*)?|(-[A-Za-z])\S*", word, re.DOTALL)
        return match is not None and (match[1] or match[3]) not in self._option_string_actions

    def _refuse(self, unknown: list[str]) -> None:
        if unknown:
            self.error(f"unknown argument {unknown[0]!r}{self._hint(unknown[0].split('=')[0])}")

    def _hint(self, word: str) -> str:
        commands = parsers_of(self).values() if self._subparsers is not None else ()
        if any(word in command._option_string_actions for command in commands):
            return "; it stands behind the command"
        return did_you_mean(word, self._option_string_actions)


# argparse has no public name for it.
Commands = argparse._SubParsersAction


def add_command(
    commands: Commands[Parser], name: str, about: str, *examples: str
) -> argparse.ArgumentParser:
    """Add a command and what all have in common; `examples` are its arguments."""
    lines = [f"  feedhub {name} {example}".rstrip() for example in examples]
    command = commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog="\n".join(["examples:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_volume(command, default=argparse.SUPPRESS)  # what stands before the command counts too
    return command


def add_volume(parser: argparse.ArgumentParser, default: object = False) -> None:
    """How much is said."""
    group = parser.add_argument_group("how much is said").add_mutually_exclusive_group()
    group.add_argument(
        "--quiet",
        "-q",
        action="store_true",
        default=default,
        help="only errors, and what was asked for: no summary, no warning, no progress",
    )
    group.add_argument(
        "--verbose",
        "-v",
        action="store_true",
        default=default,
        help="also where things are read and kept, and every warning in full",
    )


def parsers_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, by name, in order."""
    (commands,) = (a for a in parser._actions if isinstance(a, Commands))
    return dict(commands.choices)
