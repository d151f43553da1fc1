"""Requests that are not for a document: redirects, retired feeds, errors."""

from __future__ import annotations

import re

from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from feedhub.errors import CatalogError
from feedhub.feed import feed_path
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
from feedhub.site import address_of, path_at
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
            response = response_of(await self._respond(self._builder.snapshot, scope))
        await response(scope, receive, send)

    async def _respond(self, snapshot: SiteSnapshot | None, scope: Scope) -> HttpResponse:
        """Return the response to a request that is not for a document."""
        if snapshot is None:
            return unavailable(RETRY_SOON)
        try:
            response = await self._response(snapshot, scope)
            if response.status in (404, 410):
                return await self._with_page(scope, response)
        except CatalogError:
            return unavailable(RETRY_SOON)
        return response

    async def _response(self, snapshot: SiteSnapshot, scope: Scope) -> HttpResponse:
        """Return the response without a page; raises CatalogError if the catalog is needed."""
        method, path, raw_path = scope["method"], scope["path"], scope["raw_path"]
        if len(raw_path) > MAX_PATH:
            return text_response(414)
        if method == "OPTIONS" and path == "*":
            return options_response()
        reading = method in ("GET", "HEAD")
        if await self._builder.find(snapshot.path_of(path, raw_path)) is not None:
            if reading:  # its document has vanished since it was looked up
                return text_response(404)
            return options_response() if method == "OPTIONS" else method_not_allowed(method)
        if reading:
            return await self._redirect_or_gone(snapshot, scope) or text_response(404)
        if on_demand.parse_request(snapshot, {**scope, "query_string": b""}):
            return options_response() if method == "OPTIONS" else method_not_allowed(method)
        return text_response(404 if method in KNOWN_METHODS else 501)

    async def _redirect_or_gone(self, snapshot: SiteSnapshot, scope: Scope) -> HttpResponse | None:
        """Return a redirect to where the document is, or 410 for a retired feed, or None."""
        path = scope["path"]
        if path == snapshot.prefix:
            path += "/"
        relative = path.removeprefix(f"{snapshot.prefix}/")
        if relative == path:
            return None
        return (
            redirect_search(snapshot, relative, scope["query_string"])
            or redirect_asset(snapshot, relative)
            or await self._redirect_to(snapshot, page_at(relative))
            or moved_or_gone(snapshot, relative)
            or await self._redirect_to(snapshot, guessed_feed(snapshot, relative))
            or await self._retired(relative)
        )

    async def _redirect_to(
        self, snapshot: SiteSnapshot, address: str | None
    ) -> HttpResponse | None:
        """Return the redirect to an address, if there is a document."""
        if address is None or await self._builder.find(path_at(address)) is None:
            return None
        return redirect(snapshot.url(address))

    async def _retired(self, path: str) -> HttpResponse | None:
        """Return 410 if a path is that of a feed that had no article for too long."""
        folder, _, rest = path.partition("/")
        slug = _SLUG_END.split(rest, maxsplit=1)[0]
        kind = _KINDS_BY_FOLDER.get(folder)
        is_retired = kind and slug and await self._builder.is_retired(kind, slug)
        return text_response(410) if is_retired else None

    async def _with_page(self, scope: Scope, response: HttpResponse) -> HttpResponse:
        """Return a 404 or 410 with a page for people, if the client prefers one."""
        page = await self._builder.find(NOT_FOUND_PATH)
        if page is None:
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


def redirect_search(snapshot: SiteSnapshot, path: str, query: bytes) -> HttpResponse | None:
    """Return the redirect from `search` to the page of the search, with its query."""
    feeds = snapshot.config.feeds
    if path != on_demand.SEARCH or feeds.search != "yes" or PAGE.name not in feeds.formats:
        return None
    query = query if _PRINTABLE.fullmatch(query) else b""
    mark = "?" if query else ""
    return redirect(f"{snapshot.url(on_demand.SEARCH)}/{mark}{query.decode()}")


def redirect_asset(snapshot: SiteSnapshot, path: str) -> HttpResponse | None:
    """Return the redirect to the icon, or to the list of feeds."""
    if path in (FAVICON_PATH, TOUCH_ICON_PATH) and snapshot.config.site.icon:
        return redirect(snapshot.config.site.icon)
    return redirect(snapshot.url(OPML_PATH)) if path == WELL_KNOWN_LIST else None


def page_at(path: str) -> str:
    """Return the address of the page that a path means which lacks its slash."""
    page = address_of(path)
    return page + ("" if page.endswith("/") or not page else "/")


def guessed_feed(snapshot: SiteSnapshot, path: str) -> str | None:
    """Return the path of the feed of all articles for an address that readers guess, or None."""
    formats = snapshot.config.feeds.formats
    wanted = GUESSED_FEEDS.get(path)
    if wanted is None:
        return None
    name = wanted if wanted in formats else next(name for name in formats if name in SUBSCRIBED)
    return feed_path("all", "") + SUBSCRIBED[name].suffix


def moved_or_gone(snapshot: SiteSnapshot, path: str) -> HttpResponse | None:
    """Return a redirect to where a feed is now, or 410 for one that the configuration ends."""
    feeds = snapshot.config.feeds
    if any(belongs_to_feed(path, feed) for feed in feeds.gone):
        return text_response(410)
    for old, new in feeds.moved:
        if is_document(new):  # an old address leads to the feed in one format
            if path.removesuffix("/") == old:
                return redirect(snapshot.url(new))
        elif belongs_to_feed(path, old):
            return redirect(snapshot.url(new + path.removeprefix(old)))
    return None


def belongs_to_feed(path: str, feed: str) -> bool:
    """Return whether a path is that of a feed in any format, of its archives or of its page."""
    return path.startswith(feed) and path[len(feed) :][:1] in ("", ".", "/")
