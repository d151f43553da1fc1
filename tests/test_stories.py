"""Stories: an article with related coverage is a feed of its own."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from msgspec import structs

from feedhub.article import Related
from feedhub.feed import story_entries, story_slug
from feedhub.site import may_exist
from feedhub.text import short_hash
from tests.fronts import bench_on_disk, front_of
from tests.golden.sample import EVERYTHING
from tests.judges import atom, rss
from tests.kit import Bench, parse
from tests.renders import render_bench
from tests.strategies import articles

BASE = "https://feeds.example.org"
RELATED = [
    {
        "title": "Later",
        "webUrl": "https://b.example/2",
        "publishedDateTime": "2020-06-10T08:00:00Z",
    },
    {
        "title": "Earlier",
        "webUrl": "https://a.example/1",
        "provider": {"name": "Paper", "domain": "a.example"},
        "publishedDateTime": "2020-06-08T08:00:00Z",
    },
    {"title": "Undated", "webUrl": "https://c.example/3"},
]
SLUG = f"a-{short_hash('tag:feeds.example.org,2026:articles/a')}"


@pytest.fixture
def bench(tmp_path) -> Bench:
    bench = bench_on_disk(tmp_path, feeds__stories="yes")
    bench.write("a.md", title="The matter", related=RELATED, topics=["AI"])
    bench.write("b.md", title="Alone")
    bench.sync()
    return bench


@pytest.mark.parametrize("suffix", ["rss", "atom", "json"])
def test_a_story_holds_the_article_and_its_coverage_newest_first(front, suffix):
    reply = front.get(f"/stories/{SLUG}.{suffix}")

    assert reply.status == 200
    titles = ["Later", "The matter", "Undated", "Earlier"]
    if suffix == "json":
        feed = json.loads(reply.body)
        assert [item["title"] for item in feed["items"]] == titles
        links = [item["url"] for item in feed["items"]]
        assert feed["feed_url"] == f"{BASE}/stories/{SLUG}.json"
    else:
        parsed = parse(reply.body)
        assert [entry.title for entry in parsed.entries] == titles
        links = [entry.link for entry in parsed.entries]
        judge = atom if suffix == "atom" else rss
        assert judge.complaints(reply.body) == []
    assert links == [
        "https://b.example/2", "https://news.example/the-matter",
        "https://c.example/3", "https://a.example/1",
    ]  # fmt: skip


def test_ids_of_a_story_do_not_change(front, bench):
    def ids():
        return {
            i["title"]: i["id"]
            for i in json.loads(front.get(f"/stories/{SLUG}.json").body)["items"]
        }

    before = ids()
    assert before["The matter"] == "tag:feeds.example.org,2026:articles/a"
    assert len(set(before.values())) == 4
    more = [{"title": "New", "webUrl": "https://d.example/4"}, *reversed(RELATED)]
    bench.write("a.md", title="The matter", related=more, topics=["AI"])
    bench.sync()
    front.refresh()
    assert ids().items() > before.items()


def test_the_entry_of_an_article_links_to_its_story(front):
    there = f'<a href="{BASE}/stories/{SLUG}/">Follow this story</a>'
    for suffix in ("rss", "atom", "json"):
        text = front.get(f"/all.{suffix}").body.decode()
        plain = json.loads(text)["items"][0]["content_html"] if suffix == "json" else ""
        entry = (
            next(e for e in parse(text.encode()).entries if e.title == "The matter")
            if not plain
            else None
        )
        content = entry.content[0].value if entry else plain
        assert there in content
        assert text.count("Follow this story") == (2 if suffix == "atom" else 1)
    entry = next(e for e in parse(front.get("/all.atom").body).entries if e.title == "The matter")
    link = next(link for link in entry.links if link.get("title") == "Follow this story")
    assert (link["rel"], link["type"]) == ("related", "application/atom+xml")
    assert front.get(link["href"].removeprefix(BASE)).status == 200
    assert atom.complaints(front.get("/all.atom").body) == []


def test_the_page_of_a_story(front):
    reply = front.get(f"/stories/{SLUG}/")
    assert reply.status == 200
    text = reply.body.decode()
    assert "Later" in text
    assert f"{BASE}/stories/{SLUG}.atom" in text
    assert f'href="{BASE}/stories/"' not in text
    page = front.get("/all/").body.decode()
    assert f"{BASE}/stories/{SLUG}/" in page


@pytest.mark.parametrize(
    "path",
    [
        f"/stories/{SLUG}", f"/stories/{SLUG}.xml", "/stories/", "/stories/.rss", "/stories/x.rss",
        f"/stories/x/{SLUG}.rss", f"/stories%2F{SLUG}.rss", "/stories/b-00000000.rss",
    ],
)  # fmt: skip
def test_similar_paths_are_not_stories(front, path):
    assert front.get(path).status == 404


def test_methods_and_conditions(front):
    path = f"/stories/{SLUG}.atom"
    whole = front.get(f"{path}?utm_source=x")
    assert front.get(path, "HEAD").lasting == whole.lasting
    assert front.get(path, if_none_match=whole.fields["etag"]).status == 304
    assert front.get(path, if_modified_since=whole.fields["last-modified"]).status == 304
    assert front.get(path, "POST").status == 405
    assert whole.fields["cache-control"].startswith("public, max-age=900")


@pytest.mark.parametrize("hidden", [{"published": False}, {"removed": True}, {"related": None}])
def test_a_withdrawn_article_has_no_story(front, bench, hidden):
    path = f"/stories/{SLUG}.json"
    assert front.get(path).status == 200
    bench.write("a.md", **{"title": "The matter", "related": RELATED} | hidden)
    bench.sync()
    assert front.get(path).status in (200, 404)  # before the next look at the catalog
    front.refresh()
    assert front.get(path).status == 404
    assert front.get(f"/stories/{SLUG}/").status == 404


def test_a_withdrawal_that_the_server_has_not_seen_yet(front, bench):
    path = f"/stories/{SLUG}.json"
    front.get(path, "HEAD", accept_encoding="gzip")
    (bench.root / "a.md").unlink()
    bench.sync()
    assert front.get(path, accept_encoding="br").status in (200, 404)
    assert front.get(f"/stories/{SLUG}.rss").status == 404


def test_the_same_coverage_of_two_articles_has_two_ids():
    """With one id, a reader of both stories would show it in one and hide it in the other."""
    item = Related(title="R", url="https://r.example/")
    ids = {
        entry.id
        for name in "ab"
        for entry in story_entries(
            structs.replace(EVERYTHING, id=f"tag:x,2026:{name}", related=(item,)), "x,2026"
        )
    }
    assert len(ids) == 4


def test_coverage_that_is_listed_twice_is_one_entry():
    first, again = (Related(title=title, url="https://r.example/") for title in ("First", "Again"))
    itself = Related(title="Itself", url=EVERYTHING.url)
    entries = story_entries(
        structs.replace(EVERYTHING, related=(itself, first, again)), "example.org,2026"
    )
    assert {entry.title for entry in entries} == {EVERYTHING.title, "First"}


def test_a_new_score_does_not_change_a_story(front, bench):
    path = f"/stories/{SLUG}.json"
    tag = front.get(path).fields["etag"]
    bench.write("a.md", title="The matter", related=RELATED, topics=["AI"], quality=7)
    bench.sync()
    front.refresh()
    assert front.get(path).fields["etag"] == tag


def test_a_folder_below_stories_is_a_404(front):
    assert front.get(f"/stories/x/{SLUG}.rss", "POST").status == 404


def test_a_retired_story(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__stories="yes", feeds__gone=[f"stories/{SLUG}"])
    bench.write("a.md", title="The matter", related=RELATED)
    bench.sync()
    with front_of(bench) as front:
        assert front.get(f"/stories/{SLUG}.rss").status == 410


def test_two_articles_of_one_slug_have_two_stories(front, bench):
    bench.write("more/a.md", title="Another", related=RELATED[:1])
    bench.sync()
    front.refresh()
    other = story_slug(
        structs.replace(EVERYTHING, id="tag:feeds.example.org,2026:more/a", slug="a")
    )
    assert "Another" in front.get(f"/stories/{other}.json").body.decode()
    assert "The matter" in front.get(f"/stories/{SLUG}.json").body.decode()


def test_render_writes_stories_if_configured(bench, tmp_path):
    render_bench(bench, tmp_path / "out")
    names = {path.name for path in (tmp_path / "out/stories").iterdir() if path.is_file()}
    assert {f"{SLUG}.rss", f"{SLUG}.atom", f"{SLUG}.json"} <= names
    with front_of(bench) as front:
        for name in names:
            if not name.endswith((".gz", ".br")):
                rendered = (tmp_path / "out/stories" / name).read_bytes()
                assert front.get(f"/stories/{name}").body == rendered
        assert not any(may_exist(f"stories/{name}") for name in names), "found on request"
    assert "stories" not in (tmp_path / "out/feeds.opml").read_text()
    bench.config = replace(bench.config, feeds=replace(bench.config.feeds, stories="no"))
    render_bench(bench, tmp_path / "out")
    assert not (tmp_path / "out/stories").exists()
    assert b"Follow this story" not in (tmp_path / "out/all.rss").read_bytes()


@pytest.mark.parametrize(("formats", "ending"), [(["json"], ".json"), (["json", "atom"], ".atom")])
def test_without_pages_entries_link_to_the_feed_of_the_story(tmp_path, formats, ending):
    bench = bench_on_disk(tmp_path, feeds__stories="yes", feeds__formats=formats)
    bench.write("a.md", title="The matter", related=RELATED)
    bench.sync()
    (item,) = json.loads(bench.documents()["all.json"].body)["items"]
    assert f'<a href="{BASE}/stories/{SLUG}{ending}">Follow this story</a>' in item["content_html"]


@settings(max_examples=settings().max_examples // 5)
@given(article=articles())
def test_any_story_has_each_address_once(article):
    related = (Related(title="Itself", url=article.url), *article.related, *article.related)
    entries = story_entries(structs.replace(article, related=related), "example.org,2026")
    urls = [entry.url for entry in entries]
    assert sorted(urls) == sorted({article.url, *(item.url for item in article.related)})
    assert len({entry.id for entry in entries}) == len(entries)
    assert [entry.published for entry in entries] == sorted(
        (entry.published for entry in entries), reverse=True
    )
    assert article.url in urls
