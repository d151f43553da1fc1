"""Rendering: the documents of a site become files of a folder; only what changed is touched."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from feedhub.catalog import refuse_shrinking
from feedhub.document import CODINGS
from feedhub.fork_map import fork_map
from feedhub.render.folder import Manifest, OutputFolder, Staged, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from feedhub.catalog import Catalog, Changes
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
    processes: int = 1,
    on_progress: Callable[[], object] = lambda: None,
) -> Report:
    """Bring the folder `out` up to the source as it is to be shown at `now`.

    Raises ShrinkError, and leaves the folder as it is, where nothing or less than half of what was
    published last time would be left, unless `allow_shrink`; OutputError where the folder cannot be
    written. A preview with `drafts` is nothing that a later render is measured by. So many
    `processes` read and write. `on_progress` is called for each file of the source and for each
    document.
    """
    folder, root = OutputFolder(out), os.path.realpath(out)
    with folder.locked():
        changes = site.sync(source, now, on_progress, processes=processes)
        with site.snapshot():
            published = catalog.count()
            if not allow_shrink:
                refuse_shrinking(changes, folder.manifest.published)
            writer = _Writer(folder, site, catalog.outputs(root), compress)
            begin = partial(catalog.follow_fork, catalog.generation())
            missing = [
                planned for planned in site.plan().values() if writer.lacks(planned, on_progress)
            ]
            with (
                site.entries_spooled(missing, folder.spool, processes=processes, begin=begin),
                closing(fork_map(writer.build, missing, processes, begin)) as built,
            ):
                for planned, documents in zip(missing, built, strict=True):
                    writer.put(planned, documents)
                    on_progress()
        measure = folder.manifest.published if drafts else published
        removed = folder.commit(Manifest(measure, writer.files))
        catalog.remember_outputs(root, writer.outputs())
        catalog.pings.release(now.timestamp())
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

    def lacks(self, planned: Planned, on_progress: Callable[[], object]) -> bool:
        """Account for a document of the plan that stands, or say that it must be made."""
        paths = self._paths(planned)
        if not all(self._stands(path, planned.fingerprint) for path in paths):
            return True
        self.files.update((path, self._folder.manifest.files[path]) for path in paths)
        self._standing.update((path, self._remembered[path]) for path in paths)
        self.unchanged += 1
        on_progress()
        return False

    def build(self, planned: Planned) -> list[Staged]:
        """Stage what differs from the bytes on disk; return each file of a document."""
        document = self._site.document(planned)
        body = self._staged(document.path, document.body)
        coded = [
            self._staged(planned.path + coding.suffix, coding.encode(document.body), body)
            for coding in self._codings
        ]
        return [body, *coded]

    def put(self, planned: Planned, files: list[Staged]) -> None:
        """Account for one document that was made, maybe in another process."""
        for staged in files:
            self._fresh[staged.path] = planned.fingerprint
            self.files[staged.path] = staged.digest
            if staged.name:
                self._folder.take(staged)
        self.written += bool(files[0].name)
        self.unchanged += not files[0].name

    def _paths(self, planned: Planned) -> list[str]:
        return [planned.path, *(planned.path + coding.suffix for coding in self._codings)]

    def outputs(self) -> dict[str, tuple[str, str]]:
        """Return what to remember of each file, once all are in their places."""
        fresh = {path: (mark, self._folder.stamp(path)) for path, mark in self._fresh.items()}
        return self._standing | fresh

    def _stands(self, path: str, fingerprint: str) -> bool:
        mark, stamp = self._remembered.get(path, ("", ""))
        known = path in self._folder.manifest.files
        return known and mark == fingerprint and stamp == self._folder.stamp(path)

    def _staged(self, path: str, content: bytes, of: Staged | None = None) -> Staged:
        """Stage a file unless it stands, whoever wrote it; a new document has new codings."""
        if (of is None or not of.name) and self._folder.holds(path, content):
            return Staged(path, digest_of(content), "")
        return self._folder.stage(path, content, like=of.path if of else "")
