"""deploy/varnish/feedhub.vcl as Varnish runs it: before an origin, before a server that purges."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.exchange import Response
from tests.http_table import decoded
from tests.kit import article_text
from tests.launching import open_folder
from tests.origin import Origin
from tests.proxies import Proxy, varnish_proxy
from tests.servers import free_port, request, serve, until

FEED = "/all.atom"
LONG = "public, max-age=600, stale-if-error=3600"
Fields = list[tuple[str, str | bytes]]


@pytest.fixture
def proxy(behind: Origin) -> Iterator[Proxy]:
    with open_folder() as folder, varnish_proxy(folder, behind.address) as running:
        behind.cache_control = LONG
        yield running


def ask(proxy: Proxy, target: str = FEED, method: str = "GET", **fields: str) -> Response:
    headers: Fields = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return request(proxy, method, target, headers)


def test_codings_are_cached_apart_and_requested_once_each(proxy: Proxy, behind: Origin):
    behind.body = gzip.compress(b"a feed")  # which Varnish looks into
    tags = set()
    for _ in range(2):
        for accepted in ("", "gzip", "deflate, gzip;q=1.0", "gzip, br", "br;q=0, gzip", "*"):
            answer = ask(proxy, Accept_Encoding=accepted)
            tags.add((answer.header("content-encoding"), answer["etag"]))
    assert len(tags) == len(behind.seen) == 3
    assert not any(tag.startswith("W/") for _, tag in tags)
    for coding, tag in tags:
        again = ask(proxy, Accept_Encoding=coding or "", If_None_Match=tag)
        assert (again.status, again.body, again["etag"]) == (304, b"", tag)
        assert again["cache-control"] == LONG
    assert len(behind.seen) == 3


def test_no_client_can_fill_the_cache_or_change_what_is_requested(proxy: Proxy, behind: Origin):
    for query in ("?utm_source=x", "?", "?a=1"):
        ask(proxy, FEED + query, Cookie="a=b", Authorization="x", A_IM="feed")
    assert [target for _, target, _ in behind.seen] == [FEED]
    fields = behind.seen[0][2]
    assert fields["host"] == "feeds.example.org"
    assert fields.keys().isdisjoint({"cookie", "authorization", "a-im", "cache-control"})
    ask(proxy, "/search.atom?topic=ai")
    assert behind.seen[-1][1] == "/search.atom?topic=ai"
    html = "text/html,application/xhtml+xml"
    ask(proxy, Accept=html, Sec_Fetch_Dest="document")
    assert len(behind.seen) == 3, "a browser is led to the page, a reader is not"


def test_a_tag_is_purged_from_allowed_addresses_alone(proxy: Proxy, behind: Origin):
    behind.more = [("xkey", "feedhub all"), ("CDN-Cache-Control", "max-age=86400")]
    shown = ask(proxy)
    assert not {"xkey", "cdn-cache-control", "age", "x-varnish", "via"} & {*dict(shown.headers)}
    assert ask(proxy)["cache-status"] == "feedhub; hit"
    assert ask(proxy, "/", "PURGE").status == 400
    purged = ask(proxy, "/", "PURGE", xkey_purge="other all")
    assert (purged.status, purged.body) == (200, b"Purged 1\n")
    assert ask(proxy)["cache-status"] == "feedhub; fwd=miss"
    with open_folder() as folder, varnish_proxy(
        folder, behind.address, purgers="192.0.2.1"
    ) as other:  # fmt: skip
        ask(other)
        assert ask(other, "/", "PURGE", xkey_purge="all").status == 403
        assert ask(other)["cache-status"] == "feedhub; hit"


def test_a_document_that_was_confirmed_by_304_can_be_purged(proxy: Proxy, behind: Origin):
    behind.more = [("xkey", "all"), ("CDN-Cache-Control", "max-age=1")]
    ask(proxy)
    behind.more = [("CDN-Cache-Control", "max-age=600")]  # and no tag: it stays as it was
    until(lambda: ask(proxy).status and len(behind.seen) > 1, "it was not asked again")
    assert "if-none-match" in behind.seen[1][2]

    def is_purged() -> bool:
        ask(proxy, "/", "PURGE", xkey_purge="all")
        return ask(proxy)["cache-status"] == "feedhub; fwd=miss"

    until(is_purged, "it was not purged")
    assert len(behind.seen) > 2


def test_an_expired_document_is_shown_while_the_origin_is_away(proxy: Proxy, behind: Origin):
    behind.cache_control = "public, max-age=1, stale-if-error=3600"
    assert ask(proxy).status == 200
    behind.status = 503
    seen = len(behind.seen)
    until(lambda: ask(proxy).status and len(behind.seen) > seen + 1, "nothing was asked again")
    assert ask(proxy).status == 200
    assert ask(proxy, "/other.atom").status == 503


def test_without_an_origin_a_reader_is_told_to_come_back():
    with open_folder() as folder, varnish_proxy(folder, ("127.0.0.1", free_port())) as proxy:
        answer = ask(proxy)
        assert (answer.status, answer["retry-after"], answer["cache-control"]) == (
            503, "30", "no-store",
        )  # fmt: skip


def test_a_change_and_a_withdrawal_pass_a_cache_that_keeps_documents_for_a_day(tmp_path: Path):
    articles = tmp_path / "articles"
    articles.mkdir()

    def write(name: str, title: str, topic: str) -> None:
        text = article_text(title, topics=[topic])
        (tmp_path / "new").write_text(text, encoding="utf-8")
        (tmp_path / "new").replace(articles / f"{name}.md")

    write("a", "First", "AI")
    write("b", "Second", "Robots")
    port = free_port()
    with open_folder() as folder, varnish_proxy(folder, ("127.0.0.1", port)) as proxy:
        toml = f'[http]\nevents = 10\n[purge]\nservice = "varnish"\nendpoint = ["{proxy.url}/"]\n'
        with serve(tmp_path, articles, "--port", str(port), toml=toml) as server:

            def is_purged() -> bool:
                ready = json.loads(request(server.admin_address, "GET", "/readyz").body)
                return ready["purge"]["purged"] > 0 and not ready["purge"]["waiting"]

            until(is_purged, "the first sync was not purged")
            until(lambda: ask(proxy, "/topics/robots.rss").status == 200, "it is not up")
            first = ask(proxy, "/topics/robots.rss")
            assert first["cache-control"].startswith("public, max-age=900")
            for coding in ("", "gzip", "br"):
                ask(proxy, Accept_Encoding=coding)
            for path in ("/livez", "/readyz", "/metrics"):
                assert ask(proxy, path).status == 404

            def shows(title: bytes, coding: str = "") -> bool:
                return title in decoded(ask(proxy, Accept_Encoding=coding))

            write("c", "Third", "AI")
            until(
                lambda: all(shows(b"Third", coding) for coding in ("", "gzip", "br")), "no change"
            )
            (articles / "c.md").unlink()
            until(lambda: not any(shows(b"Third", c) for c in ("", "gzip", "br")), "still there")
            assert ask(proxy, "/topics/robots.rss")["cache-status"] == "feedhub; hit"
            with httpx.stream("GET", f"{proxy.url}/events", timeout=60) as stream:
                assert stream.headers["content-type"].startswith("text/event-stream")
                assert next(stream.iter_raw()), "it comes as it is written"
            tag = ask(proxy)["etag"]
            assert ask(proxy, If_None_Match=tag).status == 304
