"""Months in UTC, by which archives are cut."""

from __future__ import annotations

from calendar import timegm
from datetime import UTC, datetime


def month_of(published: int) -> str:
    """Return the month of a Unix time, as `2020-06`."""
    moment = datetime.fromtimestamp(published, UTC)
    return f"{moment.year:04}-{moment.month:02}"


def month_bounds(period: str) -> tuple[int, int]:
    """Return the first second of a month and of the next, in Unix time."""
    year, month = map(int, period.split("-"))
    start = timegm((year, month, 1, 0, 0, 0))
    return start, timegm((year + month // 12, month % 12 + 1, 1, 0, 0, 0))
