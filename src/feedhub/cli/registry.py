"""The commands, and the parser of their arguments.

A command is a row here and a module of its name in this package, with `EXAMPLES` (arguments shown
by `--help`), `add_arguments(parser)` and `run(args)`, which returns the exit code.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from feedhub import __version__
from feedhub.cli.parser import Parser

# The order is that of --help and docs/cli.md.
COMMANDS = {
    "render": "write the feeds of SOURCE to the folder OUT",
    "serve": "serve the feeds over HTTP, behind a reverse proxy",
    "sync": "update the catalog that feedhub serve reads from SOURCE",
    "check": "print every problem of every file of SOURCE",
    "feeds": "list every feed of SOURCE with its count, newest date and address",
    "adopt": "take over the ids of an earlier feed, so that what was read stays read",
    "init": "write a commented feedhub.toml with every default",
    "completion": "print a completion script for SHELL",
    "ping": "tell the hub, search engines and a cache what has changed",
    "probe": "request the type, length and size of images, audio and video",
    "stats": "report from access logs who reads the feeds",
}
EPILOG = """\
examples:
  feedhub check articles
  feedhub render articles public --base-url https://feeds.example.org
  feedhub serve articles --base-url https://feeds.example.org

exit codes:
  0  done
  1  articles were rejected, the rest is published
  2  usage, configuration or output cannot be used
  3  refused: too little would be left to publish, or ids would change"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options of one command, its name as `command`; exit with 2 on a mistake."""
    return build_parser().parse_args(arguments)


def run(args: argparse.Namespace) -> int:
    """Run the command of the parsed options and return its exit code."""
    code: int = import_module(f"feedhub.cli.{args.command}").run(args)
    return code


def build_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="feedhub",
        description="Turn a folder of article files into RSS 2.0, Atom 1.0 and JSON Feed 1.1.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "--version", action="version", version=f"feedhub {__version__}", help="print the version"
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=Parser
    )
    for name, summary in COMMANDS.items():
        commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            add_arguments=partial(_add_arguments, name),
        )
    return parser


def _add_arguments(name: str, parser: Parser) -> None:
    module = import_module(f"feedhub.cli.{name}")
    lines = [f"  feedhub {name} {example}".rstrip() for example in module.EXAMPLES]
    parser.epilog = "\n".join(["examples:", *lines])
    module.add_arguments(parser)
