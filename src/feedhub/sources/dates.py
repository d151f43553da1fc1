"""Points in time and lengths of time, as people write them in front matter."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

_DATETIME = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:(?:[Tt]| +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
    r" *(?P<zone>[Zz]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
# Most dates, and what every version of Python reads alike; some months have no day after the 28th.
_TIMESTAMP = re.compile(
    r"(?:19|[2-8][0-9])[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
)
_DURATION = re.compile(
    r"P(?:(?P<weeks>[0-9]{1,6})W)?(?:(?P<days>[0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?"
    r"(?:(?P<seconds>[0-9]{1,9})(?:\.[0-9]+)?S)?)?"
)
_CALENDAR_DURATION = re.compile(r"P[0-9WD.]*[0-9.]+[YM]")
_NAME = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})-(.+)", re.DOTALL)
_MAX_OFFSET = timedelta(hours=14)


def parse_datetime(text: str, zone: tzinfo = UTC) -> datetime:
    """Return the time `text` says, aware, UTC, in whole seconds; `zone` holds where it names none.

    Reads RFC 3339 and what Jekyll, Hugo and YAML allow beside it (`2015-1-1`,
    `2015-01-01 10:00 +0200`). A date alone is its midnight. Raises ValueError, whose message
    never quotes `text`.
    """
    return datetime.fromisoformat(text) if _TIMESTAMP.fullmatch(text) else _parsed(text, zone)


def parse_duration(text: str) -> int:
    """Return the whole seconds of an ISO 8601 duration such as `PT2H44M`.

    Raises ValueError for any other text; years and months have no fixed length and are refused.
    """
    match = _DURATION.fullmatch(text.strip())
    if match and any(match.groups()):
        lengths = {unit: int(number) for unit, number in match.groupdict("0").items()}
        return int(timedelta(**lengths).total_seconds())
    if _CALENDAR_DURATION.match(text.strip()):
        raise ValueError("years and months have no fixed length: say days, hours or minutes")
    raise ValueError("this is not a duration such as PT2H44M")


def date_in_name(stem: str) -> tuple[date, str] | None:
    """Split `2021-05-31-some-title` into its date and `some-title`; None if it starts otherwise."""
    match = _NAME.fullmatch(stem)
    if not match:
        return None
    try:
        _check_year(int(match[1]))
        return date(int(match[1]), int(match[2]), int(match[3])), match[4]
    except ValueError:
        return None


def _parsed(text: str, zone: tzinfo) -> datetime:
    match = _DATETIME.fullmatch(text.strip())
    if not match:
        raise ValueError("this is not a date such as 2021-05-31T10:00:00Z")
    year, month, day = (int(match[name]) for name in ("year", "month", "day"))
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    _check_year(year)
    offset = _offset(match["zone"]) if match["zone"] else zone
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=offset)
    except ValueError:
        raise ValueError("there is no such date or time of day") from None
    return local.astimezone(UTC)


def _check_year(year: int) -> None:
    if not 1900 <= year <= 9998:
        raise ValueError("the year is not between 1900 and 9998")


def _offset(zone: str) -> tzinfo:
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError("the offset from UTC has more than 59 minutes")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if size > _MAX_OFFSET:
        raise ValueError("the offset from UTC is more than 14 hours")
    return timezone(-size if zone[0] == "-" else size)
