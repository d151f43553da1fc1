"""Running a command again whenever its source changes or a scheduled article is due."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedhub.cli import console
from feedhub.errors import FeedhubError
from feedhub.sources import Source

# An error may pass without a change of the source: a full disk, another render.
RETRY_INTERVAL = timedelta(minutes=1)


def watch(
    source: Source,
    run: Callable[[], tuple[int, datetime | None]],
    *,
    out: Path | None = None,
    inputs: Callable[[], Iterable[Path]] = tuple,
    max_interval: timedelta | None = None,
    stop: threading.Event | None = None,
    again: threading.Event | None = None,
    keep_running: Callable[[], bool] = lambda: True,
) -> int:
    """Call `run` at once and whenever `source` or one of the `inputs` changes, until SIGTERM.

    `run` returns an exit code and when it is due again without a change. Its errors are printed,
    not raised: the next change may correct them. Changes in the folder `out` do not count. `run` is
    also called after `max_interval`, and when `again` is set. It ends when `stop` is set or
    `keep_running` returns false. Returns 0; Ctrl-C raises KeyboardInterrupt.
    """
    stop, again = stop or threading.Event(), again or threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    due: datetime | None = None
    last_identity: object = ...  # differs from every identity, so that the first round runs
    for changed in source.watch(stop, out):
        if not keep_running():
            break
        now = datetime.now(UTC)
        identity = [_file_identity(file) for file in inputs()]
        is_due = due is not None and due <= now
        if changed or identity != last_identity or is_due or again.is_set():
            again.clear()
            due = run_once(run, now)
            if max_interval is not None:
                due = min(due or now + max_interval, now + max_interval)
        last_identity = identity
    return 0


def _file_identity(file: Path) -> tuple[int, ...]:
    """Return what changes when a file is edited or another takes its place."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def run_once(run: Callable[[], tuple[int, datetime | None]], now: datetime) -> datetime | None:
    """Call `run`, print an error, and return when to run again without a change.

    A run that failed, or left something due, is tried again after RETRY_INTERVAL.
    """
    try:
        due = run()[1]
    except FeedhubError as error:
        console.error(str(error))
        return now + RETRY_INTERVAL
    except OSError as error:
        if error.filename is None:  # standard output is closed
            raise
        console.error(f"{error.filename}: {error.strerror}")
        return now + RETRY_INTERVAL
    finally:
        # The summary is read while the command goes on.
        sys.stdout.flush()
    return now + RETRY_INTERVAL if due is not None and due <= now else due
