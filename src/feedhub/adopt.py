"""Adopting the ids of an earlier feed: which entry is which article."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from feedhub.errors import ConfigError
from feedhub.feed import feed_path
from feedhub.feed_reader import FeedContent, FeedReadError, looks_like_feed, read_feed
from feedhub.formats import SUBSCRIBED
from feedhub.limits import MAX_ADDRESS
from feedhub.sources.adopted_ids import AdoptedId
from feedhub.text import UNPRINTABLE

# A feed of an earlier site, in a folder of many other files, has one of these endings.
FEED_SUFFIXES = (".xml", ".rss", ".atom", ".rdf", ".json")
_PAGE_SUFFIXES = ("index.html", "index.htm", ".html", ".htm")


class OldFeed(NamedTuple):
    """A feed and where it is."""

    path: Path
    content: FeedContent


class UnmatchedEntry(NamedTuple):
    """An entry that gives no id, by its address or else its title, and why."""

    name: str
    reason: str


class Adoption(NamedTuple):
    """All adopted ids, and of the feed: how many entries meet an article, which gave it no id.

    So many ids are `added`, so many were `known` before.
    """

    ids: tuple[AdoptedId, ...]
    met: int
    added: int
    known: int
    passed_over: tuple[UnmatchedEntry, ...]


def read_old_feeds(path: Path) -> Iterator[OldFeed]:
    """Yield the feed at `path`, or every feed below that folder, in order of path.

    Raises ConfigError if there is none, or one that cannot be read.
    """
    if path.is_file():
        files = [path]
    else:
        below = sorted(path.rglob("*")) if path.is_dir() else []
        files = [file for file in below if file.suffix in FEED_SUFFIXES and file.is_file()]
        files = [file for file in files if looks_like_feed(_beginning(file))]
    if not files:
        raise ConfigError(f"{path}: there is no feed; give the file, or its address to curl first")
    for file in files:
        try:
            yield OldFeed(file, read_feed(file.read_bytes()))
        except FeedReadError as error:
            raise ConfigError(f"{file}:{error.line}: {error}") from None
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None


def _beginning(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(1024)
    except OSError:
        return b""


def adopt(
    feed: FeedContent, articles: Iterable[tuple[str, str]], known: tuple[AdoptedId, ...]
) -> Adoption:
    """Return the known ids and those that the entries of a feed give to articles.

    `articles` are path and address of each. What is known stays. An entry without an article gives
    its id to the one that will have its address.
    """
    finder = ArticleFinder(articles, urlsplit(feed.link).hostname or "")
    ids = list(known)
    by_url = {row.url: row.id for row in known}
    by_path = {row.path: row.id for row in known if row.path}
    taken = {row.id for row in known}
    passed_over: list[UnmatchedEntry] = []
    met = before = 0
    for entry in feed.entries:
        path, url, reason = finder.find(entry.link)
        met += path != ""
        stays = by_path.get(path) or by_url.get(url)
        if stays == entry.id:
            before += 1
        elif not url:
            passed_over.append(UnmatchedEntry(entry.title or "an entry without a title", reason))
        elif stays is not None:
            passed_over.append(UnmatchedEntry(url, "it has another id already, which stays"))
        elif entry.id in taken:
            passed_over.append(UnmatchedEntry(url, "another article has the same id, and keeps it"))
        elif len(entry.id) > MAX_ADDRESS or UNPRINTABLE.search(entry.id):
            passed_over.append(UnmatchedEntry(url, "no feed can hold its id"))
        else:
            ids.append(AdoptedId(id=entry.id, url=url, path=path))
            by_url[url] = entry.id
            taken.add(entry.id)
            if path:
                by_path[path] = entry.id
            else:
                passed_over.append(UnmatchedEntry(url, reason))
    return Adoption(tuple(ids), met, len(ids) - len(known), before, tuple(passed_over))


def move_of(feed: OldFeed, base_url: str, formats: Iterable[str]) -> tuple[str, str]:
    """Return the path of an earlier feed below the site, and that of the document it is now.

    That has the same format, if it is one of `formats`. Raises ConfigError if the feed does not say
    where it is, or that is not below `base_url`.
    """
    names = [name for name in formats if name in SUBSCRIBED]
    name = feed.content.format if feed.content.format in names else names[0]
    new = feed_path("all", "") + SUBSCRIBED[name].suffix
    address = urlsplit(feed.content.address)
    prefix = f"{urlsplit(base_url).path}/"
    old = unquote(address.path).removeprefix(prefix).strip("/")
    if not address.hostname:
        raise ConfigError(
            f"{feed.path}: does not say what its address is; "
            f'write it into feeds.moved yourself, as in "feed.xml -> {new}"'
        )
    if not address.path.startswith(prefix) or not old:
        raise ConfigError(
            f"{feed.path}: its address is no path below {base_url}/, so feeds.moved cannot have "
            "it: let the server at that address redirect it"
        )
    return old, new


class ArticleFinder:
    """Finds the article that has an address, or had it under another scheme, ending or host.

    Only addresses at `old_host`, that of the earlier site, may have another host now.
    """

    def __init__(self, articles: Iterable[tuple[str, str]], old_host: str) -> None:
        self._old_host = old_host
        self._exact: dict[str, str] = {}
        self._loose: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for path, url in articles:
            self._exact.setdefault(url, path)
            host, page = loose_address(url)
            self._loose.setdefault((host, page), []).append((path, url))
            self._loose.setdefault(("", page), []).append((path, url))

    def find(self, url: str) -> tuple[str, str, str]:
        """Return path and address of the article, and if there is none "", `url` and why."""
        if not url:
            return "", "", "the entry has no address"
        if url in self._exact:
            return self._exact[url], url, ""
        host, page = loose_address(url)
        found = self._loose.get((host, page), [])
        if not found and urlsplit(url).hostname == self._old_host:
            found = self._loose.get(("", page), [])
        if len(found) == 1:
            return *found[0], ""
        return "", url, "several articles may be it" if found else "no article has this address"


def loose_address(url: str) -> tuple[str, str]:
    """Return host and page of an address, the same in all spellings that sites use for one page."""
    parts = urlsplit(url)
    page = unquote(parts.path)
    for suffix in _PAGE_SUFFIXES:
        page = page.removesuffix(suffix)
    query = "" if parts.query.startswith("utm_") else parts.query
    return (parts.hostname or "").removeprefix("www."), f"{page.rstrip('/')}?{query}"
