"""Clients that request documents in a loop while they change, and check every response."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import brotli
from lxml import etree

from tests.servers import Address

PATHS = [f"/{feed}.{suffix}" for feed in ("all", "topics/ai") for suffix in ("rss", "atom", "json")]
PATHS += ["/topics/art.atom", "/providers/paper.rss", "/feeds.opml", "/"]
_UNDO = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}
_READ: dict[str, Callable[[bytes], object]] = {".json": json.loads, "/": etree.HTML}
_CODINGS = ("gzip", "br", "identity", "gzip, br", "br;q=0.5, gzip;q=0.1", "gzip;q=0")


class PollResponse(NamedTuple):
    """A response to a poll."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Observations:
    """What all clients have seen: each entity tag with its body, and the errors."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._body_of: dict[tuple[str, str], str] = {}
        self._tag_of: dict[tuple[str, str, str | None], str] = {}
        self.errors: list[str] = []
        self.statuses: Counter[int] = Counter()

    def add(self, path: str, tag: str, coding: str | None, body: bytes) -> None:
        """Record a body and its tag, which must stay one to one."""
        digest = hashlib.sha256(body).hexdigest()
        with self._lock:
            if self._body_of.setdefault((path, tag), digest) != digest:
                self.errors.append(f"{path}: two bodies have the tag {tag}")
            if (known := self._tag_of.setdefault((path, digest, coding), tag)) != tag:
                self.errors.append(f"{path}: one body has the tags {known} and {tag}")

    def seen(self) -> list[tuple[str, str]]:
        """Return every address with every entity tag that it had."""
        return [(path, tag) for path, tag in self._body_of if tag.startswith('"')]

    def tags(self, path: str) -> int:
        """Return how many tags of one address were seen."""
        return sum(known == path for known, _ in self._body_of)


class Poller(threading.Thread):
    """One client on one connection: plain and conditional requests until `finish`."""

    def __init__(
        self,
        number: int,
        address: Address,
        observations: Observations,
        paths: Sequence[str] = PATHS,
    ) -> None:
        super().__init__(name=f"poller-{number}")
        self._paths = paths
        assert isinstance(address, tuple)
        self._connection = http.client.HTTPConnection(*address, timeout=30)
        self._random = random.Random(number)
        self._observations = observations
        self._ended = threading.Event()
        self._modified: dict[str, datetime] = {}
        self._tags: dict[str, str] = {}

    def run(self) -> None:
        """Send requests until it is stopped; an error is recorded, and ends it."""
        with contextlib.closing(self._connection):
            try:
                while not self._ended.is_set():
                    self._poll(self._random.choice(self._paths))
            except Exception as error:
                self._observations.errors.append(f"{self.name}: {error!r}")

    def finish(self) -> None:
        """Stop and wait."""
        self._ended.set()
        self.join()

    def _poll(self, path: str) -> None:
        method = "HEAD" if self._random.random() < 0.1 else "GET"
        fields = {"Accept-Encoding": self._random.choice(_CODINGS)} | self._conditions(path)
        self._connection.request(method, path, headers=fields)
        response = self._connection.getresponse()
        reply = PollResponse(response.status, response.headers, response.read())
        self._observations.statuses[reply.status] += 1
        errors = self._errors(method, path, fields, reply)
        self._observations.errors += [f"{method} {path} {fields}: {text}" for text in errors]

    def _conditions(self, path: str) -> dict[str, str]:
        chance = self._random.random()
        if path not in self._tags or chance < 0.3:
            return {}
        if chance < 0.4:
            return {"If-Modified-Since": http_date(self._modified[path])}
        return {"If-None-Match": self._tags[path]}

    def _errors(
        self, method: str, path: str, fields: dict[str, str], reply: PollResponse
    ) -> list[str]:
        if reply.status not in (200, 304):
            return [f"status {reply.status}"]
        found = self._clock_errors(path, reply)
        tag = self._tags[path] = reply.headers["ETag"]
        if reply.status == 304:
            sent = fields.get("If-None-Match")
            if sent is not None and sent != tag:
                found.append(f"304 with the tag {tag}")
            return found
        if fields.get("If-None-Match") == tag:
            found.append("200 with the very tag that was sent")
        if method == "GET":
            found += self._body_errors(path, tag, reply)
        return found

    def _clock_errors(self, path: str, reply: PollResponse) -> list[str]:
        modified = parsedate_to_datetime(reply.headers["Last-Modified"])
        before = self._modified.get(path, modified)
        self._modified[path] = modified
        found = [f"Last-Modified went back from {before} to {modified}"] * (modified < before)
        date = parsedate_to_datetime(reply.headers["Date"])
        if modified > date:
            found.append(f"Last-Modified {modified} is later than {date}")
        return found

    def _body_errors(self, path: str, tag: str, reply: PollResponse) -> list[str]:
        length, coding = reply.headers["Content-Length"], reply.headers["Content-Encoding"]
        self._observations.add(path, tag, coding, reply.body)
        if length != str(len(reply.body)):
            return [f"Content-Length {length} of {len(reply.body)} bytes"]
        plain = _UNDO[coding](reply.body)
        self._observations.add(path, tag.strip('"').removesuffix(f"-{coding}"), "plain", plain)
        try:
            _READ.get(path[path.rfind(".") :], etree.fromstring)(plain)
        except ValueError as error:
            return [f"not well-formed: {error}"]
        return []


def http_date(moment: datetime) -> str:
    """Return a moment as an HTTP date."""
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
