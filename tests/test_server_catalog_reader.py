"""The catalog as a server sees it: followed, never written, and what was good before stays."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from feedhub.app.library import Library
from feedhub.catalog import Catalog
from feedhub.document import CODINGS
from feedhub.errors import CatalogError, ConfigError
from tests.fronts import FAR, addresses, bench_on_disk, library_of, read
from tests.kit import NOW


@pytest.fixture
def bench(tmp_path):
    bench = bench_on_disk(tmp_path)
    bench.write("a.md", title="First", topics=["AI"])
    yield bench
    bench.catalog.close()


@pytest.fixture
def library(bench):
    library = library_of(bench)
    yield library
    library.close()


def test_before_the_first_look_there_is_nothing_and_it_says_so(library):
    assert library.edition is None
    assert library.problem


def test_what_was_synced_is_served(bench, library):
    bench.sync()
    library.refresh()

    assert library.problem == ""
    assert read(library) == bench.documents()["all.rss"].body
    assert read(library, coding="gzip") == CODINGS["gzip"].encode(read(library))


def test_a_catalog_that_was_never_synced_has_nothing_to_serve(library):
    library.refresh()

    assert library.edition is None
    assert library.problem.startswith("nothing is published yet")


def test_a_catalog_that_is_not_there_is_waited_for(tmp_path):
    bench = bench_on_disk(tmp_path / "later")
    bench.catalog.close()
    place = tmp_path / "later" / "catalog.sqlite"
    place.unlink()
    library = library_of(bench)
    library.refresh()
    assert library.problem.startswith("nothing is published yet")
    assert not place.exists()  # who only reads makes none
    with pytest.raises(CatalogError, match="nothing is published yet"):
        library.build(FAR, "", None)

    bench.catalog = Catalog(place)
    bench.write("a.md", title="First")
    bench.sync()
    library.refresh()

    assert library.problem == ""
    assert "/all.rss" in addresses(library)
    library.close()
    bench.catalog.close()


def test_a_library_that_opened_nothing_can_be_closed(tmp_path):
    Library(tmp_path / "none", lambda: None).close()  # type: ignore[arg-type, return-value]


def test_an_edit_makes_another_edition_and_the_same_content_does_not(bench, library):
    bench.sync()
    library.refresh()
    first = library.edition
    bench.sync()
    library.refresh()
    assert library.edition is first

    bench.write("b.md", title="Second", topics=["New"])
    bench.sync()
    library.refresh()

    assert library.edition is not first
    assert "/topics/new.rss" in addresses(library)


def test_a_scheduled_article_makes_another_edition_when_its_time_moves(bench, library):
    bench.sync()
    library.refresh()
    assert library.edition
    assert library.edition.due is None

    bench.write("later.md", title="Later", publishedDateTime="2026-06-02T00:00:00Z")
    bench.sync(NOW)
    library.refresh()

    assert library.edition.due == datetime(2026, 6, 2, tzinfo=UTC).timestamp()


def test_nothing_is_asked_of_a_catalog_that_has_not_moved(bench, library, monkeypatch):
    bench.sync()
    library.refresh()
    monkeypatch.setattr(Catalog, "next_due", lambda _: pytest.fail("asked"))
    for _ in range(3):
        library.refresh()

    assert library.problem == ""


def test_a_catalog_that_is_replaced_is_opened_anew(bench, library, tmp_path):
    bench.sync()
    library.refresh()
    other = bench_on_disk(tmp_path / "other")
    other.write("z.md", title="Another", topics=["Zebra"])
    other.sync()
    other.catalog.close()
    os.replace(tmp_path / "other" / "catalog.sqlite", tmp_path / "catalog.sqlite")  # noqa: PTH105
    library.refresh()

    assert library.problem == ""
    assert "/topics/zebra.rss" in addresses(library)
    assert "/topics/ai.rss" not in addresses(library)


def test_a_catalog_that_is_taken_away_leaves_what_was_good(bench, library, tmp_path):
    bench.sync()
    library.refresh()
    before = read(library)
    (tmp_path / "catalog.sqlite").rename(tmp_path / "away")
    library.refresh()

    assert read(library) == before


def test_a_damaged_catalog_leaves_what_was_good_and_says_so(bench, library, tmp_path):
    bench.sync()
    library.refresh()
    edition = library.edition
    damaged = tmp_path / "damaged"
    damaged.write_bytes(b"no database at all " * 1_000)
    os.replace(damaged, tmp_path / "catalog.sqlite")  # noqa: PTH105
    library.refresh()

    assert library.edition is edition
    assert "catalog" in library.problem


def test_a_catalog_of_drafts_is_never_served_in_public(bench, library):
    bench.sync()
    library.refresh()
    edition = library.edition
    bench.write("draft.md", title="Secret", published=False)
    bench.drafts = True
    bench.sync()
    library.refresh()

    assert library.edition is edition
    assert "--drafts" in library.problem
    with pytest.raises(CatalogError):
        read(library)

    bench.drafts = False
    bench.sync()
    library.refresh()
    assert library.problem == ""
    assert b"Secret" not in read(library)


def test_a_configuration_that_another_process_has_already_is_followed(bench, library):
    bench.sync()
    library.refresh()
    bench.config = replace(bench.config, feeds=replace(bench.config.feeds, formats=("json",)))
    bench.sync()
    library.refresh()

    assert library.problem == ""
    assert "/all.json" in addresses(library)
    assert "/all.rss" not in addresses(library)


def test_a_configuration_is_read_again_before_there_is_a_catalog(tmp_path):
    reads: list[int] = []

    def config() -> Any:
        reads.append(1)

    library = Library(tmp_path / "none", config)
    library.reload()

    assert len(reads) == 2


def test_a_wrong_configuration_changes_nothing(bench, library):
    bench.sync()
    library.refresh()
    before = read(library)

    def wrong() -> Any:
        raise ConfigError("no")

    library._read_config = wrong
    with pytest.raises(ConfigError):
        library.reload()
    library.refresh()

    assert library.problem == ""
    assert read(library) == before


def test_what_has_not_changed_is_taken_over_into_the_next_edition(bench, library):
    bench.write("b.md", title="Second", topics=["Other"])
    bench.sync()
    library.refresh()
    assert library.edition
    before = library.edition.entries["/topics/ai.rss"]
    bench.write("b.md", title="Changed", topics=["Other"])
    bench.sync()
    library.refresh()

    assert library.edition.entries["/topics/ai.rss"] is before


def test_a_damage_that_is_mended_is_over(bench, library, tmp_path):
    bench.sync()
    library.refresh()
    place = tmp_path / "catalog.sqlite"
    place.rename(tmp_path / "good")
    place.write_bytes(b"no database at all " * 1_000)
    library.refresh()
    assert library.problem
    place.unlink()
    (tmp_path / "good").rename(place)
    library.refresh()

    assert library.problem == ""


def test_a_fault_of_ours_leaves_what_was_good_and_is_told(bench, library, monkeypatch):
    bench.sync()
    library.refresh()
    edition = library.edition
    bench.catalog.note(synced="no JSON")
    library.refresh()

    assert library.edition is edition
    assert library.problem.startswith("JSONDecodeError: ")


def test_a_catalog_that_may_not_be_opened_is_told(bench, library, monkeypatch):
    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    bench.sync()
    monkeypatch.setattr(Library, "_open", refuse)
    library.refresh()

    assert "Permission denied" in library.problem
    assert library.edition is None
