"""Months and days: the periods of archives, and dates as documents and pages write them."""

from __future__ import annotations

from calendar import timegm
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.dates import (
    MONTHS,
    SHORT_MONTHS,
    format_day,
    format_rfc3339,
    from_timestamp,
    month_bounds,
    month_of,
)

SECONDS = st.integers(timegm((1, 1, 1, 0, 0, 0)), timegm((9998, 12, 31, 23, 59, 59)))


@pytest.mark.parametrize(
    ("month", "first", "next_first"),
    [
        ("2020-06", (2020, 6, 1), (2020, 7, 1)),
        ("2020-12", (2020, 12, 1), (2021, 1, 1)),
        ("0999-02", (999, 2, 1), (999, 3, 1)),
    ],
)
def test_the_bounds_of_a_month(month, first, next_first):
    start, end = (timegm((*day, 0, 0, 0)) for day in (first, next_first))
    assert month_bounds(month) == (start, end)
    assert month_of(start) == month_of(end - 1) == month
    assert month_of(start - 1) != month != month_of(end)


@given(SECONDS)
def test_a_time_is_within_the_bounds_of_its_month(seconds):
    start, end = month_bounds(month_of(seconds))
    assert start <= seconds < end


@given(SECONDS)
def test_rfc_3339_is_parsed_back(seconds):
    moment = from_timestamp(seconds)
    assert moment.tzinfo is UTC
    assert format_rfc3339(moment).endswith("Z")
    assert datetime.fromisoformat(format_rfc3339(moment)) == moment


def test_days_are_written_in_english_in_any_zone():
    moment = datetime(2020, 6, 2, 23, tzinfo=timezone(timedelta(hours=2)))
    assert format_day(moment) == "2 June 2020"
    assert format_day(moment.replace(month=9), SHORT_MONTHS) == "2 Sep 2020"
    assert (len(MONTHS), MONTHS[4], SHORT_MONTHS[4]) == (12, "May", "May")
