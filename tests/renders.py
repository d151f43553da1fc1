"""Render a bench to a folder, and see which files of a folder changed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from feedhub.render import RenderReport, render
from feedhub.site import source_of
from tests.kit import NOW, Bench


def render_bench(bench: Bench, out: Path, now: datetime = NOW, **options: object) -> RenderReport:
    """Render the bench's source to `out` as the command would at `now`."""
    given: dict[str, object] = {"compress": bench.config.render.compress, "drafts": bench.drafts}
    source = source_of(bench.root, bench.config, drafts=bench.drafts)
    return render(bench.site, bench.catalog, source, out, now=now, **given | options)  # type: ignore[arg-type]


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return mtime and inode of everything below a folder, folders too, by relative path."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_mtime_ns, path.lstat().st_ino)
        for path in [folder, *folder.rglob("*")]
    }


def published(folder: Path) -> set[str]:
    """Return the paths of everything below a folder but feedhub's own files."""
    every = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    return {path for path in every if path.partition("/")[0] != ".feedhub"}
