"""A session with the hub: which pings of the queue are sent now, and what becomes of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from msgspec.structs import replace

from feedhub.catalog import Catalog, HubState, Ping
from feedhub.config import Config
from feedhub.errors import CatalogError, ConfigError
from feedhub.http_client import HttpClient
from feedhub.site import Site, config_of_catalog
from feedhub.websub import retries
from feedhub.websub.hub import send_ping
from feedhub.websub.retries import PingReport
from feedhub.websub.visibility import why_too_early


class PingResult(NamedTuple):
    """The result of one ping.

    Beside the verdicts of a hub: `too_early`, the change is not public yet; `gone`, there is no
    such feed any more. `retry_after` is in seconds.
    """

    ping: Ping
    verdict: Literal["accepted", "refused", "failed", "too_early", "gone"]
    reason: str = ""
    retry_after: float = 0.0


def site_of(catalog: Catalog) -> tuple[Site, Config]:
    """Return the site as it was when the catalog was synced: its documents name the same hub.

    Raises ConfigError where nobody is to be told, CatalogError where another version made the
    catalog.
    """
    config = config_of_catalog(catalog)
    if not config.has_pings:
        raise ConfigError(
            "no hub is configured: set websub.hub or indexnow.key, "
            "then run feedhub sync or feedhub render"
        )
    site = Site(catalog, config)
    if not site.matches_catalog():
        raise CatalogError(
            "the catalog is of another version of feedhub, or has drafts: nobody is pinged"
        )
    return site, config


class HubSession:
    """Sends pings to the hub, a few at a time, and records the results in the catalog.

    `by_hand` means that a person or a script runs the command after the change was published.
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
        self._client = client
        self._clock = clock
        self._report = report
        self._by_hand = by_hand
        self._site, self._config = site, config
        with catalog.snapshot():
            self._plan = site.plan(stories=False)
            state = catalog.read(HubState)
        self._hub = self._config.websub.hub
        # The state of a hub that was configured before says nothing of this one.
        self._state = state if state.hub == self._hub else HubState(hub=self._hub)
        self._refused: dict[str, list[str]] = {}  # the paths by the hub's reason
        self._failure = ""

    def accepts_pings(self) -> bool:
        """Return whether the hub may be pinged now; during its `Retry-After` all pings wait.

        Raises CatalogError where the catalog cannot be written: a result that cannot be recorded
        would have the same ping sent again and again.
        """
        now = self._clock()
        resume_at = max(now, self._state.not_before)
        self._catalog.pings.defer_due(now, resume_at)
        if resume_at > now:
            until = retries.format_time(resume_at)
            self._report.waiting_reason = f"the hub {self._hub} asks to be left alone until {until}"
        return resume_at <= now

    async def ping(self, ping: Ping) -> PingResult:
        """Ping the hub for one address, if its feed still exists and the change is public."""
        planned = self._plan.get(ping.path)
        if planned is None or not planned.is_topic:
            return PingResult(ping, "gone")
        reason = await why_too_early(
            self._client,
            self._site,
            self._config,
            planned,
            age=self._clock() - ping.since,
            by_hand=self._by_hand,
        )
        if reason:
            return PingResult(ping, "too_early", reason)
        return PingResult(
            ping, *await send_ping(self._client, self._hub, self._site.url(ping.path))
        )

    def record(self, results: Iterable[PingResult]) -> bool:
        """Record results; return whether to go on: a failure ends the session."""
        done, failed = [], False
        for result in results:
            if result.verdict == "failed":
                self._record_failure(result)
                failed = True
            elif result.verdict == "too_early":
                now = self._clock()
                wait = self._report.wait_to_be_public(result.reason, now - result.ping.since)
                self._catalog.pings.defer(result.ping, now + wait)
            else:
                done.append(result.ping)
                self._report.sent += result.verdict == "accepted"
            if result.verdict == "refused":
                self._refused.setdefault(result.reason, []).append(result.ping.path)
        self._catalog.pings.remove(done)
        return not failed

    def _record_failure(self, result: PingResult) -> None:
        """Put off the ping, and all others that are due: they would probably fail too."""
        ping, now = result.ping, self._clock()
        pause = retries.pause(result.retry_after)
        until = now + max(pause, retries.wait_after(ping.tries))
        self._failure = result.reason
        if pause:
            self._state = replace(self._state, not_before=now + pause)
        self._catalog.pings.defer(ping._replace(tries=retries.one_more(ping.tries)), until)
        self._catalog.pings.defer_due(now, until)
        if expired := self._catalog.pings.expire(now - retries.MAX_AGE):
            self._report.errors.append(
                f"the hub {self._hub} accepted no ping for a day; addresses given up: {expired}"
            )

    def save_hub_status(self) -> None:
        """Report errors, and note the state of the hub in the catalog for servers to show."""
        errors = self._report.errors
        for reason, paths in self._refused.items():
            more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            url = self._site.url(paths[0])
            errors.append(f"the hub {self._hub} refuses {url}{more}: {reason}")
        if self._failure:
            errors.append(f"the hub {self._hub} cannot be pinged: {self._failure}; trying again")
        before = self._state
        if self._report.sent:
            self._state = replace(self._state, notified_at=self._clock(), problem="")
        if errors:
            self._state = replace(self._state, problem=errors[-1])
        if self._state != before:
            self._catalog.write(self._state)
