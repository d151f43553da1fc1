"""The arguments of the commands that look outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.cli import options
from feedhub.cli.parsing import add_command

if TYPE_CHECKING:
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
    command.add_argument(
        "source",
        metavar="SOURCE",
        type=Path,
        nargs="?",
        help="folder that feedhub render was given: its catalog knows the images",
    )
    options.add_configuration(command)
    command.add_argument(
        "--catalog", metavar="PATH", type=Path, help="file that feedhub render or sync keeps"
    )
    command.set_defaults(drafts=False)  # nobody hears of them
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
