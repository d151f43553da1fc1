"""How much of the machine others took while something was measured."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path

# The fields of /proc/stat that are neither idle nor counted twice (proc(5)); `steal` is the last.
_BUSY = (0, 1, 2, 5, 6, 7)
_QUIET = 0.10


class Others:
    """Counts from when it is made; children count as ours once they have ended."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._before = _all() - _own()
        self._known = _all() > 0

    def told(self) -> str:
        """Return what others took, in parts of one core, and what that means."""
        if not self._known:
            return "unknown"
        taken = (_all() - _own() - self._before) / (time.monotonic() - self._start)
        warning = "" if taken < _QUIET else ", so that these numbers are rough"
        return f"{max(taken, 0):.0%} of a core{warning}"


def _all() -> float:
    """Return the seconds that all processors have worked, or were kept from it by a host."""
    with suppress(OSError):
        fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
        return sum(int(fields[place]) for place in _BUSY) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _own() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
