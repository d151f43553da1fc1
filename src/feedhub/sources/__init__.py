"""Where articles come from: a folder of files with front matter, read one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhub.sources.files import Directory
from feedhub.sources.records import ReadOptions, ReadResult, Source, SourceFile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ReadOptions", "ReadResult", "Source", "SourceFile", "open_source"]


def open_source(place: Path, options: ReadOptions) -> Source:
    """Return the source at `place`; another kind of source is one more branch here."""
    return Directory(place, options)
