"""The plan of a site: what stands in it, what leaves it, and what has become of a document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from feedhub.catalog import Catalog
from feedhub.errors import ConfigError
from feedhub.site import Site
from feedhub.site.indexes import NOT_FOUND_PATH, OPML_PATH
from feedhub.site.paths import INDEX_PATH
from tests.kit import Bench
from tests.sites import FIXED, LISTS, configure, edit, later, site_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = site_bench(tmp_path)
    yield bench
    bench.catalog.close()


# Which documents there are


def test_the_plan_has_every_feed_in_every_format_and_each_list_once(bench):
    bench.sync()
    plan = bench.site.plan()
    names = {f"{path}{suffix}" for path in FEEDS for suffix in (".rss", ".atom", ".json")}
    pages = {f"{path}/index.html" for path in FEEDS if "2020" not in path}
    assert set(plan) == names | pages | {*LISTS, *FIXED, *MONTHS, NOT_FOUND_PATH}
    assert all(path == planned.path for path, planned in plan.items())
    assert len({(p.fingerprint, p.format) for p in plan.values()}) == len(plan)


MONTHS = {f"all/2020-0{month}/index.html" for month in (1, 2, 3)}
FEEDS = {"all", "all/2020-01", "all/2020-02", "topics/ml", "topics/ml/2020-01", "topics/law"}


@pytest.mark.parametrize("key", ["gone", "moved"])
def test_a_retired_or_moved_feed_is_in_no_plan_and_no_list(bench, key):
    bench.sync()
    before = bench.site.plan()
    rules: dict[str, Any] = {"gone": ("topics/ml",), "moved": (("topics/ml", "topics/law"),)}
    configure(bench, "feeds", **{key: rules[key]})
    assert bench.sync(later(60)).changed == 0
    site = bench.site
    after = site.plan()
    assert {path for path in before if path not in after} == {
        f"topics/ml{suffix}"
        for suffix in (*(f"{month}.{name}" for month in ("", "/2020-01") for name in NAMES), PAGE)
    }
    pages = {"all/index.html", "topics/law/index.html", *MONTHS, NOT_FOUND_PATH}
    assert {path for path in after if after[path] != before[path]} == {*LISTS, *pages}
    for path in LISTS:
        assert b"topics/ml" in bench_document(bench, {}, path)
        assert b"topics/ml" not in site.document(after[path]).body
        assert b"topics/law" in site.document(after[path]).body
    assert [state.slug for state in site.states()] == ["", "law"]


NAMES, PAGE = ("rss", "atom", "json"), "/index.html"


def bench_document(bench: Bench, feeds: dict[str, Any], path: str) -> bytes:
    """Return a document of the same source as another configuration gives it."""
    with closing(Catalog(None)) as catalog:
        config = replace(
            bench.config, feeds=replace(bench.config.feeds, gone=(), moved=(), **feeds)
        )
        other = Bench(bench.root, catalog, config)
        other.sync()
        return other.documents()[path].body


def test_a_feed_that_is_no_longer_retired_is_as_before(bench):
    bench.sync()
    before = bench.site.plan()
    configure(bench, "feeds", gone=("all", "topics/ml", "topics/nothing"))
    bench.sync(later(60))
    assert "all.rss" not in bench.site.plan()
    configure(bench, "feeds", gone=())
    bench.sync(later(120))
    after = bench.site.plan()
    pages = {f"{path}/index.html" for path in ("all", "topics/ml", "topics/law")}
    pages |= {*MONTHS, NOT_FOUND_PATH}
    assert {path for path in after if after[path] != before.get(path)} == {*LISTS, *pages}
    assert {after[path].changed_at for path in (*LISTS, *pages)} == {later(120)}


def test_without_html_no_page_is_planned(bench):
    configure(bench, "feeds", formats=("atom", "json"))
    bench.sync()
    assert INDEX_PATH not in bench.site.plan()
    assert {planned.path.rpartition(".")[2] for planned in bench.site.plan().values()} == {
        "atom",
        "json",
        "opml",
    }


def test_the_lists_name_the_first_format_but_json(bench):
    bench.sync()
    for formats, named in (
        (("json", "html", "atom", "rss"), "atom"),
        (("html", "json"), "json"),
        (("rss",), "rss"),
    ):
        opml = bench_document(bench, {"formats": formats}, OPML_PATH).decode()
        assert f"/all.{named}" in opml
        assert not [other for other in NAMES if other != named and f"/all.{other}" in opml]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"formats": ("html",)}, "html shows feeds; add one of rss, atom, json"),
        ({"formats": ("rss", "xml")}, "'xml' is not known; choose from rss, atom, json, html"),
        ({"formats": ("rss", "htm")}, "'htm' is not known; did you mean html"),
        ({"kinds": ("topics",)}, "'topics' is not known; did you mean topic"),
    ],
)
def test_unknown_kinds_and_formats_are_refused(bench, values, message):
    configure(bench, "feeds", **values)
    with pytest.raises(ConfigError, match=message):
        assert bench.site


def test_the_address_of_the_page_is_that_of_its_folder(bench):
    configure(bench, "site", base_url="https://feeds.example.org/news")
    bench.sync()
    assert bench.site.url(INDEX_PATH) == "https://feeds.example.org/news/"
    assert (
        bench.site.url("topics/é a.rss") == "https://feeds.example.org/news/topics/%C3%A9%20a.rss"
    )


# What has become of a document


def test_unchanged_documents_are_current(bench):
    bench.sync()
    site = bench.site
    for planned in site.plan().values():
        assert site.current(planned) == planned


def test_changed_documents_have_a_current_version(bench):
    bench.sync()
    before = bench.site.plan()
    edit(bench, "Edited", 60)
    site = bench.site
    after = site.plan()
    assert [site.current(planned) for planned in before.values()] == list(after.values())
    assert after["all.rss"].changed_at == later(60)


def test_a_removed_archive_has_no_current_version(bench):
    bench.sync()
    before = bench.site.plan()
    (bench.root / "1.md").unlink()
    bench.sync(later(60))
    assert bench.site.current(before["all/2020-01.rss"]) is None
    assert bench.site.current(before["topics/ml.rss"]) == bench.site.plan()["topics/ml.rss"]


def test_documents_removed_by_the_configuration_have_no_current_version(bench):
    bench.sync()
    before = bench.site.plan()
    configure(bench, "feeds", formats=("rss", "html"), gone=("topics/ml",))
    bench.sync(later(60))
    site = bench.site
    assert site.current(before["topics/law.atom"]) is None
    assert site.current(before["topics/ml/index.html"]) is None
    assert site.current(before["topics/ml.rss"]) is None
    assert site.current(before["topics/law.rss"]) == before["topics/law.rss"]


# Whether catalog and configuration belong together


def test_a_catalog_matches_only_the_configuration_it_was_made_with(bench):
    assert not bench.site.matches_catalog()
    bench.sync()
    assert bench.site.matches_catalog()
    ours = bench.config
    for section, values in (
        ("feeds", {"limit": 7}),
        ("feeds", {"kinds": ("all",)}),
        ("feeds", {"formats": ("rss", "atom", "json")}),
        ("feeds", {"gone": ("topics/ml",)}),
        ("feeds", {"moved": (("topics/ml", "topics/law"),)}),
        ("feeds", {"archives": False}),
        ("site", {"title": "Other"}),
        ("site", {"base_url": "https://other.example"}),
        ("http", {"max_age": 60}),
    ):
        bench.config = ours
        configure(bench, section, **values)
        assert not bench.site.matches_catalog(), values
    bench.config = ours
    bench.drafts = True
    assert not bench.site.matches_catalog()


def test_settings_that_shape_no_document_may_differ(bench):
    bench.sync()
    configure(bench, "http", stale_if_error=1, delta=True, cache_megabytes=1, parser="h11")
    configure(bench, "render", compress=())
    assert bench.site.matches_catalog()


def test_a_snapshot_sees_one_state_of_the_catalog(bench, tmp_path):
    bench.sync()
    with closing(Catalog.open_existing(tmp_path / "catalog.sqlite", read_only=True)) as catalog:
        site = Site(catalog, bench.config)
        with site.snapshot():
            first = site.plan()
            before = site.document(first["all.json"]).body
            edit(bench, "Edited", 60)
            assert site.plan() == first
            assert site.document(first["all.json"]).body == before
        with site.snapshot():
            assert site.plan() == bench.site.plan()
            assert b"Edited" in site.document(site.plan()["all.json"]).body


def test_articles_are_read_once_while_nothing_changes(bench, monkeypatch):
    bench.sync()
    site, reads, read = bench.site, list[int](), Catalog.article

    def counted(catalog: Catalog, number: int) -> Any:
        reads.append(number)
        return read(catalog, number)

    monkeypatch.setattr(Catalog, "article", counted)
    site = bench.site
    for _ in range(3):
        with site.snapshot():
            for planned in site.plan().values():
                site.document(planned)
    assert len(reads) == len(set(reads)) == 3
