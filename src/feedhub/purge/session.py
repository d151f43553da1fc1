"""A session with the cache: what it drops now, and what a second time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from feedhub.catalog import Change
from feedhub.config import PURGE_TOKEN
from feedhub.delivery import Session
from feedhub.delivery.requests import ReceiverReply, send
from feedhub.delivery.retries import FOLLOW_TIME
from feedhub.formats import FORMATS
from feedhub.purge.services import SERVICES, PurgeRequest
from feedhub.site import Site, address_of
from feedhub.site.cache_tags import SITE_TAG, tag_of

# A server looks twenty times a second for what a sync wrote: what is purged earlier may be stored
# again with the old bytes.
_SETTLE = 0.3
_PARALLEL_REQUESTS = 16


class PurgeSession(Session):
    """Has the cache drop what changed, all of it at once: a withdrawal waits for nothing else.

    Each tag is purged when the servers of this machine have followed, and once more when those of
    others have, which may have given the cache their old bytes in between. A refusal, such as of a
    wrong token, is tried again like a failure: what is not purged stays for a day.
    """

    receiver = "purge"
    poll_interval = 0.1

    @classmethod
    def everything(cls, site: Site) -> Iterable[str]:
        """Return the tag that all documents have."""
        return (SITE_TAG,)

    @property
    def address(self) -> str:
        """The addresses of the caches."""
        return " ".join(self._config.purge.endpoint)

    @property
    def name(self) -> str:
        """The cache as messages name it."""
        return f"the cache {self.address}"

    async def run(self, due: list[Change]) -> None:
        """Purge what is due and can be fetched from the server by now."""
        if not self._by_hand:
            due = self._old_enough(due)
        service = SERVICES[self._config.purge.service]
        batches = [
            due[first : first + service.limit] for first in range(0, len(due), service.limit)
        ]
        if any(change.path == SITE_TAG for change in due):
            batches = [due]  # which is one tag
        token = os.environ.get(PURGE_TOKEN, "")
        requests = [
            [
                request
                for endpoint in self._config.purge.endpoint
                for request in service.requests(endpoint, self._targets(batch), token)
            ]
            for batch in batches
        ]
        limit = asyncio.Semaphore(_PARALLEL_REQUESTS)
        replies = await asyncio.gather(*(self._send_all(group, limit) for group in requests))
        now = self._clock()
        for batch, reply in zip(batches, replies, strict=True):
            if reply.verdict != "accepted":
                self.put_off(max(batch, key=lambda change: change.tries), explained(reply))
                continue
            again = [] if self._by_hand else [c for c in batch if now - c.since < FOLLOW_TIME]
            for change in again:
                self._queue.defer(change, change.since + FOLLOW_TIME)
            self._queue.remove(change for change in batch if change not in again)
            self._report.sent += len(batch)

    def _old_enough(self, due: list[Change]) -> list[Change]:
        """Have what has only just changed wait, and return the rest."""
        now = self._clock()
        for change in due:
            if now - change.since < _SETTLE:
                self._queue.defer(change, change.since + _SETTLE)
        return [change for change in due if now - change.since >= _SETTLE]

    def _targets(self, batch: Sequence[Change]) -> list[str]:
        """Return what the service is to drop: tags, or the paths of addresses."""
        names = [change.path for change in batch]
        names = [SITE_TAG] if SITE_TAG in names else names
        if SERVICES[self._config.purge.service].by_url:
            below = urlsplit(self._config.site.base_url).path.lstrip("/")
            return sorted({f"{below}/{path}".lstrip("/") for path in self._paths(set(names))})
        return list(map(tag_of, names))

    def _paths(self, names: set[str]) -> Iterator[str]:
        """Yield the paths of the documents with these names, also of those that are gone."""
        for name in names:
            yield name  # of a list, or of a copy
            formats = (FORMATS[known] for known in self._config.feeds.formats)
            yield from (address_of(f"{name}{row.suffix}") for row in formats)
        with self._site.snapshot():
            for planned in self._site.plan(stories=False).values():
                if not names.isdisjoint(planned.cache_names):
                    yield address_of(planned.path)

    async def _send_all(
        self, requests: Sequence[PurgeRequest], limit: asyncio.Semaphore
    ) -> ReceiverReply:
        """Send requests, and return the first reply that is no success."""

        async def send_one(request: PurgeRequest) -> ReceiverReply:
            async with limit:
                return await send(
                    self._client,
                    request.url,
                    request.headers,
                    request.content,
                    method=request.method,
                    max_redirects=0,  # the token is for this address alone
                    judge=SERVICES[self._config.purge.service].judge,
                )

        replies = await asyncio.gather(*map(send_one, requests))
        failed = (reply for reply in replies if reply.verdict != "accepted")
        return next(failed, ReceiverReply("accepted"))


def explained(reply: ReceiverReply) -> ReceiverReply:
    """Return a reply with what to do about a refusal."""
    if reply.verdict != "refused":
        return reply
    is_forbidden = reply.reason.startswith(("401", "403"))
    advice = f"may this machine purge, and is {PURGE_TOKEN} right?"
    advice = advice if is_forbidden else "is purge.endpoint right?"
    return reply._replace(reason=f"{reply.reason}; {advice}")
