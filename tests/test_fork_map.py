"""fork_map: the order of results, failures in the middle, and that no worker outlives its use."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from feedhub import fork_map as forks
from feedhub.errors import ArticleError, OutputError
from feedhub.fork_map import fork_map

MANY = list(range(500))


@pytest.fixture(autouse=True)
def no_process_left():
    """Fail a test that leaves a process behind."""
    before = set(children())
    yield
    assert set(children()) - before == set()


def with_pid(item: int) -> tuple[int, int]:
    return item, os.getpid()


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
@pytest.mark.parametrize("number", [0, 1, 2, 63, 64, 65, 500])
def test_results_come_in_order(number, processes):
    results = list(fork_map(with_pid, range(number), processes))

    assert [item for item, _ in results] == list(range(number))
    shared = processes > 1 and number >= 64
    assert len({worker for _, worker in results}) == (processes + 1 if shared else min(number, 1))


def test_the_first_item_is_computed_in_this_process():
    assert next(fork_map(with_pid, MANY, 3)) == (0, os.getpid())


def test_nothing_is_forked_beside_other_threads():
    """A lock that one of them holds would stay locked in the copies."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert {worker for _, worker in fork_map(with_pid, MANY, 3)} == {os.getpid()}
    finally:
        done.set()
        thread.join()


def fail_at(error: Exception, item: int) -> int:
    if item == 300:
        raise error
    return item


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(
    "error", [OutputError("full"), ArticleError("code", "message", line=7), ValueError("x", 1)]
)
def test_an_exception_of_a_worker_is_raised_here(error, processes):
    results = fork_map(partial(fail_at, error), MANY, processes)
    with pytest.raises(type(error)) as caught:
        for _ in results:
            pass

    assert str(caught.value) == str(error)


class OddError(Exception):
    """An exception that cannot be unpickled."""

    def __init__(self, one, two):
        super().__init__("only one")


def test_an_exception_that_cannot_be_pickled_is_raised_too():
    with pytest.raises(OddError):
        list(fork_map(partial(fail_at, OddError(1, 2)), MANY, 3))


def die_at(parent: int, item: int) -> int:
    if os.getpid() != parent and item % 100 == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_the_share_of_a_worker_that_dies_is_done_here():
    assert list(fork_map(partial(die_at, os.getpid()), MANY, 3)) == MANY


def test_the_share_of_a_worker_that_cannot_begin_is_done_here():
    here = os.getpid()

    def begin():
        raise OutputError("no")

    results = list(fork_map(with_pid, MANY, 3, begin))

    assert results == [(item, here) for item in MANY]


def test_each_worker_begins_once():
    began: list[int] = []

    def began_here(item: int) -> tuple[int, int]:
        return os.getpid(), len(began)

    found = set(fork_map(began_here, MANY, 3, lambda: began.append(1)))

    assert (os.getpid(), 0) in found
    assert {count for worker, count in found if worker != os.getpid()} == {1}
    assert len(found) == 4


def test_closing_early_ends_all_workers():
    before = len(children())
    results = fork_map(with_pid, MANY, 3)
    for _ in range(20):
        next(results)
    assert len(children()) == before + 3
    results.close()

    assert len(children()) == before


def children() -> list[str]:
    """Return the ids of the child processes of this thread."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()


_SLOW = """
import sys, time
from feedhub.fork_map import fork_map
def slow(item):
    time.sleep(0.01)
    return item
for item in fork_map(slow, range(100_000), 2):
    if item == 20:
        print(open("/proc/self/task/%d/children" % __import__("os").getpid()).read(), flush=True)
"""


@pytest.mark.usefixtures("default_sigint")
@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_its_parent(ended_by):
    command = [sys.executable, "-c", _SLOW]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        numbers = process.stdout.readline().split()
        assert len(numbers) == 2
        process.send_signal(ended_by)
        _, complaint = process.communicate()

    assert complaint.count("Traceback") == (ended_by == signal.SIGINT)  # its own, not theirs
    deadline = time.monotonic() + 10
    while any(alive(number) for number in numbers):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_system_without_prctl_is_supported(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    forks.end_with_parent()


def alive(number: str) -> bool:
    """Tell whether a process runs; a zombie (Z) does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_processors_counts_usable_ones_up_to_eight(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert forks.processors() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert forks.processors() == 8
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert forks.processors() == 1
