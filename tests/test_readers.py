"""Other people's readers, and the rules of the standards, on every document of whole sites."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

import feedparser
import listparser
import lxml.html
import pytest
from lxml import etree

from feedhub.article import Article
from feedhub.catalog import Catalog
from feedhub.config import load_config
from feedhub.feed import Channel, FeedState, feed_path
from feedhub.formats import SUBSCRIBED, content
from tests.conftest import ROOT
from tests.judges import atom, json_feed_schema, read_with_node, rss
from tests.kit import Bench

PLAIN = Channel(base_url="https://a.example", authority="", title="", home_page_url="")
SITES = ["seeds", "real", "made"]


@dataclass
class Published:
    """A site as files: its documents by path below `root`, its articles by id."""

    root: Path
    bench: Bench
    documents: dict[str, bytes]
    articles: dict[str, Article]

    def of(self, suffix: str) -> Iterator[tuple[str, bytes]]:
        """Yield the path and body of every document of one format."""
        found = [path for path in self.documents if path.endswith(suffix)]
        assert found
        for path in found:
            yield path, self.documents[path]


class Entry(NamedTuple):
    """What a reader understood of an entry; None where the reader does not say."""

    id: str
    title: str
    link: str
    published: datetime
    updated: datetime | None
    tags: list[str]
    content: str
    summary: str
    enclosure: tuple[str, str] | None


@pytest.fixture(scope="module", params=SITES)
def site(request, tmp_path_factory) -> Published:
    """Every document of the seeds, of real files and of 200 made ones, drafts included."""
    root = tmp_path_factory.mktemp(request.param)
    keys = {"site.base_url": "https://feeds.example.org/é/".replace("é", "%C3%A9")}
    source = _source(request, root)
    bench = Bench(source, Catalog(None), load_config(None, {}, keys), drafts=True)
    bench.sync()
    documents = {path: document.body for path, document in bench.documents().items()}
    for path, body in documents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(body)
    articles = {article.id: article for _, article in bench.catalog.articles()}
    return Published(root, bench, documents, articles)


def _source(request: pytest.FixtureRequest, root: Path) -> Path:
    if request.param == "seeds":
        return ROOT / "seeds"
    corpus: Path = request.getfixturevalue("shared") / "corpus"
    if request.param == "real":
        return corpus / "real"
    made = root / "source"
    program = [sys.executable, str(corpus / "make_corpus.py"), "200", str(made)]
    subprocess.run(program, check=True, capture_output=True)
    return made


def expected_entry(article: Article, suffix: str) -> Entry:
    """Return what every reader must understand of an article in one format."""
    enclosed = content.enclosure(content.pictures(article))
    entry = Entry(
        id=article.id,
        title=article.title,
        link=article.url,
        published=article.published,
        updated=article.updated if suffix == ".atom" else content.revised(article),
        tags=list(content.tags(article)),
        content=content.content_html(article, PLAIN),
        summary=article.summary,
        enclosure=(enclosed.url, enclosed.media_type) if enclosed else None,
    )
    if suffix == ".rss":  # a description is HTML, and must be there
        summary = html.escape(article.summary or article.title, quote=False)
        return entry._replace(summary=summary)
    lead = next(iter(content.pictures(article)), None)
    if suffix == ".atom" and lead and not enclosed:
        return entry._replace(enclosure=(lead.url, ""))
    return entry


def test_a_site_has_articles_in_every_kind_of_feed(site):
    assert len(site.articles) >= 5
    assert {path.split("/")[0] for path in site.documents} >= {"all.rss", "topics", "providers"}


# Parsers without mercy, and the rules of the standards.


@pytest.mark.parametrize("suffix", [".rss", ".atom", ".opml"])
def test_every_document_is_plain_xml(site, suffix):
    for path, body in site.of(suffix):
        assert body.startswith(b"<?xml"), path
        assert b"<!DOCTYPE" not in body, path
        assert "\ufeff" not in body.decode("utf-8"), path
        etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


@pytest.mark.parametrize(("suffix", "judge"), [(".atom", atom), (".rss", rss)])
def test_every_document_follows_the_rules(site, suffix, judge):
    found = {path: judge.complaints(body) for path, body in site.of(suffix)}
    assert {path: complaints for path, complaints in found.items() if complaints} == {}


def test_every_json_feed_follows_the_schema(site):
    schema = json_feed_schema()
    for path, body in site.of(".json"):
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_each_key_once)
        assert next(iter(document)) == "version", path
        assert [error.message for error in schema.iter_errors(document)] == [], path


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


# What readers understand.


@pytest.mark.parametrize("suffix", [".rss", ".atom", ".json"])
def test_a_reader_understands_every_entry(site, suffix):
    read = _with_json if suffix == ".json" else _with_feedparser
    for path, body in site.of(suffix):
        for entry in read(body):
            assert entry == expected_entry(site.articles[entry.id], suffix), path


def test_the_three_formats_say_the_same(site):
    for path, body in site.of(".json"):
        as_json = [_shared(entry) for entry in _with_json(body)]
        for suffix in (".rss", ".atom"):
            document = site.documents[path.removesuffix(".json") + suffix]
            assert [_shared(entry) for entry in _with_feedparser(document)] == as_json, path


def _shared(entry: Entry) -> tuple[object, ...]:
    return (entry.id, entry.title, entry.link, entry.published, entry.tags, entry.content)


@cache
def _with_feedparser(body: bytes) -> list[Entry]:
    """Read as feedparser does, but without its cleaning of HTML, which would hide what is there."""
    parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return [_from_feedparser(entry) for entry in parsed.entries]


def _from_feedparser(entry: Any) -> Entry:
    """Return an entry without what feedparser fills in: a summary, a date of update, a type."""
    known = dict(entry)
    content, summary = entry.content[0].value, known.get("summary", "")
    enclosures = [(found["href"], found["type"]) for found in entry.enclosures]
    return Entry(
        id=entry.id,
        title=entry.title,
        link=entry.link,
        published=_moment(entry.published_parsed),
        updated=_moment(known["updated_parsed"]) if "updated_parsed" in known else None,
        tags=[tag.term for tag in known.get("tags", [])],
        content=content,
        summary="" if summary == content else summary,
        enclosure=_enclosure(*enclosures[0]) if enclosures else None,
    )


def _enclosure(url: str, media_type: str) -> tuple[str, str]:
    return url, "" if media_type == "text/html" else media_type


def _moment(parsed: Any) -> datetime:
    return datetime.fromtimestamp(timegm(parsed), UTC)


def _with_json(body: bytes) -> list[Entry]:
    return [_from_json(item) for item in json.loads(body)["items"]]


def _from_json(item: dict[str, Any]) -> Entry:
    modified, enclosures = item.get("date_modified"), item.get("attachments", [])
    first = (enclosures[0]["url"], enclosures[0]["mime_type"]) if enclosures else None
    return Entry(
        id=item["id"],
        title=item["title"],
        link=item["url"],
        published=datetime.fromisoformat(item["date_published"]),
        updated=datetime.fromisoformat(modified) if modified else None,
        tags=item.get("tags", []),
        content=item["content_html"],
        summary=item.get("summary", ""),
        enclosure=first,
    )


def test_readers_of_npm_understand_every_entry(site):
    paths = [site.root / path for row in SUBSCRIBED.values() for path, _ in site.of(row.suffix)]
    for reading in read_with_node(paths):
        silent = {"updated"}  # an RSS item or JSON item may leave it out
        if (reading["parser"], reading["format"]) == ("rss-parser", "atom"):
            silent |= {"tags", "enclosure"}  # it has no eye for them
        for item in reading["items"]:
            entry = expected_entry(site.articles[item["id"]], Path(reading["path"]).suffix)
            _compare(item, entry, silent)


def _compare(item: dict[str, Any], entry: Entry, silent: set[str]) -> None:
    wanted = entry._asdict() | {
        "published": _written(entry.published),
        "updated": _written(entry.updated),
        "enclosure": entry.enclosure and dict(zip(("url", "type"), entry.enclosure, strict=True)),
    }
    for name, value in wanted.items():
        if item[name] is not None or name not in silent:
            assert _filled(item[name]) == _filled(value), name


def _filled(value: Any) -> Any:
    """Leave out what is empty: None, "" and [] are one to a reader."""
    if isinstance(value, dict):
        return {key: inner for key, inner in value.items() if inner}
    return value or None


def _written(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z") if moment else None


def test_listparser_finds_every_feed_once(site):
    parsed = listparser.parse(site.documents["feeds.opml"].decode())
    assert not parsed["bozo"]
    site_of = site.bench.site
    assert [feed["url"] for feed in parsed["feeds"]] == [
        site_of.address(state) for state in site_of.states()
    ]
    titles = [title_of(site.documents, state) for state in site_of.states()]
    assert [feed["title"] for feed in parsed["feeds"]] == titles


def test_the_page_leads_to_every_feed_in_every_format(site):
    plan = site.bench.site.plan()
    feeds = [row for row in plan.values() if row.state and not row.state.period]
    page = lxml.html.fromstring(site.documents["index.html"].decode("utf-8"))
    root = site.bench.site.url("")
    links = {urljoin(root, str(link.get("href"))) for link in page.iter("a")}
    # The largest feeds stand there themselves, all of them on the page of their kind.
    for path in plan:
        if path.count("/") == 1 and site.bench.site.url(path) in links:
            there = lxml.html.fromstring(site.documents[path].decode("utf-8"))
            links |= {str(link.get("href")) for link in there.iter("a")}
    pages = {site.bench.site.url(row.path) for row in feeds if row.path.endswith(".html")}
    assert pages | {site.bench.site.url("feeds.opml")} <= links
    for row in feeds:
        if row.path.endswith(".html"):
            there = lxml.html.fromstring(site.documents[row.path].decode("utf-8"))
            found = {str(button.get("data-copy")) for button in there.iter("button")}
            stem = row.path.removesuffix("/index.html")
            own = {site.bench.site.url(stem + known.suffix) for known in SUBSCRIBED.values()}
            assert own <= found
    assert {f"{link.get('title')}" for link in page.iter("link") if link.get("title")} == {
        f"{title_of(site.documents, feeds[0].state)} ({name})"
        for name in (*(row.title for row in SUBSCRIBED.values()), "OPML")
    }


def title_of(documents: dict[str, bytes], state: FeedState) -> str:
    """Return the title that a feed itself has."""
    title: str = json.loads(documents[f"{feed_path(state.kind, state.slug)}.json"])["title"]
    return title
