"""The catalog as the server sees it: read in one thread, never written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

from feedhub.catalog import (
    Catalog,
    CatalogAddress,
    CatalogFollower,
    FeedCounts,
    QueueStatus,
    ReceiverState,
    SyncReport,
    SyncState,
)
from feedhub.config import Config, PurgeConfig
from feedhub.document import CODINGS
from feedhub.errors import CatalogError, FeedhubError
from feedhub.formats import Format
from feedhub.selection import Selection
from feedhub.server.resource_cache import ResourceCache
from feedhub.server.snapshot import (
    CachePolicy,
    Resource,
    SiteSnapshot,
    make_resource,
    make_snapshot,
)
from feedhub.site import Planned, Site, config_of_catalog
from feedhub.site.arrivals import Arrivals
from feedhub.site.cache_tags import shared_max_age

T = TypeVar("T")

EMPTY = "nothing is published yet: waiting for feedhub sync"
DRAFTS_DIFFER = "feedhub sync and feedhub serve must both have --drafts, or neither"
OTHER_VERSION = (
    "the catalog is of another version of feedhub: restart feedhub sync and feedhub serve"
)


class BuiltDocument(NamedTuple):
    """The bytes of a document without a coding and in the requested one, and its resource."""

    resource: Resource
    plain: bytes
    body: bytes


class VanishedError(CatalogError):
    """The document does not exist any more."""


class CatalogReader:
    """Opens the catalog at `address` and follows it: another process may write or replace it.

    The catalog holds the configuration that it was made with, which decides what the documents
    are; of the one that `read_config` returns, only [http] counts. If it returns None, that of the
    catalog counts for this too. Call all methods from one thread.
    """

    def __init__(
        self,
        address: CatalogAddress,
        read_config: Callable[[], Config | None],
        *,
        drafts: bool = False,
    ) -> None:
        self._follower = CatalogFollower(address, read_only=True)
        self._read_config = read_config
        self._drafts = drafts
        self._config = read_config()
        self._catalog: Catalog | None = None
        self._site: Site | None = None
        self._catalog_config = Config()
        self._version: object = None
        self._snapshot_key: tuple[object, ...] = ()
        # What all resources depend on besides the feeds that they are of.
        self._resources_key: tuple[object, ...] = ()
        self.snapshot: SiteSnapshot | None = None
        self.resources = ResourceCache()
        self.problem = "starting"
        self.sync_report = SyncReport()
        self.counts = FeedCounts()
        self.hub = ReceiverState()
        self.purge, self.purges = ReceiverState(), QueueStatus(0, None)
        self.oldest_purge: float | None = None
        self.webhook, self.messages = ReceiverState(), QueueStatus(0, None)
        self.oldest_message: float | None = None
        self.pings = QueueStatus(0, None)

    def refresh(self) -> None:
        """Load what another process has written; an error is stored in `problem`.

        The snapshot stays as it is while the catalog is missing, damaged or of another version.
        """
        try:
            catalog = self._follower.catalog() or self._catalog
            if catalog is None:
                raise CatalogError(EMPTY)
            if catalog is not self._catalog:
                self._catalog, self._site = catalog, None
            version = self._follower.version()
            if version != self._version:
                self._load(catalog)
                self._version = version
        except Exception as error:  # after a bug, too, the last snapshot must be served
            expected = isinstance(error, (FeedhubError, OSError))
            self.problem = str(error) if expected else f"{type(error).__name__}: {error}"
            self._version = None

    def reload(self) -> None:
        """Read the configuration again; raises ConfigError, and the old one stays."""
        self._config = self._read_config()
        self._version = None

    def find(self, path: str) -> Resource | None:
        """Return the resource of the document at a path, or None; a look-up unless it is cached.

        Raises CatalogError if the catalog cannot be read.
        """

        def look_up(site: Site) -> Resource | None:
            planned = site.find(path)
            resource = planned and self._make_resource(site, planned)
            self.resources.add(path, resource)
            return resource

        # The snapshot must not be older than what is found: a request for another coding may still
        # get a cached response of the document before.
        if self._version is None or self._follower.version() != self._version:
            self.refresh()
        cached = self.resources.get(path)  # by another request that has waited
        return cached.resource if cached else self._read(look_up)

    def is_retired(self, kind: str, slug: str) -> bool:
        """Return whether a feed was retired; raises CatalogError if the catalog cannot be read."""
        return self._read(lambda site: site.is_retired(kind, slug))

    def build(self, resource: Resource, coding: str, plain: bytes | None) -> BuiltDocument:
        """Return the present document at the address of `resource`.

        `plain` is its bytes without a coding, if they are known. Raises VanishedError if it does
        not exist any more, CatalogError if the catalog cannot be read.
        """
        if plain is None:
            resource, plain = self._read(lambda site: self._build_current(site, resource))
        return BuiltDocument(resource, plain, CODINGS[coding].encode(plain) if coding else plain)

    def on_demand(self, wanted: Selection | str, row: Format) -> Resource:
        """Return the resource of a selection, or of the story with a slug, in a format.

        Raises VanishedError if there is none, CatalogError if the catalog cannot be read.
        """

        def find(site: Site) -> Resource:
            planned = site.on_demand(wanted, row)
            if planned is None:
                raise VanishedError("nothing matches")
            return self._make_resource(site, planned)

        return self._read(find)

    def asset(self, place: str) -> Path | None:
        """Return the copy of a picture, audio or video, None where no published article shows it.

        Raises CatalogError if the catalog cannot be read.
        """
        if self._catalog is None:
            raise CatalogError(EMPTY)
        return self._catalog.assets.file(place)

    def wrong_search(self, reason: str) -> bytes:
        """Return the page for a search with a wrong parameter; raises CatalogError."""
        site = self._opened_site()
        with site.snapshot():
            return site.wrong_search(reason)

    def delta(self, resource: Resource, bases: Iterable[str]) -> bytes | None:
        """Return the document with the entries that are new since the first known base.

        `bases` are fingerprints. Returns None if none is known, or if the document has changed.
        """
        site = self._opened_site()
        with site.snapshot():
            if site.current(resource.planned) != resource.planned:
                return None
            deltas = (site.delta(resource.planned, base) for base in bases)
            return next((body for body in deltas if body is not None), None)

    def arrivals(self, paths: tuple[str, ...], after: str) -> Arrivals | None:
        """Return what came into the feeds at these paths after a position, "" for now.

        None while the snapshot is older than the catalog: nobody learns of an article before it is
        served. Raises VanishedError if a feed is not published, CatalogError if the catalog cannot
        be read.
        """

        def find(site: Site) -> Arrivals | None:
            feeds = [site.feed_at(path) for path in paths]
            if None in feeds:
                raise VanishedError("no such feed")
            if self.snapshot is None or self.snapshot.generation != site.generation():
                return None
            return site.arrivals(filter(None, feeds), after)

        return self._read(find)

    def close(self) -> None:
        """Close the catalog."""
        self._follower.close()

    def _read(self, read: Callable[[Site], T]) -> T:
        """Return what `read` returns, after a refresh if the configuration has changed."""
        for _ in range(2):
            site = self._opened_site()
            with site.snapshot():
                if site.matches_catalog():
                    return read(site)
            self.refresh()
        raise CatalogError(OTHER_VERSION)

    def _opened_site(self) -> Site:
        if self._site is None:
            raise CatalogError(EMPTY)
        return self._site

    def _make_resource(self, site: Site, planned: Planned) -> Resource:
        leads_to_page = (self._config or self._catalog_config).http.feed_pages
        return make_resource(site, planned, leads_to_page=leads_to_page)

    def _build_current(self, site: Site, resource: Resource) -> tuple[Resource, bytes]:
        """Return the resource that is now at the address, and its bytes; raises VanishedError."""
        planned = site.current(resource.planned)
        if planned is None:
            raise VanishedError(f"{resource.planned.path} is gone")
        if planned != resource.planned:
            resource = self._make_resource(site, planned)
            if not planned.on_demand:
                self.resources.add(planned.path, resource)
        return resource, site.document(planned).body

    def _load(self, catalog: Catalog) -> None:
        with catalog.snapshot():
            self.sync_report = catalog.read(SyncReport)
            hub = catalog.changes("hub")
            self.hub, self.pings = hub.state(), hub.status()
            purge = catalog.changes("purge")
            self.purge, self.purges = purge.state(), purge.status()
            self.oldest_purge = purge.oldest()
            webhook = catalog.changes("webhook")
            self.webhook, self.messages = webhook.state(), webhook.status()
            self.oldest_message = webhook.oldest()
            self.counts = catalog.read(FeedCounts)
            self._load_site(catalog)
            due = catalog.next_due()
            self._update_snapshot(catalog, None if due is None else due.timestamp())
            self.problem = self.sync_report.problem

    def _load_site(self, catalog: Catalog) -> None:
        """Use the configuration that the catalog was made with; raises CatalogError."""
        if self._site is not None and self._site.matches_catalog():
            return
        if not catalog.generation():
            raise CatalogError(EMPTY)
        config = config_of_catalog(catalog)
        site = Site(catalog, config, drafts=self._drafts)
        if not site.matches_catalog():
            drafts_differ = catalog.read(SyncState).private != self._drafts
            raise CatalogError(DRAFTS_DIFFER if drafts_differ else OTHER_VERSION)
        self._site, self._catalog_config = site, config

    def _update_snapshot(self, catalog: Catalog, due: float | None) -> None:
        generation = catalog.generation()
        own = self._config or config_of_catalog(catalog)
        purge = PurgeConfig() if self._drafts else self._catalog_config.purge
        config = replace(self._catalog_config, http=own.http, purge=purge)
        key = (self._follower.identity, generation, due, config)
        if key == self._snapshot_key:
            return
        site, before = self._opened_site(), self.snapshot
        resources_key = (site, config, site.links_fingerprint())
        changed = None
        is_later = before is not None and generation >= before.generation
        if before is not None and is_later and resources_key == self._resources_key:
            changed = site.changed_since(before.generation)
        if changed is None:
            self.resources.clear()
        else:
            self.resources.forget(changed)
        self._snapshot_key, self._resources_key = key, resources_key
        policy = CachePolicy(
            config.http, drafts=self._drafts, shared_max_age=shared_max_age(config.purge)
        )
        self.snapshot = make_snapshot(site, config, policy, generation, due)
