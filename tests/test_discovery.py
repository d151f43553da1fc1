"""What readers and browsers look for at addresses that nobody tells them: menus, lists, icons."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imagesize
import jsonschema
import pytest
from lxml import etree
from msgspec.structs import replace as changed

from feedhub.formats import SUBSCRIBED, sitemap
from feedhub.formats.pages import linked_data
from feedhub.site.indexes import FAVICON_PATH, FEED_MENU_PATH, NEWS_PATH, TOUCH_ICON_PATH
from tests.fronts import Front, bench_on_disk, front_of
from tests.golden.sample import CHANNEL, NOTHING, subscription
from tests.index_pages import parsed
from tests.kit import Bench
from tests.sites import configure, later, site_bench

BASE = "https://feeds.example.org"
# That of the draft, appendix A.
SCHEMA = json.loads((Path(__file__).parent / "schemas" / "feed-menu.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    bench = bench_on_disk(tmp_path_factory.mktemp("menu"), site__feed_menu=True)
    bench.write("a.md", title="A", topics=["AI", "Wörter " * 12])
    bench.sync()
    with front_of(bench) as front:
        yield front
    bench.catalog.close()


def test_the_menu_names_every_feed_once_in_its_group(front):
    reply = front.get(f"/{FEED_MENU_PATH}")
    assert reply.fields["content-type"] == "application/json"
    assert "max-age=900" in reply.fields["cache-control"]
    assert reply.fields["access-control-allow-origin"] == "*"
    menu = json.loads(reply.body)
    jsonschema.validate(menu, SCHEMA)
    everything, topics = menu["items"][0], menu["items"][1]
    assert everything["rss"] == f"{BASE}/all.rss"
    assert topics["feed-menu"] == "Topics"
    assert topics["items"][0]["feed-title"] == "AI"
    for item in [everything, *topics["items"]]:
        assert len(item["feed-title"]) <= 50
        assert len(item["description"]) <= 140
        for name in ("rss", "atom"):
            assert front.get(item[name].removeprefix(BASE)).status == 200
    again = front.get(f"/{FEED_MENU_PATH}", if_none_match=reply.fields["etag"])
    assert again.status == 304


@pytest.mark.parametrize(
    ("formats", "names"),
    [(["atom", "json"], {"atom"}), (["rss"], {"rss"}), (["json"], None)],
)
def test_the_menu_has_the_formats_that_it_knows(tmp_path, formats, names):
    bench = site_bench(tmp_path)
    configure(bench, "site", feed_menu=True)
    configure(bench, "feeds", formats=formats)
    bench.sync()
    plan = bench.site.plan()
    assert (FEED_MENU_PATH in plan) == (names is not None)
    if names:
        first = json.loads(bench.site.document(plan[FEED_MENU_PATH]).body)["items"][0]
        assert first.keys() & {"rss", "atom", "json"} == names


@pytest.mark.parametrize("site", [{"feed_menu": False}, {"base_url": f"{BASE}/news"}])
def test_there_is_a_menu_only_where_it_is_wanted_and_looked_for(tmp_path, site):
    bench = site_bench(tmp_path)
    configure(bench, "site", **{"feed_menu": True} | site)
    bench.sync()
    assert FEED_MENU_PATH not in bench.site.plan()


def test_a_menu_changes_with_its_feeds_alone(tmp_path):
    bench = site_bench(tmp_path)
    configure(bench, "site", feed_menu=True)
    bench.sync()
    before = bench.site.plan()[FEED_MENU_PATH]
    bench.sync(later(60))
    assert bench.site.plan()[FEED_MENU_PATH] == before
    bench.write("4.md", title="T4", topics=["New"])
    bench.sync(later(120))
    assert bench.site.plan()[FEED_MENU_PATH].fingerprint != before.fingerprint


def test_icons_are_pictures_of_the_sizes_that_browsers_want(front):
    touch, icon = front.get(f"/{TOUCH_ICON_PATH}"), front.get(f"/{FAVICON_PATH}")
    assert touch.fields["content-type"] == "image/png"
    assert imagesize.get(io.BytesIO(touch.body)) == (180, 180)
    assert icon.fields["content-type"] == "image/vnd.microsoft.icon"
    _, kind, count = struct.unpack_from("<HHH", icon.body)
    rows = [struct.unpack_from("<BBBBHHII", icon.body, 6 + 16 * row) for row in range(count)]
    assert (kind, [row[0] for row in rows]) == (1, [16, 32, 48])
    for width, height, *_, size, start in rows:
        picture = io.BytesIO(icon.body[start : start + size])
        assert imagesize.get(picture) == (width, height)
    assert f'<link rel="apple-touch-icon" href="{BASE}/{TOUCH_ICON_PATH}">' in str(
        front.get("/").body, "utf-8"
    )


def test_an_icon_of_ones_own_is_the_only_one(tmp_path):
    url = "https://cdn.example/i.png"
    bench = bench_on_disk(tmp_path, site__icon=url)
    bench.sync()
    assert not {FAVICON_PATH, TOUCH_ICON_PATH} & bench.site.plan().keys()
    with front_of(bench) as front:
        assert front.get(f"/{TOUCH_ICON_PATH}").fields["location"] == url
        assert f'rel="apple-touch-icon" href="{url}"' in front.get("/").body.decode()
    bench.catalog.close()


@pytest.mark.parametrize(
    ("icon", "logo", "image"),
    [
        ("https://a.example/i.svg", "https://a.example/l.png", "https://a.example/l.png"),
        ("https://a.example/i.svg", "", None),
        ("https://a.example/i.png", "https://a.example/l.png", "https://a.example/i.png"),
        ("", "", None),
    ],
)
def test_the_picture_of_a_feed_in_rss_is_no_svg(icon, logo, image):
    feed = replace(subscription(), channel=replace(CHANNEL, icon=icon, logo=logo))
    document = SUBSCRIBED["rss"].encode(feed, []).decode()
    assert (f"<url>{image}</url>" in document) if image else ("<image>" not in document)


ADDRESS = {"type": "string", "pattern": "^https://[^ ]+$"}
# What search engines read of https://schema.org/CollectionPage and https://schema.org/ItemList.
COLLECTION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "@context": {"const": "https://schema.org"},
        "@type": {"const": "CollectionPage"},
        "url": ADDRESS,
        "name": {"type": "string", "minLength": 1},
        "inLanguage": {"type": "string"},
        "isPartOf": {
            "properties": {
                "@type": {"const": "WebSite"},
                "url": ADDRESS,
                "name": {"type": "string"},
                "description": {"type": "string"},
            },
            "required": ["@type", "url", "name"],
            "additionalProperties": False,
        },
        "mainEntity": {
            "properties": {
                "@type": {"const": "ItemList"},
                "itemListElement": {
                    "type": "array",
                    "maxItems": 10,
                    "items": {
                        "properties": {
                            "@type": {"const": "ListItem"},
                            "position": {"type": "integer", "minimum": 1},
                            "url": ADDRESS,
                            "name": {"type": "string"},
                        },
                        "required": ["@type", "position", "url", "name"],
                        "additionalProperties": False,
                    },
                },
            },
            "required": ["@type", "itemListElement"],
            "additionalProperties": False,
        },
    },
    "required": ["@context", "@type", "url", "name", "inLanguage", "isPartOf", "mainEntity"],
}


def linked_data_of(bench: Bench, path: str) -> Any:
    """Return what a page says of itself, as a parser of HTML finds it."""
    page = bench.site.document(bench.site.plan()[path]).body.decode()
    (element,) = parsed(page).xpath("//script[@type='application/ld+json']")
    return json.loads(element.text)


def test_pages_describe_themselves_to_machines(tmp_path):
    bench = site_bench(tmp_path)
    configure(bench, "feeds", limit=50)
    title = "</script><script>alert(1)</script> <!-- & é"
    bench.write("x.md", title=title.replace("'", ""), topics=["ML"])
    bench.sync()
    newest = []
    for path, url in (("index.html", f"{BASE}/"), ("topics/ml/index.html", f"{BASE}/topics/ml/")):
        page = linked_data_of(bench, path)
        jsonschema.validate(page, COLLECTION)
        assert page["url"] == url
        newest.append(page["mainEntity"]["itemListElement"])
    assert [row["position"] for row in newest[0]] == [1, 2, 3, 4]
    assert {row["name"] for row in newest[0]} == {"T1", "T2", "T3", title}
    assert "T3" not in {row["name"] for row in newest[1]}


def test_long_addresses_leave_the_page_small():
    articles = [changed(NOTHING, url=f"https://h.example/{'a' * 1_500}/{n}") for n in range(20)]
    assert len(linked_data.list_items(articles)) == 2
    assert len(linked_data.list_items([changed(NOTHING, url="https://h.example/")] * 20)) == 10


NEWS = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}


def test_the_news_are_the_last_two_days_of_the_own_host(tmp_path):
    bench = site_bench(tmp_path)
    configure(bench, "site", news=True, title="Site & news")
    configure(bench, "feeds", limit=50)
    for name, day, host, language in (
        ("a", "09T12:00:01Z", BASE, "zh-Hant-TW"),
        ("b", "09T12:00:00Z", BASE, "en"),
        ("c", "11T11:00:00Z", "https://other.example", "en"),
        ("d", "11T12:00:00Z", BASE, "de-AT"),
        ("e", "10T12:00:00Z", BASE, "zh"),
    ):
        date = f"2020-06-{day}"
        url = f"{host}/{name}"
        bench.write(f"{name}.md", title=name, webUrl=url, publishedDateTime=date, lang=language)
    bench.sync(later(60 * 60 * 24 * 30))
    robots = bench.site.document(bench.site.plan()["robots.txt"]).body.decode()
    assert f"Sitemap: {BASE}/{NEWS_PATH}\n" in robots
    planned = bench.site.plan()[NEWS_PATH]
    root: Any = etree.fromstring(bench.site.document(planned).body)
    rows = [
        tuple(row.xpath(f"string({path})", namespaces=NEWS) for path in ("s:loc", ".//n:language"))
        for row in root.xpath("s:url", namespaces=NEWS)
    ]
    assert rows == [(f"{BASE}/d", "de"), (f"{BASE}/e", "zh-cn"), (f"{BASE}/a", "zh-tw")]
    first = root.xpath("s:url[1]/n:news", namespaces=NEWS)[0]
    assert first.xpath("string(n:publication/n:name)", namespaces=NEWS) == "Site & news"
    date = first.xpath("string(n:publication_date)", namespaces=NEWS)
    assert datetime.fromisoformat(date) == datetime(2020, 6, 11, 12, tzinfo=UTC)
    assert first.xpath("string(n:title)", namespaces=NEWS) == "d"
    bench.write("d.md", title="D", webUrl=f"{BASE}/d", publishedDateTime="2020-06-11T12:00:00Z")
    bench.sync(later(60 * 60 * 24 * 31))
    assert bench.site.plan()[NEWS_PATH].fingerprint != planned.fingerprint


def test_there_are_no_news_without_articles_or_their_feed(tmp_path):
    bench = site_bench(tmp_path)
    configure(bench, "site", news=True)
    configure(bench, "feeds", kinds=["topic"])
    bench.sync()
    assert NEWS_PATH not in bench.site.plan()
    assert b"<url>" not in sitemap.encode_news([], "x", "en")
