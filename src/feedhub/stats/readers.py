"""Who reads the feeds: programs by their User-Agent, people by a salted hash of their address."""

from __future__ import annotations

import re
import secrets
import tomllib
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from ipaddress import ip_address
from typing import NamedTuple

from feedhub.stats.log_lines import unescape
from feedhub.text import printable

KINDS = ("service", "app", "browser", "tool", "unknown", "monitor", "bot")
# Kinds that request feeds without anybody reading them.
ROBOTS = frozenset({"bot", "monitor"})
# The name under which programs are counted once there are MAX_NAMES of them.
OTHERS = "(others)"
MAX_NAMES, MAX_NAME_LENGTH = 2_000, 40
# The cache of parsed user agents: how many, and the longest that is worth its memory.
MAX_CACHED_AGENTS, MAX_CACHED_AGENT_LENGTH = 8_192, 500

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
def agent_rules() -> dict[str, list[AgentRule]]:
    """Return the rules of readers.toml by the first letters of their tokens."""
    text = (files("feedhub.stats") / "readers.toml").read_text(encoding="utf-8")
    rows = [
        (token, name, kind)
        for kind, names in tomllib.loads(text).items()
        for token, name in names.items()
    ]
    rules: dict[str, list[AgentRule]] = {}
    for position, row in enumerate(rows):
        rules.setdefault(row[0][:_KEY_LENGTH], []).append(AgentRule(position, *row))
    return rules


@dataclass(slots=True)
class Software:
    """Responses to all clients of one program name; `bytes_sent` includes the 304s."""

    name: str
    kind: str
    requests: int = 0
    not_modified: int = 0
    bytes_sent: int = 0


class Visitor(NamedTuple):
    """One reader: 64 bits of a salted hash, 0 for robots.

    A service fetches for many people; `subscribers` is how many, None if it gives no number.
    """

    identity: int
    is_service: bool
    subscribers: int | None
    software: Software


class VisitorRegistry:
    """Turns addresses and user agents into visitors.

    The salt is random and is never stored: no report can be traced back to an address.
    """

    def __init__(self) -> None:
        self.software: dict[str, Software] = {}
        self._salt = secrets.token_bytes(32)
        self._agents: dict[bytes | str, UserAgent] = {}

    def visitor(self, address: bytes | str, agent: bytes | str) -> Visitor:
        """Return the visitor of an address and a User-Agent as they stand in a log row.

        A service is identified by its name and its own id of the feed, for it uses many addresses;
        every other reader by address (of IPv6 the network) and User-Agent.
        """
        parsed = self._parse(agent)
        is_service = parsed.kind == "service"
        if is_service:
            key = f"{parsed.name} {parsed.feed}"
        else:
            key = f"{household(unescape(address))} {unescape(agent)}"
        hashed = blake2b(key.encode("utf-8", "surrogatepass"), key=self._salt, digest_size=8)
        # 0 is the identity of robots: no reader may have it.
        identity = 0 if parsed.kind in ROBOTS else int.from_bytes(hashed.digest()) or 1
        return Visitor(identity, is_service, parsed.subscribers, self._software(parsed))

    def _parse(self, agent: bytes | str) -> UserAgent:
        """Parse a User-Agent, or return it from the cache."""
        parsed = self._agents.get(agent)
        if parsed is None:
            parsed = parse_user_agent(unescape(agent))
            if len(agent) <= MAX_CACHED_AGENT_LENGTH:
                if len(self._agents) >= MAX_CACHED_AGENTS:
                    self._agents.clear()
                self._agents[agent] = parsed
        return parsed

    def _software(self, agent: UserAgent) -> Software:
        """Return the counter of a program; a name that ever gave subscribers is a service."""
        name = agent.name
        if name not in self.software and len(self.software) >= MAX_NAMES:
            return self.software.setdefault(OTHERS, Software(OTHERS, "unknown"))
        software = self.software.setdefault(name, Software(name, agent.kind))
        if agent.kind == "service":
            software.kind = agent.kind
        return software


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
