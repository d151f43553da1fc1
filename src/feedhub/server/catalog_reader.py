"""The catalog as a server sees it: looked at from one thread, never written."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from feedhub.catalog import Catalog, Waiting
from feedhub.document import CODINGS
from feedhub.errors import CatalogError, FeedhubError
from feedhub.server.cache_policy import CachePolicy
from feedhub.server.snapshot import Resource, SiteSnapshot, make_snapshot, resource_of
from feedhub.site import Site, config_of_catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from feedhub.config import Config
    from feedhub.formats import Format
    from feedhub.selection import Selection
    from feedhub.site import Planned

T = TypeVar("T")


class BuiltDocument(NamedTuple):
    """The bytes of a document without coding and in the one asked for, and what they are of."""

    resource: Resource
    plain: bytes
    body: bytes


class VanishedError(CatalogError):
    """The document is not there any more."""


class CatalogReader:
    """Opens the catalog at `place` and follows it: another process may write or replace it.

    What documents say and which there are is decided by the configuration that the catalog was made
    with; `read_config` gives ours anew, of which [http] counts. All methods are called from one
    thread.
    """

    def __init__(
        self, place: Path, read_config: Callable[[], Config], *, drafts: bool = False
    ) -> None:
        self._place = place
        self._read_config = read_config
        self._drafts = drafts
        self._config = read_config()
        self._catalog: Catalog | None = None
        self._site: Site | None = None
        self._shown = self._config
        self._identity: tuple[int, int] | None = None
        self._version = -1
        self._published: tuple[object, ...] = ()
        self.snapshot: SiteSnapshot | None = None
        self.problem = "starting"
        self.synced: dict[str, Any] = {}
        self.hub: dict[str, Any] = {}
        self.pings = Waiting(0, None)

    def refresh(self) -> None:
        """Take over what another process has written since; errors become `problem`.

        What was good before stays: a catalog that is away, damaged or of another version changes
        nothing.
        """
        try:
            if self._moved():
                self._open()
            catalog = self._catalog
            if catalog is None:
                raise CatalogError(_EMPTY)
            version = catalog.version()
            if version != self._version:
                self._load(catalog)
                self._version = version
        except Exception as error:  # whatever it is, what is out stays out
            expected = isinstance(error, (FeedhubError, OSError))
            self.problem = str(error) if expected else f"{type(error).__name__}: {error}"
            self._version = -1

    def reload(self) -> None:
        """Read our configuration again; raises ConfigError, and the old one stays."""
        self._config = self._read_config()
        self._version = -1

    def build(self, resource: Resource, coding: str, plain: bytes | None) -> BuiltDocument:
        """Return the bytes of what stands at the address of `resource` now; `plain`, where known.

        Raises VanishedError where there is nothing any more, CatalogError where it cannot be told.
        """
        if plain is None:
            planned, plain = self._built(resource.planned)
            if planned != resource.planned:
                resource = resource_of(self._opened(), planned)
        return BuiltDocument(resource, plain, CODINGS[coding].encode(plain) if coding else plain)

    def on_demand(self, wanted: Selection | str, row: Format) -> Resource:
        """Return the document of a selection, or of the story at an address, in a format.

        Raises VanishedError where there is none, CatalogError where it cannot be told.
        """

        def find(site: Site) -> Resource:
            planned = site.on_demand(wanted, row)
            if planned is None:
                raise VanishedError("nobody has what is asked for")
            return resource_of(site, planned)

        return self._seen(find)

    def delta(self, resource: Resource, bases: Iterable[str]) -> bytes | None:
        """Return the document with what who holds one of `bases` has not seen.

        The first that is known counts; None where none is.
        """
        site = self._opened()
        with site.snapshot():
            if site.current(resource.planned) != resource.planned:
                return None
            told = (site.delta(resource.planned, base) for base in bases)
            return next((body for body in told if body is not None), None)

    def close(self) -> None:
        """Let go of the catalog."""
        if self._catalog is not None:
            self._catalog.close()

    def _built(self, planned: Planned) -> tuple[Planned, bytes]:
        """Build what stands there now."""
        return self._seen(lambda site: _built(site, planned))

    def _seen(self, look: Callable[[Site], T]) -> T:
        """Return what is seen; a catalog of another configuration is taken over first."""
        for _ in range(2):
            site = self._opened()
            with site.snapshot():
                if site.matches_catalog():
                    return look(site)
            self.refresh()
        raise CatalogError(_OTHER)

    def _opened(self) -> Site:
        if self._site is None:
            raise CatalogError(_EMPTY)
        return self._site

    def _moved(self) -> bool:
        """Tell whether another file stands where the catalog was opened."""
        with suppress(OSError):
            status = os.stat(self._place)  # noqa: PTH116 - five times a second
            return (status.st_dev, status.st_ino) != self._identity
        return False

    def _open(self) -> None:
        status = self._place.stat()
        catalog = Catalog(self._place, read_only=True)
        self.close()
        self._catalog, self._identity = catalog, (status.st_dev, status.st_ino)
        self._site, self._version = None, -1

    def _load(self, catalog: Catalog) -> None:
        with catalog.snapshot():
            self.synced = json.loads(catalog.noted("synced") or "{}")
            self.hub = json.loads(catalog.noted("hub") or "{}")
            self.pings = catalog.pings.waiting()
            self._fit(catalog)
            due = catalog.next_due()
            self._publish(catalog.generation(), None if due is None else due.timestamp())
            self.problem = catalog.noted("failing")

    def _fit(self, catalog: Catalog) -> None:
        """Take the configuration that the catalog was made with; raises CatalogError."""
        if self._site is not None and self._site.matches_catalog():
            return
        if not catalog.generation():
            raise CatalogError(_EMPTY)
        shown = config_of_catalog(catalog)
        site = Site(catalog, shown, drafts=self._drafts)
        if not site.matches_catalog():
            other_drafts = catalog.noted("private") != str(self._drafts)
            raise CatalogError(_DRAFTS if other_drafts else _OTHER)
        self._site, self._shown = site, shown

    def _publish(self, generation: int, due: float | None) -> None:
        config = replace(self._shown, http=self._config.http)
        key = (self._identity, generation, due, config)
        if key == self._published:
            return
        self._published = key
        before = self.snapshot
        known = before.resources if before else {}
        cache_policy = CachePolicy(config.http, drafts=self._drafts)
        self.snapshot = make_snapshot(self._opened(), config, cache_policy, generation, due, known)


def _built(site: Site, planned: Planned) -> tuple[Planned, bytes]:
    """Return what stands where `planned` stood, and its bytes; raises VanishedError."""
    now = site.current(planned)
    if now is None:
        raise VanishedError(f"{planned.path} is gone")
    return now, site.document(now).body


_EMPTY = "nothing is published yet: waiting for feedhub sync"
_DRAFTS = "of sync and serve, one has --drafts and one has not"
_OTHER = "the catalog was made by another version of feedhub: restart feedhub sync"
