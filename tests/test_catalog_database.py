"""The database of a catalog: each engine is known to one module."""

from __future__ import annotations

import re
from contextlib import closing, suppress
from types import SimpleNamespace
from typing import Any

import pytest

from feedhub.catalog import articles, leave_readable, seal
from feedhub.catalog.database import Database, upsert
from feedhub.errors import CatalogError, Problem
from tests.conftest import ROOT

ADD = "INSERT INTO records (number, record) VALUES (?, ?)"
NUMBERS = "SELECT number FROM records ORDER BY number"
# What another engine does not understand.
DIALECT = re.compile(
    r"PRAGMA|\browid\b|lastrowid|fts5|INSERT OR |LIMIT -1|\bIS NOT (?!NULL\b)[a-z?]|MATCH \?"
)


@pytest.fixture
def database():
    with closing(Database.open_in_memory()) as database:
        yield database


def numbers(database: Database) -> list[int]:
    return [row[0] for row in database.iterate(NUMBERS)]


def test_one_module_knows_each_engine():
    paths = [*(ROOT / "src/feedhub").rglob("*.py")]
    imports = [path.name for path in paths if "import sqlite3" in path.read_text(encoding="utf-8")]
    assert imports == ["sqlite.py"]
    imports = [path.name for path in paths if "import psycopg" in path.read_text(encoding="utf-8")]
    assert imports == ["postgresql.py"]
    paths = [*(ROOT / "src/feedhub/catalog").glob("*.py")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    engines = {name for name, text in texts.items() if DIALECT.search(text)}
    assert engines == {"sqlite.py", "postgresql.py"}


def test_a_transaction_is_all_or_nothing(database):
    with suppress(ZeroDivisionError), database.transaction():
        database.execute(ADD, (1, b"a"))
        raise ZeroDivisionError
    assert numbers(database) == []


def test_a_transaction_joins_the_one_under_way(database):
    with suppress(ZeroDivisionError), database.transaction():
        with database.transaction():
            database.execute(ADD, (1, b"a"))
        raise ZeroDivisionError
    assert numbers(database) == []


def test_one_statement_with_many_rows_is_all_or_nothing(database):
    with pytest.raises(CatalogError):
        database.execute_many(ADD, [(1, b"a"), (2, b"b"), (1, b"c")])
    assert numbers(database) == []
    database.execute_many(ADD, iter([(1, b"a"), (2, b"b")]))
    assert numbers(database) == [1, 2]


def test_an_upsert_adds_a_row_or_replaces_its_columns(database):
    put = upsert("outputs", "root path", "fingerprint stamp")
    for values in (("r", "a", "1", "s"), ("r", "b", "1", "s"), ("r", "a", "2", "t")):
        database.execute(put, values)
    rows = database.fetch_all("SELECT path, fingerprint, stamp FROM outputs ORDER BY path")
    assert rows == [("a", "2", "t"), ("b", "1", "s")]


def test_how_many_rows_a_statement_changed(database):
    database.execute_many(ADD, [(number, b"") for number in range(5)])
    assert database.execute_counted("DELETE FROM records WHERE number < ?", (3,)) == 3


def test_nothing_found_is_none(database):
    assert database.fetch_one(NUMBERS) is None
    assert database.fetch_value(NUMBERS) is None
    assert database.fetch_all(NUMBERS) == []


@pytest.mark.parametrize("method", ["execute", "fetch_one", "fetch_all", "fetch_value"])
def test_an_error_of_the_engine_is_one_of_the_catalog(database, method):
    with pytest.raises(CatalogError, match=r"the catalog is damaged.*no such table: absent"):
        getattr(database, method)("SELECT * FROM absent")
    with pytest.raises(CatalogError, match="no such table: absent"):
        list(database.iterate("SELECT * FROM absent"))


def test_a_query_beyond_its_time_limit_ends(database):
    endless = """
        WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n
    """
    with pytest.raises(CatalogError, match="interrupted"), database.time_limit(0.05):
        database.fetch_one(endless)
    with database.time_limit(60):
        assert database.fetch_value("SELECT 1") == 1


def test_clearing_leaves_no_row(database):
    database.execute(ADD, (1, b"a"))
    database.add_texts(1, ("title", "summary", "content", "names"))
    database.clear()
    assert numbers(database) == database.numbers_with_texts() == []


def end_and_fail(database: Database) -> None:
    with database.transaction():
        database.execute("ROLLBACK")
        raise ValueError("why")


def test_an_error_that_has_ended_the_transaction_is_raised_as_it_is():
    with closing(Database.open_in_memory()) as database, pytest.raises(ValueError, match="why"):
        end_and_fail(database)


def test_only_the_file_that_is_open_is_removed(tmp_path):
    Database.open_in_memory().remove()  # there is none
    path = tmp_path / "catalog"
    path.write_bytes(b"old")
    with path.open("rb") as file:
        path.unlink()
        seal.remove_catalog(path, file.fileno())
        path.write_bytes(b"new")
        seal.remove_catalog(path, file.fileno())
    assert path.read_bytes() == b"new"


def test_a_problem_of_a_hidden_file_names_no_version_that_stays():
    stored: Any = SimpleNamespace(state="duplicate", updated=0)
    problem = Problem(path="a.md", code="c", message="m")
    assert articles._still_published(problem, stored).message == "m"


def test_a_database_in_memory_is_nobody_elses(database):
    assert (database.identity(), database.take_lead(), database.is_lost()) == (None, True, False)


def test_tables_that_another_process_has_made_meanwhile_stay(database, monkeypatch):
    database.execute(ADD, (7, b""))
    real, versions = database._pragma, [0]

    def pragma(name: str) -> int:
        return versions.pop() if name == "user_version" and versions else real(name)

    monkeypatch.setattr(database, "_pragma", pragma)
    database._prepare()
    assert (versions, database.fetch_all(NUMBERS)) == ([], [(7,)])


def test_a_server_of_databases_needs_no_files_to_be_readable(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    leave_readable("postgresql://127.0.0.1/none")
    assert list(tmp_path.iterdir()) == []
