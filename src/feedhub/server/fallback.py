"""What is not the address of a document: guesses, moved and retired feeds, mistakes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response

from feedhub.app import asking
from feedhub.app.answers import (
    KNOWN,
    SOON,
    Answer,
    not_allowed,
    options,
    redirect,
    text_answer,
    unavailable,
)
from feedhub.feed import feed_path
from feedhub.formats import PAGE, SUBSCRIBED
from feedhub.site import address_of
from feedhub.site.listing import ICON_PATH

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from feedhub.app.edition import Edition
    from feedhub.app.press import Press

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


class Elsewhere:
    """The endpoint of every other address."""

    def __init__(self, press: Press) -> None:
        self._press = press

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        answer = _answer(self._press.edition, scope)
        response = Response(answer.body, answer.status)
        response.raw_headers = answer.headers
        await response(scope, receive, send)


def make_elsewhere(press: Press) -> Starlette:
    """Return the Starlette application behind the documents."""
    app = Starlette()
    app.router.redirect_slashes = False  # it would send people to whatever Host names
    app.router.default = Elsewhere(press)
    return app


def _answer(edition: Edition | None, scope: Scope) -> Answer:
    method, path, raw_path = scope["method"], scope["path"], scope["raw_path"]
    if edition is None:
        return unavailable(SOON)
    if len(raw_path) > _LONGEST_PATH:
        return text_answer(414)
    if method == "OPTIONS" and path == "*":
        return options()
    if edition.find(path, raw_path) is not None:
        return _at_document(method)
    if method in ("GET", "HEAD"):
        return _search(edition, scope) or _elsewhere(edition, path) or text_answer(404)
    if asking.address_of(edition, path, raw_path):
        return _at_document(method)
    return text_answer(404 if method in KNOWN else 501)


def _search(edition: Edition, scope: Scope) -> Answer | None:
    """Return the way to the page of a search from its address without a slash."""
    feeds, page = edition.config.feeds, f"{scope['path']}/"
    if page != f"{edition.prefix}/{asking.SEARCH}/" or feeds.search != "yes":
        return None
    if PAGE.name not in feeds.formats:
        return None
    query = scope["query_string"] if _PRINTABLE.fullmatch(scope["query_string"]) else b""
    mark = "?" if query else ""
    return redirect(308, f"{edition.url(asking.SEARCH)}/{mark}{query.decode()}")


def _at_document(method: str) -> Answer:
    """Return what is left for the address of a document; one that came here by GET has vanished."""
    if method in ("GET", "HEAD"):
        return text_answer(404)
    return options() if method == "OPTIONS" else not_allowed(method)


def _elsewhere(edition: Edition, path: str) -> Answer | None:
    """Return where to look instead, or that it is gone for good."""
    if path == edition.prefix:
        path += "/"
    below = path.removeprefix(f"{edition.prefix}/")
    if below == path:
        return None
    return _page(edition, below) or _guessed(edition, below) or _moved(edition, below)


def _page(edition: Edition, path: str) -> Answer | None:
    """Return where the page or picture stands that a path nearly names."""
    if path == "favicon.ico" and (icon := _icon(edition)):
        return redirect(308, icon)
    page = address_of(path)
    page += "" if page.endswith("/") or not page else "/"
    there = f"{edition.prefix}/{page}" in edition.entries
    return redirect(308, edition.url(page)) if there else None


def _icon(edition: Edition) -> str:
    """Return what a browser shows beside a feed's address, which cannot name it."""
    own = f"{edition.prefix}/{ICON_PATH}" in edition.entries
    return edition.config.site.icon or (edition.url(ICON_PATH) if own else "")


def _guessed(edition: Edition, path: str) -> Answer | None:
    formats = edition.config.feeds.formats
    wanted = _GUESSES.get(path)
    if wanted is None:
        return None
    found = wanted if wanted in formats else next(name for name in formats if name in SUBSCRIBED)
    feed = feed_path("all", "") + SUBSCRIBED[found].suffix
    exists = f"{edition.prefix}/{feed}" in edition.entries
    return redirect(308, edition.url(feed)) if exists else None


def _moved(edition: Edition, path: str) -> Answer | None:
    feeds = edition.config.feeds
    if any(_belongs(path, gone) for gone in feeds.gone):
        return text_answer(410)
    for old, new in feeds.moved:
        if _belongs(path, old):
            return redirect(301, edition.url(new + path.removeprefix(old)))
    return None


def _belongs(path: str, feed: str) -> bool:
    """Tell whether a path is that of a feed in any format, of its archives or of its page."""
    return path.startswith(feed) and path[len(feed) :][:1] in ("", ".", "/")
