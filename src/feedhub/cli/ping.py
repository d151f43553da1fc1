"""`feedhub ping`: notify the hub of the feeds that have changed.

This process alone talks to the hub, so that a slow hub delays nothing else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.catalog import Catalog, CatalogFollower, leave_readable
from feedhub.cli import console, options
from feedhub.errors import FeedhubError

# httpx takes long to load, and --help and completion do not need it.
if TYPE_CHECKING:
    from feedhub.http_client import HttpClient
    from feedhub.websub import PingReport

EXAMPLES = ("articles", "--catalog /var/lib/feedhub/catalog.sqlite --watch")
POLL_INTERVAL = 0.5  # seconds between two readings of a catalog that another process writes


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.add_catalog_input(parser)
    parser.add_argument("--all", action="store_true", help="announce every feed, changed or not")
    options.add_watch(parser, "keep running; notify the hub whenever something changes")
    options.add_parent(parser)


def run(args: Namespace) -> int:
    """Send what waits, once or until SIGTERM; return 1 if something still waits."""
    options.require_input(args)
    # The hub and the addresses are in the catalog; the configuration only helps to find it.
    path = args.catalog or options.catalog_path(args, options.config_of(args))
    if args.watch:
        # It may end at any moment, because the queue is in the catalog.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        if args.parent is not None:
            os.nice(options.NICENESS)
        asyncio.run(CatalogWatcher(path, args.parent).run())
        return 0
    report = asyncio.run(send(path, everything=args.all))
    for error in report.errors:
        console.error(error)
    if report.waiting_reason:
        console.warn(f"{report.waiting_reason}: run feedhub ping again later")
    if not console.is_quiet():
        print(f"addresses: {report.sent} sent, {report.waiting} waiting")
    return 1 if report.waiting or report.errors else 0


async def send(path: Path, *, everything: bool) -> PingReport:
    """Notify the hub of the feeds that wait in the catalog at `path`, or of every feed."""
    from feedhub.http_client import HttpClient
    from feedhub.websub import enqueue_all, send_pings

    try:
        with closing(Catalog.open_existing(path, read_only=False)) as catalog:
            if everything:
                enqueue_all(catalog, time.time())
            async with HttpClient(use_proxies=True) as client:
                return await send_pings(catalog, client, time.time, by_hand=True)
    finally:
        leave_readable(path)


class CatalogWatcher:
    """Follows a catalog that another process writes, and notifies the hub of changes.

    A message is printed once; again only after the hub was notified.
    """

    def __init__(
        self,
        path: Path,
        parent: int | None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.parent = parent
        self.follower = CatalogFollower(path, read_only=False)
        self._sleep = sleep
        self._last_error = ""
        self._printed: set[str] = set()

    async def run(self) -> None:
        """Run as long as the parent process lives, if there is one."""
        from feedhub.http_client import HttpClient

        async with HttpClient(use_proxies=True) as client:
            while self.parent in (None, os.getppid()):
                try:
                    await self._send(client)
                    self._last_error = ""
                except (FeedhubError, OSError) as error:
                    # Print it if it stays: the catalog may just be made, or be locked.
                    if str(error) == self._last_error:
                        self._print_once(str(error))
                    self._last_error = str(error)
                await self._sleep(POLL_INTERVAL)

    async def _send(self, client: HttpClient) -> None:
        from feedhub.websub import send_pings

        catalog = self.follower.catalog()
        if catalog is None:  # before the first sync
            return
        report = await send_pings(catalog, client, time.time)
        if report.sent:
            self._printed.clear()
            console.debug(f"{report.sent} addresses sent to the hub, {report.waiting} waiting")
        for error in report.errors:
            self._print_once(error)
        if report.late:
            self._print_once(f"the hub was not notified yet: {report.waiting_reason}")

    def _print_once(self, text: str) -> None:
        if text not in self._printed:
            self._printed.add(text)
            console.error(text)
