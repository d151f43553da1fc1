"""The look-up of one image: what is read from replies of every kind, and which are refused."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import subprocess
import time
import tracemalloc
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.catalog.images import ImageFacts
from feedhub.http_client import MAX_BODY_BYTES, HttpClient, is_public
from feedhub.probe.image_header import ImageHeader, is_page, needs_no_more, read_image_header
from feedhub.probe.lookup import MEDIA, LookupResult, look_up
from feedhub.probe.media_header import media_type_of
from tests.images import (
    AVIF,
    GIF,
    ROTATED_JPEG,
    SVG,
    WEBP,
    box,
    boxes,
    jpeg,
    png,
)
from tests.raw_server import RawServer, Resolver, raw_server, reply

PNG = png()
HEIC = AVIF.replace(b"avif", b"mif1")
BMP = struct.pack("<2sIIIIii", b"BM", 26, 0, 26, 40, 40, -30)
TIFF = struct.pack("<4sIHHHIIHHIII", b"II*\0", 8, 2, 256, 3, 1, 40, 257, 3, 1, 30, 0)
KNOWN = LookupResult("known", ImageFacts("image/png", len(PNG), 40, 30))


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server of images on this machine."""
    with raw_server() as running:
        yield running


def run_lookup(url: str, *, sized: bool = True, **options: Any) -> LookupResult:
    """Look up one image; every IP address is allowed, unlike in the command."""
    settings: dict[str, Any] = {"allowed": lambda _: True, "pause": 0, "timeout": 30} | options

    async def run() -> LookupResult:
        async with HttpClient("feedhub/0 (+https://feeds.example.org/)", **settings) as client:
            return await look_up(client, url, sized=sized)

    return asyncio.run(run())


def partial(start: bytes, total: object, **fields: object) -> bytes:
    """Return a response to a request for a range."""
    span = f"bytes 0-{len(start) - 1}/{total}"
    return reply("206 Partial Content", start, Content_Range=span, **fields)


# Good servers


def test_head_and_the_first_bytes_are_requested(server: RawServer):
    server.replies["/a.png"] = reply(body=PNG, Content_Type="image/png")
    assert run_lookup(server.url()) == KNOWN
    assert server.lines() == ["HEAD /a.png", "GET /a.png"]
    for _, fields in server.requests:
        assert fields["user-agent"] == "feedhub/0 (+https://feeds.example.org/)"
        assert fields["accept-encoding"] == "identity"
        assert fields["host"] == f"127.0.0.1:{server.port}"
        assert "cookie" not in fields
    assert server.requests[1][1]["range"] == f"bytes=0-{MAX_BODY_BYTES - 1}"


def test_head_is_enough_if_the_size_is_not_wanted(server: RawServer):
    server.replies["HEAD /a.png"] = reply(Content_Type="image/PNG; x=y", Content_Length=1234)
    assert run_lookup(server.url(), sized=False) == LookupResult(
        "known", ImageFacts("image/png", 1234)
    )
    assert server.lines() == ["HEAD /a.png"]


def test_no_cookie_is_sent_back(server: RawServer):
    server.replies["/a.png"] = reply(body=PNG, Set_Cookie="reader=7; Path=/")
    assert run_lookup(server.url()) == KNOWN
    assert ["cookie" in fields for _, fields in server.requests] == [False, False]


def test_one_connection_is_enough_for_one_origin(server: RawServer):
    assert run_lookup(server.url()).state == "gone"
    assert (len(server.requests), server.connections) == (2, 1)


def test_few_connections_stay_open(server: RawServer, monkeypatch):
    """A process may open only so many files, and a run may request from thousands of hosts."""
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.1"]))

    async def run() -> None:
        async with HttpClient("feedhub/0", allowed=lambda _: True, pause=0) as client:
            for number in range(40):
                await look_up(client, server.url(host=f"{number}.example"), sized=True)
            async with asyncio.timeout(30):
                while len(server.open) > 16:
                    await asyncio.sleep(0.01)

    asyncio.run(run())
    assert server.connections == 40


def test_a_wrong_name_of_a_type_is_corrected(server: RawServer):
    server.replies["HEAD /a.png"] = reply(Content_Type="image/jpg", Content_Length=1234)
    assert run_lookup(server.url(), sized=False).facts == ImageFacts("image/jpeg", 1234)


def test_the_length_is_that_of_the_content_range(server: RawServer):
    server.replies["/a.png"] = partial(PNG[:50], 52_301, Content_Type="image/png")
    assert run_lookup(server.url()).facts == ImageFacts("image/png", 52_301, 40, 30)


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (PNG, ImageHeader("image/png", 40, 30)),
        (jpeg(), ImageHeader("image/jpeg", 40, 30)),
        (ROTATED_JPEG, ImageHeader("image/jpeg", 30, 40)),
        (GIF, ImageHeader("image/gif", 40, 30)),
        (WEBP, ImageHeader("image/webp", 40, 30)),
        (AVIF, ImageHeader("image/avif", 40, 30)),
        (AVIF.replace(b"ftypavif", b"ftypmif1"), ImageHeader("image/avif", 40, 30)),
        (HEIC, ImageHeader("image/heic", 40, 30)),
        (BMP, ImageHeader("image/bmp", 40, 30)),
        (TIFF, ImageHeader("image/tiff", 40, 30)),
        (SVG, ImageHeader("image/svg+xml")),
        (b"<svg>", ImageHeader("image/svg+xml")),
        (b"\xff\x0a\x00", ImageHeader("image/jxl")),
        (b"\xff\xd8\xff\xe0", ImageHeader("image/jpeg")),
        (b"<!-- a --><!-- <svg> --><p>", ImageHeader()),
        (b"nothing", ImageHeader()),
        (b"", ImageHeader()),
    ],
)
def test_type_and_size_are_read_from_the_bytes(body: bytes, header: ImageHeader):
    assert read_image_header(body) == header


def test_a_size_out_of_range_is_unknown():
    assert read_image_header(png(0, 30)) == ImageHeader("image/png")
    much = (2_000_000).to_bytes(4, "big")
    for broken in (PNG[:16] + much + PNG[20:], PNG[:20] + much + PNG[24:]):
        assert read_image_header(broken) == ImageHeader("image/png")


@pytest.mark.parametrize(
    ("angle", "size"), [(0, (40, 30)), (1, (30, 40)), (2, (40, 30)), (3, (30, 40))]
)
def test_an_image_in_boxes_is_rotated(angle: int, size: tuple[int, int]):
    ispe = box(b"ispe", struct.pack(">III", 0, 40, 30))
    turned = boxes(box(b"iprp", box(b"ipco", ispe + box(b"irot", bytes([angle])))))
    assert read_image_header(turned) == ImageHeader("image/avif", *size)


def test_boxes_cannot_make_it_fill_memory():
    """Each of these items says that it has 65,535 extents of no length."""
    items = b"".join(struct.pack(">HHH", number, 0, 65_535) for number in range(10))
    bomb = boxes(box(b"iloc", bytes(6) + struct.pack(">H", 10) + items))
    tracemalloc.start()
    try:
        assert read_image_header(bomb) == ImageHeader("image/avif")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_comments_without_end_cost_no_time():
    assert read_image_header(b"<!---->" * 9_000 + b"<p>") == ImageHeader()


@given(st.sampled_from([PNG, GIF, WEBP, AVIF, HEIC, BMP, TIFF, ROTATED_JPEG, SVG]), st.data())
def test_no_bytes_can_make_it_fail(body: bytes, data: st.DataObject):
    cut = data.draw(st.integers(0, len(body)))
    broken = body[:cut] + data.draw(st.binary(max_size=64))
    media_type, width, height = read_image_header(broken)
    assert (width is None) == (height is None)
    assert width is None or media_type
    assert needs_no_more(broken) in (True, False)
    assert is_page(broken) in (True, False)


# Bad servers


def test_a_page_is_read_no_further_than_it_shows():
    assert needs_no_more(b"<!doctype html>")
    assert not needs_no_more(b"<")


def test_the_header_of_an_error_says_nothing_of_the_image(server: RawServer):
    """Some servers answer 404 with an image of their own."""
    server.replies["/a.png"] = reply("404 Not Found", PNG, Content_Type="image/png")
    assert run_lookup(server.url(), sized=False).state == "gone"


@pytest.mark.parametrize("status", ["405 Method Not Allowed", "403 Forbidden", "500 No", "501 No"])
def test_get_follows_where_head_is_refused(server: RawServer, status: str):
    server.replies |= {"HEAD /a.png": reply(status), "/a.png": reply(body=PNG)}
    assert run_lookup(server.url()) == KNOWN
    assert run_lookup(server.url(), sized=False).facts.length == len(PNG)


@pytest.mark.parametrize(
    "lie",
    [
        reply(Content_Type="text/html", Content_Length=7),
        reply(Content_Type="image/gif", Content_Length=7),
        reply(Content_Type="image/png", Content_Length=0),
        reply(Content_Type="image/png", Content_Length="many"),
        reply(Content_Length=None),
    ],
)
def test_the_bytes_win_over_the_header_of_head(server: RawServer, lie: bytes):
    server.replies |= {"HEAD /a.png": lie, "/a.png": reply(body=PNG, Content_Type="text/plain")}
    assert run_lookup(server.url()) == KNOWN


def test_the_length_is_that_of_head_if_get_has_none(server: RawServer):
    server.replies["HEAD /a.png"] = reply(Content_Type="image/png", Content_Length=9_999)
    server.replies["/a.png"] = partial(PNG, "*")
    assert run_lookup(server.url()).facts == ImageFacts("image/png", 9_999, 40, 30)
    server.replies["/a.png"] = reply("206 Partial Content", PNG)
    assert run_lookup(server.url()).facts.length == 9_999


def test_a_length_below_the_bytes_received_is_unknown(server: RawServer):
    server.replies["/a.png"] = partial(PNG, 3)
    assert run_lookup(server.url()).facts == ImageFacts("image/png", None, 40, 30)


def test_the_length_of_a_chunked_reply_is_that_of_its_body(server: RawServer):
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (PNG[:20], PNG[20:]))
    head = reply(Content_Length=None, Transfer_Encoding="chunked", Content_Type="image/png")
    server.replies |= {"HEAD /a.png": reply(), "/a.png": head + chunks + b"0\r\n\r\n"}
    assert run_lookup(server.url()) == KNOWN


def test_the_length_of_endless_chunks_is_unknown(server: RawServer):
    def endless(connection: socket.socket) -> None:
        connection.sendall(reply(Content_Length=None, Transfer_Encoding="chunked"))
        connection.sendall(b"%x\r\n%b\r\n" % (len(PNG), PNG))
        while True:
            connection.sendall(b"400\r\n" + b"\0" * 1024 + b"\r\n")

    server.replies |= {"HEAD /a.png": reply("405 No"), "/a.png": endless}
    assert run_lookup(server.url()).facts == ImageFacts("image/png", None, 40, 30)


def test_a_server_that_ignores_the_range_is_not_read_to_its_end(server: RawServer):
    sent = 0

    def huge(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(reply(Content_Length=10**9, Content_Type="image/jpeg"))
        connection.sendall(jpeg()[:100])
        while True:
            sent += connection.send(b"\0" * 1024)

    server.replies |= {"HEAD /a.png": reply("405 No"), "/a.png": huge}
    assert run_lookup(server.url()).facts == ImageFacts("image/jpeg", 10**9)
    assert sent < 50_000_000, "what lay in the buffers between us"


def test_a_server_that_sends_too_slowly_is_a_failure(server: RawServer):
    def drip(connection: socket.socket) -> None:
        for byte in reply(body=PNG * 100):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    server.replies["/a.png"] = drip
    result = run_lookup(server.url(), timeout=0.5)
    assert result == LookupResult("failing", reason="no answer within 0.5 seconds")


def test_a_compressed_reply_has_type_and_size_but_no_length(server: RawServer):
    packed = gzip.compress(PNG)
    server.replies["/a.png"] = reply(body=packed, Content_Encoding="gzip")
    assert run_lookup(server.url()).facts == ImageFacts("image/png", None, 40, 30)
    server.replies["/a.png"] = reply(body=packed[:40], Content_Encoding="x-gzip")
    assert run_lookup(server.url()).facts.length is None
    fields = {"Content_Encoding": "br", "Content_Type": "image/png"}
    server.replies["/a.png"] = reply(body=b"\x0b\x02", **fields)
    assert run_lookup(server.url()).state == "none"


def test_a_compressed_reply_is_decoded_up_to_the_limit(server: RawServer):
    bomb = gzip.compress(PNG + b"\0" * 5_000_000)
    assert len(bomb) < MAX_BODY_BYTES
    server.replies["/a.png"] = reply(body=bomb, Content_Encoding="gzip")
    assert run_lookup(server.url()).facts == ImageFacts("image/png", None, 40, 30)


@pytest.mark.parametrize(
    "given_reply",
    [
        reply(body=b"<!doctype html><p>Not found", Content_Type="text/html"),
        reply(body=b"<!DOCTYPE HTML><p>Not found", Content_Type="image/jpeg"),
        reply(body=b' {"error": 1}', Content_Type="image/jpeg"),
        reply(body=b"words", Content_Type="text/plain"),
        reply(body=b"words", Content_Type="image/<script>"),
        reply(body=b"not gzip", Content_Encoding="gzip", Content_Type="image/png"),
        reply(body=b"", Content_Type="image/png"),
    ],
)
def test_a_reply_that_is_no_image(server: RawServer, given_reply: bytes):
    server.replies["/a.png"] = given_reply
    assert run_lookup(server.url()) == LookupResult("none", reason="is not an image")


def test_the_header_is_believed_for_an_unknown_format(server: RawServer):
    server.replies["/a.png"] = reply(body=b"\x00\x01new", Content_Type="image/x-new")
    assert run_lookup(server.url()).facts == ImageFacts("image/x-new", 5)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("404 Not Found", "gone"),
        ("410 Gone", "gone"),
        ("403 Forbidden", "gone"),
        ("416 Range Not Satisfiable", "gone"),
        ("304 Not Modified", "gone"),
        ("408 Request Timeout", "failing"),
        ("500 Internal Server Error", "failing"),
        ("429 Too Many Requests", "busy"),
        ("503 Service Unavailable", "busy"),
    ],
)
def test_the_state_follows_from_the_status(server: RawServer, status: str, state: str):
    server.replies["/a.png"] = reply(status)
    result = run_lookup(server.url())
    assert (result.state, result.reason) == (state, f"answers {status[:3]}")
    assert len(server.requests) == (1 if state == "busy" else 2)


def test_get_may_find_a_busy_server_after_head_did_not(server: RawServer):
    server.replies |= {"HEAD /a.png": reply(), "/a.png": reply("429 No", Retry_After="7")}
    assert run_lookup(server.url()) == LookupResult("busy", reason="answers 429", retry_after=7)


@pytest.mark.parametrize(
    ("retry_after", "low", "high"),
    [
        ("120", 120, 120),
        (formatdate(time.time() + 3600, usegmt=True), 1800, 3600),
        (formatdate(time.time() - 3600, usegmt=True), 0, 0),
        ("soon", 0, 0),
        ("-5", 0, 0),
        (None, 0, 0),
    ],
    ids=["seconds", "later", "earlier", "a word", "less than nothing", "none"],
)
def test_retry_after_of_a_busy_server(server: RawServer, retry_after: str | None, low, high):
    server.replies["/a.png"] = reply("503 Busy", Retry_After=retry_after)
    assert low <= run_lookup(server.url()).retry_after <= high


@pytest.mark.parametrize(
    "sent", [b"", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000]
)
def test_a_reply_that_is_no_http_is_a_failure(server: RawServer, sent: bytes):
    server.replies["/a.png"] = lambda connection: connection.sendall(sent)
    result = run_lookup(server.url())
    assert result.state == "failing"
    assert result.reason


def test_a_closed_port_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = run_lookup(f"http://127.0.0.1:{port}/a.png")
    assert result.state == "failing"


# Redirects and forbidden addresses


def test_get_goes_to_the_address_that_head_was_redirected_to(server: RawServer):
    moved = [f"{status} Moved" for status in (301, 302, 303, 307, 308)]
    for number, status in enumerate(moved):
        server.replies[f"/{number}"] = reply(status, Location=f"/{number + 1}")
    server.replies["/5"] = reply(body=PNG)
    assert run_lookup(server.url("/0")) == KNOWN
    assert server.lines() == [f"HEAD /{number}" for number in range(6)] + ["GET /5"]


def test_an_endless_redirect_is_no_image(server: RawServer):
    server.replies["/a.png"] = reply("302 Found", Location="/a.png")
    assert run_lookup(server.url()) == LookupResult("none", reason="redirects more than 5 times")
    assert len(server.requests) == 6


def test_a_redirect_without_location_is_no_image(server: RawServer):
    server.replies["/a.png"] = reply("302 Found")
    assert run_lookup(server.url()).state == "gone"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://a.example/a.png", "is not an http or https address"),
        ("file:///etc/passwd", "is not an http or https address"),
        ("data:image/png;base64,AAAA", "is not an http or https address"),
        ("mailto:somebody@a.example", "is not an http or https address"),
        ("http://user:word@127.0.0.1/a.png", "contains a user name or a password"),
        ("http://127.0.0.1:25/a.png", "uses port 25, which is not one of the web"),
        ("http://127.0.0.1:22/a.png", "uses port 22, which is not one of the web"),
    ],
)
def test_some_addresses_are_refused_at_first_and_as_a_redirect(
    server: RawServer, url: str, reason: str
):
    assert run_lookup(url) == LookupResult("none", reason=reason)
    server.replies["/a.png"] = reply("302 Found", Location=url)
    assert run_lookup(server.url()).state in ("none", "failing"), "httpx refuses some itself"
    assert set(server.lines()) <= {"HEAD /a.png", "GET /a.png"}


@pytest.mark.parametrize("location", ["//[", "http://[::1", "http://a:b/", "http://a\x01b/"])
def test_a_redirect_to_an_invalid_address_is_a_failure(server: RawServer, location: str):
    server.replies["/a.png"] = reply("302 Found", Location=location)
    assert run_lookup(server.url()).state == "failing"


def test_a_port_beyond_the_last_is_refused(server: RawServer):
    """The operating system takes such numbers modulo 65,536."""
    to = f"http://127.0.0.1:{server.port + 65_536}/b.png"
    server.replies |= {"/a.png": reply("302 Found", Location=to), "/b.png": reply(body=PNG)}
    assert run_lookup(server.url()) == LookupResult(
        "none", reason=f"uses port {server.port + 65_536}, which is not one of the web"
    )
    assert server.lines() == ["HEAD /a.png"]


@pytest.mark.parametrize("url", ["http://[::1", "http://a b/", "http://" + "a" * 300 + ".example/"])
def test_an_invalid_address_is_a_failure(url: str):
    assert run_lookup(url).state == "failing"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_this_machine_gets_no_request(server: RawServer, host: str):
    result = run_lookup(server.url(host=host), allowed=is_public)
    assert result.state in ("none", "failing")
    assert server.requests == []


def test_a_redirect_to_a_private_address_is_not_followed(server: RawServer):
    first = f"127.0.0.1:{server.port}"
    for host in ("localhost", "169.254.169.254", "[::1]"):
        server.replies["/a.png"] = reply("302 Found", Location=f"http://{host}:{server.port}/b")
        server.requests.clear()
        result = run_lookup(server.url(), allowed=AllowOnce("127.0.0.1"))
        assert (result.state, "public" in result.reason) == ("none", True), result
        assert [fields["host"] for _, fields in server.requests] == [first]


class AllowOnce:
    """Allows one IP address once, as if the first hop were public."""

    def __init__(self, address: str) -> None:
        self._left = {address}

    def __call__(self, address: str) -> bool:
        allowed = address in self._left
        self._left.discard(address)
        return allowed


def test_the_connection_goes_to_the_address_that_was_checked(server: RawServer, monkeypatch):
    resolver = Resolver(["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    server.replies["/a.png"] = reply(body=PNG)
    assert run_lookup(server.url(host="images.example")) == KNOWN
    assert resolver.names == ["images.example"] * 2, "once a request"
    assert server.requests[0][1]["host"] == f"images.example:{server.port}"


def test_a_name_that_turns_private_after_the_first_request_is_refused(server, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.1"], ["127.0.0.2"]))
    server.replies["/a.png"] = reply(body=PNG)
    url = server.url(host="images.example")
    result = run_lookup(url, allowed=lambda address: address == "127.0.0.1")
    assert result == LookupResult("none", reason="images.example is not a public address")
    assert server.lines() == ["HEAD /a.png"]


def test_a_name_with_one_private_address_among_others_is_refused(server, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["93.184.215.14", "10.0.0.1"]))
    result = run_lookup(server.url(host="images.example"), allowed=is_public)
    assert result == LookupResult("none", reason="images.example is not a public address")


def test_a_certificate_must_be_of_the_requested_name(tmp_path: Path, monkeypatch):
    subprocess.run(
        [*OPENSSL, str(tmp_path / "key"), "-out", str(tmp_path / "cert")],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    monkeypatch.setattr(socket, "getaddrinfo", Resolver(["127.0.0.1"]))
    with raw_server(certificate=(tmp_path / "cert", tmp_path / "key")) as server:
        server.replies["/a.png"] = reply(body=PNG)
        right, wrong = (server.url(host=f"{name}.example") for name in ("images", "other"))
        assert run_lookup(right.replace("http:", "https:")) == KNOWN
        result = run_lookup(wrong.replace("http:", "https:"))
        assert (result.state, "certificate" in result.reason) == ("failing", True), result
        assert {fields["host"] for _, fields in server.requests} == {
            f"images.example:{server.port}"
        }


OPENSSL = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    "-subj /CN=images.example -addext subjectAltName=DNS:images.example -keyout"
).split()


# Audio and video


def run_media_lookup(server: RawServer) -> LookupResult:
    async def run() -> LookupResult:
        async with HttpClient("feedhub/0", allowed=lambda _: True, pause=0, timeout=30) as client:
            return await look_up(client, server.url("/a"), sized=False, kind=MEDIA)

    return asyncio.run(run())


def test_head_says_all_of_a_recording(server: RawServer):
    server.replies["HEAD /a"] = reply(Content_Type="audio/mp3", Content_Length=1234)
    assert run_media_lookup(server) == LookupResult("known", ImageFacts("audio/mpeg", 1234))
    assert server.requests[0][1]["accept"] == "audio/*, video/*"
    assert server.lines() == ["HEAD /a"]


@pytest.mark.parametrize(
    ("start", "media_type"),
    [
        (b"ID3\x04", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1P", "audio/aac"),
        (b"OggS" + bytes(24) + b"\x01vorbis", "audio/ogg"),
        (b"OggS" + bytes(24) + b"\x80theora", "video/ogg"),
        (b"fLaC", "audio/flac"),
        (b"RIFF1234WAVEfmt ", "audio/wav"),
        (b"1234ftypM4A ", "audio/x-m4a"),
        (b"1234ftypM4V ", "video/x-m4v"),
        (b"1234ftypqt  ", "video/quicktime"),
        (b"1234ftypisom", "video/mp4"),
        (b"\x1aE\xdf\xa3" + bytes(20) + b"webm", "video/webm"),
        (b"\x1aE\xdf\xa3" + bytes(20) + b"matroska", "video/x-matroska"),
        (AVIF, ""),
        (b"<!doctype html>", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_show_the_type_of_a_recording(start, media_type):
    assert media_type_of(start) == media_type


def test_the_first_bytes_say_what_the_header_does_not(server: RawServer):
    server.replies["HEAD /a"] = reply(Content_Type="application/octet-stream", Content_Length=99)
    server.replies["/a"] = partial(b"ID3\x04\0", 4321, Content_Type="application/octet-stream")
    assert run_media_lookup(server) == LookupResult("known", ImageFacts("audio/mpeg", 4321))


def test_the_page_of_a_player_is_no_recording(server: RawServer):
    server.replies["/a"] = reply(body=b"<html>video", Content_Type="text/html")
    assert run_media_lookup(server) == LookupResult("none", reason="is neither audio nor video")
