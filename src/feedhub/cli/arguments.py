"""The arguments of every command, and the nearest known word for a misspelled one."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from feedhub import __version__
from feedhub.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_EXIT_CODES = """\
exit codes:
  0  done
  1  articles were rejected, the rest is published
  2  usage, configuration or output cannot be used
  3  refused: too little would be left to publish"""
_EXAMPLES = """\
examples:
  feedhub check articles
  feedhub render articles public --base-url https://feeds.example.org
  feedhub serve articles --base-url https://feeds.example.org"""


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line, with the nearest known word."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and exit with 2."""
        if match := re.search(r"(.*invalid choice: '([^']*)')", message):
            known = [word for action in self._actions for word in action.choices or ()]
            message = f"{match[1]}{_nearest(match[2], known)}"
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is not known here, where the options of the command are."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = _nearest(unknown[0].split("=")[0], self._option_string_actions)
            self.error(f"unknown argument {unknown[0]!r}{near}")
        return found, unknown


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # only for whom it helps

    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of one command, its name as `command`; exits with 2 where it cannot."""
    return build_parser().parse_args(arguments)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    parser = _Parser(
        prog="feedhub",
        description="A folder of article files in; RSS 2.0, Atom 1.0 and JSON Feed 1.1 out.",
        epilog=f"{_EXAMPLES}\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"feedhub {__version__}", help="print the version"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_Parser
    )
    for add in (_add_render, _add_serve, _add_sync, _add_check, _add_feeds, _add_init):
        add(commands)
    return parser


_Commands = argparse._SubParsersAction  # argparse has no public name for it


def _add_command(
    commands: _Commands[_Parser], name: str, about: str, *examples: str
) -> argparse.ArgumentParser:
    lines = [f"  feedhub {name} {example}".rstrip() for example in examples]
    return commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog="\n".join(["examples:", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _add_render(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "render",
        "write the feeds of SOURCE to the folder OUT",
        "articles public --base-url https://feeds.example.org",
        "articles public --watch",
        "articles preview --drafts",
    )
    options.add_source(command)
    command.add_argument("out", metavar="OUT", type=Path, help="folder to write to")
    options.add_configuration(command)
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=Path,
        help="file that keeps what was read; default: one in the user's cache folder",
    )
    options.add_formats(command)
    options.add_drafts(command)
    command.add_argument(
        "--watch",
        action="store_true",
        help="go on, and render again when a file changes or a scheduled article is due",
    )
    options.add_shrink(command)
    options.add_workers(command)
    command.add_argument("--json", action="store_true", help="print the summary as JSON")


def _add_serve(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "serve",
        "answer readers over HTTP, behind a reverse proxy",
        "articles --base-url https://feeds.example.org",
        "articles --uds /run/feedhub/http.sock --workers 2 --admin 127.0.0.1:9100",
        "--catalog /var/lib/feedhub/catalog.sqlite",
    )
    command.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        nargs="?",
        help="folder of article files, followed as it changes; without it --catalog is only read",
    )
    options.add_configuration(command)
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=Path,
        help="file that feedhub sync keeps; default with SOURCE: one in the user's cache folder",
    )
    options.add_sockets(command)
    command.add_argument(
        "--workers",
        metavar="N",
        type=options.positive,
        default=1,
        help="processes that answer",
    )
    options.add_log(command)
    options.add_drafts(command)
    options.add_shrink(command)
    options.add_parent(command)


def _add_sync(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "sync",
        "bring the catalog that feedhub serve reads up to SOURCE",
        "articles --catalog /var/lib/feedhub/catalog.sqlite --watch",
    )
    options.add_source(command)
    command.add_argument(
        "--catalog", metavar="PATH", type=Path, required=True, help="file to write"
    )
    options.add_configuration(command)
    options.add_drafts(command)
    command.add_argument(
        "--watch",
        action="store_true",
        help="go on, and do it again when a file changes or a scheduled article is due",
    )
    options.add_shrink(command)
    options.add_workers(command)
    command.add_argument("--json", action="store_true", help="print the summary as JSON")
    options.add_parent(command)


def _add_check(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "check",
        "tell every problem of every file of SOURCE",
        "articles",
        "articles --format github",
    )
    options.add_source(command)
    options.add_configuration(command)
    options.add_drafts(command)
    command.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text (the default), json, or github for workflow commands",
    )


def _add_feeds(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "feeds",
        "list every feed of SOURCE with its count, newest date and address",
        "articles",
        "articles --json",
    )
    options.add_source(command)
    options.add_configuration(command)
    options.add_formats(command)
    options.add_drafts(command)
    command.add_argument("--json", action="store_true", help="print the list as JSON")


def _add_init(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "init",
        "write a commented feedhub.toml with every default",
        "",
        "site/feedhub.toml",
    )
    command.add_argument(
        "file",
        metavar="FILE",
        type=Path,
        nargs="?",
        default=Path("feedhub.toml"),
        help="file to write; default: feedhub.toml; an existing one is left alone",
    )
