"""Pings to the hub and to search engines of what has changed, once strangers can see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from feedhub.catalog import Catalog
from feedhub.http_client import HttpClient
from feedhub.websub.indexnow import IndexNowSession
from feedhub.websub.retries import PingReport
from feedhub.websub.session import HubSession, site_of

__all__ = ["PingReport", "enqueue_all", "send_pings"]

_PARALLEL_PINGS = 4
# Seconds after which a session ends early: there may be newer changes, or another configuration.
_MAX_SESSION = 60.0


async def send_pings(
    catalog: Catalog, client: HttpClient, clock: Callable[[], float], *, by_hand: bool = False
) -> PingReport:
    """Tell the hub and search engines of every address that is due, and put off those that fail.

    `clock` returns Unix times. `by_hand` sends also what was put off, and all of it; else what is
    left after a minute waits for the next call. An address leaves its queue when there is a
    reply: after a crash in between it is sent twice, and none is lost.

    Raises ConfigError where nobody is to be told, CatalogError where the catalog cannot be used.
    """
    report = PingReport()
    start = clock()
    latest = None if by_hand else start
    due, addresses = catalog.pings.due(latest), catalog.addresses.due(latest)
    if not (due or addresses or by_hand):
        report.waiting = waiting(catalog)
        return report
    with catalog.snapshot():
        site, config = site_of(catalog)
    if config.websub.hub and (due or by_hand):
        session = HubSession(
            catalog, client, clock, report, site=site, config=config, by_hand=by_hand
        )
        if due and session.accepts_pings():
            for first in range(0, len(due), _PARALLEL_PINGS):
                batch = due[first : first + _PARALLEL_PINGS]
                go_on = session.record(await asyncio.gather(*map(session.ping, batch)))
                if not go_on or (not by_hand and clock() - start > _MAX_SESSION):
                    break
        session.save_hub_status()
    if addresses:
        engines = IndexNowSession(
            catalog, client, clock, report, site=site, config=config, by_hand=by_hand
        )
        await engines.run(addresses)
    report.waiting = waiting(catalog)
    if by_hand and report.waiting and not (report.errors or report.waiting_reason):
        report.waiting_reason = "the change is not published yet"
    return report


def waiting(catalog: Catalog) -> int:
    """Return how many addresses wait in both queues."""
    return catalog.pings.status().waiting + catalog.addresses.status().waiting


def enqueue_all(catalog: Catalog, now: float) -> None:
    """Put every feed and every article into the queues, as changed at a Unix time.

    Raises ConfigError and CatalogError, as `send_pings` does.
    """
    with catalog.snapshot():
        site, config = site_of(catalog)
        plan = site.plan(stories=False).values() if config.websub.hub else ()
        topics = [planned.path for planned in plan if planned.is_topic]
        urls = site.announced(site.article_urls())
        generation = catalog.generation()
    catalog.pings.enqueue_released(topics, generation, now)
    catalog.addresses.enqueue_released(urls, generation, now)
