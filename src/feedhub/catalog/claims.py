"""Which file has an id and an address that several claim, and what readers had of an id before.

The one that was published stays: the same file or, if that is gone or the catalog was lost, the one
that says what readers have; of several at one address, the one whose id they know. Else, of two
files with one id, the one without an `id` of its own comes first, then the older article, then the
path; of two articles with one address the older, then the path. So a fresh catalog decides the same
whatever the order in which files are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from feedhub.catalog.database import Database, upsert
from feedhub.catalog.labels import LabelSync
from feedhub.catalog.records import ArticleRow, StoredFile, decode_article
from feedhub.errors import Problem
from feedhub.feed import labels_of
from feedhub.fingerprint import digest

# The newest tombstones stay, about 80 bytes each: what left before them gets the date of a new
# article when it returns. A number, not an age: the clock may jump.
MAX_TOMBSTONES = 100_000


class ClaimSync:
    """Settles the claims of all files inside the transaction of a sync.

    A file first becomes a row; `settle` decides when all rows are there, for files may swap ids.
    What there was of an id is noted before the first of its rows changes. Without
    `unique_addresses` articles may share one.
    """

    def __init__(
        self,
        database: Database,
        labels: LabelSync,
        now: datetime,
        *,
        kinds: tuple[str, ...],
        language: str,
        unique_addresses: bool,
    ) -> None:
        self._database = database
        self._labels = labels
        self._now = now
        self._kinds, self._language = kinds, language
        self._unique_addresses = unique_addresses
        # Of the files known before, 0 for none: then nothing is looked up.
        self._last_number: int = database.fetch_value(_LAST_NUMBER) or 0
        self._has_tombstones = bool(database.fetch_value(_HAS_TOMBSTONES))
        # By id: the rows before the sync, and what readers have of it, tombstones too.
        self._rows: dict[str, list[StoredFile]] = {}
        self._published: dict[str, StoredFile | None] = {}
        # What is taken: all that articles of this sync have, and what they met.
        self._ids: set[str] = set()
        self._addresses: set[bytes] = set()
        # What must be settled, in order of path, so that tombstones are too.
        self._open_ids: dict[str, None] = {}
        self._open_addresses: dict[bytes, None] = {}
        self._read: set[int] = set()  # numbers of the files that claim something anew
        self._unlabelled: set[int] = set()  # numbers of those that must be labelled if shown
        self._shown: set[str] = set()  # ids that are shown as far as they have been settled
        self.changed: set[str] = set()  # ids of which readers may have something else now

    def published_before(self, identity: str) -> StoredFile | None:
        """Return what readers have of an id, though its article may be hidden now."""
        if identity not in self._published:
            shown = [row for row in self._rows_before(identity) if row.state == "shown"]
            self._published[identity] = shown[0] if shown else self._take_tombstone(identity)
        return self._published[identity]

    def _take_tombstone(self, identity: str) -> StoredFile | None:
        if not self._has_tombstones:
            return None
        row = self._database.fetch_one(_TOMBSTONE, (digest(identity),))
        if row is None:
            return None
        self._database.execute(_DELETE_TOMBSTONE, (digest(identity),))
        return StoredFile.of_tombstone(identity, *row)

    def _rows_before(self, identity: str) -> list[StoredFile]:
        """Return the rows that had an id before the sync: ask before one of them changes."""
        if not self._last_number:
            return []
        if identity not in self._rows:
            found = self._database.fetch_all(_ROWS_OF_ID, (identity, self._last_number))
            self._rows[identity] = list(map(StoredFile._make, found))
        return self._rows[identity]

    def prepare(self, stored: StoredFile | None, article: ArticleRow) -> StoredFile | None:
        """Note what there was before the row of a file changes; return what readers have."""
        if stored and stored.id is not None:
            self._rows_before(stored.id)
        if self._last_number:
            if self._rows_before(article.id):
                self._ids.add(article.id)
            if self._database.fetch_value(_HAS_ADDRESS, (article.address,)):
                self._addresses.add(article.address)
        return self.published_before(article.id)

    def is_renamed(self, identity: str, before: str) -> bool:
        """Return whether readers know an article by the id that it had before, not by its own."""
        if self.published_before(identity):
            return False
        self._open_ids.setdefault(before)  # it leaves a tombstone
        return self.published_before(before) is not None

    def claim(self, number: int, stored: StoredFile | None, article: ArticleRow) -> None:
        """Let a file claim the id and the address of its article, whose row has been written."""
        if not (stored and stored.looks_like(article)):
            self.changed.add(article.id)
        if stored and stored.id is not None:
            if stored.id != article.id:
                self._labels.remove(number)
            if (stored.id, stored.address) != (article.id, article.address):
                self.release(stored)
        id_taken = article.id in self._ids
        address_taken = self._unique_addresses and article.address in self._addresses
        self._ids.add(article.id)
        self._addresses.add(article.address)
        if not (id_taken or address_taken):  # nearly always: then there is nothing to settle
            self._labels.add(number, article.id, article.published, article.labels)
        elif not (stored and stored.looks_like(article)):
            self._read.add(number)
            self._unlabelled.add(number)
            self._open_ids[article.id] = None

    def release(self, stored: StoredFile) -> None:
        """Let others have the id and the address that a file had."""
        if stored.id is not None and stored.address is not None:
            self._rows_before(stored.id)
            self.changed.add(stored.id)
            self._open_ids[stored.id] = None
            self._open_addresses[stored.address] = None

    def reopen(self) -> None:
        """Settle all that was settled before anew, and label every article again."""
        for row in self._database.fetch_all(_ROWS, (self._last_number,)):
            stored = StoredFile._make(row)
            self.release(stored)
            self._unlabelled.add(stored.number)

    def settle(self) -> None:
        """Give out what was claimed or released; an id that is shown no more leaves a tombstone."""
        self.changed.update(self._open_ids)
        for identity in self._open_ids:
            self._settle_id(identity)
        for address in self._open_addresses:
            self._settle_address(address)
        for identity in self._open_ids:
            before = self.published_before(identity)
            if before and identity not in self._shown:
                tombstone = (digest(identity), before.digest, before.updated)
                self._database.execute(_PUT_TOMBSTONE, tombstone)
        self._database.execute(_PRUNE_TOMBSTONES, (MAX_TOMBSTONES,))

    def _settle_id(self, identity: str) -> None:
        """Give an id to one of the files that claim it."""
        claims = self._database.fetch_all(_CLAIMS_OF_ID, (identity,))
        rows, before = self._rows_before(identity), self.published_before(identity)
        holder = next((row.number for row in rows if row.state in ("shown", "repeated")), None)
        known = before and before.digest
        claims.sort(key=lambda claim: (claim[0] == holder, claim[3] == known), reverse=True)
        for place, (number, address, state, _) in enumerate(claims):
            self._open_addresses[address] = None
            if place:
                self._hide(number, "duplicate")
            elif state == "duplicate":
                self._unlabelled.add(number)
                self._database.execute(_SET_STATE, ("shown", number))

    def _settle_address(self, address: bytes) -> None:
        """Show one of the articles at an address, or all if they may share it."""
        claims = self._database.fetch_all(_CLAIMS_OF_ADDRESS, (address,))
        claims.sort(key=lambda claim: self._rank(address, claim[1]), reverse=True)
        for place, (number, identity, state) in enumerate(claims):
            if place and self._unique_addresses:
                self._hide(number, "repeated")
                self._open_ids.setdefault(identity)
                self.changed.add(identity)
            else:
                self._show(number, identity, state)

    def _rank(self, address: bytes, identity: str) -> tuple[bool, bool]:
        """Return whether an id was shown at this address, and whether readers know it at all."""
        before = self.published_before(identity)
        return before is not None and before.address == address, before is not None

    def _hide(self, number: int, state: str) -> None:
        self._labels.remove(number)
        self._database.execute(_SET_STATE, (state, number))

    def _show(self, number: int, identity: str, state: str) -> None:
        self._shown.add(identity)
        if state == "shown" and number not in self._unlabelled:
            return
        self._labels.remove(number)
        self._database.execute(_SET_STATE, ("shown", number))
        (columns,) = self._database.fetch_all(_ARTICLE, (number,))
        row = ArticleRow._make((*columns, (), False))
        before = self.published_before(identity)
        # Reading a file has seen to its own dates, but not to those of another.
        own = (number, 0) if number in self._read else (number,)
        if before and before.number not in own and row.updated <= (before.updated or 0):
            row = row.updated_at(before.updated_with(row, self._now))
            self._database.execute(_SET_UPDATED, (row.updated, number))
            self.changed.add(identity)
            self._database.execute(PUT_RECORD, (number, row.record))
        labels = labels_of(decode_article(row.record), self._kinds, self._language)
        self._labels.add(number, identity, row.published, labels)


def claim_problems(database: Database, locate: Callable[[str], str]) -> Iterator[Problem]:
    """Yield a problem for each file whose id or address another has; `locate` names that."""
    for path, first in database.iterate(_DUPLICATES):
        message = f"the id is that of {locate(first)}, which stays: "
        message += "give this article another id or file name"
        yield Problem(path=path, code="duplicate-id", message=message)
    for path, first in database.iterate(_REPEATED):
        message = f"the address is that of {locate(first)}, which stays; this article is left out: "
        message += "give it another address or remove one of the two"
        yield Problem(path=path, level="warning", code="duplicate-url", message=message)


_LAST_NUMBER = "SELECT MAX(number) FROM articles"
_FILE = """
SELECT number, stamp, state, due, id, substr(digest, 1, 16), updated, address FROM articles
"""
_ROWS_OF_ID = f"{_FILE} WHERE id = ? AND number <= ?"
_ROWS = f"{_FILE} WHERE number <= ? ORDER BY path"
_HAS_ADDRESS = "SELECT EXISTS (SELECT 1 FROM articles WHERE address = ?)"
_CLAIMS_OF_ID = """
SELECT number, address, state, substr(digest, 1, 16) FROM articles WHERE id = ?
ORDER BY own_id, published, path
"""
_CLAIMS_OF_ADDRESS = """
SELECT number, id, state FROM articles WHERE address = ? AND state IN ('shown', 'repeated')
ORDER BY published, path
"""
_ARTICLE = """
SELECT id, substr(digest, 1, 16), published, updated, size, address, own_id, 0, record
FROM articles JOIN records USING (number) WHERE number = ?
"""
_SET_STATE = "UPDATE articles SET state = ? WHERE number = ?"
_SET_UPDATED = "UPDATE articles SET updated = ? WHERE number = ?"
PUT_RECORD = upsert("records", "number", "record")
_DUPLICATES = """
SELECT articles.path, other.path FROM articles JOIN articles AS other ON other.id = articles.id
WHERE articles.state = 'duplicate' AND other.state IN ('shown', 'repeated')
"""
_REPEATED = """
SELECT articles.path, other.path
FROM articles JOIN articles AS other ON other.address = articles.address
WHERE articles.state = 'repeated' AND other.state = 'shown'
"""
_HAS_TOMBSTONES = "SELECT EXISTS (SELECT 1 FROM tombstones)"
_TOMBSTONE = "SELECT digest, updated FROM tombstones WHERE id = ?"
_PUT_TOMBSTONE = upsert("tombstones", "id", "digest updated")
_DELETE_TOMBSTONE = "DELETE FROM tombstones WHERE id = ?"
_PRUNE_TOMBSTONES = """
DELETE FROM tombstones WHERE number <= (SELECT MAX(number) FROM tombstones) - ?
"""
