"""Running a command again whenever its source changes or a scheduled article is due."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from feedhub.cli import console
from feedhub.errors import FeedhubError
from feedhub.sources import Source

# An error may pass without a change of the source: a full disk, another render.
RETRY_INTERVAL = timedelta(minutes=1)
# A file system may lose a notice of a change, and a server reports a sync that is silent.
MAX_INTERVAL = timedelta(seconds=60)


class Round(NamedTuple):
    """One run of a command: `paths` are the files that may have changed, None stands for all.

    `is_check` tells that nothing is known to have changed.
    """

    paths: set[str] | None = None
    is_check: bool = False


Run = Callable[[Round], tuple[int, datetime | None]]
"""Returns an exit code, and when to run again without a change."""


def watch(
    source: Source,
    run: Run,
    *,
    out: Path | None = None,
    inputs: Callable[[], Iterable[Path]] = tuple,
    max_interval: timedelta = MAX_INTERVAL,
    stop: threading.Event | None = None,
    again: threading.Event | None = None,
    keep_running: Callable[[], bool] = lambda: True,
) -> int:
    """Call `run` at once and whenever `source` or one of the `inputs` changes, until SIGTERM.

    Its errors are printed, not raised: the next change may correct them. Changes in the folder
    `out` do not count. At least once in `max_interval`, when `again` is set, and after a run that
    failed all files may have changed. It ends when `stop` is set or `keep_running` returns false.
    Returns 0; Ctrl-C raises KeyboardInterrupt.
    """
    stop, again = stop or threading.Event(), again or threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    due: datetime | None = None
    last_identity: object = ...  # differs from every identity, so that the first round runs
    has_failed, next_check = False, 0.0
    for changed in source.watch(stop, out):
        if not keep_running():
            break
        now = datetime.now(UTC)
        identity = [_file_identity(file) for file in inputs()]
        # Not by the clock of the day, which may be set back.
        is_check = time.monotonic() >= next_check
        is_asked = changed is None or identity != last_identity or again.is_set()
        if changed or is_asked or is_check or (due is not None and due <= now):
            again.clear()
            paths = None if is_asked or is_check or has_failed else changed
            has_failed, due = run_once(run, Round(paths, not (changed or is_asked)), now)
            if paths is None:
                next_check = time.monotonic() + max_interval.total_seconds()
        last_identity = identity
    return 0


def _file_identity(file: Path) -> tuple[int, ...]:
    """Return what changes when a file is edited or another takes its place."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def run_once(run: Run, this: Round, now: datetime) -> tuple[bool, datetime | None]:
    """Call `run`, print an error, and return whether it failed and when to run again.

    A run that failed, or left something due, is tried again after RETRY_INTERVAL.
    """
    code = os.EX_SOFTWARE
    due: datetime | None = now
    try:
        code, due = run(this)
    except FeedhubError as error:
        console.error(str(error))
    except OSError as error:
        if error.filename is None:  # standard output is closed
            raise
        console.error(f"{error.filename}: {error.strerror}")
    finally:
        # The summary is read while the command goes on.
        sys.stdout.flush()
    # With 1 it has done its work, and some files are bad.
    return code > 1, now + RETRY_INTERVAL if due is not None and due <= now else due
