"""The documents that list the site, as the last sync left them: fingerprint, type and date."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from feedhub.catalog.database import Database, upsert
from feedhub.dates import from_timestamp


class IndexDocument(NamedTuple):
    """A document that lists the site; equal fingerprints mean equal bytes."""

    path: str
    fingerprint: str
    media_type: str
    changed_at: datetime


class IndexDocuments:
    """The rows of all documents that list the site.

    A sync writes them once, so that nobody else has to read all feeds to know a tag.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, path: str) -> IndexDocument | None:
        """Return the document at a path, or None."""
        row = self._database.fetch_one(_DOCUMENT, (path,))
        return _document(row) if row else None

    def all(self) -> list[IndexDocument]:
        """Return every document, in order of path."""
        rows = self._database.fetch_all(_DOCUMENTS)
        return [_document(row) for row in sorted(rows)]

    def changed_at(self, path: str) -> datetime:
        """Return when a document, or another value, changed; the start of Unix time if never."""
        known = self._database.fetch_one(_DATE, (path,))
        return from_timestamp(known[1] if known else 0)

    def update(
        self,
        path: str,
        fingerprint: str,
        *,
        now: int,
        first: Callable[[], int],
        media_type: str | None = None,
    ) -> bool:
        """Note a document, and when it changed if its fingerprint did; return whether it did.

        It changed at the Unix time `now`, at least a second after the change before; a new one at
        what `first` returns. Without a media type the path names a value that has a date, and no
        document.
        """
        known = self._database.fetch_one(_DATE, (path,))
        is_changed = known is None or known[0] != fingerprint
        if known is None:
            changed_at = first()
        else:
            changed_at = max(now, known[1] + 1) if is_changed else known[1]
        if is_changed or known is None or known[2] != media_type:
            self._database.execute(_PUT, (path, fingerprint, changed_at, media_type))
        return is_changed

    def retain(self, paths: Collection[str]) -> list[str]:
        """Take all other documents for gone, and return their paths.

        Their dates stay, so that none goes back.
        """
        gone = [row[0] for row in self._database.fetch_all(_PATHS) if row[0] not in paths]
        self._database.execute_many(_SET_GONE, ((path,) for path in gone))
        return gone


def _document(row: tuple[str, str, str, int]) -> IndexDocument:
    path, fingerprint, media_type, changed_at = row
    return IndexDocument(path, fingerprint, media_type, from_timestamp(changed_at))


_DATE = "SELECT fingerprint, changed_at, media_type FROM index_dates WHERE path = ?"
_DOCUMENTS = """
SELECT path, fingerprint, media_type, changed_at FROM index_dates WHERE media_type IS NOT NULL
"""
_DOCUMENT = f"{_DOCUMENTS} AND path = ?"
_PATHS = "SELECT path FROM index_dates WHERE media_type IS NOT NULL"
_SET_GONE = "UPDATE index_dates SET media_type = NULL WHERE path = ?"
_PUT = upsert("index_dates", "path", "fingerprint changed_at media_type")
