"""The engine of a catalog that several machines use: PostgreSQL.

All tables of one schema version stand in one namespace of the database, such as `feedhub_13`: a new
version is filled beside the old one, and nobody who reads is left with nothing. The namespaces of
earlier versions go when no process reads them any more.
"""

# All names in statements are our own.
# ruff: noqa: S608

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import pq, sql

from feedhub.catalog.database import (
    BUSY_TIMEOUT,
    NO_CATALOG,
    SCHEMA,
    SCHEMA_VERSION,
    TABLES,
    Database,
    Phrase,
    name_of,
)
from feedhub.catalog.sqlite import SqliteDatabase
from feedhub.errors import CatalogError, NoCatalogError

NAMESPACE = "feedhub_{}"
# The first numbers of our advisory locks; the second is a schema version, or 0.
WRITE_LOCK, LEAD_LOCK, USE_LOCK = 0x66656564, 0x66656565, 0x66656566
CONNECT_TIMEOUT = 5  # seconds, of which libpq needs at least two
# So many statements that only write wait here before they are sent together.
MAX_PENDING = 500
# How many rows are fetched at a time of a result that need not fit into memory.
FETCH_SIZE = 1_000
# A tsvector takes words of up to 2 kB, longer than any that is searched, and about 1 MB in all.
MAX_LEXEME, MAX_LEXEMES = 500, 900_000
# What stands between the texts of an article: no word has it.
TEXT_SEPARATOR = " \n "
# Tables whose rows get numbers of their own.
NUMBERED = ("articles", "tombstones", "feeds")
# Rows that the triggers of `articles` note must be deleted in this order.
PAIRED = frozenset({"records", "articles"})

BEGIN_TO_WRITE = f"""
BEGIN; SET LOCAL lock_timeout = '{BUSY_TIMEOUT}s'; SELECT pg_advisory_xact_lock({WRITE_LOCK}, 0)
"""
MORE_TABLES = """
CREATE TABLE catalog_version (version BIGINT NOT NULL, identity TEXT NOT NULL);
INSERT INTO catalog_version VALUES (0, gen_random_uuid()::text);
-- Words in no order, to find articles, and the words in their order, to find phrases. Without
-- `words` an article has more than a tsvector can hold.
CREATE TABLE search_index (number BIGINT PRIMARY KEY, words TSVECTOR, texts TEXT NOT NULL);
CREATE INDEX search_index_by_words ON search_index USING gin (words) WITH (fastupdate = off);
CREATE INDEX search_index_without ON search_index (number) WHERE words IS NULL;
-- In how many articles each word stands.
CREATE TABLE search_words (word TEXT COLLATE "C" PRIMARY KEY, articles BIGINT NOT NULL);
CREATE INDEX labels_newest ON labels (feed, published DESC, id);
CREATE FUNCTION note_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted (number) VALUES (NEW.number) ON CONFLICT (number) DO NOTHING;
    RETURN NEW;
END $$;
CREATE FUNCTION note_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted
    SELECT OLD.number, substr(OLD.digest, 1, 16), CASE WHEN OLD.state = 'shown' THEN record END
    FROM (SELECT) AS one LEFT JOIN records ON number = OLD.number
    ON CONFLICT (number) DO NOTHING;
    RETURN NEW;
END $$;
CREATE FUNCTION note_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO noted
    SELECT number, substr(digest, 1, 16), CASE WHEN state = 'shown' THEN OLD.record END
    FROM articles WHERE number = OLD.number
    ON CONFLICT (number) DO NOTHING;
    RETURN OLD;
END $$;
CREATE TRIGGER note_new AFTER INSERT ON articles FOR EACH ROW
    WHEN (current_setting('feedhub.watch', true) = 'on') EXECUTE FUNCTION note_new();
CREATE TRIGGER note_changed BEFORE UPDATE OF state, digest, address ON articles FOR EACH ROW
    WHEN (current_setting('feedhub.watch', true) = 'on') EXECUTE FUNCTION note_changed();
CREATE TRIGGER note_deleted BEFORE DELETE ON records FOR EACH ROW
    WHEN (current_setting('feedhub.watch', true) = 'on') EXECUTE FUNCTION note_deleted();
"""


class PostgresqlDatabase(Database):
    """A connection to a database of PostgreSQL."""

    def __init__(self, address: str) -> None:
        self._name = name_of(address)
        self._pending: list[tuple[str, Sequence[object]]] = []
        self._address = address
        self._cursors = 0
        self._has_written = False
        with self._errors("cannot be reached"):
            self._connection = psycopg.connect(
                address,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT,
                application_name="feedhub",
                # Of a machine that is gone without a word, the locks are free in half a minute.
                keepalives_idle=15,
                keepalives_interval=5,
                keepalives_count=3,
            )
        self._run(f"SET search_path = {NAMESPACE.format(SCHEMA_VERSION)}, pg_temp")
        self._leads = False

    @classmethod
    def connect(cls, address: str) -> PostgresqlDatabase:
        """Connect, to write, and make the tables where there are none of this version."""
        database = cls(address)
        try:
            database._prepare()
        except BaseException:
            database.close()
            raise
        return database

    @classmethod
    def connect_existing(cls, address: str) -> PostgresqlDatabase:
        """Connect where another process has made the tables; raises NoCatalogError else."""
        database = cls(address)
        try:
            if not database.has_our_tables():
                raise NoCatalogError(f"{database._name}: {NO_CATALOG}")
            database._use()
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self) -> None:
        if not self.has_our_tables():
            with self._held(BEGIN_TO_WRITE):
                if not self.has_our_tables():  # no other process was faster
                    self._create_tables()
        self._use()
        self._drop_unused()

    def _use(self) -> None:
        """Keep the namespace from being dropped."""
        self._run("SELECT pg_advisory_lock_shared(?, ?)", (USE_LOCK, SCHEMA_VERSION))

    def _create_tables(self) -> None:
        self._run(f"CREATE SCHEMA {NAMESPACE.format(SCHEMA_VERSION)}")
        self._connection.execute(query_of(tables_of(SCHEMA.read_text(encoding="utf-8"))))
        self._connection.execute(query_of(MORE_TABLES))

    def _drop_unused(self) -> None:
        """Drop the namespaces of earlier versions that nobody reads, once ours has something."""
        if not self.fetch_value("SELECT EXISTS (SELECT 1 FROM articles)"):
            return
        query = r"SELECT nspname FROM pg_namespace WHERE nspname ~ '^feedhub_\d+$'"
        for (name,) in self.fetch_all(query):
            version = int(name.rpartition("_")[2])
            if version < SCHEMA_VERSION:
                with self.transaction():
                    lock = "SELECT pg_try_advisory_xact_lock(?, ?)"
                    if self.fetch_value(lock, (USE_LOCK, version)):
                        self._run(f"DROP SCHEMA {name} CASCADE")

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()

    def remove(self) -> None:
        pass

    def is_lost(self) -> bool:
        return self._connection.closed or self._connection.broken

    def has_our_tables(self) -> bool:
        name = f"{NAMESPACE.format(SCHEMA_VERSION)}.catalog_version"
        return bool(self.fetch_value("SELECT to_regclass(?) IS NOT NULL", (name,)))

    def identity(self) -> object:
        return self.fetch_value("SELECT identity FROM catalog_version")

    def data_version(self) -> int:
        return int(self.fetch_value("SELECT version FROM catalog_version"))

    def take_lead(self) -> bool:
        if not self._leads:
            self._leads = bool(
                self.fetch_value("SELECT pg_try_advisory_lock(?, ?)", (LEAD_LOCK, 0))
            )
        return self._leads

    def share_snapshot(self) -> object:
        return self.fetch_value("SELECT pg_export_snapshot()")

    def reopen_in_fork(self, shared: object) -> None:
        parents = self._connection
        self.__init__(self._address)  # type: ignore[misc]
        # It is kept: to close it here would end the session of the parent.
        self._parents_connection = parents
        self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # An identifier that the server has made: SET takes no parameters.
        self._run(f"SET TRANSACTION SNAPSHOT '{shared}'")

    # Statements

    @contextmanager
    def _errors(self, what: str = "cannot be used") -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise CatalogError(f"{self._name}: the catalog {what}: {lines[0]}") from error

    @property
    def _in_transaction(self) -> bool:
        return self._connection.info.transaction_status != pq.TransactionStatus.IDLE

    def _run(self, statement: str, values: Sequence[object] = ()) -> psycopg.Cursor[Any]:
        self._flush()
        with self._errors():
            return self._connection.execute(query_of(statement), values or None)

    def _flush(self) -> None:
        """Send the statements that wait, without waiting for each reply."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        with self._errors(), self._connection.pipeline(), self._connection.cursor() as cursor:
            for statement, values in pending:
                cursor.execute(query_of(statement), values or None)

    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        if not self._in_transaction:
            self.execute_counted(statement, values)
            return
        self._has_written = True
        self._pending.append((statement, values))
        if len(self._pending) >= MAX_PENDING:
            self._flush()

    def execute_counted(self, statement: str, values: Sequence[object] = ()) -> int:
        with self.transaction():
            self._has_written = True
            return self._run(statement, values).rowcount

    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        with self.transaction():
            for row in rows:
                self.execute(statement, row)

    def fetch_all(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        cursor = self._run(query, values)
        with self._errors():
            return cursor.fetchall()

    def iterate(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        yield from self.fetch_all(query, values)

    def stream(self, query: str) -> Iterator[tuple[Any, ...]]:
        if not self._in_transaction:
            yield from self.fetch_all(query)
            return
        self._cursors += 1  # several may be open
        name = f"feedhub_{self._cursors}"
        self._run(f"DECLARE {name} NO SCROLL CURSOR FOR {query}")
        while rows := self.fetch_all(f"FETCH {FETCH_SIZE} FROM {name}"):
            yield from rows
        self._run(f"CLOSE {name}")

    def one_of(self, numbers: Sequence[int]) -> tuple[str, object]:
        return "SELECT unnest(CAST(? AS BIGINT[]))", list(numbers)

    # Transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self._in_transaction:
            yield
            return
        self._has_written = False
        with self._held(BEGIN_TO_WRITE):
            yield
            if self._has_written:
                self._pending.append((_RAISE_VERSION, ()))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self._held("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield

    @contextmanager
    def _held(self, begin: str) -> Iterator[None]:
        try:
            self._run(begin)
            yield
            self._flush()
        except BaseException:
            self._pending.clear()
            if not self.is_lost():
                self._run("ROLLBACK")
            raise
        self._run("COMMIT")

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        self._run(f"SET statement_timeout = {max(1, int(seconds * 1000))}")
        try:
            yield
        finally:
            # What was set in a transaction that fails is taken back with it.
            status = self._connection.info.transaction_status
            if status in (pq.TransactionStatus.IDLE, pq.TransactionStatus.INTRANS):
                self._run("SET statement_timeout = 0")

    @contextmanager
    def working_copy(self, *, whole: bool) -> Iterator[Database]:
        if not whole:
            yield self
            return
        copy = SqliteDatabase.open_temporary("")
        try:
            with copy.transaction():
                before = {table: self._fill(copy, table) for table in TABLES}
                yield copy
                self._take(copy, before)
        finally:
            copy.close()

    def _fill(self, copy: SqliteDatabase, table: str) -> int:
        """Put the rows of a table into the copy; return what tells whether they change."""
        columns = columns_of(copy, table)
        rows: Iterable[tuple[Any, ...]]
        if table == "search_index":
            columns = ("rowid", *columns)
            found = self.stream("SELECT number, texts FROM search_index")
            rows = ((number, *texts[1:-1].split(TEXT_SEPARATOR)) for number, texts in found)
        else:
            rows = self.stream(f"SELECT {', '.join(columns)} FROM {table}")
        marks = ", ".join("?" * len(columns))
        copy.execute_many(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
        return checksum_of(copy, table)

    def _take(self, copy: SqliteDatabase, before: dict[str, int]) -> None:
        changed = {table for table in TABLES if checksum_of(copy, table) != before[table]}
        if changed & PAIRED:
            changed |= PAIRED
        self._flush()
        # Records first: a trigger notes of which articles they were.
        for table in sorted(changed, key=lambda table: table != "records"):
            self._run(f"DELETE FROM {table}")
        for table in sorted(changed, key=lambda table: table != "articles"):
            self._copy_in(copy, table)
        for table in NUMBERED:
            self._run(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'number'),"
                f" COALESCE((SELECT MAX(number) FROM {table}), 0) + 1, false)"
            )
        if "search_index" in changed:
            self._run("DELETE FROM search_words")
            self._run(
                "INSERT INTO search_words SELECT word, ndoc"
                " FROM ts_stat('SELECT words FROM search_index')"
            )
        self._has_written = True
        # The next queries must not be planned for empty tables.
        self._run("ANALYZE")

    def _copy_in(self, copy: SqliteDatabase, table: str) -> None:
        columns = columns_of(copy, table)
        booleans = [place for place, name in enumerate(columns) if name in ("own_id", "is_new")]
        listed = ", ".join(columns)
        if table == "search_index":
            rows = copy.iterate(f"SELECT rowid, {listed} FROM search_index")
            with self._errors(), self._connection.cursor() as cursor:
                self._run("CREATE TEMP TABLE arriving (number BIGINT, lexemes TEXT[], texts TEXT)")
                with cursor.copy("COPY arriving FROM STDIN") as stream:
                    for number, *texts in rows:
                        stream.write_row((number, lexemes_of(texts), joined(texts)))
                self._run(
                    "INSERT INTO search_index"
                    " SELECT number, array_to_tsvector(lexemes), texts FROM arriving"
                )
                self._run("DROP TABLE arriving")
            return
        rows = copy.iterate(f"SELECT {listed} FROM {table}")
        with (
            self._errors(),
            self._connection.cursor() as cursor,
            cursor.copy(query_of(f"COPY {table} ({listed}) FROM STDIN")) as stream,
        ):
            for row in rows:
                values = list(row)
                for place in booleans:
                    values[place] = None if values[place] is None else bool(values[place])
                stream.write_row(values)

    def watch_articles(self) -> None:
        self._run(
            "CREATE TEMP TABLE noted (number BIGINT PRIMARY KEY, digest BYTEA, record BYTEA)"
            " ON COMMIT DROP"
        )
        self._run("SET LOCAL feedhub.watch = 'on'")

    def end_watch(self) -> None:
        self._run("SET LOCAL feedhub.watch = ''")
        self._run("DROP TABLE noted")

    def truncate_log(self) -> None:
        """Do nothing: what the server keeps of withdrawn texts, and how long, is its own affair."""

    # Full text search

    def add_texts(self, number: int, texts: tuple[str, str, str, str]) -> None:
        lexemes = lexemes_of(texts)
        self.execute(
            "INSERT INTO search_index VALUES (?, array_to_tsvector(CAST(? AS TEXT[])), ?)",
            (number, lexemes, joined(texts)),
        )
        self.execute(
            "INSERT INTO search_words SELECT unnest(CAST(? AS TEXT[])), 1"
            " ON CONFLICT (word) DO UPDATE SET articles = search_words.articles + 1",
            (lexemes or [],),
        )

    def remove_texts(self, number: int) -> None:
        words = "SELECT unnest(tsvector_to_array(words)) FROM search_index WHERE number = ?"
        self.execute(
            f"UPDATE search_words SET articles = articles - 1 WHERE word IN ({words})", (number,)
        )
        self.execute(
            f"DELETE FROM search_words WHERE articles <= 0 AND word IN ({words})", (number,)
        )
        self.execute("DELETE FROM search_index WHERE number = ?", (number,))

    def compact_texts(self) -> None:
        """Do nothing: they have been removed."""

    def clear(self) -> None:
        super().clear()
        self.execute("DELETE FROM search_words")

    def numbers_with_texts(self) -> list[int]:
        return [row[0] for row in self.fetch_all("SELECT number FROM search_index")]

    def matching(self, phrases: Sequence[Phrase], *, every: bool) -> tuple[str, list[object]]:
        conditions, values = [], list[object]()
        for tokens, is_prefix in phrases:
            parts = [f"'{token}'" for token in tokens]  # letters and digits, so none breaks out
            parts[-1] += ":*" * is_prefix
            text = f" {' '.join(tokens)}" + " " * (not is_prefix)
            if len(tokens) == 1:
                conditions.append(
                    "(words @@ CAST(? AS TSQUERY) OR words IS NULL AND strpos(texts, ?) > 0)"
                )
            else:
                conditions.append(
                    "((words @@ CAST(? AS TSQUERY) OR words IS NULL) AND strpos(texts, ?) > 0)"
                )
            values += [" & ".join(parts), text]
        joiner = " AND " if every else " OR "
        return f"SELECT number FROM search_index WHERE {joiner.join(conditions)}", values

    def words_between(self, first: str, end: str, shortest: int, longest: int) -> list[str]:
        return [row[0] for row in self.fetch_all(_WORDS, (first, end, shortest, longest))]


_RAISE_VERSION = "UPDATE catalog_version SET version = version + 1"
_WORDS = """
SELECT word FROM search_words
WHERE word >= ? AND word < ? AND length(word) BETWEEN ? AND ? ORDER BY word
"""


def tables_of(schema: str) -> str:
    """Return the tables of schema.sql as PostgreSQL reads them.

    Text is compared by its bytes, as SQLite does: both engines name and sort feeds alike.
    """
    schema = re.sub("^ *--.*", "", schema, flags=re.MULTILINE)
    schema = schema.replace(" WITHOUT ROWID", "").replace("published DESC, id)", "published, id)")
    types = {
        "number INTEGER PRIMARY KEY": "number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "INTEGER": "BIGINT",
        "BLOB": "BYTEA",
        "REAL": "DOUBLE PRECISION",
        "TEXT": 'TEXT COLLATE "C"',
    }
    return re.sub(
        r"\b(?:number INTEGER PRIMARY KEY|INTEGER|BLOB|REAL|TEXT)\b",
        lambda found: types[found[0]],
        schema,
    )


@lru_cache(maxsize=1_000)
def query_of(statement: str) -> sql.SQL:
    """Return a statement with the marks of values that psycopg wants."""
    if "?" in statement:
        statement = statement.replace("%", "%%").replace("?", "%s")
    return sql.SQL(statement)


def columns_of(copy: SqliteDatabase, table: str) -> tuple[str, ...]:
    """Return the names of the columns of a table."""
    query = "SELECT name FROM pragma_table_info(?)"
    return tuple(row[0] for row in copy.fetch_all(query, (table,)))


def checksum_of(copy: SqliteDatabase, table: str) -> int:
    """Return what is another when a row of a table is, in this process."""
    columns = "rowid, *" if table == "search_index" else "*"
    return hash(tuple(map(hash, copy.iterate(f"SELECT {columns} FROM {table}"))))


def joined(texts: Sequence[str]) -> str:
    """Return the texts of an article with a blank before and behind every word."""
    return f" {TEXT_SEPARATOR.join(texts)} "


def lexemes_of(texts: Sequence[str]) -> list[str] | None:
    """Return the different words of texts, cut; None where those are too many for a tsvector."""
    words = sorted({word[:MAX_LEXEME] for text in texts for word in text.split()})
    return words if sum(len(word.encode()) + 4 for word in words) <= MAX_LEXEMES else None
