"""The ASGI application of the documents: preconditions, codings, errors, and the log."""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import Any

import brotli
import pytest

from feedhub.errors import CatalogError
from feedhub.server.catalog_reader import VanishedError
from feedhub.server.documents import Documents
from tests.fronts import Front, bench_on_disk, call_app, front_of, scope_of, two_articles
from tests.kit import Bench
from tests.sites import later


@pytest.fixture
def bench(tmp_path) -> Bench:
    return two_articles(tmp_path)


def builds(front: Front) -> float:
    value = front.metrics.registry.get_sample_value("feedhub_build_seconds_count")
    assert value is not None
    return value


@pytest.mark.parametrize("path", ["all.rss", "all.atom", "topics/ai.json", "feeds.opml"])
def test_a_response_has_the_bytes_that_the_site_renders(bench, front, path):
    reply = front.get(f"/{path}")

    assert reply.status == 200
    assert reply.body == bench.documents()[path].body
    assert reply.fields["content-length"] == str(len(reply.body))
    assert reply.fields["cache-control"].startswith("public, max-age=900")


def test_the_root_is_the_landing_page(bench, front):
    assert front.get("/").body == bench.documents()["index.html"].body


@pytest.mark.parametrize(
    ("coding", "decode"), [("gzip", gzip.decompress), ("br", brotli.decompress)]
)
def test_a_coding_decodes_to_the_same_bytes(front, coding, decode):
    plain, coded = front.get("/all.rss"), front.get("/all.rss", accept_encoding=coding)

    assert coded.fields["content-encoding"] == coding
    assert coded.fields["content-length"] == str(len(coded.body))
    assert decode(coded.body) == plain.body
    assert coded.fields["etag"] != plain.fields["etag"]


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
@pytest.mark.parametrize("path", ["/all.rss", "/topics/ai.atom", "/all.json", "/feeds.opml", "/"])
def test_head_has_the_fields_of_get_and_no_body(front, path, coding):
    whole = front.get(path, accept_encoding=coding)
    head = front.get(path, "HEAD", accept_encoding=coding)

    assert (head.status, head.lasting, head.body) == (200, whole.lasting, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_builds_nothing_and_repeats_the_fields(front, method):
    etag = front.found("/all.atom").representation("gzip").etag
    reply = front.get("/all.atom", method, accept_encoding="gzip", if_none_match=etag)

    assert (reply.status, reply.body) == (304, b"")
    assert builds(front) == 0
    whole = front.get("/all.atom", accept_encoding="gzip").fields
    assert {name: whole[name] for name in reply.lasting} == reply.lasting
    assert {"etag", "last-modified", "vary", "cache-control"} <= reply.fields.keys()
    assert "content-length" not in reply.fields


def test_the_tag_of_another_coding_is_no_304(front):
    etag = front.get("/all.rss").fields["etag"]

    assert front.get("/all.rss", accept_encoding="gzip", if_none_match=etag).status == 200


def test_a_failed_precondition_is_412_without_the_document(front):
    reply = front.get("/all.rss", if_match='"nope"')

    assert (reply.status, reply.fields["cache-control"]) == (412, "no-store")
    assert "etag" not in reply.fields
    assert builds(front) == 0


def test_fields_of_one_name_are_read_as_one_list(front):
    etag = front.get("/all.rss").fields["etag"]
    scope = scope_of("/all.rss", host="x")
    scope["headers"] += [(b"if-none-match", b'"a"'), (b"if-none-match", etag.encode())]

    assert front.runner.run(call_app(front.app, scope)).status == 304


def test_a_document_is_built_once(front):
    for _ in range(5):
        front.get("/all.rss")
    assert builds(front) == 1

    front.get("/all.rss", accept_encoding="gzip")
    front.get("/all.rss", accept_encoding="gzip")
    assert builds(front) == 2


def test_a_changed_document_has_a_new_tag(bench, front):
    before = front.get("/all.rss")
    bench.write("a.md", title="Changed", topics=["AI"])
    bench.sync()
    front.refresh()
    after = front.get("/all.rss", if_none_match=before.fields["etag"])

    assert after.status == 200
    assert after.body == bench.documents()["all.rss"].body != before.body


def test_body_and_tag_match_though_the_snapshot_is_old(bench, front):
    """The catalog has changed, the snapshot has not: the built document names its resource."""
    old = front.found("/all.rss").representation("").etag
    bench.write("a.md", title="Changed", topics=["AI"])
    bench.sync()
    reply = front.get("/all.rss")

    assert reply.status == 200
    assert reply.body == bench.documents()["all.rss"].body
    assert reply.fields["etag"] != old
    front.refresh()
    assert front.get("/all.rss").lasting == reply.lasting
    assert front.get("/all.rss", if_none_match=reply.fields["etag"]).status == 304


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_no_response_is_of_an_older_document_than_the_one_before(bench, front, method):
    """The snapshot is old when the first one is built."""
    tag = front.found("/all.rss").representation("").etag
    old = front.get("/all.rss", if_none_match=tag).fields  # its response is cached
    bench.write("a.md", title="Changed", topics=["AI"])
    bench.sync(later(5))
    new = front.get("/all.rss", accept_encoding="gzip").fields
    # What holds the new document must not be told the old tag with a 304.
    conditions = [{}, {"if_modified_since": new["last-modified"]}, {"if_none_match": old["etag"]}]
    replies = [front.get("/all.rss", method, **fields) for fields in conditions]
    modified = {reply.fields["last-modified"] for reply in replies}
    assert modified == {new["last-modified"]} != {old["last-modified"]}
    assert {reply.fields["etag"] for reply in replies} == {new["etag"].replace("-gzip", "")}


def test_a_document_newer_than_the_snapshot_is_a_304_for_its_holder(bench, front):
    bench.write("a.md", title="Changed", topics=["AI"])
    bench.sync()
    new = front.get("/all.rss").fields["etag"]

    with front_of(bench) as other:
        assert other.get("/all.rss", if_none_match=new).status == 304


@pytest.mark.parametrize("target", ["/topics/caf%C3%A9.rss", "/topics/%63af%c3%a9.rss"])
def test_a_path_may_be_percent_encoded(front, target):
    assert front.get(target).status == 200


@pytest.mark.parametrize("target", ["/topics%2Fai.rss", "/topics%2fai.rss", "/TOPICS/ai.rss"])
def test_an_encoded_slash_and_another_case_are_other_addresses(front, target):
    assert front.get(target).status == 404


def test_a_query_changes_nothing(front):
    plain, with_query = front.get("/all.rss"), front.get("/all.rss?utm_source=x&y")

    assert (plain.lasting, plain.body) == (with_query.lasting, with_query.body)


def test_an_http_1_1_request_needs_exactly_one_host(front):
    nameless = scope_of("/all.rss")
    twice = scope_of("/all.rss", host="a")
    twice["headers"].append((b"host", b"b"))

    assert front.runner.run(call_app(front.app, nameless)).status == 400
    assert front.runner.run(call_app(front.app, twice)).status == 400
    assert front.runner.run(call_app(front.app, scope_of("/all.rss", version="1.0"))).status == 200
    assert front.get("/all.rss", host="evil.example").status == 200


def test_before_the_first_snapshot_every_response_is_503(tmp_path):
    bench = bench_on_disk(tmp_path / "none")
    path = tmp_path / "none" / "catalog.sqlite"
    bench.catalog.close()
    path.unlink()
    with front_of(bench) as front:
        for target, method in (("/all.rss", "GET"), ("/nothing", "GET"), ("/all.rss", "POST")):
            reply = front.get(target, method)
            assert reply.status == 503
            assert int(reply.fields["retry-after"]) > 0
            assert reply.fields["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status"),
    [(VanishedError("gone"), 404), (CatalogError("locked"), 503), (RuntimeError("bug"), 503)],
)
def test_a_document_that_cannot_be_built_affects_no_other(front, capsys, error, status):
    front.get("/all.atom")

    def broken(*_: Any) -> Any:
        raise error

    front.reader.build = broken
    reply = front.get("/all.rss")
    logged = capsys.readouterr().err

    assert reply.status == status
    assert str(error) not in reply.body.decode()
    assert ("retry-after" in reply.fields) == (status == 503)
    assert ("all.rss" in logged) == isinstance(error, RuntimeError)
    assert front.get("/all.atom").status == 200


def test_the_logged_line_of_an_error_is_short(tmp_path, capsys):
    bench = bench_on_disk(tmp_path / "stories", feeds__stories="yes")
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench) as front:
        front.reader.on_demand = lambda *_: 1 / 0
        assert front.get(f"/stories/%0a{'x' * 9_000}.rss").status == 503

    logged = capsys.readouterr().err
    assert logged.startswith("feedhub: cannot serve '/stories/\\nxxx")
    assert len(logged) < 400


def test_an_error_is_counted(front):
    front.reader.build = lambda *_: 1 / 0
    front.get("/all.rss")

    assert front.metrics.registry.get_sample_value("feedhub_errors_total") == 1


def test_other_asgi_scopes_are_passed_on(front):
    seen: list[str] = []

    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    app: Any = Documents(front.builder, fallback)
    asyncio.run(app({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


LINE = re.compile(r'(\S+) - - \[.*?\] "(\S+) (\S+) HTTP/1\.1" (\d+) (\d+) "(.*)" "(.*)"')


def test_each_response_is_one_line_of_the_log_and_one_count(front):
    size = len(front.get("/all.rss?x=1", user_agent="reader", referer="r").body)
    front.get("/all.rss", "HEAD")
    front.get("/nothing")
    front.get("/all.rss", "POST")
    front.refresh()
    lines = [
        match.groups() for match in map(LINE.fullmatch, front.log.getvalue().split("\n")) if match
    ]

    assert lines[0] == ("192.0.2.7", "GET", "/all.rss?x=1", "200", str(size), "r", "reader")
    assert [(method, status) for _, method, _, status, *_ in lines[1:]] == [
        ("HEAD", "200"),
        ("GET", "404"),
        ("POST", "405"),
    ]
    assert lines[1][4] == "0"
    count = front.metrics.registry.get_sample_value
    assert count("feedhub_requests_total", {"format": "rss", "status": "200"}) == 2
    assert count("feedhub_requests_total", {"format": "none", "status": "404"}) == 1


@pytest.mark.parametrize("client", [None, ("", 0)])
def test_a_client_without_an_address_is_logged_as_unix(front, client):
    scope = scope_of("/all.rss", host="x") | {"client": client}
    front.runner.run(call_app(front.app, scope))
    front.refresh()

    assert front.log.getvalue().startswith("unix: - - [")


QUERIES = [
    "q=a%0d%0aX: y",
    'q="\r\n192.0.2.1 - - [x] "GET /admin HTTP/1.1" 200 1 "-" "-',
    "since=\x1b[2J\x00\xff",
    "limit=1%22",
    "q=" + "\\x0A" * 900,
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["/search.rss", "/all.rss", "/search", "/none"])
def test_a_query_cannot_break_out_of_its_field(tmp_path, path, query):
    bench = bench_on_disk(tmp_path / "searched", feeds__search="yes")
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench) as front:
        reply = front.get(f"{path}?{query}")
        front.refresh()
        (line,) = front.log.getvalue().splitlines()

    assert re.fullmatch(
        r'192\.0\.2\.7 - - \[[^]]*\] "GET /[^"]* HTTP/1\.1" [0-9]{3} [0-9]+ "-" "-"', line
    )
    assert line.isascii()
    assert line.isprintable()
    assert not re.search(r"[\r\n]|X: y", " ".join(reply.fields.values()))
