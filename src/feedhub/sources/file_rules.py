"""The rules for article files, wherever they are: which names count, and what decides the reading.

It imports no parser: most runs read nothing.
"""

from __future__ import annotations

from feedhub.errors import Problem
from feedhub.fingerprint import Value, fingerprint, named_values
from feedhub.sources import ReadOptions
from feedhub.text import UNPRINTABLE

SUFFIXES = (".md", ".markdown", ".html", ".txt", ".yml", ".yaml")
# A folder with this file is the output of a render, which may be in the source: no articles.
MANIFEST = ".feedhub/manifest.json"
# Raise it when the same bytes are read differently by newer code: the catalog then reads every
# file again.
READER_VERSION = 6


def signature_of(options: ReadOptions, *, root: Value, generator: str) -> str:
    """Return a text that changes when the same bytes below `root` would be read differently."""
    values = named_values(
        root=root,
        generator=generator,
        authority=options.authority,
        collection=options.collection,
        base_url=options.base_url,
        permalinks=options.permalinks,
        zone=str(options.zone),
        ignore=options.ignore,
        drafts=options.drafts,
        unknown_keys=options.unknown_keys,
    )
    return fingerprint(READER_VERSION, values)


def bad_name(path: str) -> Problem | None:
    """Return the problem of a path that could forge a line of a log, or None."""
    if not UNPRINTABLE.search(path):
        return None
    message = "the name holds characters that cannot be shown: rename it"
    return Problem(path=ascii(path)[1:-1], code="bad-name", message=message)


def unreadable(path: str, error: OSError) -> Problem:
    """Return the problem of a path that the system does not let us read."""
    reason = error.strerror or type(error).__name__
    return Problem(path=path, code="unreadable", message=f"cannot be read: {reason}")
