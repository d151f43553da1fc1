"""Rendering: the documents of a site become files of a folder; only what changed is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feedhub.catalog import refuse_shrinking
from feedhub.document import CODINGS
from feedhub.render.folder import Manifest, OutputFolder, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from feedhub.catalog import Catalog, Changes
    from feedhub.document import Document
    from feedhub.site import Planned, Site
    from feedhub.sources import Source

__all__ = ["Report", "render"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one render did: the sync's findings, and documents written, unchanged and removed."""

    changes: Changes
    published: int
    written: int
    unchanged: int
    removed: int


def render(
    site: Site,
    catalog: Catalog,
    source: Source,
    out: Path,
    *,
    now: datetime,
    compress: tuple[str, ...] = (),
    drafts: bool = False,
    allow_shrink: bool = False,
    step: Callable[[], object] = lambda: None,
) -> Report:
    """Bring the folder `out` up to the source as it is to be shown at `now`.

    Raises ShrinkError, and leaves the folder as it is, where nothing or less than half of what was
    published last time would be left, unless `allow_shrink`; OutputError where the folder cannot be
    written. A preview with `drafts` is nothing that a later render is measured by. `step` is called
    for each file of the source and for each document.
    """
    folder, root = OutputFolder(out), os.path.realpath(out)
    with folder.locked():
        changes = site.sync(source, now, step)
        with catalog.snapshot():
            published = catalog.count()
            if not allow_shrink:
                refuse_shrinking(changes, folder.manifest.published)
            writer = _Writer(folder, site, catalog.outputs(root), compress)
            for planned in site.plan().values():
                writer.put(planned)
                step()
        measure = folder.manifest.published if drafts else published
        removed = folder.commit(Manifest(measure, writer.files))
        catalog.remember_outputs(root, writer.outputs())
    return Report(
        changes=changes,
        published=published,
        written=writer.written,
        unchanged=writer.unchanged,
        removed=removed,
    )


class _Writer:
    """Decides for each document whether it stands already, and stages it where it does not."""

    def __init__(
        self,
        folder: OutputFolder,
        site: Site,
        remembered: dict[str, tuple[str, str]],
        compress: tuple[str, ...],
    ) -> None:
        self._folder = folder
        self._site = site
        self._remembered = remembered
        self._codings = [CODINGS[name] for name in compress]
        self._standing: dict[str, tuple[str, str]] = {}
        self._fresh: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.written = 0
        self.unchanged = 0

    def put(self, planned: Planned) -> None:
        """Account for one document of the plan."""
        paths = [planned.path, *(planned.path + coding.suffix for coding in self._codings)]
        if all(self._stands(path, planned.fingerprint) for path in paths):
            self.files.update((path, self._folder.manifest.files[path]) for path in paths)
            self._standing.update((path, self._remembered[path]) for path in paths)
            self.unchanged += 1
            return
        self._fresh.update(dict.fromkeys(paths, planned.fingerprint))
        differs = self._write(self._site.document(planned))
        self.written += differs
        self.unchanged += not differs

    def outputs(self) -> dict[str, tuple[str, str]]:
        """Return what to remember of each file, once all are in their places."""
        fresh = {path: (mark, self._folder.stamp(path)) for path, mark in self._fresh.items()}
        return self._standing | fresh

    def _stands(self, path: str, fingerprint: str) -> bool:
        mark, stamp = self._remembered.get(path, ("", ""))
        known = path in self._folder.manifest.files
        return known and mark == fingerprint and stamp == self._folder.stamp(path)

    def _write(self, document: Document) -> bool:
        """Stage what differs from the bytes on disk; tell whether the document itself did."""
        differs = not self._keep(document.path, document.body)
        if differs:
            self.files[document.path] = self._folder.stage(document.path, document.body)
        for coding in self._codings:
            path = document.path + coding.suffix
            coded = coding.encode(document.body)
            if differs or not self._keep(path, coded):
                self.files[path] = self._folder.stage(path, coded, like=document.path)
        return differs

    def _keep(self, path: str, body: bytes) -> bool:
        """Take a file with the right bytes as ours, whoever wrote it."""
        if not self._folder.holds(path, body):
            return False
        self.files[path] = digest_of(body)
        return True
