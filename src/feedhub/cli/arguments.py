"""The arguments of every command, and the nearest known word for a misspelled one."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from feedhub import __version__

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
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            near = _nearest(unknown[0].split("=")[0], self._option_string_actions)
            self.error(f"unknown argument {unknown[0]!r}{near}")
        return options, unknown


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
    _add_source(command)
    command.add_argument("out", metavar="OUT", type=Path, help="folder to write to")
    _add_configuration(command)
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=Path,
        help="file that keeps what was read; default: one in the user's cache folder",
    )
    _add_formats(command)
    _add_drafts(command)
    command.add_argument(
        "--watch",
        action="store_true",
        help="go on, and render again when a file changes or a scheduled article is due",
    )
    _add_shrink(command)
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
    _add_configuration(command)
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=Path,
        help="file that feedhub sync keeps; default with SOURCE: one in the user's cache folder",
    )
    _add_sockets(command)
    command.add_argument(
        "--workers",
        metavar="N",
        type=_positive,
        default=1,
        help="processes that answer",
    )
    _add_log(command)
    _add_drafts(command)
    _add_shrink(command)
    _add_parent(command)


def _add_sockets(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--host",
        metavar="HOST",
        default="127.0.0.1",
        help="default: 127.0.0.1",
    )
    command.add_argument(
        "--port",
        metavar="PORT",
        type=_port,
        default=8000,
        help="port to listen on, 0 for any that is free; default: 8000",
    )
    command.add_argument("--uds", metavar="PATH", type=Path, help="listen on a Unix socket instead")
    command.add_argument(
        "--fd", metavar="N", type=int, help="listen on an open socket that was handed over"
    )
    command.add_argument(
        "--admin",
        metavar="PLACE",
        help="HOST:PORT or path of a socket for /livez, /readyz and /metrics; default: none",
    )


def _add_sync(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "sync",
        "bring the catalog that feedhub serve reads up to SOURCE",
        "articles --catalog /var/lib/feedhub/catalog.sqlite --watch",
    )
    _add_source(command)
    command.add_argument(
        "--catalog", metavar="PATH", type=Path, required=True, help="file to write"
    )
    _add_configuration(command)
    _add_drafts(command)
    command.add_argument(
        "--watch",
        action="store_true",
        help="go on, and do it again when a file changes or a scheduled article is due",
    )
    _add_shrink(command)
    command.add_argument("--json", action="store_true", help="print the summary as JSON")
    _add_parent(command)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise ValueError
    return number


def _add_log(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help="text (the default, combined log format) or json, one line an answer",
    )


def _add_shrink(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allow-shrink",
        action="store_true",
        help="publish although nothing, or less than half of what was out, is left",
    )


def _add_parent(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--parent", metavar="PID", type=int, help="end when this process is not the parent any more"
    )


def _add_check(commands: _Commands[_Parser]) -> None:
    command = _add_command(
        commands,
        "check",
        "tell every problem of every file of SOURCE",
        "articles",
        "articles --format github",
    )
    _add_source(command)
    _add_configuration(command)
    _add_drafts(command)
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
    _add_source(command)
    _add_configuration(command)
    _add_formats(command)
    _add_drafts(command)
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


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", metavar="SOURCE", type=Path, help="folder of article files")


def _add_configuration(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config", metavar="FILE", type=Path, help="default: feedhub.toml, where there is one"
    )
    command.add_argument(
        "--base-url", metavar="URL", help="where the feeds are published; wins over site.base_url"
    )


def _add_formats(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--formats", metavar="LIST", help="such as rss,atom,json; wins over feeds.formats"
    )


def _add_drafts(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--drafts",
        action="store_true",
        help="let unpublished articles in, for a preview; every title then says so",
    )
