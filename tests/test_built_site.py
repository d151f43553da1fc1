"""A site that a generator has built: its own feed is the index, its pages have the rest."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest

from feedhub.article import Provider
from feedhub.catalog import Catalog
from feedhub.catalog.state import StoredMemory
from feedhub.check import check
from feedhub.cli import main
from feedhub.config import load_config
from feedhub.errors import ConfigError
from feedhub.feed_reader import Markup, ParsedEntry
from feedhub.site import Site, source_of
from feedhub.sources import BuiltOptions, ReadOptions, RememberingSource, open_source
from feedhub.sources.built import folder as folder_module
from feedhub.sources.built import pages
from feedhub.sources.built import source as source_module
from feedhub.sources.built.folder import SiteFolder
from feedhub.sources.built.messages import has_summary_only
from feedhub.sources.built.source import BuiltSource
from feedhub.sources.files import FilesSource
from tests.built_sites import BASE, CANARY, BuiltSite, Post, posts
from tests.kit import NOW, Bench, make_bench

HIDDEN = Post("posts/hidden/index.html", CANARY, f"<p>{CANARY}</p>", in_feed=False)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch):
    """Let nothing wait: a test says itself what happens meanwhile."""
    monkeypatch.setattr(SiteFolder, "wait_until_quiet", lambda self: None)


def make_site(tmp_path: Path, **values: object) -> BuiltSite:
    """Build a site of three posts and a hidden one below `tmp_path`."""
    values.setdefault("posts", [*posts(), HIDDEN])
    return BuiltSite(tmp_path / "_site", **values).build()  # type: ignore[arg-type]


def bench_of(site: BuiltSite, **overrides: object) -> Bench:
    """Return a bench whose source is the site."""
    bench = make_bench(site.root.parent, **overrides)  # type: ignore[arg-type]
    bench.root = site.root
    return bench


def items(bench: Bench, path: str = "all.json") -> list[dict]:
    """Return the items of a JSON feed."""
    site = bench.site
    return json.loads(site.document(site.plan()[path]).body)["items"]


def everything(bench: Bench) -> bytes:
    """Return all bytes that would be published."""
    return b"".join(document.body for document in bench.documents().values())


SHAPES: dict[str, dict[str, object]] = {
    "jekyll": {"posts": posts(pattern="2024/01/{name}.html"), "feed": "feed.xml"},
    "hugo": {"kind": "rss", "feed": "index.xml", "full_text": False},
    "eleventy": {"feed": "feed/feed.xml", "announce": False},
    "wordpress": {"kind": "rss", "feed": "feed/index.xml", "announce": False},
    "docusaurus": {
        "posts": posts(pattern="blog/{name}/index.html"),
        "feed": "blog/atom.xml",
        "mount": "/project",
    },
    "docusaurus-without-slash": {
        "posts": posts(pattern="blog/{name}.html"),
        "feed": "blog/atom.xml",
    },
    "pelican": {"posts": posts(pattern="{name}.html"), "feed": "feeds/all.atom.xml"},
    "mkdocs": {"kind": "rss", "feed": "feed_rss_created.xml", "full_text": False, "mount": "/a/b"},
    "astro": {"kind": "json", "feed": "feed.json"},
    "cjk": {"posts": posts(pattern="文章/{name} é/index.html")},
    "cjk-not-encoded": {"posts": posts(pattern="文章/{name} é/index.html"), "encodes": False},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_ids_links_dates_titles_people_and_labels_are_those_of_the_own_feed(
    shape: str, tmp_path: Path
):
    site = make_site(tmp_path, **SHAPES[shape])
    bench = bench_of(site)
    changes = bench.sync()
    assert changes.problems == ()
    assert changes.states == {"shown": 3}
    ours = items(bench)
    data = (site.root / site.folder / site.feed).read_bytes()
    if site.kind == "json":
        theirs = [
            (item["id"], item["url"], item["title"], item["date_published"][:19], item["tags"])
            for item in json.loads(data)["items"]
        ]
    else:
        theirs = [
            (
                entry.id,
                entry.link,
                entry.title.replace("&amp;", "&"),
                time.strftime(
                    "%Y-%m-%dT%H:%M:%S", entry.get("published_parsed") or entry.updated_parsed
                ),
                [tag.term for tag in entry.tags],
            )
            for entry in feedparser.parse(data).entries
        ]
    assert [
        (
            item["id"],
            item["url"] if site.encodes else item["id"],
            item["title"],
            item["date_published"][:19],
            item["tags"],
        )
        for item in ours
    ] == theirs
    assert {item["authors"][0]["name"] for item in ours} == {"Ann"}
    assert {item.get("language", "en") for item in ours} == {"en"}


def test_addresses_in_the_text_are_resolved_on_the_page_of_the_entry(tmp_path: Path):
    bench = bench_of(make_site(tmp_path))
    bench.sync()
    html = items(bench)[0]["content_html"]
    assert f'src="{BASE}/posts/post-3/pic.png"' in html
    assert f'href="{BASE}/posts/other/"' in html


@pytest.mark.parametrize("content", ["feed", "page"])
def test_a_hidden_page_is_never_published(content: str, tmp_path: Path):
    bench = bench_of(make_site(tmp_path), source__content=content)
    bench.sync()
    assert CANARY.encode() not in everything(bench)
    assert len(items(bench)) == 3


@pytest.mark.parametrize("content", ["feed", "page"])
def test_a_frame_that_moves_changes_nothing_and_one_edit_changes_one(content: str, tmp_path: Path):
    site = make_site(tmp_path)
    bench = bench_of(site, source__content=content)
    bench.sync()
    before, old_items = everything(bench), items(bench)
    for post in site.posts:  # as a generator that takes the time of its build for an update
        post.updated = "2024-03-01T00:00:00+00:00"
    replace(site, frame="Frame 2").build()
    later = NOW + timedelta(days=1)
    changes = bench.sync(later)
    assert changes.changed == 0
    assert everything(bench) == before
    assert bench.sync(later).read == 0
    site.posts[1].text += "<p>More.</p>"
    site.posts[1].updated = "2024-04-01T00:00:05+00:00"
    site.build()
    assert bench.sync(later).changed
    changed = [new for new, old in zip(items(bench), old_items, strict=True) if new != old]
    assert [(item["id"], item["date_modified"]) for item in changed] == [
        (f"{BASE}/posts/post-2/", "2024-04-01T00:00:05Z")
    ]


def test_an_edit_that_states_no_update_is_dated_when_it_is_seen(tmp_path: Path):
    site = make_site(tmp_path)
    bench = bench_of(site)
    bench.sync()
    site.posts[0].title = "Another title"
    site.build()
    bench.sync()
    assert items(bench)[0]["date_modified"] == "2026-06-01T12:00:00Z"


def test_a_page_is_parsed_only_when_its_bytes_have_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    site = make_site(tmp_path)
    for page in site.root.rglob("*"):
        os.utime(page, (1, 1))
    bench = bench_of(site, source__content="page")
    parsed, read = [], []
    parse_page, read_file = pages.parse_page, SiteFolder.read

    def parse(data: bytes):
        parsed.append(data)
        return parse_page(data)

    def read_path(self: SiteFolder, path: str, *limit: int) -> bytes:
        read.append(path)
        return read_file(self, path, *limit)

    monkeypatch.setattr(source_module, "parse_page", parse)
    monkeypatch.setattr(SiteFolder, "read", read_path)
    bench.sync()
    assert len(parsed) == 6  # each head, then each text
    read.clear()
    bench.sync()
    assert len(parsed) == 6
    assert not [path for path in read if path.endswith(".html") and "/" in path]
    page = site.root / "posts/post-1/index.html"
    page.write_bytes(page.read_bytes())  # another status, the same bytes
    bench.sync()
    assert len(parsed) == 6
    assert "posts/post-1/index.html" in read
    page.write_bytes(page.read_bytes().replace(b"Text of 1", b"Word of 1"))
    bench.sync()
    assert len(parsed) == 8
    assert "Word of 1" in items(bench)[2]["content_html"]


def test_a_lost_catalog_gives_the_same_documents(tmp_path: Path):
    site = make_site(tmp_path)
    bench = bench_of(site)
    bench.sync()
    before = everything(bench)
    bench.catalog = Catalog(None)
    bench.sync(NOW + timedelta(days=3))
    assert everything(bench) == before


# Building


def test_a_site_that_is_being_built_is_looked_at_again_when_it_is_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    site = make_site(tmp_path)
    bench = bench_of(site)
    bench.sync()
    before = everything(bench)
    feed, whole = site.root / site.feed, (site.root / site.feed).read_bytes()
    feed.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(SiteFolder, "wait_until_quiet", lambda self: feed.write_bytes(whole))
    assert bench.sync().changed == 0
    # The page of a known entry is written again meanwhile.
    page = site.root / "posts/post-2/index.html"
    text = page.read_bytes()
    page.unlink()
    monkeypatch.setattr(SiteFolder, "wait_until_quiet", lambda self: page.write_bytes(text))
    assert bench.sync().changed == 0
    # So is one whose end is not there yet.
    bench = bench_of(site, source__content="page")
    bench.sync()
    whole_text = everything(bench)
    page.write_bytes(text[: text.index(b"</p>")])
    bench.sync()
    assert everything(bench) == whole_text
    assert everything(bench_of(site)) != before  # an empty catalog has other documents


@pytest.mark.parametrize("harm", ["no feed", "half a feed", "an empty folder", "no page"])
def test_a_site_that_stays_half_built_changes_nothing(harm: str, tmp_path: Path):
    site = make_site(tmp_path)
    bench = bench_of(site, source__kind="built")
    bench.sync()
    before = everything(bench)
    feed = site.root / site.feed
    if harm == "half a feed":
        feed.write_bytes(feed.read_bytes()[:700])
    elif harm == "no page":
        for page in site.root.glob("posts/*/index.html"):
            page.unlink()
    else:
        feed.unlink()
    if harm == "an empty folder":
        (site.root / "index.html").unlink()
    with pytest.raises(ConfigError):
        bench.sync()
    assert everything(bench) == before


def test_quiet_is_when_nothing_has_changed_for_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.undo()
    site = make_site(tmp_path)
    (site.root / "out/.feedhub").mkdir(parents=True)
    (site.root / "out/.feedhub/manifest.json").touch()
    (site.root / ".hidden").touch()
    folder = SiteFolder(str(site.root.resolve()))
    naps: list[float] = []
    page = site.root / "posts/post-1/index.html"
    now = page.stat().st_mtime

    def sleep(seconds: float):
        naps.append(seconds)
        monkeypatch.setattr(time, "time", lambda: now + len(naps) * 0.5)

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "time", lambda: now)
    folder.wait_until_quiet()
    assert 3 <= len(naps) <= 6
    # It ends though nothing is ever quiet, and looks at no more files than it may.
    monkeypatch.setattr(folder_module, "MAX_WAIT_SECONDS", 0)
    monkeypatch.setattr(folder_module, "MAX_FILES_TO_WATCH", 1)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    folder.wait_until_quiet()
    # What has gone since it was listed has changed just now.
    gone = [entry for entry in folder.walk() if entry.name == "index.html"]
    page.unlink()
    assert folder_module._changed_at(str(page)) == 0.0
    assert gone
    assert list(SiteFolder(str(tmp_path / "nothing")).walk()) == []


def test_the_output_may_lie_inside_the_site_and_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    site = make_site(tmp_path, feed="feeds/all.atom.xml")
    out = site.root / "feeds" / "mine"
    command = ["render", str(site.root), str(out), "--base-url", f"{BASE}/feeds/mine"]
    assert main(command) == 0
    # Now the site announces what feedhub has written.
    home = (site.root / "index.html").read_text()
    link = '<link rel="alternate" type="application/atom+xml" href="/feeds/mine/all.atom">'
    (site.root / "index.html").write_text(home.replace("<head>", f"<head>{link}"))
    assert main(command) == 0
    assert "3 published" in capsys.readouterr().out
    assert [item["id"] for item in json.loads((out / "all.json").read_bytes())["items"]] == [
        f"{BASE}/posts/post-{number}/" for number in (3, 2, 1)
    ]
    assert "feeds/mine/" not in SiteFolder(str(site.root)).folders()


# What entries say


def test_a_post_without_title_date_or_page(tmp_path: Path):
    site = make_site(
        tmp_path,
        posts=[
            Post("a/index.html", "", "<p>A note without a title.</p>", date="2024-01-05T00:00:00Z"),
            Post("b/index.html", "Elsewhere", "<p>x</p>", link="https://other.example/x"),
            Post("c/index.html", "Some day", "<p>x</p>", date="0001-01-01T00:00:00Z"),
            Post("d/index.html", "Not yet", "<p>x</p>", date="2030-01-01T00:00:00Z"),
            Post("e/index.html", "Script", "<p>x</p>", link="https://x.example:99999/"),
            *posts(),
        ],
    )
    bench = bench_of(site)
    changes = bench.sync()
    assert changes.states == {"shown": 5, "undated": 1, "scheduled": 1, "rejected": 1}
    assert {problem.code for problem in changes.problems} == {"no-date", "bad-url"}
    first = items(bench)[0]
    assert (first["title"], first["url"]) == ("A note without a title.", f"{BASE}/a/")
    assert "https://other.example/x" in {item["url"] for item in items(bench)}
    # The fourth comes when its time has come.
    assert bench.catalog.next_due() == datetime(2030, 1, 1, tzinfo=UTC)
    assert bench.sync(datetime(2030, 1, 2, tzinfo=UTC)).states["shown"] == 6


def test_links_to_other_sites_need_no_page(tmp_path: Path):
    links = [Post("", f"Link {n}", "<p>x</p>", link=f"https://video.example/{n}") for n in range(3)]
    bench = bench_of(make_site(tmp_path, posts=links))
    assert bench.sync().states == {"shown": 3}
    assert items(bench)[0]["url"].startswith("https://video.example/")


def test_the_date_of_an_entry_without_one_may_stand_in_its_page(tmp_path: Path):
    undated = Post(
        "c/index.html", "Some day", '<p>x</p><time datetime="2024-02-03T04:05:06Z">', date=""
    )
    site = make_site(tmp_path, posts=[undated, *posts()])
    bench = bench_of(site, source__date="time")
    assert bench.sync().states == {"shown": 4}
    assert items(bench)[0]["date_published"] == "2024-02-03T04:05:06Z"
    bench = bench_of(site, source__date=".nothing")
    assert bench.sync().states == {"shown": 3, "undated": 1}
    bench = bench_of(site, source__date="html, time")
    assert bench.sync().states == {"shown": 4}


def test_bases_and_people_that_cannot_be_used(tmp_path: Path):
    site = make_site(tmp_path)
    feed = site.root / site.feed
    start, first, second, rest = feed.read_text().split("<content")
    bases = (
        '<content xml:base="mailto:x"',
        '<content xml:base="https://cdn.example/x/"',
        "<content",
    )
    text = start + "".join(map("".join, zip(bases, (first, second, rest), strict=True)))
    text = text.replace("<name>Ann</name>", "<name>Ann</name><uri>javascript:x</uri>", 1)
    text = text.replace("The beginning.", "Text of 3, a link and .", 1)
    feed.write_text(text)
    bench = bench_of(site)
    bench.sync()
    articles = items(bench)
    assert f"{BASE}/posts/post-3/pic.png" in articles[0]["content_html"]
    assert "https://cdn.example/x/pic.png" in articles[1]["content_html"]
    assert f"{BASE}/posts/post-1/pic.png" in articles[2]["content_html"]
    assert articles[0]["authors"] == [{"name": "Ann"}]
    assert articles[0]["summary"] == "Text of 3, a link and ."


def test_a_home_page_that_is_empty_or_gone(tmp_path: Path):
    site = make_site(tmp_path)
    site.write("de/index.html", "")
    assert bench_of(site).sync().states == {"shown": 3}
    folder = SiteFolder(str(tmp_path / "nothing"))
    assert folder.folders() == []
    site.write("index.html", "")
    with pytest.raises(ConfigError, match=r"no index\.html"):
        bench_of(site, source__kind="built").sync()
    (site.root / "index.html").write_text("<!--")
    assert source_module.looks_built(site.root)  # there is nothing else that it could be


def test_notes_that_share_a_page_are_articles_of_their_own(tmp_path: Path):
    notes = [
        Post("log.html", f"Note {n}", "<p>x</p>", link=f"{BASE}/log.html#{n}", id=f"tag:note,{n}")
        for n in (1, 2, 2)
    ]
    site = make_site(tmp_path, posts=[*posts(), *notes])
    site.write("log.html", site.page("Log", "<main>x</main>"))
    bench = bench_of(site)
    (problem,) = bench.sync().problems
    assert problem.message == "1 of 6 entries have the id of an earlier one: left out"
    assert [item["id"] for item in items(bench)].count("tag:note,1") == 1
    assert len(items(bench)) == 5


def test_of_several_feeds_the_fuller_one_is_taken_and_else_the_first(tmp_path: Path):
    site = make_site(tmp_path, kind="rss", feed="short.xml", full_text=False)
    short = (site.root / "index.html").read_text()
    full = replace(site, kind="atom", feed="full.xml", full_text=True, mount="").build()
    links = short[short.index("<link") : short.index("</head>")]
    home = (site.root / "index.html").read_text().replace("<head>", f"<head>{links}")
    (site.root / "index.html").write_text(home)
    source = BuiltSource(site.root, ReadOptions())
    assert len(list(source.scan())) == 3
    assert {listed.entry.feed for listed in source._listed.values()} == {full.feed}
    (site.root / "full.xml").write_bytes((site.root / "short.xml").read_bytes())
    list(source.scan())
    assert {listed.entry.feed for listed in source._listed.values()} == {"short.xml"}


@pytest.mark.parametrize(
    ("home", "page", "is_in_feed", "language"),
    [
        ("en", '<html lang="de">', False, "de"),
        ("en", '<html><meta property="og:locale" content="pt_BR">', False, "pt-BR"),
        ("en", "<html>", False, "en"),
        ("", '<html lang="de">', False, "de"),
        # A theme that says so on every page, and an entry that says it itself.
        ("en", '<html lang="en">', True, "fr"),
        ("en", '<html lang="de">', True, "fr"),
    ],
)
def test_one_feed_may_hold_several_languages(tmp_path, home, page, is_in_feed, language):
    site = make_site(tmp_path, language=home)
    site.write(site.posts[0].path, f"<!DOCTYPE html>{page}<body><p>Text</p></body></html>")
    if is_in_feed:
        feed = site.root / site.feed
        feed.write_text(feed.read_text().replace("<entry>", '<entry xml:lang="fr">'))
    found = {item["url"]: item.get("language", "en") for item in items(synced(bench_of(site)))}
    assert found[site.address(site.posts[0])] == language
    bench = bench_of(site, source__languages=("en",))
    bench.sync()
    assert bench.catalog.count() == {"en": 3, "fr": 0}.get(language, 2)


def synced(bench: Bench) -> Bench:
    bench.sync()
    return bench


def test_what_another_version_knew_of_pages_is_read_again(tmp_path, monkeypatch):
    site = make_site(tmp_path)
    bench = synced(bench_of(site))
    parsed: list[bytes] = []

    def parse(data: bytes) -> pages.Element | None:
        parsed.append(data)
        return pages.parse_page(data)

    monkeypatch.setattr(source_module, "parse_page", parse)
    bench.sync()
    assert parsed == []
    monkeypatch.setattr(source_module, "READER_VERSION", 99)
    bench.sync()
    assert len(parsed) == 3


def test_each_language_has_its_feed(tmp_path: Path):
    site = make_site(tmp_path)
    german = BuiltSite(
        site.root, posts(2), language="de", folder="de/", kind="rss", feed="index.xml"
    ).build()
    french = BuiltSite(site.root, posts(1), language="fr", folder="fr-fr/", announce=False).build()
    site.write("no/index.html", "<html lang=en><body>No language of its own, no feed.")
    bench = bench_of(site)
    assert bench.sync().states == {"shown": 6}
    by_language: dict[str, int] = {}
    for item in items(bench):
        tag = item.get("language", "en")
        by_language[tag] = by_language.get(tag, 0) + 1
    assert by_language == {"en": 3, "de": 2, "fr": 1}
    assert german.folder != french.folder
    bench = bench_of(site, source__languages=("DE",))
    assert bench.sync().states == {"shown": 2}
    bench = bench_of(
        site, source__feed=("de/index.xml", "feed.xml"), source__exclude=("*/post-1/*",)
    )
    assert bench.sync().states == {"shown": 3}


def test_a_home_page_that_only_sends_the_reader_on(tmp_path: Path):
    site = make_site(tmp_path, folder="en/")
    home = '<!doctype html><meta http-equiv="refresh" content="0; url=/en/">'
    home += '<link rel=alternate hreflang=de href="/andere/">'
    (site.root / "index.html").write_text(home)
    BuiltSite(site.root, posts(1), language="de", folder="andere/").build()
    bench = bench_of(site)
    assert bench.sync().states == {"shown": 3}
    announced = (site.root / "en/index.html").read_text()
    link = f'<link rel=alternate hreflang=de href="{BASE}/andere/">'
    (site.root / "en/index.html").write_text(announced.replace("<head>", f"<head>{link}"))
    assert bench.sync().states == {"shown": 4}


def test_a_feed_may_lie_beside_a_home_page_that_sends_the_reader_on(tmp_path: Path):
    site = make_site(tmp_path, announce=False, feed="index.xml")
    site.write("resume/index.html", site.page("Resume", "<main>x</main>"))
    site.write("index.html", '<meta http-equiv="refresh" content="0; url=/resume/">')
    home = site.root / "index.html"
    home.write_text(f"<!doctype html>{home.read_text()}")
    (site.root / "readme.md").touch()
    assert isinstance(open_source(site.root), BuiltSource)
    assert bench_of(site).sync().states == {"shown": 3}


def test_pictures(tmp_path: Path):
    site = make_site(tmp_path)
    site.posts[0].head = '<meta property="og:image" content="own.jpg">'
    for post in site.posts[1:]:
        post.head = '<meta property="og:image" content="/site.png">'
    site.build()
    bench = bench_of(site)
    bench.sync()
    # One that most pages share is the site's.
    assert [item.get("image") for item in items(bench)] == [
        f"{BASE}/posts/post-3/own.jpg",
        None,
        None,
    ]
    feed = site.root / site.feed
    enclosures = (
        '<link rel="enclosure" type="image/png" href="/a.png"/>'
        '<link rel="enclosure" type="image/png" href="javascript:x"/>'
        '<link rel="enclosure" type="audio/mpeg" href="/a" length="9" title="Sound"/>'
        '<link rel="enclosure" type="application/octet-stream" href="/a.mp4"/>'
        '<link rel="enclosure" type="video/mp4" href="javascript:x"/>'
        '<link rel="enclosure" type="video/mp4" href="https://a b.example/c.mp4"/>'
        '<link rel="enclosure" type="application/pdf" href="/a.pdf"/>'
        '<link rel="enclosure" href="/b.webp"/>'
    )
    feed.write_text(feed.read_text().replace("<summary", f"{enclosures}<summary", 1))
    bench.sync()
    assert items(bench)[0]["image"] == f"{BASE}/a.png"
    assert f"{BASE}/b.webp" in json.dumps(items(bench)[0])
    assert "own.jpg" not in json.dumps(items(bench)[0])
    sound = {"mime_type": "audio/mpeg", "title": "Sound", "size_in_bytes": 9}
    assert items(bench)[0]["attachments"][:2] == [
        {"url": f"{BASE}/a"} | sound,
        {"url": f"{BASE}/a.mp4", "mime_type": "video/mp4"},
    ]


def test_what_html_has_no_place_for_stands_in_meta_elements_or_a_side_file(tmp_path: Path):
    related = '[{"title": "T", "webUrl": "https://else.example/"}]'
    site = make_site(tmp_path)
    site.posts[0].head = (
        '<meta name="feedhub:provider" content="Reuters">'
        '<meta name="feedhub:quality" content="3.5"><meta name="feedhub:nonsense" content="x">'
        f"<meta name='feedhub:related' content='{related}'>"
    )
    site.posts[
        1
    ].head = (
        '<meta name="feedhub:heat" content="[broken"><meta name="feedhub:quality" content="no">'
    )
    site.build()
    site.write(
        "posts/post-1/index.feedhub.json",
        '{"provider": {"name": "AP", "domain": "ap.example"}, "x": 1}',
    )
    bench = bench_of(site)
    changes = bench.sync()
    assert [Path(p.path).parent.name for p in changes.problems] == ["post-2", "post-2"]
    newest, _, oldest = (bench.catalog.article(n) for n in _numbers(bench))
    assert newest.provider == Provider(name="Reuters")
    assert newest.quality == 3.5
    assert newest.related[0].url == "https://else.example/"
    assert oldest.provider == Provider(name="AP", domain="ap.example")
    # The side file counts when it changes.
    site.write("posts/post-1/index.feedhub.json", '{"provider": "AFP"}')
    assert bench.sync().read == 1


def _numbers(bench: Bench) -> list[int]:
    (feed,) = bench.catalog.feeds(("all",))
    return bench.catalog.entries(feed)


# Messages


def test_no_feed_is_found(tmp_path: Path):
    site = make_site(tmp_path)
    (site.root / site.feed).unlink()
    with pytest.raises(
        ConfigError, match=r"no feed is found: .* no atom.xml, feed.xml.*source.feed"
    ):
        bench_of(site).sync()
    with pytest.raises(ConfigError, match="No such file"):
        bench_of(site, source__feed=("news.xml",)).sync()
    (site.root / "index.html").unlink()
    with pytest.raises(ConfigError, match=r"there is no index\.html"):
        bench_of(site, source__kind="built").sync()


def test_entries_that_point_to_no_file(tmp_path: Path):
    site = make_site(tmp_path)
    (site.root / "posts/post-3/index.html").unlink()
    bench = bench_of(site)
    changes = bench.sync()
    assert changes.states == {"shown": 2}
    (problem,) = changes.problems
    assert problem.message.startswith(
        f"1 of 3 entries point to no file: for the first, {BASE}/posts/post-3/, there is no "
        "posts/post-3/index.html; SOURCE must be"
    )


def test_a_link_that_is_no_address(tmp_path: Path):
    site = make_site(tmp_path)
    feed = site.root / site.feed
    feed.write_text(
        feed.read_text().replace(f'href="{BASE}/posts/post-3/', 'href="https://[broken/', 1)
    )
    (problem,) = bench_of(site).sync().problems
    assert "1 of 3 entries point to no file" in problem.message


def test_a_feed_that_cannot_be_read_is_named_with_its_line(tmp_path: Path):
    site = make_site(tmp_path)
    (site.root / site.feed).write_text("<feed>\n<entry>")
    with pytest.raises(
        ConfigError, match=r"_site/feed.xml:2: the feed is not well-formed: .*ends early"
    ):
        bench_of(site).sync()


def summaries_of(site: BuiltSite, **keys: object) -> list[str]:
    """Return the messages of a sync that are about summaries."""
    problems = bench_of(site, **keys).sync().problems
    return [problem.message for problem in problems if problem.code == "summaries"]


def test_a_feed_of_summaries_is_told_once_unless_they_are_meant(tmp_path: Path):
    long = [replace(post, text="<p>" + "A sentence. " * 40) for post in posts(5)]
    site = make_site(tmp_path, posts=long, full_text=False)
    assert summaries_of(site) == [
        "the feed holds summaries only: set source.content = "
        '"page" to publish the pages\' text, or "feed" if they are meant'
    ]
    for content in ("feed", "page"):
        assert summaries_of(site, source__content=content) == []
    assert summaries_of(make_site(tmp_path, posts=long)) == []
    # A summary may be all that there is, of some posts or of all.
    assert summaries_of(make_site(tmp_path, full_text=False)) == []
    some = [*long[:2], *posts(5, "notes/{name}.html")[2:]]
    assert summaries_of(make_site(tmp_path, posts=some, full_text=False)) == []


@pytest.mark.parametrize(
    ("entry", "page", "is_short"),
    [(300, 601, True), (301, 601, False), (50, 350, True), (50, 349, False), (0, 0, False)],
)
def test_a_summary_is_much_shorter_than_its_page(entry: int, page: int, is_short: bool):
    markup = Markup(html=f"<p>{'a' * entry}</p>")
    facts = pages.PageFacts(text_length=page)
    assert has_summary_only(ParsedEntry(id="x", summary=markup), facts) == is_short
    assert has_summary_only(ParsedEntry(id="x", content=markup), facts) == is_short


def test_a_render_prints_what_is_said_of_the_feed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    long = [replace(post, text="<p>" + "A sentence. " * 40) for post in posts(3)]
    site = make_site(tmp_path, posts=long, full_text=False)
    assert main(["render", str(site.root), str(tmp_path / "out"), "--base-url", BASE]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "feed.xml: the feed holds summaries only" in line]


def test_a_problem_of_many_pages_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    site = make_site(tmp_path, posts=posts(6))
    config = tmp_path / "feedhub.toml"
    config.write_text('[source]\ncontent = "page"\narticle = ".gone"\n')
    options = ["--config", str(config), "--base-url", BASE]
    assert main(["render", str(site.root), str(tmp_path / "out"), *options]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert "source.article finds no text here" in lines[0]
    assert "(and 5 more: --verbose lists them)" in lines[0]
    assert main(["check", str(site.root), *options]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "has the theme changed? (and 5 more: " in line]
    assert len([line for line in lines if "no-text" in line]) == 1


def test_a_text_in_an_element_that_may_hold_more_is_told(tmp_path: Path):
    site = make_site(tmp_path, container='<div class="content">{text}</div>')
    bench = bench_of(site, source__content="page")
    problems = bench.sync().problems
    assert {problem.message for problem in problems} == {
        "the text is found in .content, which may hold more: look at it, and set source.article, "
        "to .content if it is right"
    }
    assert "Text of 3" in items(bench)[0]["content_html"]
    bench = bench_of(site, source__content="page", source__article=".content")
    assert bench.sync().problems == ()
    assert bench_of(make_site(tmp_path), source__content="page").sync().problems == ()


def test_a_folder_that_is_a_site_without_a_feed_is_told_so(tmp_path: Path):
    site = make_site(tmp_path)
    (site.root / site.feed).unlink()
    (site.root / "README.md").write_text("# A project")
    config = load_config(None, {}, {})
    source = source_of(site.root, config, unknown_keys=True)
    problems = check(Site(Catalog(None), config), Catalog(None), source, NOW)
    assert "if this is a site made by a generator, it has no feed" in problems[0].message


def test_a_new_id_of_a_known_page_is_told_once(tmp_path: Path):
    site = make_site(tmp_path)
    bench = bench_of(site)
    bench.sync()
    site.posts[0].id = "urn:new"
    site.build()
    changes = bench.sync()
    assert [problem.code for problem in changes.problems] == ["id-changed"]
    assert bench.sync().problems == ()


# What a source is


def test_the_source_sees_by_itself_what_the_folder_is(tmp_path: Path):
    site = make_site(tmp_path)
    source = open_source(site.root)
    assert isinstance(source, BuiltSource)
    assert isinstance(source, RememberingSource)
    assert source.key == str(site.root.resolve())
    assert source.collection == ""
    assert source.locate("a/index.html") == f"{site.root}/a/index.html"
    source.check()
    assert isinstance(open_source(site.root, ReadOptions(kind="files")), FilesSource)
    assert isinstance(open_source(tmp_path, ReadOptions(kind="built")), BuiltSource)
    # A folder of articles may have a page too.
    (site.root / site.feed).unlink()
    assert isinstance(open_source(site.root), BuiltSource)
    (site.root / "about.md").touch()
    assert isinstance(open_source(site.root), FilesSource)
    (site.root / "index.html").write_text("---\ntitle: x\n---\n<html>")
    assert isinstance(open_source(site.root), FilesSource)
    (site.root / "index.html").unlink()
    (site.root / "index.html").mkdir()
    assert isinstance(open_source(site.root), FilesSource)
    assert not source_module.looks_built(site.root)


def test_a_source_reads_an_entry_without_a_scan(tmp_path: Path):
    site = make_site(tmp_path)
    source = source_of(site.root, load_config(None, {}, {}))
    result = source.read("posts/post-1/index.html", NOW)
    assert result.article is not None
    assert result.article.id == f"{BASE}/posts/post-1/"


def test_a_page_that_cannot_be_read_is_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    site = make_site(tmp_path)
    config = load_config(None, {}, {"source.content": "page"})
    source = source_of(site.root, config)
    list(source.scan())
    page = site.root / "posts/post-1/index.html"
    page.unlink()
    (result,) = [source.read("posts/post-1/index.html", NOW)]
    assert result.problems[0].code == "unreadable"

    def fail(*_: object, **__: object):
        raise RuntimeError

    monkeypatch.setattr(source_module, "read_entry", fail)
    assert source.read("posts/post-2/index.html", NOW).problems[0].code == "unexpected"


def test_nothing_outside_the_site_is_read(tmp_path: Path):
    site = make_site(tmp_path)
    (tmp_path / "secret.html").write_text(CANARY)
    page = site.root / "posts/post-1/index.html"
    page.unlink()
    page.symlink_to(tmp_path / "secret.html")
    os.mkfifo(site.root / "pipe.html")
    bench = bench_of(site, source__content="page")
    assert bench.sync().states == {"shown": 2}
    assert CANARY.encode() not in everything(bench)
    folder = SiteFolder(str(site.root.resolve()))
    assert folder.find("pipe.html") == ""
    assert folder.find("../secret.html") == ""
    assert folder.find("http://[/x") == ""


def test_a_file_that_goes_while_it_is_looked_at_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    site = make_site(tmp_path)
    read, gone = SiteFolder.read, "posts/post-2/index.html"

    def read_unless_gone(self: SiteFolder, path: str, *limit: int) -> bytes:
        return read(self, "nothing" if path == gone else path, *limit)

    monkeypatch.setattr(SiteFolder, "read", read_unless_gone)
    assert bench_of(site).sync().states == {"shown": 3}
    gone = site.feed
    with pytest.raises(ConfigError, match="no feed is found"):
        bench_of(site, source__kind="built").sync()
    site.write("about.md", "")
    assert not source_module.looks_built(site.root)


def test_the_watch_is_that_of_the_folder(tmp_path: Path):
    stop = threading.Event()
    stop.set()
    assert list(open_source(make_site(tmp_path).root).watch(stop)) == []


def test_an_entry_that_leaves_the_end_of_the_feed_keeps_its_id_and_a_withdrawn_one_does_not(
    tmp_path: Path,
):
    site = make_site(tmp_path, posts=posts(5))
    bench = bench_of(site)
    bench.sync()
    site.posts[1].in_feed = site.posts[4].in_feed = False
    site.build()
    bench.sync()
    bench.sync()
    memory = bench.catalog.read(StoredMemory).memory
    assert [path for path in sorted(memory.ids) if path.startswith("posts/")] == [
        f"posts/post-{number}/index.html" for number in (1, 2, 3, 5)
    ]
    assert b"post-4" not in memory.cache


def test_a_memory_of_another_version_is_forgotten(tmp_path: Path):
    site = make_site(tmp_path)
    source = BuiltSource(site.root, ReadOptions())
    list(source.scan())
    memory = source.memory
    assert memory.ids["posts/post-1/index.html"] == f"{BASE}/posts/post-1/"
    source = BuiltSource(site.root, ReadOptions())
    source.memory = type(memory)(ids=memory.ids, cache=b"nonsense")
    assert len(list(source.scan())) == 3


def test_the_signature_covers_what_decides_how_a_page_is_read(tmp_path: Path):
    site = make_site(tmp_path)
    signatures = {
        source_of(site.root, load_config(None, {}, {f"source.{key}": value})).signature
        for key, value in [
            ("content", "feed"),
            ("content", "page"),
            ("article", "main"),
            ("remove", ["b"]),
            ("date", "time"),
            ("feed", ["feed.xml"]),
            ("timezone", "Europe/Berlin"),
            ("base_url", "https://other.example"),
        ]
    }
    assert len(signatures) == 8


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("article", "p[", "must be a CSS selector"),
        ("remove", ["p", "::"], "must be a list of CSS selectors"),
        ("date", "!", "must be a CSS selector"),
        ("feed", ["../feed.xml"], "leads out of the folder"),
        ("kind", "hugo", "must be auto, files or built"),
        ("content", "both", "must be auto, feed or page"),
    ],
)
def test_a_wrong_key_is_refused(key: str, value: object, message: str):
    with pytest.raises(ConfigError, match=message):
        load_config(None, {}, {f"source.{key}": value})


def test_the_documentation_names_every_key_and_usual_element():
    text = (Path(__file__).parent.parent / "docs" / "built-sites.md").read_text("utf-8")
    for key in fields(BuiltOptions):
        assert f"`{key.name}`" in text
    for container in pages.CONTAINERS:
        assert f"`{container}`" in text
