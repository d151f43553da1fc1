"""Small answers: what is said where there is no document (RFC 9110, 15), and redirects."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from feedhub.server.snapshot import Header, Resource

ALLOWED = "GET, HEAD, OPTIONS"
# How long a cache may keep what is not a document, in seconds; the rest not at all. An address
# that is missing now may be published soon.
_KEPT = {301: 3600, 308: 3600, 404: 60, 410: 300}
KNOWN = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}


SOON = 5  # seconds: what is about to come


class Answer(NamedTuple):
    """An answer as it leaves; `name` is the format of a document, "" for anything else.

    With a `source`, what is in the present edition and its coding, an equal request within the same
    second is answered alike, as long as the bytes are at hand.
    """

    status: int
    headers: list[Header]
    body: bytes
    name: str = ""
    source: tuple[Resource, str] | None = None


def text_answer(status: int, *more: Header, why: str = "") -> Answer:
    """Return an answer that says its status in words, and why; nothing of the request."""
    body = f"{status} {HTTPStatus(status).phrase}{why and f': {why}'}\n".encode()
    seconds = _KEPT.get(status)
    control = b"no-store" if seconds is None else b"public, max-age=%d" % seconds
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", control),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),
        *more,
    ]
    return Answer(status, headers, body)


def unavailable(seconds: int) -> Answer:
    """Return 503 with the seconds after which to ask again (RFC 9110, 10.2.3)."""
    return text_answer(503, (b"retry-after", b"%d" % seconds))


def redirect(status: int, url: str) -> Answer:
    """Return the way to another address, absolute and ours."""
    return text_answer(status, (b"location", url.encode()))


def not_allowed(method: str) -> Answer:
    """Return 405 for a method that is known (RFC 9110, 15.5.6), else 501 (15.6.2)."""
    if method not in KNOWN:
        return text_answer(501)
    return text_answer(405, (b"allow", ALLOWED.encode()))


def options() -> Answer:
    """Return what a browser asks before another site's page reads a feed with validators."""
    headers = [
        (b"allow", ALLOWED.encode()),
        (b"cache-control", b"public, max-age=86400"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", ALLOWED.encode()),
        (b"access-control-allow-headers", b"A-IM, Cache-Control, If-Modified-Since, If-None-Match"),
        (b"access-control-max-age", b"86400"),
    ]
    return Answer(204, headers, b"")
