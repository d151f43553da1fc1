"""Which feed and format a request asked for, by the addresses that feedhub gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from feedhub.formats import SUBSCRIBED

_SUFFIXES = {row.suffix: row.name for row in SUBSCRIBED.values()}
_PERIOD = re.compile(r"/\d{4}-\d{2}$")
_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
# What people and programs guess that a feed is called, besides our own suffixes.
_GUESS = re.compile(
    r"(?:^|/)(?:feed|feeds|rss|atom|rdf|index\.rdf|[^/]*(?:feed|rss|atom)[^/]*\.(?:xml|php)"
    r"|index\.xml)/?$",
    re.IGNORECASE,
)
_LONGEST = 500


class Asked(NamedTuple):
    """What a request is about.

    `feed` is a path without suffix such as `topics/ai`, "" for what is no feed of ours by its
    suffix; `path` is as it was asked for, without query and prefix.
    """

    path: str
    feed: str = ""
    format: str = ""
    archive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where a site's feeds lie: the path of its base address, and feeds that have moved.

    `titles` holds the title of each feed that is known, or is None where none are.
    """

    prefix: str = ""
    moved: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] | None = None

    def asked(self, target: str) -> Asked | None:
        """Return what a request target asks for, or None where it cannot be meant as a feed."""
        path = unquote(_ORIGIN.sub("", target, count=1).partition("?")[0].partition("#")[0])
        if not path.startswith(f"{self.prefix}/") or len(path) > _LONGEST:
            return None
        path = path[len(self.prefix) + 1 :]
        stem, dot, suffix = path.rpartition(".")
        name = _SUFFIXES.get(dot + suffix)
        if name is None or not stem:
            return Asked(path) if _GUESS.search(path) else None
        archive = _PERIOD.search(stem)
        feed = stem[: archive.start()] if archive else stem
        return Asked(path, self.moved.get(feed, feed), name, archive is not None)
