"""The HTTP client: where it goes, how far it follows, how much it reads, what it never sends."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import brotli
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.errors import ConfigError
from feedhub.http_client import (
    MAX_BODY_BYTES,
    ForbiddenAddressError,
    HttpClient,
    HttpError,
    PrivateAddressError,
    RedirectError,
    Reply,
    is_public,
    make_decoder,
    parse_retry_after,
    public_address,
)
from tests.hubs import response
from tests.raw_server import RawServer, Resolver, raw_server, reply

PUBLIC = "93.184.216.34"
ONE, TWO = "127.0.0.1", "127.0.0.2"  # of this machine; each test says which may be connected to


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as running:
        yield running


def send(method: str, url: str, *, allowed: Any = lambda _: True, **options: Any) -> Reply:
    """Send one request; every IP address is allowed unless the test says otherwise."""
    settings = {
        name: options.pop(name) for name in ("timeout", "transport", "pause") if name in options
    }

    async def run() -> Reply:
        async with HttpClient(allowed=allowed, **settings) as client:
            return await client.request(method, url, **options)

    return asyncio.run(run())


class Redirects:
    """A transport that redirects to one address after the other, and records what it gets."""

    def __init__(self, status: int, *locations: str) -> None:
        self._status = status
        self._locations = list(locations)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._locations:
            return response(self._status, location=self._locations.pop(0))
        return response(204)

    def send(self, method: str, url: str, **options: Any) -> Reply:
        return send(method, url, transport=httpx.MockTransport(self), **options)


# Addresses


PRIVATE = [
    *("0.0.0.1", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.8.9.1", "169.254.169.254"),
    *("172.16.0.1", "192.0.2.1", "192.168.0.1", "192.168.1.1", "198.18.0.1", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2001:0:1:1::8000:1", "2001:db8::1", "fc00::1"),
    *("fe80::1", "fec0::1", "ff02::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_public(address: str):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *(PUBLIC, "93.184.215.14", "1.1.1.1", "2606:4700::1111", "2606:2800:21f::1"),
        *("::ffff:93.184.215.14", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"),
    ],
)
def test_an_address_of_the_internet_is_public(address: str):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_an_ipv6_address_is_judged_alike(address):
    for form in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert is_public(form) == is_public(str(address))


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What host names stand for: host -> addresses."""
    known = {"public.example": [PUBLIC], "other.example": [PUBLIC]}

    async def getaddrinfo(_self: object, host: str, port: int, **_: object) -> list[Any]:
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return known


def test_a_host_is_public_if_all_its_addresses_are(names):
    names |= {"half.example": [PUBLIC, "10.0.0.1"], "two.example": [PUBLIC, "1.1.1.1"]}
    assert asyncio.run(public_address("two.example", 443, is_public)) == PUBLIC
    with pytest.raises(PrivateAddressError, match=r"half\.example is not a public address"):
        asyncio.run(public_address("half.example", 443, is_public))
    with pytest.raises(OSError, match="not known"):
        asyncio.run(public_address("none.example", 443, is_public))


def test_a_private_address_is_refused_at_the_first_request_and_at_every_redirect(names):
    names |= {"private.example": ["10.0.0.1"]}
    for public_hops in range(4):
        locations = ["https://other.example/"] * public_hops + ["https://private.example/"]
        first, *others = locations
        redirects = Redirects(307, *others)
        with pytest.raises(PrivateAddressError, match=r"private\.example is not a public address"):
            redirects.send("GET", first, allowed=is_public)
        assert len(redirects.requests) == public_hops
        assert {request.url.host for request in redirects.requests} <= {PUBLIC}


def test_an_address_that_the_operator_configured_may_be_private_but_not_what_it_redirects_to():
    redirects = Redirects(307)
    private = "http://127.0.0.1:25/"
    assert redirects.send("GET", private, allowed=is_public, trusted=True).status == 204
    redirects = Redirects(307, "http://127.0.0.1:8080/")
    with pytest.raises(PrivateAddressError):
        redirects.send("GET", private, allowed=is_public, trusted=True)
    assert len(redirects.requests) == 1


def test_the_connection_goes_to_the_address_that_was_checked(server, monkeypatch):
    """The name server says something else when it is asked a second time."""
    resolver = Resolver([ONE], [TWO])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    server.replies["/a.png"] = reply(body=b"it")
    allowed = [ONE]
    got = send("GET", server.url(host="a.example"), allowed=lambda address: address in allowed)
    assert got.body == b"it"
    assert resolver.names == ["a.example"]
    assert server.requests[0][1]["host"] == f"a.example:{server.port}"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://public.example/", "is not an http or https address"),
        ("file:///etc/passwd", "is not an http or https address"),
        ("https:///", "is not an http or https address"),
        ("http://user@public.example/", "contains a user name or a password"),
        ("http://user:word@public.example/", "contains a user name or a password"),
        ("http://public.example:25/", "uses port 25, which is not one of the web"),
        ("http://public.example:1023/", "uses port 1023, which is not one of the web"),
        ("http://public.example:0/", "uses port 0, which is not one of the web"),
        ("http://public.example:65616/", "uses port 65616, which is not one of the web"),
    ],
)
def test_some_addresses_are_refused_at_first_and_as_a_redirect(names, url, reason):
    redirects = Redirects(302)
    with pytest.raises(ForbiddenAddressError, match=f"^{reason}$"):
        redirects.send("GET", url)
    assert redirects.requests == []
    for trusted in (False, True):
        redirects = Redirects(302, url)
        with pytest.raises(HttpError):
            redirects.send("GET", "http://public.example/", trusted=trusted)
        assert len(redirects.requests) == 1


@pytest.mark.parametrize("port", [80, 443, 1024, 8080, 65_535])
def test_these_ports_are_of_the_web(names, port):
    assert Redirects(302).send("GET", f"http://public.example:{port}/").status == 204


# Redirects


def test_no_redirect_leads_from_https_to_http(names):
    redirects = Redirects(302, "http://other.example/")
    with pytest.raises(RedirectError, match=r"^redirects from https to http$"):
        redirects.send("GET", "https://public.example/")
    assert len(redirects.requests) == 1
    redirects = Redirects(302, "https://other.example/", "https://public.example/")
    assert redirects.send("GET", "http://public.example/").url == "https://public.example/"


def test_redirects_have_a_limit(names):
    for limit in (1, 3, 5):
        redirects = Redirects(302, *["https://other.example/"] * limit)
        assert redirects.send("GET", "https://public.example/", max_redirects=limit).status == 204
        redirects = Redirects(302, *["https://other.example/"] * 10)
        with pytest.raises(RedirectError, match=f"^redirects more than {limit} times$"):
            redirects.send("GET", "https://public.example/", max_redirects=limit)
        assert len(redirects.requests) == limit + 1


def test_without_redirects_the_first_response_is_returned(names):
    redirects = Redirects(302, "https://other.example/")
    got = redirects.send("GET", "https://public.example/", max_redirects=0)
    assert (got.status, got.url) == (302, "https://public.example/")


def test_a_see_other_is_followed_only_where_the_method_stays(names):
    for method, status in (("GET", 204), ("HEAD", 204), ("POST", 303)):
        redirects = Redirects(303, "https://other.example/")
        assert redirects.send(method, "https://public.example/").status == status
        assert {request.method for request in redirects.requests} == {method}


def test_a_redirect_sends_the_same_request_to_the_other_host(names):
    redirects = Redirects(308, "https://other.example:8443/new?x=1#part")
    redirects.send("POST", "https://public.example/", content=b"words", headers={"x-own": "1"})
    first, second = redirects.requests
    assert (second.method, second.content, second.headers["x-own"]) == ("POST", b"words", "1")
    assert (first.headers["host"], second.headers["host"]) == (
        "public.example",
        "other.example:8443",
    )
    assert str(second.url).startswith(f"https://{PUBLIC}:8443/new?x=1")
    assert first.extensions["sni_hostname"] == "public.example"
    assert second.extensions["sni_hostname"] == "other.example"


# What is sent


@pytest.mark.parametrize("trusted", [False, True])
def test_no_cookie_is_sent_to_the_server_that_set_it(server: RawServer, trusted):
    server.replies |= {
        "/a.png": reply("302 Found", Location="/b.png", Set_Cookie="reader=7; Path=/"),
        "/b.png": reply(body=b"it", Set_Cookie="reader=8; Path=/"),
    }

    async def run() -> None:
        async with HttpClient(allowed=lambda _: True) as client:
            for _ in range(2):
                await client.request("GET", server.url(), trusted=trusted)

    asyncio.run(run())
    assert len(server.requests) == 4
    assert ["cookie" in fields for _, fields in server.requests] == [False] * 4
    assert server.connections == 1


def test_two_names_at_one_address_share_no_connection(server, monkeypatch):
    """The certificate of the first would stand for the second."""
    monkeypatch.setattr(socket, "getaddrinfo", Resolver([ONE]))
    server.replies["/a.png"] = reply("302 Found", Location=server.url("/b", host="b.example"))
    assert send("GET", server.url(host="a.example")).status == 404
    assert server.connections == 2


def test_the_proxies_of_the_environment_are_used_only_on_request(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async def run(use_proxies: bool) -> Reply:
        async with HttpClient(allowed=lambda _: True, use_proxies=use_proxies) as client:
            return await client.request("GET", "http://hub.invalid/", trusted=True)

    with pytest.raises(HttpError, match=r"not known|resolution|No address"):
        asyncio.run(run(use_proxies=False))
    assert server.requests == []
    assert asyncio.run(run(use_proxies=True)).status == 404
    assert server.lines() == ["GET http://hub.invalid/"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "ftp://proxy.example"),
        ("ALL_PROXY", "socks5://127.0.0.1:1"),
        ("SSL_CERT_FILE", "/nowhere"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_an_environment_that_cannot_be_used_is_an_error_of_one_line(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"^one of .*HTTPS_PROXY.* cannot be used: \S"):
        HttpClient(use_proxies=True)


# Time and size


def test_a_server_that_never_replies_is_left_in_time(server: RawServer):
    over = threading.Event()

    def hang(_: socket.socket) -> None:
        over.wait(30)

    server.replies["/a.png"] = hang
    start = time.monotonic()
    with pytest.raises(HttpError, match=r"^no answer within 0\.2 seconds$"):
        send("GET", server.url(), timeout=0.2)
    over.set()
    assert time.monotonic() - start < 5


def test_the_time_is_for_all_redirects_together(server: RawServer):
    def slow(connection: socket.socket) -> None:
        time.sleep(0.15)
        connection.sendall(reply("302 Found", Location="/a.png", Connection="close"))

    server.replies["/a.png"] = slow
    with pytest.raises(HttpError, match=r"^no answer within 0\.4 seconds$"):
        send("GET", server.url(), timeout=0.4, max_redirects=20)
    assert len(server.requests) <= 4


def drip(connection: socket.socket) -> None:
    """Send a body byte by byte, for ever."""
    connection.sendall(reply(Content_Length=10**9))
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def test_a_slow_body_ends_with_the_request_or_without_it(server: RawServer):
    server.replies["/a.png"] = drip
    with pytest.raises(HttpError, match="no answer within"):
        send("GET", server.url(), timeout=0.3)
    got = send("GET", server.url(), timeout=30, body_timeout=0.2)
    assert (got.status, got.complete) == (200, False)
    assert 0 < len(got.body) < 1000


def test_a_body_that_breaks_off_is_an_error_unless_only_the_status_counts(server: RawServer):
    def broken(connection: socket.socket) -> None:
        connection.sendall(reply(Content_Length=100) + b"half")

    server.replies["/a.png"] = broken
    with pytest.raises(HttpError):
        send("GET", server.url())
    got = send("GET", server.url(), body_timeout=30)
    assert (got.status, got.body, got.complete) == (200, b"half", False)


def test_a_body_is_read_up_to_a_limit(server: RawServer):
    server.replies["/a.png"] = reply(body=b"x" * 300_000)
    got = send("GET", server.url())
    assert (len(got.body), got.complete) == (MAX_BODY_BYTES, False)
    got = send("GET", server.url(), max_body=300_001)
    assert (len(got.body), got.complete) == (300_000, True)


def test_a_body_is_read_until_it_is_enough(server: RawServer):
    server.replies["/a.png"] = reply(body=b"x" * 300_000)
    sizes: list[int] = []

    def enough(got: Reply) -> bool:
        sizes.append(len(got.body))
        return len(got.body) > 70_000

    got = send("GET", server.url(), max_body=300_000, enough=enough)
    assert len(got.body) < 300_000
    assert not got.complete
    assert sizes[0] == 0
    assert all(after >= 2 * before for before, after in pairwise(sizes))
    assert send("GET", server.url(), enough=lambda _: True).body == b""


def test_a_header_without_end_is_an_error(server: RawServer):
    server.replies["/a.png"] = lambda connection: connection.sendall(
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000
    )
    with pytest.raises(HttpError, match=r"\S"):
        send("GET", server.url())


# Content codings


def deflate(body: bytes) -> bytes:
    return zlib.compress(body)


CODINGS = [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", deflate)]
CODINGS += [("br", brotli.compress)]


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_a_compressed_body_is_decoded(server: RawServer, coding, encode):
    body = bytes(range(256)) * 200
    server.replies["/a.png"] = reply(body=encode(body), Content_Encoding=coding.upper())
    got = send("GET", server.url())
    assert (got.body, got.complete, got.coding) == (body, True, coding)


@given(st.binary(max_size=2000), st.integers(1, 50), st.sampled_from(CODINGS))
def test_a_compressed_body_is_decoded_however_it_is_cut(body, size, coding):
    name, encode = coding
    packed, decode = encode(body * 50), make_decoder(name)
    chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert b"".join(piece for chunk in chunks for piece in decode(chunk)) == body * 50


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_a_small_body_that_stands_for_a_large_one_fills_no_memory(coding, encode):
    bomb = encode(b"\0" * 64_000_000)
    transport = httpx.MockTransport(lambda _: response(200, bomb, content_encoding=coding))
    tracemalloc.start()
    try:
        got = send("GET", "https://a.example/", trusted=True, transport=transport)
        assert (len(got.body), got.complete) == (MAX_BODY_BYTES, False)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000 + len(bomb)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_body_that_cannot_be_decoded_ends_there(server: RawServer, coding):
    server.replies["/a.png"] = reply(body=b"\xffplain words" * 10, Content_Encoding=coding)
    got = send("GET", server.url())
    assert (got.status, got.body, got.complete) == (200, b"", False)


def test_identity_is_no_coding(server: RawServer):
    server.replies["/a.png"] = reply(body=b"words", Content_Encoding=" Identity")
    got = send("GET", server.url())
    assert (got.coding, got.body) == ("", b"words")


# Retry-After


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "٣", "Fri, 31 Feb 2020 00:00:00 GMT"])
def test_a_wait_that_makes_no_sense_is_none(text):
    assert parse_retry_after(text) == 0


def test_a_wait_may_be_a_date():
    assert 50 < parse_retry_after(formatdate(time.time() + 60, usegmt=True)) <= 60
    assert parse_retry_after(formatdate(0, usegmt=True)) == 0
    assert parse_retry_after("9" * 5_000) == 999_999_999
