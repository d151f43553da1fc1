"""The reader of the catalog: it follows, never writes, and keeps the last good snapshot."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from feedhub.catalog import Catalog, SyncReport
from feedhub.document import CODINGS
from feedhub.errors import CatalogError, ConfigError
from feedhub.server.catalog_reader import OTHER_VERSION, CatalogReader
from tests.fronts import FAR, addresses, bench_on_disk, found, read, reader_of
from tests.kit import NOW


@pytest.fixture
def bench(tmp_path):
    bench = bench_on_disk(tmp_path)
    bench.write("a.md", title="First", topics=["AI"])
    yield bench
    bench.catalog.close()


@pytest.fixture
def reader(bench):
    reader = reader_of(bench)
    yield reader
    reader.close()


def test_before_the_first_refresh_there_is_a_problem_and_no_snapshot(reader):
    assert reader.snapshot is None
    assert reader.problem
    with pytest.raises(CatalogError, match="nothing is published yet"):
        reader.asset("0123/a.png")


def test_synced_documents_are_served(bench, reader):
    bench.sync()
    reader.refresh()

    assert reader.problem == ""
    assert read(reader) == bench.documents()["all.rss"].body
    assert read(reader, coding="gzip") == CODINGS["gzip"].encode(read(reader))


def test_a_catalog_that_was_never_synced_has_nothing_to_serve(reader):
    reader.refresh()

    assert reader.snapshot is None
    assert reader.problem.startswith("nothing is published yet")


def test_a_missing_catalog_is_waited_for(tmp_path):
    bench = bench_on_disk(tmp_path / "later")
    bench.catalog.close()
    path = tmp_path / "later" / "catalog.sqlite"
    path.unlink()
    reader = reader_of(bench)
    reader.refresh()
    assert reader.problem.startswith("nothing is published yet")
    assert not path.exists()  # a reader does not create it
    with pytest.raises(CatalogError, match="nothing is published yet"):
        reader.build(FAR, "", None)

    bench.catalog = Catalog(path)
    bench.write("a.md", title="First")
    bench.sync()
    reader.refresh()

    assert reader.problem == ""
    assert "/all.rss" in addresses(reader)
    reader.close()
    bench.catalog.close()


def test_a_reader_that_opened_nothing_can_be_closed(tmp_path):
    CatalogReader(tmp_path / "none", lambda: None).close()


def test_tables_that_another_version_has_made_anew_are_not_read(bench, reader, tmp_path):
    """An upgraded sync makes them in the same file, which an older server still has open."""
    bench.sync()
    reader.refresh()
    before = reader.snapshot
    resource = found(reader)
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as other:
        other.execute("PRAGMA user_version = 999")
    reader.refresh()

    assert reader.problem == OTHER_VERSION
    assert reader.snapshot is before
    with pytest.raises(CatalogError, match="another version"):
        reader.build(resource, "", None)


def test_only_a_change_of_content_makes_a_new_snapshot(bench, reader):
    bench.sync()
    reader.refresh()
    first = reader.snapshot
    bench.sync()
    reader.refresh()
    assert reader.snapshot is first

    bench.write("b.md", title="Second", topics=["New"])
    bench.sync()
    reader.refresh()

    assert reader.snapshot is not first
    assert "/topics/new.rss" in addresses(reader)


def test_a_scheduled_article_makes_a_new_snapshot(bench, reader):
    bench.sync()
    reader.refresh()
    assert reader.snapshot
    assert reader.snapshot.due is None

    bench.write("later.md", title="Later", publishedDateTime="2026-06-02T00:00:00Z")
    bench.sync(NOW)
    reader.refresh()

    assert reader.snapshot.due == datetime(2026, 6, 2, tzinfo=UTC).timestamp()


def test_an_unchanged_catalog_is_not_queried(bench, reader, monkeypatch):
    bench.sync()
    reader.refresh()
    monkeypatch.setattr(Catalog, "next_due", lambda _: pytest.fail("queried"))
    for _ in range(3):
        reader.refresh()

    assert reader.problem == ""


def test_a_replaced_catalog_is_opened_again(bench, reader, tmp_path):
    bench.sync()
    reader.refresh()
    other = bench_on_disk(tmp_path / "other")
    other.write("z.md", title="Another", topics=["Zebra"])
    other.sync()
    other.catalog.close()
    os.replace(tmp_path / "other" / "catalog.sqlite", tmp_path / "catalog.sqlite")  # noqa: PTH105
    reader.refresh()

    assert reader.problem == ""
    assert "/topics/zebra.rss" in addresses(reader)
    assert "/topics/ai.rss" not in addresses(reader)


def test_a_removed_catalog_leaves_the_snapshot(bench, reader, tmp_path):
    bench.sync()
    reader.refresh()
    before = read(reader)
    (tmp_path / "catalog.sqlite").rename(tmp_path / "away")
    reader.refresh()

    assert read(reader) == before


def test_a_damaged_catalog_leaves_the_snapshot_and_is_a_problem(bench, reader, tmp_path):
    bench.sync()
    reader.refresh()
    snapshot = reader.snapshot
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"no database at all " * 1_000)
    os.replace(damaged, tmp_path / "catalog.sqlite")  # noqa: PTH105
    reader.refresh()

    assert reader.snapshot is snapshot
    assert "catalog" in reader.problem


def test_a_catalog_of_drafts_is_never_served_in_public(bench, reader):
    bench.sync()
    reader.refresh()
    snapshot = reader.snapshot
    bench.write("draft.md", title="Secret", published=False)
    bench.drafts = True
    bench.sync()
    reader.refresh()

    assert reader.snapshot is snapshot
    assert "--drafts" in reader.problem
    with pytest.raises(CatalogError):
        read(reader)

    bench.drafts = False
    bench.sync()
    reader.refresh()
    assert reader.problem == ""
    assert b"Secret" not in read(reader)


def test_the_configuration_of_the_catalog_is_followed(bench, reader):
    bench.sync()
    reader.refresh()
    bench.config = replace(bench.config, feeds=replace(bench.config.feeds, formats=("json",)))
    bench.sync()
    reader.refresh()

    assert reader.problem == ""
    assert "/all.json" in addresses(reader)
    assert "/all.rss" not in addresses(reader)


def test_the_configuration_can_be_reloaded_before_there_is_a_catalog(tmp_path):
    reads: list[int] = []

    def config() -> Any:
        reads.append(1)

    reader = CatalogReader(tmp_path / "none", config)
    reader.reload()

    assert len(reads) == 2


def test_a_wrong_configuration_changes_nothing(bench, reader):
    bench.sync()
    reader.refresh()
    before = read(reader)

    def wrong() -> Any:
        raise ConfigError("no")

    reader._read_config = wrong
    with pytest.raises(ConfigError):
        reader.reload()
    reader.refresh()

    assert reader.problem == ""
    assert read(reader) == before


def test_unchanged_resources_are_reused_in_the_next_snapshot(bench, reader):
    bench.write("b.md", title="Second", topics=["Other"])
    bench.sync()
    reader.refresh()
    assert reader.snapshot
    before = found(reader, "/topics/ai.rss")
    bench.write("b.md", title="Changed", topics=["Other"])
    bench.sync()
    reader.refresh()

    assert found(reader, "/topics/ai.rss") is before


def test_a_repaired_catalog_ends_the_problem(bench, reader, tmp_path):
    bench.sync()
    reader.refresh()
    path = tmp_path / "catalog.sqlite"
    path.rename(tmp_path / "good")
    path.write_bytes(b"no database at all " * 1_000)
    reader.refresh()
    assert reader.problem
    path.unlink()
    (tmp_path / "good").rename(path)
    reader.refresh()

    assert reader.problem == ""


def test_a_bug_leaves_the_snapshot_and_is_a_problem(bench, reader, monkeypatch):
    bench.sync()
    reader.refresh()
    snapshot = reader.snapshot
    bench.catalog.write(SyncReport(read=1))
    monkeypatch.setattr(Catalog, "next_due", lambda _: 1 / 0)
    reader.refresh()

    assert reader.snapshot is snapshot
    assert reader.problem.startswith("ZeroDivisionError: ")


def test_a_catalog_without_permission_is_a_problem(bench, reader, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    bench.sync()
    monkeypatch.setattr(Catalog, "open_existing", refuse)
    reader.refresh()

    assert "Permission denied" in reader.problem
    assert reader.snapshot is None
