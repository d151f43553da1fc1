"""Telling search engines which addresses of articles changed (indexnow.org/documentation)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from feedhub.catalog import Change
from feedhub.delivery import Session
from feedhub.delivery.requests import ReceiverReply, send
from feedhub.site import Site

_MAX_URLS = 10_000  # in one request
_JSON = {"content-type": "application/json; charset=utf-8"}


class IndexNowSession(Session):
    """Sends the addresses of the queue, all in one request or few."""

    receiver = "indexnow"

    @classmethod
    def everything(cls, site: Site) -> Iterable[str]:
        """Return the addresses of all articles that engines are told of."""
        return site.outbox.announced(site.article_urls())

    @property
    def address(self) -> str:
        """The address that takes the addresses."""
        return self._config.indexnow.endpoint

    async def run(self, due: list[Change]) -> None:
        """Send addresses that are due; those that are not public yet, or fail, wait."""
        now = self._clock()
        if reason := await self.why_site_too_early(max(change.since for change in due)):
            age = now - min(change.since for change in due)
            self._queue.defer_due(now, now + self._report.wait_to_be_public(reason, age))
            return
        self._queue.mark_told(now)
        for first in range(0, len(due), _MAX_URLS):
            batch = due[first : first + _MAX_URLS]
            reply = await self._post([change.path for change in batch])
            if reply.verdict == "failed":
                self.put_off(max(batch, key=lambda change: change.tries), reply)
                return
            self._queue.remove(batch)
            if reply.verdict == "accepted":
                self._report.sent += len(batch)
            else:
                self._report_refusal(reply.reason, len(batch))

    async def _post(self, urls: list[str]) -> ReceiverReply:
        body = {
            "host": urlsplit(self._config.key_location).netloc,
            "key": self._config.indexnow.key,
            "keyLocation": self._config.key_location,
            "urlList": urls,
        }
        return await send(self._client, self.address, _JSON, msgspec.json.encode(body))

    def _report_refusal(self, reason: str, count: int) -> None:
        """Report addresses that are given up, and what to do."""
        location = self._config.key_location
        advice = {
            "400": "is indexnow.endpoint right?",
            "403": f"see that everybody can read the key at {location}",
            "422": f"see that {location} shows the key and stands at the host of the articles",
        }.get(reason[:3], "is indexnow.endpoint right?")
        self._report.error(
            f"{self.name} refuses {count} addresses, which are given up: {reason}; {advice}"
        )
