"""How the time of a render grows with the number of articles, as SVG; both axes are logarithmic."""

from __future__ import annotations

import math
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 150, 20, 50
_STYLE = (
    "text{font:13px sans-serif;fill:#333}line{stroke:#ddd}"
    "polyline{fill:none;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}line{stroke:#444}}"
)
# Colours that can be told apart by most eyes (Okabe and Ito).
_COLOURS = ("#0072b2", "#009e73", "#56b4e9", "#d55e00", "#e69f00", "#cc79a7")

Point = tuple[float, float]


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


def lines_of(rows: list[dict[str, Any]]) -> dict[str, list[Point]]:
    """Return articles and seconds of each side and work, as bench/render.py has them."""
    lines: dict[str, list[Point]] = {}
    for side in ("feedhub", "Hugo"):
        for row in rows:
            if side in row:
                points = lines.setdefault(f"{side}, {row['work']}", [])
                points.append((row["articles"], row[side][0]))
    return lines


def svg(lines: dict[str, list[Point]]) -> str:
    """Return the drawing."""
    across = _axis([x for points in lines.values() for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    up = _axis([y for points in lines.values() for _, y in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [*_grid(across, up)]
    labels = _apart([up.place(points[-1][1]) for points in lines.values()])
    for (name, points), colour, label in zip(lines.items(), _COLOURS, labels, strict=False):
        parts += _line(name, [(across.place(x), up.place(y)) for x, y in points], colour, label)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">'
    title = "<title>Seconds of a render by number of articles</title>"
    return "\n".join([head, title, f"<style>{_STYLE}</style>", *parts, "</svg>"]) + "\n"


def _axis(values: list[float], start: float, end: float) -> Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Axis(low, max(high, low + 1), start, end)


def _grid(across: Axis, up: Axis) -> list[str]:
    left, right, bottom, top = across.start, across.end, up.start, up.end
    parts = []
    for value in across.ticks():
        x = across.place(value)
        parts.append(f'<line x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 18, f"{value:,.0f}", "middle"))
    for value in up.ticks():
        y = up.place(value)
        parts.append(f'<line x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>')
        parts.append(_text(left - 8, y + 4, f"{value:g} s", "end"))
    parts.append(_text((left + right) / 2, bottom + 38, "articles", "middle"))
    return parts


def _line(name: str, places: list[Point], colour: str, label: float) -> list[str]:
    points = " ".join(f"{x},{y}" for x, y in places)
    dots = [f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colour}"/>' for x, y in places]
    line = f'<polyline points="{points}" stroke="{colour}"/>'
    named = f'<text x="{_WIDTH - _RIGHT + 10}" y="{label + 4}" style="fill:{colour}">{name}</text>'
    return [line, *dots, named]


def _apart(places: list[float]) -> list[float]:
    """Move labels down until none covers another."""
    moved = dict.fromkeys(range(len(places)), 0.0)
    last = -math.inf
    for number in sorted(moved, key=lambda n: places[n]):
        last = moved[number] = max(places[number], last + 16)
    return list(moved.values())


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
