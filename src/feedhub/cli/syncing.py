"""`feedhub sync`: the one process that reads article files and writes the catalog of a server."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from feedhub.catalog import Catalog, accept_all, leave_readable, refuse_shrinking
from feedhub.cli.console import quiet, wrong
from feedhub.cli.output import print_problems, progress
from feedhub.cli.places import check_source, config_of, tell_places
from feedhub.errors import CatalogError, ConfigError, FeedhubError, ShrinkError
from feedhub.fork_map import processors
from feedhub.site import Site, source_of
from feedhub.sources import open_source

if TYPE_CHECKING:
    from argparse import Namespace

    from feedhub.catalog import Changes
    from feedhub.config import Config
    from feedhub.errors import Problem

_BEHIND = 10
# A file system may lose a notice, and who reads the catalog wants a sign of life.
_AT_LEAST = timedelta(seconds=60)


def sync(options: Namespace) -> int:
    """Bring the catalog up to date, once or until SIGTERM; SIGHUP reads the configuration again."""
    config = config_of(options)
    run = _Sync(options, config)
    if options.parent is None:
        tell_places(options, config, options.catalog)
    if not options.watch:
        check_source(options)
        return run.once()[0]
    from feedhub.cli.watch import watch

    again = threading.Event()

    def on_hangup(*_: object) -> None:
        run.reload()
        again.set()

    signal.signal(signal.SIGHUP, on_hangup)
    if options.parent is not None:
        os.nice(_BEHIND)  # who answers readers beside us comes first
    return watch(
        open_source(options.source),
        run.once,
        every=_AT_LEAST,
        again=again,
        going=lambda: options.parent in (None, os.getppid()),
    )


class _Sync:
    """One sync after another; what was told once is not told again."""

    def __init__(self, options: Namespace, config: Config) -> None:
        self._options = options
        self._config = config
        self._told: tuple[Problem, ...] = ()
        self._wanted = False
        self._changed_at = 0

    def reload(self) -> None:
        """Have the configuration read again before the next sync."""
        self._wanted = True

    def once(self) -> tuple[int, datetime | None]:
        """Sync; return the exit code and when time alone will change what is published."""
        if self._wanted:
            self._wanted = False
            self._read_config()
        # A change gets a second of its own, or its Last-Modified would lie in the future.
        time.sleep(min(1.0, max(0.0, self._changed_at + 1 - time.time())))
        try:
            return self._once()
        except CatalogError as error:
            if self._options.parent is None:
                raise
            # No word can be left in the catalog: the parent sees that this process has ended.
            wrong(str(error))
            sys.exit(error.exit_code)

    def _once(self) -> tuple[int, datetime | None]:
        place = self._options.catalog
        try:
            with closing(Catalog(place)) as catalog:
                return self._noted(catalog), catalog.next_due()
        finally:
            leave_readable(place)

    def _noted(self, catalog: Catalog) -> int:
        """Sync, and leave word of what stops it for whoever serves the catalog."""
        try:
            return self._synced(catalog)
        except (FeedhubError, OSError) as error:
            text = " ".join(str(error).split())
            if catalog.noted("failing") != text:
                catalog.note(failing=text)
            if isinstance(error, ShrinkError):
                self._tell_problems(error.problems)
            raise

    def _read_config(self) -> None:
        try:
            self._config = config_of(self._options)
        except ConfigError as error:
            wrong(f"the configuration stays as it was: {error}")

    def _synced(self, catalog: Catalog) -> int:
        options, start, now = self._options, time.monotonic(), datetime.now(UTC)
        check_source(options)
        site = Site(catalog, self._config, drafts=options.drafts)
        source = source_of(options.source, self._config, drafts=options.drafts)
        with progress() as on_progress:
            accept = accept_all if options.allow_shrink else refuse_shrinking
            processes = self._processes(catalog)
            changes = site.sync(source, now, on_progress, accept, processes=processes)
        if changes.changed:
            self._changed_at = int(now.timestamp())
        facts = _facts(changes, time.monotonic() - start)
        alive = {"at": time.time(), "every": _AT_LEAST.seconds if options.watch else 0}
        catalog.note(failing="", synced=json.dumps(facts | alive))
        catalog.pings.release(time.time())
        return self._tell(changes, facts)

    def _processes(self, catalog: Catalog) -> int:
        """Leave the processors to those who answer, once there is something to answer with."""
        beside = self._options.parent is not None and catalog.generation() > 0
        return 1 if beside else self._options.workers or processors()

    def _tell(self, changes: Changes, facts: dict[str, object]) -> int:
        errors = self._tell_problems(changes.problems)
        if self._options.watch and not changes.changed:
            return 1 if errors else 0
        if self._options.json:
            print(json.dumps(facts))
        elif not quiet():
            print(_summary(changes, facts))
        return 1 if errors else 0

    def _tell_problems(self, problems: tuple[Problem, ...]) -> int:
        if problems == self._told:
            return sum(problem.level == "error" for problem in problems)
        self._told = problems
        return print_problems(problems, self._options.source)


def _facts(changes: Changes, seconds: float) -> dict[str, object]:
    return {
        "articles": changes.states,
        "read": changes.read,
        "rejected": changes.rejected,
        "changed_feeds": changes.changed,
        "seconds": round(seconds, 3),
    }


def _summary(changes: Changes, facts: dict[str, object]) -> str:
    return (
        f"articles: {changes.articles} found, {changes.read} read, {changes.published} published, "
        f"{changes.rejected} rejected; feeds: {changes.changed} changed; {facts['seconds']} seconds"
    )
