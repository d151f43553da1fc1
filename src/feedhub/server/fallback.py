"""What is not the address of a document: guesses, moved and retired feeds, mistakes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response

from feedhub.feed import feed_path
from feedhub.formats import PAGE, SUBSCRIBED
from feedhub.server import on_demand
from feedhub.server.responses import (
    KNOWN,
    SOON,
    Answer,
    not_allowed,
    options,
    redirect,
    text_answer,
    unavailable,
)
from feedhub.site import address_of
from feedhub.site.indexes import ICON_PATH

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from feedhub.server.builder import DocumentBuilder
    from feedhub.server.snapshot import SiteSnapshot

_LONGEST_PATH = 8_192
_PRINTABLE = re.compile(rb"[!-~]*")
# What readers try where they are given the address of a site (standards of Miniflux, WordPress,
# Hugo, Jekyll), and the format each expects.
_GUESSES = {
    "feed": "rss",
    "feed/": "rss",
    "rss": "rss",
    "rss/": "rss",
    "feed.xml": "rss",
    "rss.xml": "rss",
    "index.xml": "rss",
    "atom.xml": "atom",
    "feed.json": "json",
}


class Fallback:
    """The endpoint of every other address."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        answer = _answer(self._builder.snapshot, scope)
        response = Response(answer.body, answer.status)
        response.raw_headers = answer.headers
        await response(scope, receive, send)


def make_fallback(builder: DocumentBuilder) -> Starlette:
    """Return the Starlette application behind the documents."""
    app = Starlette()
    app.router.redirect_slashes = False  # it would send people to whatever Host names
    app.router.default = Fallback(builder)
    return app


def _answer(snapshot: SiteSnapshot | None, scope: Scope) -> Answer:
    method, path, raw_path = scope["method"], scope["path"], scope["raw_path"]
    if snapshot is None:
        return unavailable(SOON)
    if len(raw_path) > _LONGEST_PATH:
        return text_answer(414)
    if method == "OPTIONS" and path == "*":
        return options()
    if snapshot.find(path, raw_path) is not None:
        return _at_document(method)
    if method in ("GET", "HEAD"):
        return _search(snapshot, scope) or _elsewhere(snapshot, path) or text_answer(404)
    if on_demand.address_of(snapshot, path, raw_path):
        return _at_document(method)
    return text_answer(404 if method in KNOWN else 501)


def _search(snapshot: SiteSnapshot, scope: Scope) -> Answer | None:
    """Return the way to the page of a search from its address without a slash."""
    feeds, page = snapshot.config.feeds, f"{scope['path']}/"
    if page != f"{snapshot.prefix}/{on_demand.SEARCH}/" or feeds.search != "yes":
        return None
    if PAGE.name not in feeds.formats:
        return None
    query = scope["query_string"] if _PRINTABLE.fullmatch(scope["query_string"]) else b""
    mark = "?" if query else ""
    return redirect(308, f"{snapshot.url(on_demand.SEARCH)}/{mark}{query.decode()}")


def _at_document(method: str) -> Answer:
    """Return what is left for the address of a document; one that came here by GET has vanished."""
    if method in ("GET", "HEAD"):
        return text_answer(404)
    return options() if method == "OPTIONS" else not_allowed(method)


def _elsewhere(snapshot: SiteSnapshot, path: str) -> Answer | None:
    """Return where to look instead, or that it is gone for good."""
    if path == snapshot.prefix:
        path += "/"
    below = path.removeprefix(f"{snapshot.prefix}/")
    if below == path:
        return None
    return _page(snapshot, below) or _guessed(snapshot, below) or _moved(snapshot, below)


def _page(snapshot: SiteSnapshot, path: str) -> Answer | None:
    """Return where the page or picture stands that a path nearly names."""
    if path == "favicon.ico" and (icon := _icon(snapshot)):
        return redirect(308, icon)
    page = address_of(path)
    page += "" if page.endswith("/") or not page else "/"
    there = f"{snapshot.prefix}/{page}" in snapshot.resources
    return redirect(308, snapshot.url(page)) if there else None


def _icon(snapshot: SiteSnapshot) -> str:
    """Return what a browser shows beside a feed's address, which cannot name it."""
    own = f"{snapshot.prefix}/{ICON_PATH}" in snapshot.resources
    return snapshot.config.site.icon or (snapshot.url(ICON_PATH) if own else "")


def _guessed(snapshot: SiteSnapshot, path: str) -> Answer | None:
    formats = snapshot.config.feeds.formats
    wanted = _GUESSES.get(path)
    if wanted is None:
        return None
    found = wanted if wanted in formats else next(name for name in formats if name in SUBSCRIBED)
    feed = feed_path("all", "") + SUBSCRIBED[found].suffix
    exists = f"{snapshot.prefix}/{feed}" in snapshot.resources
    return redirect(308, snapshot.url(feed)) if exists else None


def _moved(snapshot: SiteSnapshot, path: str) -> Answer | None:
    feeds = snapshot.config.feeds
    if any(_belongs(path, gone) for gone in feeds.gone):
        return text_answer(410)
    for old, new in feeds.moved:
        if _belongs(path, old):
            return redirect(301, snapshot.url(new + path.removeprefix(old)))
    return None


def _belongs(path: str, feed: str) -> bool:
    """Tell whether a path is that of a feed in any format, of its archives or of its page."""
    return path.startswith(feed) and path[len(feed) :][:1] in ("", ".", "/")
