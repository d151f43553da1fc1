"""A document is found by its path: the one of the plan, without a scan, and never an old one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhub.catalog import Catalog, FeedCounts
from feedhub.server import resource_cache
from feedhub.server.resource_cache import ABSENT_BYTES, LISTS, ResourceCache
from feedhub.server.snapshot import Resource
from feedhub.site import Planned, may_exist
from tests.fronts import FAR, bench_on_disk, front_of, reader_of
from tests.kit import NOW, Bench, make_bench

TOPICS = ("AI", "C", "C++", "C#", "Café & Crème", "日本")
MANY: dict[str, Any] = {
    "feeds__limit": 1,
    "feeds__days": 0,
    "feeds__keep_empty": 2,
    "feeds__month_pages": ["all", "topic"],
    "feeds__stories": "yes",
    "feeds__gone": ["topics/old"],
    "site__feed_menu": True,
    "feeds__custom": [{"name": "best", "topic": ["AI"]}],
}
ARTICLE = st.fixed_dictionaries(
    {
        "topics": st.lists(st.sampled_from([*TOPICS, "Old"]), unique=True, max_size=3),
        "language": st.sampled_from([None, "en", "de"]),
        "title": st.sampled_from(["One", "Two"]),
        "publishedDateTime": st.sampled_from(["2020-01-05", "2020-02-05", "2020-02-06"]),
    }
)
STEP = st.tuples(st.sampled_from("abcd"), st.one_of(st.none(), ARTICLE), st.sampled_from([0, 3]))
STEPS = st.lists(STEP, min_size=1, max_size=5)


def carry_out(bench: Bench, step: tuple[str, dict[str, Any] | None, int], now: Any) -> Any:
    """Write or remove an article, sync some days later, and return the time."""
    name, article, days = step
    if article is None:
        (bench.root / f"{name}.md").unlink(missing_ok=True)
    else:
        bench.write(f"{name}.md", **article | {"webUrl": f"https://news.example/{name}"})
    now += timedelta(days=days, seconds=1)
    bench.sync(now)
    return now


@settings(max_examples=15)
@given(steps=STEPS)
def test_every_document_of_the_plan_is_found_by_its_path(tmp_path_factory, steps):
    bench, now = make_bench(tmp_path_factory.mktemp("plan"), **MANY), NOW
    seen: set[str] = set()
    for step in steps:
        now = carry_out(bench, step, now)
        plan, site = bench.site.plan(), bench.site
        assert {path: site.find(path) for path in plan} == plan
        assert all(may_exist(path) != planned.on_demand for path, planned in plan.items())
        assert all(site.find(path) is None for path in seen - plan.keys())
        seen |= plan.keys()
        totals = {(feed.state.kind, feed.state.slug): feed.articles for feed in site._listed()}
        assert totals == counted(bench.catalog, totals)
        for kind, count in bench.catalog.read(FeedCounts).listed.items():
            assert count == len(bench.catalog.listed((kind,)))
    bench.catalog.close()


def counted(catalog: Catalog, wanted: Any) -> dict[tuple[str, str], int]:
    """Count the articles of feeds, one by one."""
    query = """SELECT kind, slug, count(*) FROM labels JOIN feeds ON feeds.number = labels.feed
    GROUP BY kind, slug"""
    rows = {(kind, slug): count for kind, slug, count in catalog._database.fetch_all(query)}
    return {key: rows.get(key, 0) for key in wanted}


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "/",
            "all",
            "all/",
            "all//index.html",
            "/all.rss",
            "all.rss/",
            "all.php",
            "x/all.rss",
        ),
        *(
            "topics.rss",
            "topics/.rss",
            "topics//ai.rss",
            "topics/ai//index.html",
            "topics/ai.x.rss",
        ),
        *("topics/ai/2020-09.rss", "topics/ai/2020-01/9/index.html", "all/x/y/z/index.html"),
        *("topics/AI.rss", "topics/old.rss", "topics/nobody.rss", "topics/ai.html", "search.rss"),
        *("stories/nothing.rss", "stories/nothing/2020-01.rss", "sitemap-9.xml", "none/index.html"),
        *("links of pages", "custom/worst.rss", "all.rss?q=1", "topics/ai/2020-01/2020-02.rss"),
    ],
)
def test_other_paths_are_of_no_document(tmp_path, path):
    bench = make_bench(tmp_path, **MANY)
    bench.write("a.md", topics=["AI", "Old"])
    bench.write("b.md", title="B", topics=["AI"], publishedDateTime="2020-01-01")
    bench.sync()

    assert path not in bench.site.plan()
    assert bench.site.find(path) is None
    bench.catalog.close()


@settings(max_examples=15)
@given(text=st.text(st.sampled_from("ai/.-2016topcsexndhmlr% é\0"), max_size=30))
def test_no_path_is_found_that_the_plan_lacks(three, text):
    found = three.site.find(text)
    assert found == three.site.plan().get(text)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    bench = make_bench(tmp_path_factory.mktemp("three"), **MANY)
    bench.write("a.md", topics=["AI", "é"])
    bench.sync()
    yield bench
    bench.catalog.close()


@settings(max_examples=12)
@given(steps=STEPS)
def test_nothing_in_the_cache_is_out_of_date(tmp_path_factory, steps):
    """A reader that has cached everything, absence too, finds what a fresh one finds."""
    bench, now = bench_on_disk(tmp_path_factory.mktemp("cache"), **MANY), NOW
    bench.sync(now)
    reader = reader_of(bench)
    reader.refresh()
    seen = {f"topics/{slug}.rss" for slug in ("ai", "c", "café-crème", "日本")}
    for step in steps:
        now = carry_out(bench, step, now)
        reader.refresh()
        assert not reader.problem
        plan = bench.site.plan(stories=False)
        seen |= plan.keys()
        for path in sorted(seen):
            resource = reader.find(path)
            assert (resource.planned if resource else None) == plan.get(path), path
            assert reader.resources.get(path) is not None
    reader.close()
    bench.catalog.close()


def test_what_did_not_change_stays_in_the_cache(tmp_path):
    bench = bench_on_disk(tmp_path)
    bench.write("a.md", title="A", topics=["AI"])
    bench.write("b.md", title="B", topics=["Law"])
    bench.sync()
    with front_of(bench) as front:
        before = {path: front.found(path) for path in ("/topics/ai.rss", "/topics/law.rss")}
        assert front.get("/topics/nobody.rss").status == 404
        bench.write("b.md", title="B again", topics=["Law"])
        bench.sync()
        front.refresh()
        assert front.builder.reader.resources.get("topics/nobody.rss") is not None
        assert front.found("/topics/ai.rss") is before["/topics/ai.rss"]
        assert front.found("/topics/law.rss") is not before["/topics/law.rss"]
    bench.catalog.close()


def test_after_too_many_changes_everything_is_looked_up_again(tmp_path, monkeypatch):
    monkeypatch.setattr("feedhub.catalog.MAX_CHANGED", 1)
    bench = bench_on_disk(tmp_path)
    bench.write("a.md", title="A", topics=["AI"])
    bench.write("b.md", title="B", topics=["Law"])
    bench.sync()
    with front_of(bench) as front:
        before = front.found("/topics/ai.rss")
        bench.write("b.md", title="B again", topics=["Law"])
        bench.sync()
        front.refresh()
        assert front.found("/topics/ai.rss") is not before
        assert front.found("/topics/ai.rss").planned == before.planned
    bench.catalog.close()


def test_a_retired_feed_leaves_the_cache(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__keep_empty=1)
    bench.write("a.md", title="A", topics=["AI"])
    bench.sync()
    with front_of(bench) as front:
        bench.write("a.md", title="A", topics=[])
        bench.sync()
        front.refresh()
        assert front.get("/topics/ai.rss").status == 200
        bench.sync(NOW + timedelta(days=1))
        front.refresh()
        assert front.get("/topics/ai.rss").status == 410
    bench.catalog.close()


def test_forgotten_feeds_are_looked_up_again(tmp_path, monkeypatch):
    """Their rows are gone: no generation says that they changed."""
    monkeypatch.setattr("feedhub.catalog.feed_names.MAX_RETIRED", 0)
    bench = bench_on_disk(tmp_path, feeds__keep_empty=0)
    bench.write("a.md", title="A", topics=["AI"])
    bench.sync()
    with front_of(bench) as front:
        assert front.get("/topics/ai.rss").status == 200
        bench.write("a.md", title="A", topics=[])
        bench.sync()
        front.refresh()
        assert front.get("/topics/ai.rss").status == 404
    bench.catalog.close()


def test_a_look_up_scans_no_table(tmp_path):
    """Each statement finds its rows by an index, however many there are."""
    bench = bench_on_disk(tmp_path, **MANY)
    for number in range(40):
        day = f"2020-{number % 9 + 1:02}-05"
        bench.write(f"{number}.md", title=f"T{number}", topics=["AI"], publishedDateTime=day)
    bench.sync()
    reader = reader_of(bench)
    reader.refresh()
    assert reader._catalog
    assert reader._site
    connection = reader._catalog._database._connection  # type: ignore[attr-defined]
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    found = [
        reader.find(path)
        for path in (
            *("all.rss", "topics/ai.json", "all/2020-02.atom", "all/index.html", "index.html"),
            *("all/2020-02/index.html", "topics/nobody.rss", "topics/index.html"),
        )
    ]
    assert reader.is_retired("topic", "nobody") is False
    assert reader._site.changed_since(1) == frozenset()
    connection.set_trace_callback(None)
    assert [bool(one) for one in found] == [True, True, True, True, True, True, False, True]
    queries = {one for one in statements if one.lstrip().startswith("SELECT")}
    assert len(queries) > 8
    # All rows of this index are wanted; few labels have the slug of another.
    allowed = ("SCAN CONSTANT", "SCAN feeds USING INDEX feeds_by_override")
    for query in queries:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
        scans = [one for one in steps if one.startswith("SCAN") and not one.startswith(allowed)]
        assert not scans, query
    reader.close()
    bench.catalog.close()


def resource(path: str) -> Resource:
    return Resource(Planned(path, "f", "application/rss+xml", NOW), f"https://example.org/{path}")


def test_the_cache_has_a_budget_and_drops_the_least_recently_used():
    weight = resource_cache.RESOURCE_BYTES + resource_cache.PATH_COPIES * len("topics/a1.rss")
    cache = ResourceCache(3 * weight)
    for number in range(5):
        cache.add(f"topics/a{number}.rss", resource(f"topics/a{number}.rss"))
        cache.get("topics/a0.rss")
    known = [number for number in range(5) if cache.get(f"topics/a{number}.rss")]
    assert known == [0, 3, 4]
    assert len(cache) == 3
    assert len(cache._present.paths) == 3, "of what is dropped nothing stays"
    cache.clear()
    assert (len(cache), cache._present.paths) == (0, {})


def test_what_is_larger_than_the_cache_is_not_cached():
    cache = ResourceCache(10)
    cache.add("all.rss", FAR)
    assert (len(cache), cache._present.paths) == (0, {})


def test_paths_that_do_not_exist_push_out_none_that_do(monkeypatch):
    monkeypatch.setattr(resource_cache, "MAX_ABSENT_BYTES", 10 * ABSENT_BYTES)
    cache = ResourceCache()
    cache.add("all.rss", FAR)
    for number in range(100):
        cache.add(f"topics/{number}.rss", None)
    assert cache.get("all.rss")
    assert len(cache._absent) == 10
    assert (cache.get("topics/99.rss"), cache.get("topics/1.rss")) != (None, None)


def test_a_change_of_a_feed_is_one_of_the_lists_too():
    cache = ResourceCache()
    for path in ("all.rss", "topics/ai.rss", "topics/ai/index.html", "index.html", "robots.txt"):
        cache.add(path, resource(path))
    known = cache.get("topics/ai.rss")
    assert known
    cache.forget([known.feed, b"of a feed that is not cached"])
    assert [bool(cache.get(path)) for path in ("all.rss", "topics/ai.rss", "index.html")] == [
        True,
        False,
        False,
    ]
    assert LISTS not in cache._present.paths
    cache.add("topics/ai.rss", None)
    cache.add("topics/ai.rss", resource("topics/ai.rss"))
    assert len(cache._absent) == 0
