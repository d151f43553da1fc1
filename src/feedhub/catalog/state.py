"""The state of the catalog besides articles and feeds: one typed record for each purpose."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import msgspec
from msgspec import Struct

from feedhub.catalog.database import Database, upsert
from feedhub.errors import DamagedError, Problem
from feedhub.sources import SourceMemory


class CatalogRecord(Struct, frozen=True, kw_only=True):
    """A record of which the catalog holds one, in the row that `key` names."""

    key: ClassVar[str]


class SyncState(CatalogRecord, frozen=True, kw_only=True):
    """How far the last sync has brought the catalog.

    `generation` counts the syncs that changed a feed; `changed_at` is the Unix time of the last
    change of what can be searched, None before the first. `source_signature` stands for how files
    are read, `settings_fingerprint` for the settings of feeds. `private` tells whether
    unpublished articles were let in. `revision` counts the syncs after which the ledger may be
    another. `published` is the number of published articles. `made_at` is the Unix time of the sync
    that made the catalog: in one that is made anew, generations begin again. `reshaped` is the
    generation in which every feed may have changed.
    """

    key: ClassVar[str] = "sync state"

    generation: int = 0
    changed_at: int | None = None
    source_signature: str = ""
    settings_fingerprint: str = ""
    private: bool | None = None
    revision: int = 0
    published: int = 0
    made_at: int = 0
    reshaped: int = 0


class FeedCounts(CatalogRecord, frozen=True, kw_only=True):
    """How many feeds of labels have articles, by kind: nobody counts them all at each change."""

    key: ClassVar[str] = "feed counts"

    listed: dict[str, int] = {}


class Identity(CatalogRecord, frozen=True, kw_only=True):
    """What the ids of published articles are made of: authority, and name of the source's folder.

    Each is "" if no id contains it. `adopted` are short digests of the ids of an earlier feed that
    published articles have, one after the other, in order.
    """

    key: ClassVar[str] = "identity"

    authority: str = ""
    collection: str = ""
    adopted: bytes = b""


class StoredConfig(CatalogRecord, frozen=True, kw_only=True):
    """The configuration of the last sync, as JSON."""

    key: ClassVar[str] = "configuration"

    json: str = ""


class SyncReport(CatalogRecord, frozen=True, kw_only=True):
    """What the last good sync found, and why there has been none since.

    `articles` counts files by state; `seconds` is how long the sync took, `ended_at` a Unix time
    (0 before the first), `interval` the seconds after which the next is due, 0 where nothing
    watches. `began_at` is when the sync began that is under way, or 0. `problem` is what stopped
    the latest sync, or "".
    """

    key: ClassVar[str] = "sync report"

    articles: dict[str, int] = {}
    read: int = 0
    rejected: int = 0
    changed_feeds: int = 0
    seconds: float = 0.0
    ended_at: float = 0.0
    interval: int = 0
    began_at: float = 0.0
    problem: str = ""


class ScanProblems(CatalogRecord, frozen=True, kw_only=True):
    """What the last scan of the source could not look at: a later one may look at a part only."""

    key: ClassVar[str] = "scan problems"

    problems: tuple[Problem, ...] = ()


class SearchWaste(CatalogRecord, frozen=True, kw_only=True):
    """Whether the full text index has words that no published article has any more."""

    key: ClassVar[str] = "search waste"

    has_words: bool = False


class ReceiverState(CatalogRecord, frozen=True, kw_only=True):
    """How a receiver of changes was when it was last talked to; one record for each receiver.

    `address` is where it was; times are Unix times. `notified_at` is when it last accepted
    something, 0 for never; `problem` is what it refused or why it failed, or "". It asked for no
    requests before `not_before`.
    """

    key: ClassVar[str] = "receiver"

    address: str = ""
    notified_at: float = 0.0
    problem: str = ""
    not_before: float = 0.0


class StoredMemory(CatalogRecord, frozen=True, kw_only=True):
    """What the source wants to know at its next scan."""

    key: ClassVar[str] = "source memory"

    memory: SourceMemory = SourceMemory()


R = TypeVar("R", bound=CatalogRecord)


def read_record(database: Database, kind: type[R], name: str = "") -> R:
    """Return the record of this kind, or one of defaults; raises DamagedError for a damaged one.

    `name` tells several of one kind apart.
    """
    row = database.fetch_one(GET_RECORD, (row_name(kind, name),))
    if row is None:
        return kind()
    try:
        return msgspec.msgpack.decode(row[0], type=kind)
    except msgspec.MsgspecError as error:
        raise DamagedError(f"the {kind.key} in the catalog cannot be read: {error}") from None


def write_record(database: Database, record: CatalogRecord, name: str = "") -> None:
    """Replace the record of this kind, if it differs: a file that nobody writes stays sealed."""
    row = (row_name(type(record), name), msgspec.msgpack.encode(record))
    if database.fetch_value(GET_RECORD, row[:1]) != row[1]:
        database.execute(PUT_RECORD, row)


def row_name(kind: type[CatalogRecord], name: str) -> str:
    """Return the name of a record's row."""
    return f"{kind.key} {name}".rstrip()


GET_RECORD = "SELECT record FROM catalog_state WHERE name = ?"
PUT_RECORD = upsert("catalog_state", "name", "record")
