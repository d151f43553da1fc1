"""A label is spelled as most of the published articles spell it, whatever came first."""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kit import Bench, make_bench
from tests.sites import later, state_of


def put(bench: Bench, name: str, topic: str, day: int = 1, **fields: Any) -> None:
    bench.write(
        f"{name}.md", title=name, topics=[topic], publishedDateTime=f"2020-01-{day:02}", **fields
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three articles, two of which write the topic in lower case."""
    bench = make_bench(tmp_path, feeds__limit=1, feeds__days=0)
    put(bench, "a", "machine learning", 1)
    put(bench, "b", "machine learning", 2)
    put(bench, "c", "Machine Learning", 3)
    bench.sync()
    return bench


def label(bench: Bench) -> str:
    return state_of(bench, "topic", "machine-learning").label


def test_most_articles_decide(bench):
    assert label(bench) == "machine learning"
    put(bench, "d", "Machine Learning", 1)
    bench.sync(later(60))
    assert label(bench) == "Machine Learning", "of two as frequent, that of the newest article"
    put(bench, "e", "MACHINE LEARNING", 9)
    bench.sync(later(120))
    assert label(bench) == "Machine Learning"


def test_a_hidden_article_does_not_count(bench):
    put(bench, "b", "machine learning", 2, published=False)
    bench.sync(later(60))
    assert label(bench) == "Machine Learning"


def test_a_topic_that_is_spelled_anew_everywhere_has_new_titles_at_the_same_address(bench):
    before = {path: doc.body for path, doc in bench.documents().items()}
    for day, name in enumerate("abc", 1):
        put(bench, name, "Machine Learning", day)
    bench.sync(later(60))
    after = {path: doc.body for path, doc in bench.documents().items()}
    assert after.keys() == before.keys()
    naming = {path for path, body in after.items() if b"Machine Learning" in body}
    assert {"feeds.opml", "index.html", "topics/index.html"} <= naming
    assert {path for path in after if path.startswith("topics/machine-learning")} <= naming
    assert [path for path, body in after.items() if b"machine learning" in body] == []


def test_every_document_of_the_feed_has_another_tag_and_a_later_date(bench):
    """Its archives too, of whose articles none has changed."""

    def documents() -> dict[str, tuple[str, object, bytes]]:
        return {
            path: (planned.fingerprint, planned.changed_at, bench.site.document(planned).body)
            for path, planned in bench.site.plan().items()
            if planned.state and planned.state.slug
        }

    put(bench, "other", "Machine Learning")
    bench.write("old.md", topics=["machine learning"], publishedDateTime="2019-11-01")
    bench.sync(later(60))
    before = documents()
    put(bench, "b", "Machine Learning", 2)
    bench.sync(later(120))
    after = documents()
    assert len(before) == 10
    for path in before:
        assert after[path][0] != before[path][0]
        assert after[path][1] == later(120)
        assert after[path][2] != before[path][2]
    assert state_of(bench, "topic", "machine-learning").updated == later(120)


def test_an_article_of_another_topic_costs_this_one_nothing(bench, monkeypatch):
    from feedhub.catalog.database import Database

    put(bench, "other", "Law")
    bench.sync(later(60))
    asked: list[object] = []
    fetch_value = Database.fetch_value

    def record(database, query, values=()):
        if "GROUP BY spelling" in query:
            asked.extend(values)
        return fetch_value(database, query, values)

    monkeypatch.setattr(Database, "fetch_value", record)
    put(bench, "other", "LAW")
    bench.sync(later(120))
    assert len(asked) == 1  # this topic
    assert state_of(bench, "topic", "law").label == "LAW"
    put(bench, "other", "LAW", excerpt="Edited")
    put(bench, "another", "LAW")
    bench.sync(later(180))
    assert len(asked) == 1, "the spelling of most gains, and is that of most"


TOPICS = {"ai": ("AI", "ai", "Ai"), "r d": ("R D", "r  d", "R d")}
STEP = st.tuples(
    st.sampled_from("abcde"),
    st.sampled_from([spelling for spellings in TOPICS.values() for spelling in spellings]),
    st.integers(1, 3),
    st.sampled_from(["shown", "shown", "hidden", "deleted"]),
)


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(STEP, min_size=1, max_size=12))
def test_spelling_depends_on_the_published_articles_alone(steps):
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder))
        articles: dict[str, tuple[str, int]] = {}
        seen: dict[str, tuple[str, object]] = {}
        put(bench, "first", "Other")
        for number, (name, spelling, day, what) in enumerate(steps):
            if what == "deleted":
                (bench.root / f"{name}.md").unlink(missing_ok=True)
            else:
                put(bench, name, spelling, day, published=what == "shown")
            articles.pop(name, None)
            if what == "shown":
                articles[name] = (" ".join(spelling.split()), day)
            bench.sync(later(number))
            fresh = make_bench(Path(folder))
            fresh.sync()
            for state in labels(bench):
                expected = spell(state.slug, articles)
                assert expected in (None, state.label)
                if expected:
                    assert state.label in [other.label for other in labels(fresh)]
                was = seen.get(state.fingerprint, (state.label, state.changed_at))
                assert was == (state.label, state.changed_at)
                seen[state.fingerprint] = was


def labels(bench: Bench):
    return [state for state in bench.catalog.feeds(("topic",)) if state.slug != "other"]


def spell(slug: str, articles: dict[str, tuple[str, int]]) -> str | None:
    """Return how the topic with this slug is spelled, or None where no article has it."""
    days: defaultdict[str, list[int]] = defaultdict(list)
    for spelling, day in articles.values():
        if spelling.lower().replace(" ", "-") == slug:
            days[spelling].append(day)
    counts = Counter({spelling: len(found) for spelling, found in days.items()})
    ranked = sorted(counts, key=lambda one: (-counts[one], -max(days[one]), one))
    return ranked[0] if ranked else None
