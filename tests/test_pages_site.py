"""Pages among the documents of a site: where they stand, what they stand for, who finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import pytest
from lxml import etree

from feedhub.catalog import Catalog, StoredConfig
from feedhub.catalog.state import CatalogRecord
from feedhub.formats.pages import ICON, SERVER_CSP
from feedhub.site import PAGE_ENTRIES, indexes, source_of
from feedhub.site.indexes import ICON_PATH, ROBOTS_PATH, SITEMAP_PATH
from feedhub.site.paths import INDEX_PATH
from tests.fronts import Front, bench_on_disk, front_of
from tests.index_pages import parsed
from tests.kit import Bench, make_bench
from tests.sites import configure, edit, later, site_bench

BASE = "https://feeds.example.org"
NAMESPACE = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = site_bench(tmp_path)
    bench.sync()
    yield bench
    bench.catalog.close()


def body_of(bench: Bench, path: str) -> str:
    site = bench.site
    return site.document(site.plan()[path]).body.decode()


def pages(bench: Bench) -> set[str]:
    return {path for path in bench.site.plan() if path.endswith(".html")}


# Which pages there are.


def test_every_feed_and_every_kind_has_a_page(bench):
    assert pages(bench) == {
        *("index.html", "topics/index.html", "404.html"),
        *("all/index.html", "topics/ml/index.html", "topics/law/index.html"),
        *(f"all/2020-0{month}/index.html" for month in (1, 2, 3)),
    }


def test_without_html_there_are_no_pages_and_no_links_to_them(bench):
    with_pages = body_of(bench, "all.rss")
    configure(bench, "feeds", formats=("rss", "atom"))
    bench.sync(later(60))
    assert {path.rpartition(".")[2] for path in bench.site.plan()} == {"rss", "atom", "opml"}
    assert f"<link>{BASE}/all/</link>" in with_pages
    assert f"<link>{BASE}/</link>" in body_of(bench, "all.rss")


def test_every_link_between_pages_has_a_target(bench):
    site = bench.site
    plan = site.plan()
    known = {site.url(path) for path in plan}
    for path in pages(bench):
        root = parsed(site.document(plan[path]).body.decode())
        links = [urljoin(site.url(path), href) for href in root.xpath("//@href")]
        ours = {link.partition("#")[0] for link in links if link.startswith(BASE)}
        assert ours <= known, path


def test_a_page_shows_the_newest_and_the_feed_has_the_rest(tmp_path):
    bench = make_bench(tmp_path)
    for number in range(PAGE_ENTRIES + 5):
        bench.write(f"{number}.md", title=f"T{number}", heat=number)
    bench.sync()
    root = parsed(body_of(bench, "all/index.html"))
    assert root.xpath("//h3/a/text()") == bench.titles()[:PAGE_ENTRIES]
    assert len(bench.titles()) == PAGE_ENTRIES + 5


def test_lists_count_the_articles_of_archives_too(bench):
    def counted() -> list[str]:
        root = parsed(body_of(bench, INDEX_PATH))
        rows = root.xpath("//ul[starts-with(@class, 'feeds')]/li")
        return [row.xpath("string(small)") for row in rows]

    assert counted() == ["2", "1"]
    configure(bench, "feeds", archives=False)
    bench.sync(later(60))
    assert counted() == ["1", "1"]


def test_a_list_changes_with_its_counts(bench):
    before = bench.site.plan()
    (bench.root / "1.md").unlink()
    bench.sync(later(60))
    after = bench.site.plan()
    for path in (INDEX_PATH, "topics/index.html"):
        assert after[path].fingerprint != before[path].fingerprint
        assert after[path].changed_at == later(60)
    assert after["topics/ml/index.html"].state.newest == before["topics/ml/index.html"].state.newest


def test_a_withdrawn_article_is_on_no_page(bench):
    bench.write("3.md", title="T3", topics=["Law"], published=False)
    bench.sync(later(60))
    assert not [path for path in pages(bench) if "T3" in body_of(bench, path)]
    assert "No articles yet" in body_of(bench, "topics/law/index.html")


# What stands for their bytes.


def test_a_page_changes_only_with_its_feed(bench):
    before = bench.site.plan()
    edit(bench, "Edited", 60)
    after = bench.site.plan()
    moved = {path for path in pages(bench) if after[path] != before[path]}
    assert moved == {
        *("index.html", "all/index.html", "topics/law/index.html"),
        "all/2020-03/index.html",
    }
    assert {after[path].changed_at for path in moved} == {later(60)}


def test_a_label_with_another_slug_changes_the_links_of_all_pages(tmp_path):
    """Of two labels with one slug the older keeps it: which, another catalog may see otherwise."""
    path = tmp_path / "catalog.sqlite"
    bench = make_bench(tmp_path, path)
    bench.write("a.md", title="A", topics=["C D"], publishedDateTime="2020-01-01T00:00:00Z")
    bench.write("b.md", title="B", topics=["E"], publishedDateTime="2020-01-02T00:00:00Z")
    bench.sync()
    first = bench.site.plan()
    bench.write("c.md", title="C", topics=["c-d"], publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync(later(60))
    second = bench.site.plan()
    moved = next(p for p in second if p.startswith("topics/c-d-") and p.endswith("/index.html"))
    assert f'href="{BASE}/{moved.removesuffix("index.html")}"' in body_of(bench, "all/index.html")
    unmoved = "topics/e/index.html"
    assert second["topics/e.rss"] == first["topics/e.rss"]
    assert second[unmoved].fingerprint != first[unmoved].fingerprint
    assert second[unmoved].changed_at == later(60)
    fresh = make_bench(tmp_path)
    fresh.sync(later(120))
    other = next(p for p in fresh.site.plan() if p.startswith("topics/c-d-"))
    assert not other.startswith(moved.removesuffix("/index.html"))
    assert fresh.site.plan()[unmoved].fingerprint != second[unmoved].fingerprint
    assert fresh.site.plan()["topics/e.rss"].fingerprint == second["topics/e.rss"].fingerprint
    with closing(Catalog.open_existing(path, read_only=True)) as catalog:
        assert Bench(bench.root, catalog, bench.config).site.plan() == second


def test_a_sync_that_failed_leaves_no_links_behind(bench, monkeypatch):
    site, write = bench.site, Catalog.write
    before = site.plan()

    def full(catalog: Catalog, record: CatalogRecord) -> None:
        if isinstance(record, StoredConfig):
            raise OSError("the disk is full")
        write(catalog, record)

    bench.write("4.md", title="T4", topics=["m l", "m-l"])
    monkeypatch.setattr(Catalog, "write", full)
    with pytest.raises(OSError, match="full"):
        site.sync(source_of(bench.root, bench.config), later(60))
    monkeypatch.undo()
    assert bench.site.plan() == before
    bench.write("4.md", title="T4", topics=["La w", "la-w"])
    bench.sync(later(60))  # by another site, with the generation of the sync that failed
    assert site.plan() == bench.site.plan()
    assert (
        body_of(bench, "all/index.html").encode()
        == site.document(site.plan()["all/index.html"]).body
    )


# Sitemaps and robots.


def rows_of(text: str, each: str) -> list[tuple[str | None, str | None]]:
    root = etree.fromstring(text.encode())
    return [
        (row.findtext(f"{NAMESPACE}loc"), row.findtext(f"{NAMESPACE}lastmod"))
        for row in root.iter(f"{NAMESPACE}{each}")
    ]


def test_the_sitemap_has_every_page_with_the_time_of_its_content(bench):
    rows = rows_of(body_of(bench, SITEMAP_PATH), "url")
    listed = pages(bench) - {"404.html"}
    assert {url for url, _ in rows} == {bench.site.url(path) for path in listed}
    assert len(rows) == len(listed)
    times = dict(rows)
    assert times[f"{BASE}/"] == times[f"{BASE}/all/"] == "2020-03-01T00:00:00Z"
    assert times[f"{BASE}/topics/ml/"] == "2020-02-01T00:00:00Z"
    assert times[f"{BASE}/topics/"] == "2020-03-01T00:00:00Z"


def test_a_large_sitemap_is_split_below_an_index(bench, monkeypatch):
    whole = rows_of(body_of(bench, SITEMAP_PATH), "url")
    monkeypatch.setattr(indexes, "MAX_SITEMAP", 2)
    bench.sync(later(60))
    parts = rows_of(body_of(bench, SITEMAP_PATH), "sitemap")
    assert [url for url, _ in parts] == [f"{BASE}/sitemap-{number}.xml" for number in range(1, 5)]
    found = [rows_of(body_of(bench, f"sitemap-{number}.xml"), "url") for number in range(1, 5)]
    assert [row for part in found for row in part] == whole
    assert [at for _, at in parts] == [max(at for _, at in part if at) for part in found]


def test_a_new_catalog_gives_the_same_sitemap_where_the_last_update_is_stated(bench, tmp_path):
    edit(bench, "Edited", 60)
    fresh = site_bench(tmp_path / "other")
    fresh.write("3.md", title="Edited", topics=["Law"], publishedDateTime="2020-03-01T00:00:00Z")
    bench.write("3.md", title="Other", topics=["Law"], publishedDateTime="2020-03-01T00:00:00Z")
    bench.write(
        "3.md",
        title="Edited",
        topics=["Law"],
        publishedDateTime="2020-03-01T00:00:00Z",
        updatedDateTime="2026-06-01T12:01:30Z",
    )
    fresh.write("3.md", text=(bench.root / "3.md").read_text())
    bench.sync(later(120))
    fresh.sync(later(999))
    assert body_of(fresh, SITEMAP_PATH) == body_of(bench, SITEMAP_PATH)


def test_robots_txt_allows_everything_but_searches(bench):
    robots = RobotFileParser()
    robots.parse(body_of(bench, ROBOTS_PATH).splitlines())
    assert robots.can_fetch("Feedly", f"{BASE}/all.rss")
    assert robots.can_fetch("AnyBot", f"{BASE}/topics/ml/")
    assert robots.can_fetch("NewsBlur", f"{BASE}/search.rss?topic=ml"), "it can be followed"
    assert not robots.can_fetch("AnyBot", f"{BASE}/search/?topic=ml")
    assert robots.site_maps() == [f"{BASE}/sitemap.xml"]


def test_robots_txt_exists_only_at_the_root_of_a_host(bench):
    configure(bench, "site", base_url=f"{BASE}/news")
    bench.sync(later(60))
    assert ROBOTS_PATH not in bench.site.plan()
    assert rows_of(body_of(bench, SITEMAP_PATH), "url")[0][0] == f"{BASE}/news/"


def test_a_sitemap_of_ones_own_is_left_alone(bench):
    configure(bench, "site", discovery=False)
    bench.sync(later(60))
    assert not {ROBOTS_PATH, SITEMAP_PATH} & set(bench.site.plan())
    assert ICON_PATH in bench.site.plan()


# How they are served.


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    bench = bench_on_disk(tmp_path_factory.mktemp("pages"))
    bench.write("a.md", title="A", topics=["AI", "Café"])
    bench.sync()
    with front_of(bench) as front:
        yield front
    bench.catalog.close()


@pytest.mark.parametrize("path", ["/", "/all/", "/topics/", "/topics/ai/", "/topics/caf%C3%A9/"])
def test_pages_are_served_at_their_folders_with_their_policy(front, path):
    reply = front.get(path)
    assert (reply.status, reply.fields["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.fields["content-security-policy"] == SERVER_CSP
    assert reply.fields["referrer-policy"] == "no-referrer"
    again = front.get(path, if_none_match=reply.fields["etag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/all.rss", "/sitemap.xml", "/robots.txt", "/favicon.svg"])
def test_other_documents_may_load_nothing(front, path):
    reply = front.get(path)
    assert reply.status == 200
    assert reply.fields["content-security-policy"].startswith("default-src 'none'; frame-anc")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/topics", "/topics/"),
        ("/topics/ai", "/topics/ai/"),
        ("/topics/caf%C3%A9", "/topics/caf%C3%A9/"),
        ("/topics/ai/index.html", "/topics/ai/"),
        ("/index.html", "/"),
        ("/all", "/all/"),
        ("/.well-known/feeds", "/feeds.opml"),
    ],
)
def test_other_addresses_of_a_page_redirect_to_it(front, path, target):
    reply = front.get(path, host="evil.example")
    assert (reply.status, reply.fields["location"]) == (301, f"{BASE}{target}")


@pytest.mark.parametrize("path", ["/topics/none", "//all", "/all//", "/topics/ai.rss/", "/none/"])
def test_unknown_pages_are_not_redirected(front, path):
    assert front.get(path).status == 404


def test_a_configured_icon_replaces_the_default(tmp_path):
    bench = bench_on_disk(tmp_path, site__icon="https://cdn.example/i.png")
    bench.sync()
    with front_of(bench) as front:
        assert front.get("/favicon.ico").fields["location"] == "https://cdn.example/i.png"
    bench.catalog.close()


def test_without_pages_and_pictures_there_is_no_icon(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__formats=["rss"])
    bench.sync()
    with front_of(bench) as front:
        assert front.get("/favicon.ico").status == 404
    bench.catalog.close()


def test_the_icon_is_a_picture(bench):
    root = etree.fromstring(ICON.encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert body_of(bench, ICON_PATH) == ICON
    assert urlsplit(ICON_PATH).path == ICON_PATH
    planned = bench.site.plan()[ICON_PATH]
    assert (planned.media_type, planned.changed_at) == (
        "image/svg+xml",
        datetime(2020, 3, 1, tzinfo=UTC),
    )
