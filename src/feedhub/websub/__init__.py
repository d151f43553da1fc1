"""Telling the hub what has changed: once the new bytes are out, and in nobody's way."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from feedhub.websub.hub import make_client
from feedhub.websub.session import HubSession, Report, site_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import httpx

    from feedhub.catalog import Catalog, Ping

__all__ = ["Report", "make_client", "owe_everything", "tell"]

# How many addresses are told of at a time, and for how many seconds before one looks what is new.
_AT_ONCE, _LONGEST = 4, 60.0


async def tell(
    catalog: Catalog,
    client: httpx.AsyncClient,
    clock: Callable[[], float],
    *,
    by_hand: bool = False,
) -> Report:
    """Tell the hub of every address that is due; what fails is put off.

    `clock` gives Unix times. What was put off counts as due where it is done `by_hand`, and all of
    it is told; else what is left after a minute is left for the next time. An address leaves the
    queue when the hub has answered: after a crash in between it is told twice, and none is lost.
    Raises ConfigError where there is no hub, CatalogError where the catalog is of no use.
    """
    report = Report()
    start = clock()
    due = catalog.pings.due(None if by_hand else start)
    if due or by_hand:
        visit = HubSession(catalog, client, clock, report, by_hand=by_hand)
        for some in _batches(due) if due and visit.accepts_pings() else ():
            going = visit.record(await asyncio.gather(*map(visit.tell, some)))
            if not going or (not by_hand and clock() - start > _LONGEST):
                break
        visit.save_hub_status()
    report.waiting = catalog.pings.waiting().number
    if by_hand and report.waiting and not (report.troubles or report.not_yet):
        report.not_yet = "what has changed is not published yet"
    return report


def owe_everything(catalog: Catalog, now: float) -> None:
    """Have the hub be told of every feed there is; raises ConfigError and CatalogError."""
    with catalog.snapshot():
        site, _ = site_of(catalog)
        topics = [planned.path for planned in site.plan(stories=False).values() if planned.topic]
        generation = catalog.generation()
    catalog.pings.enqueue_released(topics, generation, now)


def _batches(pings: Iterable[Ping]) -> Iterator[list[Ping]]:
    rest = iter(pings)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
