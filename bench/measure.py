"""Measurement of a command: wall clock, processor time, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SAMPLE_INTERVAL = 0.02  # seconds


class Run(NamedTuple):
    """Seconds of wall clock, seconds of processor (children included), peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def run(command: Sequence[object], *, sample_memory: bool = False, cwd: Path | None = None) -> Run:
    """Run a command to its end; SystemExit with its error output if it fails.

    Memory is the peak of the largest process. With `sample_memory` it is that of all processes
    together, if that is more; shared pages count once. Sampling takes time: do not use the times of
    such a run.
    """
    # Installed programs have compiled modules; without them Python compiles 170 in each run.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    os.sync()  # data of earlier writers must not be flushed in our time
    start = time.monotonic()
    arguments = [str(word) for word in command]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=errors, cwd=cwd, env=environment
        )
        together = peak_memory(child.pid) if sample_memory else 0.0
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            errors.seek(0)
            message = errors.read().decode("utf-8", "replace")
            raise SystemExit(f"{command[0]} ended with {child.returncode}: {message}")
    cpu = usage.ru_utime + usage.ru_stime
    # ru_maxrss is in bytes on macOS, in kilobytes elsewhere.
    largest = usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return Run(wall, cpu, max(largest, together))


def median(runs: Iterable[Run]) -> Run:
    """Return the median of each figure."""
    return Run(*(statistics.median(figures) for figures in zip(*runs, strict=True)))


def ratio(one: Run, other: Run) -> Run:
    """Return each figure of one run divided by that of another."""
    return Run(*(a / b if b else 0.0 for a, b in zip(one, other, strict=True)))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a running process and its descendants have used."""
    ticks = 0
    for member in process_tree(pid):
        with suppress(OSError):
            text = Path(f"/proc/{member}/stat").read_text("latin-1")
            ticks += sum(int(word) for word in text.rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def peak_memory(pid: int) -> float:
    """Wait for a process to end; return the highest memory of it and its descendants, in MB."""
    peak = 0.0
    while process_state(pid) not in ("Z", ""):
        peak = max(peak, sum(proportional_memory(member) for member in process_tree(pid)))
        time.sleep(SAMPLE_INTERVAL)
    return peak


def process_state(pid: int) -> str:
    """Return the state of a process (proc(5)), "" if it does not exist."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("latin-1").rpartition(")")[2].split()[0]
    return ""


def process_tree(pid: int) -> list[int]:
    """Return the ids of a process and of its descendants."""
    tree = [pid]
    for parent in tree:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                tree += [int(word) for word in (task / "children").read_text().split()]
    return tree


def proportional_memory(pid: int) -> float:
    """Return the memory of a process in MB, each shared page divided by its number of users."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0
