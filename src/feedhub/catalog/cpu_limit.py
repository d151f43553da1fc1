"""A bound on the CPU time of reading one file, so that no file holds up all others."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Several times what the slowest file takes that the other bounds let through.
MAX_SECONDS = 5.0
# How often the time is looked at: a timer for each file would cost more than reading some of them.
_TICKS = 20


class _CpuTimeError(BaseException):
    """The time is over. No `except Exception` may take this for an error of the file."""


class CpuLimit:
    """Bounds each call of `run` to MAX_SECONDS of CPU time between `start` and `stop`.

    Only in the main thread, where Python handles signals; regular expressions look for them too.
    """

    def __init__(self) -> None:
        self._running = self._is_over = False
        self._first_tick = 0.0

    def start(self) -> None:
        """Start the timer; a forked process has none yet."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGPROF, self._tick)
            signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS / _TICKS, MAX_SECONDS / _TICKS)

    def close(self) -> None:
        """Stop the timer."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def run(self, work: Callable[[], T]) -> T | None:
        """Return what `work` returns, or None if it takes too long."""
        self._running, self._is_over, self._first_tick = True, False, 0.0
        try:
            try:
                result = work()
            finally:
                self._running = False
        except _CpuTimeError:
            return None
        # An exception inside a callback of a library is lost, and half of the result with it.
        return None if self._is_over else result

    def _tick(self, *_: object) -> None:
        now = time.process_time()
        self._first_tick = self._first_tick or now
        if self._running and now - self._first_tick > MAX_SECONDS:
            self._is_over = True
            raise _CpuTimeError
