"""The report as tables and as a page: what it says, and that strangers can put nothing in it."""

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

from feedhub.stats import Report, plots, words
from feedhub.stats.addresses import Addresses
from feedhub.stats.page import page
from feedhub.stats.report import DayRow
from feedhub.stats.tables import facts, notes, sections
from tests.made_log import DAY, made_log
from tests.test_stats_counts import APP, answer, full, told

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"
VOID = {"meta", "rect", "line", "br"}


@pytest.fixture(scope="module")
def made() -> Report:
    return told(made_log(seed=3).records)


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


def test_the_page_asks_nobody_for_anything(made: Report):
    text = page(made)
    names = {name for _, attributes in Outline(text).elements for name in attributes}
    assert not names & {"src", "srcset", "style", "onload", "action", "data", "xlink:href"}
    links = [attributes["href"] for tag, attributes in Outline(text).elements if tag == "a"]
    assert links
    assert all(str(link).startswith("#") for link in links)
    assert not re.search(r"url\(|@import|https?://", text)


def test_the_policy_lets_in_the_style_alone(made: Report):
    text = page(made)
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [a.get("content") for tag, a in Outline(text).elements if "http-equiv" in a]
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'"]


def test_every_link_and_label_has_its_place(made: Report):
    elements = Outline(page(made)).elements
    ids = [str(attributes["id"]) for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = [str(a["href"])[1:] for tag, a in elements if tag == "a"]
    wanted += [str(a["aria-labelledby"]) for _, a in elements if "aria-labelledby" in a]
    assert set(wanted) <= set(ids)
    assert next(tag for tag, _ in elements if re.fullmatch("h[1-6]", tag)) == "h1"


def test_each_plot_has_its_numbers_in_a_table(made: Report):
    text = "".join(Outline(page(made)).text)
    for row in made.days:
        assert row.day in text
    for feed in made.feeds:
        assert feed.feed in text
    for reader in (*made.readers, *made.robots):
        assert reader.name in text


def test_what_strangers_write_is_only_text():
    records = [answer(n, path=f"{HOSTILE}.rss", status=404, agent=f"{HOSTILE}/1") for n in range(5)]
    records += [full(n, agent="{{7*7}}<b>/1") for n in range(9)] + [answer(agent="\x1b[31m<i>/1")]
    records += [answer(path=f"topics/{HOSTILE}.rss"), answer(agent="<u>Feed</u>/1 (4 subscribers)")]
    report = told(records, addresses=Addresses(titles={"all": "<s>All</s>"}))
    outline = Outline(page(report))
    assert {tag for tag, _ in outline.elements} <= {
        *"html head meta title style body header h1 h2 p nav ul li a main dl div dt dd b".split(),
        *"span section figure ol svg line g rect figcaption details summary".split(),
        *"table thead tr th tbody td bdi footer".split(),
    }
    assert "alert(1)" in "".join(outline.text)
    assert "{{7*7}}" in "".join(outline.text)
    assert "\x1b" not in page(report)


def test_a_page_of_nothing():
    text = "".join(Outline(page(told([]))).text)
    assert "The logs hold no answer." in text
    assert "<table" not in page(told([], addresses=Addresses()))


def test_a_page_has_no_more_rows_than_a_browser_likes():
    records = [answer(path=f"t{n}.{suffix}") for n in range(600) for suffix in ("rss", "atom")]
    text = page(told(records))
    assert "And 100 more:" in text
    assert text.count('class="part"') == 1000


@given(st.lists(st.builds(
    DayRow,
    day=st.dates(date(1970, 1, 1), date(2999, 12, 31)).map(str),
    requests=st.integers(1, 10**9),
    unchanged=st.just(0),
), unique_by=lambda row: row.day, max_size=8))  # fmt: skip
def test_a_timeline_holds_every_request_of_ten_years(days):
    days = tuple(sorted(days, key=lambda row: row.day))
    found = plots.timeline(replace(told([]), days=days))
    assert len(found.columns) <= 62
    for column in found.columns:
        assert 0 <= column.low + column.high <= 100.01
    if days:
        assert max(column.low + column.high for column in found.columns) >= 49
        assert found.labels[-1] <= days[-1].day
        abouts = [re.findall(r": ([\d,]+) ", column.about)[0] for column in found.columns]
        counted = [int(about.replace(",", "")) for about in abouts]
        first = int(days[-1].day[:4]) - 9
        assert sum(counted) >= sum(row.requests for row in days if int(row.day[:4]) >= first)


def test_a_timeline_shows_days_without_requests_too():
    found = plots.timeline(told([answer(0), full(0), full(2 * DAY)]))
    assert [column.about for column in found.columns] == [
        "2026-11-01: 2 requests, 50% answered with 304",
        "2026-11-02: 0 requests, 0% answered with 304",
        "2026-11-03: 1 requests, 0% answered with 304",
    ]
    assert (found.top, found.days) == (2, 1)
    assert found.labels == ("2026-11-01", "2026-11-02", "2026-11-03")
    assert [(column.low, column.high) for column in found.columns] == [(50, 50), (0, 0), (0, 50)]


@pytest.mark.parametrize(
    ("most", "top"),
    [(1, 2), (9, 10), (11, 12), (100, 100), (101, 120), (2_190, 2_400), (8_001, 10_000)],
)
def test_a_timeline_ends_little_above_its_highest_day(most: int, top: int):
    days = (DayRow(day="2026-11-01", requests=most, unchanged=0),)
    assert plots.timeline(replace(told([]), days=days)).top == top


def test_a_long_time_is_shown_in_steps():
    found = plots.timeline(told([answer(0), answer(100 * DAY)]))
    assert (len(found.columns), found.days) == (51, 2)
    assert found.columns[0].about.startswith("2026-11-01 to 2026-11-02: 1 ")


def test_bars_show_who_has_most():
    report = told([answer(agent=f"Feedly ({n} subscribers)", path=f"t{n}.rss") for n in range(40)])
    bars = plots.feed_bars(report)
    assert [bar.name for bar in bars] == [f"t{n}" for n in range(39, 24, -1)]
    assert (bars[0].told, bars[0].single, bars[0].value) == (100, 0, "39")
    assert [bar.name for bar in plots.reader_bars(report)] == ["Feedly"]
    assert plots.feed_bars(told([])) == ()


def test_facts_say_what_they_mean():
    records = [answer(1), full(0, size=1000), answer(agent="Feedly (4 subscribers)", path="x.rss")]
    assert [(number, what) for number, what, _ in facts(told(records))] == [
        ("5", "subscriptions"),
        ("3", "requests for feeds"),
        ("67%", "answered with 304"),
        ("1.0 kB", "saved by 304s"),
    ]
    assert [how for _, _, how in facts(told(records))] == [
        "4 told by services, 1 single reader; last 7 days",
        "2026-11-01",
        "nothing new had to be sent 2 times",
        "1.0 kB were sent; 1 cannot be priced",
    ]
    two = told([answer(path=path) for path in ("a.rss", "b.rss")])
    assert facts(two)[0][2] == "0 told by services, 2 by 1 single reader; last 7 days"
    assert notes(replace(told(records), unreadable=1)) == (
        "3 answers, 3 of feeds, 0 of archives, 0 of anything else; 1 line could not be read."
    )
    assert notes(told([answer()])).startswith("1 answer, ")


def test_every_section_can_show():
    records = [answer(agent="Newsboat/1"), *(full(n) for n in range(9))]
    records += [answer(agent="Googlebot"), answer(path="topics/ai.atom", agent=APP)]
    for status in (404, 403, 410, 308, 500, 451):
        records += [answer(n, path=f"s{status}.rss", status=status) for n in range(3)]
    for status, path in ((404, "all.rss"), (429, "s.rss"), (499, "s.rss")):
        records += [answer(100 + n, path=path, status=status) for n in range(3)]
    report = told(records)
    by_name = {section.name: section for section in sections(report)}
    assert list(by_name) == ["feeds", "readers", "unread", "heedless", "astray", "robots", "days"]
    assert {row[1] for row in by_name["astray"].rows} == {
        "404, was a feed", "404, not found", "403, not found", "410, retired", "308, redirected",
        "500, the server failed", "451, refused", "429, asked too often",
        "499, the reader went away",
    }  # fmt: skip
    assert by_name["unread"].about == (
        "1 feed of the catalog that nobody but robots has asked for in the last 7 days."
    )
    assert by_name["feeds"].rows[0][0] == "all, rss"
    assert by_name["feeds"].rows[1][0] == "AI (topics/ai), atom"
    for section in by_name.values():
        assert {len(row) for row in section.rows} == {len(section.columns)}
        assert section.about
        assert section.first(0) == (section.rows, 0)


def test_the_error_of_an_estimate_is_shown():
    report = told([answer()])
    audience = replace(report.audience, single=1234, error=0.0117)
    assert words.single(audience) == "1,234 ±1.2%"
    assert "Counts with ±" in page(replace(report, audience=audience))
    assert "Counts with ±" not in page(report)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (9_951, "10 kB"),
        (999_499, "999 kB"), (999_501, "1.0 MB"), (10**15, "1.0 PB"), (10**19, "10000 PB"),
    ],
)  # fmt: skip
def test_sizes(value: int, text: str):
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0%"), (0.001, "<1%"), (0.5, "50%"), (0.994, "99%"), (0.999, ">99%"), (1, "100%")],
)
def test_shares(value: float, text: str):
    assert words.share(value) == text
