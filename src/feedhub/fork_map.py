"""Work for several processes: forked, so that nothing but the results has to travel.

A pool of the standard library sends every task through a pipe, starts three threads and leaves its
processes behind when this one is killed.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from typing import BinaryIO

T = TypeVar("T")
R = TypeVar("R")

# How many results a process hands over at a time.
_PIECE = 8
# What is fewer is done before the others have started.
_WORTHWHILE = 8 * _PIECE
# More would wait for the one that takes their results.
_MOST = 8
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class _Helper(NamedTuple):
    """A process that does a share of the pieces, and where its results come from."""

    number: int
    results: BinaryIO


def processors() -> int:
    """Return how many processes can work at once here, as many as pay."""
    count = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return min(len(count(0)), _MOST)


def fork_map(
    work: Callable[[T], R],
    items: Sequence[T],
    processes: int,
    begin: Callable[[], object] = lambda: None,
) -> Generator[R]:
    """Yield `work(item)` of each item, in order, done by up to so many processes.

    What `work` raises is raised here. It sees this process as it was after the first item, which is
    done here: what is imported for it, all have. Each other process calls `begin` first; where it
    cannot, or dies, its share is done here.
    """
    first = [work(item) for item in items[:1]]
    yield from first
    rest = [items[start : start + _PIECE] for start in range(1, len(items), _PIECE)]
    alone = processes < 2 or len(items) < _WORTHWHILE or not _may_fork()
    with _helpers(work, rest, 0 if alone else processes, begin) as helpers:
        for place, piece in enumerate(rest):
            results: list[R] | None = _take(helpers[place % len(helpers)]) if helpers else None
            yield from [work(item) for item in piece] if results is None else results


def _may_fork() -> bool:
    """A lock that another thread holds would be held for ever in a copy of this process."""
    return hasattr(os, "fork") and threading.active_count() == 1


@contextmanager
def _helpers(
    work: Callable[[T], R],
    pieces: list[Sequence[T]],
    count: int,
    begin: Callable[[], object],
) -> Iterator[list[_Helper]]:
    """Start processes that work on every `count`-th piece each; none is left at the end."""
    helpers: list[_Helper] = []
    try:
        for share in range(count):
            receive, send = os.pipe()
            unwanted = (receive, *(helper.results.fileno() for helper in helpers))
            mine = pieces[share::count]
            number = os.fork() or _be_helper(work, mine, begin, send, unwanted)
            os.close(send)
            helpers.append(_Helper(number, open(receive, "rb")))  # noqa: PTH123, SIM115
        yield helpers
    except BaseException:
        for helper in helpers:
            os.kill(helper.number, signal.SIGKILL)
        raise
    finally:
        for helper in helpers:
            helper.results.close()
            os.waitpid(helper.number, 0)


def _be_helper(
    work: Callable[[T], R],
    pieces: list[Sequence[T]],
    begin: Callable[[], object],
    send: int,
    unwanted: Iterable[int],
) -> NoReturn:
    """Hand over what comes of the pieces, and end; interrupts are for whom a person has started."""
    try:
        _end_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # A helper whose results nobody takes any more must end: no other may hold its pipe open.
        for other in unwanted:
            os.close(other)
        with os.fdopen(send, "wb") as results:
            begin()
            for piece in pieces:
                pickle.dump(_outcome(work, piece), results)
                results.flush()
    finally:
        os._exit(0)


def _end_with_parent() -> None:
    """Have Linux end this process with its parent; elsewhere it ends when nobody takes a result."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _outcome(work: Callable[[T], R], piece: Sequence[T]) -> list[R] | Exception:
    """Return the results of a piece, or what was raised instead."""
    try:
        return [work(item) for item in piece]
    except Exception as error:
        return error


def _take(helper: _Helper) -> list[R] | None:
    """Return the results of a helper's next piece, or None where they do not come."""
    try:
        # What comes was written by a copy of this process.
        outcome: list[R] | Exception = pickle.load(helper.results)  # noqa: S301
    except Exception:  # it died, or its error cannot be sent: doing it here will tell
        helper.results.close()
        return None
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
