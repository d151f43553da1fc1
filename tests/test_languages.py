"""Articles in several languages: a feed for each, and what every document says of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree, html

from feedhub.selection import parse_query
from tests.kit import Bench, make_bench

NS = {
    "a": "http://www.w3.org/2005/Atom",
    "dc": "http://purl.org/dc/elements/1.1/",
}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
LANGUAGES = "urn:ietf:bcp:47"


@pytest.fixture
def bench(tmp_path) -> Bench:
    return make_bench(tmp_path, site__title="News", feeds__search="yes")


def write(bench: Bench, name: str, lang: str | None = None) -> None:
    bench.write(f"{name}.md", title=name.title(), topics=["AI"], lang=lang)


def paths(bench: Bench) -> set[str]:
    return {path for path in bench.site.plan() if "language" in path}


def body(bench: Bench, path: str) -> bytes:
    return bench.site.document(bench.site.plan()[path]).body


def titles(bench: Bench, path: str) -> list[str]:
    return sorted(item["title"] for item in json.loads(body(bench, path))["items"])


def test_a_site_in_one_language_has_no_feed_of_languages(bench):
    write(bench, "one", lang="en-US")
    write(bench, "two")
    bench.sync()
    assert not paths(bench)
    for path in ("index.html", "feeds.opml", "sitemap.xml", "all.rss", "all.atom", "all.json"):
        assert b"anguages" not in body(bench, path).partition(b"<script")[0]
        assert LANGUAGES.encode() not in body(bench, path)


@pytest.fixture
def several(bench) -> Bench:
    write(bench, "one")
    write(bench, "eins", lang="de-AT")
    write(bench, "zwei", lang="Deutsch")
    write(bench, "yi", lang="zh_TW")
    bench.sync()
    return bench


def test_each_language_has_a_feed_without_regard_to_the_region(several):
    assert {path for path in paths(several) if path.endswith(".json")} == {
        "languages/de.json",
        "languages/en.json",
        "languages/zh-hant.json",
    }
    assert titles(several, "languages/de.json") == ["Eins", "Zwei"]
    assert titles(several, "languages/en.json") == ["One"], "an article has that of the site"
    assert titles(several, "languages/zh-hant.json") == ["Yi"]


def test_a_feed_of_a_language_is_in_that_language(several):
    rss = etree.fromstring(body(several, "languages/de.rss"))
    assert rss.findtext("channel/language") == "de"
    assert rss.findtext("channel/title") == "News (Deutsch)"
    assert rss.findtext("channel/description") == "Die neuesten Artikel auf Deutsch."
    atom = etree.fromstring(body(several, "languages/de.atom"))
    assert atom.get(XML_LANG) == "de"
    assert json.loads(body(several, "languages/de.json"))["language"] == "de"
    assert b'language="de"' in body(several, "feeds.opml")


def test_a_feed_of_several_languages_names_them_and_marks_the_entries(several):
    rss: Any = etree.fromstring(body(several, "topics/ai.rss"))
    assert rss.findtext("channel/language") == "en"
    wanted = ["de", "en", "zh-Hant"]
    assert rss.xpath(f"channel/category[@domain='{LANGUAGES}']/text()") == wanted
    spoken = {
        item.findtext("title"): item.findtext("dc:language", namespaces=NS)
        for item in rss.iter("item")
    }
    assert spoken == {"One": None, "Eins": "de-AT", "Zwei": "de", "Yi": "zh-TW"}
    atom: Any = etree.fromstring(body(several, "topics/ai.atom"))
    scheme = f"a:category[@scheme='{LANGUAGES}']/@term"
    assert atom.xpath(scheme, namespaces=NS) == wanted
    entries = atom.findall("a:entry", NS)
    assert {e.findtext("a:title", namespaces=NS): e.get(XML_LANG) for e in entries} == spoken
    document = json.loads(body(several, "topics/ai.json"))
    assert document["_feedhub"]["languages"] == wanted
    assert {item["title"]: item.get("language") for item in document["items"]} == spoken


def test_a_feed_of_one_language_names_no_others(several):
    write(several, "one", lang="de")
    several.sync()
    assert LANGUAGES.encode() not in body(several, "languages/de.rss")
    assert json.loads(body(several, "all.json"))["_feedhub"]["languages"] == ["de", "zh-Hant"]


def test_a_page_lists_the_languages_by_their_own_names(several):
    page: Any = html.fromstring(body(several, "languages/index.html"))
    assert {"Deutsch", "English", "繁體中文"} <= set(page.xpath("//li/a/text()"))


def test_a_search_selects_by_language(several):
    site = several.site
    found = site.on_demand(parse_query(b"language=de"), next(iter(site._formats)))
    assert found is not None
    text = site.document(found).body.decode()
    assert "in the language Deutsch" in text
    assert "Eins" in text
    assert "One" not in text


def test_the_feed_of_a_language_stays_when_the_others_leave(several):
    for name in ("eins", "zwei", "yi"):
        (several.root / f"{name}.md").unlink()
    several.sync()
    assert titles(several, "languages/en.json") == ["One"]
    assert titles(several, "languages/de.json") == [], "empty, for its subscribers"


def test_other_kinds_alone_say_no_language(tmp_path):
    bench = make_bench(tmp_path, feeds__kinds=["all", "topic"])
    write(bench, "one")
    write(bench, "eins", lang="de")
    bench.sync()
    assert not paths(bench)
    assert LANGUAGES.encode() not in body(bench, "all.rss")
