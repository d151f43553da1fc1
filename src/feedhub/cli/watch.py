"""Doing it again and again: when files change, and when a scheduled article's time has come."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import watchfiles

from feedhub.cli.console import wrong
from feedhub.errors import FeedhubError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

# How long a change waits for others that belong to it, and how long the clock is not looked at.
_SETTLE_MS, _GLANCE_MS = 100, 250
_BLIND_SECONDS = 5
# An error may pass by itself: a full disk, another render.
_AGAIN = timedelta(minutes=1)


def watch(
    source: Path,
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
    seen: object = None  # so that the first glance runs
    for changed in _glances(source, out, stop):
        if not going():
            break
        now = datetime.now(UTC)
        known, seen = seen, (_identity(source), config and _identity(config))
        if changed or known != seen or (due is not None and due <= now) or again.is_set():
            again.clear()
            due = _first(_told(run, now), now + every if every else None)
    return 0


def _first(*moments: datetime | None) -> datetime | None:
    return min(filter(None, moments), default=None)


def _glances(source: Path, out: Path | None, stop: threading.Event) -> Iterator[bool]:
    """Yield a few times a second whether a file changed; follow whatever `source` stands for.

    Where nothing can be watched, every few seconds count as a change.
    """
    while not stop.is_set():
        home = _identity(source)
        try:
            for changes in _changes(source, out, stop):
                if _identity(source) != home:
                    break
                yield bool(changes)
        except FileNotFoundError:
            stop.wait(_GLANCE_MS / 1000)
            yield False
        except OSError:  # no more watches to be had, or a file system that has none
            stop.wait(_BLIND_SECONDS)
            yield True


def _changes(
    source: Path, out: Path | None, stop: threading.Event
) -> Iterator[set[watchfiles.main.FileChange]]:
    root = os.path.realpath(source)
    own = os.path.realpath(out) + os.sep if out else ""
    inside = own.startswith(root + os.sep)  # else nothing of it is looked at, even if we lie in it

    def counts(_: watchfiles.Change, path: str) -> bool:
        ours = inside and f"{path}/".startswith(own)
        return not ours and "/." not in path.removeprefix(root)

    return watchfiles.watch(
        root,
        watch_filter=counts,
        step=_SETTLE_MS,
        stop_event=stop,
        rust_timeout=_GLANCE_MS,
        yield_on_timeout=True,
    )


def _identity(place: Path) -> tuple[int, ...]:
    """Return what moves when a file is edited or a folder takes the place of another."""
    try:
        status = place.stat()
    except OSError:
        return ()
    if place.is_dir():
        return (status.st_dev, status.st_ino)
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
