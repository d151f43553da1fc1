"""Dates and durations as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.sources.article_path import date_in_name
from feedhub.sources.values import parse_datetime, parse_duration

PACIFIC = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2020-06-09T06:31:00Z", "2020-06-09T06:31:00"),
        ("2020-06-09t06:31:00z", "2020-06-09T06:31:00"),
        ("2020-06-09T06:31:00.999Z", "2020-06-09T06:31:00"),
        ("2020-06-09T06:31Z", "2020-06-09T06:31:00"),
        ("2020-06-09", "2020-06-09T00:00:00"),
        ("2020-6-9", "2020-06-09T00:00:00"),
        (" 2020-6-9 6:31 ", "2020-06-09T06:31:00"),
        ("2020-06-09   06:31:05", "2020-06-09T06:31:05"),
        ("2015-01-01 10:00:00 +0200", "2015-01-01T08:00:00"),
        ("2015-01-01 10:00:00+02:00", "2015-01-01T08:00:00"),
        ("2015-01-01 10:00:00 -08", "2015-01-01T18:00:00"),
        ("2015-01-01 10:00 +0530", "2015-01-01T04:30:00"),
        ("2015-01-01T00:00:00+14:00", "2014-12-31T10:00:00"),
        ("2015-01-01T00:00:00-14:00", "2015-01-01T14:00:00"),
        ("2015-01-01T00:00:00+23:59", "2014-12-31T00:01:00"),
        ("2015/1/2", "2015-01-02T00:00:00"),
        ("2015/01/02 10:00 +0200", "2015-01-02T08:00:00"),
        ("Fri, 02 Jan 2015 10:00:00 +0200", "2015-01-02T08:00:00"),
        ("2 Jan 2015 10:00 GMT", "2015-01-02T10:00:00"),
        ("Fri, 2 Jan 2015 10:00:00 PST", "2015-01-02T18:00:00"),
        ("2015-01-01T00:00:00-00:00", "2015-01-01T00:00:00"),
        ("2015-01-01 10:00:00 UTC", "2015-01-01T10:00:00"),
        ("2015-01-01 10:00:00 GMT", "2015-01-01T10:00:00"),
        ("1900-01-01T00:00:00+14:00", "1899-12-31T10:00:00"),
        ("9998-12-31T23:59:59-14:00", "9999-01-01T13:59:59"),
        ("2020-02-29", "2020-02-29T00:00:00"),
    ],
)
def test_readable_dates(text, iso):
    found = parse_datetime(text)
    assert found == datetime.fromisoformat(iso).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2020",
        "2020-06",
        "2020-13-01",
        "2020-00-01",
        "2020-02-30",
        "2021-02-29",
        "2020-06-00",
        "2020-06-09T24:00:00Z",
        "2020-06-09T23:60:00Z",
        "2020-06-09T23:59:60Z",
        "2020-06-09T10",
        "2020-06-09T10:0",
        "2020-06-09T10:00:00.Z",
        "2020-06-09T10:00:00,5Z",
        "2020-06-09Z",
        "2020-06-09 +0200",
        "2020-06-09T10:00:00+24:00",
        "2020/06-09",
        "Tue, 09 Foo 2020 10:00:00 GMT",
        "09 Jun 20 10:00 GMT",
        "Tue, 09 Jun 2020 10:00:00 CEST",
        "06/09/2020",
        "2020-06-09T10:00:00+02:60",
        "2020-06-09T10:00:00+2",
        "2020-06-09T10:00:00 PST",
        "2020-06-09T10:00:00 UTC+2",
        "1899-12-31",
        "9999-01-01",
        "0001-01-01",
        "20-06-09",
        "20200609",
        "2020-06-09\n10:00",
        "2020-06-09TT10:00",
        "\u0662\u0660\u0662\u0660-06-09",
        "2020-06-0\uff19",
        "2020-06-09T10:00:00Z x",
        "-2020-06-09",
    ],
)
def test_unreadable_dates_are_refused_and_not_quoted(text):
    with pytest.raises(ValueError, match=r"^(this|there|the) ") as error:
        parse_datetime(text)
    assert not text or text not in str(error.value)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2021-01-15 12:00", "2021-01-15T20:00:00"),
        ("2021-07-15", "2021-07-15T07:00:00"),
        ("2021-07-15T12:00:00Z", "2021-07-15T12:00:00"),
        ("2021-03-14 02:30", "2021-03-14T10:30:00"),  # an hour that the clocks skip
        ("2021-11-07 01:30", "2021-11-07T08:30:00"),  # an hour that comes twice: the first
    ],
)
def test_the_zone_holds_where_the_text_names_none(text, iso):
    assert parse_datetime(text, PACIFIC) == datetime.fromisoformat(iso).replace(tzinfo=UTC)


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(9998, 12, 30)),  # noqa: DTZ001
    st.integers(-14 * 60, 14 * 60),
)
def test_dates_in_iso_format_are_read(moment, minutes):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_datetime(moment.isoformat()) == moment.replace(microsecond=0)


@given(st.text(alphabet="0123456789-:. TZ+", max_size=30))
def test_any_text_is_a_date_or_a_value_error(text):
    try:
        found = parse_datetime(text)
    except ValueError:
        return
    assert found.microsecond == 0
    assert found.tzinfo is UTC
    assert parse_datetime(found.isoformat()) == found or not 1900 <= found.year <= 9998


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1:30", 90),
        (" 90:00 ", 5400),
        ("1:02:05.7", 3725),
        ("PT55S", 55),
        ("PT2H44M", 9_840),
        ("P1DT2H", 93_600),
        ("PT0S", 0),
        ("P2W", 1_209_600),
        ("PT1.5S", 1),
        ("PT90M", 5_400),
        (" PT1H1M1S ", 3_661),
        ("P1D", 86_400),
    ],
)
def test_readable_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["P1M", "P1Y", "P1Y2M3D", "P2M1D", "P0.5M"])
def test_months_have_no_length(text):
    with pytest.raises(ValueError, match="months have no fixed length"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "PT1M2H",
        "PTS",
        "55",
        "1:3",
        "1:60",
        "90:00:00:00",
        "-PT5S",
        "pt5s",
        "PT\u0665S",
        "PT5",
        "P1H",
        "PT1HT1M",
    ],
)
def test_unreadable_durations_are_refused(text):
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@given(st.integers(0, 999), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_durations_add_up(days, hours, minutes, seconds):
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert parse_duration(f"P{days}DT{hours}H{minutes}M{seconds}S") == length.total_seconds()


@pytest.mark.parametrize(
    ("stem", "found"),
    [
        ("2021-05-31-some-title", (date(2021, 5, 31), "some-title")),
        ("2021-5-3-x", (date(2021, 5, 3), "x")),
        ("2021-05-31-2020", (date(2021, 5, 31), "2020")),
        ("2021-05-31-enable-spell-check-", (date(2021, 5, 31), "enable-spell-check-")),
        ("2021-02-30-x", None),
        ("2021-13-01-x", None),
        ("1899-01-01-x", None),
        ("2021-05-31", None),
        ("2021-05-31-", None),
        ("some-title", None),
        ("x2021-05-31-title", None),
    ],
)
def test_the_date_in_a_name(stem, found):
    assert date_in_name(stem) == found
