"""Rendering: the documents of a site become files of a folder; only what changed is touched."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from feedhub.catalog import Catalog, Changes, refuse_shrinking
from feedhub.catalog.assets import moved, write_copy
from feedhub.document import CODINGS
from feedhub.errors import Problem
from feedhub.fork_map import fork_map
from feedhub.render.folder import Manifest, OutputFolder, StagedFile, digest_of
from feedhub.render.size import OutputSize, output_size
from feedhub.site import Planned, Site
from feedhub.sources import Source
from feedhub.sources.assets import COPIES

__all__ = ["RenderReport", "render"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderReport:
    """What one render did: the sync's findings, and documents written, unchanged and removed.

    `lost_codings` are the content codings of which the folder had copies and has none any more.
    """

    changes: Changes
    published: int
    written: int
    unchanged: int
    removed: int
    size: OutputSize
    lost_codings: tuple[str, ...] = ()


def render(
    site: Site,
    catalog: Catalog,
    source: Source,
    out: Path,
    *,
    now: datetime,
    paths: Collection[str] | None = None,
    compress: tuple[str, ...] = (),
    drafts: bool = False,
    allow_shrink: bool = False,
    accept_new_ids: bool = False,
    processes: int = 1,
    on_progress: Callable[[], object] = lambda: None,
    on_damaged_ledger: Callable[[Path], object] = lambda path: None,
) -> RenderReport:
    """Bring the folder `out` up to the source as it is to be shown at `now`.

    `paths` are the files of the source that may have changed since the last render, None stands for
    all.

    Raises ShrinkError, and leaves the folder as it is, if nothing or less than half of what was
    published last time would be left, unless `allow_shrink`; NewIdsError if the ids of published
    articles would change, unless `accept_new_ids`; OutputError if the folder cannot be
    written. Up to `processes` processes read and write. `on_progress` is called for each file of
    the source and for each document. A new catalog takes over the ledger of the folder;
    `on_damaged_ledger` is called if that is not possible.
    """
    folder, root = OutputFolder(out), os.path.realpath(out)

    def accept(changes: Changes, before: int) -> None:
        # A catalog that has lost nothing takes note even so of when to look again.
        if (before or ledger) and not allow_shrink:
            refuse_shrinking(changes, folder.manifest.published)

    with folder.locked():
        ledger = catalog.read_ledger(folder.ledger, partial(on_damaged_ledger, folder.ledger))
        changes = site.sync(
            source,
            now,
            on_progress,
            accept,
            paths=paths,
            processes=processes,
            accept_new_ids=accept_new_ids,
            ledger=ledger,
        )
        with site.snapshot():
            published = changes.published
            if not allow_shrink:
                refuse_shrinking(changes, folder.manifest.published)
            writer = DocumentWriter(folder, site, catalog.outputs(root), compress)
            plan = site.plan().values()
            # A forked process must not use the connection of its parent.
            begin = partial(catalog.follow_fork, catalog.share_snapshot())
            writer.write(plan, processes, begin, on_progress)
            unread = writer.add_copies(source, catalog.assets.shown())
            changes = replace(changes, problems=(*changes.problems, *unread))
        # What a preview lets in is no measure for what the next render publishes.
        measure = folder.manifest.published if drafts else published
        folder.flush()
        catalog.write_ledger(folder.ledger)
        codings = codings_of(writer.files)
        lost = [name for name in codings_of(folder.manifest.files) if name not in codings]
        removed = folder.commit(Manifest(measure, writer.files))
        outputs = writer.outputs()
        catalog.remember_outputs(root, outputs)
        catalog.release_changes(now.timestamp())
    return RenderReport(
        changes=changes,
        published=published,
        written=writer.written,
        unchanged=writer.unchanged,
        removed=removed,
        size=output_size(plan, outputs, writer.written_files),
        lost_codings=tuple(lost),
    )


def codings_of(paths: Iterable[str]) -> list[str]:
    """Return the content codings of which there are copies among these files."""
    suffixes = {path[path.rfind(".") :] for path in paths}
    return [name for name, coding in CODINGS.items() if coding.suffix in suffixes]


class DocumentWriter:
    """Decides for each document whether its files can stay, and stages those that cannot.

    `remembered` has the fingerprint and the stamp of each file, by path, as the last render left
    it; `files` are the digests of all that are to be in the folder, `written_files` those of them
    that are new.
    """

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
        self._suffixes = ["", *(coding.suffix for coding in self._codings)]
        self._unchanged: dict[str, tuple[str, str]] = {}
        self._fingerprints: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.written_files: set[str] = set()
        self.written = 0
        self.unchanged = 0

    def write(
        self,
        plan: Iterable[Planned],
        processes: int,
        begin: Callable[[], object],
        on_progress: Callable[[], object],
    ) -> None:
        """Stage all documents of a plan that the folder lacks.

        Up to `processes` processes, which call `begin` first, build them. `on_progress` is called
        for each document.
        """
        missing = []
        for planned in plan:
            if self.keep_unchanged(planned):
                on_progress()
            else:
                missing.append(planned)
        with (
            self._site.entries_spooled(missing, self._folder.temporary_file, processes, begin),
            closing(fork_map(self.stage, missing, processes, begin)) as staged,
        ):
            for planned, files in zip(missing, staged, strict=True):
                self.add(planned.fingerprint, files)
                on_progress()

    def keep_unchanged(self, planned: Planned) -> bool:
        """Keep a document if it has not changed and its files are untouched; return whether it is.

        Nothing is built or read for that.
        """
        paths = [planned.path + suffix for suffix in self._suffixes]
        return self._keep_files(paths, planned.fingerprint)

    def _keep_files(self, paths: list[str], expected: str) -> bool:
        digests = self._folder.manifest.files
        for path in paths:
            fingerprint, stamp = self._remembered.get(path, ("", ""))
            # Size, time and inode stand for the bytes: reading all files would take too long.
            known = path in digests and fingerprint == expected
            if not known or stamp != self._folder.stamp(path):
                return False
        self.files.update((path, digests[path]) for path in paths)
        self._unchanged.update((path, self._remembered[path]) for path in paths)
        self.unchanged += 1
        return True

    def stage(self, planned: Planned) -> list[StagedFile]:
        """Build a document and stage what differs from the bytes on disk; return all its files."""
        body = self._site.document(planned).body
        files = [self._stage_file(planned.path, body)]
        for coding in self._codings:
            path = planned.path + coding.suffix
            files.append(self._stage_file(path, coding.encode(body), files[0]))
        return files

    def _stage_file(self, path: str, body: bytes, plain: StagedFile | None = None) -> StagedFile:
        """Stage a file unless the folder has it; a new `plain` document has new coded copies."""
        if (plain is None or not plain.name) and self._folder.holds(path, body):
            return StagedFile(path, digest_of(body), "")
        return self._folder.stage(path, body, like=plain.path if plain else "")

    def add_copies(self, source: Source, shown: dict[str, str]) -> list[Problem]:
        """Stage the copies of files that articles show, by place, which the folder lacks.

        Returns a problem for each file that has changed since.
        """
        problems = []
        for place, name in shown.items():
            path = f"{COPIES}/{place}"
            if self._keep_files([path], place):
                continue
            if staged := self._folder.stage_copy(path, partial(write_copy, source, name, place)):
                self.add(place, [staged])
            else:
                problems.append(moved(source, name))
        return problems

    def add(self, fingerprint: str, files: list[StagedFile]) -> None:
        """Take over the files of a document, which another process may have staged."""
        for staged in files:
            self._fingerprints[staged.path] = fingerprint
            self.files[staged.path] = staged.digest
            if staged.name:
                self._folder.take(staged)
                self.written_files.add(staged.path)
        self.written += bool(files[0].name)
        self.unchanged += not files[0].name

    def outputs(self) -> dict[str, tuple[str, str]]:
        """Return the fingerprint and the stamp of each file, once all are committed."""
        return self._unchanged | {
            path: (fingerprint, self._folder.stamp(path))
            for path, fingerprint in self._fingerprints.items()
        }
