"""Who asks, known by a hash alone: no report can be led back to an address."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from typing import NamedTuple

from feedhub.stats.lines import plain
from feedhub.stats.readers import ROBOTS, Agent, agent_of

OTHERS = "(others)"
_MOST_NAMES = 2_000
_MOST_AGENTS, _LONGEST_AGENT = 8_192, 500


@dataclass(slots=True)
class Software:
    """Answers to all who send one name; `sent` in bytes."""

    name: str
    kind: str
    requests: int = 0
    unchanged: int = 0
    sent: int = 0


class Visitor(NamedTuple):
    """Who asks: 64 bits of a salted hash, 0 for robots.

    `many` is true for who asks for other people, `subscribers` how many, None where it does not
    tell.
    """

    identity: int
    many: bool
    subscribers: int | None
    software: Software


class Visitors:
    """Makes visitors of addresses and user agents. The salt is made here and is kept nowhere."""

    def __init__(self) -> None:
        self.software: dict[str, Software] = {}
        self._salt = secrets.token_bytes(32)
        self._agents: dict[bytes | str, Agent] = {}

    def visitor(self, address: bytes | str, agent: bytes | str) -> Visitor:
        """Return who asks.

        Who asks for many is known by its name and its own id of the feed. Of an IPv6 address only
        the network counts: the rest changes every day (RFC 8981).
        """
        found = self._agent(agent)
        many = found.kind == "service"
        who = f"{found.name} {found.feed}" if many else f"{_house(plain(address))} {plain(agent)}"
        return Visitor(
            identity=0 if found.kind in ROBOTS else self._hash(who),
            many=many,
            subscribers=found.subscribers,
            software=self._software(found),
        )

    def _agent(self, agent: bytes | str) -> Agent:
        found = self._agents.get(agent)
        if found is None:
            found = agent_of(plain(agent))
            if len(agent) <= _LONGEST_AGENT:
                if len(self._agents) >= _MOST_AGENTS:
                    self._agents.clear()
                self._agents[agent] = found
        return found

    def _hash(self, who: str) -> int:
        text = who.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(text, key=self._salt, digest_size=8).digest()) or 1

    def _software(self, agent: Agent) -> Software:
        name = agent.name
        if name not in self.software and len(self.software) >= _MOST_NAMES:
            return self.software.setdefault(OTHERS, Software(OTHERS, "unknown"))
        software = self.software.setdefault(name, Software(name, agent.kind))
        if agent.kind == "service":
            software.kind = agent.kind
        return software


def _house(address: str) -> str:
    """Return what one household's requests come from: of IPv6 the first 64 bits (RFC 4291)."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped) if mapped else str(int(parsed) >> 64)
