"""Named selections: ordinary feeds with an address of their own, from the configuration."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from feedhub.config import CustomConfig, load_config, starter_toml
from feedhub.errors import ConfigError
from tests.fronts import bench_on_disk, front_of
from tests.kit import NOW, Bench, make_bench
from tests.renders import render_bench

AI: dict[str, object] = {
    "name": "ai-news",
    "title": "AI news",
    "topic": ["AI", "robots"],
    "not_author": ["Bot"],
}


@pytest.fixture
def bench(tmp_path) -> Bench:
    bench = make_bench(tmp_path, feeds__custom=[AI])
    bench.write("a.md", title="One", topics=["AI"])
    bench.write("b.md", title="Two", topics=["Robots"], publishedDateTime="2020-05-01")
    bench.write("c.md", title="Three", topics=["AI"], authors=["Bot"])
    bench.write("d.md", title="Four", topics=["Tea"])
    bench.sync()
    return bench


def configured(bench: Bench, *tables: dict[str, object], **feeds: object) -> None:
    """Set the named selections of the bench."""
    custom = load_config(None, {}, {"feeds.custom": list(tables)}).feeds.custom
    bench.config = replace(
        bench.config,
        feeds=replace(bench.config.feeds, custom=custom, **feeds),  # type: ignore[arg-type]
    )


def test_a_named_selection_is_a_feed(bench):
    documents = bench.documents()
    assert bench.titles("custom/ai-news.json") == ["One", "Two"]
    feed = json.loads(documents["custom/ai-news.json"].body)
    assert feed["title"] == "AI news (selection) · Feeds"
    assert feed["feed_url"] == "https://feeds.example.org/custom/ai-news.json"
    assert b"/custom/ai-news.rss" in documents["feeds.opml"].body
    assert b"AI news" in documents["index.html"].body
    assert b"AI news" in documents["custom/ai-news/index.html"].body


def test_it_is_rendered_and_served(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__custom=[AI])
    bench.write("a.md", title="One", topics=["AI"])
    render_bench(bench, tmp_path / "out")
    rendered = (tmp_path / "out/custom/ai-news.atom").read_bytes()
    with front_of(bench) as front:
        assert front.get("/custom/ai-news.atom").body == rendered


def test_it_has_archives_and_deltas_like_any_feed(bench):
    configured(bench, AI, limit=1, days=0)
    bench.sync(NOW + timedelta(seconds=1))
    assert bench.titles("custom/ai-news.json") == ["One"]
    assert bench.titles("custom/ai-news/2020-05.json") == ["Two"]
    assert b"prev-archive" in bench.documents()["custom/ai-news.atom"].body


def test_an_article_that_matches_no_more_leaves_the_archives_too(bench):
    configured(bench, {"name": "best", "min_quality": 50}, limit=1, days=0)
    bench.write("a.md", title="One", quality=90)
    bench.write("newer.md", title="Newer", quality=90, publishedDateTime="2020-05-02")
    bench.write("x.md", title="Stays", quality=90, publishedDateTime="2020-04-02")
    tags = []
    for second, (quality, left) in enumerate(((90, ["Two"]), (10, []), (90, ["Two"])), 1):
        bench.write("b.md", title="Two", quality=quality, publishedDateTime="2020-04-01")
        bench.sync(NOW + timedelta(seconds=second))
        assert bench.titles("custom/best/2020-04.json") == ["Stays", *left]
        tags.append(bench.site.plan()["custom/best/2020-04.json"].etag())
    assert len(set(tags)) == 3, "the date of a feed never goes back"


def test_after_an_article_left_there_is_no_delta(tmp_path):
    best = {"name": "best", "min_quality": 50}
    bench = bench_on_disk(tmp_path, feeds__custom=[best], http__delta=True)
    bench.write("a.md", title="One a", quality=90)
    bench.sync()
    with front_of(bench) as front:
        known = front.get("/custom/best.rss").fields["etag"]
        for second, (name, quality, status) in enumerate((("b", 90, 226), ("a", 10, 200)), 1):
            bench.write(f"{name}.md", title=f"One {name}", quality=quality)
            bench.sync(NOW + timedelta(seconds=second))
            front.refresh()
            reply = front.get("/custom/best.rss", a_im="feed", if_none_match=known)
            assert reply.status == status


def test_it_follows_edits(bench):
    before = state(bench)
    bench.write("d.md", title="Four", topics=["Tea", "AI"])
    bench.sync(NOW + timedelta(seconds=1))
    assert bench.titles("custom/ai-news.json") == ["One", "Four", "Two"]
    after = state(bench)
    assert (after.fingerprint, after.changed_at) > ("", before.changed_at)
    bench.write("d.md", title="Four", topics=["Tea"])
    bench.write("e.md", title="Five", topics=["Tea"])
    bench.sync(NOW + timedelta(seconds=2))
    assert bench.titles("custom/ai-news.json") == ["One", "Two"]
    (bench.root / "a.md").unlink()
    bench.sync(NOW + timedelta(seconds=3))
    assert bench.titles("custom/ai-news.json") == ["Two"]


def test_an_unrelated_change_does_not_change_it(bench):
    before = state(bench)
    bench.write("d.md", title="Changed", topics=["Tea"])
    bench.sync(NOW + timedelta(seconds=1))
    assert state(bench) == before


def test_a_score_alone_brings_an_article_in_and_out(bench):
    configured(bench, {"name": "best", "min_quality": 80})
    bench.sync()
    assert bench.titles("custom/best.json") == []
    for quality, found in ((90, ["One"]), (70, [])):
        bench.write("a.md", title="One", topics=["AI"], quality=quality)
        bench.sync()
        assert bench.titles("custom/best.json") == found


def test_words_are_found_without_a_server(bench):
    configured(bench, {"name": "words", "q": "tw*"})
    bench.sync()
    assert bench.titles("custom/words.json") == ["Two"]


def test_all_since_and_the_rest(bench):
    tables = (
        {"name": "both", "topic": ["AI", "Tea"], "all": True},
        {"name": "new", "since": "2020-06-01", "min_quality": 0},
    )
    configured(bench, *tables)
    bench.write("f.md", title="Both", topics=["AI", "Tea"], publishedDateTime="2020-01-01")
    bench.sync()
    assert bench.titles("custom/both.json") == ["Both"]
    assert bench.titles("custom/new.json") == ["One", "Three", "Four"]


def test_another_selection_of_the_same_name_and_none(bench):
    configured(bench, {"name": "ai-news", "topic": ["Tea"]})
    bench.sync()
    assert bench.titles("custom/ai-news.json") == ["Four"]
    assert b"ai-news (selection)" in bench.documents()["custom/ai-news.rss"].body
    configured(bench)
    bench.sync()
    assert not [path for path in bench.site.plan() if path.startswith("custom")]
    # Nor what another feed would have that is given the same number.
    orphans = "WHERE feed NOT IN (SELECT number FROM feeds)"
    left = [f"{table} {orphans}" for table in ("labels", "states", "history")]
    for table in ("feeds WHERE kind = 'custom'", "search_index", "search_entries", *left):
        query = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own names
        assert bench.catalog._database.fetch_value(query) == 0


def test_kinds_that_are_not_published_can_be_selected(bench):
    configured(bench, {"name": "robots", "topic": ["Robots"]}, kinds=("all",))
    bench.sync()
    assert bench.titles("custom/robots.json") == ["Two"]
    assert not [path for path in bench.site.plan() if path.startswith("topics/")]
    assert [state.kind for state in bench.site.states()] == ["all", "custom"]


def test_feeds_that_are_not_published_are_not_computed(tmp_path):
    bench = make_bench(tmp_path, feeds__custom=[AI], feeds__kinds=["all"])
    bench.write("a.md", title="One", topics=["AI", "Tea"], authors=["Ann"])
    assert bench.sync().changed == 2
    bench.write("a.md", title="Other", topics=["AI", "Tea"], authors=["Ann"])
    changes = bench.sync(NOW + timedelta(seconds=1))
    assert (changes.changed, set(changes.changed_feeds)) == (
        2,
        {("all", ""), ("custom", "ai-news")},
    )


def test_a_retired_and_a_moved_selection(tmp_path):
    tables = [{"name": "old"}, {"name": "new"}, {"name": "gone"}]
    bench = bench_on_disk(
        tmp_path,
        feeds__custom=tables,
        feeds__gone=["custom/gone"],
        feeds__moved=["custom/old -> custom/new"],
    )
    bench.write("a.md", title="One")
    bench.sync()
    with front_of(bench) as front:
        assert front.get("/custom/gone.rss").status == 410
        reply = front.get("/custom/old.rss")
        assert (reply.status, reply.fields["location"]) == (
            301,
            "https://feeds.example.org/custom/new.rss",
        )


def state(bench: Bench):
    (found,) = (one for one in bench.site.states() if one.kind == "custom")
    return found


# The configuration.


def refusal(folder: Path, text: str) -> str:
    place = folder / "feedhub.toml"
    place.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(place, {})
    return str(caught.value).removeprefix(f"{place}:")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("topic = ['a']", "2: feeds.custom.name is missing"),
        ("name = 'Two Words'", "3: feeds.custom.name must be lower-case letters"),
        ("name = ''", "3: feeds.custom.name must be lower-case letters"),
        (
            "name = 'a'\ntopics = ['x']",
            "4: feeds.custom.topics is not a known key; did you mean topic?",
        ),
        ("name = 'a'\n'\\u000a' = 1", "4: feeds.custom."),
        (
            "name = 'a'\nlimit = 5",
            "4: feeds.custom.limit is not a known key; choose from name, title",
        ),
        ("name = 'a'\ntopic = 'x'", "4: feeds.custom.topic must be a list, not text"),
        ("name = 'a'\nall = 'yes'", "4: feeds.custom.all must be true or false"),
        ("name = 'a'\nmin_quality = -1", "4: feeds.custom.min_quality must be a number from 0"),
        ("name = 'a'\nmin_quality = 'high'", "4: feeds.custom.min_quality must be"),
        (
            "name = 'a'\n[[feeds.custom]]\nname = 'a'",
            "5: feeds.custom.name must be unique",
        ),
    ],
)
def test_a_mistake_is_reported_with_its_line(tmp_path, lines, message):
    assert refusal(tmp_path, f"[feeds]\n[[feeds.custom]]\n{lines}\n").startswith(message)


@pytest.mark.parametrize("text", ["[feeds]\ncustom = 'ai'", "[feeds]\ncustom = ['ai']"])
def test_a_selection_is_a_table(tmp_path, text):
    told = "2: feeds.custom must be a list of tables: [[feeds.custom]]"
    assert refusal(tmp_path, text) == told


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"since": "soon"}, "feeds.custom.since of 'mine' must be a date"),
        ({"q": "!"}, "feeds.custom.q of 'mine' has no word in it"),
        (
            {"topic": [f"t{n}" for n in range(51)]},
            "feeds.custom.topic of 'mine' is given more than",
        ),
    ],
)
def test_an_invalid_value_is_reported_with_its_key(tmp_path, table, message):
    with pytest.raises(ConfigError) as caught:
        _ = make_bench(tmp_path, feeds__custom=[{"name": "mine", **table}]).site
    assert str(caught.value).startswith(message)


def test_a_kind_that_does_not_exist(tmp_path):
    for kind in ("custom", "story", "search"):
        with pytest.raises(ConfigError, match="is not known"):
            _ = make_bench(tmp_path, feeds__kinds=[kind]).site


def test_a_variable_cannot_hold_tables():
    with pytest.raises(ConfigError, match="FEEDHUB_FEEDS_CUSTOM is not a known variable"):
        load_config(None, {"FEEDHUB_FEEDS_CUSTOM": "a,b"})


def test_the_example_of_the_starter_file_is_one(tmp_path):
    """Without the comment signs it is a selection with every key, and a podcast."""
    place = tmp_path / "feedhub.toml"
    table = r"^# (\[\[(?:feeds|notify)\.[a-z]+\]\]|[a-z_]+ = .*)$"
    place.write_text(re.sub(table, r"\1", starter_toml(), flags=re.MULTILINE))
    feeds = load_config(place, {}).feeds
    (custom,), (podcast,) = feeds.custom, feeds.podcast
    assert podcast.name == "topics/talks"
    assert isinstance(custom, CustomConfig)
    assert {key: value for key, value in asdict(custom).items() if value} == {
        "name": "ai-news",
        "title": "AI without opinion",
        "topic": ("AI", "Machine Learning"),
        "not_category": ("Opinion",),
        "since": "2020-01-01",
        "q": 'robot* -"press release"',
    }
