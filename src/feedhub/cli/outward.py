"""The arguments of the commands that look outside, or at what comes from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhub.cli import options
from feedhub.cli.parsing import add_command

if TYPE_CHECKING:
    import argparse

    from feedhub.cli.parsing import Commands, Parser


def add_probe(commands: Commands[Parser]) -> None:
    """Asking for what is not known of images."""
    command = add_command(
        commands,
        "probe",
        "ask servers for type, length and size of images",
        "articles",
        "--catalog /var/lib/feedhub/catalog.sqlite --seconds 3600",
    )
    _add_kept_catalog(command, "knows the images")
    command.add_argument(
        "--days",
        metavar="N",
        type=options.positive,
        default=90,
        help="ask again for what is known after so many days; default: 90",
    )
    command.add_argument(
        "--seconds",
        metavar="N",
        type=options.seconds,
        default=600,
        help="begin nothing new after so long, and leave the rest for the next run; default: 600",
    )
    command.add_argument("--json", action="store_true", help="print the summary as JSON")


def add_ping(commands: Commands[Parser]) -> None:
    """Telling the hub what has changed."""
    command = add_command(
        commands,
        "ping",
        "tell the hub which feeds have changed (WebSub)",
        "articles",
        "--catalog /var/lib/feedhub/catalog.sqlite --watch",
    )
    _add_kept_catalog(command, "holds what waits")
    command.add_argument("--all", action="store_true", help="tell it of every feed, changed or not")
    command.add_argument(
        "--watch", action="store_true", help="go on, and tell it whenever something changes"
    )
    options.add_parent(command)


def add_stats(commands: Commands[Parser]) -> None:
    """Telling who reads."""
    command = add_command(
        commands,
        "stats",
        "tell from access logs who reads the feeds",
        "/var/log/nginx/feedhub.log /var/log/nginx/feedhub.log.1 /var/log/nginx/feedhub.log.2.gz",
        "access.log --catalog /var/lib/feedhub/catalog.sqlite --html readers.html",
        "- --days 30 --json",
    )
    command.add_argument(
        "logs",
        metavar="LOG",
        nargs="+",
        help="access log of nginx, Caddy or feedhub serve, packed by gzip or not; - reads standard "
        "input",
    )
    options.add_configuration(command)
    command.add_argument(
        "--source",
        metavar="SOURCE",
        type=options.source,
        help="folder that feedhub render was given: its catalog tells which feeds there are",
    )
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=options.place,
        help="file that feedhub render or sync keeps: it tells which feeds there are",
    )
    command.set_defaults(drafts=False)
    command.add_argument(
        "--days",
        metavar="N",
        type=options.positive,
        default=7,
        help="who came in the last N days of the log counts as a reader; default: 7",
    )
    command.add_argument(
        "--top",
        metavar="N",
        type=options.natural,
        default=20,
        help="rows of each table, 0 for all; default: 20",
    )
    command.add_argument(
        "--html", metavar="FILE", type=options.place, help="write the report as one HTML page too"
    )
    command.add_argument("--json", action="store_true", help="print the report as JSON")


def _add_kept_catalog(command: argparse.ArgumentParser, what: str) -> None:
    """The catalog that another command keeps; nothing outside ever hears of drafts."""
    command.add_argument(
        "source",
        metavar="SOURCE",
        type=options.source,
        nargs="?",
        help=f"folder that feedhub render was given: its catalog {what}",
    )
    options.add_configuration(command)
    command.add_argument(
        "--catalog",
        metavar="PATH",
        type=options.place,
        help="file that feedhub render or sync keeps",
    )
    command.set_defaults(drafts=False)
