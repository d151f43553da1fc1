"""Cache tags: the names by which a cache drops exactly the documents that a sync changed.

The name of a document is its path without suffix, so its formats and codings share it. A few names
stand for many documents: `feedhub` for all of the site, `pages` for those that link to each other,
the folder of a kind, such as `topics`, and `on-demand` for searches and stories.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from feedhub.config import HttpConfig, PurgeConfig
from feedhub.feed import FeedState, feed_path
from feedhub.fingerprint import digest
from feedhub.formats import PAGE_MEDIA_TYPE
from feedhub.kinds import KINDS, ON_DEMAND_KINDS

SITE_TAG = "feedhub"
PAGES_TAG = "pages"
ON_DEMAND_TAG = "on-demand"
# So long may a group be that every cache must know (RFC 9875, 2). Caches may ignore case.
_PLAIN = re.compile("[a-z0-9][a-z0-9./-]{0,31}")
# A sync that changes more documents has the cache drop all of them, which is one request.
MAX_NAMES = 1_000
# The header field with the tags that a service reads, and what stands between them.
FIELDS = {"Surrogate-Key": " ", "xkey": " ", "Cache-Tag": ","}
SERVICE_FIELDS = {"varnish": "xkey", "fastly": "Surrogate-Key"}
DEFAULT_FIELD = "Cache-Tag"
# The header field that says how long a cache may keep a document. CloudFront reads only the
# `s-maxage` of Cache-Control, which `shared_max_age` is for.
LIFE_FIELDS = {"fastly": "Surrogate-Control", "cloudfront": ""}
DEFAULT_LIFE_FIELD = "CDN-Cache-Control"


def names_of(path: str, media_type: str, state: FeedState | None) -> tuple[str, ...]:
    """Return the names of a document, that of the whole site first."""
    names, is_page = [SITE_TAG], media_type == PAGE_MEDIA_TYPE
    if is_page:
        names.append(PAGES_TAG)
    if state is None:
        names.append(path)
    elif state.kind in ON_DEMAND_KINDS:
        names.append(ON_DEMAND_TAG)
    else:
        names.append(KINDS[state.kind].folder or state.kind)
        # The page of a month shows articles of the feed, of its archive, or of both.
        periods = ("", state.period.partition("/")[0]) if is_page else ()
        names += (feed_path(state.kind, state.slug, part) for part in periods or (state.period,))
    return tuple(dict.fromkeys(names))


def tag_of(name: str) -> str:
    """Return the tag of a name: the name, or a digest where a header field could not have it."""
    return name if _PLAIN.fullmatch(name) else f"t-{digest(name).hex()[:30]}"


def edge_headers(
    purge: PurgeConfig, http: HttpConfig, names: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Return the header fields of a document with these names, () if no cache is purged.

    CDN-Cache-Control (RFC 9213), or what a service reads instead, says how long that cache may keep
    it; Cache-Groups are the tags of RFC 9875. nginx is purged by address, so it may keep nothing
    that has endless addresses.
    """
    if not purge.service:
        return ()
    stale = f"stale-while-revalidate={http.stale_while_revalidate}"
    life = f"public, max-age={purge.edge_max_age}, {stale}, stale-if-error={http.stale_if_error}"
    if purge.service == "nginx":
        keeps = purge.edge_max_age and ON_DEMAND_TAG not in names
        return (("X-Accel-Expires", str(purge.edge_max_age)),) if keeps else ()
    tags = tuple(map(tag_of, names))
    field = purge.tags or SERVICE_FIELDS.get(purge.service, DEFAULT_FIELD)
    life_field = LIFE_FIELDS.get(purge.service, DEFAULT_LIFE_FIELD)
    return (
        *(((life_field, life),) if purge.edge_max_age and life_field else ()),
        (field, FIELDS[field].join(tags)),
        ("Cache-Groups", ", ".join(f'"{tag}"' for tag in tags)),
    )


def shared_max_age(purge: PurgeConfig) -> int:
    """Return the `s-maxage` of documents, 0 for none."""
    return purge.edge_max_age if purge.service == "cloudfront" else 0


def changed_names(
    states: Iterable[tuple[str, str, str]], indexes: Iterable[str], *, pages: bool, searches: bool
) -> list[str]:
    """Return the names of what a sync changed, in order; that of the site if they are too many.

    `states` are kind, slug and period of feeds, `indexes` the paths of lists. `pages` tells whether
    the links between pages moved, `searches` whether a search or story may be another.
    """
    names = {feed_path(*state) for state in states} | {*indexes}
    names |= {PAGES_TAG} if pages else set()
    names |= {ON_DEMAND_TAG} if searches else set()
    return sorted(names) if len(names) <= MAX_NAMES else [SITE_TAG]
