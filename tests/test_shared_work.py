"""Reading and writing by several processes: the same catalog, the same files, the same errors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from feedhub.catalog import Catalog
from feedhub.errors import CatalogError, OutputError
from feedhub.render import render
from feedhub.site import source_of
from tests.kit import NOW, Bench, files_below, make_bench

_MANY = 150


@pytest.fixture
def bench(tmp_path) -> Bench:
    """A site with more files and documents than one process does alone, and some bad files."""
    bench = make_bench(tmp_path, tmp_path / "catalog.sqlite")
    for number in range(_MANY):
        bench.write(
            f"{number:03}.md",
            title=f"Title {number}",
            topics=[f"Topic {number % 40}", "All"],
            publishedDateTime=(NOW - timedelta(days=number)).isoformat(),
            published=None if number % 10 else False,
        )
    bench.write("040.md", "---\ntitle: [\n---\n")
    bench.write("090.md", title="The same id", id="tag:x,2026:1")
    bench.write("091.md", title="The same id", id="tag:x,2026:1")
    return bench


def rendered(bench: Bench, name: str, processes: int, catalog: Catalog | None = None):
    """Render to a folder of its own, with a catalog of its own; return the report and the files."""
    path = bench.root.parent / name
    fresh = Bench(bench.root, catalog or Catalog(path.with_suffix(".sqlite")), bench.config)
    report = render(
        fresh.site,
        fresh.catalog,
        source_of(fresh.root, fresh.config),
        path,
        now=NOW,
        compress=("gzip",),
        processes=processes,
    )
    files = files_below(path)
    files.pop(".feedhub/lock")
    return report, files


def test_more_processes_write_the_same(bench):
    alone, expected = rendered(bench, "alone", 1)
    shared, files = rendered(bench, "shared", 3)

    assert len(expected) > 250
    assert files == expected
    assert shared == alone
    assert {problem.code for problem in shared.changes.problems} >= {"duplicate-id"}
    assert alone.changes.rejected == 2


def test_a_second_run_writes_nothing(bench):
    rendered(bench, "out", 3)
    path = bench.root.parent / "out.sqlite"
    report, _ = rendered(bench, "out", 3, Catalog(path))

    assert (report.written, report.removed) == (0, 0)


def test_a_catalog_in_memory_is_rendered_by_one_process(bench):
    _, expected = rendered(bench, "alone", 1)
    _, files = rendered(bench, "memory", 3, Catalog(None))

    assert files == expected


def test_an_error_of_another_process_leaves_the_folder_as_it_was(bench):
    out = bench.root.parent / "out"
    (out / "topics").mkdir(parents=True)
    (out / "topics/topic-7.json").write_text("mine")

    with pytest.raises(OutputError, match=r"topics/topic-7\.json: was not written by feedhub"):
        rendered(bench, "out", 3)
    assert set(files_below(out)) == {".feedhub/lock", "topics/topic-7.json"}


def test_a_forked_reader_sees_the_generation_it_was_given(bench):
    bench.sync()
    generation = bench.catalog.generation()
    reader = Catalog.open_existing(bench.root.parent / "catalog.sqlite", read_only=True)
    reader.follow_fork((generation, None))
    assert reader.count() == bench.catalog.count() > 0

    bench.write("new.md", title="New")
    bench.sync(NOW + timedelta(minutes=1))
    assert reader.generation() == generation
    reader.close()
    reader = Catalog.open_existing(bench.root.parent / "catalog.sqlite", read_only=True)
    with pytest.raises(CatalogError, match="has changed meanwhile"):
        reader.follow_fork((generation, None))
    reader.close()
    with pytest.raises(CatalogError, match="in memory"):
        Catalog(None).follow_fork((0, None))
