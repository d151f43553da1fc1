"""The three forms of an HTTP date (RFC 9110, 5.6.7), read strictly and written in the first."""

from __future__ import annotations

import re
import time
from calendar import timegm
from datetime import datetime
from email.utils import formatdate

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"{_DAY}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_CLOCK} GMT",
        rf"{_LONG_DAY}, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_CLOCK} GMT",
        rf"{_DAY} {_MONTH} (?P<day>[ \d]\d) {_CLOCK} (?P<year>\d{{4}})",
    )
)


def parse_http_date(text: str) -> int | None:
    """Return the Unix time of an HTTP date, or None where it is none."""
    for form in _FORMS:
        if match := form.fullmatch(text):
            return _seconds(match)
    return None


def format_http_date(seconds: int) -> str:
    """Return a Unix time as `Sun, 06 Nov 1994 08:49:37 GMT`."""
    return formatdate(seconds, usegmt=True)


def _seconds(match: re.Match[str]) -> int | None:
    year = int(match["year"])
    month = _MONTHS.index(match["month"]) + 1
    second = int(match["second"])
    clock = (int(match["hour"]), int(match["minute"]), 59 if second == 60 else second)
    try:
        moment = datetime(  # noqa: DTZ001 - every HTTP date is in UTC
            _whole(year) if len(match["year"]) == 2 else year, month, int(match["day"]), *clock
        )
    except ValueError:  # the 30th of February
        return None
    return timegm(moment.timetuple())


def _whole(year: int) -> int:
    """Return the year that two digits stand for: at most 50 years ahead (RFC 9110, 5.6.7)."""
    today = time.gmtime().tm_year
    near = today - today % 100 + year
    return near - 100 if near > today + 50 else near
