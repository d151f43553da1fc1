"""Row 43 of the HTTP table with deltas configured: only new entries are sent (RFC 3229)."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from lxml import etree

from tests.http_table import (
    F,
    Living,
    decoded,
    write_articles,
)
from tests.servers import Response, request, serve, until

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def delta(tmp_path_factory) -> Iterator[tuple[Living, dict[str, Response], dict[str, Response]]]:
    """A server that offers deltas, and its responses before and after one edit and one addition."""
    folder = tmp_path_factory.mktemp("delta")
    articles = write_articles(folder / "articles")
    targets = [F, "/topics/computer-vision.rss", "/topics/computer-vision.json"]
    with serve(folder, articles, toml="[http]\ndelta = true\n") as server:
        living = Living(server, articles)
        before = {target: living.get(target) for target in targets}
        living.write("new.md", "Brand new", publishedDateTime="2020-06-20T00:00:00Z")
        living.write("1.md", "Edited", publishedDateTime="2020-06-02T11:00:00Z")
        until(
            lambda: all(text in living.get().body for text in (b"Brand new", b"Edited")),
            "the change is not published",
        )
        yield living, before, {target: living.get(target) for target in targets}


def titles(target: str, body: bytes) -> list[str]:
    """Return the titles of a feed's entries."""
    if target.endswith(".json"):
        return [item["title"] for item in json.loads(body)["items"]]
    entries = etree.fromstring(body).iter("item", f"{ATOM}entry")
    return [next(entry.iter("title", f"{ATOM}title")).text or "" for entry in entries]


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_row_43_a_delta_has_the_new_entries_and_the_tag_of_the_document(delta, coding):
    living, before, after = delta
    for target, old in before.items():
        answer = living.get(target, A_IM="feed", If_None_Match=old["etag"], Accept_Encoding=coding)
        now = living.get(target, Accept_Encoding=coding)
        assert (answer.status, answer.reason) == (226, "IM Used")
        assert answer["im"] == "feed"
        assert answer["etag"] == now["etag"]
        assert answer["cache-control"] == "no-store, im"
        assert answer["vary"] == "Accept-Encoding, A-IM, If-None-Match"
        assert answer["content-type"] == now["content-type"]
        assert answer.header("content-encoding") == now.header("content-encoding")
        assert titles(target, decoded(answer)) == ["Brand new", "Edited"]
        assert titles(target, after[target].body)[:1] == ["Brand new"]
        assert len(titles(target, after[target].body)) == 7


@pytest.mark.parametrize("wanted", ["feed", "vcdiff, feed", "feed;q=0.5", "FEED"])
def test_row_43_a_delta_is_sent_for_any_list_with_feed(delta, wanted):
    living, before, _ = delta
    answer = living.get(A_IM=wanted, If_None_Match=f'"x", {before[F]["etag"]}')
    assert answer.status == 226


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [
        ("feed", '"nope"'),
        ("diffe", "{old}"),
        ("", "{old}"),
        ("feeds", "{old}"),
        ("feed;q=0", "{old}"),
    ],
)
def test_row_43_without_a_known_base_or_a_wish_the_document_is_sent(delta, wanted, tag):
    living, before, after = delta
    answer = living.get(A_IM=wanted, If_None_Match=tag.replace("{old}", before[F]["etag"]))
    assert (answer.status, answer.header("im"), answer.body) == (200, None, after[F].body)


def test_row_43_the_current_tag_is_304_and_head_never_a_delta(delta):
    living, before, after = delta
    answer = living.get(A_IM="feed", If_None_Match=after[F]["etag"])
    assert (answer.status, answer["etag"]) == (304, after[F]["etag"])
    lines = [("A-IM", "feed"), ("If-None-Match", before[F]["etag"])]
    assert request(living.server, "HEAD", F, lines).status == 200
    for target in ("/", "/feeds.opml"):
        assert living.get(target, A_IM="feed", If_None_Match='"x"').status == 200
