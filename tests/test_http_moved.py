"""Row 28 of the HTTP table: feeds that are retired or have moved, and guessed addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.http_table import (
    BASE,
    DOCUMENTS,
    small_and_silent,
    write_articles,
)
from tests.servers import Server, request, serve

RETIRED = """\
[feeds]
archive_from = 1
limit = 3
days = 0
gone = ["topics/old", "topics/zwei wörter"]
moved = ["topics/before -> topics/ai", "authors/me -> all"]
"""


@pytest.fixture(scope="module")
def retired(tmp_path_factory) -> Iterator[Server]:
    """A server below a path, with feeds that are retired and feeds that moved."""
    folder = tmp_path_factory.mktemp("retired")
    articles = write_articles(folder / "articles")
    with serve(folder, articles, toml=RETIRED, base_url=f"{BASE}/news") as server:
        yield server


@pytest.mark.parametrize("ending", [".rss", ".atom", ".json", "/2020-06.atom", "", "/"])
@pytest.mark.parametrize("feed", ["old", "zwei%20w%C3%B6rter"])
def test_row_28_a_retired_topic_is_410(retired, feed, ending):
    answer = request(retired, "GET", f"/news/topics/{feed}{ending}", [("If-None-Match", "*")])
    assert answer.status == 410
    assert answer["content-type"].startswith("text/plain")
    assert re.fullmatch(r"public, max-age=\d+", answer["cache-control"])
    assert answer.header("etag") is None
    assert small_and_silent(answer, "old", "zwei")


@pytest.mark.parametrize(
    "target", ["/topics/older.rss", "/topics/ol.rss", "/topics/old-one", "/old.rss"]
)
def test_row_28_a_topic_with_a_similar_name_is_404(retired, target):
    assert request(retired, "GET", f"/news{target}").status == 404


@pytest.mark.parametrize("ending", [".rss", ".atom", ".json", "/2020-06.atom"])
def test_row_28_a_moved_topic_redirects(retired, ending):
    for feed, now in {"topics/before": "topics/ai", "authors/me": "all"}.items():
        answer = request(retired, "GET", f"/news/{feed}{ending}?x=1", host="evil.example")
        assert answer.status == 301
        assert answer["location"] == f"{BASE}/news/{now}{ending}"
        assert len(answer.body) <= 512
        assert re.fullmatch(r"public, max-age=\d+", answer["cache-control"])
        assert request(retired, "GET", answer["location"].removeprefix(BASE)).status == 200


@pytest.mark.parametrize(
    ("guess", "document"),
    [(guess, "all.rss") for guess in ("feed", "feed/", "rss", "feed.xml", "rss.xml", "index.xml")]
    + [("atom.xml", "all.atom"), ("feed.json", "all.json"), ("index.html", "")],
)
def test_row_28_a_guessed_address_redirects(retired, guess, document):
    answer = request(retired, "GET", f"/news/{guess}", host="evil.example")
    assert (answer.status, answer["location"]) == (301, f"{BASE}/news/{document}")
    assert request(retired, "HEAD", f"/news/{guess}").status == 301


@pytest.mark.parametrize("target", DOCUMENTS)
def test_row_28_outside_the_base_path_is_404(retired, target):
    assert request(retired, "GET", target).status == 404
    assert request(retired, "GET", f"/newsy{target}").status == 404
    answer = request(retired, "GET", f"/news{target}")
    assert (answer.status, answer["link"]) == (200, f'<{BASE}/news{target}>; rel="self"')
