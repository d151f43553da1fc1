"""What a server asks of the catalog: what moved, and never to write."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from feedhub.catalog import Catalog, Settings, leave_readable
from feedhub.errors import CatalogError
from feedhub.feed import Window
from tests.kit import NOW, Bench, make_bench
from tests.sites import later, one_article, state_of

NOBODY = 65_534


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite"


@pytest.fixture
def bench(tmp_path: Path, place: Path) -> Iterator[Bench]:
    bench = one_article(tmp_path, place)
    yield bench
    bench.catalog.close()


# What has become of a document


def test_the_current_state_is_found_by_kind_slug_and_period(bench):
    for month in (1, 2, 3):
        bench.write(f"{month}.md", title=f"T{month}", publishedDateTime=f"2020-0{month}-01")
    bench.sync()
    states = bench.catalog.feeds(("all", "topic"))
    assert {state.period for state in states} > {"", "2020-02"}
    assert [bench.catalog.current(state) for state in states] == states
    stale = [replace(state, fingerprint="", count=0) for state in states]
    assert [bench.catalog.current(state) for state in stale] == states


def test_a_state_that_is_gone_has_no_current_one(bench):
    for month in (1, 2, 3):
        bench.write(f"{month}.md", title=f"T{month}", publishedDateTime=f"2020-0{month}-01")
    bench.sync()
    (archive,) = [s for s in bench.catalog.feeds(("all",)) if s.period == "2020-01"]
    (bench.root / "1.md").unlink()
    bench.sync(later(1))
    assert bench.catalog.current(archive) is None
    assert bench.catalog.current(replace(archive, kind="nobody")) is None


# What moves, and what does not


def test_the_generation_moves_only_when_a_feed_changes(bench):
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


def test_what_happens_beyond_every_document_is_no_generation(tmp_path):
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


def test_another_configuration_is_a_generation_though_no_feed_changes(bench):
    bench.sync()
    before = state_of(bench)
    bench.config = replace(
        bench.config, feeds=replace(bench.config.feeds, formats=("json", "html"))
    )
    assert bench.sync(later(1)).changed == 0
    assert state_of(bench) == before
    assert bench.catalog.generation() == 2


def test_a_catalog_knows_what_it_was_made_with(bench):
    made = Settings(kinds=("all",), window=Window(), archives=True, shape="x", plan="y")
    others = [
        replace(made, kinds=("all", "topic")),
        replace(made, window=Window(limit=3)),
        replace(made, archives=False),
        replace(made, shape="z"),
        replace(made, plan="z"),
        replace(made, private=True),
    ]
    assert not bench.catalog.matches(made)
    bench.catalog.note(shape=repr(made))
    assert bench.catalog.matches(made)
    assert not any(bench.catalog.matches(other) for other in others)


def test_notes_are_kept_and_replaced(bench, place):
    assert bench.catalog.noted("failing") == ""
    bench.catalog.note(failing="no room", synced="{}")
    bench.catalog.note(failing="")
    other = Catalog(place, read_only=True)
    assert (other.noted("failing"), other.noted("synced")) == ("", "{}")
    other.close()


def test_notes_of_a_sync_that_fails_are_not_kept(bench):
    bench.sync()

    def refuse(*_: object) -> None:
        bench.catalog.note(mark="made in vain")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.site.sync(source(bench), later(1), accept=refuse)
    assert bench.catalog.noted("mark") == ""


def test_notes_of_a_sync_that_succeeds_are_kept(bench):
    bench.site.sync(source(bench), NOW, accept=lambda *_: bench.catalog.note(mark="made"))
    assert bench.catalog.noted("mark") == "made"


def source(bench: Bench):
    from feedhub.site import source_of

    return source_of(bench.root, bench.config)


def test_the_version_moves_when_another_process_writes(bench, place):
    bench.sync()
    reader = Catalog(place, read_only=True)
    first = reader.version()
    assert reader.version() == first
    bench.catalog.note(mark="x")
    second = reader.version()
    assert second != first
    assert reader.version() == second
    reader.close()


# Reading beside whoever writes


def test_a_reader_sees_what_was_written_and_writes_nothing(bench, place):
    bench.sync()
    before = place.read_bytes()
    reader = Catalog(place, read_only=True)
    assert reader.feeds(("all", "topic")) == bench.catalog.feeds(("all", "topic"))
    for write in (
        lambda: reader.note(mark="x"),
        lambda: reader.remember_outputs("/", {"x": ("", "")}),
        lambda: Bench(bench.root, reader, bench.config).sync(later(1)),
    ):
        with pytest.raises(CatalogError, match="readonly"):
            write()
    reader.close()
    assert place.read_bytes() == before


def test_a_reader_makes_no_catalog_where_there_is_none(tmp_path):
    with pytest.raises(CatalogError, match=r"none\.sqlite: there is no catalog yet"):
        Catalog(tmp_path / "none.sqlite", read_only=True)
    with pytest.raises(CatalogError, match="cannot be read"):
        Catalog(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pragma", ["application_id = 5", "user_version = 77", "user_version = 0"])
def test_a_reader_refuses_what_another_version_or_program_wrote(bench, place, pragma):
    bench.sync()
    bench.catalog.close()
    with sqlite3.connect(place) as other:
        other.execute(f"PRAGMA {pragma}")
    other.close()
    before = place.read_bytes()
    with pytest.raises(CatalogError, match="this is no catalog of this version of feedhub"):
        Catalog(place, read_only=True)
    assert place.read_bytes() == before


def test_a_reader_refuses_what_is_no_database(place):
    place.write_text("not a database at all, but long enough to look at" * 30)
    with pytest.raises(CatalogError, match="cannot be read: file is not a database"):
        Catalog(place, read_only=True)


def test_a_place_may_have_any_name(tmp_path):
    place = tmp_path / "cata?log #1 %20 é.sqlite"
    bench = make_bench(tmp_path, place)
    bench.write("a.md", title="A")
    bench.sync()
    reader = Catalog(place, read_only=True)
    assert reader.count() == 1
    reader.close()
    bench.catalog.close()


def test_without_a_place_there_is_nobody_to_read_beside():
    catalog = Catalog(None, read_only=True)
    catalog.note(mark="x")
    assert catalog.noted("mark") == "x"
    catalog.close()


@contextmanager
def without_a_right_to_write(folder: Path) -> Iterator[None]:
    """Be somebody who may only read what lies in a folder."""
    folder.chmod(0o555)
    owner, group = os.geteuid(), os.getegid()
    if owner == 0:
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(owner)
        os.setegid(group)
        folder.chmod(0o755)


def test_who_may_only_read_can_open_what_a_sync_has_left():
    with tempfile.TemporaryDirectory() as name:  # its parents are open to everybody
        folder = Path(name)
        place = folder / "catalog.sqlite"
        folder.chmod(0o755)
        bench = make_bench(folder, place)
        bench.write("a.md", title="A")
        bench.sync()
        bench.catalog.close()
        with without_a_right_to_write(folder), pytest.raises(CatalogError, match="cannot be"):
            Catalog(place, read_only=True).count()
        leave_readable(place)
        with without_a_right_to_write(folder):
            reader = Catalog(place, read_only=True)
            assert (reader.count(), reader.version() > 0) == (1, True)
            reader.close()


def test_who_may_only_read_sees_what_is_written_next():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        bench = make_bench(folder, folder / "catalog.sqlite")
        bench.write("a.md", title="A")
        bench.sync()
        with without_a_right_to_write(folder):
            reader = Catalog(folder / "catalog.sqlite", read_only=True)
            before = reader.version()
        bench.write("b.md", title="B")
        bench.sync(later(1))
        assert (reader.version() != before, reader.count()) == (True, 2)
        reader.close()
        bench.catalog.close()


def test_where_nothing_was_written_nothing_is_left(place):
    leave_readable(place)
    assert list(place.parent.iterdir()) == []
    place.touch()
    place.with_name(f"{place.name}-wal").symlink_to("none/none")
    leave_readable(place)


def test_a_catalog_in_use_is_not_harmed(bench, place):
    bench.sync()
    with bench.catalog.snapshot():
        log = place.with_name(place.name + "-wal").read_bytes()
        leave_readable(place)
        assert place.with_name(place.name + "-wal").read_bytes() == log
    assert bench.titles() == ["A"]
