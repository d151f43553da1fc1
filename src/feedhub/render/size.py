"""The size of an output folder: files and bytes, and which parts of the site they belong to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from feedhub.formats import PAGE
from feedhub.site import Planned
from feedhub.sources.assets import COPIES


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSize:
    """The files and bytes of a folder, without feedhub's own, and those that a render wrote.

    `parts` has the bytes of `feeds`, `archives`, `pages`, `compressed` copies and `assets`.
    """

    files: int = 0
    bytes: int = 0
    written_files: int = 0
    written_bytes: int = 0
    parts: Mapping[str, int] = field(default_factory=dict)


def output_size(
    plan: Iterable[Planned], outputs: Mapping[str, tuple[str, str]], written: Collection[str]
) -> OutputSize:
    """Return the size of a folder from the stamps of its files, of which some were `written`."""
    part_of_document = {planned.path: part_of(planned) for planned in plan}
    parts = Counter[str]()
    written_bytes = 0
    for path, (_, stamp) in outputs.items():
        size = int(stamp.partition(" ")[0] or 0)
        part = part_of_document.get(path)
        if part is None:
            part = "assets" if path.startswith(f"{COPIES}/") else "compressed"
        parts[part] += size
        if path in written:
            written_bytes += size
    return OutputSize(
        files=len(outputs),
        bytes=parts.total(),
        written_files=len(written),
        written_bytes=written_bytes,
        parts=parts,
    )


def part_of(planned: Planned) -> str:
    """Return the part of the site that a document belongs to."""
    if planned.format is PAGE or planned.state is None:
        return "pages"
    return "archives" if planned.state.period else "feeds"
