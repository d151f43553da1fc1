"""The database of a catalog, whatever its engine: what all other modules of the catalog use.

They send portable SQL, with `?` as the mark of a value. What is an engine's own stays in the module
of the engine: `sqlite` for a file, `postgresql` for an address that begins with postgresql://. The
drivers are used directly: importing SQLAlchemy takes as long as a whole warm render.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from feedhub.errors import CatalogError

if TYPE_CHECKING:  # its driver need not be installed
    from feedhub.catalog.postgresql import PostgresqlDatabase

SCHEMA_VERSION = 13
BUSY_TIMEOUT = 60  # seconds that a writer waits for another
NO_CATALOG = "there is no catalog yet; feedhub render or sync makes it"
OTHER_VERSION = "this is not a catalog of this version of feedhub; run feedhub sync or render again"

# In a file of its own, read when a catalog is made.
SCHEMA = Path(__file__).with_name("schema.sql")
TABLES = (
    *("catalog_state", "index_dates", "articles", "tombstones", "records", "feeds", "labels"),
    *("states", "history", "outputs", "changes", "search_entries", "search_index", "images"),
    *("image_facts", "links"),
)

CatalogAddress = Path | str
"""Where a catalog is: a file, or a PostgreSQL database by its address."""
Phrase = tuple[Sequence[str], bool]
"""Tokens that follow each other, and whether the last one may go on."""


class Database(ABC):
    """An open database; what the engine complains of is raised as a CatalogError.

    It is used by one thread at a time.
    """

    @staticmethod
    def open(address: CatalogAddress, on_damage: Callable[[], object] = lambda: None) -> Database:
        """Open the database at an address to write; one of another schema version is emptied.

        A damaged file is made anew after a call of `on_damage`. Raises CatalogError where there is
        something else, or nothing that can be used.
        """
        if isinstance(address, Path):
            from feedhub.catalog.sqlite import SqliteDatabase

            return SqliteDatabase.open_file(address, on_damage)
        return postgresql().connect(address)

    @staticmethod
    def open_in_memory() -> Database:
        """Open an empty database that is gone when it is closed."""
        from feedhub.catalog.sqlite import SqliteDatabase

        return SqliteDatabase.open_temporary(":memory:")

    @staticmethod
    def open_existing(address: CatalogAddress, *, read_only: bool) -> Database:
        """Open a database that another process has created, to read or also to write.

        Raises CatalogError where there is none yet, or one of another schema version, and
        DamagedError for a damaged one.
        """
        if isinstance(address, Path):
            from feedhub.catalog.sqlite import SqliteDatabase

            return SqliteDatabase.open_existing_file(address, read_only=read_only)
        return postgresql().connect_existing(address)

    # Its life

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    @abstractmethod
    def remove(self) -> None:
        """Remove a damaged file, unless another process has done so."""

    @abstractmethod
    def is_lost(self) -> bool:
        """Return whether the connection has ended, so that the database must be opened anew."""

    @abstractmethod
    def has_our_tables(self) -> bool:
        """Return whether the tables are those of this version of feedhub."""

    @abstractmethod
    def identity(self) -> object:
        """Return what is another where another database has taken the place of this one."""

    @abstractmethod
    def data_version(self) -> int:
        """Return a number that changes when another process has written."""

    @abstractmethod
    def take_lead(self) -> bool:
        """Return whether this process may follow the source; of several, one may.

        It may as long as the database is open.
        """

    @abstractmethod
    def share_snapshot(self) -> object:
        """Return what `reopen_in_fork` needs to see the snapshot that this process holds."""

    @abstractmethod
    def reopen_in_fork(self, shared: object) -> None:
        """Open the same database anew, read-only, in a process that was forked; hold a snapshot.

        Raises CatalogError where that cannot be done.
        """

    # Statements

    @abstractmethod
    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        """Run one statement that writes."""

    @abstractmethod
    def execute_counted(self, statement: str, values: Sequence[object] = ()) -> int:
        """Run one statement that writes, and return how many rows it changed."""

    @abstractmethod
    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of values, in one transaction."""

    @abstractmethod
    def fetch_all(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return every row: needed where the loop over them writes."""

    def fetch_one(self, query: str, values: Sequence[object] = ()) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        rows = self.fetch_all(query, values)
        return rows[0] if rows else None

    def fetch_value(self, query: str, values: Sequence[object] = ()) -> Any:
        """Return the first value of the first row, or None."""
        row = self.fetch_one(query, values)
        return row and row[0]

    @abstractmethod
    def iterate(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield one row after another; the query runs when the first is wanted."""

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a result that may not fit into memory."""
        return self.iterate(query)

    @abstractmethod
    def one_of(self, numbers: Sequence[int]) -> tuple[str, object]:
        """Return the query of these numbers, for `IN`, and its one value."""

    # Transactions

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """Hold one transaction, for which other writers wait, or join the one under way."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """See one state of the database, though another process writes."""

    @abstractmethod
    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Raise CatalogError from a query that takes longer than this."""

    @contextmanager
    def working_copy(self, *, whole: bool) -> Iterator[Database]:
        """Yield the database that a sync works on, inside a transaction.

        `whole` tells that it will read and write nearly everything: if that costs a message over
        the network each time, it works on a copy here, which is then put in place.
        """
        yield self

    @abstractmethod
    def watch_articles(self) -> None:
        """Note from now on, in the table `noted`, what readers had of each article that changes.

        That is until `end_watch`, in the same transaction.
        """

    @abstractmethod
    def end_watch(self) -> None:
        """Forget what was noted, and note no more."""

    # Withdrawn texts

    def clear(self) -> None:
        """Delete every row of every table."""
        for table in TABLES:
            self.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self.compact_texts()

    @abstractmethod
    def truncate_log(self) -> None:
        """Empty the log, which holds withdrawn texts, unless a reader is in the way."""

    # Full text search: the texts are tokens, joined by blanks

    @abstractmethod
    def add_texts(self, number: int, texts: tuple[str, str, str, str]) -> None:
        """Add the title, summary, content and names of an article to the full text index."""

    @abstractmethod
    def remove_texts(self, number: int) -> None:
        """Remove the texts of an article; words of it may stay until `compact_texts`."""

    @abstractmethod
    def compact_texts(self) -> None:
        """Write the full text index anew without what was removed."""

    @abstractmethod
    def numbers_with_texts(self) -> list[int]:
        """Return the number of every article in the full text index."""

    @abstractmethod
    def matching(self, phrases: Sequence[Phrase], *, every: bool) -> tuple[str, list[object]]:
        """Return the query of the numbers of articles that have these phrases, and its values.

        They have all of them if `every`, else at least one.
        """

    @abstractmethod
    def words_between(self, first: str, end: str, shortest: int, longest: int) -> list[str]:
        """Return the words of articles from `first` to before `end` that are so long, in order."""


def postgresql() -> type[PostgresqlDatabase]:
    """Return the engine of PostgreSQL; raises CatalogError where its driver is not installed."""
    try:
        from feedhub.catalog.postgresql import PostgresqlDatabase
    except ImportError as error:
        advice = "pip install 'feedhub[postgres]'"
        raise CatalogError(f"a catalog in PostgreSQL needs psycopg ({error}): {advice}") from None
    return PostgresqlDatabase


def is_address(text: str) -> bool:
    """Return whether a text is the address of a PostgreSQL database, no path."""
    return text.startswith(("postgresql://", "postgres://"))


def name_of(address: CatalogAddress) -> str:
    """Return an address as messages name it: without user and password."""
    if isinstance(address, Path):
        return str(address)
    parts = urlsplit(address)
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}"


def upsert(table: str, keys: str, columns: str) -> str:
    """Return the statement that adds a row, or replaces the columns of the one with these keys.

    Its values are those of the keys and then of the columns; names are separated by blanks.
    """
    names = [*keys.split(), *columns.split()]
    update = ", ".join(f"{name} = excluded.{name}" for name in columns.split())
    marks = ", ".join("?" * len(names))
    insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our names
    return f"{insert} ON CONFLICT ({', '.join(keys.split())}) DO UPDATE SET {update}"
