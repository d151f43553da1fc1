"""`feedhub sync`: read article files and write the catalog of a server."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from feedhub.catalog import (
    Catalog,
    Changes,
    SyncReport,
    leave_readable,
    refuse_shrinking,
)
from feedhub.cli import console, options
from feedhub.cli.watch import MAX_INTERVAL, Round, watch
from feedhub.config import Config
from feedhub.errors import (
    CatalogError,
    ConfigError,
    DamagedError,
    FeedhubError,
    Problem,
    ShrinkError,
)
from feedhub.fork_map import processors
from feedhub.site import Site, source_of
from feedhub.sources import open_source

EXAMPLES = ("articles --catalog /var/lib/feedhub/catalog.db --watch",)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.add_source(parser)
    options.add_catalog(parser, "file to write", required=True)
    options.add_config(parser)
    options.add_drafts(parser)
    options.add_watch(
        parser, "keep running; sync again when a file changes or a scheduled article is due"
    )
    options.add_permissions(parser)
    options.add_workers(parser)
    options.add_json(parser, "summary")
    options.add_parent(parser)


def run(args: Namespace) -> int:
    """Sync once, or until SIGTERM with --watch; SIGHUP then reads the configuration again."""
    again, reload = threading.Event(), threading.Event()

    def on_hangup(*_: object) -> None:
        reload.set()
        again.set()

    if args.watch:  # before the configuration is read, so that no change of it is missed
        signal.signal(signal.SIGHUP, on_hangup)
    config = options.config_of(args)
    if args.parent is None:
        options.debug_inputs(args, config, args.catalog)
    with closing(Syncer(args, config, reload)) as syncer:
        if not args.watch:
            options.check_source(args)
            return syncer.sync(Round())[0]
        if args.parent is not None:
            os.nice(options.NICENESS)
        return watch(
            open_source(args.source),
            syncer.sync,
            inputs=syncer.inputs,
            again=again,
            keep_running=lambda: args.parent in (None, os.getppid()),
        )


class Syncer:
    """Syncs again and again; problems that have not changed since the last sync are not repeated.

    When `reload` is set, the next sync reads the configuration first.
    """

    def __init__(self, args: Namespace, config: Config, reload: threading.Event) -> None:
        self._reload = reload
        self._args = args
        self._config = config
        self._problems: tuple[Problem, ...] = ()
        self._changed_at = 0
        self._catalog = options.OpenCatalog()

    def close(self) -> None:
        """Close the catalog, which is open between two syncs."""
        self._catalog.close()
        # A server that may only read the catalog cannot make the files SQLite needs.
        leave_readable(self._args.catalog)

    def inputs(self) -> tuple[Path, ...]:
        """Return the files besides the source that the next sync reads."""
        return options.ids_files(self._config)

    def sync(self, this: Round) -> tuple[int, datetime | None]:
        """Sync; return the exit code and when time alone changes what is published."""
        if self._reload.is_set():
            self._reload.clear()
            try:
                self._config = options.config_of(self._args)
            except ConfigError as error:
                console.error(f"the previous configuration stays in use: {error}")
        # Two changes in one second would have the same Last-Modified, or one in the future.
        time.sleep(min(1.0, max(0.0, self._changed_at + 1 - time.time())))
        path = self._args.catalog
        try:
            if this.paths is None and isinstance(path, Path):
                self._catalog.close()  # a file is sealed, and checked when it is opened
            if self._args.watch and not self._catalog.use(path, Catalog.take_lead):
                return 0, datetime.now(UTC)  # another process follows the source
            return self._catalog.use(path, partial(self._sync_and_report, this.paths))
        except CatalogError as error:
            if self._args.parent is None:
                raise
            # The error cannot be left in the catalog: the server sees that this process has ended.
            console.error(str(error))
            sys.exit(os.EX_IOERR)
        finally:
            leave_readable(path)

    def _sync_and_report(
        self, paths: Collection[str] | None, catalog: Catalog
    ) -> tuple[int, datetime | None]:
        try:
            return self._sync(catalog, paths), catalog.next_due()
        except DamagedError:
            raise
        except (FeedhubError, OSError) as error:
            self._save_failure(catalog, error)
            raise

    def _save_failure(self, catalog: Catalog, error: Exception) -> None:
        """Leave the error in the catalog for the server's /readyz."""
        text = " ".join(str(error).split())  # /readyz and the log show it on one line
        report = catalog.read(SyncReport)
        if report.problem != text or report.began_at:
            catalog.write(replace(report, problem=text, began_at=0.0))
        if isinstance(error, ShrinkError):
            self._print_problems(error.problems)

    def _sync(self, catalog: Catalog, paths: Collection[str] | None) -> int:
        args, start, now = self._args, time.monotonic(), datetime.now(UTC)
        options.check_source(args)
        catalog.write(replace(catalog.read(SyncReport), began_at=time.time()))
        site = Site(catalog, self._config, drafts=args.drafts)
        source = source_of(args.source, self._config, drafts=args.drafts)
        ledger_path = options.ledger_path(args.catalog)
        ledger = catalog.read_ledger(
            ledger_path, partial(options.report_damaged_ledger, ledger_path)
        )
        # Beside a server that has something to serve, the processors are for its requests.
        serving = args.parent is not None and catalog.generation() > 0
        with console.progress() as on_progress:
            unread: list[Problem] = []

            def accept(changes: Changes, before: int) -> None:
                if not args.allow_shrink:
                    refuse_shrinking(changes, before)
                unread.extend(catalog.assets.copy_from(source))

            processes = 1 if serving else args.workers or processors()
            changes = site.sync(
                source,
                now,
                on_progress,
                accept,
                paths=paths,
                processes=processes,
                accept_new_ids=args.accept_new_ids,
                ledger=ledger,
            )
        site.outbox.enqueue_copies(catalog.assets.prune(), int(now.timestamp()))
        changes = dataclasses.replace(changes, problems=(*changes.problems, *unread))
        if changes.changed:
            self._changed_at = int(now.timestamp())
        report = SyncReport(
            articles=changes.states,
            read=changes.read,
            rejected=changes.rejected,
            changed_feeds=changes.changed,
            seconds=round(time.monotonic() - start, 3),
            ended_at=time.time(),
            interval=MAX_INTERVAL.seconds if args.watch else 0,
        )
        catalog.write(report)
        facts = facts_of(changes, report.seconds)
        catalog.release_changes(time.time())
        catalog.write_ledger(ledger_path)
        errors = self._print_problems(changes.problems)
        if changes.changed or not args.watch:  # --watch is silent while nothing changes
            if args.json:
                print(json.dumps(facts))
            elif not console.is_quiet():
                print(summary(changes, facts))
        return 1 if errors else 0

    def _print_problems(self, problems: tuple[Problem, ...]) -> int:
        """Print problems unless they are those of the last sync; return how many are errors."""
        if problems == self._problems:
            return sum(problem.level == "error" for problem in problems)
        self._problems = problems
        return console.print_problems(problems, self._args.source)


def facts_of(changes: Changes, seconds: float) -> dict[str, object]:
    """Return what a sync did as a JSON object."""
    return {
        "articles": changes.states,
        "read": changes.read,
        "rejected": changes.rejected,
        "changed_feeds": changes.changed,
        "seconds": round(seconds, 3),
    }


def summary(changes: Changes, facts: dict[str, object]) -> str:
    """Return what a sync did as one line."""
    return (
        f"{options.describe_articles(changes)}; "
        f"feeds: {changes.changed} changed; {facts['seconds']} seconds"
    )
