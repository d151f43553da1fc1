"""The paths of documents: which feed and format each names, and at which address it stands."""

from __future__ import annotations

from typing import NamedTuple

from feedhub.feed import FeedState, feed_path, feed_query
from feedhub.formats import FORMATS, Format
from feedhub.kinds import KINDS

INDEX_PATH = "index.html"
# The kinds whose feeds have a path, by the folder that it begins with.
_KINDS_BY_FOLDER = {
    kind.folder or kind.name: kind for kind in KINDS.values() if kind.name != "search"
}


class FeedPath(NamedTuple):
    """What the path of a feed's document names; `period` is "" or what follows the slug."""

    kind: str
    slug: str
    period: str
    format: Format


def parse_feed_path(path: str) -> FeedPath | None:
    """Return what a path names if it has the form of one of a feed's documents, else None."""
    for row in FORMATS.values():
        if path.endswith(row.suffix):
            break
    else:
        return None
    folder, *rest = path.removesuffix(row.suffix).split("/", 2)
    kind = _KINDS_BY_FOLDER.get(folder)
    if kind is None or "." in (name := "/".join(rest)):  # no slug has a dot
        return None
    slug, period = "", name
    if kind.folder:
        slug, _, period = name.partition("/")
        if not slug:
            return None
    # A path with more slashes is another.
    is_exact = feed_path(kind.name, slug, period) + row.suffix == path
    return FeedPath(kind.name, slug, period, row) if is_exact else None


def path_of(state: FeedState, feed_format: Format) -> str:
    """Return the path of a feed's document."""
    path = feed_path(state.kind, state.slug, state.period) + feed_format.suffix
    return path + feed_query(state.kind, state.slug)


def address_of(path: str) -> str:
    """Return the path of a document's address: that of a page is its folder's."""
    folder, _, name = path.rpartition("/")
    if name != INDEX_PATH:
        return path
    return f"{folder}/" if folder else ""


def path_at(address: str) -> str:
    """Return the path of the document at an address, the opposite of `address_of`; "" for none."""
    name = address.rpartition("/")[2]
    if name == INDEX_PATH:
        return ""
    return address if name else address + INDEX_PATH
