"""Where articles come from: a folder of files with front matter, read one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhub.sources.directory import Directory
from feedhub.sources.records import Found, Reading, ReadOptions, Source

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Found", "ReadOptions", "Reading", "Source", "open_source"]


def open_source(place: Path, options: ReadOptions) -> Source:
    """Return the source at `place`; another kind of source is one more branch here."""
    return Directory(place, options)
