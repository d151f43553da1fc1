"""An SVG plot of time and memory of renders by number of articles; both axes are logarithmic."""

from __future__ import annotations

import math
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

# Sizes in pixels: of the drawing, of a panel, and of the margins around its axes.
_WIDTH, _PANEL, _BOTTOM = 760, 360, 24
_LEFT, _RIGHT, _TOP, _GAP = 72, 170, 34, 46
# The margin before the first number of articles holds labels of single points.
_INNER_MARGIN, _LABEL_HEIGHT = 76, 16
FEEDHUB = "feedhub"
# Colours for the colour-blind (Okabe and Ito), on white and on black.
_LIGHT = ("#0072b2", "#00805c", "#b3568a", "#c04f00", "#946300", "#555555", "#7a5230", "#7d2ea8")
_DARK = ("#56b4e9", "#2fc79a", "#e59fc6", "#ff8a3d", "#e6b000", "#bbbbbb", "#d0a680", "#c79bff")

Point = tuple[float, float]


class Line(NamedTuple):
    """Values by number of articles, and the index of a colour."""

    name: str
    points: list[Point]
    colour: int


class Panel(NamedTuple):
    """One diagram: its title, the unit of its values, its lines."""

    title: str
    unit: str
    lines: list[Line]


class Axis(NamedTuple):
    """Whole powers of ten, `low` to `high`, from pixel `start` to pixel `end`."""

    low: int
    high: int
    start: float
    end: float

    def pixel(self, value: float) -> float:
        """Return the pixel of a value."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        """Return the powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]

    def minor_ticks(self) -> list[float]:
        """Return twice to nine times each power of ten but the last."""
        return [part * ten for ten in self.ticks()[:-1] for part in range(2, 10)]


def panels(rows: list[dict[str, Any]]) -> list[Panel]:
    """Return the panels of the rows of bench/render.py.

    Other generators than feedhub write everything every time, so only their cold runs are drawn.
    """
    lines: dict[str, list[tuple[float, list[float]]]] = {}
    for row in rows:
        for side, figures in row["sides"].items():
            if side == FEEDHUB or row["work"] == "cold":
                name = f"{FEEDHUB}, {row['work']}" if side == FEEDHUB else side
                lines.setdefault(name, []).append((row["articles"], figures))
    result = []
    for title, unit, figure in (("Wall clock of a render", "s", 0), ("Its peak memory", "MB", 2)):
        drawn = [
            Line(name, [(size, figures[figure]) for size, figures in runs], index % len(_LIGHT))
            for index, (name, runs) in enumerate(
                sorted(lines.items(), key=lambda line: not line[0].startswith(FEEDHUB))
            )
        ]
        result.append(Panel(title, unit, drawn))
    return result


def svg(panels: list[Panel]) -> str:
    """Return the drawing with one panel below the other."""
    height = len(panels) * (_PANEL + _GAP) + _BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}">']
    parts.append("<title>Time and memory of a render by number of articles</title>")
    parts.append(f"<style>{_style()}</style>")
    for number, panel in enumerate(panels):
        parts += _panel(panel, number * (_PANEL + _GAP))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _style() -> str:
    """Return the style for light and dark pages; the background is that of the page."""
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
    across = _axis(sizes, _LEFT + _INNER_MARGIN, _WIDTH - _RIGHT)
    up = _axis(values, top + _PANEL, top + _TOP)
    parts = [f'<text class="title" x="{_LEFT}" y="{top + 18}">{panel.title}</text>']
    parts += _grid(across, up, panel.unit)
    drawn = [[(across.pixel(x), up.pixel(y)) for x, y in line.points] for line in panel.lines]
    for line, points in zip(panel.lines, drawn, strict=True):
        parts += _line(line, points)
    return parts + _labels(panel.lines, drawn, up.start)


def _axis(values: list[float], start: float, end: float) -> Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Axis(low, max(high, low + 1), start, end)


def _grid(across: Axis, up: Axis, unit: str) -> list[str]:
    left, right, bottom, top = across.start - _INNER_MARGIN, across.end, up.start, up.end
    parts = []
    for value in across.minor_ticks():
        x = across.pixel(value)
        parts.append(f'<line class="fine" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
    for value in up.minor_ticks():
        y = up.pixel(value)
        parts.append(f'<line class="fine" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
    for value in across.ticks():
        x = across.pixel(value)
        parts.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 18, f"{value:,.0f}", "middle"))
    for value in up.ticks():
        y = up.pixel(value)
        parts.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
        parts.append(_text(left - 8, y + 4, f"{value:,.12g} {unit}", "end"))
    parts.append(_text((left + right) / 2, bottom + 38, "articles", "middle"))
    return parts


def _line(line: Line, points: list[Point]) -> list[str]:
    path = " ".join(f"{x},{y}" for x, y in points)
    kind = "line own" if line.name.startswith(FEEDHUB) else "line"
    parts = [f'<polyline class="{kind} c{line.colour}" points="{path}"/>'] if points[1:] else []
    dots = [f'<circle class="f{line.colour}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in points]
    return parts + dots


def _labels(lines: list[Line], drawn: list[list[Point]], bottom: float) -> list[str]:
    """Return the names of lines, after their end, and of single points, before them."""
    any_line = any(points[1:] for points in drawn)
    columns: dict[tuple[float, str], list[tuple[float, Line]]] = {}
    for line, points in zip(lines, drawn, strict=True):
        x, y = points[-1]
        column = (x - 10, "end") if any_line and not points[1:] else (x + 10, "start")
        columns.setdefault(column, []).append((y, line))
    parts = []
    for (x, anchor), found in columns.items():
        for y, (_, line) in zip(spread_labels([y for y, _ in found], bottom), found, strict=True):
            parts.append(
                f'<text class="f{line.colour}" x="{x}" y="{y + 4}" text-anchor="{anchor}">'
                f"{escape(line.name)}</text>"
            )
    return parts


def spread_labels(heights: list[float], bottom: float) -> list[float]:
    """Return the heights of labels, moved so that none covers another or is below the bottom."""
    order = sorted(range(len(heights)), key=lambda n: heights[n])
    moved = list(heights)
    last = -math.inf
    for number in order:
        last = moved[number] = max(heights[number], last + _LABEL_HEIGHT)
    last = bottom + _LABEL_HEIGHT
    for number in reversed(order):
        last = moved[number] = min(moved[number], last - _LABEL_HEIGHT)
    return moved


def _text(x: float, y: float, label: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(label)}</text>'
