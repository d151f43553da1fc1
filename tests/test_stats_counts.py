"""What is counted: made logs whose truth is known, in every format and any order."""

from __future__ import annotations

import random
from dataclasses import asdict
from typing import Any

import pytest

from feedhub.stats import Addresses, Report, documents
from feedhub.stats.counts import Tally
from feedhub.stats.lines import Record, rows_of
from feedhub.stats.reporting import report
from tests.made_log import DAY, FEEDS, FORMATS, START, Truth, made_log, written

FEEDLY = "Feedly/1.0 ({} subscribers)"
APP = "Miniflux/2.2.3"
KNOWN = Addresses(titles={"all": "", "topics/ai": "AI", "topics/law": "Law"})


def told(
    records: list[Record], form: str = "combined", addresses: Addresses = KNOWN, days: int = 7
) -> Report:
    """Return the report of a log of these records."""
    tally = Tally(addresses)
    data = "".join(written(record, form) for record in records).encode()
    rows, bad = rows_of(data)
    assert bad == []
    tally.add(rows)
    tally.close()
    return report(tally, days=days)


def answer(second: int = 0, path: str = "all.rss", agent: str = APP, **more: Any) -> Record:
    given = {"address": "192.0.2.7", "status": 304, "size": 0, "method": "GET"}
    fields: dict[str, Any] = {"target": f"/{path}"} | given | more
    return Record(second=START + second, agent=agent, **fields)


def by_document(made: Report) -> dict[tuple[str, str], Any]:
    return {(feed.feed, row.format): row for feed in made.feeds for row in feed.documents}


def assert_true(made: Report, truth: Truth, form: str) -> None:
    rows = by_document(made)
    assert set(rows) == set(FEEDS)
    for feed, row in rows.items():
        audience, served = row.audience, row.served
        assert (audience.reported, audience.single) == (truth.reported[feed], truth.single[feed])
        assert (served.requests, served.unchanged) == (truth.requests[feed], truth.unchanged[feed])
        assert (served.sent, served.saved) == (truth.sent[feed], truth.saved[feed])
        assert served.share == round(served.unchanged / served.requests, 6)
        assert (served.unpriced, audience.error) == (0, 0.0)
    single = {row.name: row.audience.single for row in made.readers if row.kind != "service"}
    assert single == truth.readers
    assert {row.name: row.requests for row in made.robots} == truth.robots
    days = {row.day: [row.requests, row.unchanged] for row in made.days}
    assert list(days.values()) == [truth.days[day] for day in sorted(truth.days)]
    assert made.audience.single == sum(truth.single.values())
    assert made.subscriptions == sum(truth.single.values()) + sum(truth.reported.values())
    assert (made.others, made.answers, made.astray) == (1, len(truth.records), ())
    assert (made.since[:10], made.until) == ("2026-11-01", "2026-11-11T00:00:00Z")


@pytest.mark.parametrize("form", FORMATS)
def test_a_log_whose_truth_is_known_is_told_exactly(form: str):
    truth = made_log(seed=3)
    assert_true(told(truth.records, form), truth, form)


@pytest.mark.parametrize("seed", range(3))
def test_lines_may_come_in_any_order(seed: int):
    truth = made_log(seed)
    random.Random(seed).shuffle(truth.records)
    assert_true(told(truth.records), truth, "combined")


# Subscribers


def test_the_newest_number_of_a_service_counts_though_it_comes_first():
    records = [answer(9, agent=FEEDLY.format(5)), answer(3, agent=FEEDLY.format(80))]
    assert told(records).subscriptions == 5


def test_ids_of_a_service_are_summed_and_addresses_are_not():
    records = [
        answer(1, agent="Feedbin feed-id:1 - 10 subscribers", address="192.0.2.1"),
        answer(2, agent="Feedbin feed-id:1 - 11 subscribers", address="192.0.2.2"),
        answer(3, agent="Feedbin feed-id:2 - 100 subscribers", address="192.0.2.1"),
        answer(4, agent=FEEDLY.format(1000), address="192.0.2.3"),
        answer(5, agent=FEEDLY.format(2000), address="192.0.2.4"),
    ]
    made = told(records)
    assert made.feeds[0].audience.reported == 11 + 100 + 2000
    assert {row.name: row.audience.reported for row in made.readers} == {
        "Feedbin": 111,
        "Feedly": 2000,
    }


def test_a_service_that_tells_no_number_counts_once():
    records = [answer(n, agent="Blogtrottr/2.0", address=f"192.0.2.{n}") for n in range(9)]
    assert told(records).subscriptions == 1


def test_who_asks_without_a_number_takes_none_back():
    records = [
        answer(1, agent=FEEDLY.format(462)),
        answer(2, agent="FeedlyBot/1.0"),
        answer(1, agent="Feedbin feed-id:1 - 10 subscribers"),
        answer(2, agent="Feedbin/1"),
        answer(1, path="topics/ai.rss", agent=FEEDLY.format(0)),
        answer(2, path="topics/law.rss", agent="Feedbin/1"),
    ]
    made = told(records)
    assert {feed.feed: feed.audience.reported for feed in made.feeds} == {
        "all": 472,
        "topics/ai": 0,
        "topics/law": 1,
    }
    assert {row.name: row.audience.reported for row in made.readers} == {
        "Feedly": 462,
        "Feedbin": 11,
    }


def test_a_number_counts_while_its_service_comes():
    records = [answer(0, agent=FEEDLY.format(9)), answer(8 * DAY, agent="Feedly/1")]
    assert told(records).subscriptions == 9


def test_a_name_that_tells_a_number_at_times_is_a_service():
    records = [answer(1, agent="Newish/1"), answer(2, agent="Newish/1 (4 readers)")]
    (row,) = told(records).readers
    assert (row.name, row.kind, row.requests) == ("Newish", "service", 2)


def test_only_readers_of_the_window_before_the_newest_line_count():
    records = [
        answer(0, address="192.0.2.1"),
        answer(0, agent=FEEDLY.format(9)),
        answer(1, address="192.0.2.2"),
        answer(7 * DAY, path="style.css"),
    ]
    assert told(records).audience.single == 1
    assert told(records).subscriptions == 1
    assert told(records, days=8).subscriptions == 11


@pytest.mark.parametrize("status", [200, 304])
def test_an_older_line_that_comes_later_takes_nobody_away(status: int):
    records = [answer(second, status=status) for second in (8 * DAY, 8 * DAY, 0, 0)]
    assert told(records).subscriptions == 1


def test_one_reader_of_two_formats_counts_once_in_the_feed_and_once_in_all():
    records = [answer(path=path) for path in ("all.rss", "all.atom", "topics/ai.rss")]
    made = told(records)
    assert [feed.audience.single for feed in made.feeds] == [1, 1]
    assert (made.audience.single, made.subscriptions) == (1, 2)
    assert [row.audience.single for row in made.readers] == [1]


@pytest.mark.parametrize(
    ("first", "second", "single"),
    [
        ("192.0.2.1", "192.0.2.2", 2),
        ("2001:db8::1", "2001:db8::ffff:2", 1),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", 2),
        ("::ffff:192.0.2.1", "192.0.2.1", 1),
        ("fe80::1%eth0", "fe80::2%eth0", 1),
        ("a:b", "a:c", 2),
    ],
)
def test_who_is_one_reader(first: str, second: str, single: int):
    assert told([answer(address=first), answer(address=second)]).audience.single == single


def test_the_user_agent_tells_readers_of_one_address_apart():
    assert told([answer(agent="A/1"), answer(agent="B/1")]).audience.single == 2


# What is a feed


@pytest.mark.parametrize(
    ("target", "feed"),
    [
        ("/all.rss", "all"),
        ("/all.rss?utm_source=x&y=/b.atom", "all"),
        ("/all.rss#part", "all"),
        ("https://feeds.example.org/all.rss", "all"),
        ("HTTP://feeds.example.org:80/topics/ai.json?x", "topics/ai"),
        ("/topics/k%C3%BCnstlich.atom", "topics/k\u00fcnstlich"),
        ("/topics/%2e%2e/x.rss", "topics/../x"),
        ("/search.rss?topic=ai", "search"),
        ("/old.rss", "new"),
    ],
)
def test_an_address_is_a_feeds_whatever_stands_behind_it(target: str, feed: str):
    made = told([answer(target=target)], addresses=Addresses(moved={"old": "new"}))
    assert [row.feed for row in made.feeds] == [feed]


@pytest.mark.parametrize(
    "target",
    ["/", "", "*", "/all", "/.rss", "/style.css", "/all.rss.gz", "/x" * 300 + ".rss", "/feed"],
)
def test_other_addresses_are_no_feeds(target: str):
    made = told([answer(target=target, status=200)])
    assert (made.feeds, made.others, made.answers) == ((), 1, 1)


def test_only_get_reads_a_feed():
    assert told([answer(method="HEAD"), answer(method="POST")]).others == 2


def test_the_prefix_of_the_base_address_is_not_part_of_a_feed():
    records = [answer(target="/feeds/all.rss"), answer(target="/all.rss"), answer(target="/feedsx")]
    made = told(records, addresses=Addresses(prefix="/feeds"))
    assert [(row.feed, row.served.requests) for row in made.feeds] == [("all", 1)]
    assert made.others == 2


def test_archives_are_counted_by_themselves():
    made = told([answer(path="all/2020-06.rss", status=200, size=9), answer(path="all.rss")])
    assert (made.archives, made.served.requests, made.answers) == (1, 1, 2)


def test_feeds_nobody_reads_are_those_of_the_catalog_without_a_reader():
    records = [
        answer(0, path="topics/law.rss"),
        answer(8 * DAY, path="topics/ai.rss", agent="Googlebot/2.1"),
        answer(8 * DAY, path="all.rss"),
    ]
    assert told(records).unread == ("topics/ai", "topics/law")
    assert told(records, addresses=Addresses()).unread is None
    assert {row.feed: row.title for row in told(records).feeds}["topics/ai"] == "AI"


# Bytes


def test_a_304_saves_a_median_answer_in_its_coding():
    plain = [answer(n, status=200, size=size) for n, size in enumerate((900, 1000, 5000))]
    coded = [replace_coding(answer(n, status=200, size=100), "br") for n in range(4)]
    unchanged = [answer(9), replace_coding(answer(9, size=30), "br"), answer(9, path="x.rss")]
    rows = by_document(told(plain + coded + unchanged, "nginx"))
    served, unpriced = rows["all", "rss"].served, rows["x", "rss"].served
    assert served.saved == 1000 + (100 - 30)
    assert served.sent == 900 + 1000 + 5000 + 4 * 100 + 30
    assert (unpriced.saved, unpriced.unpriced) == (0, 1)


def replace_coding(record: Record, coding: str) -> Record:
    return record._replace(coding=coding)


def test_where_the_coding_of_a_304_is_not_told_all_answers_price_it():
    records = [replace_coding(answer(status=200, size=100), "gzip"), answer(1)]
    assert told(records, "nginx").served.saved == 100


def test_caddy_tells_no_coding_of_a_304():
    records = [replace_coding(answer(status=200, size=100), "gzip") for _ in range(3)]
    records += [answer(status=200, size=1000), *(answer(n) for n in range(10))]
    assert told(records, "caddy").served.saved == 10 * 100


def test_parts_of_feeds_are_sent_but_price_nothing():
    served = told([answer(status=226, size=7), answer(status=206, size=8), answer()]).served
    assert (served.requests, served.full, served.unchanged, served.sent) == (3, 0, 1, 15)
    assert served.unpriced == 1


def test_very_many_sizes_are_kept_roughly(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "_MOST_SIZES", 3)
    records = [answer(n, status=200, size=100_000 + n) for n in range(999)]
    served = told([*records, answer(9)]).served
    assert abs(served.saved - 100_500) < 1_005


# Those who go wrong


def full(second: int, size: int = 500, **more: Any) -> Record:
    return answer(second, status=200, size=size, **more)


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([full(n) for n in range(6)], [("Miniflux", 1, 5, 2500)]),
        ([full(n) for n in range(5)], []),
        ([full(n, size=500 + n) for n in range(20)], []),
        ([*(full(n) for n in range(20)), answer(99)], []),
        ([full(n, address=f"192.0.2.{n}") for n in range(20)], []),
        ([full(n, agent=FEEDLY.format(n)) for n in range(6)], [("Feedly", 1, 5, 2500)]),
        ([full(n, agent="Googlebot/2.1") for n in range(9)], []),
        ([full(n, address=f"192.0.2.{n % 2}") for n in range(12)], [("Miniflux", 2, 10, 5000)]),
    ],
)
def test_who_ignores_validators(records: list[Record], found: list[tuple[str, int, int, int]]):
    other = answer(agent="Newsboat/2.1")
    rows = [tuple(asdict(row).values()) for row in told([other, *records]).heedless]
    assert rows == found


def test_where_nobody_gets_a_304_nobody_ignores_one():
    assert told([full(n) for n in range(20)]).heedless == ()


def test_what_is_asked_for_in_vain_is_told():
    records = [answer(n, path="topics/ml.rss", status=404) for n in range(4)]
    records += [answer(n, path="all.atom", status=500, size=9) for n in range(3)]
    records += [answer(n, path="all.json", status=404) for n in range(3)]
    records += [answer(n, path="all/2020-06.atom", status=404) for n in range(3)]
    records += [answer(n, path="new.rss", status=404) for n in range(3)] + [answer(3, "new.rss")]
    records += [answer(0, path="all.atom"), *(answer(n, path="feed", status=308) for n in range(3))]
    records += [answer(n, path="x.json", status=404, agent="Firefox/140.0") for n in range(9)]
    records += [answer(n, path="y.rss", status=404, agent="Googlebot") for n in range(9)]
    records += [answer(n, path="z.rss", status=404) for n in range(2)]
    rows = told(records).astray
    assert [(r.path, r.status, r.requests, r.was) for r in rows] == [
        ("topics/ml.rss", 404, 4, False),
        ("all.atom", 500, 3, True),
        ("all.json", 404, 3, False),
        ("all/2020-06.atom", 404, 3, False),
        ("feed", 308, 3, False),
        ("new.rss", 404, 3, False),
    ]
    assert (rows[0].names, rows[0].newest) == (("Miniflux",), "2026-11-01T00:00:03Z")
    assert told(records).others == len(records) - 2


@pytest.mark.parametrize("form", FORMATS)
def test_the_first_minute_and_the_last_second_are_told(form: str):
    made = told([answer(99), answer(37), answer(125)], form)
    assert (made.since, made.until) == ("2026-11-01T00:00:00Z", "2026-11-01T00:02:05Z")


def test_a_feed_that_answers_again_was_not_only_one_before():
    vain = [answer(n, path="all.rss", status=404) for n in range(3, 6)]
    good = [replace_coding(answer(9, status=200, agent="A/1", size=1), "gzip")]
    for old in (answer(1, agent="B/1"), replace_coding(answer(1, agent="B/1"), "gzip")):
        assert [row.was for row in told([*good, old, *vain], "nginx").astray] == [False]
        assert [row.was for row in told([old, *vain], "nginx").astray] == [True]


def test_an_empty_log_is_told_too():
    made = told([])
    assert (made.since, made.until, made.answers, made.feeds) == ("", "", 0, ())
