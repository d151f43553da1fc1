"""Pings to the hub: which feeds have changed, once the new bytes can be seen (WebSub, 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from feedhub.catalog import Catalog
from feedhub.http_client import HttpClient
from feedhub.websub.session import HubSession, PingReport, site_of

__all__ = ["PingReport", "enqueue_all", "send_pings"]

_PARALLEL_PINGS = 4
# Seconds after which a session ends early: there may be newer changes, or another configuration.
_MAX_SESSION = 60.0


async def send_pings(
    catalog: Catalog, client: HttpClient, clock: Callable[[], float], *, by_hand: bool = False
) -> PingReport:
    """Ping the hub for every address of the queue that is due, and put off those that fail.

    `clock` returns Unix times. `by_hand` sends also what was put off, and all of it; else what is
    left after a minute waits for the next call. An address leaves the queue when the hub has
    replied: after a crash in between it is sent twice, and none is lost.

    Raises ConfigError where there is no hub, CatalogError where the catalog cannot be used.
    """
    report = PingReport()
    start = clock()
    due = catalog.pings.due(None if by_hand else start)
    if due or by_hand:
        session = HubSession(catalog, client, clock, report, by_hand=by_hand)
        if due and session.accepts_pings():
            for first in range(0, len(due), _PARALLEL_PINGS):
                batch = due[first : first + _PARALLEL_PINGS]
                go_on = session.record(await asyncio.gather(*map(session.ping, batch)))
                if not go_on or (not by_hand and clock() - start > _MAX_SESSION):
                    break
        session.save_hub_status()
    report.waiting = catalog.pings.status().waiting
    if by_hand and report.waiting and not (report.errors or report.waiting_reason):
        report.waiting_reason = "the change is not published yet"
    return report


def enqueue_all(catalog: Catalog, now: float) -> None:
    """Put every feed into the queue, as changed at a Unix time.

    Raises ConfigError and CatalogError, as `send_pings` does.
    """
    with catalog.snapshot():
        site, _ = site_of(catalog)
        topics = [planned.path for planned in site.plan(stories=False).values() if planned.is_topic]
        generation = catalog.generation()
    catalog.pings.enqueue_released(topics, generation, now)
