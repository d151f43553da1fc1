"""Deltas: only the new entries, for a client that names the document it has (RFC 3229)."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.fronts import bench_on_disk, front_of, two_articles
from tests.kit import Bench


@pytest.fixture
def bench(tmp_path) -> Bench:
    return two_articles(tmp_path)


@pytest.fixture
def old_tag(bench, front) -> str:
    """The tag of a document before one article was added."""
    etag: str = front.get("/all.json").fields["etag"]
    bench.write("c.md", title="Third", publishedDateTime="2020-06-10T11:00:00Z")
    bench.sync()
    front.refresh()
    return etag


@pytest.mark.parametrize("wish", ["feed", "vcdiff, Feed;q=1"])
@pytest.mark.parametrize("coding", ["", "gzip"])
def test_only_the_new_article_is_sent(front, old_tag, wish, coding):
    reply = front.get("/all.json", a_im=wish, if_none_match=old_tag, accept_encoding=coding)
    whole = front.get("/all.json", accept_encoding=coding)
    body = gzip.decompress(reply.body) if coding else reply.body

    assert reply.status == 226
    assert [item["title"] for item in json.loads(body)["items"]] == ["Third"]
    assert reply.fields["im"] == "feed"
    assert reply.fields["etag"] == whole.fields["etag"]
    assert reply.fields["cache-control"] == "no-store, im"
    assert reply.fields["vary"] == "Accept-Encoding, A-IM, If-None-Match"
    assert reply.fields["content-length"] == str(len(reply.body))


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("GET", {"a_im": "vcdiff"}),
        ("GET", {"a_im": ""}),
        ("HEAD", {"a_im": "feed"}),
        ("GET", {}),
    ],
)
def test_unless_a_get_accepts_feed_deltas_the_whole_document_is_sent(
    front, old_tag, method, fields
):
    assert front.get("/all.json", method, if_none_match=old_tag, **fields).status == 200


def test_for_an_unknown_base_the_whole_document_is_sent(front, old_tag):
    assert front.get("/all.json", a_im="feed", if_none_match='"nope-json"').status == 200
    assert front.get("/all.json", a_im="feed").status == 200


def test_the_first_known_tag_counts(front, old_tag):
    assert front.get("/all.json", a_im="feed", if_none_match=f'"x", {old_tag}').status == 226


def test_the_current_document_is_a_304(front, old_tag):
    etag = front.get("/all.json").fields["etag"]

    assert front.get("/all.json", a_im="feed", if_none_match=etag).status == 304


def test_a_list_has_no_delta(front, old_tag):
    assert front.get("/feeds.opml", a_im="feed", if_none_match='"x-opml"').status == 200


def test_deltas_are_off_by_default(tmp_path):
    bench = bench_on_disk(tmp_path / "off")
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench) as front:
        etag = front.get("/all.json").fields["etag"]
        bench.write("c.md", title="Third")
        bench.sync()
        front.refresh()
        assert front.get("/all.json", a_im="feed", if_none_match=etag).status == 200


def test_a_page_is_always_complete(bench, front):
    etag = front.get("/all/").fields["etag"]
    bench.write("c.md", title="Third", publishedDateTime="2020-06-10T11:00:00Z")
    bench.sync()
    front.refresh()
    reply = front.get("/all/", a_im="feed", if_none_match=etag)

    assert reply.status == 200
    assert b"Third" in reply.body


def test_a_delta_is_not_dated_later_than_it_is_sent(tmp_path):
    """Changes within one second are dated a second apart."""
    with front_of(bench := two_articles(tmp_path)) as front:
        etag = front.get("/all.json").fields["etag"]
        bench.write("c.md", title="Third")
        bench.sync(datetime.now(UTC) + timedelta(hours=1))
        front.refresh()
        reply = front.get("/all.json", a_im="feed", if_none_match=etag)

    assert reply.status == 226
    dated, sent = map(parsedate_to_datetime, (reply.fields["last-modified"], reply.fields["date"]))
    assert dated <= sent


def test_the_number_of_bases_is_bounded(front, old_tag):
    looked_up: list[list[str]] = []
    delta = front.reader.delta

    def counting(resource: Any, bases: list[str]) -> Any:
        looked_up.append(bases)
        return delta(resource, bases)

    front.reader.delta = counting
    tags = ", ".join(f'"x{number}"' for number in range(5_000))
    assert front.get("/all.json", a_im="feed", if_none_match=tags).status == 200
    assert len(looked_up) == 1
    assert len(looked_up[0]) <= 64


@pytest.mark.parametrize(
    "path", ["/search.json", "/search/?q=first", "/all/", "/feeds.opml", "/sitemap.xml"]
)
def test_no_delta_is_looked_up_for_a_document_without_history(tmp_path, path):
    bench = bench_on_disk(tmp_path, http__delta=True, feeds__search="yes")
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench) as front:
        front.reader.delta = lambda *_: pytest.fail("it was looked up")
        whole = front.get(path)
        reply = front.get(path, a_im="feed", if_none_match='"x-json"')

    assert (reply.status, reply.lasting, reply.body) == (200, whole.lasting, whole.body)
