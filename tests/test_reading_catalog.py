"""What a server asks of the catalog: what moved, what is new since, and never to write."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.article import Article
from feedhub.catalog import Catalog, Settings, feeds, leave_readable
from feedhub.errors import CatalogError
from feedhub.feed import FeedState, Window
from tests.kit import NOW, Bench, make_bench

NOBODY = 65_534


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def bench(tmp_path: Path, place: Path) -> Iterator[Bench]:
    """One article on one topic, not synced yet."""
    bench = make_bench(tmp_path, place, feeds__limit=2, feeds__days=0)
    bench.write("a.md", title="A", topics=["AI"])
    yield bench
    bench.catalog.close()


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def state_of(bench: Bench, kind: str = "all", slug: str = "") -> FeedState:
    """Return what is known of a feed now."""
    states = bench.catalog.feeds((kind,))
    return next(s for s in states if (s.slug, s.period) == (slug, ""))


def news(bench: Bench, base: str, kind: str = "all", slug: str = "") -> list[str] | None:
    """Return the titles of what is new in a feed since the document `base`."""
    numbers = bench.catalog.news(state_of(bench, kind, slug), base)
    return None if numbers is None else [bench.catalog.article(n).title for n in numbers]


# What is new since a document that a subscriber holds (RFC 3229)


class Base(NamedTuple):
    """A document that was published: at which step, with which articles."""

    step: int
    ids: frozenset[str]


class Oracle:
    """Remembers every document and every article of every step, and compares them by force."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._articles: dict[str, Article] = {}
        self._touched: dict[str, int] = {}
        self._members: dict[tuple[str, str], set[str]] = {}
        self._latest: dict[tuple[str, str], str] = {}
        self._bases: dict[tuple[str, str], dict[str, Base]] = {}

    def look(self, step: int, bench: Bench) -> None:
        """Take note of what a sync has published."""
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

    def news(self, bench: Bench, state: FeedState, fingerprint: str) -> list[str] | None:
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
    return replace(article, quality=None, heat=None)


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
def test_news_are_what_is_not_as_it_was_in_the_document_that_the_subscriber_holds(
    steps, limit, archives, kept
):
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
                    bench.write(name, **fields)
            bench.sync(later(step))
            oracle.look(step, bench)
            seen |= {(s.kind, s.slug, s.fingerprint) for s in subscriptions(bench)}
            for state in subscriptions(bench):
                for kind, slug, base in seen:
                    if (kind, slug) == (state.kind, state.slug):
                        compare(bench, oracle, state, base)


@contextmanager
def remembering(kept: int) -> Iterator[None]:
    """Let the catalog remember so many documents of a feed."""
    before, feeds.HISTORY = feeds.HISTORY, kept
    try:
        yield
    finally:
        feeds.HISTORY = before


def compare(bench: Bench, oracle: Oracle, state: FeedState, base: str) -> None:
    numbers = bench.catalog.news(state, base)
    found = None if numbers is None else [bench.catalog.article(number).id for number in numbers]
    assert found == oracle.news(bench, state, base)
    if base == state.fingerprint:
        assert found in (None, [])


def test_an_edit_and_a_new_article_are_news(bench):
    bench.write("b.md", title="B", topics=["AI"], publishedDateTime="2020-06-10T00:00:00Z")
    bench.sync()
    base, topic = state_of(bench).fingerprint, state_of(bench, "topic", "ai").fingerprint
    assert news(bench, base) == []
    bench.write("a.md", title="A again", topics=["AI"])
    bench.sync(later(1))
    assert news(bench, base) == news(bench, topic, "topic", "ai") == ["A again"]
    bench.write("c.md", title="C", publishedDateTime="2020-06-11T00:00:00Z")
    bench.sync(later(2))
    assert news(bench, base) == ["C"], "the edited one does not fit in any more"
    assert news(bench, topic, "topic", "ai") == ["A again"]


@pytest.mark.parametrize("gone", ["delete", "hide", "move"])
def test_after_a_withdrawal_everybody_gets_the_whole_feed(bench, gone):
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
    assert news(bench, topic, "topic", "ai") is None
    assert news(bench, base) == (["B"] if gone == "move" else None)
    base = state_of(bench).fingerprint
    bench.write("c.md", title="C", publishedDateTime="2020-06-11T00:00:00Z")
    bench.sync(later(2))
    assert news(bench, base) == ["C"]


def test_what_moves_up_into_the_window_is_news(bench):
    for day in (10, 11):
        date = f"2020-06-{day}T00:00:00Z"
        bench.write(f"{day}.md", title=f"T{day}", publishedDateTime=date)
    bench.sync()
    base = state_of(bench).fingerprint
    bench.write("11.md", title="T11", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync(later(1))
    assert news(bench, base) == ["A"]


def test_of_articles_of_one_second_only_those_beyond_the_window_are_news(bench):
    bench.write("new.md", title="New", publishedDateTime="2020-07-01T00:00:00Z")
    for name in "bc":
        bench.write(f"{name}.md", title=name.upper())
    bench.sync()
    base = state_of(bench).fingerprint
    assert bench.titles() == ["New", "A"]
    bench.write("new.md", title="New", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync(later(1))
    assert bench.titles() == ["A", "B", "C"]
    assert news(bench, base) == ["B", "C"]


def test_everything_is_news_to_who_holds_an_empty_feed(bench):
    (bench.root / "a.md").unlink()
    bench.sync()
    base = state_of(bench).fingerprint
    bench.write("b.md", title="B", publishedDateTime="1969-01-01T00:00:00Z")
    bench.sync(later(1))
    assert news(bench, base) == ["B"]


def test_a_document_that_nobody_published_or_of_another_feed_is_no_base(bench):
    bench.sync()
    assert news(bench, "") is None
    assert news(bench, "0" * 32) is None
    assert news(bench, state_of(bench, "topic", "ai").fingerprint) is None


def test_as_many_documents_are_remembered_as_are_promised(bench):
    bases = []
    for number in range(feeds.HISTORY + 3):
        bench.write("a.md", title=f"Title {number}", topics=["AI"])
        bench.write("other.md", title="Other", topics=[f"Topic {number % 2}"])
        bench.sync(later(number))
        bases.append(state_of(bench, "topic", "ai").fingerprint)
    known = [base for base in bases if news(bench, base, "topic", "ai") is not None]
    assert feeds.HISTORY == 32
    assert known == bases[-32:]


def test_another_configuration_forgets_what_subscribers_hold(bench):
    bench.sync()
    base = state_of(bench).fingerprint
    bench.config = replace(bench.config, site=replace(bench.config.site, title="Other"))
    bench.sync(later(1))
    assert state_of(bench).fingerprint != base
    assert news(bench, base) is None
    assert news(bench, state_of(bench).fingerprint) == []


def test_a_withdrawn_article_is_in_no_memory_of_earlier_documents(bench, place):
    bench.write("canary.md", title="Canary", publishedDateTime="2020-01-01T00:00:00Z")
    bench.sync()
    bench.write("canary.md", title="Canary", published=False)
    bench.sync(later(1))
    with sqlite3.connect(place) as raw:
        rows = raw.execute("SELECT * FROM history").fetchall()
    raw.close()
    assert rows
    assert "canary" not in repr(rows)


# What has become of a document


def test_the_current_state_is_found_by_kind_slug_and_period(bench):
    for month in (1, 2, 3):
        bench.write(f"{month}.md", title=f"T{month}", publishedDateTime=f"2020-0{month}-01")
    bench.sync()
    states = bench.catalog.feeds(("all", "topic"))
    assert {state.period for state in states} > {"", "2020-02"}
    assert [bench.catalog.current(state) for state in states] == states
    stale = [replace(state, fingerprint="", count=0) for state in states]
    assert [bench.catalog.current(state) for state in stale] == states


def test_a_state_that_is_gone_has_no_current_one(bench):
    for month in (1, 2, 3):
        bench.write(f"{month}.md", title=f"T{month}", publishedDateTime=f"2020-0{month}-01")
    bench.sync()
    (archive,) = [s for s in bench.catalog.feeds(("all",)) if s.period == "2020-01"]
    (bench.root / "1.md").unlink()
    bench.sync(later(1))
    assert bench.catalog.current(archive) is None
    assert bench.catalog.current(replace(archive, kind="nobody")) is None


# What moves, and what does not


def test_the_generation_moves_only_when_a_feed_changes(bench):
    assert bench.catalog.generation() == 0
    bench.sync()
    assert bench.catalog.generation() == 1
    for heat in (1, 2):
        bench.write("a.md", title="A", topics=["AI"], heat=heat)
        bench.write("hidden.md", title=f"Hidden {heat}", published=False)
        assert bench.sync(later(heat)).changed == 0
    assert bench.catalog.generation() == 1
    bench.write("a.md", title="A again", topics=["AI"])
    bench.sync(later(3))
    assert bench.catalog.generation() == 2


def test_what_happens_beyond_every_document_is_no_generation(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=1, feeds__days=0, feeds__archives=False)
    bench.write("new.md", title="New", publishedDateTime="2020-02-02T00:00:00Z")
    bench.write("old.md", title="Old", publishedDateTime="2020-01-01T00:00:00Z")
    bench.sync()
    base = state_of(bench).fingerprint
    bench.write("old.md", title="Old again", publishedDateTime="2020-01-01T00:00:00Z")
    assert bench.sync(later(1)).changed == 0
    assert bench.catalog.generation() == 1
    bench.write("new.md", title="New", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync(later(2))
    assert bench.catalog.generation() == 2
    assert news(bench, base) == ["Old again"]


def test_another_configuration_is_a_generation_though_no_feed_changes(bench):
    bench.sync()
    before = state_of(bench)
    bench.config = replace(bench.config, feeds=replace(bench.config.feeds, formats=("json",)))
    assert bench.sync(later(1)).changed == 0
    assert state_of(bench) == before
    assert bench.catalog.generation() == 2


def test_a_catalog_knows_what_it_was_made_with(bench):
    made = Settings(kinds=("all",), window=Window(), archives=True, shape="x", plan="y")
    others = [
        replace(made, kinds=("all", "topic")),
        replace(made, window=Window(limit=3)),
        replace(made, archives=False),
        replace(made, shape="z"),
        replace(made, plan="z"),
        replace(made, private=True),
    ]
    assert not bench.catalog.made_with(made)
    bench.catalog.note(shape=repr(made))
    assert bench.catalog.made_with(made)
    assert not any(bench.catalog.made_with(other) for other in others)


def test_notes_are_kept_and_replaced(bench, place):
    assert bench.catalog.noted("failing") == ""
    bench.catalog.note(failing="no room", synced="{}")
    bench.catalog.note(failing="")
    other = Catalog(place, read_only=True)
    assert (other.noted("failing"), other.noted("synced")) == ("", "{}")
    other.close()


def test_notes_of_a_sync_that_fails_are_not_kept(bench):
    bench.sync()

    def refuse(*_: object) -> None:
        bench.catalog.note(mark="made in vain")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.site.sync(source(bench), later(1), accept=refuse)
    assert bench.catalog.noted("mark") == ""


def test_notes_of_a_sync_that_succeeds_are_kept(bench):
    bench.site.sync(source(bench), NOW, accept=lambda *_: bench.catalog.note(mark="made"))
    assert bench.catalog.noted("mark") == "made"


def source(bench: Bench):
    from feedhub.site import source_of

    return source_of(bench.root, bench.config)


def test_the_version_moves_when_another_process_writes(bench, place):
    bench.sync()
    reader = Catalog(place, read_only=True)
    first = reader.version()
    assert reader.version() == first
    bench.catalog.note(mark="x")
    second = reader.version()
    assert second != first
    assert reader.version() == second
    reader.close()


# Reading beside whoever writes


def test_a_reader_sees_what_was_written_and_writes_nothing(bench, place):
    bench.sync()
    before = place.read_bytes()
    reader = Catalog(place, read_only=True)
    assert reader.feeds(("all", "topic")) == bench.catalog.feeds(("all", "topic"))
    for write in (
        lambda: reader.note(mark="x"),
        lambda: reader.remember_outputs("/", {"x": ("", "")}),
        lambda: Bench(bench.root, reader, bench.config).sync(later(1)),
    ):
        with pytest.raises(CatalogError, match="readonly"):
            write()
    reader.close()
    assert place.read_bytes() == before


def test_a_reader_makes_no_catalog_where_there_is_none(tmp_path):
    with pytest.raises(CatalogError, match=r"none\.sqlite: the catalog cannot be read"):
        Catalog(tmp_path / "none.sqlite", read_only=True)
    with pytest.raises(CatalogError, match="cannot be read"):
        Catalog(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pragma", ["application_id = 5", "user_version = 77", "user_version = 0"])
def test_a_reader_refuses_what_another_version_or_program_wrote(bench, place, pragma):
    bench.sync()
    bench.catalog.close()
    with sqlite3.connect(place) as other:
        other.execute(f"PRAGMA {pragma}")
    other.close()
    before = place.read_bytes()
    with pytest.raises(CatalogError, match="this is no catalog of this version of feedhub"):
        Catalog(place, read_only=True)
    assert place.read_bytes() == before


def test_a_reader_refuses_what_is_no_database(place):
    place.write_text("not a database at all, but long enough to look at" * 30)
    with pytest.raises(CatalogError, match="cannot be read: file is not a database"):
        Catalog(place, read_only=True)


def test_a_place_may_have_any_name(tmp_path):
    place = tmp_path / "cata?log #1 %20 é.sqlite"
    bench = make_bench(tmp_path, place)
    bench.write("a.md", title="A")
    bench.sync()
    reader = Catalog(place, read_only=True)
    assert reader.count() == 1
    reader.close()
    bench.catalog.close()


def test_without_a_place_there_is_nobody_to_read_beside():
    catalog = Catalog(None, read_only=True)
    catalog.note(mark="x")
    assert catalog.noted("mark") == "x"
    catalog.close()


@contextmanager
def without_a_right_to_write(folder: Path) -> Iterator[None]:
    """Be somebody who may only read what lies in a folder."""
    folder.chmod(0o555)
    owner, group = os.geteuid(), os.getegid()
    if owner == 0:
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(owner)
        os.setegid(group)
        folder.chmod(0o755)


def test_who_may_only_read_can_open_what_a_sync_has_left():
    with tempfile.TemporaryDirectory() as name:  # its parents are open to everybody
        folder = Path(name)
        place = folder / "catalog.sqlite"
        folder.chmod(0o755)
        bench = make_bench(folder, place)
        bench.write("a.md", title="A")
        bench.sync()
        bench.catalog.close()
        with without_a_right_to_write(folder), pytest.raises(CatalogError, match="cannot be"):
            Catalog(place, read_only=True).count()
        leave_readable(place)
        with without_a_right_to_write(folder):
            reader = Catalog(place, read_only=True)
            assert (reader.count(), reader.version() > 0) == (1, True)
            reader.close()


def test_who_may_only_read_sees_what_is_written_next():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        bench = make_bench(folder, folder / "catalog.sqlite")
        bench.write("a.md", title="A")
        bench.sync()
        with without_a_right_to_write(folder):
            reader = Catalog(folder / "catalog.sqlite", read_only=True)
            before = reader.version()
        bench.write("b.md", title="B")
        bench.sync(later(1))
        assert (reader.version() != before, reader.count()) == (True, 2)
        reader.close()
        bench.catalog.close()


def test_a_catalog_in_use_is_not_harmed(bench, place):
    bench.sync()
    with bench.catalog.snapshot():
        log = place.with_name(place.name + "-wal").read_bytes()
        leave_readable(place)
        assert place.with_name(place.name + "-wal").read_bytes() == log
    assert bench.titles() == ["A"]
