"""The cache of resources: what was looked up, until its feed changes."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import NamedTuple

from cachetools import LRUCache

from feedhub.fingerprint import digest
from feedhub.server.snapshot import Resource
from feedhub.site import parse_feed_path

MAX_BYTES = 24_000_000
# Clients choose the paths that do not exist: they must not push out what exists.
MAX_ABSENT_BYTES = 1_000_000
# About what a resource takes with the header fields of two codings, besides its path, which it
# holds several times; and what is kept of a path without a resource.
RESOURCE_BYTES, PATH_COPIES, ABSENT_BYTES = 5_500, 6, 400
# What stands for the documents that list the site: any change may change them.
LISTS = b""


class CachedResource(NamedTuple):
    """What is at a path: a resource or None; `feed` is the digest of its kind and slug, or LISTS.

    Absence is cached too, and ends when the feed comes.
    """

    feed: bytes
    resource: Resource | None


class PathCache(LRUCache[str, CachedResource]):
    """The least recently used paths go first; `paths` are those of each feed."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self.paths: dict[bytes, set[str]] = {}

    def add(self, path: str, cached: CachedResource) -> None:
        """Add what is at a path, unless it is larger than the whole cache."""
        if self.getsizeof(cached) <= self.maxsize:
            self[path] = cached
            self.paths.setdefault(cached.feed, set()).add(path)

    def __delitem__(self, path: str) -> None:
        """Remove a path, perhaps because there is no room."""
        feed = self[path].feed
        super().__delitem__(path)
        known = self.paths[feed]
        known.discard(path)
        if not known:
            del self.paths[feed]

    @staticmethod
    def getsizeof(value: CachedResource) -> int:
        """Return about how many bytes a resource takes."""
        if value.resource is None:
            return ABSENT_BYTES
        return RESOURCE_BYTES + PATH_COPIES * len(value.resource.planned.path)


class ResourceCache:
    """The resources of one site by path; any thread may use it.

    The thread that reads the catalog adds what it has looked up and forgets what has changed, in
    the order in which it sees both, so nothing stays that is out of date.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._lock = Lock()
        self._present = PathCache(max_bytes)
        self._absent = PathCache(MAX_ABSENT_BYTES)

    def __len__(self) -> int:
        """Return how many resources are cached."""
        return len(self._present)

    def get(self, path: str) -> CachedResource | None:
        """Return what is known to be at a path, None if it must be looked up."""
        with self._lock:
            return self._present.get(path) or self._absent.get(path)

    def add(self, path: str, resource: Resource | None) -> None:
        """Add what was looked up."""
        named = parse_feed_path(path)
        cached = CachedResource(digest(named.kind, named.slug) if named else LISTS, resource)
        with self._lock:
            self._remove(path)
            (self._absent if resource is None else self._present).add(path, cached)

    def forget(self, feeds: Iterable[bytes]) -> None:
        """Forget the documents of these feeds, and those that list the site."""
        with self._lock:
            for feed in {LISTS, *feeds}:
                for cache in (self._present, self._absent):
                    for path in list(cache.paths.get(feed, ())):
                        del cache[path]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._present = PathCache(int(self._present.maxsize))
            self._absent = PathCache(MAX_ABSENT_BYTES)

    def _remove(self, path: str) -> None:
        for cache in (self._present, self._absent):
            if path in cache:
                del cache[path]
