"""`feedhub init`: write a commented configuration file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from feedhub.cli import console, options
from feedhub.config import CONFIG_FILE, starter_toml
from feedhub.errors import ConfigError

EXAMPLES = ("", "site/feedhub.toml")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "file",
        metavar="FILE",
        type=options.path,
        nargs="?",
        default=CONFIG_FILE,
        help="file to write; default: feedhub.toml; an existing file is not changed",
    )


def run(args: Namespace) -> int:
    """Write the file; return 0, or raise ConfigError."""
    created = False
    try:
        with args.file.open("x", encoding="utf-8") as file:
            created = True
            file.write(starter_toml())
    except FileExistsError:
        raise ConfigError(
            f"{args.file}: already exists and was not changed; give another FILE"
        ) from None
    except OSError as error:
        if created:
            args.file.unlink()  # a half-written file would stop the next try
        raise ConfigError(f"{args.file}: cannot be written: {error.strerror}") from None
    if not console.is_quiet():
        print(f"{args.file} was written. Set site.base_url first.")
    return 0
