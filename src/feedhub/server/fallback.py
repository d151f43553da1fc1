"""Requests that are not for a document: redirects, retired feeds, errors."""

from __future__ import annotations

import re

from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from feedhub.errors import CatalogError
from feedhub.feed import feed_path
from feedhub.fingerprint import digest
from feedhub.formats import PAGE, SUBSCRIBED, is_document
from feedhub.kinds import KINDS
from feedhub.server import on_demand
from feedhub.server.builder import DocumentBuilder
from feedhub.server.catalog_reader import VanishedError
from feedhub.server.request_fields import (
    merge_fields,
    precondition_status,
    preferred_coding,
    wants_page,
)
from feedhub.server.responses import (
    KNOWN_METHODS,
    RETRY_SOON,
    HttpResponse,
    method_not_allowed,
    options_response,
    redirect,
    text_response,
    unavailable,
)
from feedhub.server.snapshot import (
    CORS_HEADERS,
    SECURITY_HEADERS,
    SiteSnapshot,
    content_security_policy,
    header_pairs,
)
from feedhub.site import address_of
from feedhub.site.arrivals import EVENTS_PATH
from feedhub.site.cache_tags import SITE_TAG, edge_headers
from feedhub.site.indexes import (
    FAVICON_PATH,
    NOT_FOUND_PATH,
    OPML_PATH,
    TOUCH_ICON_PATH,
    WELL_KNOWN_LIST,
)
from feedhub.sources.assets import COPIES
from feedhub.sources.urls import asset_type

MAX_PATH = 8_192  # bytes
ASSET_CSP = b"default-src 'none'; sandbox"
_PRINTABLE = re.compile(rb"[!-~]*")
_SLUG_END = re.compile("[./]")
_KINDS_BY_FOLDER = {kind.folder: kind.name for kind in KINDS.values()}
# Addresses that readers try for the address of a site (the defaults of Miniflux, WordPress,
# Hugo, Jekyll), and the format that each expects.
GUESSED_FEEDS = {
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
    """The endpoint of all addresses without a document."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3)."""
        snapshot = self._builder.snapshot
        if snapshot and is_stream(snapshot, scope):
            http, events = snapshot.config.http, self._builder.events
            if other := await events.respond(http, scope, receive, send):
                await response_of(other)(scope, receive, send)
            return
        response = await self._asset_response(scope)
        if response is None:
            snapshot = self._builder.snapshot
            response = response_of(await self._with_page(snapshot, scope, respond(snapshot, scope)))
        await response(scope, receive, send)

    async def _with_page(
        self, snapshot: SiteSnapshot | None, scope: Scope, response: HttpResponse
    ) -> HttpResponse:
        """Return a 404 or 410 with a page for people, if the client prefers one."""
        page = snapshot and snapshot.resources.get(f"{snapshot.prefix}/{NOT_FOUND_PATH}")
        if not page or response.status not in (404, 410):
            return response
        vary = (b"vary", b"Accept, Accept-Encoding")
        fields = merge_fields(scope["headers"])
        if not wants_page(fields):
            return response._replace(headers=[*response.headers, vary])
        coding = preferred_coding(fields)
        try:
            built = await self._builder.get_or_build(page, coding)
        except (CatalogError, VanishedError):
            return response
        kept = (b"cache-control", b"access-control-allow-origin")
        headers = [field for field in response.headers if field[0] in kept]
        headers += [
            (b"content-type", page.planned.media_type.encode()),
            (b"content-length", b"%d" % len(built.body)),
            *(((b"content-encoding", coding.encode()),) if coding else ()),
            vary,
            (b"content-security-policy", content_security_policy(page.planned).encode()),
            *SECURITY_HEADERS,
        ]
        return HttpResponse(response.status, headers, built.body)

    async def _asset_response(self, scope: Scope) -> Response | None:
        """Return the response with a copy of a picture, audio or video, None for other addresses.

        Starlette streams it, and answers for parts of it: players ask for them.
        """
        snapshot, raw_path = self._builder.snapshot, scope["raw_path"]
        start = f"{snapshot.prefix}/{COPIES}/" if snapshot else ""
        if snapshot is None or not scope["path"].startswith(start) or b"%2f" in raw_path.lower():
            return None
        place = scope["path"].removeprefix(start)
        try:
            file = await self._builder.asset(place)
            status = file.stat() if file else None
        except FileNotFoundError:
            return None
        except CatalogError:
            return response_of(unavailable(RETRY_SOON))
        if file is None or status is None:
            return None
        if scope["method"] == "OPTIONS":
            return response_of(options_response())
        if scope["method"] not in ("GET", "HEAD"):
            return response_of(method_not_allowed(scope["method"]))
        etag = f'"{place.partition("/")[0]}"'
        config, names = snapshot.config, (SITE_TAG, f"{COPIES}/{place}")
        headers = [
            (b"etag", etag.encode()),
            (b"cache-control", snapshot.cache_policy.archive),
            *CORS_HEADERS,
            *header_pairs(edge_headers(config.purge, config.http, names)),
        ]
        condition = precondition_status(merge_fields(scope["headers"]), etag, int(status.st_mtime))
        if condition == 412:
            return response_of(text_response(412))
        if condition == 304:
            return response_of(HttpResponse(304, headers, b""))
        headers += [(b"content-security-policy", ASSET_CSP), *SECURITY_HEADERS]
        fields = {name.decode(): value.decode() for name, value in headers}
        return FileResponse(file, 200, fields, asset_type(place), stat_result=status)


def is_stream(snapshot: SiteSnapshot, scope: Scope) -> bool:
    """Return whether a request is for a stream of changes, if there are any."""
    path = f"{snapshot.prefix}/{EVENTS_PATH}"
    return bool(snapshot.config.http.events) and bool(scope["path"] == path)


def response_of(ours: HttpResponse) -> Response:
    """Return a response as Starlette sends it."""
    response = Response(ours.body, ours.status)
    response.raw_headers = ours.headers
    return response


def make_fallback(builder: DocumentBuilder) -> Starlette:
    """Return the Starlette application for requests that `Documents` passes on."""
    app = Starlette()
    app.router.redirect_slashes = False  # it would redirect to the Host of the request
    app.router.default = Fallback(builder)
    return app


def respond(snapshot: SiteSnapshot | None, scope: Scope) -> HttpResponse:
    """Return the response to a request that is not for a document."""
    method, path, raw_path = scope["method"], scope["path"], scope["raw_path"]
    if snapshot is None:
        return unavailable(RETRY_SOON)
    if len(raw_path) > MAX_PATH:
        return text_response(414)
    if method == "OPTIONS" and path == "*":
        return options_response()
    reading = method in ("GET", "HEAD")
    if snapshot.find(path, raw_path) is not None:
        if reading:  # its document has vanished since the snapshot
            return text_response(404)
        return options_response() if method == "OPTIONS" else method_not_allowed(method)
    if reading:
        return redirect_or_gone(snapshot, scope) or text_response(404)
    if on_demand.parse_request(snapshot, {**scope, "query_string": b""}):
        return options_response() if method == "OPTIONS" else method_not_allowed(method)
    return text_response(404 if method in KNOWN_METHODS else 501)


def redirect_or_gone(snapshot: SiteSnapshot, scope: Scope) -> HttpResponse | None:
    """Return a redirect to where the document is, or 410 for a retired feed, or None."""
    path = scope["path"]
    if path == snapshot.prefix:
        path += "/"
    relative = path.removeprefix(f"{snapshot.prefix}/")
    if relative == path:
        return None
    return (
        redirect_search(snapshot, relative, scope["query_string"])
        or redirect_page(snapshot, relative)
        or moved_or_gone(snapshot, relative)
        or redirect_guess(snapshot, relative)
    )


def redirect_search(snapshot: SiteSnapshot, path: str, query: bytes) -> HttpResponse | None:
    """Return the redirect from `search` to the page of the search, with its query."""
    feeds = snapshot.config.feeds
    if path != on_demand.SEARCH or feeds.search != "yes" or PAGE.name not in feeds.formats:
        return None
    query = query if _PRINTABLE.fullmatch(query) else b""
    mark = "?" if query else ""
    return redirect(f"{snapshot.url(on_demand.SEARCH)}/{mark}{query.decode()}")


def redirect_page(snapshot: SiteSnapshot, path: str) -> HttpResponse | None:
    """Return the redirect to the icon, to the list of feeds, or to a page that lacks its slash."""
    if path in (FAVICON_PATH, TOUCH_ICON_PATH) and snapshot.config.site.icon:
        return redirect(snapshot.config.site.icon)
    if path == WELL_KNOWN_LIST:
        return redirect(snapshot.url(OPML_PATH))
    page = address_of(path)
    page += "" if page.endswith("/") or not page else "/"
    exists = f"{snapshot.prefix}/{page}" in snapshot.resources
    return redirect(snapshot.url(page)) if exists else None


def redirect_guess(snapshot: SiteSnapshot, path: str) -> HttpResponse | None:
    """Return the redirect from an address that readers guess to the feed of all articles."""
    formats = snapshot.config.feeds.formats
    wanted = GUESSED_FEEDS.get(path)
    if wanted is None:
        return None
    name = wanted if wanted in formats else next(name for name in formats if name in SUBSCRIBED)
    feed = feed_path("all", "") + SUBSCRIBED[name].suffix
    exists = f"{snapshot.prefix}/{feed}" in snapshot.resources
    return redirect(snapshot.url(feed)) if exists else None


def moved_or_gone(snapshot: SiteSnapshot, path: str) -> HttpResponse | None:
    """Return a redirect to where a feed is now, or 410 for a retired one."""
    feeds = snapshot.config.feeds
    if any(belongs_to_feed(path, feed) for feed in feeds.gone):
        return text_response(410)
    for old, new in feeds.moved:
        if is_document(new):  # an old address leads to the feed in one format
            if path.removesuffix("/") == old:
                return redirect(snapshot.url(new))
        elif belongs_to_feed(path, old):
            return redirect(snapshot.url(new + path.removeprefix(old)))
    return text_response(410) if is_retired(snapshot, path) else None


def belongs_to_feed(path: str, feed: str) -> bool:
    """Return whether a path is that of a feed in any format, of its archives or of its page."""
    return path.startswith(feed) and path[len(feed) :][:1] in ("", ".", "/")


def is_retired(snapshot: SiteSnapshot, path: str) -> bool:
    """Return whether a path is that of a feed that had no article for too long."""
    folder, _, rest = path.partition("/")
    slug = _SLUG_END.split(rest, maxsplit=1)[0]
    return digest(_KINDS_BY_FOLDER.get(folder, ""), slug) in snapshot.retired
