"""The entries of the site's own feeds, each with its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import urlsplit

from feedhub.feed_reader import FeedContent, ParsedEntry
from feedhub.sources.built.folder import SiteFolder, file_names, path_of
from feedhub.text import short_hash

# A site lies at the root of its host, or a few folders below.
MAX_PREFIX_FOLDERS = 3


class SiteEntry(NamedTuple):
    """An entry of the feed at `feed`, with the path of its `page`, or "" where that is elsewhere.

    `path` identifies it in the catalog; `language` is its own, else that of its feed, else that of
    the home page, `home_language`. The entry of an older page has no text: `text` is the selector
    of that in the page, or "" where the feed has excerpts only.
    """

    path: str
    page: str
    feed: str
    entry: ParsedEntry
    language: str
    is_older: bool = False
    text: str = ""
    home_language: str = ""


class Pairing(NamedTuple):
    """The entries of a feed that can be published, and the links of those whose page is missing.

    `prefix` is the path below which the site is mounted.
    """

    entries: list[SiteEntry]
    missing: list[tuple[str, str]]
    prefix: str


def host_of(address: str) -> str:
    """Return the host of an address in lower case, or ""."""
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""


def find_prefix(folder: SiteFolder, content: FeedContent) -> str:
    """Return the path below which the site is mounted, by the majority of its entries' links."""
    votes: Counter[str] = Counter()
    for entry in content.entries:
        parts = path_of(entry.link).rstrip("/").split("/")
        # Without its last part, every address would be that of the home page.
        for count in range(min(MAX_PREFIX_FOLDERS + 1, len(parts))):
            prefix = "/".join(parts[:count])
            if folder.find(entry.link, prefix):
                votes[prefix] += 1
                break
    return max(votes, key=lambda prefix: (votes[prefix], -len(prefix)), default="")


def pair(
    folder: SiteFolder,
    feed: str,
    content: FeedContent,
    language: str,
    exclude: Iterable[str],
) -> Pairing:
    """Return the entries of a feed with their pages.

    An entry whose link leads to another host needs none. An excluded page has no entry.
    """
    prefix = find_prefix(folder, content)
    met = [entry for entry in content.entries if folder.find(entry.link, prefix)]
    # Nothing else than pages that are there tells the site's host if the feed does not.
    counted = met or (() if content.link else content.entries)
    hosts = Counter(host_of(entry.link) for entry in counted)
    own = {"", host_of(content.link), *(host for host, _ in hosts.most_common(1))}
    pairing = Pairing([], [], prefix)
    for entry in content.entries:
        page = folder.find(entry.link, prefix) if entry.link and host_of(entry.link) in own else ""
        if page and any(fnmatchcase(page, pattern) for pattern in exclude):
            continue
        if not page and entry.link and host_of(entry.link) in own:
            names = file_names(entry.link, prefix)
            expected = next(name for name in names if name.endswith((".html", ".htm")))
            pairing.missing.append((entry.link, expected))
            continue
        path = page or f"{feed}#{short_hash(entry.id)}"
        tags = entry.language or content.language or language
        found = SiteEntry(path, page, feed, entry, tags, home_language=language)
        pairing.entries.append(found)
    return pairing


def unique_entries(entries: Iterable[SiteEntry]) -> list[SiteEntry]:
    """Return each id once; entries that share a page, as notes of one day do, differ in path."""
    found: dict[str, SiteEntry] = {}
    paths: set[str] = set()
    for entry in entries:
        identity = entry.entry.id or entry.path
        if identity in found:
            continue
        if entry.path in paths:
            entry = entry._replace(path=f"{entry.path}#{short_hash(identity)}")
        paths.add(entry.path)
        found[identity] = entry
    return list(found.values())
