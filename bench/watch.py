"""Measure `feedhub render --watch` from outside: from the edit of an article to the summary.

The command prints its summary when every document is on the disk and has its name.
"""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from bench.environment import let_files_age
from bench.generators import FeedhubGenerator, change_title
from bench.measure import cpu_seconds

# A cold render of 100,000 articles on a busy machine.
START_TIMEOUT = 600.0
EDIT_TIMEOUT = 60.0
# Work that follows an edit, such as a second look at a young file, counts as its CPU time.
SETTLE_SECONDS = 3.0


class WatchError(Exception):
    """The command under --watch ended, or wrote nothing in time."""


class Edit(NamedTuple):
    """Seconds from an edit to the summary, CPU seconds of the command, documents written."""

    wall: float
    cpu: float
    documents: int


def measure_edits(generator: FeedhubGenerator, article: Path, number: int, runs: int) -> list[Edit]:
    """Render in round `number` with --watch, edit an article again and again; return each edit.

    A first edit is not counted. The article is as it was afterwards; the output stays. Raises
    WatchError.
    """
    text = article.read_bytes()
    with watching([*generator.command(number), "--watch", "--json"]) as (process, summaries):
        wait_for_documents(process, summaries, START_TIMEOUT)
        let_files_age()
        try:
            edits = [
                measure_edit(process, summaries, article, text, edit) for edit in range(runs + 1)
            ]
        finally:
            article.write_bytes(text)
    return edits[1:]


def measure_edit(
    process: subprocess.Popen[str],
    summaries: queue.Queue[dict[str, Any] | None],
    article: Path,
    text: bytes,
    number: int,
) -> Edit:
    """Give an article another title, and wait for its documents."""
    other = article.with_name(f".{article.name}.new")  # names that begin with a dot are not read
    other.write_bytes(text)
    change_title(other, number)
    before, start = cpu_seconds(process.pid), time.monotonic()
    other.replace(article)
    documents = wait_for_documents(process, summaries, EDIT_TIMEOUT)
    wall = time.monotonic() - start
    time.sleep(SETTLE_SECONDS)
    return Edit(wall, cpu_seconds(process.pid) - before, documents)


def wait_for_documents(
    process: subprocess.Popen[str], summaries: queue.Queue[dict[str, Any] | None], timeout: float
) -> int:
    """Wait for a summary of a render that wrote documents; return how many.

    Raises WatchError if there is none in time, or the command ends.
    """
    end = time.monotonic() + timeout
    while True:
        try:
            summary = summaries.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise WatchError(f"it wrote nothing within {timeout:.0f} s") from None
        if summary is None:
            raise WatchError(f"it ended with {process.wait()}")
        if summary["documents"]["written"]:
            return int(summary["documents"]["written"])


@contextmanager
def watching(
    command: Sequence[object],
) -> Iterator[tuple[subprocess.Popen[str], queue.Queue[dict[str, Any] | None]]]:
    """Run a command that prints a JSON object for each render; None follows the last of them."""
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    summaries: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read(lines: IO[str]) -> None:
        for line in lines:
            summaries.put(json.loads(line))
        summaries.put(None)

    assert process.stdout
    reader = threading.Thread(target=read, args=(process.stdout,))
    reader.start()
    try:
        yield process, summaries
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(START_TIMEOUT)
        finally:
            process.kill()
            reader.join()
            process.stdout.close()
