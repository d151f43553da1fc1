"""The engine of a catalog in a file, or in memory: SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from feedhub.catalog import seal
from feedhub.catalog.database import (
    BUSY_TIMEOUT,
    NO_CATALOG,
    OTHER_VERSION,
    SCHEMA,
    SCHEMA_VERSION,
    Database,
    Phrase,
)
from feedhub.errors import CatalogError, DamagedError, NoCatalogError

READ_BUSY_TIMEOUT = 1
DAMAGED = "the catalog is damaged; the next sync or render makes it anew"
# Errors of SQLite that come from what is in a file; 0 stands for those of the driver.
DAMAGE_CODES = {0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} | {
    *(sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_FORMAT)
}
# Unsealed files that this process has checked: a busy catalog is never sealed.
CHECKED: set[Path | None] = set()
# How many steps of SQLite's virtual machine pass between two looks at the clock: about 1 ms.
TIME_LIMIT_STEPS = 20_000

# The numbers of the articles that the full text index finds.
MATCHING_ARTICLES = "SELECT rowid FROM search_index WHERE search_index MATCH ?"
# Makes the words of the full text index a table. It is temporary, so that a catalog may be read
# only, and it holds nothing.
OPEN_INDEXED_WORDS = """
CREATE VIRTUAL TABLE IF NOT EXISTS temp.indexed_words USING fts5vocab (main, search_index, row)
"""


FULL_TEXT_INDEX = """
CREATE VIRTUAL TABLE search_index USING fts5 (
    title, summary, content, names, tokenize = 'ascii', columnsize = 0
)
"""
# Triggers, for several steps of a sync write these rows.
WATCH = (
    """
    CREATE TEMP TABLE noted
    (number INTEGER PRIMARY KEY, digest BLOB, record BLOB)
    """,
    """
    CREATE TEMP TRIGGER note_new AFTER INSERT ON main.articles
    BEGIN INSERT INTO noted (number) VALUES (NEW.number) ON CONFLICT (number) DO NOTHING; END
    """,
    """
    CREATE TEMP TRIGGER note_changed
    BEFORE UPDATE OF state, digest, address ON main.articles
    BEGIN
        INSERT INTO noted
        SELECT number, substr(digest, 1, 16), iif(state = 'shown', record, NULL)
        FROM articles LEFT JOIN records USING (number) WHERE number = OLD.number
        ON CONFLICT (number) DO NOTHING;
    END
    """,
    """
    CREATE TEMP TRIGGER note_deleted BEFORE DELETE ON main.records
    BEGIN
        INSERT INTO noted
        SELECT number, substr(digest, 1, 16), iif(state = 'shown', OLD.record, NULL)
        FROM articles WHERE number = OLD.number
        ON CONFLICT (number) DO NOTHING;
    END
    """,
)
END_WATCH = (
    "DROP TRIGGER note_new",
    "DROP TRIGGER note_changed",
    "DROP TRIGGER note_deleted",
    "DROP TABLE noted",
)


class SqliteDatabase(Database):
    """An open file, or a database that is gone when it is closed."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path | None,
        file: int | None,
        was_sealed: bool = True,
    ) -> None:
        self._connection = connection
        self._path = path
        # The same file, open as long as the connection: to close it ends all locks of the process.
        self._file = file
        self._guard = ErrorGuard(path)
        self.was_sealed = was_sealed

    @classmethod
    def open_file(cls, path: Path, on_damage: Callable[[], object]) -> SqliteDatabase:
        """Open the file at `path` as `Database.open` does."""
        file = None
        with ExitStack() as on_error:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
                on_error.callback(os.close, file)
                database = cls._open_and_prepare(path, file)
                on_error.pop_all()
                return database
            except (sqlite3.Error, CatalogError, OSError) as error:
                if file is None or not is_damage(error) or not seal.is_catalog(file):
                    raise not_usable(error, f"{path}: the catalog cannot be opened") from error
                seal.remove_catalog(path, file)
        on_damage()
        return cls.open_file(path, on_damage)

    @classmethod
    def open_temporary(cls, name: str) -> SqliteDatabase:
        """Open an empty database in memory, or, with the name "", in a file that has no name."""
        return cls._open_and_prepare(None, None, name)

    @classmethod
    def _open_and_prepare(
        cls, path: Path | None, file: int | None, name: str = ""
    ) -> SqliteDatabase:
        was_sealed = path is None or file is None or is_sealed(path, file)
        # Without an isolation level the driver begins no transactions of its own.
        connection = sqlite3.connect(path or name, timeout=BUSY_TIMEOUT, isolation_level=None)
        database = cls(connection, path, file, was_sealed)
        with closed_on_error(connection):
            database._prepare()
        return database

    @classmethod
    def open_existing_file(cls, path: Path, *, read_only: bool) -> SqliteDatabase:
        """Open the file at `path` as `Database.open_existing` does."""
        try:
            with ExitStack() as on_error:
                file = os.open(path, os.O_RDONLY if read_only else os.O_RDWR)
                on_error.callback(os.close, file)
                is_sealed(path, file)
                connection = sqlite3.connect(
                    f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}",
                    uri=True,
                    timeout=READ_BUSY_TIMEOUT if read_only else BUSY_TIMEOUT,
                    isolation_level=None,
                )
                on_error.callback(connection.close)
                database = cls(connection, path, file)
                version = database._version()
                if version == (0, 0):  # the first sync has created the file, but no table yet
                    raise NoCatalogError(f"{path}: {NO_CATALOG}")
                if version != (seal.APPLICATION_ID, SCHEMA_VERSION):
                    raise CatalogError(f"{path}: {OTHER_VERSION}")
                on_error.pop_all()
                return database
        except FileNotFoundError:
            raise NoCatalogError(f"{path}: {NO_CATALOG}") from None
        except (sqlite3.Error, OSError) as error:
            raise not_usable(error, f"{path}: the catalog cannot be read") from error

    def share_snapshot(self) -> object:
        return None

    def reopen_in_fork(self, shared: object) -> None:
        """Open the same file anew, read-only, in a process that was forked, and hold a snapshot.

        Raises CatalogError where there is no file.
        """
        if self._path is None:
            raise CatalogError("a catalog in memory has no second reader")
        # SQLite's connections may neither be used nor closed on this side of a fork.
        self._parents_connection = self._connection
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None)
        self._file = None
        self._run("BEGIN DEFERRED")

    def close(self) -> None:
        """Close the connection; a file that nobody else writes, on a disk with room, is sealed."""
        with suppress(CatalogError, OSError):
            self.truncate_log()
            self._run("PRAGMA busy_timeout = 0")
            self._run("BEGIN IMMEDIATE")
            if self._file is not None and self._path is not None and not log_size(self._path):
                seal.seal(self._file)
        self._connection.close()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        """Remove the file, unless another process has done so."""
        if self._file is not None and self._path is not None:
            seal.remove_catalog(self._path, self._file)

    def is_lost(self) -> bool:
        return False

    def take_lead(self) -> bool:
        return True

    def identity(self) -> object:
        return None

    def has_our_tables(self) -> bool:
        """Return whether the tables are those of this version of feedhub."""
        return bool(self.fetch_value("PRAGMA user_version") == SCHEMA_VERSION)

    def _version(self) -> tuple[int, int]:
        return self._pragma("application_id"), self._pragma("user_version")

    def _pragma(self, name: str) -> int:
        value: int = self._connection.execute(f"PRAGMA {name}").fetchone()[0]
        return value

    def _tables(self) -> list[str]:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        return [row[0] for row in self._connection.execute(query)]

    def _prepare(self) -> None:
        application, tables = self._pragma("application_id"), self._tables()
        if application not in (0, seal.APPLICATION_ID):
            message = "this is not a feedhub catalog; choose another path"
            raise CatalogError(f"{self._path}: {message}")
        if tables and application != seal.APPLICATION_ID:
            message = "this is another program's database; choose another path"
            raise CatalogError(f"{self._path}: {message}")
        if not self.was_sealed and self._path not in CHECKED:  # it was not closed in order
            found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise DamagedError(f"{self._path}: {DAMAGED}")
            CHECKED.add(self._path)
        self._connection.execute(f"PRAGMA page_size = {seal.PAGE_SIZE}")
        # Readers go on with their snapshot while a sync writes.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        # A withdrawn article leaves no trace in free pages.
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA cache_size = -32000")  # KiB
        if self._pragma("user_version") != SCHEMA_VERSION:
            with self.transaction():
                if self._pragma("user_version") != SCHEMA_VERSION:  # no other process was faster
                    self._create_tables()

    def _create_tables(self) -> None:
        run = self._connection.execute
        if self._file is not None:
            seal.break_seal(self._file)
        for name in self._tables():
            run(f'DROP TABLE IF EXISTS "{name}"')
        for statement in SCHEMA.read_text(encoding="utf-8").split(";\n"):
            run(statement)
        run(FULL_TEXT_INDEX)
        run(f"PRAGMA application_id = {seal.APPLICATION_ID}")
        run(f"PRAGMA user_version = {SCHEMA_VERSION}")

    # Statements

    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        self.execute_counted(statement, values)

    def execute_counted(self, statement: str, values: Sequence[object] = ()) -> int:
        if self._connection.in_transaction:
            return self._run(statement, values)
        with self.transaction():
            return self._run(statement, values)

    def _run(self, statement: str, values: Sequence[object] = ()) -> int:
        with self._guard:
            return self._connection.execute(statement, values).rowcount

    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of values, in one transaction."""
        if not self._connection.in_transaction:
            with self.transaction():
                self.execute_many(statement, rows)
            return
        with self._guard:
            self._connection.executemany(statement, rows)

    def fetch_all(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return every row: needed where the loop over them writes."""
        with self._guard:
            return self._connection.execute(query, values).fetchall()

    def fetch_one(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        with self._guard:
            row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
            return row

    def iterate(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield one row after another; the query runs when the first is wanted."""
        with self._guard:
            yield from self._connection.execute(query, values)

    def one_of(self, numbers: Sequence[int]) -> tuple[str, object]:
        return "SELECT value FROM json_each(?)", json.dumps(numbers)

    # Transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold one transaction, for which other writers wait, or join the one under way."""
        if self._connection.in_transaction:  # SQLite has no nested ones
            yield
            return
        with self._held("BEGIN IMMEDIATE"):
            changes_before = self._connection.total_changes
            yield
            if self._file is not None and self._connection.total_changes != changes_before:
                seal.break_seal(self._file)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one state of the database, though another process writes."""
        with self._held("BEGIN DEFERRED"):
            yield

    @contextmanager
    def _held(self, begin: str) -> Iterator[None]:
        self._run(begin)
        try:
            yield
        except BaseException:
            if self._connection.in_transaction:  # some errors have ended it already
                self._run("ROLLBACK")
            raise
        self._run("COMMIT")

    def data_version(self) -> int:
        """Return a number that changes when another process has written."""
        version: int = self.fetch_value("PRAGMA data_version")
        return version

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Raise CatalogError from a query that takes longer than this."""
        end = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > end, TIME_LIMIT_STEPS)
        try:
            yield
        finally:
            self._connection.set_progress_handler(None, 0)

    def watch_articles(self) -> None:
        for statement in WATCH:
            self.execute(statement)

    def end_watch(self) -> None:
        for statement in END_WATCH:
            self.execute(statement)

    def truncate_log(self) -> None:
        """Empty the write-ahead log, which holds withdrawn texts, unless a reader is in the way."""
        if self._path is None or not log_size(self._path):  # even then, SQLite would break the seal
            return
        # A sync does not wait for a reader: the next one truncates what is left.
        self._run("PRAGMA busy_timeout = 0")
        self._run("PRAGMA wal_checkpoint(TRUNCATE)")
        self._run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000}")

    # Full text search: the texts are tokens, joined by blanks

    def add_texts(self, number: int, texts: tuple[str, str, str, str]) -> None:
        """Add the title, summary, content and names of an article to the full text index."""
        self.execute(
            "INSERT INTO search_index (rowid, title, summary, content, names)"
            " VALUES (?, ?, ?, ?, ?)",
            (number, *texts),
        )

    def remove_texts(self, number: int) -> None:
        """Mark the texts of an article as deleted; they go with `compact_texts`."""
        self.execute("DELETE FROM search_index WHERE rowid = ?", (number,))

    def compact_texts(self) -> None:
        """Write the full text index anew without what was removed: FTS5 only marks it."""
        self.execute("INSERT INTO search_index (search_index) VALUES ('optimize')")

    def numbers_with_texts(self) -> list[int]:
        """Return the number of every article in the full text index."""
        return [row[0] for row in self.fetch_all("SELECT rowid FROM search_index")]

    def matching(self, phrases: Sequence[Phrase], *, every: bool) -> tuple[str, list[object]]:
        expression = (" AND " if every else " OR ").join(map(match_expression, phrases))
        return MATCHING_ARTICLES, [expression]

    def words_between(self, first: str, end: str, shortest: int, longest: int) -> list[str]:
        self.execute(OPEN_INDEXED_WORDS)
        return [row[0] for row in self.fetch_all(_WORDS, (first, end, shortest, longest))]


_WORDS = """
SELECT term FROM temp.indexed_words
WHERE term >= ? AND term < ? AND length(term) BETWEEN ? AND ? ORDER BY term
"""


def match_expression(phrase: Phrase) -> str:
    """Return a phrase as FTS5 writes it; tokens are letters and digits, so none breaks out."""
    tokens, is_prefix = phrase
    return f'"{" ".join(tokens)}"{" *" * is_prefix}'


def is_sealed(path: Path, file: int) -> bool:
    """Return whether a catalog was closed in order; raises DamagedError if it has changed since."""
    broken = None if log_size(path) else seal.has_broken_seal(file)
    if broken and seal.is_catalog(file):
        raise DamagedError(f"{path}: {DAMAGED}")
    return broken is False


def log_size(path: Path) -> int:
    """Return the size of the write-ahead log, 0 where there is none."""
    log = Path(os.path.realpath(path) + "-wal")
    return log.stat().st_size if log.exists() else 0


def not_usable(error: Exception, what: str) -> CatalogError:
    """Return what to raise for an error of SQLite or the system; a CatalogError stays."""
    why = f"{error.strerror}; choose another path" if isinstance(error, OSError) else error
    return error if isinstance(error, CatalogError) else CatalogError(f"{what}: {why}")


def is_damage(error: BaseException) -> bool:
    """Return whether an error comes from the content of the file, as far as SQLite knows."""
    if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.ProgrammingError):
        # Only the primary code counts: the higher bits say more.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE_CODES
    return isinstance(error, DamagedError)


class ErrorGuard:
    """Raises the errors of SQLite as CatalogErrors that name the file; may be entered again."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, sqlite3.Error):
            if is_damage(error):
                raise DamagedError(f"{self._path}: {DAMAGED} ({error})") from error
            raise CatalogError(f"{self._path}: the catalog cannot be used: {error}") from error


@contextmanager
def closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    """Close the connection if what is done with it fails."""
    try:
        yield
    except BaseException:
        connection.close()
        raise
