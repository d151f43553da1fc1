"""The options that several commands share, each worded once."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_source(command: argparse.ArgumentParser) -> None:
    """The folder of article files."""
    command.add_argument("source", metavar="SOURCE", type=source, help="folder of article files")


def add_configuration(command: argparse.ArgumentParser) -> None:
    """Where the configuration comes from."""
    command.add_argument(
        "--config",
        metavar="FILE",
        type=place,
        help="the configuration; default: feedhub.toml, where there is one",
    )
    command.add_argument(
        "--base-url", metavar="URL", help="where the feeds are published; wins over site.base_url"
    )


def add_formats(command: argparse.ArgumentParser) -> None:
    """Which formats there are."""
    command.add_argument(
        "--formats", metavar="LIST", help="such as rss,atom,json; wins over feeds.formats"
    )


def add_drafts(command: argparse.ArgumentParser) -> None:
    """Whether unpublished articles show."""
    command.add_argument(
        "--drafts",
        action="store_true",
        help="let unpublished articles in, for a preview; every title then says so",
    )


def add_log(command: argparse.ArgumentParser) -> None:
    """How the access log is written."""
    command.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help="text (the default, combined log format) or json, one line an answer",
    )


def add_shrink(command: argparse.ArgumentParser) -> None:
    """Whether much may be withdrawn at once."""
    command.add_argument(
        "--allow-shrink",
        action="store_true",
        help="publish although nothing, or less than half of what was out, is left",
    )


def add_workers(command: argparse.ArgumentParser) -> None:
    """How many processes share the work."""
    command.add_argument(
        "--workers",
        metavar="N",
        type=positive,
        help="processes that read and write; default: one for each processor, up to 8",
    )


def add_parent(command: argparse.ArgumentParser) -> None:
    """For whom the process runs."""
    command.add_argument(
        "--parent", metavar="PID", type=int, help="end when this process is not the parent any more"
    )


def add_sockets(command: argparse.ArgumentParser) -> None:
    """What a server listens on."""
    command.add_argument(
        "--host",
        metavar="HOST",
        default="127.0.0.1",
        help="address to listen on; default: 127.0.0.1",
    )
    command.add_argument(
        "--port",
        metavar="PORT",
        type=port,
        default=8000,
        help="port to listen on, 0 for any that is free; default: 8000",
    )
    command.add_argument(
        "--uds", metavar="PATH", type=place, help="listen on a Unix socket instead"
    )
    command.add_argument(
        "--fd", metavar="N", type=natural, help="listen on an open socket that was handed over"
    )
    command.add_argument(
        "--admin",
        metavar="PLACE",
        help="HOST:PORT or path of a socket for /livez, /readyz and /metrics; default: none",
    )


def place(text: str) -> Path:
    """Return a path; an empty one, as of a variable that is not set, is no folder's."""
    if not text:
        raise argparse.ArgumentTypeError("it is empty: name a file or folder")
    return Path(text)


def source(text: str) -> str:
    """Return the address of a source, a path as pathlib writes it: `./articles` is `articles`."""
    return text if "://" in text else str(place(text))


def positive(text: str) -> int:
    """Return a whole number from 1."""
    return _number(text, 1, 1_000, "a whole number from 1 to 1000")


def natural(text: str) -> int:
    """Return a whole number from 0."""
    return _number(text, 0, 1_000_000, "a whole number from 0 to 1000000")


def port(text: str) -> int:
    """Return the number of a port, 0 for any."""
    return _number(text, 0, 65_535, "a number from 0 to 65535")


def seconds(text: str) -> int:
    """Return a whole number of seconds, a week at most."""
    return _number(text, 1, 604_800, "a whole number of seconds from 1 to 604800")


def _number(text: str, low: int, high: int, what: str) -> int:
    if text.isdecimal() and low <= int(text) <= high:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
