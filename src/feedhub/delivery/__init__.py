"""Telling receivers what has changed: each has a queue, and a session that empties it.

A receiver is one subclass of `Session`, in the package of what it speaks: `websub/` has the hub
and search engines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from feedhub.catalog import Catalog
from feedhub.config import Config
from feedhub.delivery.report import DeliveryReport
from feedhub.delivery.session import Session
from feedhub.errors import CatalogError, ConfigError
from feedhub.http_client import HttpClient
from feedhub.site import Site, config_of_catalog

__all__ = ["DeliveryReport", "Session", "deliver", "enqueue_all"]

SessionKinds = Iterable[type[Session]]


async def deliver(
    kinds: SessionKinds,
    catalog: Catalog,
    client: HttpClient,
    clock: Callable[[], float],
    *,
    by_hand: bool = False,
) -> DeliveryReport:
    """Tell these receivers, one after the other, of every change that is due; put off what fails.

    `clock` returns Unix times. `by_hand` sends also what was put off, and all of it; else what is
    left after a minute waits for the next call. A change leaves its queue when there is a reply:
    after a crash in between it is sent twice, and none is lost.

    Raises ConfigError where nobody is to be told by hand, CatalogError where the catalog cannot be
    used.
    """
    if by_hand:
        with catalog.snapshot():
            site_of(catalog)
    return DeliveryReport.of(
        [await _deliver(kind, catalog, client, clock, by_hand=by_hand) for kind in kinds]
    )


async def _deliver(
    kind: type[Session],
    catalog: Catalog,
    client: HttpClient,
    clock: Callable[[], float],
    *,
    by_hand: bool,
) -> DeliveryReport:
    """Tell one receiver of what is due in its queue."""
    report, queue = DeliveryReport(), catalog.changes(kind.receiver)
    if due := queue.due(None if by_hand else clock()):
        with catalog.snapshot():
            site, config = site_of(catalog)
        session = kind(catalog, client, clock, report, site=site, config=config, by_hand=by_hand)
        if session.is_welcome():
            await session.run(due)
        session.save_state()
    report.waiting = queue.status().waiting
    if by_hand and report.waiting and not (report.errors or report.waiting_reason):
        report.waiting_reason = "the change is not published yet"
    return report


def enqueue_all(kinds: SessionKinds, catalog: Catalog, now: float) -> None:
    """Queue everything that these receivers can be told of, as changed at a Unix time.

    Raises ConfigError and CatalogError, as `deliver` does.
    """
    with catalog.snapshot():
        site, config = site_of(catalog)
        generation = catalog.generation()
        everything = {
            kind.receiver: list(kind.everything(site))
            for kind in kinds
            if kind.receiver in config.receivers
        }
    for receiver, paths in everything.items():
        catalog.changes(receiver).enqueue_released(paths, generation, now)


def site_of(catalog: Catalog) -> tuple[Site, Config]:
    """Return the site as it was when the catalog was synced: its documents name the same hub.

    Raises ConfigError where nobody is to be told, CatalogError where another version made the
    catalog.
    """
    config = config_of_catalog(catalog)
    if not config.receivers:
        raise ConfigError(
            "no hub is configured: set websub.hub, indexnow.key, purge.service or notify.webhook, "
            "then run feedhub sync or feedhub render"
        )
    site = Site(catalog, config)
    if not site.matches_catalog():
        raise CatalogError(
            "the catalog is of another version of feedhub, or has drafts: nobody is pinged"
        )
    return site, config
