"""The report as tables and as a page: its text, and that clients cannot inject anything."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.stats import SiteFeeds, TrafficReport
from feedhub.stats.page import feed_bars, reader_bars, render_page, timeline
from feedhub.stats.report import DayStats
from feedhub.stats.tables import (
    format_individuals,
    format_share,
    format_size,
    format_trend,
    key_figures,
    sections,
    summary,
)
from tests.access_logs import APP, DAY, download, generate_log, poll, report_of

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
VOID = {"meta", "rect", "line", "br"}


@pytest.fixture(scope="module")
def report() -> TrafficReport:
    return report_of(generate_log(seed=3).requests)


class Outline(HTMLParser):
    """Elements with their attributes, and whether every one that begins ends."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_loads_nothing(report: TrafficReport):
    text = render_page(report)
    names = {name for _, attributes in Outline(text).elements for name in attributes}
    assert not names & {"src", "srcset", "style", "onload", "action", "data", "xlink:href"}
    links = [attributes["href"] for tag, attributes in Outline(text).elements if tag == "a"]
    assert links
    assert all(str(link).startswith("#") for link in links)
    assert not re.search(r"url\(|@import|https?://", text)


def test_the_content_security_policy_allows_only_the_style(report: TrafficReport):
    text = render_page(report)
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [a.get("content") for tag, a in Outline(text).elements if "http-equiv" in a]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'"]


def test_every_link_and_label_has_its_target(report: TrafficReport):
    elements = Outline(render_page(report)).elements
    ids = [str(attributes["id"]) for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = [str(a["href"])[1:] for tag, a in elements if tag == "a"]
    wanted += [str(a["aria-labelledby"]) for _, a in elements if "aria-labelledby" in a]
    assert set(wanted) <= set(ids)
    assert next(tag for tag, _ in elements if re.fullmatch("h[1-6]", tag)) == "h1"


def test_every_plotted_value_is_in_a_table(report: TrafficReport):
    text = "".join(Outline(render_page(report)).text)
    for row in report.days:
        assert row.day in text
    for feed in report.feeds:
        assert feed.feed in text
    for reader in (*report.readers, *report.robots):
        assert reader.name in text


def test_text_of_clients_is_escaped():
    requests = [poll(n, path=f"{HOSTILE}.rss", status=404, agent=f"{HOSTILE}/1") for n in range(5)]
    requests += [download(n, agent="{{7*7}}<b>/1") for n in range(9)] + [
        poll(agent="\x1b[31m<i>/1")
    ]
    requests += [poll(path=f"topics/{HOSTILE}.rss"), poll(agent="<u>Feed</u>/1 (4 subscribers)")]
    report = report_of(requests, feeds=SiteFeeds(titles={"all": "<s>All</s>"}))
    outline = Outline(render_page(report))
    assert {tag for tag, _ in outline.elements} <= {
        *"html head meta title style body header h1 h2 p nav ul li a main dl div dt dd b".split(),
        *"span section figure ol svg line g rect figcaption details summary".split(),
        *"table thead tr th tbody td bdi footer".split(),
    }
    assert "alert(1)" in "".join(outline.text)
    assert "{{7*7}}" in "".join(outline.text)
    assert "\x1b" not in render_page(report)


def test_the_page_of_an_empty_log():
    text = "".join(Outline(render_page(report_of([]))).text)
    assert "The logs hold no requests." in text
    assert "<table" not in render_page(report_of([], feeds=SiteFeeds()))


def test_tables_of_the_page_are_bounded():
    requests = [poll(path=f"t{n}.{suffix}") for n in range(600) for suffix in ("rss", "atom")]
    text = render_page(report_of(requests))
    assert "And 100 more:" in text
    assert text.count('class="part"') == 1000


@given(st.lists(st.builds(
    DayStats,
    day=st.dates(date(1970, 1, 1), date(2999, 12, 31)).map(str),
    requests=st.integers(1, 10**9),
    not_modified=st.just(0),
), unique_by=lambda row: row.day, max_size=8))  # fmt: skip
def test_the_timeline_shows_every_request_of_ten_years(days):
    days = tuple(sorted(days, key=lambda row: row.day))
    found = timeline(replace(report_of([]), days=days))
    assert len(found.columns) <= 62
    for column in found.columns:
        assert 0 <= column.not_modified + column.full <= 100.01
    if days:
        assert max(column.not_modified + column.full for column in found.columns) >= 49
        assert found.labels[-1] <= days[-1].day
        descriptions = [
            re.findall(r": ([\d,]+) ", column.description)[0] for column in found.columns
        ]
        counted = [int(description.replace(",", "")) for description in descriptions]
        first = int(days[-1].day[:4]) - 9
        assert sum(counted) >= sum(row.requests for row in days if int(row.day[:4]) >= first)


def test_the_timeline_shows_days_without_requests():
    found = timeline(report_of([poll(0), download(0), download(2 * DAY)]))
    assert [column.description for column in found.columns] == [
        "2026-11-01: 2 requests, 50% answered with 304",
        "2026-11-02: 0 requests, 0% answered with 304",
        "2026-11-03: 1 requests, 0% answered with 304",
    ]
    assert (found.top, found.days) == (2, 1)
    assert found.labels == ("2026-11-01", "2026-11-02", "2026-11-03")
    assert [(column.not_modified, column.full) for column in found.columns] == [
        (50, 50),
        (0, 0),
        (0, 50),
    ]


@pytest.mark.parametrize(
    ("most", "top"),
    [(1, 2), (9, 10), (11, 12), (100, 100), (101, 120), (2_190, 2_400), (8_001, 10_000)],
)
def test_the_axis_ends_at_a_round_number_above_the_highest_day(most: int, top: int):
    days = (DayStats(day="2026-11-01", requests=most, not_modified=0),)
    assert timeline(replace(report_of([]), days=days)).top == top


def test_a_long_timeline_combines_days():
    found = timeline(report_of([poll(0), poll(100 * DAY)]))
    assert (len(found.columns), found.days) == (51, 2)
    assert found.columns[0].description.startswith("2026-11-01 to 2026-11-02: 1 ")


def test_bars_show_the_largest_audiences():
    report = report_of(
        [poll(agent=f"Feedly ({n} subscribers)", path=f"t{n}.rss") for n in range(40)]
    )
    bars = feed_bars(report)
    assert [bar.name for bar in bars] == [f"t{n}" for n in range(39, 24, -1)]
    assert (bars[0].reported, bars[0].individuals, bars[0].value) == (100, 0, "39")
    assert [bar.name for bar in reader_bars(report)] == ["Feedly"]
    assert feed_bars(report_of([])) == ()


def test_key_figures():
    requests = [poll(1), download(0, size=1000), poll(agent="Feedly (4 subscribers)", path="x.rss")]
    assert [(number, what) for number, what, _ in key_figures(report_of(requests))] == [
        ("5", "subscriptions"),
        ("3", "requests for feeds"),
        ("67%", "answered with 304"),
        ("1.0 kB", "saved by 304s"),
    ]
    assert [how for _, _, how in key_figures(report_of(requests))] == [
        "4 reported by services, 1 individual; last 7 days",
        "2026-11-01",
        "nothing new to send 2 times",
        "1.0 kB were sent; the savings of 1 are unknown",
    ]
    two = report_of([poll(path=path) for path in ("a.rss", "b.rss")])
    assert key_figures(two)[0][2] == "0 reported by services, 2 by 1 individual; last 7 days"
    assert summary(replace(report_of(requests), unreadable_lines=1)) == (
        "3 requests, 3 for feeds, 0 for archives, 0 for anything else; 1 line could not be read."
    )
    assert summary(report_of([poll()])).startswith("1 request, ")


@pytest.mark.parametrize(
    ("days", "trend"),
    [
        ([10] * 7 + [15] * 7 + [3], "105 in the last 7 days, 50% more than in the 7 days before"),
        ([10] * 7 + [5] * 7 + [3], "35 in the last 7 days, 50% fewer than in the 7 days before"),
        ([10] * 15, "70 in the last 7 days, as many as in the 7 days before"),
        ([0] * 7 + [10] * 8, ""),
        ([10] * 14, ""),
        ([], ""),
    ],
)
def test_requests_are_compared_with_the_week_before(days, trend):
    rows = tuple(
        DayStats(day=f"2026-11-{number:02}", requests=requests, not_modified=0)
        for number, requests in enumerate(days, 1)
    )
    report = replace(report_of([poll()]), days=rows)
    assert format_trend(report) == trend
    assert key_figures(report)[1][2].endswith(trend or "2026-11-01")


def test_feeds_without_readers_are_folded():
    page = render_page(report_of([poll(path="topics/ai.atom", agent=APP), poll(agent="Googlebot")]))
    folded = page.partition('<section id="feeds-without-readers">')[2].partition("</section>")[0]
    assert folded.index("<details>") < folded.index("<table>")


def test_every_section():
    requests = [poll(agent="Newsboat/1"), *(download(n) for n in range(9))]
    requests += [poll(agent="Googlebot"), poll(path="topics/ai.atom", agent=APP)]
    for status in (404, 403, 410, 308, 500, 451):
        requests += [poll(n, path=f"s{status}.rss", status=status) for n in range(3)]
    for status, path in ((404, "all.rss"), (429, "s.rss"), (499, "s.rss")):
        requests += [poll(100 + n, path=path, status=status) for n in range(3)]
    report = report_of(requests)
    by_name = {section.name: section for section in sections(report)}
    assert list(by_name) == [
        "feeds",
        "readers",
        "feeds-without-readers",
        "ignore-validators",
        "frequent-polls",
        "not-found",
        "robots",
        "days",
    ]
    assert {row[1] for row in by_name["not-found"].rows} == {
        "404, was a feed", "404, not found", "403, not found", "410, retired", "308, redirected",
        "500, the server failed", "451, refused", "429, too many requests",
        "499, the reader disconnected",
    }  # fmt: skip
    assert by_name["feeds-without-readers"].explanation == (
        "1 feed of the catalog that only robots, or no one at all, requested in the last 7 days."
    )
    assert by_name["feeds"].rows[0][0] == "all, rss"
    assert by_name["feeds"].rows[1][0] == "AI (topics/ai), atom"
    for section in by_name.values():
        assert {len(row) for row in section.rows} == {len(section.columns)}
        assert section.explanation
        assert section.top_rows(0) == (section.rows, 0)


def test_the_error_of_an_estimate_is_shown():
    report = report_of([poll()])
    audience = replace(report.audience, individuals=1234, error=0.0117)
    assert format_individuals(audience) == "1,234 ±1.2%"
    assert "Counts with ±" in render_page(replace(report, audience=audience))
    assert "Counts with ±" not in render_page(report)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_951, "10 kB"),
        (999_499, "999 kB"), (999_501, "1.0 MB"), (10**15, "1.0 PB"), (10**19, "10000 PB"),
    ],
)  # fmt: skip
def test_sizes(value: int, text: str):
    assert format_size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.994, "99%"), (0.999, ">99%"), (1, "100%")],
)
def test_shares(value: float, text: str):
    assert format_share(value) == text
