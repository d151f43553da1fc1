"""Rows of text as a table: aligned for people, divided by tabs for programs."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from feedhub.cli.console import BOLD, paint, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    Rows = Sequence[Sequence[str]]

_GAP = "  "
# A column gives room to others, but not so much that nothing can be told from it.
_LEAST = 12
_CUT = "…"


def table(head: Sequence[str], rows: Rows, *, right: Collection[int] = (), shrinks: int) -> str:
    """Return the rows for standard output: as columns under `head` on a terminal, else by tabs.

    Columns of numbers in `right` end at the same place. Where the terminal is too narrow the column
    `shrinks` is cut; the last is left whole, that it can be copied.
    """
    clean = [[shown(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        return "".join("\t".join(row) + "\n" for row in clean)
    return aligned(head, clean, right, shrinks, shutil.get_terminal_size().columns)


def aligned(
    head: Sequence[str], rows: Rows, right: Collection[int], shrinks: int, columns: int
) -> str:
    """Return the rows in columns as wide as their widest cell, for a terminal so wide."""
    from wcwidth import wcswidth  # a letter of Chinese takes two places

    every = [head, *rows]
    widths = [max(wcswidth(cell) for cell in column) for column in zip(*every, strict=True)]
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - columns
    if over > 0:
        widths[shrinks] = max(min(_LEAST, widths[shrinks]), widths[shrinks] - over)
    lines = []
    for row in every:
        cells = [
            _fitted(cell, width, at in right)
            for at, (cell, width) in enumerate(zip(row[:-1], widths, strict=False))
        ]
        lines.append(_GAP.join([*cells, row[-1]]))
    lines[0] = paint(lines[0], BOLD, sys.stdout)
    return "\n".join(lines) + "\n"


def _fitted(text: str, width: int, right: bool) -> str:
    """Return text in exactly `width` places of a terminal."""
    from wcwidth import wcswidth

    if wcswidth(text) > width:
        while wcswidth(text) >= width:
            text = text[:-1]
        text += _CUT
    blank = " " * (width - wcswidth(text))
    return blank + text if right else text + blank
