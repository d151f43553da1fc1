"""An argument parser that reports a mistake in one line and suggests the nearest known word."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from itertools import takewhile
from typing import Any, NoReturn

from feedhub.cli.console import RED, paint
from feedhub.errors import did_you_mean

VERBOSITY = "verbosity"


class Parser(argparse.ArgumentParser):
    """A parser with one-line errors; that of a command adds its arguments when it is first used.

    `add_arguments` is called with the parser then, so that only the module of one command is
    imported: that of all would take longer than most commands.
    """

    def __init__(
        self, *, add_arguments: Callable[[Parser], None] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )
        self._add_arguments = add_arguments
        group = self.add_argument_group(VERBOSITY).add_mutually_exclusive_group()
        # A command's default must not overwrite what was given before the command.
        default = argparse.SUPPRESS if add_arguments else False
        group.add_argument(
            "--quiet",
            "-q",
            action="store_true",
            default=default,
            help="print only errors and results: no summary, no warnings, no progress bar",
        )
        group.add_argument(
            "--verbose",
            "-v",
            action="store_true",
            default=default,
            help="also print which configuration and catalog are used, and every warning in full",
        )

    def commands(self) -> dict[str, Parser]:
        """Return the parser of each command with all its arguments, by name, in order."""
        # argparse has no public name for its list of commands.
        lists = [a for a in self._actions if isinstance(a, argparse._SubParsersAction)]
        parsers = dict(lists[0].choices) if lists else {}
        for parser in parsers.values():
            parser.complete()
        return parsers

    def complete(self) -> None:
        """Add the arguments of the command if that has not been done."""
        add_arguments, self._add_arguments = self._add_arguments, None
        if add_arguments is not None:
            add_arguments(self)

    def error(self, message: str) -> NoReturn:
        """Print the message in one line and exit with 2."""
        problem, is_choice, _ = message.rpartition(" (choose from")
        if is_choice:
            known = [word for action in self._actions for word in action.choices or ()]
            hint = did_you_mean(problem.rpartition("invalid choice: ")[2].strip("'"), known)
            message = problem + (hint or f"; choose from {', '.join(known)}")
        program = paint(f"{self.prog}:", RED, sys.stderr)
        self.exit(2, f"{program} {message}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments; report an unknown one before anything else.

        argparse would first report what is missing because of a misspelled option.
        """
        self.complete()
        own = takewhile(lambda word: word != "--", args or ())
        if self._subparsers is not None:  # the rest is for the parser of a command
            own = takewhile(lambda word: word.startswith("-"), own)
        self._refuse([word for word in own if self._is_unknown_option(word)])
        options, unknown = super().parse_known_args(args, namespace)
        self._refuse(unknown)
        return options, unknown

    def _is_unknown_option(self, word: str) -> bool:
        match = re.fullmatch(r"(--[\w-]+)(=.*)?|(-[A-Za-z])\S*", word, re.DOTALL)
        return match is not None and (match[1] or match[3]) not in self._option_string_actions

    def _refuse(self, unknown: list[str]) -> None:
        if not unknown:
            return
        word = unknown[0].split("=")[0]
        hint = did_you_mean(word, self._option_string_actions)
        if any(word in command._option_string_actions for command in self.commands().values()):
            hint = "; give it after the command"
        self.error(f"unknown argument {unknown[0]!r}{hint}")
