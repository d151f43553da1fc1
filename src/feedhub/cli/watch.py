"""Rendering again and again: when files change, and when a scheduled article's time has come."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from watchfiles import watch as changes_in

from feedhub.errors import FeedhubError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LONGEST_WAIT_MS = 60_000


def watch(source: Path, run: Callable[[], tuple[int, datetime | None]]) -> int:
    """Call `run` at once and after every change of `source`, until a signal stops it; returns 0.

    `run` returns an exit code and when it is due again though nothing changes. Its errors are told, not raised:
    the next change may mend them.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    due = _told(run)
    for changed in changes_in(
        source, stop_event=stop, rust_timeout=_LONGEST_WAIT_MS, yield_on_timeout=True, step=200
    ):
        if changed or (due is not None and due <= datetime.now(UTC)):
            due = _told(run)
    return 0


def _told(run: Callable[[], tuple[int, datetime | None]]) -> datetime | None:
    try:
        return run()[1]
    except FeedhubError as error:
        print(f"feedhub: {error}", file=sys.stderr)
        return None
    finally:
        sys.stdout.flush()
