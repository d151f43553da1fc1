"""How the server is: what an operator, a load balancer and an alarm want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feedhub.app.library import Library

# Seconds after which a ping that is due should at least have been put off.
_IDLE = 300.0


class HubStatus(NamedTuple):
    """How many addresses the hub is still to be told of, when it last was told of any (Unix time).

    `problem` is "" where all is well.
    """

    waiting: int
    told: float
    problem: str


class Status(NamedTuple):
    """`ready` is false until something can be served; `problem` is "" where all is well.

    `synced` is the Unix time of the last good sync, `seconds` how long it took. `hub` is None where
    there is none.
    """

    ready: bool
    problem: str
    generation: int
    documents: int
    articles: Mapping[str, int]
    rejected: int
    synced: float
    seconds: float
    hub: HubStatus | None = None

    def facts(self) -> dict[str, Any]:
        """Return it as it is shown; without a hub there is no word of one."""
        facts = self._asdict()
        del facts["hub"]
        return facts | ({"hub": self.hub._asdict()} if self.hub else {})


def status_of(library: Library, now: float, trouble: str = "") -> Status:
    """Return how the server is at the Unix time `now`; `trouble` is what is wrong beside."""
    edition, synced = library.edition, library.synced
    return Status(
        ready=edition is not None,
        problem=library.problem or trouble or _silence(synced, now),
        generation=edition.generation if edition else 0,
        documents=len(edition.entries) if edition else 0,
        articles=synced.get("articles", {}),
        rejected=synced.get("rejected", 0),
        synced=synced.get("at", 0.0),
        seconds=synced.get("seconds", 0.0),
        hub=_hub_of(library, now) if edition and edition.config.websub.hub else None,
    )


def _hub_of(library: Library, now: float) -> HubStatus:
    """A ping that is long due and was not even put off has nobody who sends it."""
    number, due = library.pings
    idle = due is not None and now - due > _IDLE
    nobody = f"{number} addresses wait for feedhub ping: is it running?" if idle else ""
    problem = library.hub.get("failing", "") or nobody
    return HubStatus(number, library.hub.get("told", 0.0), problem)


def _silence(synced: Mapping[str, Any], now: float) -> str:
    """Say that a sync that watches has been silent three times as long as it should."""
    silent = now - synced.get("at", now)
    if not synced.get("every") or silent <= 3 * synced["every"]:
        return ""
    return f"feedhub sync has given no sign of life for {int(silent)} seconds"
