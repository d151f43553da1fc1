"""Pings to a hub: "this topic has changed" (WebSub, 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal, NamedTuple
from urllib.parse import urlencode

from feedhub.catalog import Change
from feedhub.delivery import Session
from feedhub.delivery.requests import ReceiverReply, send
from feedhub.http_client import HttpClient
from feedhub.site import Site

_PARALLEL_PINGS = 4
# Seconds after which a session ends early: there may be newer changes, or another configuration.
_MAX_SESSION = 60.0
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class PingResult(NamedTuple):
    """The result of one ping.

    Beside the verdicts of a hub: `too_early`, the change is not public yet; `gone`, there is no
    such feed any more. `retry_after` is in seconds.
    """

    change: Change
    verdict: Literal["accepted", "refused", "failed", "too_early", "gone"]
    reason: str = ""
    retry_after: float = 0.0


async def send_ping(client: HttpClient, hub: str, topic: str) -> ReceiverReply:
    """Tell a hub that the topic at a public address has changed.

    Hubs agree on `hub.url`; some want the name that subscribers use, `hub.topic`.
    """
    form = {"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}
    return await send(client, hub, _FORM, urlencode(form).encode("ascii"))


class HubSession(Session):
    """Sends pings to the hub, a few at a time."""

    receiver = "hub"

    @classmethod
    def everything(cls, site: Site) -> Iterable[str]:
        """Return the paths of all topics."""
        plan = site.plan(stories=False).values()
        return (planned.path for planned in plan if planned.is_topic)

    @property
    def address(self) -> str:
        """The address of the hub."""
        return self._config.websub.hub

    @property
    def name(self) -> str:
        """The hub as messages name it."""
        return f"the hub {self.address}"

    async def run(self, due: list[Change]) -> None:
        """Send pings until one fails or, unless by hand, a minute has passed."""
        start = self._clock()
        refused: dict[str, list[str]] = {}  # the paths by the hub's reason
        for first in range(0, len(due), _PARALLEL_PINGS):
            batch = due[first : first + _PARALLEL_PINGS]
            go_on = self._record(await asyncio.gather(*map(self._ping, batch)), refused)
            if not go_on or (not self._by_hand and self._clock() - start > _MAX_SESSION):
                break
        for reason, paths in refused.items():
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            url = self._site.url(paths[0])
            self._report.error(f"{self.name} refuses {url}{more}: {reason}")

    async def _ping(self, change: Change) -> PingResult:
        """Ping the hub for one address, if its feed still exists and the change is public."""
        with self._site.snapshot():
            planned = self._site.find(change.path)
        if planned is None or not planned.is_topic:
            return PingResult(change, "gone")
        if reason := await self.why_too_early(planned, change.since):
            return PingResult(change, "too_early", reason)
        url = self._site.url(change.path)
        return PingResult(change, *await send_ping(self._client, self.address, url))

    def _record(self, results: Iterable[PingResult], refused: dict[str, list[str]]) -> bool:
        """Record results; return whether to go on: a failure ends the session."""
        done, failed = [], False
        for result in results:
            if result.verdict == "failed":
                self.put_off(
                    result.change, ReceiverReply("failed", result.reason, result.retry_after)
                )
                failed = True
            elif result.verdict == "too_early":
                now = self._clock()
                wait = self._report.wait_to_be_public(result.reason, now - result.change.since)
                self._queue.defer(result.change, now + wait)
            else:
                done.append(result.change)
                self._report.sent += result.verdict == "accepted"
            if result.verdict == "refused":
                refused.setdefault(result.reason, []).append(result.change.path)
        self._queue.remove(done)
        return not failed
