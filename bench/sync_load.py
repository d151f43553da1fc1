"""Latency of 304s while all articles are synced, compared with a quiet server."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.environment import FEEDHUB
from bench.load_test import LoadResult, LoadTarget, run_wrk

# `*` matches every version: the documents change during a sync, and a 200 would cost more.
MATCH_ANY = {"Accept-Encoding": "gzip", "If-None-Match": "*"}
# A run must last until the server has loaded the changes of a whole sync.
SYNCED_PER_SECOND = 500
MAX_RUNS = 3
# The priority at which `feedhub serve SOURCE` runs its own sync.
LOW_PRIORITY = ["nice", "-n", "10"]


def latencies_during_syncs(
    articles: Path, flags: Sequence[object], target: LoadTarget, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Return the median LoadResult of a quiet server and of one during syncs, measured in turns.

    The syncs run on any core, including those of the server and the client.
    """
    seconds = max(options.seconds, options.articles // SYNCED_PER_SECOND)
    other = copy_with_new_titles(articles, articles.with_name("other"))
    loads: dict[str, list[LoadResult]] = {
        "quiet": [],
        f"syncs of {options.articles:,} articles": [],
    }
    quiet, busy = loads
    conditional = target._replace(headers=MATCH_ANY)
    for _ in range(min(options.runs, MAX_RUNS)):
        loads[quiet].append(run_wrk(conditional, seconds, options.connections))
        with repeated_syncs(articles, other, flags):
            loads[busy].append(run_wrk(conditional, seconds, options.connections))
    return {
        name: [statistics.median(figures) for figures in zip(*runs, strict=True)]
        for name, runs in loads.items()
    }


def copy_with_new_titles(articles: Path, folder: Path) -> Path:
    """Return a copy of the articles in which each has another title."""
    folder.mkdir()
    for path in articles.iterdir():
        text = path.read_text(encoding="utf-8").replace('title: "', 'title: "New: ', 1)
        (folder / path.name).write_text(text, encoding="utf-8")
    return folder


@contextmanager
def repeated_syncs(articles: Path, other: Path, flags: Sequence[object]) -> Iterator[None]:
    """Run syncs of the articles and of their copy in turns, so that every article changes."""
    stop = threading.Event()
    exit_codes: list[int] = []

    def sync_repeatedly() -> None:
        command = [str(word) for word in (*LOW_PRIORITY, *FEEDHUB, "sync", articles, *flags)]
        while not stop.is_set():
            swap_folders(articles, other)
            done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            exit_codes.append(done.returncode)

    thread = threading.Thread(target=sync_repeatedly)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if any(exit_codes):
        raise SystemExit(f"syncs ended with {exit_codes}")


def swap_folders(one: Path, other: Path) -> None:
    """Exchange the names of two folders."""
    temporary = one.with_name("temporary")
    one.rename(temporary)
    other.rename(one)
    temporary.rename(other)
