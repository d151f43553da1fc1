"""Counting distinct readers within bounded memory: exact for most feeds, a sample for the largest.

Adaptive sampling (Flajolet, On Adaptive Sampling, Computing 43, 1990).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import sqrt
from typing import Generic, NamedTuple, TypeVar

State = TypeVar("State")


class Estimate(NamedTuple):
    """A number and its relative standard error, 0 if the number is exact."""

    number: int
    error: float = 0.0


class Sample(Generic[State]):
    """The states of at most `limit` readers, by a 64-bit hash of the reader.

    When there are more, only hashes that end in one more zero bit stay, so that each stands for
    twice as many readers; the relative standard error is 1.2 / sqrt(limit). Unlike HyperLogLog it
    can count the readers of a window that is known only at the end, and small numbers stay exact.
    """

    __slots__ = ("level", "limit", "states")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.level = 0
        self.states: dict[int, State] = {}

    def add(self, reader: int, state: State) -> bool:
        """Add the state of a new reader; return False if the reader is not part of the sample."""
        if reader & ((1 << self.level) - 1):
            return False
        self.states[reader] = state
        while len(self.states) > self.limit:
            self.halve()
        return True

    def halve(self) -> None:
        """Drop half of the readers, chosen by their hash."""
        self.level += 1
        # Hashes are random bits, so this chooses readers at random.
        mask = (1 << self.level) - 1
        self.states = {key: state for key, state in self.states.items() if not key & mask}


def merge(
    samples: list[Sample[State]], condition: Callable[[State], bool]
) -> tuple[int, Iterator[tuple[int, State]]]:
    """Return the highest level of the samples, and the readers at it whose state fits a condition.

    A reader of several samples comes several times.
    """
    # Only at the highest level have all samples the same chance to contain a reader.
    level = max((sample.level for sample in samples), default=0)
    mask = (1 << level) - 1

    def readers() -> Iterator[tuple[int, State]]:
        for sample in samples:
            for reader, state in sample.states.items():
                if not reader & mask and condition(state):
                    yield reader, state

    return level, readers()


def estimate(number: int, level: int) -> Estimate:
    """Return how many readers there are if `number` of them are in a sample at a level."""
    return Estimate(number << level, 1.2 / sqrt(number) if level and number else 0.0)
