"""Pages on a server: months, addresses without a document, feeds that a browser opens, searches."""

from __future__ import annotations

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from feedhub.catalog.near_words import similar_words
from feedhub.errors import CatalogError
from feedhub.formats.pages.marks import excerpt_around, find, mark
from feedhub.server.builder import DocumentBuilder
from feedhub.site import months
from feedhub.tokenizer import tokenize
from tests.fronts import bench_on_disk, front_of
from tests.golden.sample import NOTHING
from tests.index_pages import parsed
from tests.kit import Bench, make_bench
from tests.sites import configure, later

BASE = "https://feeds.example.org"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "sec_fetch_dest": "document"}
READER = {"accept": "application/rss+xml, text/html;q=0.9, */*"}


def write_month(bench: Bench, month: str, count: int, first: int = 0) -> None:
    """Write articles of one month, each an hour after the other."""
    for number in range(first, first + count):
        moment = f"{month}-{number // 24 + 1:02}T{number % 24:02}:00:00Z"
        bench.write(f"{month}-{number}.md", title=f"{month} no {number}", publishedDateTime=moment)


def page(bench: Bench, address: str):
    """Return the tree of the page at an address."""
    site = bench.site
    return parsed(site.document(site.plan()[f"{address}index.html"]).body.decode())


def months_of(bench: Bench) -> list[str]:
    plan = bench.site.plan()
    return sorted(path[:-11] for path in plan if path.startswith("all/2") and path.endswith("ml"))


# Months.


@pytest.mark.parametrize("limit", [10, 50])
def test_every_article_is_on_the_page_of_its_month(tmp_path, limit, monkeypatch):
    monkeypatch.setattr(months, "PART_ENTRIES", 12)
    bench = make_bench(tmp_path, None, feeds__limit=limit, feeds__days=0)
    write_month(bench, "2020-01", 20)
    write_month(bench, "2020-03", 30)
    bench.sync()
    assert months_of(bench) == [
        *("all/2020-01", "all/2020-01/2", "all/2020-03", "all/2020-03/2", "all/2020-03/3"),
    ]
    seen, address = [], "all/2020-03/"
    while address:
        root = page(bench, address)
        seen += root.xpath("//article//h3/a/text()")
        address = root.xpath("string(//a[@rel='next']/@href)").removeprefix(f"{BASE}/")
    assert seen == [
        f"2020-0{m} no {n}" for m, count in ((3, 30), (1, 20)) for n in range(count - 1, -1, -1)
    ]
    assert page(bench, "all/2020-01/").xpath("//a[@rel='prev']/@href") == [f"{BASE}/all/2020-03/"]
    assert page(bench, "all/2020-01/2/").xpath("//meta[@name='robots']/@content")
    older = page(bench, "all/").xpath("//nav[@class='pager']/a/@href")
    assert older == [f"{BASE}/all/2020-03/"]


def test_a_page_of_a_month_changes_with_its_articles_alone(tmp_path):
    bench = make_bench(tmp_path, None, feeds__limit=10, feeds__days=0)
    for month in ("2020-01", "2020-02", "2020-03"):
        write_month(bench, month, 15)
    bench.sync()
    before = bench.site.plan()
    write_month(bench, "2020-03", 1, first=15)
    bench.sync(later(60))
    after = bench.site.plan()
    changed = {
        path
        for path in months_of(bench)
        if before[f"{path}/index.html"] != after[f"{path}/index.html"]
    }
    assert changed == {"all/2020-03"}
    (bench.root / "2020-01-3.md").unlink()
    bench.sync(later(120))
    assert "2020-01 no 3" not in page(bench, "all/2020-01/").text_content()
    assert bench.site.plan()["all/2020-01/index.html"].changed_at == later(120)
    assert bench.site.plan()["all/2020-02/index.html"] == after["all/2020-02/index.html"]


def test_few_articles_and_no_archives_make_no_months(tmp_path):
    bench = make_bench(tmp_path, None, feeds__limit=50)
    write_month(bench, "2020-01", 30)
    bench.sync()
    assert months_of(bench) == []
    assert not page(bench, "all/").xpath("//nav[@class='pager']")
    assert len(page(bench, "all/").xpath("//article")) == 30
    write_month(bench, "2020-01", 1, first=30)
    bench.sync(later(60))
    assert months_of(bench) == ["all/2020-01"]
    configure(bench, "feeds", archives=False)
    bench.sync(later(120))
    assert months_of(bench) == []


def test_labels_lead_to_the_months_of_everything_or_have_their_own(tmp_path):
    bench = make_bench(tmp_path, None, feeds__limit=10, feeds__days=0, feeds__archive_from=1)
    for number in range(12):
        date = f"2020-0{number % 3 + 1}-01"
        bench.write(f"{number}.md", title=f"No {number}", topics=["AI"], publishedDateTime=date)
    bench.sync()
    older = "//nav[@class='pager']/a/@href"
    assert page(bench, "topics/ai/").xpath(older) == [f"{BASE}/all/2020-01/"]
    configure(bench, "feeds", month_pages=("topic",))
    bench.sync(later(60))
    assert page(bench, "topics/ai/").xpath(older) == [f"{BASE}/topics/ai/2020-01/"]
    assert page(bench, "topics/ai/2020-01/").xpath("string(//h1)") == "January 2020"
    assert not page(bench, "all/").xpath(older)


def test_a_server_has_the_months_and_follows_them(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__limit=10, feeds__days=0)
    write_month(bench, "2020-01", 40)
    bench.sync()
    with front_of(bench) as front:
        reply = front.get("/all/2020-01/")
        assert (reply.status, "archive" in reply.fields["cache-control"]) == (200, False)
        assert front.get("/all/2020-01").fields["location"] == f"{BASE}/all/2020-01/"
        write_month(bench, "2020-01", 1, first=40)
        bench.sync(later(60))
        front.refresh()
        assert "no 40" in front.get("/all/2020-01/").body.decode()
    bench.catalog.close()


# Addresses without a document, and feeds that a browser opens.


@pytest.fixture
def bench(tmp_path) -> Bench:
    bench = bench_on_disk(tmp_path, feeds__search="yes", feeds__builder="yes", feeds__gone=["old"])
    bench.write("a.md", title="Robots", topics=["AI"], excerpt="Of robots and colours.")
    bench.sync()
    return bench


@pytest.fixture
def front(bench):
    with front_of(bench) as front:
        yield front
    bench.catalog.close()


@pytest.mark.parametrize(("target", "status"), [("/none/", 404), ("/all.xml", 404), ("/old", 410)])
def test_who_prefers_pages_gets_one_for_an_address_without_a_document(front, target, status):
    reply = front.get(target, **BROWSER)
    root = parsed(reply.body.decode())
    assert (reply.status, reply.fields["content-type"]) == (status, "text/html; charset=utf-8")
    assert root.xpath("string(//h1)") == "Page not found"
    assert root.xpath("//form[@role='search']")
    assert f"{BASE}/" in root.xpath("//main//a/@href")
    assert reply.fields["vary"] == "Accept, Accept-Encoding"
    coded = front.get(target, **BROWSER, accept_encoding="br")
    assert brotli.decompress(coded.body) == reply.body
    assert coded.fields["content-encoding"] == "br"
    plain = front.get(target, **READER)
    assert (plain.status, plain.fields["vary"]) == (status, "Accept, Accept-Encoding")
    assert len(plain.body) < 30


def test_without_pages_or_without_a_catalog_the_line_of_text_stays(front, tmp_path, monkeypatch):
    async def fail(*_: object) -> None:
        raise CatalogError("away")

    monkeypatch.setattr(DocumentBuilder, "get_or_build", fail)
    assert front.get("/none", **BROWSER).body == b"404 Not Found\n"
    monkeypatch.undo()
    bare = bench_on_disk(tmp_path / "bare", feeds__formats=["rss"])
    bare.write("a.md")
    bare.sync()
    with front_of(bare) as other:
        assert "vary" not in other.get("/none", **BROWSER).fields
        assert other.get("/all.rss", **BROWSER).status == 200
    bare.catalog.close()


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("/all.rss", "/all/"),
        ("/topics/ai.json", "/topics/ai/"),
        ("/search.atom?q=robots", "/search/?q=robots"),
    ],
)
def test_a_browser_that_opens_a_feed_is_led_to_its_page_and_nobody_else(front, target, page):
    for _ in range(2):  # the second time its document is cached
        reply = front.get(target, **BROWSER)
        assert (reply.status, reply.fields["location"]) == (303, f"{BASE}{page}#follow")
        assert reply.fields["cache-control"] == "no-store"
        for fields in (
            READER,
            {**READER, "sec_fetch_dest": "document"},
            {**BROWSER, "sec_fetch_dest": "empty"},
            {"accept": BROWSER["accept"]},
            {},
        ):
            assert front.get(target, **fields).status == 200
    assert front.get("/all/", **BROWSER).status == 200, "a page is no feed"
    assert front.get("/feeds.opml", **BROWSER).status == 200


def test_nobody_is_led_where_that_is_turned_off(tmp_path):
    bench = bench_on_disk(tmp_path, http__feed_pages=False)
    bench.write("a.md")
    bench.sync()
    with front_of(bench) as front:
        assert front.get("/all.rss", **BROWSER).status == 200
    bench.catalog.close()


# Words of searches.


def test_a_search_without_results_names_the_nearest_words(front):
    def near(query: str) -> list[str]:
        root = parsed(front.get(f"/search/?{query}").body.decode())
        return root.xpath("//div[@class='empty']//a/@href")

    assert near("q=robot") == [f"{BASE}/search/?q=robots"]
    assert near("q=color+robots") == [f"{BASE}/search/?q=colours+robots"]
    assert near("q=robot&topic=ai") == [f"{BASE}/search/?q=robots&topic=ai"]
    assert near("q=robot&topic=law") == [], "which finds nothing either"
    assert near("q=xyzzy") == near("q=of*") == near("q=-robots") == []


def test_of_many_similar_words_the_nearest_are_named(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__search="yes")
    bench.write("a.md", title="Planets planetes planeted planetss plannets playnet plagues")
    bench.sync()
    with front_of(bench) as front:
        root = parsed(front.get("/search/?q=planet").body.decode())
    assert root.xpath("//div[@class='empty']//a/bdi/text()") == [
        *("planets", "playnet", "planeted"),
    ]
    bench.catalog.close()


def test_similar_words_are_of_the_articles_and_in_order(front, bench):
    words = similar_words(bench.catalog._database, "robotss")
    assert [word for word, _ in words] == ["robots"]
    assert similar_words(bench.catalog._database, "of") == []


@pytest.mark.parametrize(
    ("text", "phrases", "expected"),
    [
        ("Of Robots & <men>", [(("robots",), False)], "Of <mark>Robots</mark> &amp; &lt;men&gt;"),
        ("New robotics", [(("robot",), True)], "New <mark>robotics</mark>"),
        ("New robotics", [(("robot",), False)], "New robotics"),
        ("The Law of Robots", [(("law", "of"), False)], "The <mark>Law of</mark> Robots"),
        ("CAFÉ café", [(("cafe",), False)], "<mark>CAFÉ</mark> <mark>café</mark>"),
        ("人工知能の話", [(("知", "能"), False)], "人工<mark>知能</mark>の話"),
        ("Nothing", [], "Nothing"),
    ],
)
def test_words_are_marked_where_they_stand(text, phrases, expected):
    assert str(mark(text, phrases)) == expected


def test_an_excerpt_shows_where_the_words_stand():
    word = [(("needle",), False)]
    hay = "hay " * 100
    article = structs.replace(NOTHING, summary=hay, content_html=f"<p>{hay}a needle {hay}</p>")
    found = str(excerpt_around(article, word))
    assert found.startswith("…hay")
    assert "a <mark>needle</mark> hay" in found
    early = structs.replace(article, content_html=f"<p>A needle {hay}</p>")
    assert str(excerpt_around(early, word)).startswith("A <mark>needle</mark>")
    assert str(excerpt_around(structs.replace(article, title="Needle"), word)).startswith("hay")
    assert "needle" not in str(excerpt_around(structs.replace(article, content_html=""), word))


@given(st.text(max_size=40))
def test_every_word_of_a_text_is_found_in_it(text):
    for token in tokenize(text):
        for start, end in find(text, [((token,), False)]):
            assert token in tokenize(text[start:end])
