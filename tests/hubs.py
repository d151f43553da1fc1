"""A hub and a subscriber that follow the W3C text of WebSub, or misbehave as a test wants."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.servers import TIMEOUT, until

Fields = dict[str, str]
# A status, header fields, a body.
Reply = tuple[int, Fields, bytes]
Respond = Callable[[str, str, Fields, bytes], Reply]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    answer: Respond


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        fields = {name.lower(): value for name, value in self.headers.items()}
        status, headers, sent = self.server.answer(self.command, self.path, fields, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = _do  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def http_server(answer: Respond, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Run a web server on loopback and yield its address; clients may hang up."""
    with _Server(("127.0.0.1", port), _Handler) as server:
        server.answer = answer
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http{'s' * bool(tls)}://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def links_of(reply: httpx.Response) -> list[tuple[str, str]]:
    """Return the links in the header of a response as (address, relation), in order."""
    return re.findall(r'<([^>]*)>; rel="(\w+)"', reply.headers.get("Link", ""))


def response(status: int, body: bytes = b"", /, **fields: str) -> httpx.Response:
    """Return a response as it comes from the network: its body is not read yet."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


@dataclass
class Topic:
    """A topic of a hub: the bytes of the last fetch, and callback -> secret."""

    body: bytes = b""
    subscribers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """A hub (WebSub, 5-7). `reply`, if it is set, replies to pings instead."""

    url: str = ""
    reply: Callable[[], Reply] | None = None
    pings: list[str] = field(default_factory=list)
    forms: list[tuple[Fields, dict[str, list[str]]]] = field(default_factory=list)
    topics: dict[str, Topic] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, path: str, fields: Fields, body: bytes) -> Reply:
        form = parse_qs(body.decode("ascii"))
        mode = form.get("hub.mode", [""])[0]
        if method != "POST" or fields["content-type"] != "application/x-www-form-urlencoded":
            self.faults.append(f"{method} {path} {fields}")
            return 400, {}, b"no form"
        if mode == "subscribe":
            threading.Thread(target=self._subscribe, args=(form,)).start()
            return 202, {}, b""
        assert mode == "publish", form
        (topic,) = form["hub.url"]
        self.forms.append((fields, form))
        self.pings.append(topic)
        if self.reply is not None:
            return self.reply()
        self._distribute(topic)
        return 204, {}, b""

    def hang(self) -> Reply:
        """Reply when the test is over."""
        self.released.wait(TIMEOUT)
        return 200, {}, b""

    def counts(self) -> dict[str, int]:
        """Return the number of pings by path."""
        return dict(Counter(urlsplit(topic).path for topic in self.pings))

    def _subscribe(self, form: dict[str, list[str]]) -> None:
        """Verify the intent of the subscriber, then store the subscription (5.3)."""
        (topic,), (callback,) = form["hub.topic"], form["hub.callback"]
        challenge = secrets.token_urlsafe(16)
        query = {
            "hub.mode": "subscribe",
            "hub.topic": topic,
            "hub.challenge": challenge,
            "hub.lease_seconds": "600",
        }
        if httpx.get(callback, params=query).text != challenge:
            return
        subscription = self.topics.setdefault(topic, Topic())
        subscription.body, _ = self._fetch(topic)
        subscription.subscribers[callback] = form["hub.secret"][0]

    def _fetch(self, topic: str) -> tuple[bytes, str]:
        """Return a topic's bytes and type; its header fields must name topic and hub (4)."""
        reply = httpx.get(topic).raise_for_status()
        links = links_of(reply)
        if links != [(topic, "self"), (self.url, "hub")]:
            self.faults.append(f"{topic} has the links {links}")
        return reply.content, reply.headers["Content-Type"]

    def _distribute(self, topic: str) -> None:
        """Send new content to the subscribers (7)."""
        subscription = self.topics.setdefault(topic, Topic())
        body, media_type = self._fetch(topic)
        if body == subscription.body:
            self.stale.append(topic)
            return
        subscription.body = body
        for callback, secret in subscription.subscribers.items():
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            fields = {
                "Content-Type": media_type,
                "Link": f'<{self.url}>; rel="hub", <{topic}>; rel="self"',
                "X-Hub-Signature": f"sha256={signature}",
            }
            httpx.post(callback, content=body, headers=fields).raise_for_status()


@dataclass
class Subscriber:
    """A reader that accepts signed content only."""

    url: str = ""
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verified: list[str] = field(default_factory=list)
    received: list[tuple[str, bytes]] = field(default_factory=list)

    def answer(self, method: str, path: str, fields: Fields, body: bytes) -> Reply:
        if method == "GET":
            query = parse_qs(urlsplit(path).query)
            self.verified += query["hub.topic"]
            return 200, {}, query["hub.challenge"][0].encode()
        expected = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        if fields["x-hub-signature"] != f"sha256={expected}":
            return 403, {}, b""
        topic = re.findall(r'<([^>]*)>; rel="self"', fields["link"])[0]
        self.received.append((topic, body))
        return 202, {}, b""

    def subscribe(self, hub: Hub, address: str) -> str:
        """Subscribe to the feed at an address, wait for the hub, and return the topic."""
        topic = self.request_subscription(address)
        until(lambda: self.url in hub.topics.get(topic, Topic()).subscribers, "no hub")
        return topic

    def request_subscription(self, address: str) -> str:
        """Discover hub and topic at an address (4), request the subscription, return the topic."""
        links = {rel: url for url, rel in links_of(httpx.get(address))}
        form = {
            "hub.mode": "subscribe",
            "hub.topic": links["self"],
            "hub.callback": self.url,
            "hub.secret": self.secret,
        }
        assert httpx.post(links["hub"], data=form).status_code == 202
        return links["self"]


@contextmanager
def running_hub(port: int = 0) -> Iterator[Hub]:
    """Run a hub."""
    hub = Hub()
    with http_server(hub.answer, port) as url:
        hub.url = f"{url}/hub"
        try:
            yield hub
        finally:
            hub.released.set()
    assert hub.faults == []


@contextmanager
def running_subscriber() -> Iterator[Subscriber]:
    """Run a subscriber."""
    subscriber = Subscriber()
    with http_server(subscriber.answer) as url:
        subscriber.url = f"{url}/callback"
        yield subscriber
