"""What was asked for last, kept as long as it does not weigh too much."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, together no heavier than `budget`; `weight` is what they weigh.

    What was not asked for the longest time goes first; what weighs more than all may is not kept.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """Return a value, or None."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep a value in place of what had its key."""
        before = self._values.pop(key, None)
        self.weight += weight - (before[1] if before else 0)
        self._values[key] = (value, weight)
        while self.weight > self._budget:
            self.weight -= self._values.popitem(last=False)[1][1]

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()
        self.weight = 0
