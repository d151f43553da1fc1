"""The goals of renders: limits relative to Hugo and to smaller sizes, and the measured values."""

from __future__ import annotations

from typing import Any, NamedTuple

WALL, CPU, MEMORY = 0, 1, 2
FIGURES = ("wall", "CPU", "peak memory")
MAX_LARGE_MEGABYTES = 400
# Ten times the articles may take eleven times as long, and one change twice as long.
MAX_COLD_GROWTH, MAX_CHANGE_GROWTH = 1.1, 2.0
# Articles, kind of render, figure, and the largest ratio to Hugo's.
HUGO_GOALS = (
    (1_000, "cold", WALL, 0.60),
    (10_000, "cold", WALL, 0.25),
    (10_000, "cold", CPU, 0.25),
    (10_000, "cold", MEMORY, 0.30),
    (10_000, "unchanged", WALL, 0.04),
    (10_000, "one changed", WALL, 0.05),
)

Rows = dict[tuple[int, str], dict[str, list[float]]]


class Goal(NamedTuple):
    """A description, the highest value allowed, and the measured one."""

    name: str
    limit: float
    measured: float

    def verdict(self) -> str:
        """Return `met`, or by how much the goal was missed."""
        over = self.measured / self.limit - 1
        return "met" if over <= 0 else f"missed by {over:.0%}"


def goals(rows: list[dict[str, Any]], large: int = 0) -> list[Goal]:
    """Return the goals that the rows can judge; `large` is a size rendered by feedhub alone."""
    by_render: Rows = {(row["articles"], row["work"]): row["sides"] for row in rows}
    return [*hugo_goals(by_render), *large_goals(by_render, large)]


def hugo_goals(rows: Rows) -> list[Goal]:
    """Return the goals relative to Hugo."""
    return [
        Goal(
            f"{size:,}, {work}: {FIGURES[figure]} / Hugo's",
            limit,
            sides["feedhub"][figure] / sides["Hugo"][figure],
        )
        for size, work, figure, limit in HUGO_GOALS
        if "Hugo" in (sides := rows.get((size, work), {}))
    ]


def large_goals(rows: Rows, large: int) -> list[Goal]:
    """Return the goals of the largest size, relative to the next smaller one."""
    if not large:
        return []
    memory = max(rows[large, work]["feedhub"][MEMORY] for size, work in rows if size == large)
    found = [Goal(f"{large:,}, any render: peak memory, MB", MAX_LARGE_MEGABYTES, memory)]
    smaller = max((size for size, _ in rows if size < large), default=0)
    if smaller:
        cold = MAX_COLD_GROWTH * large / smaller
        for work, limit in (("cold", cold), ("one changed", MAX_CHANGE_GROWTH)):
            walls = [rows[size, work]["feedhub"][WALL] for size in (large, smaller)]
            name = f"{large:,}, {work}: wall / that of {smaller:,}"
            found.append(Goal(name, limit, walls[0] / walls[1]))
    return found
