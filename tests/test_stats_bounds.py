"""Memory has a bound, whatever a log holds, and no report holds an address."""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.stats import Addresses, counts, documents, visitors
from feedhub.stats.counts import Tally
from feedhub.stats.distinct import Sample, count, union
from feedhub.stats.lines import rows_of
from tests.made_log import DAY, FORMATS, START, made_log, written
from tests.test_stats_counts import APP, FEEDLY, answer, assert_true, by_document, told


def test_of_too_many_readers_a_sample_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(documents, "MOST_READERS", 500)
    records = [
        answer(n % 60, address=f"10.{n >> 8}.{n & 255}.1", path=path)
        for path, many in (("all.rss", 4_000), ("topics/ai.rss", 60))
        for n in range(many)
    ]
    made = told(records)
    rows = by_document(made)
    large = rows["all", "rss"].audience
    assert 0.03 < large.error < 0.09
    assert abs(large.single - 4_000) < 4_000 * 6 * large.error
    assert (rows["topics/ai", "rss"].audience.single, rows["topics/ai", "rss"].audience.error) == (
        60,
        0,
    )
    assert rows["all", "rss"].served.requests == 4_000
    assert abs(made.audience.single - 4_000) < 4_000 * 6 * made.audience.error


def test_the_largest_feeds_give_room_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counts, "_MOST_READERS", 400)
    records = [
        answer(n % 60, address=f"10.{n >> 8}.{n & 255}.1", path=path)
        for path, many in (("topics/ai.rss", 30), ("all.rss", 900))
        for n in range(many)
    ]
    rows = by_document(told(records))
    assert rows["topics/ai", "rss"].audience.error == 0
    assert rows["topics/ai", "rss"].audience.single == 30
    assert 0 < rows["all", "rss"].audience.error < 0.2


def test_room_is_made_where_most_are_and_no_more_than_is_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counts, "_MOST_READERS", 400)
    tally, chance = Tally(Addresses()), random.Random(1)
    for number in range(20):
        document = documents.Document(f"t{number}", "rss")
        for _ in range(30 if number else 3):
            document.singles.add(chance.getrandbits(64), documents.Reader("A"))
        tally.documents[document.feed, document.format] = document
    tally._readers = 999_999  # a feed that halves by itself tells nobody
    tally._make_room()
    kept = [len(document.singles.states) for document in tally.documents.values()]
    assert sum(kept) == tally._readers
    assert 270 < sum(kept) <= 300
    assert kept[0] == 3


@pytest.mark.parametrize(
    ("room", "bound"),
    [
        (counts, "_ROOM"),
        (counts, "_MOST_PLACES"),
        (counts, "_LONGEST_KEPT"),
        (visitors, "_MOST_AGENTS"),
        (visitors, "_LONGEST_AGENT"),
    ],
)
def test_what_is_kept_for_speed_changes_no_count(monkeypatch: pytest.MonkeyPatch, room, bound):
    truth = made_log(1)
    monkeypatch.setattr(room, bound, 2)
    assert_true(told(truth.records), truth, "combined")


def test_names_services_feeds_and_strays_have_bounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(visitors, "_MOST_NAMES", 5)
    monkeypatch.setattr(counts, "_MOST_SERVICES", 5)
    monkeypatch.setattr(counts, "_MOST_DOCUMENTS", 5)
    monkeypatch.setattr(counts, "_MOST_ASTRAY", 5)
    monkeypatch.setattr(counts, "_MOST_NAMES", 1)
    records = [answer(n, agent=f"Reader{n}/1", address=f"192.0.2.{n}") for n in range(20)]
    records += [answer(n, path=f"t{n}.rss") for n in range(20)]
    records += [answer(n, agent=f"Feedbin feed-id:{n} - 1 subscribers") for n in range(20)]
    records += [answer(n, path=f"{n}.rss", status=404) for n in range(20)]
    records += [answer(n, path="often.rss", status=404, agent=f"R{n % 2}") for n in range(9)]
    made = told(records)
    assert {row.name for row in made.readers} >= {"(others)", "Reader0"}
    assert len(made.readers) == 6
    assert len(made.feeds) == 5
    assert by_document(made)["all", "rss"].audience.reported == 5
    assert made.astray[0].path == "often.rss"
    assert len(made.astray[0].names) == 1


def test_services_of_all_feeds_have_a_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counts, "_MOST_ASKING", 5)
    records = [answer(n, f"t{n}.rss", FEEDLY.format(1)) for n in range(9)]
    assert told([*records, answer(20, "t0.rss", FEEDLY.format(7))]).subscriptions == 11


def test_of_too_many_names_the_last_have_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(visitors, "_MOST_NAMES", 1)
    agents = ("Miniflux/2", "Googlebot/2", FEEDLY.format(3), "Newsboat/2")
    made = told([answer(agent=agent) for agent in agents])
    assert [(row.name, row.kind, row.requests) for row in made.readers] == [
        ("(others)", "unknown", 3),
        ("Miniflux", "app", 1),
    ]


WORDS = ("client", "agent", "target", "method")


@pytest.mark.parametrize("long", WORDS)
def test_long_words_take_no_more_memory_than_short_ones(monkeypatch: pytest.MonkeyPatch, long: str):
    monkeypatch.setattr(counts, "_ROOM", 200_000)
    monkeypatch.setattr(visitors, "_MOST_NAMES", 5)
    tally = Tally(Addresses())
    for number in range(100):
        word = f"{number:03}" + "x" * 10_000
        line = {"ts": START, "client": "a", "method": "GET", "target": "/all.rss", "status": 304}
        line |= {"target": f"/all.rss?{word}"} if long == "target" else {long: word}
        tally.add(rows_of(json.dumps(line).encode())[0])
    kept = [
        *tally._pairs,
        *((key,) for key in tally._places),
        *((a,) for a in tally.visitors._agents),
    ]
    assert len(repr(kept)) < 400_000
    assert tally.newest == START


def test_a_sample_without_anybody_has_no_error():
    assert count(0, 3) == (0, 0.0)


@given(st.sets(st.integers(0, (1 << 64) - 1), max_size=300), st.integers(1, 40))
def test_a_sample_is_a_fair_one(readers, limit):
    sample: Sample[None] = Sample(limit)
    for reader in readers:
        sample.add(reader, None)
    mask = (1 << sample.level) - 1
    assert set(sample.states) == {reader for reader in readers if not reader & mask}
    assert len(sample.states) <= limit
    assert sample.level == 0 or sum(not r & (mask >> 1) for r in readers) > limit


def test_samples_of_any_level_can_be_joined():
    low, high = Sample[int](1_000), Sample[int](1_000)
    for reader in range(64):
        low.add(reader, 1)
        high.add(reader, 2)
    high.halve()
    high.halve()
    level, found = union([low, high], lambda state: state == 1)
    assert level == 2
    assert {reader for reader, _ in found} == set(range(0, 64, 4))
    assert count(16, level).number == 64
    assert count(16, 0).error == 0


# Nobody is named

ADDRESSES = st.ip_addresses().map(str)


@given(
    st.lists(
        st.builds(
            answer,
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
def test_no_address_is_in_any_report(records, form):
    records = [
        record._replace(agent=record.agent.replace("{}", record.address)) for record in records
    ]
    text = json.dumps(asdict(told(records, form)))
    for record in records:
        assert not re.search(rf"(?<![\w:.]){re.escape(record.address)}(?![\w:.])", text) or (
            record.address in ("::", "::1")
        )


def test_hashes_are_others_in_every_run():
    def identity() -> set[int]:
        tally = Tally(Addresses())
        tally.add(rows_of(written(answer(), "combined").encode())[0])
        (document,) = tally.documents.values()
        return set(document.singles.states)

    assert identity() != identity()


def test_a_report_of_the_same_log_is_the_same():
    truth = made_log(5)
    assert told(truth.records) == told(truth.records)
    assert replace(told(truth.records), unreadable=0) == told(truth.records)
