"""Programs by their User-Agent, by the table in readers.toml, and households by their address."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from typing import NamedTuple

from feedhub.text import printable

KINDS = ("service", "app", "browser", "tool", "unknown", "monitor", "bot")
# Tables of readers.toml whose programs are of another kind: deploy/ does not stop these robots.
_KINDS_OF_TABLES = {"search": "bot", "preview": "bot"}
# Kinds that request feeds without anybody reading them.
ROBOTS = frozenset({"bot", "monitor"})
MAX_NAME_LENGTH = 40

# Rows of the table are found by the first letters of their token; no token is shorter.
_KEY_LENGTH = 3
_WORD = re.compile(r"[^\W_]+")
_SUBSCRIBERS = re.compile(r"\b(\d{1,9})\+? ?(?:subscriber|reader)(?:s|\(s\))?\b", re.IGNORECASE)
# NewsBlur and Dreamwidth name the feed in a URL.
_FEED_ID = re.compile(
    r"feed-?id[=: ]\s*([\w-]{1,64})|newsblur\.com/site/(\d+)|/users/([\w-]{1,64})", re.IGNORECASE
)
_ROBOT = re.compile(r"bot\b|crawl|spider|slurp|scan|archiv|https?-?check|monitor", re.IGNORECASE)
_PRODUCT = re.compile(r"[^\s/;()\[\]{}<>\"',:@=\\]+")
_COMPATIBLE = re.compile(r"compatible; ?\+?(?:https?://)?(?:www\.)?([^\s/;()]+)", re.IGNORECASE)
# No User-Agent, and what deploy/nginx logs in place of one that is not ASCII.
_NAMELESS = {"": "(none)", "-": "(none)", "(not ASCII)": "(not ASCII)"}
# IPv4, also with hyphens as in host names, IPv6, e-mail.
_ADDRESS = re.compile(
    r"(?:\d{1,3}[.-]){3}\d{1,3}|(?:[0-9a-f]{0,4}:){2,}[0-9a-f.]*|(?<![\w.+-])[\w.+-]+@[\w.-]+",
    re.IGNORECASE,
)


class UserAgent(NamedTuple):
    """What a User-Agent says: `subscribers` is None without a number, `feed` is its feed id."""

    name: str
    kind: str
    subscribers: int | None = None
    feed: str = ""


class AgentRule(NamedTuple):
    """A row of readers.toml: user agents with a word that begins with `token` have this name."""

    position: int
    token: str
    name: str
    kind: str


def parse_user_agent(text: str) -> UserAgent:
    """Return name, kind and subscribers of a User-Agent, which may be any text."""
    name, kind = find_rule(text.lower()) or guess_name(text)
    number = _SUBSCRIBERS.search(text)
    if number is None or kind in ROBOTS:
        return UserAgent(name, kind)
    feed_id = _FEED_ID.search(text)
    feed = next(filter(None, feed_id.groups()), "") if feed_id else ""
    return UserAgent(name, "service", int(number[1]), feed)


def anonymize(text: str, max_length: int = 200) -> str:
    """Return a client's text for display: printable, cut, network and e-mail addresses removed."""
    clean = printable(_ADDRESS.sub("[address]", text))
    return clean if len(clean) <= max_length else clean[: max_length - 1] + "…"


def find_rule(lowered: str) -> tuple[str, str] | None:
    """Return name and kind by the first rule whose token begins a word of the text."""
    rules = agent_rules()
    matches = [
        rule
        for word in _WORD.finditer(lowered)
        for rule in rules.get(lowered[word.start() : word.start() + _KEY_LENGTH], ())
        if lowered.startswith(rule.token, word.start())
    ]
    return (min(matches).name, min(matches).kind) if matches else None


def guess_name(text: str) -> tuple[str, str]:
    """Return name and kind by the product in the text (RFC 9110, 10.1.5), or after `compatible`."""
    if text in _NAMELESS:
        return _NAMELESS[text], "unknown"
    match = _COMPATIBLE.search(text) or _PRODUCT.search(text)
    name = match[match.lastindex or 0] if match else ""
    kind = "bot" if _ROBOT.search(text) else "unknown"
    return anonymize(name, MAX_NAME_LENGTH) or "(none)", kind


@cache
def agent_tables() -> dict[str, dict[str, str]]:
    """Return the tables of readers.toml: the names of programs by their tokens."""
    return tomllib.loads((files("feedhub") / "readers.toml").read_text(encoding="utf-8"))


@cache
def agent_rules() -> dict[str, list[AgentRule]]:
    """Return the rules of readers.toml by the first letters of their tokens."""
    rows = [
        (token, name, _KINDS_OF_TABLES.get(table, table))
        for table, names in agent_tables().items()
        for token, name in names.items()
    ]
    rules: dict[str, list[AgentRule]] = {}
    for position, row in enumerate(rows):
        rules.setdefault(row[0][:_KEY_LENGTH], []).append(AgentRule(position, *row))
    return rules


def household(address: str) -> str:
    """Return what the requests of one household have in common.

    That is an IPv4 address, or the first 64 bits of an IPv6 address (RFC 4291): the rest changes
    every day (RFC 8981).
    """
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    # ::ffff:192.0.2.1 is how a server that listens on IPv6 logs an IPv4 address.
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped) if mapped else str(int(parsed) >> 64)
