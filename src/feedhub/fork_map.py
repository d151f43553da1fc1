"""Map a function over items in forked processes, so that only the results have to be sent.

A pool of the standard library sends every task through a pipe, starts three threads and leaves its
processes behind when this one is killed.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple, NoReturn, TypeVar

T = TypeVar("T")
R = TypeVar("R")

# How many results a worker sends at a time.
BATCH_SIZE = 8
# This process finishes fewer batches before workers have even started.
MIN_BATCHES = 8
# More workers would only wait for this process, which takes all results.
MAX_PROCESSES = 8
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Worker(NamedTuple):
    """A forked process that works on a share of the batches, and the pipe of its results."""

    pid: int
    results: BinaryIO


def processors() -> int:
    """Return how many processes can work at once on this machine, at most MAX_PROCESSES."""
    affinity = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return min(len(affinity(0)), MAX_PROCESSES)


def fork_map(
    work: Callable[[T], R],
    items: Sequence[T],
    processes: int,
    begin: Callable[[], object] = lambda: None,
    *,
    batch_size: int = BATCH_SIZE,
) -> Generator[R]:
    """Yield `work(item)` for each item, in order, computed by up to `processes` workers.

    The first item is computed in this process before the fork, so that what `work` imports is
    imported once for all. Each worker calls `begin` first. If a worker cannot begin, or dies, this
    process does its share. Raises what `work` raises.
    """
    yield from [work(item) for item in items[:1]]
    batches = [items[start : start + batch_size] for start in range(1, len(items), batch_size)]
    # A lock that another thread holds would be locked for ever in a copy of this process.
    can_fork = hasattr(os, "fork") and threading.active_count() == 1
    is_worth_it = processes > 1 and len(items) >= MIN_BATCHES * batch_size
    count = processes if is_worth_it and can_fork else 0
    with start_workers(work, batches, count, begin) as workers:
        for number, batch in enumerate(batches):
            results: list[R] | None = None
            if workers:
                results = receive(workers[number % len(workers)])
            yield from [work(item) for item in batch] if results is None else results


@contextmanager
def start_workers(
    work: Callable[[T], R],
    batches: list[Sequence[T]],
    count: int,
    begin: Callable[[], object],
) -> Iterator[list[Worker]]:
    """Start processes that work on every `count`-th batch each; none is left at the end."""
    workers: list[Worker] = []
    try:
        for share in range(count):
            read_end, write_end = os.pipe()
            # A worker must end when its results are not read any more, so no other process may
            # hold the read end of its pipe open.
            inherited = (read_end, *(worker.results.fileno() for worker in workers))
            pid = os.fork() or run_worker(work, batches[share::count], begin, write_end, inherited)
            os.close(write_end)
            workers.append(Worker(pid, open(read_end, "rb")))  # noqa: PTH123, SIM115
        yield workers
    except BaseException:
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)
        raise
    finally:
        for worker in workers:
            worker.results.close()
            os.waitpid(worker.pid, 0)


def run_worker(
    work: Callable[[T], R],
    batches: list[Sequence[T]],
    begin: Callable[[], object],
    write_end: int,
    inherited: Iterable[int],
) -> NoReturn:
    """Send the results of each batch, or the exception it raised, and end this process."""
    try:
        end_with_parent()
        # Ctrl-C reaches all processes of a terminal; the parent decides what ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for descriptor in inherited:
            os.close(descriptor)
        with os.fdopen(write_end, "wb") as pipe:
            begin()
            for batch in batches:
                outcome: list[R] | Exception
                try:
                    outcome = [work(item) for item in batch]
                except Exception as error:
                    outcome = error
                pickle.dump(outcome, pipe)
                pipe.flush()
    finally:
        os._exit(0)


def end_with_parent() -> None:
    """Have Linux end this process with its parent; elsewhere it ends when its pipe is closed."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def receive(worker: Worker) -> list[R] | None:
    """Return the results of a worker's next batch, or None if none come; raise its exception."""
    try:
        # Safe to unpickle: a copy of this process wrote it.
        outcome: list[R] | Exception = pickle.load(worker.results)  # noqa: S301
    except Exception:  # the worker died, or its exception cannot be pickled: this process retries
        worker.results.close()
        return None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
