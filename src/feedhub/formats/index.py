"""The front door of a site: one HTML page that lists every feed, without script or request."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from feedhub.feed import Channel

MEDIA_TYPE = "text/html; charset=utf-8"
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A feed on the page: its texts, how many articles it has, the time of the newest.

    `links` are the feed's documents: a format's name such as "RSS", a media type without
    parameters, an absolute address.
    """

    title: str
    label: str
    count: int
    newest: datetime | None
    links: tuple[tuple[str, str, str], ...]


def encode(channel: Channel, groups: Iterable[tuple[str, list[IndexRow]]], opml_url: str) -> bytes:
    """Return the page in UTF-8; equal arguments give equal bytes.

    A group is a heading and its feeds. One without a heading holds the feed of the whole site and
    stands on top, one without feeds is left out.
    """
    given = [(heading, rows) for heading, rows in groups if rows]
    page = _TEMPLATE.render(
        channel=channel,
        title=channel.titled(channel.title),
        site=[row for heading, rows in given if not heading for row in rows],
        groups=[(heading, rows) for heading, rows in given if heading],
        opml_url=opml_url,
        english=channel.language.lower().split("-")[0] == "en",
    )
    return page.encode()


def _day(moment: datetime) -> str:
    # Not strftime: it would write the month in the language of the process.
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _policy(source: str) -> str:
    """Return the Content-Security-Policy that lets the page's own style in and nothing else."""
    style = source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src http: https:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_SOURCE = (files("feedhub.formats") / "index.html.j2").read_text(encoding="utf-8")
_ROOM = Environment(
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ROOM.filters |= {"day": _day, "moment": _moment}
_TEMPLATE = _ROOM.from_string(_SOURCE)
CSP = _policy(_SOURCE)
