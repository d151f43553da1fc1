"""Who reads the feeds: programs by their names, people by a salted hash of their address."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from feedhub.stats.log_lines import unescape
from feedhub.user_agents import ROBOTS, UserAgent, household, parse_user_agent

# The name under which programs are counted once there are MAX_NAMES of them.
OTHERS = "(others)"
MAX_NAMES = 2_000
# The cache of parsed user agents: how many, and the longest that is worth its memory.
MAX_CACHED_AGENTS, MAX_CACHED_AGENT_LENGTH = 8_192, 500


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
