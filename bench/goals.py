"""What a render must reach beside Hugo, and how it may grow: each goal with what was measured."""

from __future__ import annotations

from typing import Any, NamedTuple

WALL, CPU, MEMORY = 0, 1, 2
_NAMES = ("wall", "CPU", "peak memory")
_LARGE_MEMORY = 400
# Ten times the articles may take eleven times as long, and one change twice as long.
_GROWTH, _CHANGE = 1.1, 2.0
# Articles, work, figure, and the part of Hugo's that it may be.
_BESIDE_HUGO = (
    (1_000, "cold", WALL, 0.60),
    (10_000, "cold", WALL, 0.25),
    (10_000, "cold", CPU, 0.25),
    (10_000, "cold", MEMORY, 0.30),
    (10_000, "unchanged", WALL, 0.04),
    (10_000, "one changed", WALL, 0.05),
)

Rows = dict[tuple[int, str], dict[str, list[float]]]


class Goal(NamedTuple):
    """What is meant, the most that it may be, and what it is."""

    name: str
    most: float
    measured: float

    def told(self) -> str:
        """Return whether it was reached, and if not, by how much it was missed."""
        over = self.measured / self.most - 1
        return "met" if over <= 0 else f"missed by {over:.0%}"


def goals(rows: list[dict[str, Any]], large: int = 0) -> list[Goal]:
    """Return the goals for which there are rows; `large` is a size that was rendered alone."""
    found: Rows = {(row["articles"], row["work"]): row["sides"] for row in rows}
    return [*_beside_hugo(found), *_large(found, large)]


def _beside_hugo(rows: Rows) -> list[Goal]:
    return [
        Goal(
            f"{size:,}, {work}: {_NAMES[figure]} to Hugo's",
            most,
            sides["feedhub"][figure] / sides["Hugo"][figure],
        )
        for size, work, figure, most in _BESIDE_HUGO
        if "Hugo" in (sides := rows.get((size, work), {}))
    ]


def _large(rows: Rows, large: int) -> list[Goal]:
    """Return how the largest size does beside the next one."""
    if not large:
        return []
    memory = max(rows[large, work]["feedhub"][MEMORY] for size, work in rows if size == large)
    told = [Goal(f"{large:,}, whichever work: peak memory, MB", _LARGE_MEMORY, memory)]
    smaller = max((size for size, _ in rows if size < large), default=0)
    if smaller:
        for work, most in (("cold", _GROWTH * large / smaller), ("one changed", _CHANGE)):
            walls = [rows[size, work]["feedhub"][WALL] for size in (large, smaller)]
            name = f"{large:,}, {work}: wall to that of {smaller:,}"
            told.append(Goal(name, most, walls[0] / walls[1]))
    return told
