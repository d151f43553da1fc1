"""Deltas: the articles of a feed that an earlier document did not have (RFC 3229)."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from feedhub.article import Article
from feedhub.catalog import feeds
from feedhub.feed import FeedState
from tests.kit import Bench, make_bench
from tests.sites import later, one_article, state_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def bench(tmp_path: Path, path: Path) -> Iterator[Bench]:
    bench = one_article(tmp_path, path)
    yield bench
    bench.catalog.close()


def delta(bench: Bench, base: str, kind: str = "all", slug: str = "") -> list[str] | None:
    """Return the titles of the delta of a feed from the document `base`, or None."""
    numbers = bench.catalog.delta(state_of(bench, kind, slug), base)
    return None if numbers is None else [bench.catalog.article(n).title for n in numbers]


class Base(NamedTuple):
    """A published document: its step, and its articles."""

    step: int
    ids: frozenset[str]


class Oracle:
    """Remembers every document and article of every step, and compares them one by one."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._articles: dict[str, Article] = {}
        self._touched: dict[str, int] = {}
        self._members: dict[tuple[str, str], set[str]] = {}
        self._latest: dict[tuple[str, str], str] = {}
        self._bases: dict[tuple[str, str], dict[str, Base]] = {}

    def look(self, step: int, bench: Bench) -> None:
        """Remember what a sync has published."""
        seen = {article.id: visible(article) for _, article in bench.catalog.articles()}
        for identity in seen.keys() | self._articles.keys():
            if seen.get(identity) != self._articles.get(identity):
                self._touched[identity] = step
        self._articles = seen
        for state in subscriptions(bench):
            self._look_at_feed(step, bench, state)

    def _look_at_feed(self, step: int, bench: Bench, state: FeedState) -> None:
        feed = (state.kind, state.slug)
        members = {i for i, a in self._articles.items() if state.label in ("", *a.topics)}
        bases = self._bases.setdefault(feed, {})
        if self._members.get(feed, set()) - members:
            bases.clear()  # no delta takes a withdrawn article away
        self._members[feed] = members
        if self._latest.get(feed) != state.fingerprint:
            self._latest[feed] = state.fingerprint
            bases.pop(state.fingerprint, None)
            bases[state.fingerprint] = Base(step, frozenset(self._ids(bench, state)))
            while len(bases) > self._kept:
                del bases[next(iter(bases))]

    def delta(self, bench: Bench, state: FeedState, fingerprint: str) -> list[str] | None:
        """Return the ids of a feed's articles that are not as they were in an earlier document."""
        base = self._bases[state.kind, state.slug].get(fingerprint)
        if base is None:
            return None
        return [
            identity
            for identity in self._ids(bench, state)
            if identity not in base.ids or self._touched[identity] > base.step
        ]

    def _ids(self, bench: Bench, state: FeedState) -> list[str]:
        return [bench.catalog.article(number).id for number in bench.catalog.entries(state)]


def visible(article: Article) -> Article:
    return changed(article, quality=None, heat=None)


def subscriptions(bench: Bench) -> list[FeedState]:
    return [s for s in bench.catalog.feeds(("all", "topic")) if not s.period]


DAYS = ["2020-01-01", "2020-01-02", "2020-02-03", "2020-02-04"]
FILES = st.dictionaries(
    st.sampled_from(["a.md", "b.md", "c.md", "d.md"]),
    st.none()
    | st.fixed_dictionaries(
        {
            "title": st.sampled_from(["One", "Two"]),
            "topics": st.sampled_from([["AI"], ["Law"], ["AI", "Law"]]),
            "publishedDateTime": st.sampled_from([f"{day}T00:00:00Z" for day in DAYS]),
            "updatedDateTime": st.sampled_from([None, "2021-01-01T00:00:00Z"]),
            "heat": st.sampled_from([1, 2]),
            "published": st.sampled_from([True, True, True, False]),
        }
    ),
    max_size=3,
)


@given(
    steps=st.lists(FILES, min_size=1, max_size=12),
    limit=st.integers(1, 3),
    archives=st.booleans(),
    kept=st.integers(1, 6),
)
def test_a_delta_has_what_differs_from_the_earlier_document(steps, limit, archives, kept):
    with tempfile.TemporaryDirectory() as folder, remembering(kept):
        bench = make_bench(
            Path(folder), feeds__limit=limit, feeds__days=0, feeds__archives=archives
        )
        oracle, seen = Oracle(kept), set[tuple[str, str, str]]()
        for step, files in enumerate(steps):
            for name, fields in files.items():
                if fields is None:
                    (bench.root / name).unlink(missing_ok=True)
                else:
                    bench.write(name, webUrl=f"https://news.example/{name}", **fields)
            bench.sync(later(step))
            oracle.look(step, bench)
            seen |= {(s.kind, s.slug, s.fingerprint) for s in subscriptions(bench)}
            for state in subscriptions(bench):
                for kind, slug, base in seen:
                    if (kind, slug) == (state.kind, state.slug):
                        compare(bench, oracle, state, base)


@contextmanager
def remembering(limit: int) -> Iterator[None]:
    """Have the catalog remember this many documents of a feed."""
    before, feeds.MAX_HISTORY = feeds.MAX_HISTORY, limit
    try:
        yield
    finally:
        feeds.MAX_HISTORY = before


def compare(bench: Bench, oracle: Oracle, state: FeedState, base: str) -> None:
    numbers = bench.catalog.delta(state, base)
    found = None if numbers is None else [bench.catalog.article(number).id for number in numbers]
    assert found == oracle.delta(bench, state, base)
    if base == state.fingerprint:
        assert found in (None, [])


def test_a_delta_has_edited_and_new_articles(bench):
    bench.write("b.md", title="B", topics=["AI"], publishedDateTime="2020-06-10T00:00:00Z")
    bench.sync()
    base, topic = state_of(bench).fingerprint, state_of(bench, "topic", "ai").fingerprint
    assert delta(bench, base) == []
    bench.write("a.md", title="A again", topics=["AI"])
    bench.sync(later(1))
    assert delta(bench, base) == delta(bench, topic, "topic", "ai") == ["A again"]
    bench.write("c.md", title="C", publishedDateTime="2020-06-11T00:00:00Z")
    bench.sync(later(2))
    assert delta(bench, base) == ["C"], "the edited one does not fit in any more"
    assert delta(bench, topic, "topic", "ai") == ["A again"]


@pytest.mark.parametrize("gone", ["delete", "hide", "move"])
def test_after_a_withdrawal_there_is_no_delta(bench, gone):
    bench.write("b.md", title="B", topics=["AI"], publishedDateTime="2020-06-10T00:00:00Z")
    bench.sync()
    base, topic = state_of(bench).fingerprint, state_of(bench, "topic", "ai").fingerprint
    if gone == "delete":
        (bench.root / "b.md").unlink()
    elif gone == "hide":
        bench.write("b.md", title="B", published=False)
    else:
        bench.write("b.md", title="B", publishedDateTime="2020-06-10T00:00:00Z")
    bench.sync(later(1))
    assert delta(bench, topic, "topic", "ai") is None
    assert delta(bench, base) == (["B"] if gone == "move" else None)
    base = state_of(bench).fingerprint
    bench.write("c.md", title="C", publishedDateTime="2020-06-11T00:00:00Z")
    bench.sync(later(2))
    assert delta(bench, base) == ["C"]


def test_a_delta_has_what_moves_up_into_the_window(bench):
    for day in (10, 11):
        date = f"2020-06-{day}T00:00:00Z"
        bench.write(f"{day}.md", title=f"T{day}", publishedDateTime=date)
    bench.sync()
    base = state_of(bench).fingerprint
    bench.write("11.md", title="T11", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync(later(1))
    assert delta(bench, base) == ["A"]


def test_of_articles_of_one_second_a_delta_has_those_beyond_the_window(bench):
    bench.write("new.md", title="New", publishedDateTime="2020-07-01T00:00:00Z")
    for name in "bc":
        bench.write(f"{name}.md", title=name.upper())
    bench.sync()
    base = state_of(bench).fingerprint
    assert bench.titles() == ["New", "A"]
    bench.write("new.md", title="New", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync(later(1))
    assert bench.titles() == ["A", "B", "C"]
    assert delta(bench, base) == ["B", "C"]


def test_no_document_comes_back(bench):
    prints = []
    for step, title in enumerate(["One", "Two", "One"]):
        date = "2021-01-01T00:00:00Z"
        bench.write("a.md", title=title, updatedDateTime=date, webUrl="https://a.example/")
        bench.sync(later(step))
        prints.append(state_of(bench).fingerprint)
    assert len(set(prints)) == 3, "the date of a feed never goes back"
    assert delta(bench, prints[0]) == delta(bench, prints[1]) == ["One"]
    assert delta(bench, prints[2]) == []


def test_a_delta_from_an_empty_feed_has_everything(bench):
    (bench.root / "a.md").unlink()
    bench.sync()
    base = state_of(bench).fingerprint
    bench.write("b.md", title="B", publishedDateTime="1969-01-01T00:00:00Z")
    bench.sync(later(1))
    assert delta(bench, base) == ["B"]


def test_an_unknown_document_or_one_of_another_feed_is_no_base(bench):
    bench.sync()
    assert delta(bench, "") is None
    assert delta(bench, "0" * 32) is None
    assert delta(bench, state_of(bench, "topic", "ai").fingerprint) is None


def test_max_history_documents_are_remembered(bench):
    bases = []
    for number in range(feeds.MAX_HISTORY + 3):
        bench.write("a.md", title=f"Title {number}", topics=["AI"])
        bench.write("other.md", title="Other", topics=[f"Topic {number % 2}"])
        bench.sync(later(number))
        bases.append(state_of(bench, "topic", "ai").fingerprint)
    known = [base for base in bases if delta(bench, base, "topic", "ai") is not None]
    assert feeds.MAX_HISTORY == 32
    assert known == bases[-32:]


def test_with_another_configuration_earlier_documents_are_no_base(bench):
    bench.sync()
    base = state_of(bench).fingerprint
    bench.config = replace(bench.config, site=replace(bench.config.site, title="Other"))
    bench.sync(later(1))
    assert state_of(bench).fingerprint != base
    assert delta(bench, base) is None
    assert delta(bench, state_of(bench).fingerprint) == []


def test_a_document_that_another_configuration_does_not_change_stays_a_base(bench):
    bench.sync()
    base = state_of(bench).fingerprint
    bench.config = replace(
        bench.config, feeds=replace(bench.config.feeds, formats=("json", "html"))
    )
    bench.sync(later(1))
    assert state_of(bench).fingerprint == base
    assert delta(bench, base) == []
    bench.write("b.md", title="B", publishedDateTime="2020-07-01T00:00:00Z")
    bench.sync(later(2))
    assert delta(bench, base) == ["B"]


def test_the_history_forgets_a_withdrawn_article(bench, path):
    bench.write("canary.md", title="Canary", publishedDateTime="2020-01-01T00:00:00Z")
    bench.sync()
    bench.write("canary.md", title="Canary", published=False)
    bench.sync(later(1))
    with sqlite3.connect(path) as raw:
        rows = raw.execute("SELECT * FROM history").fetchall()
    raw.close()
    assert rows
    assert "canary" not in repr(rows)


def test_a_delta_has_what_was_edited_below_the_window_and_moves_up(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=1, feeds__days=0, feeds__archives=False)
    bench.write("new.md", title="New", publishedDateTime="2020-02-02T00:00:00Z")
    bench.write("old.md", title="Old", publishedDateTime="2020-01-01T00:00:00Z")
    bench.sync()
    base = state_of(bench).fingerprint
    bench.write("old.md", title="Old again", publishedDateTime="2020-01-01T00:00:00Z")
    bench.sync(later(1))
    bench.write("new.md", title="New", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync(later(2))
    assert delta(bench, base) == ["Old again"]
