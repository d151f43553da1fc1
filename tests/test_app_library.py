"""The catalog as a server sees it: followed, never written, and what was good before stays."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from feedhub.app.edition import Entry
from feedhub.app.library import Library, VanishedError
from feedhub.app.status import status_of
from feedhub.catalog import Catalog
from feedhub.document import CODINGS
from feedhub.errors import CatalogError, ConfigError
from feedhub.site import Planned
from tests.fronts import bench_on_disk
from tests.kit import NOW, Bench

FAR = Entry(
    Planned("all.rss", "f", "application/rss+xml", NOW), "https://feeds.example.org/all.rss"
)


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


def library_of(bench: Bench) -> Library:
    return Library(bench.root.parent / "catalog.sqlite", lambda: bench.config, drafts=bench.drafts)


def read(library: Library, path: str = "/all.rss", coding: str = "") -> bytes:
    assert library.edition
    return library.build(library.edition.entries[path], coding, None).body


def addresses(library: Library) -> set[str]:
    return set(library.edition.entries) if library.edition else set()


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


def test_a_catalog_of_another_configuration_is_not_mixed_in(bench, library):
    bench.sync()
    library.refresh()
    edition = library.edition
    ours = bench.config
    bench.config = replace(ours, feeds=replace(ours.feeds, limit=1))
    bench.sync()
    bench.config = ours
    library.refresh()

    assert library.edition is edition
    assert "another configuration" in library.problem
    with pytest.raises(CatalogError, match="another configuration"):
        read(library)

    bench.sync()
    library.refresh()
    assert library.problem == ""


def test_a_configuration_that_another_process_has_already_is_followed(bench, library):
    bench.sync()
    library.refresh()
    bench.config = replace(bench.config, feeds=replace(bench.config.feeds, formats=("json",)))
    bench.sync()
    library.refresh()

    assert library.problem == ""
    assert "/all.json" in addresses(library)
    assert "/all.rss" not in addresses(library)


def test_a_document_of_a_configuration_that_is_new_is_built_by_it(bench, library):
    """Asked for between the sync by the new configuration and the next look."""
    bench.sync()
    library.refresh()
    old = library.edition.entries["/all.rss"]
    bench.config = replace(bench.config, site=replace(bench.config.site, title="Renamed"))
    bench.sync()
    made = library.build(old, "", None)

    assert b"<title>Renamed</title>" in made.plain
    assert made.entry.planned == bench.site.plan()["all.rss"]


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


def test_what_the_last_sync_said_is_known(bench, library):
    bench.sync()
    facts = {"at": 12.5, "seconds": 0.25, "articles": {"shown": 1}, "rejected": 2}
    bench.catalog.note(synced=json.dumps(facts), failing="the source is away")
    library.refresh()
    status = status_of(library, 20.0, "a child is down")

    assert status.ready
    assert status.problem == "the source is away"
    assert (status.synced, status.seconds, status.rejected) == (12.5, 0.25, 2)
    assert status.articles == {"shown": 1}
    assert status.documents == len(addresses(library))
    assert status.generation == 1


def test_what_is_wrong_beside_the_catalog_is_told_too(bench, library):
    assert status_of(library, 20.0).ready is False
    bench.sync()
    library.refresh()

    assert status_of(library, 20.0).problem == ""
    assert status_of(library, 20.0, "a child is down").problem == "a child is down"


@pytest.mark.parametrize(
    ("synced", "now", "silent"),
    [
        ({}, 1e9, False),
        ({"at": 100.0}, 1e9, False),  # one that does not watch has ended
        ({"at": 100.0, "every": 10.0}, 130.0, False),
        ({"at": 100.0, "every": 10.0}, 131.0, True),
        ({"at": 100.0, "every": 10.0}, 50.0, False),
    ],
)
def test_a_sync_that_watches_and_is_silent_is_a_problem(library, synced, now, silent):
    library.problem, library.synced = "", synced

    assert bool(status_of(library, now).problem) == silent


def test_what_has_changed_is_built_as_what_it_is_now(bench, library):
    bench.sync()
    library.refresh()
    assert library.edition
    old = library.edition.entries["/all.rss"]
    bench.write("a.md", title="Changed", topics=["AI"])
    bench.sync()
    made = library.build(old, "br", None)

    assert made.entry is not old
    assert made.entry.planned == bench.site.plan()["all.rss"]
    assert made.plain == bench.documents()["all.rss"].body
    assert made.entry.url == old.url


def test_what_has_not_changed_is_built_as_itself(bench, library):
    bench.sync()
    library.refresh()
    assert library.edition
    entry = library.edition.entries["/all.rss"]

    assert library.build(entry, "", None).entry is entry


def test_bytes_at_hand_are_coded_without_the_catalog(bench, library, monkeypatch):
    bench.sync()
    library.refresh()
    assert library.edition
    monkeypatch.setattr("feedhub.site.Site.document", lambda *_: pytest.fail("built"))
    made = library.build(library.edition.entries["/all.rss"], "gzip", b"at hand")

    assert made.plain == b"at hand"
    assert made.body == CODINGS["gzip"].encode(b"at hand")


def test_an_archive_that_is_gone_has_vanished(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__limit=1, feeds__days=0)
    library = library_of(bench)
    bench.write("a.md", title="First", topics=["AI"])
    bench.write("old.md", title="Old", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync()
    library.refresh()
    assert library.edition
    entry = library.edition.entries["/all/2019-01.rss"]
    (bench.root / "old.md").unlink()
    bench.sync()

    with pytest.raises(VanishedError):
        library.build(entry, "", None)
    assert library.news(entry, "f") is None
    library.refresh()
    assert "/all/2019-01.rss" not in addresses(library)
    library.close()
    bench.catalog.close()


def test_news_are_of_the_document_that_is_served(bench, library):
    bench.sync()
    library.refresh()
    assert library.edition
    base = library.edition.entries["/all.json"].planned.fingerprint
    bench.write("b.md", title="Second", publishedDateTime="2020-06-10T11:00:00Z")
    bench.sync()
    stale = library.edition.entries["/all.json"]
    assert library.news(stale, base) is None  # the catalog has moved on; the whole is sent

    library.refresh()
    news = library.news(library.edition.entries["/all.json"], base)
    assert news is not None
    assert [item["title"] for item in json.loads(news)["items"]] == ["Second"]
    assert library.news(library.edition.entries["/all.json"], "unknown") is None


def test_who_serves_cannot_write(bench, library):
    bench.sync()
    library.refresh()

    with pytest.raises(CatalogError):
        library._catalog.note(synced="{}")


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
