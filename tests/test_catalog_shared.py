"""A catalog that several processes use: records, generations, followers, read-only use."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from feedhub.catalog import (
    Catalog,
    CatalogFollower,
    ReceiverState,
    Settings,
    StoredConfig,
    SyncReport,
    SyncState,
    leave_readable,
)
from feedhub.errors import CatalogError
from feedhub.feed import Window
from tests.kit import NOW, Bench, make_bench
from tests.sites import later, one_article, state_of

NOBODY_ID = 65_534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def bench(tmp_path: Path, path: Path) -> Iterator[Bench]:
    bench = one_article(tmp_path, path)
    yield bench
    bench.catalog.close()


# The current state of a document


def test_the_current_state_is_found_by_kind_slug_and_period(bench):
    for month in (1, 2, 3):
        bench.write(f"{month}.md", title=f"T{month}", publishedDateTime=f"2020-0{month}-01")
    bench.sync()
    states = bench.catalog.feeds(("all", "topic"))
    assert {state.period for state in states} > {"", "2020-02"}
    found = [bench.catalog.state(state.kind, state.slug, state.period) for state in states]
    assert found == states


def test_a_state_that_is_gone_has_no_current_one(bench):
    for month in (1, 2, 3):
        bench.write(f"{month}.md", title=f"T{month}", publishedDateTime=f"2020-0{month}-01")
    bench.sync()
    (archive,) = [s for s in bench.catalog.feeds(("all",)) if s.period == "2020-01"]
    (bench.root / "1.md").unlink()
    bench.sync(later(1))
    assert bench.catalog.state(archive.kind, archive.slug, archive.period) is None
    assert bench.catalog.state("nobody", archive.slug) is None


# Generations, settings and records


def test_the_generation_rises_only_when_a_feed_changes(bench):
    assert bench.catalog.generation() == 0
    bench.sync()
    assert bench.catalog.generation() == 1
    for heat in (1, 2):
        bench.write("a.md", title="A", topics=["AI"], heat=heat)
        bench.write("hidden.md", title=f"Hidden {heat}", published=False)
        assert bench.sync(later(heat)).changed == 0
    assert bench.catalog.generation() == 1
    bench.write("a.md", title="A again", topics=["AI"])
    bench.sync(later(3))
    assert bench.catalog.generation() == 2


def test_a_change_that_no_document_shows_raises_no_generation(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=1, feeds__days=0, feeds__archives=False)
    bench.write("new.md", title="New", publishedDateTime="2020-02-02T00:00:00Z")
    bench.write("old.md", title="Old", publishedDateTime="2020-01-01T00:00:00Z")
    bench.sync()
    bench.write("old.md", title="Old again", publishedDateTime="2020-01-01T00:00:00Z")
    assert bench.sync(later(1)).changed == 0
    assert bench.catalog.generation() == 1
    (bench.root / "new.md").unlink()
    bench.sync(later(2))
    assert bench.catalog.generation() == 2
    assert bench.titles() == ["Old again"]


def test_another_configuration_raises_the_generation_though_no_feed_changes(bench):
    bench.sync()
    before = state_of(bench)
    bench.config = replace(
        bench.config, feeds=replace(bench.config.feeds, formats=("json", "html"))
    )
    assert bench.sync(later(1)).changed == 0
    assert state_of(bench) == before
    assert bench.catalog.generation() == 2


def test_a_catalog_matches_only_the_settings_of_its_last_sync(bench):
    settings = Settings(kinds=("all",), window=Window(), archives=True, shape="x", plan="y")
    others = [
        replace(settings, kinds=("all", "topic")),
        replace(settings, window=Window(limit=3)),
        replace(settings, archives=False),
        replace(settings, shape="z"),
        replace(settings, plan="z"),
        replace(settings, private=True),
    ]
    assert not bench.catalog.matches(settings)
    bench.catalog.write(SyncState(settings_fingerprint=settings.fingerprint))
    assert bench.catalog.matches(settings)
    assert not any(bench.catalog.matches(other) for other in others)


def test_records_are_stored_and_replaced(bench, path):
    assert bench.catalog.read(SyncReport) == SyncReport()
    bench.catalog.write(SyncReport(read=3, articles={"shown": 1}, problem="the disk is full"))
    bench.catalog.write(SyncReport(read=4))
    bench.catalog.changes("hub").write_state(ReceiverState(notified_at=1.5))
    with closing(Catalog.open_existing(path, read_only=True)) as other:
        assert other.read(SyncReport) == SyncReport(read=4)
        assert other.changes("hub").state() == ReceiverState(notified_at=1.5)
        assert other.changes("indexnow").state() == ReceiverState()
        assert other.read(StoredConfig) == StoredConfig()


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x81\xa4read\xa1x"])
def test_a_damaged_record_is_one_clear_line(bench, damage):
    bench.catalog.write(SyncReport(read=3))
    bench.catalog._database.execute("UPDATE catalog_state SET record = ?", (damage,))
    with pytest.raises(CatalogError, match="the sync report in the catalog cannot be read"):
        bench.catalog.read(SyncReport)


def test_records_of_a_sync_that_fails_are_not_stored(bench):
    bench.sync()

    def refuse(*_: object) -> None:
        bench.catalog.write(SyncReport(read=3))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.site.sync(source(bench), later(1), accept=refuse)
    assert bench.catalog.read(SyncReport) == SyncReport()


def test_records_of_a_sync_that_succeeds_are_stored(bench):
    report = SyncReport(read=3)
    bench.site.sync(source(bench), NOW, accept=lambda *_: bench.catalog.write(report))
    assert bench.catalog.read(SyncReport) == report


def test_an_index_changes_at_least_a_second_after_the_change_before(bench):
    dates, indexes = [], bench.catalog.indexes
    for fingerprint, now in (("a", 50), ("a", 60), ("b", 70), ("c", 70), ("a", 60)):
        indexes.update("feeds.opml", fingerprint, now=now, first=lambda: 9)
        dates.append(int(indexes.changed_at("feeds.opml").timestamp()))
    assert dates == [9, 9, 70, 71, 72]
    assert indexes.changed_at("index.html").timestamp() == 0


def source(bench: Bench):
    from feedhub.site import source_of

    return source_of(bench.root, bench.config)


def test_the_version_changes_when_another_process_writes(bench, path):
    bench.sync()
    reader = Catalog.open_existing(path, read_only=True)
    first = reader.version()
    assert reader.version() == first
    bench.catalog.write(SyncReport(read=3))
    second = reader.version()
    assert second != first
    assert reader.version() == second
    reader.close()


# Following a catalog that another process writes


def test_a_follower_sees_a_catalog_that_appears_changes_and_is_replaced(bench, path, tmp_path):
    bench.sync()
    with closing(CatalogFollower(tmp_path / "later.sqlite", read_only=True)) as follower:
        assert follower.catalog() is None
        path.replace(tmp_path / "later.sqlite")
        first = follower.catalog()
        assert first is not None
        assert first.count() == 1
        assert follower.catalog() is first
        make_bench(tmp_path / "other", path).sync()
        path.replace(tmp_path / "later.sqlite")
        second = follower.catalog()
        assert second is not None
        assert second.count() == 0


def test_the_version_of_a_follower_changes_with_writes_and_with_the_file(bench, path):
    bench.sync()
    with closing(CatalogFollower(path, read_only=False)) as follower:
        versions = [follower.version()]
        follower.catalog()
        versions.append(follower.version())
        assert follower.version() == versions[-1]
        bench.catalog.write(SyncReport(read=3))
        versions.append(follower.version())
        bench.catalog.close()
        path.with_suffix(".copy").write_bytes(path.read_bytes())
        path.with_suffix(".copy").replace(path)
        follower.catalog()
        versions.append(follower.version())
        assert len(set(versions)) == 4


def test_a_follower_keeps_the_catalog_open_while_the_file_is_missing(bench, path):
    bench.sync()
    with closing(CatalogFollower(path, read_only=True)) as follower:
        catalog = follower.catalog()
        assert catalog is not None
        path.unlink()
        assert follower.catalog() is None
        assert catalog.count() == 1


# Reading while another process writes


def test_a_read_only_catalog_reads_and_cannot_write(bench, path):
    bench.sync()
    before = path.read_bytes()
    reader = Catalog.open_existing(path, read_only=True)
    assert reader.feeds(("all", "topic")) == bench.catalog.feeds(("all", "topic"))
    for write in (
        lambda: reader.write(SyncReport(read=3)),
        lambda: reader.remember_outputs("/", {"x": ("", "")}),
        lambda: Bench(bench.root, reader, bench.config).sync(later(1)),
    ):
        with pytest.raises(CatalogError, match="readonly"):
            write()
    reader.close()
    assert path.read_bytes() == before


def test_opening_an_existing_catalog_creates_none(tmp_path):
    with pytest.raises(CatalogError, match=r"none\.sqlite: there is no catalog yet"):
        Catalog.open_existing(tmp_path / "none.sqlite", read_only=True)
    with pytest.raises(CatalogError, match="cannot be read"):
        Catalog.open_existing(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pragma", ["application_id = 5", "user_version = 77", "user_version = 0"])
def test_an_existing_catalog_of_another_version_or_program_is_refused(bench, path, pragma):
    bench.sync()
    bench.catalog.close()
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA {pragma}")
    other.close()
    before = path.read_bytes()
    with pytest.raises(
        CatalogError,
        match="not a catalog of this version of feedhub; run feedhub sync or render again",
    ):
        Catalog.open_existing(path, read_only=True)
    assert path.read_bytes() == before


def test_a_file_without_a_table_is_no_catalog_yet(path):
    """The first sync creates the file a moment before the tables: a server may look in between."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
    with pytest.raises(CatalogError, match="there is no catalog yet; feedhub render or sync"):
        Catalog.open_existing(path, read_only=True)
    with closing(CatalogFollower(path, read_only=True)) as follower:
        assert follower.catalog() is None


def test_an_existing_file_that_is_no_database_is_refused(path):
    path.write_text("not a database at all, but long enough to look at" * 30)
    with pytest.raises(CatalogError, match="cannot be read: file is not a database"):
        Catalog.open_existing(path, read_only=True)


def test_a_catalog_path_may_have_any_name(tmp_path):
    path = tmp_path / "cata?log #1 %20 é.sqlite"
    bench = make_bench(tmp_path, path)
    bench.write("a.md", title="A")
    bench.sync()
    reader = Catalog.open_existing(path, read_only=True)
    assert reader.count() == 1
    reader.close()
    bench.catalog.close()


@contextmanager
def as_a_reader_of(folder: Path) -> Iterator[None]:
    """Run as a user who may only read the files of a folder."""
    folder.chmod(0o555)
    owner, group = os.geteuid(), os.getegid()
    if owner == 0:
        os.setegid(NOBODY_ID)
        os.seteuid(NOBODY_ID)
    try:
        yield
    finally:
        os.seteuid(owner)
        os.setegid(group)
        folder.chmod(0o755)


def test_a_user_without_write_permission_can_open_a_catalog_that_is_left_readable():
    with tempfile.TemporaryDirectory() as name:  # its parents are open to everybody
        folder = Path(name)
        path = folder / "catalog.sqlite"
        folder.chmod(0o755)
        bench = make_bench(folder, path)
        bench.write("a.md", title="A")
        bench.sync()
        bench.catalog.close()
        with as_a_reader_of(folder), pytest.raises(CatalogError, match="cannot be"):
            Catalog.open_existing(path, read_only=True).count()
        leave_readable(path)
        with as_a_reader_of(folder):
            reader = Catalog.open_existing(path, read_only=True)
            assert (reader.count(), reader.version() > 0) == (1, True)
            reader.close()


def test_a_user_without_write_permission_sees_later_changes():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        bench = make_bench(folder, folder / "catalog.sqlite")
        bench.write("a.md", title="A")
        bench.sync()
        with as_a_reader_of(folder):
            reader = Catalog.open_existing(folder / "catalog.sqlite", read_only=True)
            before = reader.version()
        bench.write("b.md", title="B")
        bench.sync(later(1))
        assert (reader.version() != before, reader.count()) == (True, 2)
        reader.close()
        bench.catalog.close()


def test_leave_readable_creates_nothing_where_there_is_no_catalog(path):
    leave_readable(path)
    assert list(path.parent.iterdir()) == []
    path.touch()
    path.with_name(f"{path.name}-wal").symlink_to("none/none")
    leave_readable(path)


def test_leave_readable_does_not_harm_a_catalog_in_use(bench, path):
    bench.sync()
    with bench.catalog.snapshot():
        log = path.with_name(path.name + "-wal").read_bytes()
        leave_readable(path)
        assert path.with_name(path.name + "-wal").read_bytes() == log
    assert bench.titles() == ["A"]
