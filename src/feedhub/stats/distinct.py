"""How many different readers came lately: exact for most feeds, a fair sample for the largest."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

State = TypeVar("State")


class Count(NamedTuple):
    """A number and how far off it may be: the relative standard error, 0 where it is exact."""

    number: int
    error: float = 0.0


class Sample(Generic[State]):
    """States of readers by a 64-bit hash, at most `limit` of them.

    Beyond it only hashes that end in one more zero bit are kept, so that each stands for twice as
    many: adaptive sampling (Flajolet, On Adaptive Sampling, Computing 43, 1990), whose relative
    standard error is 1.2 / sqrt(limit). Unlike HyperLogLog it can tell who came within a window
    that is only known at the end, and small numbers stay exact.
    """

    __slots__ = ("level", "limit", "states")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.level = 0
        self.states: dict[int, State] = {}

    def add(self, reader: int, state: State) -> bool:
        """Take in the state of a new reader; return False where it is one of those left out."""
        if reader & ((1 << self.level) - 1):
            return False
        self.states[reader] = state
        while len(self.states) > self.limit:
            self.halve()
        return True

    def halve(self) -> None:
        """Leave out half of the readers, by chance."""
        self.level += 1
        mask = (1 << self.level) - 1
        self.states = {key: state for key, state in self.states.items() if not key & mask}


def union(
    samples: list[Sample[State]], counts: Callable[[State], bool]
) -> tuple[int, Iterator[tuple[int, State]]]:
    """Return a level, and the readers of all samples at it whose states count.

    A reader of several samples comes several times.
    """
    level = max((sample.level for sample in samples), default=0)
    mask = (1 << level) - 1

    def readers() -> Iterator[tuple[int, State]]:
        for sample in samples:
            for reader, state in sample.states.items():
                if not reader & mask and counts(state):
                    yield reader, state

    return level, readers()


def count(number: int, level: int) -> Count:
    """Return the count that `number` different readers at a level stand for."""
    return Count(number << level, 1.2 / sqrt(number) if level and number else 0.0)
