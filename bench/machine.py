"""The machine and the programs of a measurement, and how busy other processes kept the machine."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARIES = ("feedgen", "lxml", "msgspec", "pyyaml", "uvicorn", "uvloop", "httptools", "starlette")
# The fields of /proc/stat that are neither idle nor counted twice (proc(5)); the last is `steal`.
BUSY_FIELDS = (0, 1, 2, 5, 6, 7)
# With more than that of a core taken by others, figures are only approximate.
MAX_OTHER_CPU = 0.10


def about(**programs: str) -> dict[str, str]:
    """Return date, machine, commit and versions of libraries; `programs` are added as given."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory()}",
        "system": f"{platform.system()} {platform.release()}",
        "commit": _commit(),
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        **programs,
    }


def first_line(command: Sequence[object]) -> str:
    """Run a program and return the first line of its output, or else of its error output."""
    arguments = [str(word) for word in command]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).partition("\n")[0].strip()


def table(figures: dict[str, str]) -> str:
    """Return the figures of `about` as one paragraph."""
    return "; ".join(f"{name}: {value}" for name, value in figures.items()) + "."


def _processor() -> str:
    with suppress(OSError):
        match = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
        return match[1] if match else platform.machine()
    return platform.processor() or platform.machine()


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GB"


def _commit() -> str:
    commit = first_line(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"])
    changed = first_line(["git", "-C", ROOT, "status", "--porcelain", "--", "src"])
    return commit + (" with changes" if changed else "")


class OtherProcesses:
    """The processor time that other processes take from its creation on.

    Children of this process count as its own once they have ended.
    """

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._before = system_cpu_seconds() - own_cpu_seconds()
        self._known = system_cpu_seconds() > 0

    def describe(self) -> str:
        """Return the share of a core that others took, with a warning if it was too much."""
        if not self._known:
            return "unknown"
        seconds = system_cpu_seconds() - own_cpu_seconds() - self._before
        share = seconds / (time.monotonic() - self._start)
        warning = "" if share < MAX_OTHER_CPU else ", so these figures are only approximate"
        return f"{max(share, 0):.0%} of a core{warning}"


def system_cpu_seconds() -> float:
    """Return the seconds that all processors worked or waited for their host; 0 if unknown."""
    with suppress(OSError):
        fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
        return sum(int(fields[index]) for index in BUSY_FIELDS) / os.sysconf("SC_CLK_TCK")
    return 0.0


def own_cpu_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
