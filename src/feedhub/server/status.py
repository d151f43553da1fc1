"""How the server is: what an operator, a load balancer and an alarm want to know."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from feedhub.server.processes import PING, SYNC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feedhub.server.catalog_reader import CatalogReader

# Seconds after which a ping that is due should at least have been put off.
_IDLE = 300.0


class ProcessStatus(NamedTuple):
    """How a process beside the server is: how often it was started again; what is wrong, or ""."""

    restarts: int
    problem: str


_ALONE: Mapping[str, ProcessStatus] = MappingProxyType({})


class HubStatus(NamedTuple):
    """How many addresses the hub is still to be told of, when it last was told of any (Unix time).

    `problem` is "" where all is well.
    """

    waiting: int
    told: float
    problem: str


class Status(NamedTuple):
    """`ready` is false until something can be served.

    `problem` says why that does not follow the articles any more, or "". `synced` is the Unix time
    of the last good sync, `seconds` how long it took. `hub` is None where there is none, and
    `processes` are those beside the server, by name.
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
    processes: Mapping[str, ProcessStatus] = _ALONE

    def facts(self) -> dict[str, Any]:
        """Return it as it is shown; without a hub there is no word of one."""
        facts = self._asdict()
        del facts["hub"]
        facts["processes"] = {name: beside._asdict() for name, beside in self.processes.items()}
        return facts | ({"hub": self.hub._asdict()} if self.hub else {})


def status_of(
    reader: CatalogReader, now: float, processes: Mapping[str, ProcessStatus] = _ALONE
) -> Status:
    """Return how the server is at the Unix time `now`, with such `processes` beside it."""
    snapshot, synced = reader.snapshot, reader.synced
    return Status(
        ready=snapshot is not None,
        problem=reader.problem or _trouble(processes, SYNC) or _silence(synced, now),
        generation=snapshot.generation if snapshot else 0,
        documents=len(snapshot.resources) if snapshot else 0,
        articles=synced.get("articles", {}),
        rejected=synced.get("rejected", 0),
        synced=synced.get("at", 0.0),
        seconds=synced.get("seconds", 0.0),
        hub=_hub_of(reader, now, _trouble(processes, PING)),
        processes=processes,
    )


def _trouble(processes: Mapping[str, ProcessStatus], name: str) -> str:
    return processes[name].problem if name in processes else ""


def _hub_of(reader: CatalogReader, now: float, trouble: str) -> HubStatus | None:
    """A ping that is long due and was not even put off has nobody who sends it."""
    hub = reader.snapshot.config.websub.hub if reader.snapshot else ""
    if not hub:
        return None
    number, due = reader.pings
    idle = due is not None and now - due > _IDLE
    nobody = f"{number} addresses wait for feedhub ping: is it running?" if idle else ""
    word = reader.hub if reader.hub.get("hub") == hub else {}  # else it is of another hub
    return HubStatus(number, word.get("told", 0.0), trouble or word.get("failing", "") or nobody)


def _silence(synced: Mapping[str, Any], now: float) -> str:
    """Say that a sync that watches has been silent three times as long as it should."""
    silent = now - synced.get("at", now)
    if not synced.get("every") or silent <= 3 * synced["every"]:
        return ""
    return f"feedhub sync has given no sign of life for {int(silent)} seconds"
