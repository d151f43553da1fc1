"""Feeds that are podcasts: what directories require, and only where an owner asks for it."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import feedparser
import pytest

from feedhub.config import load_config
from feedhub.config.podcasts import CATEGORIES
from feedhub.errors import ConfigError
from feedhub.site.settings import channel_of, shape_of
from tests.judges import podcast as podcast_judge
from tests.judges import rss as rss_judge
from tests.kit import Bench, make_bench

TALKS: dict[str, object] = {
    "name": "/topics/talks/",
    "author": "Radio & Co",
    "email": "owner@example.org",
    "category": ["society & culture>documentary", "Technology"],
    "image": "https://example.org/cover.jpg?v=2",
    "explicit": True,
    "type": "serial",
    "guid": "917393E3-1b1e-5cef-ace4-edaa54e1f810",
    "locked": "yes",
}
PLAIN = {key: TALKS[key] for key in ("author", "email", "category", "image")} | {
    "name": "all",
    "explicit": False,
}
SOUND = {"url": "https://a.example/1.mp3?a=1&b=2", "length": 26_345, "duration": "1:02:05"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A site with a podcast of two episodes and an article, and older episodes in an archive."""
    bench = make_bench(
        tmp_path,
        feeds__podcast=[TALKS],
        feeds__limit=3,
        feeds__days=0,
        feeds__archive_from=500,
    )
    rows: list[tuple[str, dict[str, Any]]] = [
        ("sound", {"audio": SOUND}),
        ("film", {"video": {"url": "https://a.example/2.mp4", "duration": 60}}),
        ("text", {}),
        ("old", {"audio": SOUND, "publishedDateTime": "2020-01-01"}),
    ]
    for name, fields in rows:
        bench.write(f"{name}.md", title=name, topics=["Talks"], **fields)
    bench.sync()
    return bench


def podcast(bench: Bench, path: str = "topics/talks.rss") -> bytes:
    return bench.documents()[path].body


def test_a_podcast_has_what_directories_require(bench: Bench):
    document = podcast(bench)
    assert podcast_judge.complaints(document) == []
    allowed = ("in the unknown namespace", "podcast")
    # No podcast parser of PyPI reads these.
    assert b"<podcast:guid>917393e3-1b1e-5cef-ace4-edaa54e1f810</podcast:guid>" in document
    assert b'<podcast:locked owner="owner@example.org">yes</podcast:locked>' in document
    assert not [c for c in rss_judge.complaints(document) if not any(a in c for a in allowed)]


def test_podcastparser_reads_the_show_and_its_episodes(bench: Bench):
    podcastparser = pytest.importorskip("podcastparser", reason="install it: make lint")
    show = podcastparser.parse("https://a.example/", io.BytesIO(podcast(bench)))
    assert show["itunes_author"] == "Radio & Co"
    owner = {"name": "Radio & Co", "email": "owner@example.org"}
    assert show["itunes_owner"] == owner
    assert show["itunes_categories"] == [["Society & Culture", "Documentary"], ["Technology"]]
    assert show["cover_url"] == TALKS["image"]
    assert (show["explicit"], show["type"]) == (True, "serial")
    episodes = {episode["title"]: episode for episode in show["episodes"]}
    assert episodes["sound"]["total_time"] == 3725
    enclosure = {"url": SOUND["url"], "file_size": 26_345, "mime_type": "audio/mpeg"}
    assert episodes["sound"]["enclosures"][0].items() >= enclosure.items()
    assert episodes["film"]["enclosures"][0]["mime_type"] == "video/mp4"


def test_feedparser_reads_it_too(bench: Bench):
    feed = feedparser.parse(podcast(bench))
    assert not feed.bozo
    assert (feed.feed.author, feed.feed.image.href) == ("Radio & Co", TALKS["image"])
    durations = {entry.title: entry.get("itunes_duration") for entry in feed.entries}
    assert durations == {"sound": "3725", "film": None, "text": None}


def test_its_archives_are_podcasts(bench: Bench):
    archive = podcast(bench, "topics/talks/2020-01.rss")
    assert podcast_judge.complaints(archive) == []
    assert b"<itunes:duration>3725</itunes:duration>" in archive


def test_nothing_else_has_the_names_of_podcasts(bench: Bench):
    for path, document in bench.documents().items():
        is_podcast = path.startswith("topics/talks") and path.endswith(".rss")
        assert (b"itunes" in document.body) == is_podcast, path


def test_what_is_not_stated_is_left_out(tmp_path: Path):
    bench = make_bench(tmp_path, feeds__podcast=[PLAIN])
    bench.write("a.md", title="A", audio="https://a.example/1.mp3")
    bench.sync()
    document = podcast(bench, "all.rss")
    assert podcast_judge.complaints(document) == []
    assert b"podcastindex.org" not in document
    assert b"itunes:type" not in document
    assert b"itunes:duration" not in document
    assert b"<itunes:explicit>false<" in document


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        (b"<itunes:explicit>true", b"<itunes:explicit> yes", "neither true nor false"),
        (b"owner@example.org</", b"owner</", "has no e-mail address"),
        (b'href="https://example.org/cover.jpg?v=2"', b'href="cover.jpg"', "no JPEG or PNG"),
        (b'text="Technology"', b'text=""', "is no category"),
        (b">serial<", b">weekly<", "neither episodic nor serial"),
        (b">yes</podcast", b">maybe</podcast", "neither yes nor no"),
        (b">3725<", b">an hour<", "is no duration"),
        (b'type="audio/mpeg"/>', b'type="video/mp4"/>', "stands beside no audio"),
        (b'type="video/mp4"/>', b'type="video/x-flv"/>', "not a type of episodes"),
        (b'length="26345"', b'length=""', "no address or length"),
        (b"<language>en</language>", b"", "has no language"),
        (b"<itunes:author>Radio &amp; Co</itunes:author>", b"", "has no itunes:author"),
        (b"<ttl>", b"<itunes:type>serial</itunes:type><ttl>", "more than one itunes:type"),
        (b"<ttl>", b"<itunes:duration>1</itunes:duration><ttl>", "has no place"),
    ],
)
def test_the_judge_sees_a_breach(bench: Bench, before: bytes, after: bytes, complaint: str):
    document = podcast(bench)
    assert before in document
    changed = document.replace(before, after, 1)
    assert [line for line in podcast_judge.complaints(changed) if complaint in line]


def test_a_setting_of_a_podcast_changes_the_tags_and_none_leaves_them():
    config = load_config(None, {}, {"feeds.podcast": [TALKS]})
    shapes = {shape_of(channel_of(config), pages=False, languages=False)}
    others = {
        "name": "all",
        "author": "Other",
        "email": "other@example.org",
        "category": ["Arts"],
        "image": "https://example.org/other.png",
        "explicit": False,
        "type": "episodic",
        "guid": "a17393e3-1b1e-5cef-ace4-edaa54e1f810",
        "locked": "no",
    }
    assert list(others) == list(TALKS)
    for key, value in others.items():
        changed = load_config(None, {}, {"feeds.podcast": [TALKS | {key: value}]})
        shapes.add(shape_of(channel_of(changed), pages=False, languages=False))
    assert len(shapes) == len(others) + 1
    bare = channel_of(load_config(None, {}))
    same = replace(bare, podcasts=())
    assert len({shape_of(one, pages=False, languages=False) for one in (bare, same)}) == 1


# The configuration.


@pytest.mark.parametrize("key", PLAIN)
def test_what_directories_need_must_be_there(key):
    table = {name: value for name, value in PLAIN.items() if name != key}
    why = "it is the path of the feed" if key == "name" else "directories of podcasts need it"
    assert refusal(table) == f"feeds.podcast.{key} is missing: {why}"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("author", " ", "must be text that is not empty"),
        ("email", "Jane <jane@example.org>", "must be an e-mail address: write it as owner@"),
        ("email", "jane", "must be an e-mail address"),
        ("category", [], "must be a list of categories of Apple Podcasts: it is empty"),
        ("category", ["Tech"], "'Tech' is none"),
        ("category", ["Arts > Documentary"], "is none"),
        ("category", ["Technology", "technology"], "listed twice"),
        ("image", "/cover.jpg", "must be the http(s) address of a JPEG or PNG"),
        ("image", "https://example.org/cover.webp", "it must end with .jpg or .png"),
        ("explicit", "yes", "must be true or false"),
        ("type", "daily", "must be episodic or serial"),
        ("guid", "show", "must be a UUID"),
        ("locked", "true", "must be yes or no"),
        ("title", "x", "is not a known key"),
    ],
)
def test_a_wrong_value_is_refused(key, value, message):
    assert message in refusal(PLAIN | {key: value})


def refusal(table: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(None, {}, {"feeds.podcast": [table]})
    return str(caught.value)


def test_every_category_can_be_written():
    names = [
        f"{name} > {part}" if part else name
        for name, parts in CATEGORIES.items()
        for part in ("", *filter(None, parts.split("|")))
    ]
    config = load_config(None, {}, {"feeds.podcast": [PLAIN | {"category": names}]})
    assert config.feeds.podcast[0].category == tuple(names)
    assert len(names) == 19 + 91, "as many as Apple Podcasts has"
