"""Who asks: the name and kind of a reader by its User-Agent, and for how many people it asks."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from feedhub.text import printable

KINDS = ("service", "app", "browser", "tool", "unknown", "monitor", "bot")
# Kinds that nobody reads by.
ROBOTS = frozenset({"bot", "monitor"})

_LONGEST = 40
# So many letters of a token tell most apart; none is shorter.
_KEY = 3
_WORD = re.compile(r"[^\W_]+")
_SUBSCRIBERS = re.compile(r"\b(\d{1,9})\+? ?(?:subscriber|reader)(?:s|\(s\))?\b", re.IGNORECASE)
_FEED_ID = re.compile(
    r"feed-?id[=: ]\s*([\w-]{1,64})|newsblur\.com/site/(\d+)|/users/([\w-]{1,64})", re.IGNORECASE
)
_ROBOT = re.compile(r"bot\b|crawl|spider|slurp|scan|archiv|https?-?check|monitor", re.IGNORECASE)
_PRODUCT = re.compile(r"[^\s/;()\[\]{}<>\"',:@=\\]+")
_COMPATIBLE = re.compile(r"compatible; ?\+?(?:https?://)?(?:www\.)?([^\s/;()]+)", re.IGNORECASE)
# No User-Agent, and what deploy/nginx writes for one that it cannot.
_NAMELESS = {"": "(none)", "-": "(none)", "(not ASCII)": "(not ASCII)"}
_ADDRESS = re.compile(
    r"(?:\d{1,3}[.-]){3}\d{1,3}|(?:[0-9a-f]{0,4}:){2,}[0-9a-f.]*|(?<![\w.+-])[\w.+-]+@[\w.-]+",
    re.IGNORECASE,
)


class _Row(NamedTuple):
    """A row of the table; those above come first."""

    place: int
    token: str
    name: str
    kind: str


class Agent(NamedTuple):
    """A reader; `subscribers` is None where it does not tell, `feed` is its own id of the feed."""

    name: str
    kind: str
    subscribers: int | None = None
    feed: str = ""


def agent_of(text: str) -> Agent:
    """Return who sends this User-Agent, which may be anything."""
    name, kind = _known(text.lower()) or _unknown(text)
    told = _SUBSCRIBERS.search(text)
    if told is None or kind in ROBOTS:
        return Agent(name, kind)
    identity = _FEED_ID.search(text)
    feed = next(filter(None, identity.groups()), "") if identity else ""
    return Agent(name, "service", int(told[1]), feed)


def shown(text: str, longest: int = 200) -> str:
    """Return foreign text as it may be shown: printable, cut, without anybody's address."""
    told = printable(_ADDRESS.sub("[address]", text))
    return told if len(told) <= longest else told[: longest - 1] + "…"


def _known(lowered: str) -> tuple[str, str] | None:
    """Return name and kind by the first row of the table that a word begins with."""
    table = _table()
    found = [
        row
        for match in _WORD.finditer(lowered)
        for row in table.get(lowered[match.start() : match.start() + _KEY], ())
        if lowered.startswith(row.token, match.start())
    ]
    return (min(found).name, min(found).kind) if found else None


def _unknown(text: str) -> tuple[str, str]:
    """Return the product that a User-Agent begins with, or is compatible with, and its kind."""
    if text in _NAMELESS:
        return _NAMELESS[text], "unknown"
    found = _COMPATIBLE.search(text) or _PRODUCT.search(text)
    name = found[found.lastindex or 0] if found else ""
    kind = "bot" if _ROBOT.search(text) else "unknown"
    return shown(name, _LONGEST) or "(none)", kind


@cache
def _table() -> dict[str, list[_Row]]:
    """Return the rows of the table by the beginnings of their tokens."""
    text = (files("feedhub.stats") / "readers.toml").read_text(encoding="utf-8")
    rows = [
        (token, name, kind)
        for kind, named in tomllib.loads(text).items()
        for token, name in named.items()
    ]
    table: dict[str, list[_Row]] = {}
    for place, row in enumerate(rows):
        table.setdefault(row[0][:_KEY], []).append(_Row(place, *row))
    return table
