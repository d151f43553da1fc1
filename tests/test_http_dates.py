"""HTTP dates in the three forms of RFC 9110, 5.6.7, and texts that only look like one."""

from __future__ import annotations

import time
from calendar import timegm
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedhub.dates import format_http_date, parse_http_date

# The example of RFC 9110, 5.6.7.
MOMENT = 784_111_777
SECONDS = st.integers(0, timegm((9999, 12, 31, 23, 59, 59)))
NEAR = st.integers(timegm((1980, 1, 1, 0, 0, 0)), timegm((2070, 1, 1, 0, 0, 0)))
LONG_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def in_each_form(seconds: int) -> list[str]:
    """Return a time in the three forms, formatted without strftime, which follows the locale."""
    t = time.gmtime(seconds)
    day, month, clock = LONG_DAYS[t.tm_wday], MONTHS[t.tm_mon - 1], f"{t.tm_hour:02}:{t.tm_min:02}"
    clock += f":{t.tm_sec:02}"
    return [
        f"{day[:3]}, {t.tm_mday:02} {month} {t.tm_year:04} {clock} GMT",
        f"{day}, {t.tm_mday:02}-{month}-{t.tm_year % 100:02} {clock} GMT",
        f"{day[:3]} {month} {t.tm_mday:>2} {clock} {t.tm_year:04}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun Nov 06 08:49:37 1994",
    ],
)
def test_the_examples_of_the_standard_are_one_time(text):
    assert parse_http_date(text) == MOMENT


def test_a_time_is_written_in_the_preferred_form():
    assert format_http_date(MOMENT) == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert format_http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT"


@given(SECONDS)
@example(0)
@example(timegm((2000, 2, 29, 23, 59, 59)))
def test_a_formatted_date_is_parsed_back(seconds):
    assert format_http_date(seconds) == in_each_form(seconds)[0]
    assert parse_http_date(format_http_date(seconds)) == seconds


@given(NEAR)
def test_the_three_forms_of_a_time_are_equal(seconds):
    assert {parse_http_date(text) for text in in_each_form(seconds)} == {seconds}


@given(st.integers(timegm((1000, 1, 1, 0, 0, 0)), timegm((9999, 12, 31, 23, 59, 59))))
def test_the_standard_library_agrees_on_the_preferred_form(seconds):
    text = in_each_form(seconds)[0]

    assert parse_http_date(text) == parsedate_to_datetime(text).timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "yesterday",
        "784111777",
        "1994-11-06T08:49:37Z",
        "Sun, 99 Jan 1994 08:49:37 GMT",
        "Sun, 00 Jan 1994 08:49:37 GMT",
        "Sun, 01 Foo 1994 08:49:37 GMT",
        "Sun, 30 Feb 1994 08:49:37 GMT",
        "Wed, 29 Feb 1995 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Son, 06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06 Nov 94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov    08:49:37 1994",
    ],
)
def test_an_invalid_date_is_none(text):
    assert parse_http_date(text) is None


@given(st.text())
def test_any_text_is_a_time_or_none(text):
    seconds = parse_http_date(text)

    assert seconds is None or isinstance(seconds, int)


@given(
    st.sampled_from(MONTHS),
    st.tuples(
        *(st.integers(low, high) for low, high in ((0, 9999), (0, 32), (0, 25), (0, 61), (0, 62)))
    ),
)
@example("Feb", (1900, 29, 0, 0, 0))
@example("Feb", (2000, 29, 0, 0, 0))
def test_a_date_that_no_calendar_has_is_none(month, numbers):
    year, day, hour, minute, second = numbers
    text = f"Sun, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT"
    try:
        there = datetime(year, MONTHS.index(month) + 1, day, hour, minute, min(second, 59))  # noqa: DTZ001
    except ValueError:
        assert parse_http_date(text) is None
    else:
        seconds = parse_http_date(text)
        assert (seconds is not None) == (second <= 60)
        assert seconds is None or seconds - timegm(there.timetuple()) in {0, 1}


@given(SECONDS, st.data())
def test_a_date_with_one_character_more_or_less_is_none(seconds, data):
    text = in_each_form(seconds)[0]
    place = data.draw(st.integers(0, len(text) - 1))
    extra = data.draw(st.sampled_from("0x ,"))

    assert parse_http_date(text[:place] + text[place + 1 :]) is None
    assert parse_http_date(text[:place] + extra + text[place:]) is None


@pytest.mark.parametrize(
    ("today", "written", "meant"),
    [
        (2026, 94, 1994),
        (2026, 26, 2026),
        (2026, 76, 2076),
        (2026, 77, 1977),
        (2026, 99, 1999),
        (2026, 0, 2000),
        (1994, 94, 1994),
        (1994, 95, 1995),
    ],
)
def test_two_digits_of_a_year_are_at_most_fifty_years_ahead(monkeypatch, today, written, meant):
    now = time.struct_time((today, 6, 1, 0, 0, 0, 0, 152, 0))
    monkeypatch.setattr("feedhub.dates.time.gmtime", lambda: now)
    seconds = parse_http_date(f"Sunday, 06-Nov-{written:02} 08:49:37 GMT")

    assert seconds is not None
    assert (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).year == meant


def test_a_leap_second_is_a_time():
    """The clock of 5.6.7 goes to 23:59:60, which counts as the second before or after."""
    after = timegm((2017, 1, 1, 0, 0, 0))

    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") in {after - 1, after}
