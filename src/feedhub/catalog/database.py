"""The catalog's file: SQLite, opened safely beside other processes, and disposable.

The driver is used directly: importing SQLAlchemy takes as long as a whole warm render.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from feedhub.errors import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_APPLICATION_ID = 0x66656564  # "feed", at offset 68 of the file
_VERSION = 3
BUSY_SECONDS = 60

# Nothing of a hidden article stands here but its path, its state and when to look again.
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    number INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    stamp TEXT NOT NULL,
    state TEXT NOT NULL,
    due INTEGER,
    rejected INTEGER NOT NULL DEFAULT 0,
    problems BLOB,
    id TEXT,
    digest BLOB,
    published INTEGER,
    updated INTEGER,
    size INTEGER
);
CREATE INDEX articles_by_id ON articles (id) WHERE id IS NOT NULL;
CREATE INDEX articles_by_problem ON articles (number) WHERE problems IS NOT NULL;
CREATE TABLE records (number INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE feeds (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    label TEXT NOT NULL,
    slug TEXT,
    UNIQUE (kind, key),
    UNIQUE (kind, slug)
);
CREATE TABLE labels (
    feed INTEGER NOT NULL,
    published INTEGER NOT NULL,
    id TEXT NOT NULL,
    article INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY (feed, published DESC, id)
) WITHOUT ROWID;
CREATE INDEX labels_by_article ON labels (article);
CREATE TABLE states (
    feed INTEGER NOT NULL,
    period TEXT NOT NULL,
    older TEXT NOT NULL,
    newer TEXT NOT NULL,
    count INTEGER NOT NULL,
    newest INTEGER,
    updated INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (feed, period)
) WITHOUT ROWID;
CREATE TABLE history (
    feed INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    generation INTEGER NOT NULL,
    published INTEGER,
    id TEXT NOT NULL,
    PRIMARY KEY (feed, fingerprint)
) WITHOUT ROWID;
CREATE TABLE outputs (
    root TEXT NOT NULL,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    stamp TEXT NOT NULL,
    PRIMARY KEY (root, path)
) WITHOUT ROWID;
CREATE TABLE pings (
    path TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    since REAL NOT NULL,
    tries INTEGER NOT NULL,
    due REAL
) WITHOUT ROWID;
CREATE TABLE searched (
    number INTEGER PRIMARY KEY,
    stamp TEXT NOT NULL,
    digest BLOB NOT NULL,
    quality REAL,
    story TEXT
);
CREATE INDEX searched_by_story ON searched (story) WHERE story IS NOT NULL;
CREATE TABLE images (
    url TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    asked INTEGER NOT NULL,
    again INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    media_type TEXT NOT NULL DEFAULT '',
    length INTEGER,
    width INTEGER,
    height INTEGER
) WITHOUT ROWID;
CREATE TABLE pictured (number INTEGER PRIMARY KEY, facts BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (
    title, summary, content, names, tokenize = 'ascii', columnsize = 0
);
"""
TABLES = (
    *("meta", "articles", "records", "feeds", "labels", "states", "history", "outputs", "pings"),
    *("searched", "words", "images", "pictured"),
)


def connect(place: Path | None) -> sqlite3.Connection:
    """Open the catalog at `path`, or one in memory for None; another version's is made anew.

    Raises CatalogError where the file is not a catalog or cannot be used.
    """
    try:
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            place or ":memory:", timeout=BUSY_SECONDS, isolation_level=None
        )
        with _closed_on_error(connection):
            _prepare(connection, place)
    except sqlite3.Error as error:
        raise CatalogError(f"{place}: the catalog cannot be opened: {error}") from error
    except OSError as error:
        why = f"{error.strerror}; choose another place"
        raise CatalogError(f"{place}: the catalog cannot be opened: {why}") from error
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def connect_to_kept(place: Path, *, write: bool) -> sqlite3.Connection:
    """Open the catalog that another process keeps; without `write`, with no right to write.

    Raises CatalogError where there is none yet, or another version's.
    """
    mode, timeout = ("rw", BUSY_SECONDS) if write else ("ro", 1)
    try:
        connection = sqlite3.connect(
            f"{place.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=timeout,
            isolation_level=None,
        )
        with _closed_on_error(connection):
            known = _pragma(connection, "application_id"), _pragma(connection, "user_version")
            if known != (_APPLICATION_ID, _VERSION):
                raise CatalogError(f"{place}: this is no catalog of this version of feedhub")
    except sqlite3.Error as error:
        if not place.exists():
            told = "there is no catalog yet; feedhub render or sync makes it"
            raise CatalogError(f"{place}: {told}") from None
        raise CatalogError(f"{place}: the catalog cannot be read: {error}") from error
    return connection


def leave_readable(place: Path) -> None:
    """Leave the empty files without which those who may only read cannot open the catalog."""
    with suppress(OSError):  # then nothing was written either
        for suffix in ("-wal", "-shm") if place.is_file() else ():
            place.with_name(place.name + suffix).touch()


def _prepare(connection: sqlite3.Connection, place: Path | None) -> None:
    if _pragma(connection, "application_id") not in (0, _APPLICATION_ID):
        raise CatalogError(f"{place}: this is not a feedhub catalog; choose another place")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    # A withdrawn article leaves no trace in free pages.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -32000")
    if _pragma(connection, "user_version") != _VERSION:
        with transaction(connection):
            if _pragma(connection, "user_version") != _VERSION:  # no other process was faster
                _create(connection, place)


def _create(connection: sqlite3.Connection, place: Path | None) -> None:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    names = [row[0] for row in tables]
    if names and _pragma(connection, "application_id") != _APPLICATION_ID:
        raise CatalogError(f"{place}: this is another program's database; choose another place")
    for name in names:
        connection.execute(f'DROP TABLE IF EXISTS "{name}"')
    for statement in _SCHEMA.split(";\n"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Hold one transaction: `IMMEDIATE` waits for other writers, `DEFERRED` is a snapshot."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
