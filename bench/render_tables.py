"""The tables of bench/render.py: comparison with Hugo, goals, other generators, counts."""

from __future__ import annotations

from typing import Any

from bench.compare_feeds import Comparison
from bench.goals import CPU, goal_table, goals

RENDERS = ("cold", "unchanged", "one changed")
_FORMATS = {".rss": "RSS", ".atom": "Atom", ".json": "JSON"}


def markdown(result: dict[str, Any]) -> str:
    """Return all tables of a result."""
    tables = [
        *render_table(result["rows"]),
        *default_table(result.get("default", {}), result["rows"]),
        *post_table(result.get("posts", [])),
        *watch_table(result.get("watch", {})),
        *floor_table(result.get("floor", {}), result["rows"]),
        *goal_table(goals(result)),
    ]
    return "\n".join([*tables, *all_peer_tables(result), *count_table(result)])


def render_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table of feedhub and Hugo."""
    lines = [
        "| articles | render | wall s, feedhub / Hugo | CPU s, feedhub / Hugo "
        "| peak MB, feedhub / Hugo |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"{row['articles']:,}", row["work"]]
        for index, form in enumerate(("{:.2f}", "{:.2f}", "{:.0f}")):
            pair = [
                row["sides"][name][index] for name in ("feedhub", "Hugo") if name in row["sides"]
            ]
            text = " / ".join(form.format(figure) for figure in pair)
            cells.append(f"{text} = **{pair[0] / pair[1]:.3f}**" if pair[1:] else text)
        lines.append(_line(cells))
    return [*lines, ""]


def default_table(results: dict[str, dict[str, Any]], rows: list[dict[str, Any]]) -> list[str]:
    """Return the table of cold renders with the default configuration."""
    if not results:
        return []
    lines = [
        "| articles | default configuration, cold: wall s | / Hugo, feeds alone | CPU s | peak MB "
        "| files | MB |",
        "|---" * 7 + "|",
    ]
    for size, result in results.items():
        wall, processor, memory = result["median"]
        hugo = hugo_cold(rows, int(size))
        ratio = f"**{wall / hugo[0]:.3f}**" if hugo else ""
        cells = [f"{int(size):,}", f"{wall:.2f}", ratio, f"{processor:.2f}"]
        cells += [f"{max(memory, result['memory']):.0f}", f"{result['files']:,}"]
        lines.append(_line([*cells, f"{result['bytes'] / 1e6:.0f}"]))
    return [*lines, ""]


def hugo_cold(rows: list[dict[str, Any]], size: int) -> list[float] | None:
    """Return the figures of Hugo's cold render of a number of articles, None if it did not run."""
    found = (row for row in rows if (row["articles"], row["work"]) == (size, "cold"))
    return next((row["sides"].get("Hugo") for row in found), None)


def watch_table(edits: dict[str, list[float]]) -> list[str]:
    """Return the table of edits under --watch."""
    if not edits:
        return []
    lines = [
        "| articles | an edit under --watch: wall s | CPU s | documents |",
        "|---|---|---|---|",
    ]
    for size, (wall, processor, documents) in sorted(edits.items(), key=lambda row: int(row[0])):
        cells = [f"{int(size):,}", f"{wall:.2f}", f"{processor:.2f}", f"{documents:.0f}"]
        lines.append(_line(cells))
    return [*lines, ""]


def floor_table(floor: dict[str, float], rows: list[dict[str, Any]]) -> list[str]:
    """Return the table of what reading and writing alone cost."""
    lines = []
    for size, seconds in floor.items():
        hugo = hugo_cold(rows, int(size))
        ratio = f"**{seconds / hugo[CPU]:.3f}**" if hugo else ""
        lines.append(_line([f"{int(size):,}", f"{seconds:.2f}", ratio]))
    head = ["| articles | reading and writing alone, CPU s | / Hugo's cold |", "|---|---|---|"]
    return [*head, *lines, ""] if lines else []


def post_table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the table of feedhub on posts of Markdown."""
    if not rows:
        return []
    lines = [
        "| posts | render | wall s | CPU s | peak MB | posts a second and core |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        wall, processor, memory = row["sides"]["feedhub"]
        figures = [f"{wall:.2f}", f"{processor:.2f}", f"{memory:.0f}"]
        figures.append(f"{row['articles'] / processor:,.0f}" if row["work"] == "cold" else "")
        lines.append(_line([f"{row['articles']:,}", row["work"], *figures]))
    return [*lines, ""]


def all_peer_tables(result: dict[str, Any]) -> list[str]:
    """Return the tables of each size that other generators than Hugo rendered."""
    lines = []
    for size in sorted({row["articles"] for row in result["rows"]}):
        renders = [row["sides"] for row in result["rows"] if row["articles"] == size]
        if renders[0].keys() - {"feedhub", "Hugo"}:
            lines += peer_tables(size, renders, result["written"][str(size)])
    return lines


def peer_tables(
    size: int, renders: list[dict[str, list[float]]], written: dict[str, dict[str, Any]]
) -> list[str]:
    """Return the table of times and that of feeds and entries, a row for each generator."""
    walls = [
        f"| {size:,} articles | {' | '.join(f'{work}, s' for work in RENDERS)} | cold, CPU s "
        f"| cold, peak MB | {' | '.join(f'feedhub / it, {work}' for work in RENDERS)} |",
        "|---" * 9 + "|",
    ]
    entries = [
        f"| {size:,} articles | formats | feeds | entries | other files "
        "| cold, s per 1,000 entries | feedhub / it |",
        "|---" * 7 + "|",
    ]
    per_entry = {name: renders[0][name][0] / counts["entries"] for name, counts in written.items()}
    for name, counts in written.items():
        ratios = [f"**{sides['feedhub'][0] / sides[name][0]:.3f}**" for sides in renders]
        cold = renders[0][name]
        figures = [f"{sides[name][0]:.2f}" for sides in renders]
        walls.append(_line([name, *figures, f"{cold[1]:.2f}", f"{cold[2]:.0f}", *ratios]))
        formats = ", ".join(_FORMATS[suffix] for suffix in counts["formats"])
        numbers = (counts["feeds"], counts["entries"], counts["files"] - counts["feeds"])
        cells = [name, formats, *(f"{number:,}" for number in numbers)]
        cells.append(f"{per_entry[name] * 1_000:.3f}")
        cells.append(f"**{per_entry['feedhub'] / per_entry[name]:.3f}**")
        entries.append(_line(cells))
    return [*walls, "", *entries, ""]


def count_table(result: dict[str, Any]) -> list[str]:
    """Return the table of feeds and entries that equal those of feedhub, by size."""
    rows = []
    for size, sides in result["written"].items():
        for name, counts in sides.items():
            same = Comparison(*counts["same"])
            if name != "feedhub":
                cells = [f"{count:,}" for count in same]
                rows.append(_line([f"{int(size):,}", f"feedhub and {name}", *cells]))
    head = "| articles | equal in both | feeds | entries | other last entry | other order |"
    return [head, "|---" * 6 + "|", *rows, ""] if rows else []


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
