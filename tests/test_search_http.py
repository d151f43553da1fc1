"""Searches over HTTP, sent to the application without a network."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from html import unescape
from urllib.parse import quote

import pytest

from feedhub.errors import CatalogError
from feedhub.selection import MAX_LIMIT
from feedhub.server.on_demand import MAX_WAITING
from feedhub.text import short_hash
from tests.fronts import Front, bench_on_disk, call_app, front_of, scope_of
from tests.index_pages import parsed
from tests.kit import Bench, parse

BASE = "https://feeds.example.org"
ID = "tag:feeds.example.org,2026:articles/d"


@pytest.fixture
def bench(tmp_path) -> Bench:
    bench = bench_on_disk(tmp_path, feeds__search="yes", feeds__stories="yes")
    cnet = {"name": "CNET"}
    bench.write("a.md", title="Robots learn", topics=["AI", "Robots"], provider=cnet, quality=90)
    bench.write("b.md", title="Law of robots", topics=["AI"], publishedDateTime="2020-06-08")
    bench.write("c.md", title="Coffee", topics=["Café"], publishedDateTime="2020-06-07")
    bench.sync()
    return bench


def titles(front: Front, query: str) -> list[str]:
    """Return the titles that a query finds; all formats must agree."""
    reply = front.get(f"/search.json?{query}")
    assert reply.status == 200, reply.body
    found = [item["title"] for item in json.loads(reply.body)["items"]]
    for suffix in ("rss", "atom"):
        entries = parse(front.get(f"/search.{suffix}?{query}").body).entries
        assert [entry.title for entry in entries] == found
    return found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Robots learn", "Law of robots", "Coffee"]),
        ("topic=ai", ["Robots learn", "Law of robots"]),
        ("topic=AI&topic=caf%C3%A9", ["Robots learn", "Law of robots", "Coffee"]),
        ("topic=ai&topic=robots&all=1", ["Robots learn"]),
        ("topic=ai&provider=cnet", ["Robots learn"]),
        ("topic=ai&not_provider=cnet", ["Law of robots"]),
        ("not_topic=ai", ["Coffee"]),
        ("topic=nobody", []),
        ("topic=nobody&topic=robots", ["Robots learn"]),
        ("topic=nobody&topic=robots&all=1", []),
        ("not_topic=nobody&limit=1", ["Robots learn"]),
        ("q=robot*", ["Robots learn", "Law of robots"]),
        ("q=%22law+of%22", ["Law of robots"]),
        ("q=robots+-law", ["Robots learn"]),
        ("q=cafe", ["Coffee"]),
        ("q=cnet", ["Robots learn"]),
        ("q=%22cnet+ai%22", []),
        ("min_quality=90", ["Robots learn"]),
        ("min_quality=90.5", []),
        ("since=2020-06-08", ["Robots learn", "Law of robots"]),
        ("since=2020-06-08T00:00:01Z", ["Robots learn"]),
    ],
)
def test_a_search_finds_the_articles_that_meet_it(front, query, found):
    assert titles(front, query) == found


@pytest.mark.parametrize("suffix", ["rss", "atom", "json"])
def test_every_spelling_of_a_query_is_one_document(front, suffix):
    one = front.get(f"/search.{suffix}?topic=Robots&topic=ai&limit=50&utm_source=x")
    other = front.get(f"/search.{suffix}?q=&topic=ai&topic=ROBOTS")
    canonical = f"{BASE}/search.{suffix}?topic=ai&topic=robots"

    assert (one.lasting, one.body) == (other.lasting, other.body)
    assert one.fields["link"] == f'<{canonical}>; rel="self"'
    escaped = canonical.replace("&", "&amp;") if suffix != "json" else canonical
    assert escaped.encode() in one.body
    again = front.get(canonical.removeprefix(BASE))
    assert (again.lasting, again.body) == (one.lasting, one.body)


@pytest.mark.parametrize("suffix", ["rss", "atom", "json", "/"])
def test_field_and_document_name_the_same_address(front, suffix):
    """Characters that a query may hold unescaped are unescaped in both."""
    start = "/search/" if suffix == "/" else f"/search.{suffix}"
    reply = front.get(f"{start}?q=robot*&since=2020-06-01T12:00:00Z&topic=%C3%A9t%C3%A9")
    address = f"{start}?q=robot*&since=2020-06-01T12:00:00Z&topic=%C3%A9t%C3%A9"
    assert reply.fields["link"] == f'<{BASE}{address}>; rel="self"'
    assert f"{BASE}{address}" in unescape(reply.body.decode())


def test_the_header_fields_of_a_search(front):
    reply = front.get("/search.atom?q=robots")

    assert reply.fields["content-type"] == "application/atom+xml; charset=utf-8"
    assert reply.fields["cache-control"].startswith("public, max-age=900, ")
    assert reply.fields["vary"] == "Accept-Encoding"
    assert reply.fields["x-robots-tag"] == "noindex"
    assert reply.fields["access-control-allow-origin"] == "*"
    assert "x-robots-tag" not in front.get("/all.atom").fields
    assert "robots" not in reply.fields["etag"]


def test_a_conditional_request_of_an_unchanged_search_is_a_304(front, bench):
    first = front.get("/search.json?topic=robots", accept_encoding="gzip")
    tag, date = first.fields["etag"], first.fields["last-modified"]
    assert gzip.decompress(first.body) == front.get("/search.json?topic=robots").body

    for condition in ({"if_none_match": tag}, {"if_modified_since": date}):
        reply = front.get("/search.json?topic=Robots", accept_encoding="gzip", **condition)
        assert (reply.status, reply.body, reply.fields["etag"]) == (304, b"", tag)

    bench.write("c.md", title="Tea", topics=["Café"], publishedDateTime="2020-06-07")
    bench.sync()
    front.refresh()
    assert front.get("/search.json?topic=robots", if_none_match=tag[:-6] + '"').status == 304
    reply = front.get("/search.json?topic=robots", if_modified_since=date)
    assert reply.status == 200  # no search has a date of its own: any change of the catalog counts

    bench.write("a.md", title="Robots forget", topics=["AI", "Robots"])
    bench.sync()
    front.refresh()
    reply = front.get("/search.json?topic=robots", if_none_match=tag)
    assert reply.status == 200
    assert b"Robots forget" in reply.body


def test_a_score_alone_changes_what_a_search_finds(front, bench):
    assert titles(front, "min_quality=95") == []
    bench.write(
        "b.md", title="Law of robots", topics=["AI"], publishedDateTime="2020-06-08", quality=99
    )
    assert bench.sync().changed == 0
    front.refresh()
    assert titles(front, "min_quality=95") == ["Law of robots"]


def test_a_withdrawn_article_is_not_found(front, bench):
    bench.write("a.md", title="Robots learn", topics=["AI", "Robots"], published=False)
    bench.sync()
    front.refresh()
    for query in ("q=learn", "topic=robots", "provider=cnet", "min_quality=1"):
        assert titles(front, query) == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=abc", "limit"),
        ("since=yesterday", "since"),
        ("q=" + "a" * 10_000, "q"),
        ("&".join(f"topic=t{number}" for number in range(1_000)), "topic"),
        ("author=%FF", "author"),
        ("category=%zz", "category"),
        ("x" * 70_000, "the query"),
    ],
)
@pytest.mark.parametrize("path", ["/search.rss", "/search/"])
def test_a_wrong_parameter_is_a_400_that_names_it(front, path, query, name):
    reply = front.get(f"{path}?{query}")

    assert reply.status == 400
    assert reply.fields["content-type"] == "text/plain; charset=utf-8"
    assert reply.body.decode().startswith(f"400 Bad Request: {name} ")
    assert len(reply.body) < 200
    assert reply.fields["cache-control"] == "no-store"


def test_people_get_a_wrong_search_on_a_page_of_the_site(front):
    reply = front.get("/search/?limit=abc", accept="text/html,*/*;q=0.8")
    assert reply.status == 400
    assert reply.fields["content-type"] == "text/html; charset=utf-8"
    assert reply.fields["cache-control"] == "no-store"
    page = parsed(reply.body.decode())
    reason = front.get("/search/?limit=abc").body.decode().partition(": ")[2].strip()
    assert [one.text_content() for one in page.cssselect("main p[lang=en]")] == [reason]
    assert len(page.cssselect("form#search")) == 1
    assert front.get("/search.rss?limit=abc", accept="*/*").fields["content-type"] == (
        "text/plain; charset=utf-8"
    )


@pytest.mark.parametrize("path", ["/search.rss?topic=ai", "/search/?topic=ai"])
def test_methods_of_a_search(front, path):
    whole, head = front.get(path), front.get(path, "HEAD")
    assert (head.status, head.lasting, head.body) == (200, whole.lasting, b"")
    assert front.get(path, "OPTIONS").fields["allow"] == "GET, HEAD, OPTIONS"
    reply = front.get(path, "POST")
    assert (reply.status, reply.fields["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert front.get(path, "FOO").status == 501


@pytest.mark.parametrize(
    "path",
    ["/search.xml", "/search.rss/", "/searching.rss", "/x/search.rss", "/SEARCH.rss", "/search%2F"],
)
def test_similar_paths_are_not_searches(front, path):
    assert front.get(path).status == 404


def test_the_page_of_a_search(front):
    reply = front.get("/search/?topic=AI&q=law")
    text = reply.body.decode()

    assert reply.fields["content-type"] == "text/html; charset=utf-8"
    assert reply.fields["x-robots-tag"] == "noindex"
    titles = parsed(text).xpath("//article//h3")
    assert [title.text_content() for title in titles] == ["Law of robots"]
    assert titles[0].xpath(".//mark/text()") == ["Law"]
    for suffix in (".rss", ".atom", ".json"):
        assert f"{BASE}/search{suffix}?q=law&amp;topic=ai" in text
    page = parse(front.get("/search.rss?topic=AI&q=law").body).feed.link
    assert page == f"{BASE}/search/?q=law&topic=ai"
    assert front.get(page.removeprefix(BASE)).body == reply.body


def test_the_page_without_its_slash_redirects(front):
    reply = front.get("/search?topic=ai&q=%22")
    assert (reply.status, reply.fields["location"]) == (301, f"{BASE}/search/?topic=ai&q=%22")
    assert front.get("/search").fields["location"] == f"{BASE}/search/"
    assert front.get("/search?a=\xe4").fields["location"] == f"{BASE}/search/"


def test_a_site_below_a_path(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__search="yes", site__base_url=f"{BASE}/news")
    bench.write("a.md", title="One")
    bench.sync()
    with front_of(bench) as front:
        assert front.get("/search.rss").status == 404
        reply = front.get("/news/search.rss?q=ONE")
        assert reply.fields["link"] == f'<{BASE}/news/search.rss?q=one>; rel="self"'
        assert front.get("/news/search?q=a").fields["location"] == f"{BASE}/news/search/?q=a"


def test_search_can_be_switched_off(tmp_path):
    bench = bench_on_disk(tmp_path)
    bench.write("a.md", title="One", related=[{"title": "R", "webUrl": "https://r.example/"}])
    bench.sync()
    with front_of(bench) as front:
        for path in ("/search.rss", "/search/", "/search", "/stories/a-191ac0fe.rss"):
            assert front.get(path).status == 404
            assert front.get(path, "POST").status == 404


def test_a_search_in_a_format_the_site_lacks_is_a_404(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__search="yes", feeds__formats=["rss"])
    bench.write("a.md", title="One")
    bench.sync()
    with front_of(bench) as front:
        assert front.get("/search.rss").status == 200
        for path in ("/search.atom", "/search/"):
            assert front.get(path).status == 404


def test_a_search_names_no_hub(tmp_path):
    hub = "https://hub.example/"
    bench = bench_on_disk(tmp_path, feeds__search="yes", websub__hub=hub)
    bench.write("a.md", title="One")
    bench.sync()
    with front_of(bench) as front:
        assert hub.encode() in front.get("/all.atom").body
        for suffix in ("rss", "atom", "json"):
            reply = front.get(f"/search.{suffix}")
            assert hub.encode() not in reply.body
            assert hub not in reply.fields["link"]


def test_a_search_is_no_longer_than_max_bytes(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__search="yes", feeds__max_bytes=10_000)
    for number in range(9):
        bench.write(f"{number}.md", title=f"Number {number}", body="word " * 300)
    bench.sync()
    with front_of(bench) as front:
        reply = front.get(f"/search.json?limit={MAX_LIMIT}")
        assert 1 <= len(json.loads(reply.body)["items"]) < 9


def test_a_search_holds_one_article_however_long_it_is(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__search="yes", feeds__max_bytes=10_000)
    for number in range(2):
        bench.write(f"{number}.md", title=f"Number {number}", body="word " * 3_000)
    bench.sync()
    with front_of(bench) as front:
        assert len(titles(front, "q=word")) == 1


def test_settings_that_shape_documents_change_their_tag(front, bench):
    paths = ("/search.rss?topic=ai", f"/stories/d-{short_hash(ID)}.rss")
    bench.write("d.md", title="D", related=[{"title": "R", "webUrl": "https://r.example/"}])
    bench.sync()
    front.refresh()
    tags = [front.get(path).fields["etag"] for path in paths]
    bench.config = replace(bench.config, site=replace(bench.config.site, title="Other"))
    bench.sync()
    front.refresh()
    for path, tag in zip(paths, tags, strict=True):
        reply = front.get(path, if_none_match=tag)
        assert reply.status == 200
        assert b"Other" in reply.body


def test_a_renamed_label_changes_the_document(front, bench):
    """The entries are the same, but the title spells the label."""
    path = "/search.rss?not_topic=tea"
    tag = front.get(path).fields["etag"]
    bench.write("d.md", title="Leaves", topics=["TEA"])
    bench.sync()
    front.refresh()
    reply = front.get(path, if_none_match=tag)
    assert reply.status == 200
    assert b"about TEA" in reply.body


def test_the_title_of_a_long_search_is_cut(front):
    query = "&".join(f"topic=number-{number}" for number in range(50))
    title = json.loads(front.get(f"/search.json?{query}").body)["title"]
    assert title.startswith("Search: about number-0 or number-1 or number-10")
    assert len(title) < 230


def test_responses_are_counted_by_format_and_not_by_query(front):
    for number in range(3):
        front.get(f"/search.rss?q=x{number}")
    front.refresh()
    count = front.metrics.registry.get_sample_value
    assert count("feedhub_requests_total", {"format": "rss", "status": "200"}) == 3


def test_strangers_cannot_fill_the_memory_or_push_out_the_feeds(bench, monkeypatch):
    monkeypatch.setattr("feedhub.server.on_demand.CACHE_BYTES", 300_000)
    with front_of(bench, 40_000) as front:
        send_many_searches(front)


def send_many_searches(front: Front) -> None:
    front.get("/all.rss")
    bodies, known = front.builder._on_demand_bodies, front.builder.on_demand._cache
    for number in range(150):
        front.get(f"/search.rss?not_topic=x{number}", "HEAD")
    assert 290_000 < known.currsize <= 300_000
    assert len(known) > 80
    assert 5_000 < bodies.size <= 10_000
    built = front.metrics.registry.get_sample_value("feedhub_build_seconds_count")
    front.get("/all.rss")
    assert front.metrics.registry.get_sample_value("feedhub_build_seconds_count") == built
    before = len(known), known.currsize
    front.get("/search.rss?topic=ai&utm=" + "x" * 3_000)
    assert (len(known), known.currsize) == before  # nor can one long query push out many


def test_a_long_canonical_address_weighs_more_in_the_cache(front):
    """One Arabic ligature folds to eighteen letters, each of which is six characters in a URL."""
    known = front.builder.on_demand._cache
    front.get("/search.rss?topic=x", "HEAD")
    short = known.currsize
    query = "&".join(f"topic={number}%EF%B7%BA" for number in range(50))
    reply = front.get(f"/search.rss?{query}", "HEAD")
    assert len(reply.fields["link"]) > 2 * len(query)
    assert known.currsize - 2 * short > 3 * len(reply.fields["link"])


def test_a_search_that_is_polled_stays_in_the_cache(front):
    """A search that is requested again and again is not evicted by those requested once."""
    front.builder.on_demand._cache._Cache__maxsize = 30_000
    found = []
    find = front.reader.on_demand

    def recording(selection, row):
        found.append(selection)
        return find(selection, row)

    front.reader.on_demand = recording
    for number in range(30):
        front.app._second_ends = 0.0  # another second
        front.get("/search.rss?topic=ai")
        front.get(f"/search.rss?topic=x{number}", "HEAD")
    assert len(found) == 31


def test_a_search_is_looked_up_once(front):
    calls = []
    find = front.reader.on_demand

    def counting(*given):
        calls.append(given)
        return find(*given)

    front.reader.on_demand = counting
    for _ in range(3):
        front.get("/search.rss?topic=ai")
    assert len(calls) == 1


def test_too_many_searches_at_once_are_answered_503(front):
    front.builder.on_demand_queue._waiting["192.0.2.7"] = MAX_WAITING
    reply = front.get("/search.rss?topic=ai")
    assert reply.status == 503
    assert int(reply.fields["retry-after"]) > 0
    assert front.get("/all.rss").status == 200


@pytest.mark.parametrize(
    ("error", "logged"), [(CatalogError("locked"), False), (ValueError("x"), True)]
)
def test_a_search_that_fails_affects_no_other_request(front, capsys, error, logged):
    def broken(*_):
        raise error

    front.reader.on_demand = broken
    reply = front.get("/search.rss?topic=ai")
    assert reply.status == 503
    assert "locked" not in reply.body.decode()
    assert ("/search.rss" in capsys.readouterr().err) == logged
    assert front.get("/all.rss").status == 200


def test_a_wrong_search_needs_no_catalog_for_its_reason(front):
    def broken(_: str):
        raise CatalogError("locked")

    front.reader.wrong_search = broken
    reply = front.get("/search/?limit=abc", accept="text/html")
    assert (reply.status, reply.body[:15]) == (400, b"400 Bad Request")


def test_a_search_that_takes_too_long_is_stopped(front, monkeypatch):
    monkeypatch.setattr("feedhub.catalog.SEARCH_TIMEOUT", -1.0)
    monkeypatch.setattr("feedhub.catalog.sqlite.TIME_LIMIT_STEPS", 1)
    assert front.get("/search.rss?q=a*").status == 503
    monkeypatch.undo()
    assert front.get("/search.rss?q=a*").status == 200


def test_a_snapshot_that_ends_meanwhile_caches_nothing(front, bench):
    """A result from the old catalog is not cached for the new one."""
    cache, find = front.builder.on_demand, front.reader.on_demand

    def slow(*given):
        cache._snapshot = None  # another request came with a newer snapshot
        return find(*given)

    front.reader.on_demand = slow
    assert front.get("/search.rss").status == 200
    assert not cache._cache


def test_two_labels_of_one_slug_can_both_be_searched_for(front, bench):
    bench.write("d.md", title="Sharp", topics=["C#"])
    bench.write("e.md", title="Spelled", topics=["C sharp"], publishedDateTime="2020-06-01")
    bench.sync()
    front.refresh()
    assert titles(front, "topic=C%23") == ["Sharp"]
    assert titles(front, "topic=C+Sharp") == ["Spelled"]
    # The older article's label had its slug first; a slug wins over a name.
    assert titles(front, "topic=c-sharp") == ["Spelled"]
    link = front.get("/search.rss?topic=C%23").fields["link"]
    assert re.search(r"topic=c-sharp-[0-9a-f]{8}>", link)


def test_a_slug_wins_over_a_name(front, bench):
    """The slug of one label may be the name of another."""
    bench.write("d.md", title="Sharp", topics=["C#"], publishedDateTime="2020-06-01")
    bench.write("e.md", title="Spelled", topics=["C-Sharp"])
    bench.sync()
    front.refresh()
    link = front.get("/search.rss?topic=C%23").fields["link"]
    assert link.startswith(f"<{BASE}/search.rss?topic=c-sharp>")
    assert titles(front, "topic=c-sharp") == ["Sharp"]


def test_an_edit_that_names_its_own_time_is_another_document(front, bench):
    tags = set()
    for title in ("One", "Two"):
        bench.write("a.md", title=title, topics=["AI"], updatedDateTime="2020-06-10")
        bench.sync()
        front.refresh()
        tags.add(front.get("/search.rss?topic=ai").fields["etag"])
    assert len(tags) == 2


def test_a_label_that_comes_later_has_the_address_it_was_searched_by(front, bench):
    link = front.get("/search.json?topic=%E2%80%A6&topic=New+Thing").fields["link"]
    path = link.partition(">")[0].removeprefix(f"<{BASE}")
    assert path.endswith("&topic=new-thing")
    bench.write("d.md", title="Dots", topics=["…"])
    bench.write("e.md", title="New", topics=["New thing"], publishedDateTime="2020-06-01")
    bench.sync()
    front.refresh()
    found = [item["title"] for item in json.loads(front.get(path).body)["items"]]
    assert found == ["Dots", "New"]


def test_an_http_1_0_request_of_a_search(front):
    reply = front.runner.run(call_app(front.app, scope_of("/search.rss?q=law", version="1.0")))
    assert reply.status == 200


def form_of(front: Front, query: str) -> tuple[str, list[tuple[str, str, bool]], list[str]]:
    """Return the form of a search's page: its words, its checkboxes and their labels."""
    root = parsed(front.get(f"/search/?{query}").body.decode())
    (form,) = root.xpath("//form")
    assert (form.get("action"), form.get("method")) == (f"{BASE}/search/", "get")
    boxes = root.xpath("//input[@type='checkbox' and @form='search']")
    assert form.get("id") == "search"
    return (
        form.xpath("string(.//input[@name='q']/@value)"),
        [(box.get("name"), box.get("value"), box.get("checked") is not None) for box in boxes],
        [" ".join(label.text_content().split()) for label in root.xpath("//main//label")],
    )


def test_each_part_of_a_search_can_be_removed_on_its_page(front):
    query = "topic=robots&topic=ai&not_provider=nobody&q=-law+%22robots+learn%22&limit=7&all=1"
    words, boxes, names = form_of(front, f"{query}&min_quality=0.5&since=2020-01-02&utm=x")
    assert words == '"robots learn" -law'
    assert boxes == [
        ("limit", "7", True),
        ("min_quality", "0.5", True),
        ("not_provider", "nobody", True),
        ("since", "2020-01-02", True),
        ("topic", "ai", True),
        ("topic", "robots", True),
        ("all", "1", True),
    ]
    assert names == [
        "At most 7",
        "Quality at least 0.5",
        "Without Publisher nobody",
        "Since 2020-01-02",
        "Topic AI",
        "Topic Robots",
        "Must match all",
    ]
    sent = "&".join(f"{name}={value}" for name, value, ticked in boxes if ticked)
    again = front.get(f"/search/?{sent}&q={quote(words)}")
    assert again.body == front.get(f"/search/?{query}&min_quality=0.5&since=2020-01-02").body


def test_the_form_of_a_search_has_no_other_parts(front):
    assert form_of(front, "") == ("", [], [])
    assert form_of(front, "q=%3Cb%3E%22") == ("b", [], [])
    assert form_of(front, "topic=ai&provider=cnet")[1] == [
        ("provider", "cnet", True),
        ("topic", "ai", True),
    ]
    assert form_of(front, "topic=ai&topic=law")[1][-1] == ("all", "1", False)
