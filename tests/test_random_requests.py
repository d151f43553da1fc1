"""Whatever is sent to a server, it answers properly or hangs up, repeats nothing, and lives on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.http_table import DIRECT, DOCUMENTS, SMALL, F, write_articles
from tests.servers import ClosedError, Response, Server, exchange, request, serve

CANARY = b"qZ7canary"
# The names that an answer of ours may have, whatever was asked.
KNOWN = {
    "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-expose-headers", "access-control-max-age", "allow", "cache-control",
    "connection", "content-encoding", "content-length", "content-security-policy", "content-type",
    "cross-origin-resource-policy", "date", "etag", "last-modified", "link", "location",
    "referrer-policy", "retry-after", "vary", "x-content-type-options",
}  # fmt: skip
PIECES = [
    *(name.encode() for name in DOCUMENTS),
    *b"/ // . .. \\ * ? # ; @ : % & = ~ all topics computer-vision providers archive".split(),
    *b".rss .atom .json .opml .html .gz /feed /rss.xml /atom.xml /2020-06 /2020-13 -atom".split(),
    *b"%00 %0d%0aX-Injected:%201 %2e%2e %2f %5c %252e %c0%ae %ff%fe %zz %E2%80%AE %u0041".split(),
    b"http://evil.example", b"//evil.example/", b"\x00", b"\xff", b"\x1b[31m", b"caf\xc3\xa9",
    b"/" * 40, b"{long path}", CANARY,
]  # fmt: skip
FIELDS = [
    *b"If-None-Match If-Match If-Modified-Since If-Unmodified-Since If-Range Range".split(),
    *b"Accept Accept-Encoding Accept-Language A-IM User-Agent Origin Referer Cookie".split(),
    *b"Host Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto Via TE Trailer".split(),
    *b"Authorization Expect Upgrade Connection Access-Control-Request-Method X-Canary".split(),
    *b"X-HTTP-Method-Override Cache-Control Pragma Max-Forwards Sec-WebSocket-Key".split(),
]
VALUES = [
    b"*", b'""', b'"', b'W/"', b'W/"x", "y"', b",,,", b"gzip", b"br;q=0", b"gzip;q=9", b"*;q=0.01",
    b"feed", b"bytes=0-1", b"bytes=9-1", b"close", b"keep-alive", b"websocket", b"100-continue",
    b"Wed, 01 Jan 2098 00:00:00 GMT", b"Wed, 99 Foo 2098", b"99999999999999999999", b"-1", b"{E}",
    b"evil.example", b"{long value}", b"{long list}", b"\xff\xfe", b"caf\xe9", CANARY,
]  # fmt: skip
# What is long stands in an example by its name, so that a failing one can be read.
LONG = {
    b"{long path}": b"a" * 9_000,
    b"{long value}": b"a" * 20_000,
    b"{long list}": b'"x",' * 3_000,
}


class Subject:
    """A server under fire, and what its documents were before."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.before = documents(server)
        self.bodies: dict[str, bytes] = {}

    def fire(self, raw: bytes) -> Response | None:
        """Send the bytes and judge the answer; None where the server hung up."""
        for name, text in {b"{E}": self.before[F]["etag"].encode(), **LONG}.items():
            raw = raw.replace(name, text)
        try:
            answer = exchange(self.server.address, raw)
        except ClosedError:
            return None
        self.judge(raw, answer)
        return answer

    def judge(self, raw: bytes, answer: Response) -> None:
        """Check all that holds for any answer."""
        names = [name for name, _ in answer.headers]
        told = repr((answer.reason, answer.headers, answer.body)).encode()
        assert answer.status < 500 or answer.status in {501, 505}, answer
        assert set(names) <= KNOWN
        assert len(set(names)) == len(names)
        assert CANARY not in told
        assert b"evil.example" not in told
        if answer.status not in {200, 226}:
            assert len(answer.body) <= SMALL
        elif not raw.lstrip().startswith(b"HEAD"):
            # One tag, one body: whatever else was asked.
            assert self.bodies.setdefault(answer["etag"], answer.body) == answer.body


@pytest.fixture(scope="module", params=DIRECT)
def subject(request, tmp_path_factory) -> Iterator[Subject]:
    folder = tmp_path_factory.mktemp("random")
    articles = write_articles(folder / "articles")
    with serve(folder, articles, toml=f'[http]\nparser = "{request.param}"\n') as server:
        subject = Subject(server)
        yield subject
        after = documents(server)
        for target, before in subject.before.items():
            assert (after[target].status, after[target].body) == (200, before.body)
        assert "Traceback" not in server.stderr()


def documents(server: Server) -> dict[str, Response]:
    """Ask for every document."""
    return {target: request(server, "GET", target) for target in DOCUMENTS}


tokens = st.text("abcXYZ019-_.!~", min_size=1, max_size=12).map(str.encode)
known_methods = st.sampled_from(
    b"GET HEAD OPTIONS POST PUT DELETE PATCH TRACE CONNECT PROPFIND get FOO".split()
)
methods = known_methods | tokens | st.binary(max_size=8)
targets = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=6).map(b"".join)
paths = targets.map(lambda target: b"/" + target.replace(b" ", b"").replace(b"\n", b""))
values = st.lists(st.sampled_from(VALUES) | st.binary(max_size=12), max_size=3).map(b"".join)
lines = st.lists(st.tuples(st.sampled_from(FIELDS) | tokens, values), max_size=6)
versions = st.sampled_from([b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b""])
ends = st.sampled_from([b"\r\n"] * 9 + [b"\n"])


def clean(value: bytes) -> bytes:
    """Return a value that stays within its line, so that the request is one request."""
    return value.translate(None, b"\r\n\0")


@given(paths, st.sampled_from([b"GET", b"HEAD", b"OPTIONS", b"POST"]))
def test_any_target_gets_a_proper_answer(subject, target, method):
    subject.fire(b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (method, target))


@given(lines, st.sampled_from([F, *DOCUMENTS]), st.sampled_from([b"GET", b"HEAD"]))
def test_a_document_is_found_with_any_header_fields(subject, fields, target, method):
    raw = b"%s %s HTTP/1.1\r\nHost: x\r\n" % (method, target.encode())
    raw += b"".join(b"%s: %s\r\n" % (name, clean(value)) for name, value in fields)
    answer = subject.fire(raw + b"\r\n")
    assert answer is None or answer.status in {200, 226, 304, 400, 412, 413, 417, 431}


@given(methods, st.sampled_from(list(DOCUMENTS)))
def test_a_document_can_be_read_only(subject, method, target):
    assume(not set(method) & set(b" \r\n"))
    raw = b"%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % (method, target.encode())
    answer = subject.fire(raw)
    wanted = {b"GET": {200}, b"HEAD": {200}, b"OPTIONS": {204}}.get(method, {400, 405, 501})
    assert answer is None or answer.status in wanted


@given(methods, targets, versions, lines, ends)
def test_any_request_gets_a_proper_answer(subject, method, target, version, fields, end):
    raw = b"%s %s %s%s" % (method, target, version, end)
    raw += b"".join(b"%s: %s%s" % (name, value, end) for name, value in fields)
    subject.fire(raw + end + b"\r\n\r\n")


@given(st.lists(st.binary(max_size=60) | paths | values, max_size=8).map(b"\r\n".join))
def test_any_bytes_get_a_proper_answer(subject, raw):
    assume(raw.strip(b"\r\n"))  # empty lines are no request yet (RFC 9112, 2.2)
    subject.fire(raw + b"\r\n\r\n\r\n")


@given(values.map(clean), st.sampled_from(["Host", "X-Forwarded-Host", "Forwarded", "X-Host"]))
def test_no_document_depends_on_what_the_client_calls_the_host(subject, value, name):
    for target, before in subject.before.items():
        host = [] if name == "Host" else [b"Host: x"]
        head = [b"GET %s HTTP/1.1" % target.encode(), *host, b"%s: %s" % (name.encode(), value)]
        answer = subject.fire(b"\r\n".join([*head, b"Connection: close", b"", b""]))
        if answer is not None and answer.status != 400:
            assert (answer.status, answer.body) == (200, before.body)
            assert answer["link"] == before["link"]
