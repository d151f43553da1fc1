"""How time and memory of a render grow with the articles, as SVG; both axes are logarithmic."""

from __future__ import annotations

import math
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

_WIDTH, _PANEL, _BOTTOM = 760, 360, 24
_LEFT, _RIGHT, _TOP, _GAP = 72, 170, 34, 46
# Before the first number of articles there is room for the names of single points.
_INSIDE, _LABEL = 76, 16
_OWN = "feedhub"
# Colours that most eyes can tell apart (Okabe and Ito), on white and on black.
_LIGHT = ("#0072b2", "#00805c", "#b3568a", "#c04f00", "#946300", "#555555", "#7a5230", "#7d2ea8")
_DARK = ("#56b4e9", "#2fc79a", "#e59fc6", "#ff8a3d", "#e6b000", "#bbbbbb", "#d0a680", "#c79bff")

Point = tuple[float, float]


class Line(NamedTuple):
    """Values by number of articles, and a place among the colours."""

    name: str
    points: list[Point]
    colour: int


class Panel(NamedTuple):
    """One drawing: what it shows, the unit of its values, its lines."""

    title: str
    unit: str
    lines: list[Line]


class Axis(NamedTuple):
    """Whole powers of ten, `low` to `high`, from pixel `start` to pixel `end`."""

    low: int
    high: int
    start: float
    end: float

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return the powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]

    def between(self) -> list[float]:
        """Return twice to nine times each power of ten but the last."""
        return [part * ten for ten in self.ticks()[:-1] for part in range(2, 10)]


def panels_of(rows: list[dict[str, Any]]) -> list[Panel]:
    """Return what is drawn of the rows of bench/render.py.

    The others than feedhub make everything every time: of them the cold run stands for all.
    """
    lines: dict[str, list[tuple[float, list[float]]]] = {}
    for row in rows:
        for side, figures in row["sides"].items():
            if side == _OWN or row["work"] == "cold":
                name = f"{_OWN}, {row['work']}" if side == _OWN else side
                lines.setdefault(name, []).append((row["articles"], figures))
    panels = []
    for title, unit, figure in (("Wall clock of a render", "s", 0), ("Its peak memory", "MB", 2)):
        drawn = [
            Line(name, [(size, figures[figure]) for size, figures in found], place % len(_LIGHT))
            for place, (name, found) in enumerate(
                sorted(lines.items(), key=lambda line: not line[0].startswith(_OWN))
            )
        ]
        panels.append(Panel(title, unit, drawn))
    return panels


def svg(panels: list[Panel]) -> str:
    """Return the drawing, panels one below the other."""
    height = len(panels) * (_PANEL + _GAP) + _BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}">']
    parts.append("<title>Time and memory of a render by number of articles</title>")
    parts.append(f"<style>{_style()}</style>")
    for number, panel in enumerate(panels):
        parts += _panel(panel, number * (_PANEL + _GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _style() -> str:
    """Light and dark in one file; without a background it takes that of the page."""
    return (
        "text{font:13px system-ui,sans-serif;fill:#444}.title{font-weight:600;fill:#222}"
        "line{stroke:#ccc}line.fine{stroke:#ececec}"
        ".line{fill:none;stroke-width:2;stroke-dasharray:5 4}"
        ".own{stroke-width:2.5;stroke-dasharray:none}"
        f"{_colours(_LIGHT)}@media(prefers-color-scheme:dark){{text{{fill:#bbb}}"
        f".title{{fill:#eee}}line{{stroke:#555}}line.fine{{stroke:#2c2c2c}}{_colours(_DARK)}}}"
    )


def _colours(colours: tuple[str, ...]) -> str:
    return "".join(
        f".c{n}{{stroke:{colour}}}.f{n}{{fill:{colour}}}" for n, colour in enumerate(colours)
    )


def _panel(panel: Panel, top: float) -> list[str]:
    values = [value for line in panel.lines for _, value in line.points]
    sizes = [size for line in panel.lines for size, _ in line.points]
    across = _axis(sizes, _LEFT + _INSIDE, _WIDTH - _RIGHT)
    up = _axis(values, top + _PANEL, top + _TOP)
    parts = [f'<text class="title" x="{_LEFT}" y="{top + 18}">{panel.title}</text>']
    parts += _grid(across, up, panel.unit)
    drawn = [[(across.place(x), up.place(y)) for x, y in line.points] for line in panel.lines]
    for line, places in zip(panel.lines, drawn, strict=True):
        parts += _line(line, places)
    return parts + _labels(panel.lines, drawn, up.start)


def _axis(values: list[float], start: float, end: float) -> Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Axis(low, max(high, low + 1), start, end)


def _grid(across: Axis, up: Axis, unit: str) -> list[str]:
    left, right, bottom, top = across.start - _INSIDE, across.end, up.start, up.end
    parts = []
    for value in across.between():
        x = across.place(value)
        parts.append(f'<line class="fine" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
    for value in up.between():
        y = up.place(value)
        parts.append(f'<line class="fine" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
    for value in across.ticks():
        x = across.place(value)
        parts.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 18, f"{value:,.0f}", "middle"))
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
        parts.append(_text(left - 8, y + 4, f"{value:,.12g} {unit}", "end"))
    parts.append(_text((left + right) / 2, bottom + 38, "articles", "middle"))
    return parts


def _line(line: Line, places: list[Point]) -> list[str]:
    points = " ".join(f"{x},{y}" for x, y in places)
    kind = "line own" if line.name.startswith(_OWN) else "line"
    parts = [f'<polyline class="{kind} c{line.colour}" points="{points}"/>'] if places[1:] else []
    dots = [f'<circle class="f{line.colour}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in places]
    return parts + dots


def _labels(lines: list[Line], drawn: list[list[Point]], bottom: float) -> list[str]:
    """Return the names: of a line behind its end, of a single point beside lines before it."""
    any_line = any(places[1:] for places in drawn)
    columns: dict[tuple[float, str], list[tuple[float, Line]]] = {}
    for line, places in zip(lines, drawn, strict=True):
        x, y = places[-1]
        column = (x - 10, "end") if any_line and not places[1:] else (x + 10, "start")
        columns.setdefault(column, []).append((y, line))
    parts = []
    for (x, anchor), found in columns.items():
        for y, (_, line) in zip(_apart([y for y, _ in found], bottom), found, strict=True):
            parts.append(
                f'<text class="f{line.colour}" x="{x}" y="{y + 4}" text-anchor="{anchor}">'
                f"{escape(line.name)}</text>"
            )
    return parts


def _apart(places: list[float], bottom: float) -> list[float]:
    """Move labels until none covers another, and none is below the bottom."""
    order = sorted(range(len(places)), key=lambda n: places[n])
    moved = list(places)
    last = -math.inf
    for number in order:
        last = moved[number] = max(places[number], last + _LABEL)
    last = bottom + _LABEL
    for number in reversed(order):
        last = moved[number] = min(moved[number], last - _LABEL)
    return moved


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
