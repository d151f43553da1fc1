"""Sites that real generators have built are read as their own feeds say."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import feedparser
import pytest

from tests.generators.builders import FEEDS, GENERATORS
from tests.generators.posts import CANARY, Source, sources
from tests.kit import NOW, Bench, make_bench


def items(bench: Bench) -> list[dict]:
    """Return the items of the feed of all articles."""
    site = bench.site
    return json.loads(site.document(site.plan()["all.json"]).body)["items"]


def date_of(entry: feedparser.FeedParserDict) -> tuple[int, ...]:
    """Return the date of an entry; Eleventy states no other than its update."""
    return tuple(entry.get("published_parsed") or entry.updated_parsed)[:6]


def words(html: str) -> list[str]:
    """Return the words of HTML."""
    return re.findall(r"\w+", unescape(re.sub(r"<[^>]*>", " ", html)))


@pytest.mark.parametrize("name", GENERATORS)
def test_a_site_is_read_as_its_own_feed_says(name: str, tmp_path: Path):
    build = GENERATORS[name]
    posts = sources()
    bench = make_bench(tmp_path)
    bench.root = build(tmp_path / "source", posts)
    changes = bench.sync()
    own = {}
    for path in FEEDS[name]:
        parsed = feedparser.parse((bench.root / path).read_bytes())
        for entry in parsed.entries:
            if date_of(entry)[0] < 2030:
                own[entry.id] = (entry, parsed.feed.get("language", "en"))
    assert len(own) >= 9
    ours = items(bench)
    assert [p.message for p in changes.problems if p.level == "error"] == []
    assert {item["id"] for item in ours} == own.keys()
    for item in ours:
        entry, language = own[item["id"]]
        assert item.get("language", "en")[:2] == language[:2]
        assert item["date_published"][:19] == "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(
            *date_of(entry)
        )
        assert words(item["title"]) == words(entry.title)
        text = entry.content[0].value if "content" in entry else entry.summary
        theirs = words(text)[:20]
        own_words = words(item.get("content_html") or item.get("summary", ""))
        assert own_words[: len(theirs)] == theirs
        assert set(item.get("tags", ())) >= {tag.term for tag in entry.get("tags", ())} - {"misc"}
    everything = b"".join(document.body for document in bench.documents().values())
    assert CANARY.encode() not in everything
    assert b"Later." not in everything
    # A second build changes nothing, an edit one article.
    build(tmp_path / "source", posts)
    assert bench.sync().changed == 0
    posts[0] = Source(posts[0].name, posts[0].title, "Another text.", posts[0].date)
    build(tmp_path / "source", posts)
    bench.sync(NOW)
    assert (
        len([item for item, before in zip(items(bench), ours, strict=True) if item != before]) == 1
    )
