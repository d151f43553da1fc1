"""Articles that come into feeds: what a reader is told that was away for a while."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhub.feed import FeedState
from feedhub.site import Site
from feedhub.site.arrivals import MAX_ARRIVALS, NEWEST
from tests.kit import Bench, make_bench
from tests.sites import later

TOPICS = ("ai", "law")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = make_bench(tmp_path, tmp_path / "catalog.sqlite")
    bench.write("a.md", title="A", topics=["AI"])
    bench.sync()
    yield bench
    bench.catalog.close()


def published(site: Site, *paths: str) -> list[FeedState]:
    """Return the feeds at paths, which must be published."""
    feeds = [site.feed_at(path) for path in paths]
    found = [feed for feed in feeds if feed]
    assert len(found) == len(feeds)
    return found


def arrivals(bench: Bench, after: str = "", *paths: str):
    """Return the position now, the titles of what came after, and whether that is a reset."""
    site = bench.site
    with site.snapshot():
        feeds = published(site, *paths or ("all",))
        found = site.arrivals(feeds, after)
    return found.position, [article.title for article in found.articles], found.is_reset


def test_nothing_is_new_at_the_beginning(bench: Bench):
    position, *rest = arrivals(bench)

    assert rest == [[], False]
    assert arrivals(bench, position) == (position, [], False)


def test_a_new_article_is_told_with_its_feeds(bench: Bench):
    before, *_ = arrivals(bench)
    bench.write("b.md", title="B", topics=["AI", "Law"])
    bench.sync(later(1))
    site = bench.site
    with site.snapshot():
        feeds = published(site, "all", "topics/ai")
        (article,) = site.arrivals(feeds, before).articles

    assert article.title == "B"
    assert article.id == "tag:feeds.example.org,2026:articles/b"
    assert article.url == "https://news.example/b"
    assert article.feeds == (
        "https://feeds.example.org/all.rss",
        "https://feeds.example.org/topics/ai.rss",
    )


def test_an_edit_is_not_new_but_a_label_is(bench: Bench):
    before, *_ = arrivals(bench)
    bench.write("a.md", title="A", topics=["AI", "Law"], excerpt="Other words.")
    bench.sync(later(1))

    assert arrivals(bench, before, "topics/ai")[1] == []
    assert arrivals(bench, before, "topics/law")[1] == ["A"]
    assert arrivals(bench, before)[1] == []


def test_an_edit_of_an_article_in_a_selection_is_not_new(tmp_path: Path):
    custom = [{"name": "robots", "q": "robot*"}]
    bench = make_bench(tmp_path, tmp_path / "selections.sqlite", feeds__custom=custom)
    bench.write("a.md", title="Robots", topics=["AI"])
    bench.sync()
    before, *_ = arrivals(bench)
    bench.write("a.md", title="Robots", topics=["AI"], excerpt="Other words.")
    bench.write("b.md", title="A robot")
    bench.sync(later(1))

    assert arrivals(bench, before, "custom/robots")[1] == ["A robot"]
    bench.catalog.close()


def test_what_is_withdrawn_is_told_no_more(bench: Bench):
    before, *_ = arrivals(bench)
    path = bench.write("b.md", title="B")
    bench.sync(later(1))
    assert arrivals(bench, before)[1] == ["B"]
    path.unlink()
    bench.sync(later(2))

    assert arrivals(bench, before)[1] == []


def test_an_entity_tag_is_a_position(bench: Bench):
    site = bench.site
    tag = site.plan()["topics/ai.rss"].etag("gzip")
    bench.write("b.md", title="B", topics=["AI"])
    bench.sync(later(1))

    for after in (tag, f"W/{tag}", tag.strip('"').partition("-")[0]):
        assert arrivals(bench, after, "topics/ai")[1:] == (["B"], False)
        assert arrivals(bench, after, "all")[2], "it is of another feed"


@pytest.mark.parametrize("after", ["1", "x", "99-1", "1-1", "1-", '""', "-", "0" * 100])
def test_an_unknown_position_gives_the_newest_and_a_reset(bench: Bench, after: str):
    assert arrivals(bench, after)[1:] == (["A"], True)


def test_a_position_of_another_catalog_is_unknown(bench: Bench, tmp_path: Path):
    before, *_ = arrivals(bench)
    fresh = make_bench(tmp_path, tmp_path / "other.sqlite")
    fresh.sync(later(60))

    assert arrivals(fresh, before)[1:] == (["A"], True)
    fresh.catalog.close()


def test_more_than_a_list_can_hold_is_a_reset(bench: Bench):
    before, *_ = arrivals(bench)
    for number in range(MAX_ARRIVALS + 1):
        date = f"2020-07-01T00:{number:02}:00Z"
        bench.write(f"{number}.md", title=f"N{number}", publishedDateTime=date)
    bench.config = make_bench(tmp := bench.root.parent, tmp / "x", feeds__limit=100).config
    bench.sync(later(1))
    _, titles, is_reset = arrivals(bench, before)

    assert is_reset
    assert titles == [f"N{number}" for number in range(MAX_ARRIVALS, MAX_ARRIVALS - NEWEST, -1)]


def test_only_published_feeds_have_a_stream(bench: Bench):
    site = bench.site
    assert site.feed_at("topics/ai")
    for path in ("", "topics", "topics/", "topics/law", "topics/ai/2020-06", "search", "stories/a"):
        assert site.feed_at(path) is None, path


@dataclass
class Oracle:
    """Remembers of each feed which article came when, by looking at its document."""

    since: dict[str, dict[str, int]] = field(default_factory=dict)

    def look(self, bench: Bench, step: int) -> None:
        for path in ("all", *(f"topics/{topic}" for topic in TOPICS)):
            name = f"{path}.json"
            titles = bench.titles(name) if name in bench.site.plan() else []
            known = self.since.get(path, {})
            self.since[path] = {title: known.get(title, step) for title in titles}


STEPS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["", "x", "y"]),
        st.sets(st.sampled_from(TOPICS)).map(sorted),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=12)
@given(STEPS)
def test_whatever_happens_each_arrival_is_told_once(steps):
    with tempfile.TemporaryDirectory() as folder:
        bench = make_bench(Path(folder), Path(folder) / "catalog.sqlite")
        bench.write("0.md", title="0", topics=list(TOPICS))
        bench.sync()
        oracle, positions = Oracle(), []
        oracle.look(bench, 0)
        positions.append(arrivals(bench)[0])
        for step, (name, words, topics, removed) in enumerate(steps, 1):
            if removed:
                (bench.root / f"{name}.md").unlink(missing_ok=True)
            else:
                bench.write(f"{name}.md", title=name, excerpt=f"Words {words}", topics=topics)
            bench.sync(later(step))
            oracle.look(bench, step)
            positions.append(arrivals(bench)[0])
            for path, since in oracle.since.items():
                if bench.site.feed_at(path) is None:
                    continue
                for earlier, position in enumerate(positions):
                    expected = {title for title, came in since.items() if came > earlier}
                    found = arrivals(bench, position, path)
                    assert (set(found[1]), found[2]) == (expected, False), (path, earlier)
        bench.catalog.close()
