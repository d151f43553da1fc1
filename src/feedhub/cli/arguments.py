"""The arguments of every command, and the nearest known word for a misspelled one."""

from __future__ import annotations

import argparse
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from feedhub import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXIT_CODES = """\
exit codes: 0 done · 1 articles were rejected, the rest is published ·
2 usage, configuration or output cannot be used · 3 refused: too little would be left to publish"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, with the nearest known word, and exit with 2."""
        self.exit(2, f"{self.prog}: {message}{self._nearest(message)}; see {self.prog} --help\n")

    def _nearest(self, message: str) -> str:
        known = [
            word
            for action in self._actions
            for word in (*action.option_strings, *(action.choices or ()))
        ]
        for word in message.replace("'", " ").split():
            near = difflib.get_close_matches(word.split("=")[0], known, n=1)
            if near and near[0] != word and "choose" not in word:
                return f"; did you mean {near[0]}?"
        return ""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of one command, its name as `command`; exits with 2 and one line where it cannot."""
    return build_parser().parse_args(arguments)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    parser = _Parser(
        prog="feedhub",
        description="A folder of article files in; RSS 2.0, Atom 1.0 and JSON Feed 1.1 out.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"feedhub {__version__}")
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    _add_render(commands)
    _add_check(commands)
    _add_feeds(commands)
    _add_init(commands)
    return parser


_Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add_command(
    commands: _Commands[_Parser], name: str, about: str, example: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ".",
        epilog=f"example: {example}",
        allow_abbrev=False,
    )


def _add_render(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "render",
        "write the feeds of SOURCE to the folder OUT",
        "feedhub render articles public --base-url https://feeds.example.org",
    )
    command.add_argument("source", metavar="SOURCE", type=Path, help="folder of article files")
    command.add_argument("out", metavar="OUT", type=Path, help="folder to write to")
    _add_configuration(command)
    _add_selection(command)
    command.add_argument("--watch", action="store_true", help="render again whenever SOURCE changes")
    command.add_argument(
        "--allow-shrink", action="store_true", help="publish though little or nothing is left"
    )
    command.add_argument("--json", action="store_true", help="print the summary as JSON")


def _add_check(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "check",
        "tell every problem of every file of SOURCE",
        "feedhub check articles --format github",
    )
    command.add_argument("source", metavar="SOURCE", type=Path, help="folder of article files")
    _add_configuration(command)
    command.add_argument("--drafts", action="store_true", help="check unpublished articles too")
    command.add_argument(
        "--format", choices=("text", "json", "github"), default="text", help="default: text"
    )


def _add_feeds(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "feeds",
        "list every feed of SOURCE with its count, newest date and address",
        "feedhub feeds articles",
    )
    command.add_argument("source", metavar="SOURCE", type=Path, help="folder of article files")
    _add_configuration(command)
    _add_selection(command)
    command.add_argument("--json", action="store_true", help="print the list as JSON")


def _add_init(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "init",
        "write a commented feedhub.toml with every default",
        "feedhub init",
    )
    command.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        nargs="?",
        default=Path("feedhub.toml"),
        help="default: feedhub.toml; an existing file is left alone",
    )


def _add_configuration(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", metavar="FILE", type=Path, help="default: ./feedhub.toml")
    command.add_argument("--base-url", metavar="URL", help="where the feeds are published")


def _add_selection(command: argparse.ArgumentParser) -> None:
    command.add_argument("--catalog", metavar="PATH", type=Path, help="default: in the cache folder")
    command.add_argument("--formats", metavar="LIST", help="such as rss,atom,json")
    command.add_argument(
        "--drafts", action="store_true", help="let unpublished articles in, for a local preview"
    )
