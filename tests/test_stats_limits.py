"""Limits of memory whatever a log contains, and no address in any report."""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.stats import SiteFeeds, counters, readers
from feedhub.stats.counters import TrafficCounter
from feedhub.stats.log_lines import parse_lines
from feedhub.stats.sampling import Sample, estimate, merge
from tests.access_logs import (
    APP,
    DAY,
    FEEDLY,
    FORMATS,
    START,
    by_document,
    format_line,
    generate_log,
    poll,
    report_of,
)
from tests.test_stats_counters import assert_totals


def test_too_many_readers_of_a_document_are_sampled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counters, "MAX_DOCUMENT_READERS", 500)
    requests = [
        poll(n % 60, address=f"10.{n >> 8}.{n & 255}.1", path=path)
        for path, many in (("all.rss", 4_000), ("topics/ai.rss", 60))
        for n in range(many)
    ]
    report = report_of(requests)
    rows = by_document(report)
    large = rows["all", "rss"].audience
    assert 0.03 < large.error < 0.09
    assert abs(large.individuals - 4_000) < 4_000 * 6 * large.error
    small = rows["topics/ai", "rss"].audience
    assert (small.individuals, small.error) == (60, 0)
    assert rows["all", "rss"].traffic.requests == 4_000
    assert abs(report.audience.individuals - 4_000) < 4_000 * 6 * report.audience.error


def test_the_largest_feeds_are_sampled_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counters, "MAX_READERS", 400)
    requests = [
        poll(n % 60, address=f"10.{n >> 8}.{n & 255}.1", path=path)
        for path, many in (("topics/ai.rss", 30), ("all.rss", 900))
        for n in range(many)
    ]
    rows = by_document(report_of(requests))
    assert rows["topics/ai", "rss"].audience.error == 0
    assert rows["topics/ai", "rss"].audience.individuals == 30
    assert 0 < rows["all", "rss"].audience.error < 0.2


def test_samples_shrink_no_more_than_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counters, "MAX_READERS", 400)
    counter, chance = TrafficCounter(SiteFeeds()), random.Random(1)
    for number in range(20):
        document = counters.DocumentCounter(f"t{number}", "rss")
        for _ in range(30 if number else 3):
            document.individuals.add(chance.getrandbits(64), counters.ReaderState("A"))
        counter.documents[document.feed, document.format] = document
    counter._readers = 999_999  # halving a full sample does not update it
    counter._shrink_samples()
    stored = [len(document.individuals.states) for document in counter.documents.values()]
    assert sum(stored) == counter._readers
    assert 270 < sum(stored) <= 300
    assert stored[0] == 3


@pytest.mark.parametrize(
    ("module", "limit"),
    [
        (counters, "MAX_POLLER_BYTES"),
        (counters, "MAX_CACHED_TARGETS"),
        (counters, "MAX_CACHED_TARGET_LENGTH"),
        (readers, "MAX_CACHED_AGENTS"),
        (readers, "MAX_CACHED_AGENT_LENGTH"),
    ],
)
def test_caches_change_no_count(monkeypatch: pytest.MonkeyPatch, module, limit):
    log = generate_log(1)
    monkeypatch.setattr(module, limit, 2)
    assert_totals(report_of(log.requests), log)


def test_names_services_feeds_and_missing_paths_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "MAX_NAMES", 5)
    monkeypatch.setattr(counters, "MAX_DOCUMENT_SERVICES", 5)
    monkeypatch.setattr(counters, "MAX_DOCUMENTS", 5)
    monkeypatch.setattr(counters, "MAX_NOT_FOUND", 5)
    monkeypatch.setattr(counters, "MAX_NOT_FOUND_READERS", 1)
    requests = [poll(n, agent=f"Reader{n}/1", address=f"192.0.2.{n}") for n in range(20)]
    requests += [poll(n, path=f"t{n}.rss") for n in range(20)]
    requests += [poll(n, agent=f"Feedbin feed-id:{n} - 1 subscribers") for n in range(20)]
    requests += [poll(n, path=f"{n}.rss", status=404) for n in range(20)]
    requests += [poll(n, path="often.rss", status=404, agent=f"R{n % 2}") for n in range(9)]
    report = report_of(requests)
    assert {row.name for row in report.readers} >= {"(others)", "Reader0"}
    assert len(report.readers) == 6
    assert len(report.feeds) == 5
    assert by_document(report)["all", "rss"].audience.reported == 5
    assert report.not_found[0].path == "often.rss"
    assert len(report.not_found[0].readers) == 1


def test_services_of_all_feeds_together_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counters, "MAX_SERVICES", 5)
    requests = [poll(n, f"t{n}.rss", FEEDLY.format(1)) for n in range(9)]
    assert report_of([*requests, poll(20, "t0.rss", FEEDLY.format(7))]).subscriptions == 11


def test_names_beyond_the_limit_count_as_others(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "MAX_NAMES", 1)
    agents = ("Miniflux/2", "Googlebot/2", FEEDLY.format(3), "Newsboat/2")
    report = report_of([poll(agent=agent) for agent in agents])
    assert [(row.name, row.kind, row.requests) for row in report.readers] == [
        ("(others)", "unknown", 3),
        ("Miniflux", "app", 1),
    ]


KEYS = ("client", "agent", "target", "method")


@pytest.mark.parametrize("key", KEYS)
def test_long_values_take_no_more_memory_than_short_ones(monkeypatch: pytest.MonkeyPatch, key: str):
    monkeypatch.setattr(counters, "MAX_POLLER_BYTES", 200_000)
    monkeypatch.setattr(readers, "MAX_NAMES", 5)
    counter = TrafficCounter(SiteFeeds())
    for number in range(100):
        value = f"{number:03}" + "x" * 10_000
        line = {"ts": START, "client": "a", "method": "GET", "target": "/all.rss", "status": 304}
        line |= {"target": f"/all.rss?{value}"} if key == "target" else {key: value}
        counter.add(parse_lines(json.dumps(line).encode())[0])
    stored = [
        *counter._pollers,
        *((key,) for key in counter._targets),
        *((a,) for a in counter.visitors._agents),
    ]
    assert len(repr(stored)) < 400_000
    assert counter.newest == START


def test_an_empty_sample_has_no_error():
    assert estimate(0, 3) == (0, 0.0)


@given(st.sets(st.integers(0, (1 << 64) - 1), max_size=300), st.integers(1, 40))
def test_a_sample_depends_on_the_hashes_alone(readers, limit):
    sample: Sample[None] = Sample(limit)
    for reader in readers:
        sample.add(reader, None)
    mask = (1 << sample.level) - 1
    assert set(sample.states) == {reader for reader in readers if not reader & mask}
    assert len(sample.states) <= limit
    assert sample.level == 0 or sum(not r & (mask >> 1) for r in readers) > limit


def test_samples_of_different_levels_can_be_merged():
    low, high = Sample[int](1_000), Sample[int](1_000)
    for reader in range(64):
        low.add(reader, 1)
        high.add(reader, 2)
    high.halve()
    high.halve()
    level, found = merge([low, high], lambda state: state == 1)
    assert level == 2
    assert {reader for reader, _ in found} == set(range(0, 64, 4))
    assert estimate(16, level).number == 64
    assert estimate(16, 0).error == 0


# Privacy

ADDRESSES = st.ip_addresses().map(str)


@given(
    st.lists(
        st.builds(
            poll,
            second=st.integers(0, 20 * DAY),
            path=st.sampled_from(["all.rss", "topics/ai.atom", "gone.rss", "feed"]),
            agent=st.sampled_from([APP, FEEDLY.format(3), "Firefox/140.0", "{}", "R/1 ({})"]),
            address=ADDRESSES,
            status=st.sampled_from([200, 304, 404, 308]),
            size=st.integers(0, 9),
        ),
        max_size=20,
    ),
    st.sampled_from(FORMATS),
)
def test_no_report_contains_an_address(requests, form):
    requests = [
        request._replace(agent=request.agent.replace("{}", request.address)) for request in requests
    ]
    text = json.dumps(asdict(report_of(requests, form)))
    for request in requests:
        assert not re.search(rf"(?<![\w:.]){re.escape(request.address)}(?![\w:.])", text) or (
            request.address in ("::", "::1")
        )


def test_hashes_differ_in_every_run():
    def identity() -> set[int]:
        counter = TrafficCounter(SiteFeeds())
        counter.add(parse_lines(format_line(poll(), "combined").encode())[0])
        (document,) = counter.documents.values()
        return set(document.individuals.states)

    assert identity() != identity()


def test_equal_logs_give_equal_reports():
    log = generate_log(5)
    assert report_of(log.requests) == report_of(log.requests)
    assert replace(report_of(log.requests), unreadable_lines=0) == report_of(log.requests)
