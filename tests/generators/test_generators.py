"""Sites that real generators have built are read as their own feeds say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import feedparser
import pytest

from feedhub.errors import ConfigError
from feedhub.sources.built.folder import SiteFolder
from tests.generators.builders import FEEDS, GENERATORS, LEFT_OUT
from tests.generators.posts import CANARY, LANGUAGES, posts_in, sources
from tests.kit import Bench, make_bench


def items(bench: Bench) -> list[dict]:
    """Return the items of the feed of all articles."""
    site = bench.site
    return json.loads(site.document(site.plan()["all.json"]).body)["items"]


def date_of(entry: feedparser.FeedParserDict) -> tuple[int, ...]:
    """Return the date of an entry; Eleventy states no other than its update."""
    return tuple(entry.get("published_parsed") or entry.get("updated_parsed") or (1,))[:6]


def words(html: str) -> list[str]:
    """Return the words of HTML."""
    return re.findall(r"\w+", unescape(re.sub(r"<[^>]*>", " ", html)))


def own_entries(root: Path, name: str) -> dict[str, feedparser.FeedParserDict]:
    """Return the dated entries of the generator's own feeds, by id, but for those to come."""
    parsed = [feedparser.parse((root / path).read_bytes()) for path in FEEDS[name]]
    entries = [entry for feed in parsed for entry in feed.entries]
    return {entry.id: entry for entry in entries if 1971 <= date_of(entry)[0] < 2030}


@pytest.mark.parametrize("name", GENERATORS)
def test_a_site_is_read_as_its_own_feed_says(name: str, tmp_path: Path, monkeypatch):
    build = GENERATORS[name]
    posts = sources()
    bench = make_bench(tmp_path)
    bench.root = build(tmp_path / "source", posts)
    now = datetime.now(UTC)  # some generators take the time of a file that states no date
    changes = bench.sync(now)
    own = own_entries(bench.root, name)
    ours = items(bench)
    assert [p.message for p in changes.problems if p.level == "error"] == []
    assert {item["id"] for item in ours} == own.keys()
    found = set()
    for item in ours:
        entry = own[item["id"]]
        text = entry.content[0].value if "content" in entry else entry.summary
        theirs = words(text)[:20]
        own_words = words(item.get("content_html") or item.get("summary", ""))
        assert own_words[: len(theirs)] == theirs
        (marker,) = {word for word in own_words if word.startswith("marker")}
        found.add(marker)
        assert item.get("language", "en")[:2] == marker[6:8]
        assert unquote(item["url"]) == unquote(entry.link)
        assert item["date_published"][:19] == "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(
            *date_of(entry)
        )
        if title := words(entry.get("title", "")):
            assert words(item["title"]) == title
        assert item["title"]
        assert set(item.get("tags", ())) >= {
            tag.term for tag in entry.get("tags", ()) if tag.term not in ("misc", *LANGUAGES)
        }
        if marker.endswith("component") and name != "astro":  # it has only the description there
            assert "component says" in " ".join(own_words)
    public = [post for language in LANGUAGES for post in posts_in(language)]
    public = [post for post in public if not post.state and post.name != "future"]
    assert found == {post.word for post in public if post.name not in LEFT_OUT.get(name, {})}
    everything = b"".join(document.body for document in bench.documents().values())
    assert CANARY.encode() not in everything
    assert b"Later." not in everything
    # A second build changes nothing, an edit one article.
    build(tmp_path / "source", posts)
    assert bench.sync(now).changed == 0
    posts[0] = replace(posts[0], body=f"{posts[0].word} Another text.")
    build(tmp_path / "source", posts)
    bench.sync(now)
    edited = items(bench)
    assert len([item for item, before in zip(edited, ours, strict=True) if item != before]) == 1
    # A folder that is being emptied keeps the old output.
    monkeypatch.setattr(SiteFolder, "wait_until_quiet", lambda self: None)
    for path in [*bench.root.rglob("*.xml"), *bench.root.rglob("*.json")]:
        path.unlink()
    with pytest.raises(ConfigError):
        bench.sync(now)
    assert items(bench) == edited
