"""The least that a cold render can take: start, read every file, write every document."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.measure import run
from bench.places import FEEDHUB

PYTHON = "start Python"
_TIMES = 5


def floor(articles: Path, out: Path, scratch: Path) -> dict[str, float]:
    """Return the seconds of each step; what stands in `out` is written to `scratch` once more."""
    bodies = [place.read_bytes() for place in out.rglob("*") if place.is_file()]
    scratch.mkdir()
    return {
        PYTHON: _started(sys.executable, "-c", "pass"),
        "`feedhub --version`": _started(*FEEDHUB, "--version"),
        "read every file": _seconds(lambda: _read(articles)),
        "write every document, wait for the disk, rename": _seconds(
            lambda: _write(bodies, scratch)
        ),
    }


def _started(*command: str) -> float:
    return statistics.median(run(command).wall for _ in range(_TIMES))


def _seconds(work: Callable[[], None]) -> float:
    """Return the median of some times; the disk is given time before each."""
    taken = []
    for _ in range(_TIMES):
        os.sync()
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _read(folder: Path) -> None:
    for entry in os.scandir(folder):
        with open(entry.path, "rb") as file:  # noqa: PTH123 - the least there is
            file.read()


def _write(bodies: Sequence[bytes], scratch: Path) -> None:
    for number, body in enumerate(bodies):
        (scratch / f"{number}.new").write_bytes(body)
    os.sync()
    for number in range(len(bodies)):
        (scratch / f"{number}.new").rename(scratch / f"{number}.old")
