"""Requests that are not for a document: guesses, moved and retired feeds, errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.errors import CatalogError
from tests.fronts import Front, bench_on_disk, call_app, front_of, scope_of

BASE = "https://feeds.example.org"
MOVED = (
    "topics/ml -> topics/machine-learning",
    "topics/cafe -> topics/café",
    "feed.xml -> all.atom",
)


@pytest.fixture(scope="module")
def front(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fallback")
    yield from fronts(folder, feeds__gone=["topics/old"], feeds__moved=list(MOVED))


def fronts(folder, **overrides):
    bench = bench_on_disk(folder, **overrides)
    bench.write("a.md", title="First", topics=["Machine Learning", "Café", "Old", "ML"])
    bench.sync()
    with front_of(bench) as front:
        yield front
    bench.catalog.close()


@pytest.mark.parametrize(
    ("guess", "document"),
    [
        ("feed", "all.rss"),
        ("feed/", "all.rss"),
        ("rss", "all.rss"),
        ("rss/", "all.rss"),
        ("rss.xml", "all.rss"),
        ("index.xml", "all.rss"),
        ("atom.xml", "all.atom"),
        ("feed.json", "all.json"),
        ("index.html", ""),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_guessed_addresses_redirect_to_the_feed(front, guess, document, method):
    reply = front.get(f"/{guess}", method, host="evil.example")

    assert (reply.status, reply.fields["location"]) == (301, f"{BASE}/{document}")
    assert reply.fields["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize("suffix", [".rss", ".atom", ".json", "/2020-06.rss", ""])
def test_a_retired_feed_is_410_in_every_format(front, suffix):
    reply = front.get(f"/topics/old{suffix}")

    assert (reply.status, reply.body) == (410, b"410 Gone\n")
    assert len(reply.body) < 512


@pytest.mark.parametrize("suffix", [".rss", ".atom", ".json", "/2020-06.rss"])
def test_a_moved_feed_redirects_in_every_format(front, suffix):
    reply = front.get(f"/topics/ml{suffix}", host="evil.example")

    assert reply.status == 301
    assert reply.fields["location"] == f"{BASE}/topics/machine-learning{suffix}"


@pytest.mark.parametrize("path", ["feed.xml", "feed.xml/"])
def test_an_address_of_an_earlier_site_leads_to_one_document_before_any_guess(front, path):
    assert front.get(f"/{path}").fields["location"] == f"{BASE}/all.atom"
    assert front.get("/feed.xml.rss").status == front.get("/feed.xml/2020-06.rss").status == 404


def test_a_new_address_is_quoted(front):
    assert front.get("/topics/cafe.rss").fields["location"] == f"{BASE}/topics/caf%C3%A9.rss"


@pytest.mark.parametrize(
    "path", ["topics/older.rss", "topics/old-2.rss", "topics/mlx.rss", "topic"]
)
def test_a_path_with_the_same_prefix_is_another_address(front, path):
    assert front.get(f"/{path}").status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"])
def test_a_document_can_only_be_read(front, method):
    reply = front.get("/all.rss", method, if_none_match="*")

    assert (reply.status, reply.fields["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert front.get("/nothing.rss", method).status == 404


@pytest.mark.parametrize("path", ["feed", "index.html", "topics/old.rss", "topics/ml.rss"])
def test_only_get_and_head_are_redirected(front, path):
    assert front.get(f"/{path}", "POST").status == 404


def test_an_unknown_method_is_501(front):
    assert front.get("/all.rss", "FOO").status == 501
    assert front.get("/nothing", "FOO").status == 501


@pytest.mark.parametrize("target", ["/all.rss", "*", "/"])
def test_options_lists_the_methods(front, target):
    reply = front.get(target, "OPTIONS", origin="https://app.example")

    assert (reply.status, reply.body) == (204, b"")
    assert reply.fields["allow"] == "GET, HEAD, OPTIONS"


def test_options_without_a_document_is_404(front):
    assert front.get("/nothing", "OPTIONS").status == 404


@pytest.mark.parametrize("length", [8_191, 8_192, 8_193, 70_000])
def test_an_address_that_is_too_long_is_refused(front, length):
    reply = front.get("/" + "a" * (length - 1))

    assert reply.status == (404 if length <= 8_192 else 414)
    assert len(reply.body) < 64


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "all.rss/",
        "ALL.rss",
        "all.rss%00",
        "all.rss;x=1",
        "all.rss.bak",
        "all.rss~",
        "../etc/passwd",
        "%2e%2e/etc/passwd",
        "..%2fall.rss",
        "%252e",
        "/etc/passwd",
        "/evil.example/%2f..",
        "\\evil.example/",
        ".git/config",
        "%0d%0aX-Injected:%201",
        "%3Cscript%3Ealert(1)%3C/script%3E",
        "%ff%fe",
        "%zz",
        "feed//",
        "feed/x",
        "topics/%2e%2e/all.rss",
        "index",
        "html",
    ],
)
def test_a_404_is_short_and_repeats_nothing_of_the_request(front, path):
    reply = front.get(f"/{path}", if_none_match="*")

    assert (reply.status, reply.body) == (404, b"404 Not Found\n")
    assert reply.fields["content-type"] == "text/plain; charset=utf-8"
    assert reply.fields["cache-control"] == "public, max-age=60"
    assert not {"etag", "location", "x-injected"} & reply.fields.keys()


REST = st.text(st.sampled_from("a./%0d%0a\\?#@: é\r\n\x00")) | st.text(max_size=20)


@given(REST, st.sampled_from(["topics/ml", "topics/old", "feed", "", "all"]))
def test_no_path_redirects_elsewhere_or_injects_a_header(front: Front, rest, known):
    scope = scope_of("/", host="evil.example")
    scope["path"] = f"/{known}{rest}"
    reply = front.runner.run(call_app(front.app, scope))
    location = reply.fields.get("location", f"{BASE}/")

    assert reply.status in {200, 301, 404, 410}
    assert location.startswith(f"{BASE}/")
    assert location.isascii()
    assert location.isprintable()
    assert " " not in location


class TestBelowAPath:
    @pytest.fixture
    def front(self, tmp_path):
        yield from fronts(
            tmp_path,
            site__base_url="https://example.org/news",
            feeds__moved=list(MOVED),
            feeds__formats=["json"],
        )

    @pytest.mark.parametrize(
        ("path", "status", "location"),
        [
            ("/news/feed", 301, "https://example.org/news/all.json"),
            ("/news/atom.xml", 301, "https://example.org/news/all.json"),
            ("/news/topics/ml.json", 301, "https://example.org/news/topics/machine-learning.json"),
            ("/news", 404, None),
            ("/news/index.html", 404, None),
            ("/feed", 404, None),
            ("/topics/ml.json", 404, None),
            ("/newsletter", 404, None),
            ("/new", 404, None),
            ("/news/all.json", 200, None),
        ],
    )
    def test_every_address_is_below_the_base_path(self, front, path, status, location):
        """Without html among the formats there is no page to redirect to."""
        reply = front.get(path)

        assert (reply.status, reply.fields.get("location")) == (status, location)


def test_the_base_path_redirects_to_the_page(tmp_path):
    for front in fronts(tmp_path, site__base_url="https://example.org/news"):
        reply = front.get("/news")
        assert (reply.status, reply.fields["location"]) == (301, "https://example.org/news/")
        assert front.get("/news/").fields["content-type"] == "text/html; charset=utf-8"


def test_a_guess_is_404_without_a_feed_of_all_articles(tmp_path):
    for front in fronts(tmp_path, feeds__kinds=["topic"]):
        assert front.get("/feed").status == 404


def test_the_fallback_is_503_before_the_first_snapshot(tmp_path):
    from feedhub.server.fallback import make_fallback

    front = Front(None)
    front.builder = type("Empty", (), {"snapshot": None})  # type: ignore[assignment]
    reply = front.runner.run(call_app(make_fallback(front.builder), scope_of("/all.rss")))
    front.runner.close()

    assert reply.status == 503


def test_search_does_not_redirect_without_pages(tmp_path):
    for front in fronts(tmp_path, feeds__search="yes", feeds__formats=["rss"]):
        assert front.get("/search?q=first").status == 404
        assert front.get("/search.rss?q=first").status == 200


def test_a_catalog_that_fails_between_two_look_ups_is_503(front, monkeypatch):
    """The document is looked up first, then what may stand in its place."""
    real, looks = front.builder.find, []

    async def find(path: str) -> object:
        looks.append(path)
        if len(looks) > 1:
            raise CatalogError("locked")
        return await real(path)

    monkeypatch.setattr(front.builder, "find", find)
    assert front.get("/topics/none").status == 503
    assert len(looks) > 1
