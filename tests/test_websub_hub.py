"""One ping: what the hub gets, which replies are final, and which redirects are followed."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from feedhub.delivery import requests
from feedhub.delivery.requests import ReceiverReply
from feedhub.http_client import (
    HttpClient,
)
from feedhub.websub.hub import send_ping
from tests.hubs import http_server, response

TOPIC = "https://feeds.example.org/topics/m%C3%BCnchen.atom?a=1&b=2"
PUBLIC = "93.184.216.34"


def ping(
    url: str, transport: httpx.AsyncBaseTransport | None = None, **options: Any
) -> ReceiverReply:
    """Ping a hub once; without a transport, over the network."""

    async def run() -> ReceiverReply:
        async with HttpClient(transport=transport, use_proxies=True, **options) as client:
            return await send_ping(client, url, TOPIC)

    return asyncio.run(run())


def reply_to(status: int, **fields: str) -> ReceiverReply:
    """Ping a hub that gives this response."""
    return ping("https://hub.example/", httpx.MockTransport(lambda _: response(status, **fields)))


def test_the_request_is_what_hubs_expect():
    seen = []

    def answer(method, path, fields, body):
        seen.append((method, path, fields, parse_qs(body.decode("ascii"))))
        return 204, {}, b""

    with http_server(answer) as url:
        assert ping(f"{url}/hub?key=1") == ReceiverReply("accepted")
    ((method, path, fields, form),) = seen
    assert (method, path) == ("POST", "/hub?key=1")
    assert fields["content-type"] == "application/x-www-form-urlencoded"
    assert re.fullmatch(r"feedhub/\d+\.\d+\S*", fields["user-agent"])
    assert form == {"hub.mode": ["publish"], "hub.url": [TOPIC], "hub.topic": [TOPIC]}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_accepted(status):
    assert reply_to(status) == ReceiverReply("accepted")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 303, 304, 300])
def test_these_statuses_refuse_the_ping(status):
    assert reply_to(status, location="https://other.example/").verdict == "refused"
    assert str(status) in reply_to(status).reason


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_these_statuses_are_failures_to_retry(status):
    assert reply_to(status).verdict == "failed"
    assert reply_to(status).retry_after == 0
    assert reply_to(status, retry_after="120").retry_after == 120


def test_a_closed_port_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert ping(f"http://127.0.0.1:{port}/").verdict == "failed"


def test_a_hub_that_hangs_is_a_failure_in_time():
    over = threading.Event()

    def answer(*_):
        over.wait(30)
        return 200, {}, b""

    with http_server(answer) as url:
        assert ping(url, timeout=0.2) == ReceiverReply("failed", "no answer within 0.2 seconds")
        over.set()


@pytest.mark.parametrize(("size", "parts"), [(10, None), (3_000, 2), (100_000, 1)])
def test_an_endless_body_is_not_read_to_its_end(monkeypatch, size, parts):
    """The status counts. Reading ends after some bytes or, if they come slowly, after some time."""
    monkeypatch.setattr(requests, "_BODY_TIMEOUT", 0.2)
    read = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            while True:
                read.append(size)
                yield b"x" * size
                await asyncio.sleep(0.01)

    transport = httpx.MockTransport(lambda _: httpx.Response(202, stream=Endless()))
    assert ping("https://hub.example/", transport) == ReceiverReply("accepted")
    assert parts in (None, len(read))


# Redirects


class RedirectingHub:
    """A hub that redirects to one address after the other, and records the requests."""

    def __init__(self, status: int, *locations: str) -> None:
        self.status = status
        self.locations = list(locations)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.locations:
            return response(self.status, location=self.locations.pop(0))
        return response(204)

    def ping(self) -> ReceiverReply:
        return ping("https://hub.example/hub", httpx.MockTransport(self))


@pytest.fixture
def names(monkeypatch):
    """What host names stand for: host -> addresses."""
    known = {"other.example": [PUBLIC]}

    async def getaddrinfo(_self, host, port, **_):
        if host not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(0, 0, 0, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_with_the_same_form(names, status):
    hub = RedirectingHub(status, "https://other.example:8443/new?x=1")
    assert hub.ping() == ReceiverReply("accepted")
    first, second = hub.requests
    assert (second.method, second.content) == (first.method, first.content)
    assert str(second.url) == f"https://{PUBLIC}:8443/new?x=1"  # the address that was checked
    assert second.headers["host"] == "other.example:8443"
    assert second.extensions["sni_hostname"] == "other.example"


def test_a_relative_redirect_is_followed(names):
    names["hub.example"] = [PUBLIC]
    hub = RedirectingHub(308, "/new")
    assert hub.ping() == ReceiverReply("accepted")
    assert hub.requests[1].headers["host"] == "hub.example"
    assert hub.requests[1].url.path == "/new"


def test_a_relative_redirect_is_relative_to_the_last_address(names):
    hub = RedirectingHub(308, "https://other.example/a/", "new")
    assert hub.ping() == ReceiverReply("accepted")
    assert hub.requests[2].headers["host"] == "other.example"
    assert hub.requests[2].url.path == "/a/new"


@pytest.mark.parametrize(
    "location",
    [
        "https://private.example/",
        "https://half.example/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://unknown.example/",
        "http://other.example/",  # not encrypted, after https
        "ftp://other.example/",
        "file:///etc/passwd",
        "https:///",
        "https://[/",
    ],
)
def test_a_redirect_to_a_forbidden_address_is_a_failure(names, location):
    names |= {"private.example": ["10.0.0.1"], "half.example": [PUBLIC, "192.168.1.1"]}
    names |= {address: [address] for address in ("127.0.0.1", "169.254.169.254", "::1")}
    hub = RedirectingHub(307, location)
    answer = hub.ping()
    assert answer.verdict == "failed"
    assert answer.reason
    assert len(hub.requests) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://two..dots/",
        f"http://{'a' * 64}.example/",
        "http://xn--a/",
        f"http://{PUBLIC}:65536/",
    ],
)
def test_a_redirect_to_an_invalid_address_is_a_failure_and_no_crash(location):
    """No reply of a hub ends the process; no packet is sent to these addresses."""
    with http_server(lambda *_: (307, {"Location": location}, b"")) as url:
        answer = ping(url)
    assert answer.verdict == "failed"
    assert answer.reason


def test_too_many_redirects_are_a_failure(names):
    hub = RedirectingHub(307, *["https://other.example/"] * 10)
    assert hub.ping() == ReceiverReply("failed", "redirects more than 3 times")
    assert len(hub.requests) == 4


def test_a_redirect_without_location_is_a_refusal():
    assert reply_to(307).verdict == "refused"


def test_the_configured_hub_may_be_private():
    assert ping("http://127.0.0.1/", httpx.MockTransport(lambda _: response(204))) == ReceiverReply(
        "accepted"
    )
