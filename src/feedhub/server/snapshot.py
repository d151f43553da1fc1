"""A site as it is served at one moment, and the resources of its addresses with header fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from feedhub.config import Config, HttpConfig
from feedhub.dates import format_http_date
from feedhub.formats import PAGE, PAGE_MEDIA_TYPE
from feedhub.site import Planned, Site, path_at

Header = tuple[bytes, bytes]
EdgeHeaders = Callable[[Planned], Iterable[tuple[str, str]]]

# The smallest max-age of a feed in seconds, however soon the next scheduled article is due:
# readers take a smaller one for a mistake.
MIN_MAX_AGE = 60
# The data is public and no response depends on a login, so every page of the web may read it.
CORS_HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link"),
)
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
# There are endless selections: search engines should not index them. Nor what is on no list.
NOINDEX = ((b"x-robots-tag", b"noindex"),)
FEED_CSP = "default-src 'none'; frame-ancestors 'none'"


class Representation(NamedTuple):
    """A resource in one content coding: its entity tag, and the headers of a 200 and of a 304.

    Cache-Control and Content-Length are not among them.
    """

    etag: str
    headers: tuple[Header, ...]
    not_modified_headers: tuple[Header, ...]


class Resource:
    """The document at one address; its header fields are made when they are first needed.

    `last_modified` is a Unix time. `page_url` is where a browser that opens the address is led, or
    "".
    """

    __slots__ = (
        *("_edge_headers", "_links", "_representations", "format_name", "last_modified"),
        *("page_url", "planned", "url"),
    )

    def __init__(
        self,
        planned: Planned,
        url: str,
        hub: str = "",
        page_url: str = "",
        edge_headers: EdgeHeaders = lambda _: (),
    ) -> None:
        self.planned = planned
        self.url = url
        self._edge_headers = edge_headers
        self.page_url = page_url
        # Subscribers use the first hub and the first self that they find: give both, or only self.
        hub_link = f', <{hub}>; rel="hub"' if hub else ""
        self._links = f'<{url}>; rel="self"{hub_link}'.encode()
        self.format_name = planned.path.partition("?")[0].rpartition(".")[2]
        self.last_modified = int(planned.changed_at.timestamp())
        self._representations: dict[str, Representation] = {}

    def representation(self, coding: str) -> Representation:
        """Return the representation in a content coding, "" for none.

        Each coding has its own tag (RFC 9110, 8.8.3.3). A 304 repeats the validators and Vary of
        the 200 (15.4.5), and what a cache that stores it must know.
        """
        known = self._representations.get(coding)
        if known is not None:
            return known
        etag = self.planned.etag(coding)
        validators = (
            (b"etag", etag.encode()),
            (b"last-modified", format_http_date(self.last_modified).encode()),
            (b"vary", b"Accept-Encoding"),
        )
        edge = header_pairs(self._edge_headers(self.planned))
        headers = (
            (b"content-type", self.planned.media_type.encode()),
            *(((b"content-encoding", coding.encode()),) if coding else ()),
            *validators,
            (b"link", self._links),
            (b"content-security-policy", content_security_policy(self.planned).encode()),
            *(() if self.planned.is_listed else NOINDEX),
            *SECURITY_HEADERS,
            *CORS_HEADERS,
            *edge,
        )
        new = Representation(etag, headers, (*validators, *CORS_HEADERS, *edge))
        self._representations[coding] = new
        return new

    def without_future_date(self, headers: tuple[Header, ...], now: float) -> tuple[Header, ...]:
        """Return headers whose Last-Modified is not later than `now` (RFC 9110, 8.8.2.1).

        Changes within one second are dated a second apart, so it may lie in the future.
        """
        if self.last_modified <= now:
            return headers
        present = format_http_date(int(now)).encode()
        return tuple((n, present if n == b"last-modified" else value) for n, value in headers)


def header_pairs(fields: Iterable[tuple[str, str]]) -> list[Header]:
    """Return header fields as ASGI has them."""
    return [(name.lower().encode(), value.encode()) for name, value in fields]


def content_security_policy(planned: Planned) -> str:
    """Return the Content-Security-Policy of a document."""
    return server_policy() if planned.media_type == PAGE_MEDIA_TYPE else FEED_CSP


def server_policy() -> str:
    """Return the Content-Security-Policy of a page."""
    from feedhub.formats.pages import SERVER_CSP  # loads Jinja2, which feeds do not need

    return SERVER_CSP


class CachePolicy:
    """The values of Cache-Control (RFC 9111, 5.2.2; RFC 5861); caches never keep drafts.

    `shared_max_age` is for caches that many clients share, if it is not 0.
    """

    def __init__(self, http: HttpConfig, *, drafts: bool = False, shared_max_age: int = 0) -> None:
        self._max_age = http.max_age
        self._shared = f", s-maxage={shared_max_age}" if shared_max_age else ""
        self._stale = (
            f"stale-while-revalidate={http.stale_while_revalidate}, "
            f"stale-if-error={http.stale_if_error}"
        )
        self._drafts = drafts
        self._feed = self.format(http.max_age)
        self.archive = self.format(max(http.max_age, http.archive_max_age))

    def header(self, planned: Planned, due: float | None, now: float) -> bytes:
        """Return the value for a document; `due` is when time alone will change the site.

        The newest archive of a feed may still grow and is cached like the feed.
        """
        if planned.state and planned.state.newer and planned.format is not PAGE:
            return self.archive
        if due is None or now + self._max_age <= due:
            return self._feed
        return self.format(min(self._max_age, max(MIN_MAX_AGE, int(due - now))))

    def format(self, max_age: int) -> bytes:
        """Return the value for a `max-age` in seconds."""
        if self._drafts:
            return b"private, no-store"
        return f"public, max-age={max_age}{self._shared}, {self._stale}".encode()


class SiteSnapshot(NamedTuple):
    """How a site is served at one moment; its resources are looked up when they are requested.

    Every address begins with `prefix`, the path of the base URL. `due` is the Unix time at which
    the site will change without a sync, or None. `url` returns the public URL of a path.
    """

    generation: int
    due: float | None
    cache_policy: CachePolicy
    config: Config
    prefix: str
    url: Callable[[str], str]

    def path_of(self, path: str, raw_path: bytes) -> str:
        """Return the path of the document at an address, given decoded and as it was sent, or "".

        An encoded slash is not a separator (RFC 3986, 2.2).
        """
        if b"%" in raw_path and b"%2f" in raw_path.lower():
            return ""
        start = f"{self.prefix}/"
        return path_at(path[len(start) :]) if path.startswith(start) else ""


def make_snapshot(
    site: Site, config: Config, cache_policy: CachePolicy, generation: int, due: float | None
) -> SiteSnapshot:
    """Return the snapshot of a site."""
    prefix = unquote(urlsplit(config.site.base_url).path)
    return SiteSnapshot(generation, due, cache_policy, config, prefix, site.url)


def make_resource(site: Site, planned: Planned, *, leads_to_page: bool = False) -> Resource:
    """Return the resource of a document; `leads_to_page` is for the browsers that open a feed."""
    page_url = site.page_url(planned) if leads_to_page else ""
    url, hub = site.url(planned.path), site.hub_of(planned)
    return Resource(planned, url, hub, page_url, site.edge_headers)
