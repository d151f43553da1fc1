"""Responses, and those without a document: errors, redirects, OPTIONS (RFC 9110, 15)."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from feedhub.server.snapshot import Header

ALLOWED_METHODS = "GET, HEAD, OPTIONS"
KNOWN_METHODS = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
}  # fmt: skip
# Seconds that a cache may keep a response without a document; other statuses are not cached.
# A document that is missing now may be published soon.
STATUS_MAX_AGE = {301: 3600, 404: 60, 410: 300}
RETRY_SOON = 5  # seconds, while the first sync runs or the catalog cannot be read


class HttpResponse(NamedTuple):
    """A response; `format_name` is that of the document, or "".

    `is_repeatable` says that an equal request within the same second gets an equal response.
    """

    status: int
    headers: list[Header]
    body: bytes
    format_name: str = ""
    is_repeatable: bool = False


def text_response(status: int, *more: Header, reason: str = "") -> HttpResponse:
    """Return a response that names its status and the reason, and repeats nothing of a request."""
    body = f"{status} {HTTPStatus(status).phrase}{reason and f': {reason}'}\n".encode()
    seconds = STATUS_MAX_AGE.get(status)
    control = b"no-store" if seconds is None else b"public, max-age=%d" % seconds
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", control),
        (b"x-content-type-options", b"nosniff"),
        (b"access-control-allow-origin", b"*"),
        *more,
    ]
    return HttpResponse(status, headers, body)


def unavailable(seconds: int) -> HttpResponse:
    """Return 503 with the seconds to wait before the next request (RFC 9110, 10.2.3)."""
    return text_response(503, (b"retry-after", b"%d" % seconds))


def redirect(url: str) -> HttpResponse:
    """Return a redirect to an absolute URL of ours; old clients do not follow a 308."""
    return text_response(301, (b"location", url.encode()))


def lead_to_page(url: str) -> HttpResponse:
    """Return the redirect of a browser from a feed to its page, where the feed can be followed.

    No cache keeps it, so that no feed reader is led there. The feed itself says nothing of it in
    Vary: a cache that has the feed may give it to a browser, which does no harm.
    """
    return text_response(303, (b"location", f"{url}#follow".encode()))


def method_not_allowed(method: str) -> HttpResponse:
    """Return 405 for a known method (RFC 9110, 15.5.6), else 501 (15.6.2)."""
    if method not in KNOWN_METHODS:
        return text_response(501)
    return text_response(405, (b"allow", ALLOWED_METHODS.encode()))


def options_response() -> HttpResponse:
    """Return the response to OPTIONS, which lets pages of other sites send validators (CORS)."""
    headers = [
        (b"allow", ALLOWED_METHODS.encode()),
        (b"cache-control", b"public, max-age=86400"),
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", ALLOWED_METHODS.encode()),
        (b"access-control-allow-headers", b"A-IM, Cache-Control, If-Modified-Since, If-None-Match"),
        (b"access-control-max-age", b"86400"),
    ]
    return HttpResponse(204, headers, b"")
