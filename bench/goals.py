"""The goals of a render and of a server: limits, mostly relative to others measured in the run."""

from __future__ import annotations

from typing import Any, NamedTuple

WALL, CPU, MEMORY = 0, 1, 2
FIGURES = ("wall", "CPU", "peak memory")
# Articles, kind of render, figure, goal and stretch of the ratio to Hugo's.
HUGO_GOALS = (
    (1_000, "cold", WALL, 0.60, None),
    (10_000, "cold", WALL, 0.40, 0.33),
    (10_000, "cold", CPU, 0.40, 0.33),
)
# The default configuration, to Hugo that writes the feeds of the comparison alone.
DEFAULT_WALL = (1.0, 0.7)
MAX_DEFAULT_FILES = 9_000
MAX_DEFAULT_MEGABYTES = 650
# Twice and three times the 350 posts that a core read in a second before.
POSTS_PER_CORE_SECOND = (700, 1_050)
SMALL, MEDIUM, LARGE = 1_000, 10_000, 100_000
MAX_LARGE_MEGABYTES = 400
MAX_COLD_GROWTH = 11
# One change among the most articles, to Hugo's cold render of a tenth of them.
MAX_LARGE_CHANGE = 0.10
# An edit under --watch among the most articles, to one among the fewest.
WATCH_GROWTH = (1.5, 1.1)
# Requests a second, to a bare application that sends the same bytes and fields.
SERVE_GOALS = (("304", 0.92, 0.95), ("200 gzip", 0.93, 0.95))

Rows = dict[tuple[int, str], dict[str, list[float]]]


class Goal(NamedTuple):
    """What is measured, the goal, the measured value, and what would be better still.

    A goal is the highest value allowed, or with `at_least` the lowest.
    """

    name: str
    limit: float
    measured: float
    stretch: float | None = None
    at_least: bool = False

    def verdict(self) -> str:
        """Return `met`, `stretch met`, or by how much the goal was missed."""
        if self._meets(self.limit):
            return "stretch met" if self._meets(self.stretch) else "met"
        return f"missed by {abs(self.measured / self.limit - 1):.0%}"

    def _meets(self, limit: float | None) -> bool:
        if limit is None:
            return False
        return self.measured >= limit if self.at_least else self.measured <= limit


def goals(result: dict[str, Any]) -> list[Goal]:
    """Return the goals that the result of bench/render.py can judge."""
    rows: Rows = {(row["articles"], row["work"]): row["sides"] for row in result["rows"]}
    return [
        *hugo_goals(rows),
        *default_goals(result.get("default", {}), rows),
        *post_goals(result.get("posts", [])),
        *large_goals(rows),
        *watch_goals(result.get("watch", {})),
    ]


def hugo_goals(rows: Rows) -> list[Goal]:
    """Return the goals relative to Hugo."""
    return [
        Goal(
            f"{size:,}, {work}: {FIGURES[figure]} / Hugo's",
            limit,
            sides["feedhub"][figure] / sides["Hugo"][figure],
            stretch,
        )
        for size, work, figure, limit, stretch in HUGO_GOALS
        if "Hugo" in (sides := rows.get((size, work), {}))
    ]


def default_goals(sizes: dict[str, dict[str, Any]], rows: Rows) -> list[Goal]:
    """Return the goals of the default configuration; `sizes` has its results by articles."""
    result = sizes.get(str(MEDIUM))
    if result is None:
        return []
    name = f"{MEDIUM:,}, default configuration"
    found = [
        Goal(f"{name}: files", MAX_DEFAULT_FILES, result["files"]),
        Goal(f"{name}: MB", MAX_DEFAULT_MEGABYTES, result["bytes"] / 1e6),
    ]
    hugo = rows[MEDIUM, "cold"].get("Hugo")
    if hugo:
        ratio = result["median"][WALL] / hugo[WALL]
        limit, stretch = DEFAULT_WALL
        found.insert(0, Goal(f"{name}: wall / Hugo's, feeds alone", limit, ratio, stretch))
    return found


def post_goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """Return the goal of real posts."""
    return [
        Goal(
            f"{row['articles']:,} real posts, cold: posts a second and core",
            POSTS_PER_CORE_SECOND[0],
            row["articles"] / row["sides"]["feedhub"][CPU],
            POSTS_PER_CORE_SECOND[1],
            at_least=True,
        )
        for row in rows
        if row["work"] == "cold"
    ]


def large_goals(rows: Rows) -> list[Goal]:
    """Return the goals of the largest size, relative to a smaller one."""
    if (LARGE, "cold") not in rows:
        return []
    memory = max(rows[size, work]["feedhub"][MEMORY] for size, work in rows if size == LARGE)
    found = [Goal(f"{LARGE:,}, any render: peak memory, MB", MAX_LARGE_MEGABYTES, memory)]
    if (MEDIUM, "cold") in rows:
        walls = [rows[size, "cold"]["feedhub"][WALL] for size in (LARGE, MEDIUM)]
        name = f"{LARGE:,}, cold: wall / that of {MEDIUM:,}"
        found.append(Goal(name, MAX_COLD_GROWTH, walls[0] / walls[1]))
        if "Hugo" in rows[MEDIUM, "cold"]:
            change = rows[LARGE, "one changed"]["feedhub"][WALL]
            name = f"{LARGE:,}, one changed: wall / Hugo's cold {MEDIUM:,}"
            ratio = change / rows[MEDIUM, "cold"]["Hugo"][WALL]
            found.append(Goal(name, MAX_LARGE_CHANGE, ratio))
    return found


def watch_goals(edits: dict[str, list[float]]) -> list[Goal]:
    """Return the goal of an edit under --watch; `edits` are medians by number of articles."""
    if not {str(SMALL), str(LARGE)} <= edits.keys():
        return []
    ratio = edits[str(LARGE)][WALL] / edits[str(SMALL)][WALL]
    name = f"{LARGE:,}, an edit under --watch: wall / that of {SMALL:,}"
    return [Goal(name, WATCH_GROWTH[0], ratio, WATCH_GROWTH[1])]


def serve_goals(rows: list[dict[str, Any]]) -> list[Goal]:
    """Return the goals of bench/serve.py."""
    ratios = {
        row["work"]: row["of"]["bare ASGI"] for row in rows if row["server"] == "feedhub serve"
    }
    return [
        Goal(f"{work}: requests / bare ASGI's", limit, ratios[work], stretch, at_least=True)
        for work, limit, stretch in SERVE_GOALS
        if work in ratios
    ]


def goal_table(found: list[Goal]) -> list[str]:
    """Return the table of goals."""
    if not found:
        return []
    lines = ["| goal | at most, or at least (≥) | stretch | measured | |", "|---|---|---|---|---|"]
    for goal in found:
        sign = "≥ " if goal.at_least else ""
        stretch = "" if goal.stretch is None else f"{sign}{goal.stretch:g}"
        cells = [goal.name, f"{sign}{goal.limit:g}", stretch, f"{goal.measured:.3g}"]
        if goal.measured >= 1_000:
            cells[-1] = f"{goal.measured:.0f}"
        lines.append(f"| {' | '.join([*cells, goal.verdict()])} |")
    return [*lines, ""]
