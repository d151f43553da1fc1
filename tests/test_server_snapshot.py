"""The snapshot: its addresses, tags, and the header fields of each coding."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from feedhub.formats import PAGE_MEDIA_TYPE
from feedhub.formats.pages import SERVER_CSP
from feedhub.server.snapshot import (
    CachePolicy,
    Resource,
    SiteSnapshot,
    make_resource,
    make_snapshot,
)
from feedhub.site import Planned
from tests.kit import make_bench

CHANGED = datetime(2020, 6, 9, 11, 0, 0, 900_000, tzinfo=UTC)
CODINGS = ["", "gzip", "br"]


def resource(path: str = "topics/ai.rss", media_type: str = "application/rss+xml") -> Resource:
    planned = Planned(path, "0123abc", media_type, CHANGED)
    return Resource(planned, f"https://feeds.example.org/{path}")


def snapshot_of(bench: Any) -> SiteSnapshot:
    cache_policy = CachePolicy(bench.config.http)
    return make_snapshot(bench.site, bench.config, cache_policy, 1, None)


def resources_of(bench: Any) -> list[Resource]:
    site = bench.site
    return [make_resource(site, planned) for planned in site.plan().values()]


@pytest.fixture
def bench(tmp_path):
    bench = make_bench(tmp_path)
    bench.write("a.md", title="First", topics=["Café & Crème"])
    bench.sync()
    return bench


@pytest.mark.parametrize("coding", CODINGS)
def test_a_200_has_all_headers(coding):
    fields = dict(resource().representation(coding).headers)

    assert fields.get(b"content-encoding") == (coding.encode() or None)
    assert fields[b"content-type"] == b"application/rss+xml"
    assert fields[b"last-modified"] == b"Tue, 09 Jun 2020 11:00:00 GMT"
    assert fields[b"vary"] == b"Accept-Encoding"
    assert fields[b"link"] == b'<https://feeds.example.org/topics/ai.rss>; rel="self"'
    assert fields[b"x-content-type-options"] == b"nosniff"
    assert fields[b"referrer-policy"] == b"no-referrer"
    assert fields[b"cross-origin-resource-policy"] == b"cross-origin"
    assert fields[b"access-control-allow-origin"] == b"*"
    assert fields[b"content-security-policy"] == b"default-src 'none'; frame-ancestors 'none'"
    assert not {b"set-cookie", b"server", b"content-disposition", b"expires"} & fields.keys()


def test_every_coding_of_every_format_has_a_tag_of_its_own():
    tags = [
        resource(f"all.{name}").representation(coding).etag
        for name in ("rss", "atom", "json")
        for coding in CODINGS
    ]

    assert tags[:3] == ['"0123abc-rss"', '"0123abc-rss-gzip"', '"0123abc-rss-br"']
    assert len(set(tags)) == len(tags)
    assert all(re.fullmatch(r'"[!#-~]+"', tag) for tag in tags)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_304_repeats_the_validators_and_no_more(coding):
    """RFC 9110, 15.4.5."""
    representation = resource().representation(coding)
    full, short = dict(representation.headers), dict(representation.not_modified_headers)

    assert {name: full[name] for name in short} == short
    assert {b"etag", b"last-modified", b"vary"} <= short.keys()
    assert not {b"content-type", b"content-encoding", b"content-length"} & short.keys()
    assert short[b"etag"] == representation.etag.encode()


def test_header_fields_are_made_once():
    document = resource()

    assert document.representation("br") is document.representation("br")


def test_a_page_has_its_own_content_security_policy():
    fields = dict(resource("index.html", PAGE_MEDIA_TYPE).representation("").headers)

    assert fields[b"content-security-policy"] == SERVER_CSP.encode()


@pytest.mark.parametrize("base", ["", "/news", "/caf%C3%A9"])
def test_a_snapshot_knows_the_path_of_every_address(tmp_path, base):
    """Servers decode the path of a request."""
    bench = make_bench(tmp_path, site__base_url=f"https://example.org{base}")
    bench.write("a.md", title="First", topics=["Café & Crème"])
    bench.sync()
    snapshot = snapshot_of(bench)
    paths = {
        snapshot.path_of(unquote(address), address.encode()): path
        for path in bench.site.plan()
        for address in [urlsplit(bench.site.url(path)).path]
    }

    assert {"index.html", "feeds.opml", "topics/café-crème/index.html"} <= paths.keys()
    assert all(found == path for found, path in paths.items())
    assert snapshot.prefix == unquote(base)


@pytest.mark.parametrize(
    "address", ["/", "/news", "/all.rss", "/news/index.html", "/news/all/index.html", "/news%2fall"]
)
def test_other_addresses_have_no_path(tmp_path, address):
    bench = make_bench(tmp_path, site__base_url="https://example.org/news")
    bench.sync()

    assert snapshot_of(bench).path_of(unquote(address), address.encode()) == ""


def test_the_urls_in_link_headers_are_ascii(bench):
    for document in resources_of(bench):
        link = dict(document.representation("").headers)[b"link"].decode("ascii")
        assert re.fullmatch(r'<https://feeds\.example\.org/[!#-;=?-~]*>; rel="self"', link)


def test_no_two_documents_share_a_tag(bench):
    tags = [
        document.representation(coding).etag
        for document in resources_of(bench)
        for coding in CODINGS
    ]

    assert len(set(tags)) == len(tags)


def test_last_modified_is_never_in_the_future():
    """Changes within one second are dated a second apart (RFC 9110, 8.8.2.1)."""
    document = resource()
    fields = document.representation("").headers
    moment = document.last_modified

    assert document.without_future_date(fields, moment) is fields
    assert document.without_future_date(fields, moment + 1_000.5) is fields
    earlier = dict(document.without_future_date(fields, moment - 1.5))
    assert earlier.pop(b"last-modified") == b"Tue, 09 Jun 2020 10:59:58 GMT"
    assert earlier.items() <= dict(fields).items()
    assert len(earlier) == len(fields) - 1
