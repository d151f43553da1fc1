"""Webhooks: programs of the operator are told what changed, signed (standardwebhooks.com).

A message is what one sync changed. They go out in order, each until it is accepted or a day old,
and always with the same id: a receiver drops what it has already.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from feedhub.catalog import Change, SyncState
from feedhub.config import WEBHOOK_SECRET, WebhookConfig
from feedhub.dates import format_rfc3339, from_timestamp
from feedhub.delivery import Session, retries
from feedhub.delivery.requests import ReceiverReply, send
from feedhub.delivery.signing import read_secret, sign_webhook
from feedhub.feed import FeedState, feed_path
from feedhub.site import Site

# How many changes a message names: a program that was told of more reads the feeds.
MAX_CHANGES = 500
_GONE = "410"
# Seconds after which what waits behind a message that failed is looked at again.
_BEHIND = 5.0


class Message(NamedTuple):
    """What one request says; `changes` leave the queue when it is accepted."""

    id: str
    changes: Sequence[Change]
    content: bytes


class WebhookSession(Session):
    """Sends each webhook its messages, one after the other; a slow one holds up no other."""

    receiver = "webhook"

    @classmethod
    def everything(cls, site: Site) -> Iterable[str]:
        """Return nothing: a program that wants everything reads the feeds."""
        return ()

    @property
    def address(self) -> str:
        """The addresses of the webhooks."""
        return " ".join(hook.url for hook in self._config.notify.webhook)

    async def run(self, due: list[Change]) -> None:
        """Send the messages of all webhooks that are due and whose change is public."""
        # An older message that was put off comes first.
        waiting = self._queue.due(None)
        paths = {change.path for change in due}
        await asyncio.gather(
            *(
                self._deliver(hook, [c for c in waiting if name_of(c) == hook.name], paths)
                for hook in self._config.notify.webhook
            )
        )
        names = {hook.name for hook in self._config.notify.webhook}
        self._queue.remove(change for change in due if name_of(change) not in names)

    async def _deliver(self, hook: WebhookConfig, waiting: list[Change], due: set[str]) -> None:
        """Send one webhook its messages until one fails."""
        waiting.sort(key=lambda change: (change.since, change.generation, change.path))
        while waiting:
            first = waiting[0]
            sync = (first.since, first.generation)
            same = [c for c in waiting if (c.since, c.generation) == sync]
            now = self._clock()
            if due.isdisjoint(change.path for change in same):
                self._wait([c for c in waiting if c.path in due], now + _BEHIND)
                return
            if reason := await self.why_site_too_early(first.since):
                self._wait(waiting, now + self._report.wait_to_be_public(reason, now - first.since))
                return
            self._queue.mark_each_told(same)
            message = self._message(hook, same)
            reply = await self._send(hook, message) if message.content else None
            if reply and reply.verdict != "accepted" and not reply.reason.startswith(_GONE):
                self._retry(hook, waiting, same, reply)
                return
            if reply and reply.verdict != "accepted":
                self._report.error(
                    f"the webhook {hook.name} wants no messages: {reply.reason}; remove it"
                )
            elif reply:
                self._report.sent += 1
            self._queue.remove(same)
            waiting = waiting[len(same) :]

    def _wait(self, changes: Iterable[Change], until: float) -> None:
        with self._catalog.transaction():
            for change in changes:
                self._queue.defer(change, until)

    def _retry(
        self,
        hook: WebhookConfig,
        waiting: Sequence[Change],
        failed: Sequence[Change],
        reply: ReceiverReply,
    ) -> None:
        """Put off a message and all behind it, for longer after each further failure."""
        now, tries = self._clock(), max(change.tries for change in failed)
        until = now + max(retries.pause(reply.retry_after), retries.wait_after(tries))
        more = [change._replace(tries=retries.one_more(tries)) for change in failed]
        self._wait([*more, *waiting[len(failed) :]], until)
        self._report.error(f"the webhook {hook.name} fails: {reply.reason}; trying again")
        if expired := self._queue.expire(now - retries.MAX_AGE):
            self._report.error(
                f"the webhook {hook.name} accepted nothing for a day; changes given up: {expired}"
            )

    async def _send(self, hook: WebhookConfig, message: Message) -> ReceiverReply:
        try:
            secret = read_secret(secret_text(hook))
        except ValueError as error:
            return ReceiverReply("failed", str(error))
        headers = sign_webhook(secret, message.id, int(self._clock()), message.content)
        headers["content-type"] = "application/json"
        return await send(self._client, hook.url, headers, message.content, max_redirects=0)

    def _message(self, hook: WebhookConfig, changes: Sequence[Change]) -> Message:
        """Return the message of changes of one sync; it is empty where nothing of them is left."""
        first = changes[0]
        with self._site.snapshot():
            made_at = self._catalog.read(SyncState).made_at
            named = changes[:MAX_CHANGES]
            feeds = list(self._feeds(hook, named))
            articles = self._articles(hook, named)
        # Whatever of it a later sync changes again, it is the same message.
        parts = (hook.name, made_at, first.generation, first.since)
        digest = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
        content = {
            "type": "feeds.changed",
            "timestamp": format_rfc3339(from_timestamp(first.since)),
            "data": {
                "generation": first.generation,
                "feeds": feeds,
                "articles": articles,
                "complete": len(named) == len(changes),
            },
        }
        is_empty = not (feeds or any(articles.values()))
        return Message(f"msg_{digest}", changes, b"" if is_empty else msgspec.json.encode(content))

    def _feeds(self, hook: WebhookConfig, changes: Iterable[Change]) -> Iterator[dict[str, str]]:
        """Yield the changed feeds that a webhook wants and that are published."""
        for path in values_of(changes, "feed"):
            state = self._site.feed_at(path)
            if state and wants(hook, state):
                yield {"path": path, "url": self._site.address(state)}

    def _articles(
        self, hook: WebhookConfig, changes: Sequence[Change]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the new, changed and withdrawn articles that a webhook wants, as they are now.

        Of a withdrawn article nothing is known but its address, so every webhook gets it.
        """
        found: dict[str, list[dict[str, Any]]] = {"new": [], "changed": [], "withdrawn": []}
        new = set(values_of(changes, "new"))
        for kind in found:
            for url in values_of(changes, kind):
                known = self._site.find_article(url)
                if known is None:
                    found["withdrawn"] += [{"url": url}] * (kind == "withdrawn")
                    continue
                article_id, feeds = known
                is_told = kind == "withdrawn" or (kind == "changed" and url in new)
                if not is_told and any(wants(hook, state) for state in feeds):
                    addresses = sorted(map(self._site.address, feeds))
                    found[kind].append({"id": article_id, "url": url, "feeds": addresses})
        return found


def name_of(change: Change) -> str:
    """Return the name of the webhook that a change is for."""
    return change.path.partition(" ")[0]


def values_of(changes: Iterable[Change], kind: str) -> list[str]:
    """Return the feeds or addresses of all changes of a kind, in order."""
    parts = (change.path.split(" ", 2) for change in changes)
    return [value for _, found, value in parts if found == kind]


def wants(hook: WebhookConfig, state: FeedState) -> bool:
    """Return whether a webhook is told of a feed."""
    if not (hook.feeds or hook.kinds):
        return True
    return state.kind in hook.kinds or feed_path(state.kind, state.slug) in hook.feeds


def secret_text(hook: WebhookConfig) -> str:
    """Return the secret of a webhook as its file or the environment has it.

    Raises ValueError where there is none, with what to do.
    """
    if hook.secret_file:
        try:
            return Path(hook.secret_file).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"its secret_file {hook.secret_file} cannot be read") from None
    variable = f"{WEBHOOK_SECRET}{hook.name.replace('-', '_').upper()}"
    if text := os.environ.get(variable):
        return text
    raise ValueError(f"it has no secret: set {variable} or secret_file")


SESSIONS = (WebhookSession,)
