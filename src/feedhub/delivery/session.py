"""A session with a receiver: what is the same for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

from msgspec.structs import replace

from feedhub.catalog import Catalog, Change, ReceiverState
from feedhub.config import Config
from feedhub.delivery import retries
from feedhub.delivery.report import DeliveryReport
from feedhub.delivery.requests import ReceiverReply
from feedhub.delivery.visibility import why_too_early
from feedhub.http_client import HttpClient
from feedhub.site import Planned, Site


class Session(ABC):
    """Tells one receiver of the changes in its queue, and records the results in the catalog.

    `by_hand` means that a person or a script runs the command after the change was published.
    """

    # Its name in the queue, and in `Config.receivers`.
    receiver: ClassVar[str]
    # Seconds between two looks at the queue.
    poll_interval: ClassVar[float] = 0.5

    def __init__(
        self,
        catalog: Catalog,
        client: HttpClient,
        clock: Callable[[], float],
        report: DeliveryReport,
        *,
        site: Site,
        config: Config,
        by_hand: bool,
    ) -> None:
        self._catalog = catalog
        self._queue = catalog.changes(self.receiver)
        self._client = client
        self._clock = clock
        self._report = report
        self._site, self._config = site, config
        self._by_hand = by_hand
        state = self._queue.state()
        # The state of a receiver that was configured before says nothing of this one.
        same = state.address == self.address
        self._state = state if same else ReceiverState(address=self.address)
        self._state_before = self._state
        self._failure = ""

    @classmethod
    @abstractmethod
    def everything(cls, site: Site) -> Iterable[str]:
        """Return what the queue has if everything changes at once."""

    @property
    @abstractmethod
    def address(self) -> str:
        """The address of the receiver."""

    @property
    def name(self) -> str:
        """The receiver as messages name it."""
        return self.address

    @abstractmethod
    async def run(self, due: list[Change]) -> None:
        """Send changes that are due; those that are not public yet, or fail, wait."""

    async def why_too_early(self, planned: Planned, since: float) -> str:
        """Return why strangers would not find a change since then in a document yet, or "".

        A cache that is purged must have dropped it first. Once it has, nothing old can last.
        """
        http, purge = self._config.http, self._config.purge
        max_cached: float = http.max_age + http.stale_while_revalidate
        if purge.service:
            if not self._catalog.changes("purge").has_older(since):
                max_cached = retries.LATE_AFTER
            elif self._by_hand or self._clock() - since < retries.LATE_AFTER:
                return f"{planned.path} is not purged yet"
            else:
                max_cached = max(max_cached, purge.edge_max_age)
        return await why_too_early(
            self._client,
            self._site,
            self._config,
            planned,
            age=self._clock() - since,
            by_hand=self._by_hand,
            max_cached=max_cached,
        )

    async def why_site_too_early(self, since: float) -> str:
        """Return why strangers do not see a change yet, or "": by the feed of all articles."""
        with self._site.snapshot():
            planned = self._site.any_topic()
        return "" if planned is None else await self.why_too_early(planned, since)

    def is_welcome(self) -> bool:
        """Return whether the receiver may be talked to: during its `Retry-After` all changes wait.

        Raises CatalogError where the catalog cannot be written: a result that cannot be recorded
        would have the same change sent again and again.
        """
        now = self._clock()
        resume_at = max(now, self._state.not_before)
        self._queue.defer_due(now, resume_at)
        if resume_at > now:
            until = retries.format_time(resume_at)
            self._report.waiting_reason = f"{self.name} asks to be left alone until {until}"
        return resume_at <= now

    def put_off(self, change: Change, reply: ReceiverReply) -> None:
        """Put off a change that failed, and all others that are due: they would probably fail too.

        Each further failure of a change makes the wait longer.
        """
        now, pause = self._clock(), retries.pause(reply.retry_after)
        until = now + max(pause, retries.wait_after(change.tries))
        self._failure = reply.reason
        if pause:
            self._state = replace(self._state, not_before=now + pause)
        self._queue.defer(change._replace(tries=retries.one_more(change.tries)), until)
        self._queue.defer_due(now, until)
        if expired := self._queue.expire(now - retries.MAX_AGE):
            self._report.error(
                f"{self.name} accepted nothing for a day; changes given up: {expired}"
            )

    def save_state(self) -> None:
        """Report a failure, and note the state of the receiver for servers to show."""
        report = self._report
        if self._failure:
            report.error(f"{self.name} cannot be notified: {self._failure}; trying again")
        if report.sent:
            self._state = replace(self._state, notified_at=self._clock(), problem="")
        if report.errors:
            self._state = replace(self._state, problem=report.errors[-1])
        if self._state != self._state_before:
            self._queue.write_state(self._state)
