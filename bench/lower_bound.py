"""The lower bound of a cold render: start Python, read every file, write every document."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.environment import FEEDHUB
from bench.measure import run

START_PYTHON = "start Python"
REPETITIONS = 5


def lower_bound(articles: Path, output: Path, scratch: Path) -> dict[str, float]:
    """Return the seconds of each step; copies of the files in `output` are written to `scratch`."""
    bodies = [path.read_bytes() for path in output.rglob("*") if path.is_file()]
    scratch.mkdir()
    return {
        START_PYTHON: median_start(sys.executable, "-c", "pass"),
        "`feedhub --version`": median_start(*FEEDHUB, "--version"),
        "read every file": median_seconds(lambda: read_files(articles)),
        "write every document, wait for the disk, rename": median_seconds(
            lambda: write_files(bodies, scratch)
        ),
    }


def median_start(*command: str) -> float:
    """Return the median seconds of a command."""
    return statistics.median(run(command).wall for _ in range(REPETITIONS))


def floor_cpu(articles: Path, output: Path, scratch: Path) -> float:
    """Return the median CPU seconds of reading every article and writing every file of `output`."""
    bodies = [path.read_bytes() for path in output.rglob("*") if path.is_file()]
    scratch.mkdir()
    reading = median_seconds(lambda: read_files(articles), time.process_time)
    return reading + median_seconds(lambda: write_files(bodies, scratch), time.process_time)


def median_seconds(
    step: Callable[[], None], clock: Callable[[], float] = time.perf_counter
) -> float:
    """Return the median seconds of a step; before each run the disk writes what is pending."""
    seconds = []
    for _ in range(REPETITIONS):
        os.sync()
        start = clock()
        step()
        seconds.append(clock() - start)
    return statistics.median(seconds)


def read_files(folder: Path) -> None:
    """Read every file of a folder, with as few calls as possible."""
    for entry in os.scandir(folder):
        with open(entry.path, "rb") as file:  # noqa: PTH123 - Path.open costs more
            file.read()


def write_files(bodies: Sequence[bytes], scratch: Path) -> None:
    """Write files as a render does: stage all, flush once, rename."""
    for number, body in enumerate(bodies):
        (scratch / f"{number}.new").write_bytes(body)
    os.sync()
    for number in range(len(bodies)):
        (scratch / f"{number}.new").rename(scratch / f"{number}.old")
