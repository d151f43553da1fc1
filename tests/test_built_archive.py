"""Older pages, which the feed holds no more, are read by rules that its entries teach."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from feedhub.catalog.ledger import decode_ledger
from feedhub.catalog.state import StoredMemory
from feedhub.config import load_config
from feedhub.errors import Problem
from feedhub.site import source_of
from feedhub.sources.built import archive as archive_module
from feedhub.sources.built import pages
from feedhub.sources.built.folder import SiteFolder
from feedhub.sources.built.pages import parse_page
from feedhub.sources.built.rules import (
    PageSample,
    count_words,
    learn_rules,
    likeness,
    parse_shown_date,
)
from tests.built_sites import BASE, CANARY, BuiltSite, Post
from tests.kit import NOW, Bench, make_bench
from tests.renders import render_bench
from tests.test_built_site import everything, items

CONTAINER = (
    '<div class="p-{date}"><h1 class="title">{title}</h1><time datetime="{date}">day</time>'
    '<div class="body"><aside>x</aside>{text}</div></div>'
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(SiteFolder, "wait_until_quiet", lambda self: None)


def post(number: int, **values: object) -> Post:
    """Return the post of a day; the higher its number the newer."""
    text = f"<p>Words of {number}.</p>\n<p>Some of them are {'long ' * number}.</p>"
    date = f"2024-01-{number:02}T03:04:05+00:00"
    path = f"posts/p {number}/index.html"
    made = Post(path, f"Post {number}", text, date, is_linked=True)
    return replace(made, **values)  # type: ignore[arg-type]


def make_site(tmp_path: Path, newest: int = 9, in_feed: int = 4, **values: object) -> BuiltSite:
    """Build a site of which the feed has the newest posts only."""
    posts = [post(n, in_feed=n > newest - in_feed) for n in range(newest, 0, -1)]
    values.setdefault("posts", posts)
    return BuiltSite(tmp_path / "_site", container=CONTAINER, **values).build()  # type: ignore[arg-type]


def bench_of(site: BuiltSite, **overrides: object) -> Bench:
    """Return a bench that reads the older pages of the site."""
    keys = {"source__archive": True} | overrides
    bench = make_bench(site.root.parent, **keys)  # type: ignore[arg-type]
    bench.root = site.root
    return bench


@pytest.mark.parametrize("encodes", [True, False])
@pytest.mark.parametrize("mount", ["", "/project"])
def test_older_pages_have_the_ids_links_titles_and_texts_that_their_entries_had(
    mount: str, encodes: bool, tmp_path: Path
):
    site = make_site(tmp_path, mount=mount, encodes=encodes)
    bench = bench_of(site)
    changes = bench.sync()
    assert changes.problems == ()
    older = items(bench)
    site = make_site(tmp_path, mount=mount, encodes=encodes, in_feed=9)
    bench = bench_of(site)
    bench.sync()
    whole = items(bench)
    assert len(older) == 9
    for item in (*older, *whole):  # the feed states a summary
        item.pop("summary")
    assert older == whole
    assert older[-1]["url"] == f"{BASE}{mount}/posts/p%201/"


def hidden_pages() -> list[Post]:
    """Return pages that may not be published though they are older, or look like articles."""
    values = {"in_feed": False, "title": CANARY, "text": f"<p>{CANARY}</p>"}
    canonical = f'<link rel="canonical" href="{BASE}/posts/p%201/">'
    return [
        post(1, path="posts/unlinked/index.html", **values | {"is_linked": False}),
        post(
            1,
            path="posts/noindex/index.html",
            head='<meta name=robots content="noindex">',
            **values,
        ),
        post(1, path="posts/copy/index.html", head=canonical, **values),
        post(9, path="posts/younger/index.html", **values),
        post(6, path="posts/sameday/index.html", **values),
        post(
            1,
            path="posts/moved/index.html",
            head='<meta http-equiv=refresh content="0;url=/">',
            **values,
        ),
        post(1, path="posts/excluded.html", **values),
        post(
            1,
            path="tags/list/index.html",
            **values | {"text": '<time datetime="2024-01-01">' + CANARY},
        ),
        post(1, path="posts/undated/index.html", date="some day", **values),
        post(1, path="posts/untitled/index.html", **values | {"title": ""}),
    ]


def test_no_page_is_published_that_may_be_hidden(tmp_path: Path):
    site = make_site(tmp_path)
    site.posts += hidden_pages()
    site.build()
    own = site.root / "posts/unlinked/index.html"
    own.write_text(
        own.read_text().replace("</body>", '<a href="/posts/unlinked/">me</a><a href="#x">x</a>')
    )
    bench = bench_of(site, source__exclude=("posts/excluded.html",))
    changes = bench.sync()
    assert len(items(bench)) == 9
    assert CANARY.encode() not in everything(bench)
    assert CANARY.encode() not in stored_memory(bench)
    (problem,) = changes.problems
    assert (problem.level, problem.message) == (
        "info",
        "2 younger pages are not in your feed: left out",
    )


def stored_memory(bench: Bench) -> bytes:
    """Return what the catalog keeps for the source."""
    return bench.catalog.read(StoredMemory).memory.cache


def test_a_page_that_was_hidden_is_published_when_it_is_linked(tmp_path: Path):
    site = make_site(tmp_path)
    head = '<meta name="feedhub:provider" content="Reuters">'
    site.posts.append(post(1, path="posts/late/index.html", title="Late", head=head, in_feed=False))
    site.posts[-1].is_linked = False
    site.build()
    bench = bench_of(site)
    bench.sync()
    assert len(items(bench)) == 9
    assert b"Late" not in stored_memory(bench)
    assert b"Reuters" not in stored_memory(bench)
    home = (site.root / "index.html").read_text()
    late = '<a href="/posts/late/">x</a>'
    (site.root / "index.html").write_text(home.replace("</main>", f"{late}</main>"))
    bench.sync()
    assert "Late" in {item["title"] for item in items(bench)}
    (site.root / "index.html").write_text(home)
    bench.sync()
    assert len(items(bench)) == 9
    assert b"Late" not in stored_memory(bench)


def test_an_article_that_leaves_the_feed_keeps_its_id(tmp_path: Path):
    posts = [post(n, id=f"urn:{n}", in_feed=n > 2) for n in range(6, 0, -1)]
    site = make_site(tmp_path, posts=posts)
    bench = bench_of(site)
    bench.sync()
    before = items(bench)
    assert [item["id"] for item in before][:4] == ["urn:6", "urn:5", "urn:4", "urn:3"]
    assert before[-1]["id"].startswith("tag:")
    site.posts[3].in_feed = False
    site.posts.insert(0, post(7, id="urn:7"))
    site.build()
    bench.sync(NOW + timedelta(days=1))
    after = items(bench)
    assert [item["id"] for item in after][:5] == ["urn:7", "urn:6", "urn:5", "urn:4", "urn:3"]
    assert after[4]["content_html"] == before[3]["content_html"]


def test_an_id_is_not_lost_with_the_catalog_though_the_archive_was_not_read(
    tmp_path: Path,
):
    posts = [post(n, id=f"urn:{n}") for n in range(7, 0, -1)]
    posts.append(post(8, id="urn:8", date="2030-01-01"))
    site = make_site(tmp_path, posts=posts)
    bench = bench_of(site, source__archive=False)
    render_bench(bench, tmp_path / "out")
    for old in posts[-4:-1]:
        old.in_feed = False
    site.build()
    (site.root / posts[-2].path).unlink()
    render_bench(bench, tmp_path / "out", NOW + timedelta(days=1))
    ledger = decode_ledger((tmp_path / "out/.feedhub/ledger").read_bytes())
    assert ledger is not None
    # One is deleted, one was never published.
    assert sorted(ledger.source_ids.values()) == [f"urn:{n}" for n in range(2, 8)]
    bench = bench_of(site)
    render_bench(bench, tmp_path / "out", NOW + timedelta(days=2))
    assert [item["id"] for item in items(bench)] == [f"urn:{n}" for n in range(7, 1, -1)]


def test_ids_may_be_the_links_decoded(tmp_path: Path):
    posts = [post(n, id=f"{BASE}/posts/p {n}/", in_feed=n > 2) for n in range(6, 0, -1)]
    bench = bench_of(make_site(tmp_path, posts=posts))
    bench.sync()
    assert [item["id"] for item in items(bench)] == [
        f"{BASE}/posts/p {n}/" for n in range(6, 0, -1)
    ]


@pytest.mark.parametrize("content", ["feed", "page"])
def test_older_pages_of_a_feed_of_excerpts_have_a_text_only_if_the_owner_says_so(
    content: str, tmp_path: Path
):
    site = make_site(tmp_path, kind="rss", full_text=False)
    site.container = CONTAINER.replace('class="body"', 'class="post-content"')
    site.build()
    bench = bench_of(site, source__content=content)
    bench.sync()
    oldest = items(bench)[-1]
    assert oldest["summary"] == "Words of 1."
    assert ("long" in oldest.get("content_html", "")) == (content == "page")


def test_a_frame_that_moves_changes_nothing_and_is_parsed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    site = make_site(tmp_path)
    bench = bench_of(site)
    bench.sync()
    before = everything(bench)
    replace(site, frame="Frame 2").build()
    assert bench.sync().changed == 0
    assert everything(bench) == before
    for file in site.root.rglob("*"):
        os.utime(file, (1, 1))
    bench.sync()
    parsed: list[bytes] = []
    monkeypatch.setattr(archive_module, "parse_page", parsed.append)
    assert bench.sync().changed == 0
    page = site.root / "posts/p 1/index.html"
    page.write_bytes(page.read_bytes())  # another status, the same bytes
    assert bench.sync().changed == 0
    assert parsed == []
    page.unlink()
    monkeypatch.undo()
    monkeypatch.setattr(SiteFolder, "wait_until_quiet", lambda self: None)
    assert len(items(bench)) == 9
    bench.sync()
    assert len(items(bench)) == 8


def test_what_a_check_and_a_site_without_rules_say(tmp_path: Path):
    site = make_site(tmp_path)
    source = source_of(site.root, load_config(None, {}, {}), unknown_keys=True)
    found = list(source.scan())
    assert [item.message for item in found if isinstance(item, Problem)] == [
        "the feed holds 4 entries, 5 older pages look like articles: "
        "source.archive = true publishes them"
    ]
    assert len(found) == 5
    site = replace(site, container="<main>{text}</main>").build()
    bench = bench_of(site)
    assert [problem.code for problem in bench.sync().problems] == ["no-archive"]
    assert len(items(bench)) == 4
    site = make_site(tmp_path, newest=2, in_feed=2)
    assert [problem.code for problem in bench_of(site).sync().problems] == ["no-archive"]


def test_a_sample_that_has_gone_teaches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    site = make_site(tmp_path, in_feed=5)
    parse = pages.parse_page
    monkeypatch.setattr(
        archive_module, "parse_page", lambda data: None if b"<title>Post 8" in data else parse(data)
    )
    bench = bench_of(site)
    bench.sync()
    assert len(items(bench)) == 9


def test_each_language_has_its_own_oldest_entry(tmp_path: Path):
    site = make_site(tmp_path)
    posts = [post(n + 10, path=f"q{n}.html", in_feed=n > 3) for n in range(7, 0, -1)]
    BuiltSite(site.root, posts, container=CONTAINER, language="de", folder="de/").build()
    bench = bench_of(site)
    assert bench.sync().problems == ()
    german = [item for item in items(bench) if item.get("language") == "de"]
    assert len(german) == 7
    assert german[-1]["url"] == f"{BASE}/de/q1.html"


def test_a_kind_of_page_that_no_entry_has_is_addressed_as_it_is_called(tmp_path: Path):
    site = make_site(tmp_path)
    site.posts.append(post(1, path="old.html", in_feed=False, title="Old"))
    site.posts.insert(0, post(9, link=f"{BASE}/#note", title="A note on the home page"))
    site.build()
    bench = bench_of(site)
    bench.sync()
    assert f"{BASE}/old.html" in {item["url"] for item in items(bench)}


# Rules


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Posted on May 6, 2024 by me", (2024, 5, 6)),
        ("6 May 2024", (2024, 5, 6)),
        ("6. September 2024", (2024, 9, 6)),
        ("Sept. 6th, 2024", (2024, 9, 6)),
        ("2024/5/6", (2024, 5, 6)),
        ("发布于 2024年5月6日", (2024, 5, 6)),
        ("2024-05-06 10:00", (2024, 5, 6)),
        ("May 2024", None),
        ("2024-15-06", None),
        ("no day", None),
    ],
)
def test_days_as_people_write_them(text: str, day: tuple[int, int, int] | None):
    expected = datetime(*day, tzinfo=UTC) if day else None
    assert parse_shown_date(text, UTC) == expected


def test_a_shown_day_may_differ_from_the_second_by_the_time_zone():
    zone = timezone(timedelta(hours=8))
    page = '<h1 class="!">T{0}</h1><p class="date">2024-05-0{0}</p><td><b>words of {0}</b></td>'
    samples = [
        PageSample(
            parse_page(page.format(n).encode()),  # type: ignore[arg-type]
            f"T{n}",
            datetime(2024, 5, n, 0, 30, tzinfo=zone).astimezone(UTC),
            count_words(f"words of {n}"),
        )
        for n in (1, 2, 3)
    ]
    rules = learn_rules(samples, zone)
    assert rules is not None
    assert (rules.title, rules.date) == ("h1", "p.date")
    # Without a full text there is no rule for it, and a wrong title is no rule at all.
    assert learn_rules([s._replace(words=Counter()) for s in samples], zone).text == ""  # type: ignore[union-attr]
    assert learn_rules([s._replace(title="x") for s in samples], zone) is None


def test_likeness():
    assert likeness(count_words("a b c"), count_words("A, b c!")) == 1.0
    assert likeness(count_words("a b"), count_words("c")) == 0.0
    assert likeness(Counter(), Counter()) == 0.0


def samples_of(pages_: list[str]) -> list[PageSample]:
    """Return a sample of each page, of the posts T1, T2 and so on of the first days of May 2024."""
    return [
        PageSample(
            parse_page(page.encode()),  # type: ignore[arg-type]
            f"T{n}",
            datetime(2024, 5, n, tzinfo=UTC),
            Counter(),
        )
        for n, page in enumerate(pages_, 1)
    ]


def test_rules_prefer_what_says_what_it_is():
    page = (
        '<h2>Menu</h2><h2 itemprop="name" class="t x{0}">T{0}</h2>'
        '<time datetime="soon">-</time><meta name="date" content="2024-05-0{0}">'
    )
    rules = learn_rules(samples_of([page.format(n) for n in (1, 2, 3)]), UTC)
    assert rules is not None
    assert (rules.title, rules.date) == ('h2[itemprop="name"]', 'meta[name="date"]')


def test_a_rule_that_is_wrong_too_often_is_none():
    pages_ = [f'<h1 class="t">T{n}</h1><time datetime="2024-05-0{n}">' for n in (1, 2, 3)]
    assert learn_rules(samples_of(pages_), UTC) is not None
    pages_[0] = '<h1 class="t">Site</h1>' + pages_[0]
    assert learn_rules(samples_of(pages_), UTC) is None
