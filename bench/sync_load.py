"""How long a 304 takes while all articles are read again, against a quiet server."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.asking import Load, Question, load
from bench.cores import CLIENT
from bench.places import FEEDHUB

# Documents change while it lasts, and an answer of 200 would not be what is measured.
_ANY = {"Accept-Encoding": "gzip", "If-None-Match": "*"}
# A run is to see the whole of a sync, and the server take over what it has changed at its end.
_ARTICLES_A_SECOND = 500
_MOST_RUNS = 3
# As `feedhub serve SOURCE` runs its own sync beside it.
_BEHIND = ["nice", "-n", "10"]


def latencies(
    articles: Path, flags: Sequence[object], question: Question, options: argparse.Namespace
) -> dict[str, list[float]]:
    """Return median requests/s, p50 and p99 (ms) of a quiet server and beside syncs, by turns.

    The syncs run on whichever core the system gives them: those of the server and the client.
    """
    seconds = max(options.seconds, options.articles // _ARTICLES_A_SECOND)
    other = _changed(articles, articles.with_name("other"))
    loads: dict[str, list[Load]] = {"quiet": [], f"syncs of {options.articles:,} articles": []}
    quiet, busy = loads
    for _ in range(min(options.runs, _MOST_RUNS)):
        loads[quiet].append(_asked(question, seconds, options.connections))
        with _syncing(articles, other, flags):
            loads[busy].append(_asked(question, seconds, options.connections))
    return {
        name: [statistics.median(figures) for figures in zip(*runs, strict=True)]
        for name, runs in loads.items()
    }


def _asked(question: Question, seconds: int, connections: int) -> Load:
    return load(question._replace(headers=_ANY), seconds, connections, CLIENT)


def _changed(articles: Path, folder: Path) -> Path:
    """Return a copy of the articles in which each has another title."""
    folder.mkdir()
    for place in articles.iterdir():
        text = place.read_text(encoding="utf-8").replace('title: "', 'title: "New: ', 1)
        (folder / place.name).write_text(text, encoding="utf-8")
    return folder


@contextmanager
def _syncing(articles: Path, other: Path, flags: Sequence[object]) -> Iterator[None]:
    """Sync again and again, the articles and their copy by turns: all have changed every time."""
    stop = threading.Event()
    failed: list[int] = []

    def go_on() -> None:
        command = [str(word) for word in (*_BEHIND, *FEEDHUB, "sync", articles, *flags)]
        while not stop.is_set():
            _swap(articles, other)
            done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
            failed.append(done.returncode)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if any(failed):
        raise SystemExit(f"syncs ended with {failed}")


def _swap(one: Path, other: Path) -> None:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)
