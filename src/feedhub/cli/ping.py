"""`feedhub ping`: notify the hub, and all other receivers, of what has changed.

This process alone talks to them, so that a slow one delays nothing else.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from feedhub.catalog import Catalog, CatalogAddress, CatalogFollower, leave_readable
from feedhub.cli import console, options
from feedhub.errors import FeedhubError

# httpx takes long to load, and --help and completion do not need it.
if TYPE_CHECKING:
    from feedhub.delivery import DeliveryReport, Session
    from feedhub.http_client import HttpClient

EXAMPLES = ("articles", "--catalog /var/lib/feedhub/catalog.db --watch")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.add_catalog_input(parser)
    parser.add_argument(
        "--all", action="store_true", help="announce and purge everything, changed or not"
    )
    options.add_watch(parser, "keep running; tell them whenever something changes")
    options.add_parent(parser)


def run(args: Namespace) -> int:
    """Send what waits, once or until SIGTERM; return 1 if something still waits."""
    from feedhub.delivery.report import DeliveryReport

    options.require_input(args)
    # The hub and the addresses are in the catalog; the configuration only helps to find it.
    path = args.catalog or options.catalog_path(args, options.config_of(args))
    if args.watch:
        # It may end at any moment, because the queue is in the catalog.
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        if args.parent is not None:
            os.nice(options.NICENESS)
        asyncio.run(CatalogWatcher(path, args.parent, session_kinds()).run())
        return 0
    purges, pings = asyncio.run(send(path, everything=args.all))
    if not console.is_quiet():
        if purges.sent or purges.waiting:
            print(f"purges: {purges.sent} sent, {purges.waiting} waiting")
        print(f"addresses: {pings.sent} sent, {pings.waiting} waiting")
    report = DeliveryReport.of([purges, pings])
    for error in report.errors:
        console.error(error)
    if report.waiting_reason:
        console.warn(f"{report.waiting_reason}: run feedhub ping again later")
    return 1 if report.waiting or report.errors else 0


async def send(path: CatalogAddress, *, everything: bool) -> list[DeliveryReport]:
    """Tell all receivers of what waits in the catalog at `path`, or of everything.

    Return the report of the cache, and that of all others, which come after it: no hub may find
    what the cache has not dropped yet.
    """
    from feedhub import purge
    from feedhub.delivery import deliver, enqueue_all
    from feedhub.http_client import HttpClient

    kinds = session_kinds()
    others = [kind for kind in kinds if kind not in purge.SESSIONS]
    try:
        with closing(Catalog.open_existing(path, read_only=False)) as catalog:
            if everything:
                enqueue_all(kinds, catalog, time.time())
            async with HttpClient(use_proxies=True) as client:
                return [
                    await deliver(part, catalog, client, time.time, by_hand=True)
                    for part in (purge.SESSIONS, others)
                ]
    finally:
        leave_readable(path)


def session_kinds() -> tuple[type[Session], ...]:
    """Return the sessions of all receivers that this command talks to."""
    from feedhub import purge, webhook, websub

    return (*purge.SESSIONS, *websub.SESSIONS, *webhook.SESSIONS)


class CatalogWatcher:
    """Follows a catalog that another process writes, and tells receivers of changes.

    Each receiver is told by itself, so that a slow one holds up no other. A message is printed
    once; again only after its receiver was told of something.
    """

    def __init__(
        self,
        path: CatalogAddress,
        parent: int | None,
        kinds: Sequence[type[Session]],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.parent = parent
        self._path = path
        self._kinds = kinds
        self._sleep = sleep
        self._printed: set[str] = set()

    async def run(self) -> None:
        """Run as long as the parent process lives, if there is one."""
        from feedhub.http_client import HttpClient

        async with HttpClient(use_proxies=True) as client:
            await asyncio.gather(*(self._follow(kind, client) for kind in self._kinds))

    async def _follow(self, kind: type[Session], client: HttpClient) -> None:
        """Tell one receiver of changes."""
        last_error = ""
        printed: set[str] = set()
        # One for each receiver: none is closed while another session uses it.
        with closing(CatalogFollower(self._path, read_only=False)) as follower:
            while self.parent in (None, os.getppid()):
                try:
                    await self._send(kind, follower, client, printed)
                    last_error = ""
                except (FeedhubError, OSError) as error:
                    # Print it if it stays: the catalog may just be made, or be locked.
                    if str(error) == last_error:
                        self._print_once(str(error), printed)
                    last_error = str(error)
                await self._sleep(kind.poll_interval)

    async def _send(
        self,
        kind: type[Session],
        follower: CatalogFollower,
        client: HttpClient,
        printed: set[str],
    ) -> None:
        from feedhub.delivery import deliver

        catalog = follower.catalog()
        if catalog is None:  # before the first sync
            return
        report = await deliver([kind], catalog, client, time.time)
        if report.sent:
            self._printed -= printed
            printed.clear()
            console.debug(f"{kind.receiver}: {report.sent} sent, {report.waiting} waiting")
        for error in report.errors:
            self._print_once(error, printed)
        if report.late:
            self._print_once(f"the hub was not notified yet: {report.waiting_reason}", printed)

    def _print_once(self, text: str, printed: set[str]) -> None:
        printed.add(text)
        if text not in self._printed:
            self._printed.add(text)
            console.error(text)
