"""`feedhub ping`: the one process that talks to the hub; nothing else ever waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import closing
from typing import TYPE_CHECKING

from feedhub.catalog import Catalog, leave_readable
from feedhub.cli.console import detail, quiet, remark, wrong
from feedhub.cli.places import catalog_place, check_named, config_of
from feedhub.errors import FeedhubError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from feedhub.http_client import HttpClient
    from feedhub.websub import PingReport

_BEHIND = 10
# How often a catalog that another process writes is looked at.
_GLANCE = 0.5


def ping(options: Namespace) -> int:
    """Tell the hub what waits, once or until SIGTERM; 1 where something waits still."""
    check_named(options, "whose feeds")
    # Hub and addresses come with the catalog: a configuration only helps to find it.
    place = options.catalog or catalog_place(options, config_of(options))
    if options.watch:
        # At once, whatever the hub does: the queue is kept at every moment.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if options.parent is not None:
            os.nice(_BEHIND)
        asyncio.run(_Watch(place, options.parent).run())
        return 0
    report = asyncio.run(_once(place, everything=options.all))
    return _tell(report)


async def _once(place: Path, *, everything: bool) -> PingReport:
    from feedhub.http_client import HttpClient
    from feedhub.websub import enqueue_all, send_pings

    try:
        with closing(Catalog(place, kept=True)) as catalog:
            if everything:
                enqueue_all(catalog, time.time())
            async with HttpClient(use_proxies=True) as client:
                return await send_pings(catalog, client, time.time, by_hand=True)
    finally:
        leave_readable(place)


def _tell(report: PingReport) -> int:
    for trouble in report.errors:
        wrong(trouble)
    if report.waiting_reason:
        remark(f"{report.waiting_reason}: run feedhub ping again later")
    if not quiet():
        print(f"addresses: {report.sent} told, {report.waiting} waiting")
    return 1 if report.waiting or report.errors else 0


class _Watch:
    """Follows a catalog that another process writes, and tells the hub of what changed.

    What was said once is not said again until the hub has been told of something.
    """

    def __init__(
        self,
        place: Path,
        parent: int | None,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._place = place
        self._parent = parent
        self._pause = pause
        self._catalog: Catalog | None = None
        self._identity: tuple[int, int] | None = None
        self._error = ""
        self._said: set[str] = set()

    async def run(self) -> None:
        """Go on as long as the parent lives, where there is one."""
        from feedhub.http_client import HttpClient

        async with HttpClient(use_proxies=True) as client:
            while self._parent in (None, os.getppid()):
                try:
                    await self._look(client)
                except (FeedhubError, OSError) as error:
                    self._fail(str(error))
                await self._pause(_GLANCE)

    async def _look(self, client: HttpClient) -> None:
        from feedhub.websub import send_pings

        catalog = self._opened()
        if catalog is None:
            return
        report = await send_pings(catalog, client, time.time)
        self._error = ""
        if report.sent:
            self._said.clear()
            detail(f"the hub was told of {report.sent} addresses, {report.waiting} wait")
        for trouble in report.errors:
            self._say(trouble)
        if report.late:
            self._say(f"the hub is not told yet: {report.waiting_reason}")

    def _opened(self) -> Catalog | None:
        """Return the catalog that stands there now, or None before the first sync."""
        try:
            status = self._place.stat()
        except FileNotFoundError:
            return None
        identity = (status.st_dev, status.st_ino)
        if self._catalog is None or identity != self._identity:
            if self._catalog is not None:
                self._catalog.close()
                self._catalog = None
            self._catalog, self._identity = Catalog(self._place, kept=True), identity
        return self._catalog

    def _fail(self, text: str) -> None:
        """Say what is wrong if it stays: a catalog may just be made, or be locked."""
        if text == self._error:
            self._say(text)
        self._error = text

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            wrong(text)
