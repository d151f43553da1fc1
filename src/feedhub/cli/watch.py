"""Doing it again and again: when files change, and when a scheduled article's time has come."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from feedhub.cli.console import wrong
from feedhub.errors import FeedhubError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from feedhub.sources import Source

# An error may pass by itself: a full disk, another render.
_AGAIN = timedelta(minutes=1)


def watch(
    source: Source,
    run: Callable[[], tuple[int, datetime | None]],
    *,
    out: Path | None = None,
    config: Path | None = None,
    every: timedelta | None = None,
    stop: threading.Event | None = None,
    again: threading.Event | None = None,
    going: Callable[[], bool] = lambda: True,
) -> int:
    """Call `run` at once and whenever `source` or the file `config` changes, until SIGTERM.

    `run` returns an exit code and when it is due again though nothing changes. Its errors are told,
    not raised: the next change may mend them. What changes in `out` counts for nothing. It is also
    called after `every`, and when `again` is set; `going` false ends it like `stop`. Returns 0;
    Ctrl-C raises KeyboardInterrupt.
    """
    stop, again = stop or threading.Event(), again or threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    due: datetime | None = None
    seen: object = ...  # so that the first glance runs
    for changed in source.watch(stop, out):
        if not going():
            break
        now = datetime.now(UTC)
        known, seen = seen, config and _identity(config)
        if changed or known != seen or (due is not None and due <= now) or again.is_set():
            again.clear()
            due = _first(_told(run, now), now + every if every else None)
    return 0


def _first(*moments: datetime | None) -> datetime | None:
    return min(filter(None, moments), default=None)


def _identity(file: Path) -> tuple[int, ...]:
    """Return what changes when a file is edited or another takes its place."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _told(run: Callable[[], tuple[int, datetime | None]], now: datetime) -> datetime | None:
    """Run, and return when to run again; what is due still afterwards waits like an error."""
    try:
        due = run()[1]
    except FeedhubError as error:
        wrong(str(error))
        return now + _AGAIN
    except OSError as error:
        if error.filename is None:  # nobody takes what we print
            raise
        wrong(f"{error.filename}: {error.strerror}")
        return now + _AGAIN
    finally:
        sys.stdout.flush()
    return now + _AGAIN if due is not None and due <= now else due
