"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feedhub.stats.report import Audience

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def number(value: int) -> str:
    """Return `12,345`."""
    return f"{value:,}"


def size(value: int) -> str:
    """Return bytes in decimal units: `999 bytes`, `1.2 kB`, `34 MB`."""
    amount, place = float(value), 0
    while amount >= 999.5 and place < len(_UNITS) - 1:
        amount, place = amount / 1000, place + 1
    text = f"{amount:.1f}" if place and amount < 9.95 else f"{amount:.0f}"
    return f"{text} {_UNITS[place]}"


def share(part: float) -> str:
    """Return a share from 0 to 1 as `83%`; only nothing is 0%, and only all is 100%."""
    if 0 < part < 0.005:
        return "<1%"
    if 0.995 <= part < 1:
        return ">99%"
    return f"{part * 100:.0f}%"


def single(audience: Audience) -> str:
    """Return a count of single readers, with its error where it has one."""
    if not audience.error:
        return number(audience.single)
    return f"{number(audience.single)} ±{audience.error * 100:.1f}%"


def counted(value: int, one: str, many: str = "") -> str:
    """Return `1 feed`, `2 feeds`."""
    return f"{number(value)} {one if value == 1 else many or f'{one}s'}"


def span(since: str, until: str) -> str:
    """Return the days between two moments: `2026-11-08 to 2026-11-21`."""
    first, last = since[:10], until[:10]
    return first if first == last else f"{first} to {last}"
