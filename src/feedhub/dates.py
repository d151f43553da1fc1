"""Dates as documents, headers and archives have them: in UTC, with the English names of months.

Nothing here uses strftime or strptime, which follow the locale of the process.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from datetime import UTC, datetime

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
SHORT_MONTHS = tuple(name[:3] for name in MONTHS)
SHORT_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY = f"(?:{'|'.join(SHORT_DAYS)})"
_LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH = f"(?P<month>{'|'.join(SHORT_MONTHS)})"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
# Of a length of time: hours, if there are any, minutes and seconds.
_PLAYER_CLOCK = re.compile(r"(?:([0-9]{1,4}):(?=[0-9]{2}:))?([0-9]{1,3}):([0-5][0-9])(?:\.[0-9]+)?")
_HTTP_DATES = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"{_DAY}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK} GMT",
        rf"{_LONG_DAY}, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_CLOCK} GMT",
        rf"{_DAY} {_MONTH} (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})",
    )
)


def from_timestamp(seconds: float) -> datetime:
    """Return a Unix time as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def format_rfc3339(moment: datetime) -> str:
    """Return a datetime in UTC as `2020-06-02T10:00:00Z`."""
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def format_day(moment: datetime, months: tuple[str, ...] = MONTHS) -> str:
    """Return a day as people read it, such as `2 June 2020`; `months` are the names to use."""
    return f"{moment.day} {months[moment.month - 1]} {moment.year}"


def month_of(seconds: int) -> str:
    """Return the month of a Unix time as archives are named by it, such as `2020-06`."""
    moment = from_timestamp(seconds)
    return f"{moment.year:04}-{moment.month:02}"


def month_bounds(month: str) -> tuple[int, int]:
    """Return the first second of a month such as `2020-06` and of the next, in Unix time."""
    year, number = map(int, month.split("-"))
    start = timegm((year, number, 1, 0, 0, 0))
    return start, timegm((year + number // 12, number % 12 + 1, 1, 0, 0, 0))


def format_rfc822(moment: datetime, zone: str = "+0000") -> str:
    """Return a datetime in UTC as `Sun, 06 Nov 1994 08:49:37 +0000` (RFC 5322, 3.3).

    email.utils does the same, but its import takes a tenth of the time of a warm render.
    """
    day, month = SHORT_DAYS[moment.weekday()], SHORT_MONTHS[moment.month - 1]
    clock = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
    return f"{day}, {moment.day:02} {month} {moment.year:04} {clock} {zone}"


def format_http_date(seconds: int) -> str:
    """Return a Unix time as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7)."""
    return format_rfc822(from_timestamp(seconds), "GMT")


def parse_http_date(text: str) -> int | None:
    """Return the Unix time of an HTTP date in one of its three forms, or None if it is not a date.

    RFC 9110, 5.6.7. Two digits of a year mean the one that is at most 50 years ahead.
    """
    match = next(filter(None, (form.fullmatch(text) for form in _HTTP_DATES)), None)
    if match is None:
        return None
    year, second = int(match["year"]), int(match["second"])
    if len(match["year"]) == 2:
        today = time.gmtime().tm_year
        year += today - today % 100
        year -= 100 if year > today + 50 else 0
    try:
        moment = datetime(
            year,
            SHORT_MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            59 if second == 60 else second,  # a leap second, which datetime does not know
            tzinfo=UTC,
        )
    except ValueError:  # the 30th of February
        return None
    return timegm(moment.timetuple())


def parse_clock(text: str) -> int | None:
    """Return the seconds of a length of time as players show it, 2:05 or 1:02:05, else None."""
    match = _PLAYER_CLOCK.fullmatch(text.strip())
    if not match:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (hours * 60 + minutes) * 60 + seconds
