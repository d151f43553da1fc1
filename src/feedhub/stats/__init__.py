"""Access logs tell who reads the feeds, without telling who they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedhub.stats.addresses import Addresses
from feedhub.stats.counts import Tally
from feedhub.stats.files import STANDARD_INPUT, check, pieces
from feedhub.stats.lines import rows_of
from feedhub.stats.report import Report
from feedhub.stats.reporting import report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["STANDARD_INPUT", "Addresses", "Report", "Trouble", "statistics"]


class Trouble(NamedTuple):
    """What could not be read, and where; never in the words of the log."""

    place: str
    line: int
    what: str


def statistics(
    logs: Sequence[str],
    addresses: Addresses,
    *,
    days: int = 7,
    trouble: Callable[[Trouble], object] = lambda told: None,
    on_progress: Callable[[int], object] = lambda size: None,
) -> Report:
    """Read logs, in any order, and return what they tell.

    `-` is standard input. Every line that cannot be read is told to `trouble`, and how many bytes
    were read to `on_progress`. Raises ConfigError where a file cannot be opened, before any is
    read.
    """
    for place in logs:
        check(place)
    tally, unreadable = Tally(addresses), 0
    for place in logs:
        for piece in pieces(place, on_progress):
            rows, bad = rows_of(piece.lines)
            tally.add(rows)
            for line, what in bad:
                trouble(Trouble(place, piece.number + line, what))
            if piece.problem:
                trouble(Trouble(place, piece.number, piece.problem))
            unreadable += len(bad) + bool(piece.problem)
    tally.close()
    return report(tally, days=days, unreadable=unreadable)
