"""Telling search engines which addresses of articles changed (indexnow.org/documentation)."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from feedhub.catalog import Catalog, IndexNowState, Ping
from feedhub.config import Config
from feedhub.http_client import HttpClient
from feedhub.site import Site
from feedhub.websub import retries
from feedhub.websub.hub import HubReply, send
from feedhub.websub.retries import PingReport
from feedhub.websub.visibility import why_too_early

_MAX_URLS = 10_000  # in one request
_JSON = {"content-type": "application/json; charset=utf-8"}


class IndexNowSession:
    """Sends the addresses of the queue, all in one request or few, and records the results.

    `by_hand` is as in HubSession.
    """

    def __init__(
        self,
        catalog: Catalog,
        client: HttpClient,
        clock: Callable[[], float],
        report: PingReport,
        *,
        site: Site,
        config: Config,
        by_hand: bool,
    ) -> None:
        self._catalog = catalog
        self._queue = catalog.addresses
        self._client = client
        self._clock = clock
        self._report = report
        self._site = site
        self._config = config
        self._by_hand = by_hand

    async def run(self, due: list[Ping]) -> None:
        """Send addresses that are due; those that are not public yet, or fail, wait."""
        endpoint, now = self._config.indexnow.endpoint, self._clock()
        state = self._catalog.read(IndexNowState)
        resume_at = state.not_before if state.endpoint == endpoint else 0.0
        if resume_at > now:
            self._queue.defer_due(now, resume_at)
            reason = f"{endpoint} asks to be left alone until {retries.format_time(resume_at)}"
            self._report.waiting_reason = self._report.waiting_reason or reason
            return
        if reason := await self._why_too_early(max(ping.since for ping in due)):
            age = now - min(ping.since for ping in due)
            self._queue.defer_due(now, now + self._report.wait_to_be_public(reason, age))
            return
        # Also finds out whether the catalog can be written, before anything is sent.
        self._queue.mark_told(now)
        for first in range(0, len(due), _MAX_URLS):
            batch = due[first : first + _MAX_URLS]
            reply = await self._post([ping.path for ping in batch])
            if reply.verdict == "failed":
                self._put_off(batch, reply)
                return
            self._queue.remove(batch)
            if reply.verdict == "accepted":
                self._report.sent += len(batch)
            else:
                self._report_refusal(reply.reason, len(batch))

    async def _why_too_early(self, since: float) -> str:
        """Return why strangers do not see the change yet, or "": by the feed of all articles."""
        plan = self._site.plan(stories=False).values()
        planned = next((planned for planned in plan if planned.is_topic), None)
        if planned is None:
            return ""
        return await why_too_early(
            self._client,
            self._site,
            self._config,
            planned,
            age=self._clock() - since,
            by_hand=self._by_hand,
        )

    async def _post(self, urls: list[str]) -> HubReply:
        body = {
            "host": urlsplit(self._config.key_location).netloc,
            "key": self._config.indexnow.key,
            "keyLocation": self._config.key_location,
            "urlList": urls,
        }
        endpoint = self._config.indexnow.endpoint
        return await send(self._client, endpoint, _JSON, msgspec.json.encode(body))

    def _put_off(self, batch: list[Ping], reply: HubReply) -> None:
        """Have all that is due wait, for longer after each further failure."""
        endpoint, now = self._config.indexnow.endpoint, self._clock()
        tries, pause = max(ping.tries for ping in batch), retries.pause(reply.retry_after)
        until = now + max(pause, retries.wait_after(tries))
        if pause:
            self._catalog.write(IndexNowState(endpoint=endpoint, not_before=now + pause))
        self._queue.defer(batch[0]._replace(tries=retries.one_more(tries)), until)
        self._queue.defer_due(now, until)
        self._report.error(f"{endpoint} cannot be told of changes: {reply.reason}; trying again")
        if expired := self._queue.expire(now - retries.MAX_AGE):
            self._report.error(
                f"{endpoint} accepted nothing for a day; addresses given up: {expired}"
            )

    def _report_refusal(self, reason: str, count: int) -> None:
        """Report addresses that are given up, and what to do."""
        location = self._config.key_location
        advice = {
            "400": "is indexnow.endpoint right?",
            "403": f"see that everybody can read the key at {location}",
            "422": f"see that {location} shows the key and stands at the host of the articles",
        }.get(reason[:3], "is indexnow.endpoint right?")
        endpoint = self._config.indexnow.endpoint
        self._report.error(
            f"{endpoint} refuses {count} addresses, which are given up: {reason}; {advice}"
        )
