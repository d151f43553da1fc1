"""A catalog in PostgreSQL: the same bytes and hits as SQLite, one leader, what is lost returns."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from feedhub.catalog import Catalog, CatalogFollower
from feedhub.catalog.database import Database, name_of
from feedhub.catalog.postgresql import USE_LOCK, PostgresqlDatabase
from feedhub.errors import CatalogError, NoCatalogError
from feedhub.selection import parse_query
from tests.kit import NOW, Bench, make_bench
from tests.postgres import Cluster, cluster

WORDS = ("bee", "beech", "Öl", "robot", "robots", "zebra", "x" * 600, "_", "%")
SEARCHES = (
    *("q=bee", "q=bee*", "q=%22robot+zebra%22", "q=-bee", "q=robot+-zebra", "q=%C3%B6l"),
    *("q=absent", f"q={'x' * 190}*", "topic=red", "topic=red&q=bee", "q=%22bee+rob%22*"),
)


GRANTS = (
    "CREATE ROLE reader LOGIN",
    "GRANT USAGE ON SCHEMA feedhub_13 TO reader",
    "GRANT SELECT ON ALL TABLES IN SCHEMA feedhub_13 TO reader",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture
def address(server: Cluster) -> str:
    return server.address(server.new_database())


@pytest.fixture
def benches(tmp_path: Path, address: str) -> Iterator[tuple[Bench, Bench]]:
    """The same articles with a catalog in SQLite and one in PostgreSQL."""
    overrides = {"feeds__search": "yes", "feeds__stories": "yes", "source__permalink": ""}
    pair = tuple(make_bench(tmp_path, catalog, **overrides) for catalog in (None, address))
    with closing(pair[0].catalog), closing(pair[1].catalog):
        for number in range(40):
            words = [WORDS[number * step % len(WORDS)] for step in (1, 2, 3)]
            pair[0].write(
                f"a{number}.md",
                title=f"{words[0]} {number}",
                body=" ".join(words),
                url=f"https://example.org/{number}",
                date=f"2026-0{1 + number % 6}-03",
                topics=["red", "Zoë", "ant"][: 1 + number % 3],
            )
        yield pair[0], pair[1]


def same(benches: tuple[Bench, Bench], now: object = NOW) -> None:
    one, other = benches
    assert one.sync(now).states == other.sync(now).states  # type: ignore[arg-type]
    before, after = one.documents(), other.documents()
    assert list(before) == list(after)
    assert {p: d.body for p, d in before.items()} == {p: d.body for p, d in after.items()}
    for query in SEARCHES:
        found = []
        for bench in benches:
            selection = bench.catalog.resolve(parse_query(query.encode()))
            matches = bench.catalog.find(selection)
            words = bench.catalog.near_words(selection) if selection.terms else ()
            found.append(([m.id for m in matches], bench.catalog.count_matches(selection), words))
        assert found[0] == found[1], query


def test_the_same_articles_give_the_same_bytes_and_hits(benches):
    same(benches)
    root = benches[0].root
    (root / "a1.md").unlink()
    benches[0].write("a2.md", title="Edited", body="robot zebra", url="https://example.org/2")
    benches[0].write("new.md", title="New", body="bee", url="https://example.org/new")
    same(benches, NOW + timedelta(hours=1))
    shutil.copy(root / "new.md", root / "again.md")
    same(benches, NOW + timedelta(hours=2))


def test_a_transaction_that_fails_writes_nothing(benches):
    benches[1].sync()
    catalog = benches[1].catalog
    before = catalog.version()
    with suppress(ZeroDivisionError), catalog.transaction():
        catalog.remember_outputs("r", {"a": ("1", "2")})
        raise ZeroDivisionError
    assert catalog.outputs("r") == {}
    assert catalog.version() == before
    catalog.remember_outputs("r", {"a": ("1", "2")})
    assert catalog.version() > before


def test_one_of_several_leads_until_it_ends(address):
    first, second = Catalog(address), Catalog(address)
    with closing(second):
        assert first.take_lead()
        assert first.take_lead()
        assert not second.take_lead()
        first.close()
        end = time.monotonic() + 30
        while not second.take_lead():  # the server ends a session a moment later
            assert time.monotonic() < end
            time.sleep(0.01)


def test_there_is_no_catalog_before_the_first_sync(address, server):
    with pytest.raises(NoCatalogError):
        Catalog.open_existing(address, read_only=True)
    with pytest.raises(CatalogError, match="cannot be reached"):
        Catalog(server.address("absent"))


def test_a_follower_returns_after_the_server(benches, address, server):
    benches[1].sync()
    follower = CatalogFollower(address, read_only=True)
    catalog = follower.catalog()
    assert catalog
    identity = follower.identity
    server.stop()
    server.start()
    with pytest.raises(CatalogError):
        catalog.generation()
    again = follower.catalog()
    assert again
    assert again is not catalog
    assert again.generation() == 1
    assert follower.identity == identity
    follower.close()


def test_a_search_beyond_its_time_ends(address):
    with closing(Database.open(address)) as database:
        with pytest.raises(CatalogError, match="timeout"), database.time_limit(0.05):
            database.fetch_value("SELECT pg_sleep(20)")
        assert database.fetch_value("SELECT 1") == 1


def test_other_settings_give_the_same_bytes(benches):
    for bench in benches:
        bench.sync()
        bench.config = replace(bench.config, feeds=replace(bench.config.feeds, limit=3))
    same(benches, NOW + timedelta(hours=1))


def test_a_text_of_too_many_words_is_found(benches, monkeypatch):
    monkeypatch.setattr("feedhub.catalog.postgresql.MAX_LEXEMES", 0)
    for bench in benches:
        bench.sync()
    for query in SEARCHES:
        selections = [bench.catalog.resolve(parse_query(query.encode())) for bench in benches]
        found = [b.catalog.find(s) for b, s in zip(benches, selections, strict=True)]
        assert [m.id for m in found[0]] == [m.id for m in found[1]]


def test_what_changed_of_addresses_is_the_same(benches, monkeypatch):
    monkeypatch.setattr("feedhub.catalog.postgresql.MAX_PENDING", 2)
    root = benches[0].root
    for step in range(3):
        if step == 1:
            (root / "a1.md").unlink()
            benches[0].write("a2.md", title="Edited", body="x", url="https://example.org/2")
            benches[0].write("b.md", title="New", url="https://example.org/new")
        if step == 2:
            for bench in benches:
                bench.config = replace(bench.config, feeds=replace(bench.config.feeds, limit=2))
            benches[0].write("a3.md", title="Edited", body="y", url="https://example.org/3")
        seen = []
        for bench in benches:
            with bench.catalog.transaction():
                watch = bench.catalog.watch_addresses()
                bench.sync(NOW + timedelta(hours=step))
                seen.append(watch.changes(silent=False))
        assert seen[0] == seen[1]
        assert seen[0].new or step == 2


def test_a_forked_reader_sees_the_snapshot_of_its_parent(benches, address):
    bench = benches[1]
    bench.sync()
    child = Catalog.open_existing(address, read_only=True)
    with closing(child), bench.catalog.snapshot():
        shared = bench.catalog.share_snapshot()
        with closing(Catalog(address)) as writer:
            writer.remember_outputs("r", {"a": ("1", "2")})
        child.follow_fork(shared)
        assert child.outputs("r") == {}
        assert len(list(child.articles())) == 40
        child._database._parents_connection.close()  # type: ignore[attr-defined]


def test_tables_of_an_earlier_version_stay_as_long_as_they_are_read(benches, address, server):
    benches[1].sync()
    database = address.split("/")[3].partition("?")[0]
    server.query(database, "CREATE SCHEMA feedhub_1")
    known = "SELECT 1 FROM pg_namespace WHERE nspname = 'feedhub_1'"
    with psycopg.connect(address, autocommit=True) as reader:
        reader.execute(f"SELECT pg_advisory_lock_shared({USE_LOCK}, 1)")
        Catalog(address).close()
        assert server.query(database, known)
    Catalog(address).close()
    assert not server.query(database, known)


def test_a_role_that_may_only_read_suffices_to_serve(benches, server, address):
    benches[1].sync()
    database = address.split("/")[3].partition("?")[0]
    for statement in GRANTS:
        server.query(database, statement)
    reading = server.address(database, "reader")
    with closing(Catalog.open_existing(reading, read_only=True)) as catalog, catalog.snapshot():
        assert catalog.generation() == 1
        assert catalog.find(catalog.resolve(parse_query(b"q=bee")))
        assert len(list(catalog.articles())) == 40
    with closing(Database.open_existing(reading, read_only=True)) as opened:
        with pytest.raises(CatalogError, match="permission denied"):
            opened.execute("DELETE FROM articles")
        assert opened.fetch_value("SELECT count(*) FROM articles") == 40
    with pytest.raises(CatalogError, match="permission denied"):
        Catalog(server.address(server.new_database(), "reader"))


def test_a_sync_warns_of_copies_that_the_database_does_not_hold(benches, monkeypatch):
    catalog, source = benches[1].catalog, benches[1].source()
    assert list(catalog.assets.copy_from(source)) == []
    monkeypatch.setattr(catalog.assets, "shown", lambda: {"place": "a.png"})
    (problem,) = catalog.assets.copy_from(source)
    assert problem.code == "no-copies"


def test_tables_that_another_process_makes_first_stay(address, monkeypatch):
    Catalog(address).close()
    answers = iter([False, True, True])
    monkeypatch.setattr(PostgresqlDatabase, "has_our_tables", lambda _: next(answers))
    Catalog(address).close()


def test_articles_are_read_outside_a_transaction_too(benches):
    benches[1].sync()
    assert len(list(benches[1].catalog.articles())) == 40


def test_clearing_leaves_no_word(benches):
    benches[1].sync()
    database = benches[1].catalog._database
    database.clear()
    assert database.numbers_with_texts() == []
    assert database.words_between("a", "z", 1, 99) == []
    database.remove()  # a file would be: the server keeps its own


def test_without_the_driver_the_message_says_what_to_install(address, monkeypatch):
    monkeypatch.setitem(sys.modules, "feedhub.catalog.postgresql", None)
    with pytest.raises(CatalogError, match=r"feedhub\[postgres\]"):
        Catalog(address)


def test_a_search_that_fails_in_a_snapshot_ends_it(address):
    with closing(Database.open(address)) as database:
        with pytest.raises(CatalogError), database.snapshot(), database.time_limit(0.05):
            database.fetch_value("SELECT pg_sleep(20)")
        assert database.fetch_value("SELECT current_setting('statement_timeout')") == "0"
        query, value = database.one_of([3, 1])
        assert database.fetch_all(query, (value,)) == [(3,), (1,)]


def test_a_transaction_ends_with_its_session(address):
    end = "SELECT pg_terminate_backend(pg_backend_pid())"
    with closing(Database.open(address)) as database:
        with pytest.raises(CatalogError), database.transaction():
            database.fetch_value(end)
        assert database.is_lost()


def test_a_password_is_in_no_message():
    assert name_of("postgresql://me:secret@db/feeds?sslmode=require") == "postgresql://db/feeds"
