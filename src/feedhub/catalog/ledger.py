"""The ledger of a catalog: what readers were told and files cannot tell, in a small file.

It lies where it outlives the catalog, and is read where the catalog is new: deleted, damaged, or
emptied by another version of feedhub. Of an article it has no more than digests and a date; labels
and images stand in it as long as a document names them.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, replace

from feedhub.catalog.database import Database, upsert
from feedhub.catalog.state import Identity, StoredMemory, SyncState, read_record, write_record
from feedhub.errors import OutputError, output_errors
from feedhub.fingerprint import digest
from feedhub.sources import SourceMemory
from feedhub.text import slugify

# A field that is added has a default and comes last; only another layout is another version.
VERSION = 1
# Digests, which are most of it, cannot be compressed; names and addresses can.
COMPRESSION_LEVEL = 1
GZIP = 31  # with a checksum


class ArticleEntry(Struct, frozen=True, array_like=True):
    """What readers have of an article: digests of its id and of its content, and its `updated`."""

    id: bytes
    digest: bytes
    updated: int


class LedgerFeed(Struct, frozen=True, array_like=True):
    """A feed as the catalog stores it: of a retired one there are only digests."""

    kind: str
    key: str | None
    label: str | None
    slug: str | None
    emptied_at: int | None
    due: int | None
    key_digest: bytes | None
    slug_digest: bytes | None


class StateEntry(Struct, frozen=True, array_like=True):
    """The state of a feed (period "") or of one of its archives, as the catalog stores it.

    `feed` is the position of the feed, from 1 on.
    """

    feed: int
    period: str
    older: str
    newer: str
    count: int
    newest: int | None
    updated: int
    changed_at: int
    fingerprint: str
    content: str


class IndexEntry(Struct, frozen=True, array_like=True):
    """When a document that lists the site changed."""

    path: str
    fingerprint: str
    changed_at: int


class ImageEntry(Struct, frozen=True, array_like=True):
    """What a server said of an image of a published article."""

    url: str
    state: str
    looked_up_at: int
    retry_at: int
    failures: int
    media_type: str
    length: int | None
    width: int | None
    height: int | None


class Ledger(Struct, frozen=True, kw_only=True):
    """What a new catalog takes over; `articles` are published or withdrawn, which it hides.

    `sync` has no counters: those of a catalog mean nothing in another one. `source_ids` are what
    the source knows of articles, by path: of those that are published, and of pages of a built site
    that its feed holds no more.
    """

    version: int
    sync: SyncState
    identity: Identity = Identity()
    source_ids: dict[str, str] = {}
    articles: tuple[ArticleEntry, ...] = ()
    feeds: tuple[LedgerFeed, ...] = ()
    states: tuple[StateEntry, ...] = ()
    indexes: tuple[IndexEntry, ...] = ()
    images: tuple[ImageEntry, ...] = ()


def encode_ledger(database: Database) -> bytes:
    """Return the ledger of a catalog; equal bytes mean that nothing in it differs."""
    published = sorted((digest(identity), *row) for identity, *row in database.iterate(_PUBLISHED))
    # The newest tombstones last, as in the catalog, which forgets the first ones.
    articles = [*published, *database.iterate(_TOMBSTONES)]
    return encode_rows(database, articles, names_of(database))


def encode_rows(
    database: Database, articles: Sequence[tuple[object, ...]], names: dict[str, object]
) -> bytes:
    """Return a ledger with these articles and names, and all the rest of the catalog."""
    feeds = database.iterate("SELECT number FROM feeds ORDER BY kind, key NULLS FIRST, key_digest")
    places = {row[0]: place for place, row in enumerate(feeds, 1)}
    sync = read_record(database, SyncState)
    rows = {
        "version": VERSION,
        "sync": replace(sync, generation=0, revision=0, published=0, made_at=0, reshaped=0),
        "articles": articles,
        "states": sorted((places[feed], *row) for feed, *row in database.iterate(_STATES)),
        "indexes": database.fetch_all(_INDEXES),
        **names,
    }
    return zlib.compress(msgspec.msgpack.encode(rows), COMPRESSION_LEVEL, wbits=GZIP)


def names_of(database: Database) -> dict[str, object]:
    """Return the parts of a ledger that are no digests: of what is withdrawn no name stays."""
    source_ids = read_record(database, StoredMemory).memory.ids
    if source_ids:
        hidden = {row[0] for row in database.iterate(_HIDDEN_PATHS)}
        source_ids = {path: source_ids[path] for path in sorted(source_ids.keys() - hidden)}
    return {
        "identity": read_record(database, Identity),
        "source_ids": source_ids,
        "feeds": [row[1:] for row in database.iterate(_FEEDS)],
        "images": database.fetch_all(_IMAGES),
    }


def decode_ledger(data: bytes) -> Ledger | None:
    """Return a ledger, or None if it is damaged or of a version that this one cannot read.

    What was appended has the same names, other articles, and all the rest.
    """
    ledger, data = decode_first(data)
    if ledger is None:
        return None
    articles = {entry.id: entry for entry in ledger.articles}
    while data:
        later, data = decode_first(data)
        if later is None:  # the run died while it wrote: no reader has seen what is missing
            break
        ledger = replace(ledger, sync=later.sync, states=later.states, indexes=later.indexes)
        for entry in later.articles:
            articles.pop(entry.id, None)  # the newest come last
            articles[entry.id] = entry
    return replace(ledger, articles=tuple(articles.values()))


def decode_first(data: bytes) -> tuple[Ledger | None, bytes]:
    """Return the first of several ledgers, None for a damaged one, and the bytes behind it."""
    stream = zlib.decompressobj(wbits=GZIP)
    try:
        ledger = msgspec.msgpack.decode(stream.decompress(data), type=Ledger)
    except (zlib.error, msgspec.MsgspecError, UnicodeDecodeError):
        return None, b""
    is_whole = stream.eof and ledger.version == VERSION
    return (ledger, stream.unused_data) if is_whole else (None, b"")


def restore(database: Database, ledger: Ledger) -> list[int]:
    """Fill an empty catalog from a ledger, before its first sync.

    Every article becomes a tombstone, until its file is read. Returns the numbers of the feeds that
    are not retired.
    """
    feeds = [
        (place, *astuple(feed), int(feed.slug is not None and feed.slug != slugify(feed.key or "")))
        for place, feed in enumerate(ledger.feeds, 1)
    ]
    database.execute_many(_PUT_FEED, feeds)
    tables = (
        (_PUT_TOMBSTONE, ledger.articles),
        (_PUT_STATE, ledger.states),
        (_PUT_INDEX, ledger.indexes),
        (_PUT_IMAGE, ledger.images),
    )
    for statement, entries in tables:
        database.execute_many(statement, map(astuple, entries))
    write_record(database, ledger.identity)
    write_record(database, StoredMemory(memory=SourceMemory(ids=ledger.source_ids)))
    return [place for place, feed in enumerate(ledger.feeds, 1) if feed.slug is not None]


def read_ledger(path: Path, on_damage: Callable[[], object]) -> Ledger | None:
    """Return the ledger at `path`; None if there is none, and after `on_damage` a damaged one.

    Raises OutputError if it cannot be read.
    """
    data = _read(path)
    if data is None:
        return None
    ledger = decode_ledger(data)
    if ledger is None:
        on_damage()
    return ledger


class LedgerStamp(NamedTuple):
    """What the catalog remembers of a ledger: of which revision it is, and which bytes it has.

    `base` is the size of what is not appended, `names` a digest of the names in it.
    """

    revision: int
    checksum: str
    base: int
    names: str

    @classmethod
    def parse(cls, text: str, checksum: str) -> LedgerStamp:
        """Return the stamp of a text that `__str__` has made; of another that of no ledger."""
        parts = text.split()
        if len(parts) != 3:
            return cls(-1, "", 0, "")
        return cls(int(parts[0]), checksum, int(parts[1]), parts[2])

    def __str__(self) -> str:
        return f"{self.revision} {self.base} {self.names}"


def write_ledger(
    database: Database, path: Path, known: LedgerStamp, before: int, changed: Collection[str]
) -> LedgerStamp:
    """Bring the ledger at `path` up to the catalog; return its stamp.

    `known` is its stamp, `changed` are the ids of the articles that have changed since the revision
    `before`. Only these are appended if the ledger is of that revision, no name in it has changed,
    and it has not doubled. Raises OutputError if it cannot be written.
    """
    revision, checksum = read_record(database, SyncState).revision, checksum_of(path)
    is_known = known.checksum == checksum != ""
    if is_known and known.revision == revision:
        return known
    names = names_of(database)
    names_digest = f"{zlib.crc32(msgspec.msgpack.encode(names)):08x}"
    if changed and is_known and (known.revision, known.names) == (before, names_digest):
        rows = [entry_of(database, identity) for identity in sorted(changed)]
        data = encode_rows(database, [row for row in rows if row], {})
        with output_errors(path):
            if path.stat().st_size + len(data) < 2 * known.base:
                with path.open("ab") as file:
                    write_through(file, data)
                return LedgerStamp(revision, checksum_of(path), known.base, names_digest)
    data = encode_ledger(database)
    if _read(path) != data:
        new = path.with_name(f"{path.name}.new")
        with output_errors(path):
            with new.open("wb") as file:
                write_through(file, data)
            new.replace(path)
    return LedgerStamp(revision, checksum_of(path), len(data), names_digest)


def entry_of(database: Database, identity: str) -> tuple[object, ...] | None:
    """Return the entry of a published or withdrawn article, None for one that readers never had."""
    row = database.fetch_one(f"{_PUBLISHED} AND id = ?", (identity,))
    if row is not None:
        return (digest(identity), *row[1:])
    return database.fetch_one(_ONE_TOMBSTONE, (digest(identity),))


def write_through(file: BinaryIO, data: bytes) -> None:
    """Write to the disk: a rename, or what readers see, must not be there earlier."""
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def checksum_of(path: Path) -> str:
    """Return a checksum of the ledger at `path`, or "" if there is none; raises OutputError."""
    data = _read(path)
    return "" if data is None else f"{zlib.crc32(data):08x}"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"{path}: cannot be read: {error.strerror}") from error


_PUBLISHED = "SELECT id, substr(digest, 1, 16), updated FROM articles WHERE state = 'shown'"
_HIDDEN_PATHS = "SELECT path FROM articles WHERE state != 'shown'"
_TOMBSTONES = "SELECT id, digest, updated FROM tombstones ORDER BY number"
_ONE_TOMBSTONE = "SELECT id, digest, updated FROM tombstones WHERE id = ?"
_PUT_TOMBSTONE = upsert("tombstones", "id", "digest updated")
_FEEDS = """
SELECT number, kind, key, label, slug, emptied_at, due, key_digest, slug_digest
FROM feeds ORDER BY kind, key NULLS FIRST, key_digest
"""
_PUT_FEED = """
INSERT INTO feeds (number, kind, key, label, slug, emptied_at, due, key_digest, slug_digest,
    is_override)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_STATES = """
SELECT feed, period, older, newer, count, newest, updated, changed_at, fingerprint, content
FROM states
"""
_PUT_STATE = """
INSERT INTO states (feed, period, older, newer, count, newest, updated, changed_at, fingerprint,
    content)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INDEXES = "SELECT path, fingerprint, changed_at FROM index_dates ORDER BY path"
_PUT_INDEX = "INSERT INTO index_dates (path, fingerprint, changed_at) VALUES (?, ?, ?)"
_IMAGES = """
SELECT url, state, looked_up_at, retry_at, failures, media_type, length, width, height
FROM images ORDER BY url
"""
_PUT_IMAGE = """
INSERT INTO images (url, state, looked_up_at, retry_at, failures, media_type, length, width, height)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
