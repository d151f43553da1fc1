"""The counts of a report: generated logs with known totals, in every format and any order."""

from __future__ import annotations

import random
from dataclasses import asdict

import pytest

from feedhub.stats import SiteFeeds, TrafficReport, counters
from tests.access_logs import (
    DAY,
    FEEDLY,
    FEEDS,
    FORMATS,
    GeneratedLog,
    LoggedRequest,
    by_document,
    download,
    generate_log,
    poll,
    report_of,
)


def assert_totals(report: TrafficReport, log: GeneratedLog) -> None:
    rows = by_document(report)
    assert set(rows) == set(FEEDS)
    for feed, row in rows.items():
        audience, traffic = row.audience, row.traffic
        assert audience.reported == log.reported[feed]
        assert audience.individuals == log.individuals[feed]
        assert traffic.requests == log.counts[feed]
        assert traffic.not_modified == log.not_modified[feed]
        assert traffic.bytes_sent == log.bytes_sent[feed]
        assert traffic.bytes_saved == log.bytes_saved[feed]
        assert traffic.not_modified_share == round(traffic.not_modified / traffic.requests, 6)
        assert (traffic.savings_unknown, audience.error) == (0, 0.0)
    single = {row.name: row.audience.individuals for row in report.readers if row.kind != "service"}
    assert single == log.readers
    assert {row.name: row.requests for row in report.robots} == log.robots
    days = {row.day: [row.requests, row.not_modified] for row in report.days}
    assert list(days.values()) == [log.days[day] for day in sorted(log.days)]
    assert report.audience.individuals == sum(log.individuals.values())
    assert report.subscriptions == sum(log.individuals.values()) + sum(log.reported.values())
    assert (report.other_requests, report.requests, report.not_found) == (1, len(log.requests), ())
    assert (report.since[:10], report.until) == ("2026-11-01", "2026-11-11T00:00:00Z")


@pytest.mark.parametrize("form", FORMATS)
def test_a_generated_log_is_counted_exactly(form: str):
    log = generate_log(seed=3)
    assert_totals(report_of(log.requests, form), log)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_lines_does_not_matter(seed: int):
    log = generate_log(seed)
    random.Random(seed).shuffle(log.requests)
    assert_totals(report_of(log.requests), log)


# Subscribers


def test_the_newest_number_of_a_service_counts_even_if_its_line_comes_first():
    requests = [poll(9, agent=FEEDLY.format(5)), poll(3, agent=FEEDLY.format(80))]
    assert report_of(requests).subscriptions == 5


def test_numbers_are_summed_over_the_feed_ids_of_a_service_but_not_over_its_addresses():
    requests = [
        poll(1, agent="Feedbin feed-id:1 - 10 subscribers", address="192.0.2.1"),
        poll(2, agent="Feedbin feed-id:1 - 11 subscribers", address="192.0.2.2"),
        poll(3, agent="Feedbin feed-id:2 - 100 subscribers", address="192.0.2.1"),
        poll(4, agent=FEEDLY.format(1000), address="192.0.2.3"),
        poll(5, agent=FEEDLY.format(2000), address="192.0.2.4"),
    ]
    report = report_of(requests)
    assert report.feeds[0].audience.reported == 11 + 100 + 2000
    assert {row.name: row.audience.reported for row in report.readers} == {
        "Feedbin": 111,
        "Feedly": 2000,
    }


def test_a_service_without_a_number_counts_once():
    requests = [poll(n, agent="Blogtrottr/2.0", address=f"192.0.2.{n}") for n in range(9)]
    assert report_of(requests).subscriptions == 1


def test_a_request_without_a_number_does_not_change_the_number():
    requests = [
        poll(1, agent=FEEDLY.format(462)),
        poll(2, agent="FeedlyBot/1.0"),
        poll(1, agent="Feedbin feed-id:1 - 10 subscribers"),
        poll(2, agent="Feedbin/1"),
        poll(1, path="topics/ai.rss", agent=FEEDLY.format(0)),
        poll(2, path="topics/law.rss", agent="Feedbin/1"),
    ]
    report = report_of(requests)
    assert {feed.feed: feed.audience.reported for feed in report.feeds} == {
        "all": 472,
        "topics/ai": 0,
        "topics/law": 1,
    }
    assert {row.name: row.audience.reported for row in report.readers} == {
        "Feedly": 462,
        "Feedbin": 11,
    }


def test_an_old_number_counts_while_its_service_keeps_polling():
    requests = [poll(0, agent=FEEDLY.format(9)), poll(8 * DAY, agent="Feedly/1")]
    assert report_of(requests).subscriptions == 9


def test_a_name_that_gives_a_number_once_is_a_service():
    requests = [poll(1, agent="Newish/1"), poll(2, agent="Newish/1 (4 readers)")]
    (row,) = report_of(requests).readers
    assert (row.name, row.kind, row.requests) == ("Newish", "service", 2)


def test_only_readers_of_the_days_before_the_newest_line_count():
    requests = [
        poll(0, address="192.0.2.1"),
        poll(0, agent=FEEDLY.format(9)),
        poll(1, address="192.0.2.2"),
        poll(7 * DAY, path="style.css"),
    ]
    assert report_of(requests).audience.individuals == 1
    assert report_of(requests).subscriptions == 1
    assert report_of(requests, days=8).subscriptions == 11


@pytest.mark.parametrize("status", [200, 304])
def test_an_older_line_that_comes_later_removes_no_reader(status: int):
    requests = [poll(second, status=status) for second in (8 * DAY, 8 * DAY, 0, 0)]
    assert report_of(requests).subscriptions == 1


def test_a_reader_of_two_formats_counts_once_per_feed_and_once_in_total():
    requests = [poll(path=path) for path in ("all.rss", "all.atom", "topics/ai.rss")]
    report = report_of(requests)
    assert [feed.audience.individuals for feed in report.feeds] == [1, 1]
    assert (report.audience.individuals, report.subscriptions) == (1, 2)
    assert [row.audience.individuals for row in report.readers] == [1]


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
def test_addresses_of_one_household_are_one_reader(first: str, second: str, single: int):
    assert report_of([poll(address=first), poll(address=second)]).audience.individuals == single


def test_readers_of_one_address_differ_by_user_agent():
    assert report_of([poll(agent="A/1"), poll(agent="B/1")]).audience.individuals == 2


# Request targets


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
def test_a_request_target_is_resolved_to_its_feed(target: str, feed: str):
    report = report_of([poll(target=target)], feeds=SiteFeeds(moved={"old": "new"}))
    assert [row.feed for row in report.feeds] == [feed]


@pytest.mark.parametrize(
    "target",
    ["/", "", "*", "/all", "/.rss", "/style.css", "/all.rss.gz", "/x" * 300 + ".rss", "/feed"],
)
def test_other_targets_are_no_feeds(target: str):
    report = report_of([poll(target=target, status=200)])
    assert (report.feeds, report.other_requests, report.requests) == ((), 1, 1)


def test_only_get_requests_count():
    assert report_of([poll(method="HEAD"), poll(method="POST")]).other_requests == 2


def test_the_path_of_the_base_url_is_no_part_of_a_feed():
    requests = [poll(target="/feeds/all.rss"), poll(target="/all.rss"), poll(target="/feedsx")]
    report = report_of(requests, feeds=SiteFeeds(prefix="/feeds"))
    assert [(row.feed, row.traffic.requests) for row in report.feeds] == [("all", 1)]
    assert report.other_requests == 2


def test_archives_are_counted_separately():
    report = report_of([poll(path="all/2020-06.rss", status=200, size=9), poll(path="all.rss")])
    assert (report.archive_requests, report.traffic.requests, report.requests) == (1, 1, 2)


def test_feeds_of_the_catalog_without_recent_readers_are_listed():
    requests = [
        poll(0, path="topics/law.rss"),
        poll(8 * DAY, path="topics/ai.rss", agent="Googlebot/2.1"),
        poll(8 * DAY, path="all.rss"),
    ]
    assert report_of(requests).feeds_without_readers == ("topics/ai", "topics/law")
    assert report_of(requests, feeds=SiteFeeds()).feeds_without_readers is None
    assert {row.feed: row.title for row in report_of(requests).feeds}["topics/ai"] == "AI"


# Bytes saved


def test_a_304_saves_a_median_response_in_its_coding():
    plain = [poll(n, status=200, size=size) for n, size in enumerate((900, 1000, 5000))]
    coded = [replace_coding(poll(n, status=200, size=100), "br") for n in range(4)]
    unchanged = [poll(9), replace_coding(poll(9, size=30), "br"), poll(9, path="x.rss")]
    rows = by_document(report_of(plain + coded + unchanged, "nginx"))
    traffic, unknown = rows["all", "rss"].traffic, rows["x", "rss"].traffic
    assert traffic.bytes_saved == 1000 + (100 - 30)
    assert traffic.bytes_sent == 900 + 1000 + 5000 + 4 * 100 + 30
    assert (unknown.bytes_saved, unknown.savings_unknown) == (0, 1)


def replace_coding(request: LoggedRequest, coding: str) -> LoggedRequest:
    return request._replace(coding=coding)


def test_without_a_coding_a_304_saves_the_median_of_all_responses():
    requests = [replace_coding(poll(status=200, size=100), "gzip"), poll(1)]
    assert report_of(requests, "nginx").traffic.bytes_saved == 100


def test_caddy_logs_no_coding_of_a_304():
    requests = [replace_coding(poll(status=200, size=100), "gzip") for _ in range(3)]
    requests += [poll(status=200, size=1000), *(poll(n) for n in range(10))]
    assert report_of(requests, "caddy").traffic.bytes_saved == 10 * 100


def test_partial_responses_do_not_change_the_savings():
    traffic = report_of([poll(status=226, size=7), poll(status=206, size=8), poll()]).traffic
    assert (traffic.requests, traffic.full, traffic.not_modified) == (3, 0, 1)
    assert traffic.bytes_sent == 15
    assert traffic.savings_unknown == 1


def test_more_than_max_sizes_are_rounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counters, "MAX_SIZES", 3)
    requests = [poll(n, status=200, size=100_000 + n) for n in range(999)]
    traffic = report_of([*requests, poll(9)]).traffic
    assert abs(traffic.bytes_saved - 100_500) < 1_005


# Readers that ignore validators, and paths without a feed


@pytest.mark.parametrize(
    ("requests", "found"),
    [
        ([download(n) for n in range(6)], [("Miniflux", 1, 5, 2500)]),
        ([download(n) for n in range(5)], []),
        ([download(n, size=500 + n) for n in range(20)], []),
        ([*(download(n) for n in range(20)), poll(99)], []),
        ([download(n, address=f"192.0.2.{n}") for n in range(20)], []),
        ([download(n, agent=FEEDLY.format(n)) for n in range(6)], [("Feedly", 1, 5, 2500)]),
        ([download(n, agent="Googlebot/2.1") for n in range(9)], []),
        ([download(n, address=f"192.0.2.{n % 2}") for n in range(12)], [("Miniflux", 2, 10, 5000)]),
    ],
)
def test_readers_that_ignore_validators(
    requests: list[LoggedRequest], found: list[tuple[str, int, int, int]]
):
    other = poll(agent="Newsboat/2.1")
    rows = [tuple(asdict(row).values()) for row in report_of([other, *requests]).ignore_validators]
    assert rows == found


def test_without_any_304_no_reader_ignores_validators():
    assert report_of([download(n) for n in range(20)]).ignore_validators == ()


@pytest.mark.parametrize(
    ("requests", "found"),
    [
        ([download(n * 60, size=n) for n in range(9)], [("Miniflux", 1, 4)]),
        ([download(n * 60) for n in range(5)], []),
        ([download(n * 900) for n in range(40)], []),  # once in each window
        ([download(n * 100) for n in range(27)], [("Miniflux", 1, 12)]),  # 9 in each of three
        ([*(download(n) for n in range(20)), poll(99)], []),
        ([download(n, address=f"192.0.2.{n}") for n in range(20)], []),
        ([download(n, agent=FEEDLY.format(n)) for n in range(20)], []),
        ([download(1_000 - n) for n in range(9)], []),  # the log is not in order
    ],
)
def test_readers_that_a_limit_of_polls_would_meet(
    requests: list[LoggedRequest], found: list[tuple[str, int, int]]
):
    rows = [tuple(asdict(row).values()) for row in report_of(requests).frequent_polls]
    assert rows == found


def test_paths_without_a_feed_are_listed():
    requests = [poll(n, path="topics/ml.rss", status=404) for n in range(4)]
    requests += [poll(n, path="all.atom", status=500, size=9) for n in range(3)]
    requests += [poll(n, path="all.json", status=404) for n in range(3)]
    requests += [poll(n, path="all/2020-06.atom", status=404) for n in range(3)]
    requests += [poll(n, path="new.rss", status=404) for n in range(3)] + [poll(3, "new.rss")]
    requests += [poll(0, path="all.atom"), *(poll(n, path="feed", status=308) for n in range(3))]
    requests += [poll(n, path="x.json", status=404, agent="Firefox/140.0") for n in range(9)]
    requests += [poll(n, path="y.rss", status=404, agent="Googlebot") for n in range(9)]
    requests += [poll(n, path="z.rss", status=404) for n in range(2)]
    rows = report_of(requests).not_found
    assert [(r.path, r.status, r.requests, r.was_feed) for r in rows] == [
        ("topics/ml.rss", 404, 4, False),
        ("all.atom", 500, 3, True),
        ("all.json", 404, 3, False),
        ("all/2020-06.atom", 404, 3, False),
        ("feed", 308, 3, False),
        ("new.rss", 404, 3, False),
    ]
    assert (rows[0].readers, rows[0].last_seen) == (("Miniflux",), "2026-11-01T00:00:03Z")
    assert report_of(requests).other_requests == len(requests) - 2


@pytest.mark.parametrize("form", FORMATS)
def test_the_period_goes_from_the_first_minute_to_the_last_second(form: str):
    report = report_of([poll(99), poll(37), poll(125)], form)
    assert (report.since, report.until) == ("2026-11-01T00:00:00Z", "2026-11-01T00:02:05Z")


def test_a_feed_that_is_found_again_has_not_ended():
    failed = [poll(n, path="all.rss", status=404) for n in range(3, 6)]
    good = [replace_coding(poll(9, status=200, agent="A/1", size=1), "gzip")]
    for old in (poll(1, agent="B/1"), replace_coding(poll(1, agent="B/1"), "gzip")):
        assert [row.was_feed for row in report_of([*good, old, *failed], "nginx").not_found] == [
            False
        ]
        assert [row.was_feed for row in report_of([old, *failed], "nginx").not_found] == [True]


def test_an_empty_log_gives_an_empty_report():
    report = report_of([])
    assert (report.since, report.until, report.requests, report.feeds) == ("", "", 0, ())
