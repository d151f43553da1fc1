"""The addresses of the site at one moment, each with the header fields of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from feedhub.dates import format_http_date
from feedhub.formats import PAGE_MEDIA_TYPE
from feedhub.site import address_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from feedhub.config import Config
    from feedhub.server.cache_policy import CachePolicy
    from feedhub.site import Planned, Site

Header = tuple[bytes, bytes]

# The data is public and no answer depends on a login, so every page of the web may read it.
_OPEN = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link"),
)
_VARY = (b"vary", b"Accept-Encoding")
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
# There are as many selections as somebody can think of: no search engine need have them all.
_UNLISTED = ((b"x-robots-tag", b"noindex"),)
_FEED_CSP = "default-src 'none'; frame-ancestors 'none'"


class Representation(NamedTuple):
    """One representation: its tag, and its header fields but for Cache-Control and length."""

    etag: str
    whole: tuple[Header, ...]
    not_modified: tuple[Header, ...]


class Resource:
    """What stands at one address; header fields are made when they are first needed."""

    __slots__ = ("_links", "_variants", "last_modified", "name", "planned", "url")

    def __init__(self, planned: Planned, url: str, hub: str = "") -> None:
        self.planned = planned
        self.url = url
        # Subscribers stop at the first hub or self they find: never the one without the other.
        hubs = f', <{hub}>; rel="hub"' if hub else ""
        self._links = f'<{url}>; rel="self"{hubs}'.encode()
        self.name = planned.path.partition("?")[0].rpartition(".")[2]
        self.last_modified = int(planned.changed_at.timestamp())
        self._variants: dict[str, Representation] = {}

    def representation(self, coding: str) -> Representation:
        """Return the representation in a content coding, "" for none."""
        found = self._variants.get(coding)
        if found is None:
            found = self._variants[coding] = self._variant(coding)
        return found

    def dated(self, fields: tuple[Header, ...], now: float) -> tuple[Header, ...]:
        """Return header fields without a time that is still to come (RFC 9110, 8.8.2.1).

        Changes that follow each other within a second are given the seconds after it.
        """
        if self.last_modified <= now:
            return fields
        present = format_http_date(int(now)).encode()
        return tuple((n, present if n == b"last-modified" else value) for n, value in fields)

    def _variant(self, coding: str) -> Representation:
        """Each coding has a tag of its own (RFC 9110, 8.8.3.3); a 304 repeats what a 200 says of
        the representation (15.4.5).
        """
        etag = self.planned.etag(coding)
        validators = (
            (b"etag", etag.encode()),
            (b"last-modified", format_http_date(self.last_modified).encode()),
            _VARY,
        )
        coded = ((b"content-encoding", coding.encode()),) if coding else ()
        whole = (
            (b"content-type", self.planned.media_type.encode()),
            *coded,
            *validators,
            (b"link", self._links),
            (b"content-security-policy", self._policy().encode()),
            *(_UNLISTED if self.planned.on_demand else ()),
            *_SAFE,
            *_OPEN,
        )
        return Representation(etag, whole, (*validators, *_OPEN))

    def _policy(self) -> str:
        if self.planned.media_type != PAGE_MEDIA_TYPE:
            return _FEED_CSP
        from feedhub.formats.pages import CSP  # Jinja2, which feeds do not need

        return CSP


class SiteSnapshot(NamedTuple):
    """Everything that is served at one moment: entries by address, and when time will change it.

    `prefix` is the path of the base address; every address begins with it. `url` gives the public
    address of a path.
    """

    generation: int
    due: float | None
    resources: dict[str, Resource]
    cache_policy: CachePolicy
    config: Config
    prefix: str
    url: Callable[[str], str]

    def find(self, path: str, raw_path: bytes) -> Resource | None:
        """Return what stands at a path, given decoded and as it was sent, or None.

        A slash that is encoded is no separator (RFC 3986, 2.2).
        """
        if b"%" in raw_path and b"%2f" in raw_path.lower():
            return None
        return self.resources.get(path)


def resource_of(site: Site, planned: Planned) -> Resource:
    """Return what stands at the address of a document."""
    return Resource(planned, site.url(planned.path), site.hub_of(planned))


def make_snapshot(
    site: Site,
    config: Config,
    cache_policy: CachePolicy,
    generation: int,
    due: float | None,
    before: Mapping[str, Resource],
) -> SiteSnapshot:
    """Return the edition of a site; what has not changed is taken from the one `before`."""
    prefix = unquote(urlsplit(config.site.base_url).path)
    resources = {}
    for planned in site.plan(stories=False).values():
        address = f"{prefix}/{address_of(planned.path)}"
        known = before.get(address)
        same = known is not None and known.planned == planned
        resources[address] = known if known and same else resource_of(site, planned)
    return SiteSnapshot(generation, due, resources, cache_policy, config, prefix, site.url)
