"""What one run of a command costs: wall clock, processor, peak memory."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_SAMPLE = 0.02


class Run(NamedTuple):
    """Seconds of wall clock, seconds of processor (children included), peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def run(command: Sequence[object], *, sampled: bool = False, cwd: Path | None = None) -> Run:
    """Run a command to its end; SystemExit, with what it complained of, where it fails.

    Memory is the peak of the largest process. With `sampled` it is that of all processes together,
    if that is more: pages that they share count once. Looking for it takes time, so that the times
    of such a run are not to be used.
    """
    os.sync()  # what others have written must not be waited for in our time
    start = time.monotonic()
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as told:
        child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=told, cwd=cwd)
        together = _most(child.pid) if sampled else 0.0
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            told.seek(0)
            complaint = told.read().decode("utf-8", "replace")
            raise SystemExit(f"{command[0]} ended with {child.returncode}: {complaint}")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(wall, cpu, max(_megabytes(usage), together))


def median(runs: Iterable[Run]) -> Run:
    """Return the median of each figure."""
    return Run(*(statistics.median(figures) for figures in zip(*runs, strict=True)))


def ratio(one: Run, other: Run) -> Run:
    """Return the first as parts of the second, figure by figure."""
    return Run(*(a / b if b else 0.0 for a, b in zip(one, other, strict=True)))


def busy_seconds(pid: int) -> float:
    """Return the processor time that a running process and its children have taken."""
    ticks = 0
    for found in _family(pid):
        with suppress(OSError):
            text = Path(f"/proc/{found}/stat").read_text("latin-1")
            ticks += sum(int(word) for word in text.rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _most(pid: int) -> float:
    """Return the most memory that a process and its children had at one time, until it ends."""
    most = 0.0
    while _state(pid) not in ("Z", ""):
        most = max(most, sum(_proportional(found) for found in _family(pid)))
        time.sleep(_SAMPLE)
    return most


def _state(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0]
    return ""


def _family(pid: int) -> list[int]:
    family = [pid]
    for parent in family:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                family += [int(word) for word in (task / "children").read_text().split()]
    return family


def _proportional(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
