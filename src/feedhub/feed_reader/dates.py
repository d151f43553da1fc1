"""Dates as feeds have them: RFC 3339, RFC 822, and what people and programs make of both."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_tz

# Generators write the start of some era where they have no date.
FIRST_YEAR = 1971

_ISO = re.compile(
    r"(\d{4})(?:-(\d\d?)(?:-(\d\d?))?)?"
    r"(?:(?:[Tt]| +)(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?)?"
    r" *(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
# A year such as 0001, which Go writes for no date; `email` takes it for one of two digits.
_EARLY_YEAR = re.compile(r"[A-Za-z][ -]0\d\d\d\b")
_NAMED_OFFSET = re.compile(r"\b(?:GMT|UTC)(?=[+-]\d)")
# The zones of RFC 822 are American; these stand in feeds too. Their hours from UTC.
_HOURS = {
    0: "WET",
    1: "WEST BST CET MET",
    2: "CEST MEST EET",
    3: "EEST MSK",
    9: "JST KST",
    10: "AEST",
    11: "AEDT",
    12: "NZST",
    13: "NZDT",
}
_ZONES = {name: hours for hours, names in _HOURS.items() for name in names.split()}


def parse_feed_date(text: str, zone: tzinfo = UTC) -> datetime | None:
    """Return the time of `text` in UTC, whole seconds, or None if it is not a date.

    A text without a zone is in `zone`. A year before 1971 is no date.
    """
    text = text.strip()
    if len(text) > 64:
        return None
    try:
        moment = _parse_iso(text, zone) if text[:4].isdecimal() else _parse_rfc822(text, zone)
        # Years are compared in UTC: that is how the date is used.
        moment = moment and moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment and moment.year >= FIRST_YEAR else None


def _parse_iso(text: str, zone: tzinfo) -> datetime | None:
    match = _ISO.fullmatch(text)
    if not match:
        return None
    *numbers, offset = match.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    if offset:
        zone = _offset_of(offset)
    return _make(year, month or 1, day or 1, hour, minute, second, zone)


def _parse_rfc822(text: str, zone: tzinfo) -> datetime | None:
    parts = parsedate_tz(_NAMED_OFFSET.sub("", text))
    if parts is None or _EARLY_YEAR.search(text):
        return None
    year, month, day, hour, minute, second = parts[:6]
    last_word = text.rpartition(" ")[2].upper()
    if last_word in _ZONES:
        zone = timezone(timedelta(hours=_ZONES[last_word]))
    elif ":" not in last_word:  # otherwise it is the time of day
        zone = timezone(timedelta(seconds=parts[9] or 0))
    return _make(year, month, day, hour, minute, second, zone)


def _make(
    year: int, month: int, day: int, hour: int, minute: int, second: int, zone: tzinfo
) -> datetime:
    # Midnight may be written as 24:00, and datetime knows no leap second.
    days, hour = (1, 0) if hour == 24 else (0, hour)
    moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    return moment + timedelta(days=days)


def _offset_of(text: str) -> tzinfo:
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if text[0] == "-" else size)
