"""The limit of polls: 429 for an address that gets a feed in full too often (RFC 6585, 4).

Readers that send validators get a 304, cost nothing and are never limited.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from math import ceil

from cachetools import LRUCache
from starlette.types import ASGIApp, Receive, Scope, Send

from feedhub.errors import CatalogError
from feedhub.server.builder import DocumentBuilder
from feedhub.server.documents import Documents
from feedhub.server.logs import client_name
from feedhub.server.responses import text_response
from feedhub.user_agents import household, parse_user_agent

# Addresses and feeds that are counted at once, about 10 MB; the least recent ones are forgotten.
MAX_COUNTED = 50_000
# Characters of a User-Agent that are looked at, and how many are remembered: most come again.
MAX_AGENT, MAX_AGENTS = 500, 4_096
_VALIDATORS = frozenset({b"if-none-match", b"if-modified-since"})


class PollLimit:
    """Counts full polls: at most `limit` of one feed by one household in each window."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        # Values are when the window ends, and the polls in it.
        self._counts: LRUCache[tuple[str, str], tuple[float, int]] = LRUCache(MAX_COUNTED)

    def seconds_to_wait(self, client: str, path: str, window: int) -> int:
        """Count a poll; return 0, or the seconds until the next one is answered.

        The first poll begins a window of so many seconds.
        """
        now, key = self._clock(), (household(client), path)
        end, count = self._counts.get(key, (0.0, 0))
        if now >= end:
            end, count = now + window, 0
        self._counts[key] = (end, count + 1)
        return 0 if count < self._limit else ceil(end - now)


class LimitedDocuments(Documents):
    """Documents whose full polls are limited: a class of its own, because most servers need none.

    Each process counts by itself.
    """

    def __init__(self, builder: DocumentBuilder, fallback: ASGIApp, limit: int) -> None:
        super().__init__(builder, fallback)
        self._limit = PollLimit(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        if wait := await self._seconds_to_wait(scope):
            reason = f"poll this feed every {wait} seconds at most, or send If-None-Match"
            response = text_response(429, (b"retry-after", b"%d" % wait), reason=reason)
            await self.respond(scope, send, response)
            return
        await super().__call__(scope, receive, send)

    async def _seconds_to_wait(self, scope: Scope) -> int:
        snapshot = self._builder.snapshot
        if scope["type"] != "http" or scope["method"] != "GET" or snapshot is None:
            return 0
        agent = b""
        for name, value in scope["headers"]:
            if name in _VALIDATORS:
                return 0
            if name == b"user-agent":
                agent = value
        try:
            path = snapshot.path_of(scope["path"], scope["raw_path"])
            resource = await self._builder.find(path)
        except CatalogError:
            return 0
        if resource is None or not resource.planned.is_topic or is_exempt(agent[:MAX_AGENT]):
            return 0
        window = snapshot.config.http.max_age
        return self._limit.seconds_to_wait(client_name(scope.get("client")), scope["path"], window)


@lru_cache(MAX_AGENTS)
def is_exempt(agent: bytes) -> bool:
    """Return whether a program fetches for many people, or is feedhub, which looks for a change."""
    parsed = parse_user_agent(agent.decode("latin-1"))
    return parsed.kind == "service" or parsed.name == "feedhub"
