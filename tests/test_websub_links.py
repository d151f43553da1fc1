"""Which documents name the hub, in the header and in the body alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from feedhub.formats import SUBSCRIBED
from feedhub.selection import make_selection
from feedhub.server.snapshot import make_resource
from tests.judges import atom, json_feed_schema, rss
from tests.kit import article_text, make_bench, parse

HUB = "https://hub.example/?a=1&b=2"


def bench_of(folder: Path, **overrides: Any):
    """Return a synced bench whose feeds have archives."""
    bench = make_bench(folder, feeds__limit=1, feeds__days=0, **overrides)
    for month in (4, 5, 6):
        date = f"2020-0{month}-01T00:00:00Z"
        bench.write(f"{month}.md", title=f"Number {month}", topics=["AI"], publishedDateTime=date)
    bench.sync()
    return bench


def links(path: str, body: bytes) -> list[tuple[str, str]]:
    """Return hub and self of a document as (relation, address)."""
    if path.endswith(".json"):
        document = json.loads(body)
        hubs = [("hub", row["url"]) for row in document.get("hubs", []) if row["type"] == "WebSub"]
        return [*hubs, ("self", document["feed_url"])]
    links = parse(body).feed.links
    return sorted((row.rel, row.href) for row in links if row.rel in ("hub", "self"))


def header(bench, path: str) -> str:
    site = bench.site
    resource = make_resource(site, site.plan()[path])
    return dict(resource.representation("gzip").headers)[b"link"].decode()


@pytest.mark.parametrize("suffix", [row.suffix for row in SUBSCRIBED.values()])
@pytest.mark.parametrize("feed", ["all", "topics/ai"])
def test_a_feed_names_its_hub_and_exactly_one_self(tmp_path, feed, suffix):
    bench, path = bench_of(tmp_path, websub__hub=HUB), feed + suffix
    own = f"https://feeds.example.org/{path}"
    assert links(path, bench.documents()[path].body) == [("hub", HUB), ("self", own)]
    assert header(bench, path) == f'<{own}>; rel="self", <{HUB}>; rel="hub"'


def test_feeds_with_a_hub_are_valid(tmp_path):
    documents = bench_of(tmp_path, websub__hub=HUB).documents()
    for feed in ("all", "topics/ai"):
        assert rss.complaints(documents[f"{feed}.rss"].body) == []
        assert atom.complaints(documents[f"{feed}.atom"].body) == []
        json_feed_schema().validate(json.loads(documents[f"{feed}.json"].body))


def test_no_other_document_names_the_hub(tmp_path):
    bench = bench_of(tmp_path, websub__hub=HUB)
    site, plan = bench.site, bench.site.plan()
    assert len([path for path in plan if "/2020-0" in path]) > 6
    for path, planned in plan.items():
        if planned.is_topic:
            continue
        assert b"hub.example" not in site.document(planned).body, path
        assert 'rel="hub"' not in header(bench, path), path
        assert 'rel="self"' in header(bench, path), path


@pytest.mark.parametrize("suffix", [row.suffix for row in SUBSCRIBED.values()])
def test_searches_and_stories_name_no_hub(tmp_path, suffix):
    """The hub is not pinged for searches and stories, so their readers must go on polling."""
    bench = make_bench(
        tmp_path, websub__hub=HUB, feeds__search="yes", feeds__stories="yes", feeds__kinds=("all",)
    )
    related = [{"url": "https://other.example/same", "title": "The same elsewhere"}]
    bench.write("one.md", title="One", related=related)
    bench.sync()
    site, row = bench.site, next(row for row in SUBSCRIBED.values() if row.suffix == suffix)
    stories = [planned for path, planned in site.plan().items() if path.startswith("stories/")]
    story_feeds = [planned for planned in stories if planned.path.endswith(suffix)]
    search = site.on_demand(make_selection({"q": ["one"]}), row)
    assert search
    for planned in [*story_feeds, search]:
        assert not planned.is_topic
        assert (
            'rel="hub"'
            not in dict(make_resource(site, planned).representation("").headers)[b"link"].decode()
        )
        assert b"hub.example" not in site.document(planned).body
    assert len(story_feeds) == 1


@pytest.mark.parametrize("drafts", [False, True])
def test_without_a_hub_nothing_names_one(tmp_path, drafts):
    """A preview of drafts has none, whatever is configured."""
    bench = make_bench(tmp_path, websub__hub=HUB if drafts else "")
    bench.drafts = drafts
    bench.write("one.md", topics=["AI"])
    bench.sync()
    for path, document in bench.documents().items():
        assert b'rel="hub"' not in document.body
        assert b'"hubs"' not in document.body
        assert 'rel="hub"' not in header(bench, path)


def test_another_hub_makes_other_documents_with_other_tags(tmp_path):
    before = bench_of(tmp_path / "a", websub__hub=HUB).site.plan()["all.rss"]
    after = bench_of(tmp_path / "b", websub__hub="https://other.example/").site.plan()["all.rss"]
    assert before.etag() != after.etag()


_WITHOUT_CLIENT = """
import sys
from feedhub.cli import main
assert main(sys.argv[1:]) == 0
assert not {"httpx", "feedhub.websub"} & sys.modules.keys()
"""


@pytest.mark.parametrize("hub", ["", HUB])
@pytest.mark.parametrize("command", [["render", "articles", "out"], ["sync", "articles"]])
def test_render_and_sync_do_not_import_the_http_client(tmp_path, command, hub):
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles/one.md").write_text(article_text(), encoding="utf-8")
    (tmp_path / "feedhub.toml").write_text(f'[websub]\nhub = "{hub}"\n', encoding="utf-8")
    base = ["--base-url", "https://feeds.example.org", "--catalog", "catalog.db"]
    command_line = [sys.executable, "-c", _WITHOUT_CLIENT, *command, *base]
    ran = subprocess.run(command_line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
