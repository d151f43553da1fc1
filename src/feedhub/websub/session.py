"""One visit to the hub with all that is due: what is told, what is put off and for how long."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from feedhub.dates import from_timestamp
from feedhub.errors import CatalogError, ConfigError
from feedhub.site import Site, config_of_catalog
from feedhub.websub.hub import publish
from feedhub.websub.visibility import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import httpx

    from feedhub.catalog import Catalog, Ping
    from feedhub.config import Config
    from feedhub.site import Planned

# Seconds: the wait after a failure, twice as long after each further one, up to the last.
_FIRST_WAIT, _LONGEST_WAIT = 5.0, 600.0
# What a reader would have found by polling is no news any more.
_DAY = 86_400.0
# Seconds between two looks at the public address: half the time since the change, within these.
_OFTEN, _SELDOM = 0.5, 60.0
_LATE = 30.0
# Seconds that servers get to follow the catalog: where one shows the change another may be behind.
# And those after which not even a slow clock lets a cache hold the old bytes.
_SETTLE, _MARGIN = 2.0, 60.0


@dataclass(slots=True)
class Report:
    """What came of a visit: how many addresses were told, how many wait.

    `troubles` are lines for the operator. `not_yet` says why something is not told yet, and `late`
    whether it should long have been: servers follow at once.
    """

    told: int = 0
    waiting: int = 0
    troubles: list[str] = field(default_factory=list)
    not_yet: str = ""
    late: bool = False


class Outcome(NamedTuple):
    """What came of one ping: `gone` has no document any more, `unseen` was too early."""

    ping: Ping
    verdict: Literal["told", "refused", "failed", "unseen", "gone"]
    reason: str = ""
    after: float = 0.0


def site_of(catalog: Catalog) -> tuple[Site, Config]:
    """Return the site as the catalog was made: the documents out there name the same hub.

    Raises ConfigError where they name none, CatalogError where another version made it.
    """
    config = config_of_catalog(catalog)
    if not config.websub.hub:
        raise ConfigError("no hub is named: set websub.hub, then feedhub sync or feedhub render")
    site = Site(catalog, config)
    if not site.matches_catalog():
        raise CatalogError("the catalog is another version's, or one of drafts: no hub is told")
    return site, config


class HubSession:
    """Tells the hub of some addresses at a time, and keeps what came of it.

    Whoever comes `by_hand` knows that what changed is out. Many a hand is a script: a hub that asks
    to be left alone is.
    """

    def __init__(
        self,
        catalog: Catalog,
        client: httpx.AsyncClient,
        clock: Callable[[], float],
        report: Report,
        *,
        by_hand: bool,
    ) -> None:
        self._catalog = catalog
        self._client = client
        self._clock = clock
        self._report = report
        self._by_hand = by_hand
        with catalog.snapshot():
            self._site, self._config = site_of(catalog)
            self._plan = self._site.plan(stories=False)
            word = json.loads(catalog.noted("hub") or "{}")
        self._hub = self._config.websub.hub
        # What another hub has asked for, or how it was, is no concern of this one.
        self._word: dict[str, Any] = word if word.get("hub") == self._hub else {"hub": self._hub}
        self._refused: dict[str, list[str]] = {}
        self._failed = ""

    def accepts_pings(self) -> bool:
        """Tell whether the hub may be told now; where it asked to be left alone, all waits.

        Raises CatalogError where nothing can be written: what cannot be noted is not told.
        """
        now = self._clock()
        rest = max(now, self._word.get("rest", 0.0))
        self._catalog.pings.defer_due(now, rest)
        if rest > now:
            until = f"{from_timestamp(rest):%Y-%m-%d %H:%M:%S} UTC"
            self._report.not_yet = f"the hub {self._hub} asks to be left alone until {until}"
        return bool(rest == now)

    async def tell(self, ping: Ping) -> Outcome:
        """Tell the hub of one address, if it is still there and strangers see what is new."""
        planned = self._plan.get(ping.path)
        if planned is None or not planned.topic:
            return Outcome(ping, "gone")
        if reason := await self._unseen(ping, planned):
            return Outcome(ping, "unseen", reason)
        topic = self._site.url(ping.path)
        return Outcome(ping, *await publish(self._client, self._hub, topic))

    async def _unseen(self, ping: Ping, planned: Planned) -> str:
        """Say why it is too early, or ""; it never is once no cache may have the old bytes."""
        age, http = self._clock() - ping.since, self._config.http
        if age < _SETTLE and not self._by_hand:
            return f"{planned.path} has only just changed"
        patience = http.max_age + http.stale_while_revalidate + _MARGIN
        if not self._config.websub.look or age > patience:
            return ""
        body = cache(lambda: self._body(planned))
        return await unseen(self._client, self._site.url(ping.path), planned, body)

    def _body(self, planned: Planned) -> bytes:
        with self._site.snapshot():
            same = self._site.current(planned) == planned
            return self._site.document(planned).body if same else b""

    def record(self, outcomes: Iterable[Outcome]) -> bool:
        """Keep what came of some; tell whether to go on: a hub that fails is left alone."""
        done, going = [], True
        for outcome in outcomes:
            if outcome.verdict == "unseen":
                self._look_again(outcome)
            elif outcome.verdict == "failed":
                self._try_again(outcome)
                going = False
            else:
                done.append(outcome.ping)
                self._report.told += outcome.verdict == "told"
            if outcome.verdict == "refused":
                self._refused.setdefault(outcome.reason, []).append(outcome.ping.path)
        self._catalog.pings.remove(done)
        return going

    def _look_again(self, outcome: Outcome) -> None:
        self._report.not_yet = self._report.not_yet or outcome.reason
        age = self._clock() - outcome.ping.since
        self._report.late |= age > _LATE
        wait = _SETTLE - age if age < _SETTLE else min(_SELDOM, max(_OFTEN, age / 2))
        self._put_off(outcome.ping, wait)

    def _try_again(self, outcome: Outcome) -> None:
        """What else is due waits as long: one failure is enough of a trial."""
        ping, rest, now = outcome.ping, min(outcome.after, _DAY), self._clock()
        wait = max(rest, min(_LONGEST_WAIT, _FIRST_WAIT * 2**ping.tries))
        self._failed = outcome.reason
        if rest:
            self._word["rest"] = now + rest
        self._put_off(ping._replace(tries=min(ping.tries + 1, 30)), wait)
        self._catalog.pings.defer_due(now, now + wait)
        if given_up := self._catalog.pings.expire(now - _DAY):
            self._trouble(f"could not be told for a day; addresses given up: {given_up}")

    def _put_off(self, ping: Ping, wait: float) -> None:
        self._catalog.pings.defer(ping, self._clock() + wait)

    def save_hub_status(self) -> None:
        """Tell the operator, and whoever serves the catalog, how the hub is."""
        for reason, paths in self._refused.items():
            many = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
            self._trouble(f"refuses {self._site.url(paths[0])}{many}: {reason}")
        if self._failed:
            self._trouble(f"cannot be told: {self._failed}; it is tried again")
        before = dict(self._word)
        if self._report.told:
            self._word |= {"told": self._clock(), "failing": ""}
        if self._report.troubles:
            self._word["failing"] = self._report.troubles[-1]
        if self._word != before:
            self._catalog.note(hub=json.dumps(self._word))

    def _trouble(self, what: str) -> None:
        self._report.troubles.append(f"the hub {self._hub} {what}")
