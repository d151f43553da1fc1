"""The arguments of every command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub import __version__
from feedhub.cli import options
from feedhub.cli.outward import add_ping, add_probe, add_stats
from feedhub.cli.parsing import Parser, add_command, add_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feedhub.cli.parsing import Commands

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


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of one command, its name as `command`; exits with 2 where it cannot."""
    return build_parser().parse_args(arguments)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command."""
    parser = Parser(
        prog="feedhub",
        description="A folder of article files in; RSS 2.0, Atom 1.0 and JSON Feed 1.1 out.",
        epilog=f"{_EXAMPLES}\n\n{_EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"feedhub {__version__}", help="print the version"
    )
    add_volume(parser)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    for add in (
        *(_add_render, _add_serve, _add_sync, _add_check, _add_feeds, _add_init),
        *(_add_completion, add_ping, add_probe, add_stats),
    ):
        add(commands)
    return parser


def _add_render(commands: Commands[Parser]) -> None:
    command = add_command(
        commands,
        "render",
        "write the feeds of SOURCE to the folder OUT",
        "articles public --base-url https://feeds.example.org",
        "articles public --watch",
        "articles preview --drafts",
    )
    options.add_source(command)
    command.add_argument("out", metavar="OUT", type=options.place, help="folder to write to")
    options.add_configuration(command)
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=options.place,
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


def _add_serve(commands: Commands[Parser]) -> None:
    command = add_command(
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
        type=options.source,
        nargs="?",
        help="folder of article files, followed as it changes; without it --catalog is only read",
    )
    options.add_configuration(command)
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=options.place,
        help="file that feedhub sync keeps; default with SOURCE: one in the user's cache folder",
    )
    options.add_sockets(command)
    command.add_argument(
        "--workers",
        metavar="N",
        type=options.positive,
        default=1,
        help="processes that answer; default: 1",
    )
    options.add_log(command)
    options.add_drafts(command)
    options.add_shrink(command)
    options.add_parent(command)


def _add_sync(commands: Commands[Parser]) -> None:
    command = add_command(
        commands,
        "sync",
        "bring the catalog that feedhub serve reads up to SOURCE",
        "articles --catalog /var/lib/feedhub/catalog.sqlite --watch",
    )
    options.add_source(command)
    command.add_argument(
        "--catalog", metavar="PATH", type=options.place, required=True, help="file to write"
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


def _add_check(commands: Commands[Parser]) -> None:
    command = add_command(
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


def _add_feeds(commands: Commands[Parser]) -> None:
    command = add_command(
        commands,
        "feeds",
        "list every feed of SOURCE with its count, newest date and address",
        "articles",
        "articles --only AI --only topics/machine-learning",
        "articles --json",
    )
    options.add_source(command)
    options.add_configuration(command)
    options.add_formats(command)
    options.add_drafts(command)
    command.add_argument(
        "--only",
        metavar="FEED",
        action="append",
        default=[],
        help="list this feed: a label such as AI, or a path such as topics/ai; may stand twice",
    )
    command.add_argument("--json", action="store_true", help="print the list as JSON")


def _add_init(commands: Commands[Parser]) -> None:
    command = add_command(
        commands,
        "init",
        "write a commented feedhub.toml with every default",
        "",
        "site/feedhub.toml",
    )
    command.add_argument(
        "file",
        metavar="FILE",
        type=options.place,
        nargs="?",
        default=Path("feedhub.toml"),
        help="file to write; default: feedhub.toml; an existing one is left alone",
    )


def _add_completion(commands: Commands[Parser]) -> None:
    command = add_command(
        commands,
        "completion",
        "print a script by which SHELL completes what is typed",
        "bash > ~/.local/share/bash-completion/completions/feedhub",
        "zsh > ~/.zfunc/_feedhub",
        "fish > ~/.config/fish/completions/feedhub.fish",
    )
    command.add_argument(
        "shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish"
    )
