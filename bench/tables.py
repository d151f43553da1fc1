"""The tables of a result of bench/render.py: beside Hugo, goals, other generators, counts."""

from __future__ import annotations

from typing import Any

from bench.entries import Compared
from bench.goals import goals

WORK = ("cold", "unchanged", "one changed")
_FORMATS = {".rss": "RSS", ".atom": "Atom", ".json": "JSON"}


def markdown(told: dict[str, Any]) -> str:
    """Return all tables of a result."""
    return "\n".join([*_renders(told["rows"]), *_goals(told), *_peers(told), *_counted(told)])


def _renders(rows: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| articles | render | wall s, feedhub / Hugo | CPU s, feedhub / Hugo "
        "| peak MB, feedhub / Hugo |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"{row['articles']:,}", row["work"]]
        for place, form in enumerate(("{:.2f}", "{:.2f}", "{:.0f}")):
            pair = [
                row["sides"][name][place] for name in ("feedhub", "Hugo") if name in row["sides"]
            ]
            text = " / ".join(form.format(figure) for figure in pair)
            cells.append(f"{text} = **{pair[0] / pair[1]:.3f}**" if pair[1:] else text)
        lines.append(_line(cells))
    return [*lines, ""]


def _goals(told: dict[str, Any]) -> list[str]:
    reached = goals(told["rows"], told.get("large", 0))
    if not reached:
        return []
    lines = ["| goal | at most | measured | |", "|---|---|---|---|"]
    for goal in reached:
        lines.append(_line([goal.name, f"{goal.most:g}", f"{goal.measured:.3g}", goal.told()]))
    return [*lines, ""]


def _peers(told: dict[str, Any]) -> list[str]:
    """Return a table for each size at which others than Hugo took part."""
    lines = []
    for size in sorted({row["articles"] for row in told["rows"]}):
        works = [row["sides"] for row in told["rows"] if row["articles"] == size]
        if works[0].keys() - {"feedhub", "Hugo"}:
            lines += _peers_of(size, works, told["written"][str(size)])
    return lines


def _peers_of(
    size: int, works: list[dict[str, list[float]]], written: dict[str, dict[str, Any]]
) -> list[str]:
    walls = [
        f"| {size:,} articles | {' | '.join(f'{work}, s' for work in WORK)} | cold, CPU s "
        f"| cold, peak MB | {' | '.join(f'feedhub to it, {work}' for work in WORK)} |",
        "|---" * 9 + "|",
    ]
    counts = [
        f"| {size:,} articles | formats | feeds | entries | other files "
        "| cold, s per 1,000 entries | feedhub to it |",
        "|---" * 7 + "|",
    ]
    per_entry = {name: works[0][name][0] / wrote["entries"] for name, wrote in written.items()}
    for name, wrote in written.items():
        ratios = [f"**{sides['feedhub'][0] / sides[name][0]:.3f}**" for sides in works]
        cold = works[0][name]
        figures = [f"{sides[name][0]:.2f}" for sides in works]
        walls.append(_line([name, *figures, f"{cold[1]:.2f}", f"{cold[2]:.0f}", *ratios]))
        formats = ", ".join(_FORMATS[suffix] for suffix in wrote["formats"])
        numbers = (wrote["feeds"], wrote["entries"], wrote["files"] - wrote["feeds"])
        cells = [name, formats, *(f"{number:,}" for number in numbers)]
        cells.append(f"{per_entry[name] * 1_000:.3f}")
        cells.append(f"**{per_entry['feedhub'] / per_entry[name]:.3f}**")
        counts.append(_line(cells))
    return [*walls, "", *counts, ""]


def _counted(told: dict[str, Any]) -> list[str]:
    """Return how many feeds and entries were the same as those of feedhub, size by size."""
    rows = []
    for size, sides in told["written"].items():
        for name, wrote in sides.items():
            same = Compared(*wrote["same"])
            if name != "feedhub":
                counts = [f"{count:,}" for count in same]
                rows.append(_line([f"{int(size):,}", f"feedhub and {name}", *counts]))
    head = "| articles | the same in both | feeds | entries | another last one | another order |"
    return [head, "|---" * 6 + "|", *rows, ""] if rows else []


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
