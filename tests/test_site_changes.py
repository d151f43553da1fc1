"""When the lists of a site changed, whether a sync counts, and what is new since the last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from feedhub.catalog import StoredConfig, refuse_shrinking
from feedhub.errors import CatalogError, ShrinkError
from feedhub.site import Planned, Site, config_of_catalog, source_of
from feedhub.site.indexes import SITEMAP_PATH
from feedhub.site.paths import INDEX_PATH
from tests.kit import Bench, make_bench
from tests.sites import LISTS, configure, edit, later, site_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = site_bench(tmp_path)
    yield bench
    bench.catalog.close()


def sync_with(bench: Bench, accept: Any, seconds: float = 0) -> None:
    bench.site.sync(source_of(bench.root, bench.config), later(seconds), accept=accept)


# When the lists of the whole site changed (RFC 9110, 8.8.2)


def lists(bench: Bench) -> dict[str, Planned]:
    plan = bench.site.plan()
    return {path: plan[path] for path in LISTS if path in plan}


def test_in_a_new_catalog_lists_have_the_date_of_the_newest_feed(bench, tmp_path):
    bench.sync()
    other = make_bench(tmp_path, feeds__limit=1, feeds__days=0)
    other.sync(later(86_400))
    newest = datetime(2020, 3, 1, tzinfo=UTC)
    assert lists(bench) == lists(other)
    assert {planned.changed_at for planned in lists(bench).values()} == {newest}
    assert newest == max(state.changed_at for state in bench.site.states())


def test_an_empty_list_has_a_date(tmp_path):
    bench = make_bench(tmp_path)
    bench.sync()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert {planned.changed_at for planned in lists(bench).values()} == {epoch}


def test_lists_are_a_second_newer_at_each_change(bench):
    bench.sync()
    times: dict[str, list[datetime]] = {path: [] for path in LISTS}
    for number in range(4):
        bench.write(f"new-{number}.md", title=f"New {number}", topics=[f"Topic {number}"])
        bench.sync(later(60))
        for path, planned in lists(bench).items():
            times[path].append(planned.changed_at)
    assert list(times.values()) == [[later(60 + number) for number in range(4)]] * len(LISTS)


def test_the_clock_may_go_backwards(bench):
    bench.sync()
    for number, seconds in ((4, 3600), (5, 0)):
        bench.write(f"{number}.md", title=f"T{number}", topics=[f"Topic {number}"])
        bench.sync(later(seconds))
    assert {planned.changed_at for planned in lists(bench).values()} == {later(3601)}


def test_without_changes_lists_keep_their_date(bench):
    bench.sync()
    bench.write("4.md", title="Four", topics=["Four"])
    bench.sync(later(60))
    before = lists(bench)
    bench.write("4.md", title="Four", topics=["Four"], heat=5)
    bench.sync(later(120))
    assert lists(bench) == before
    assert {planned.changed_at for planned in before.values()} == {later(60)}


def test_an_edit_changes_the_landing_page_but_no_list_of_feeds(bench):
    bench.sync()
    before = lists(bench)
    edit(bench, "Edited", 60)
    after = lists(bench)
    assert b"Edited" in bench.site.document(after[INDEX_PATH]).body
    assert after[INDEX_PATH].changed_at == later(60)
    assert after["topics/index.html"] == before["topics/index.html"]


@pytest.mark.parametrize("path", LISTS)
def test_equal_fingerprints_of_a_list_mean_equal_bytes(bench, path):
    seen: dict[str, bytes] = {}
    steps: list[dict[str, Any]] = [
        {},
        {"title": "Edited"},
        {"topics": ["New"]},
        {"published": False},
        {"publishedDateTime": "2021-01-01T00:00:00Z"},
        {"updatedDateTime": "2022-01-01T00:00:00Z"},
        {},
    ]
    for number, fields in enumerate(steps):
        bench.write("4.md", **{"title": "Four", "topics": ["Four"]} | fields)
        bench.sync(later(number))
        planned = bench.site.plan()[path]
        body = bench.site.document(planned).body
        assert seen.setdefault(planned.fingerprint, body) == body
    assert len(seen) > 2


def test_another_title_changes_every_list(bench):
    bench.sync()
    before = lists(bench)
    configure(bench, "site", title="Other")
    bench.sync(later(60))
    for path, planned in lists(bench).items():
        if path == SITEMAP_PATH:  # it has no title
            assert planned == before[path]
            continue
        assert planned.fingerprint != before[path].fingerprint
        assert planned.changed_at == later(60)


def test_other_formats_change_every_list_and_no_feed(bench):
    bench.sync()
    before = bench.site.plan()
    configure(bench, "feeds", formats=("atom", "html"))
    bench.sync(later(60))
    after = bench.site.plan()
    pages = {path for path in after if path.endswith(("/index.html", "404.html"))}
    assert {path for path in after if after[path] != before[path]} == {*LISTS, *pages} - {
        SITEMAP_PATH
    }


# Whether a sync counts


class RefusedError(Exception):
    pass


def refuse(*_: object) -> None:
    raise RefusedError


def test_a_refused_sync_leaves_the_catalog_as_it_was(bench, tmp_path):
    bench.sync()
    before, generation = bench.site.plan(), bench.catalog.generation()
    bodies = {path: document.body for path, document in bench.documents().items()}
    bench.write("3.md", title="Edited", topics=["New"])
    (bench.root / "1.md").unlink()
    configure(bench, "feeds", limit=3)
    with pytest.raises(RefusedError):
        sync_with(bench, refuse, 60)
    configure(bench, "feeds", limit=1)
    assert bench.site.matches_catalog()
    assert bench.site.plan() == before
    assert bench.catalog.generation() == generation
    assert {path: document.body for path, document in bench.documents().items()} == bodies


def test_accept_gets_the_changes_and_the_count_before(bench):
    calls: list[tuple[int, int, int]] = []

    def accept(changes: Any, before: int) -> None:
        calls.append((changes.published, changes.articles, before))

    sync_with(bench, accept)
    (bench.root / "1.md").unlink()
    bench.write("2.md", published=False)
    sync_with(bench, accept, 60)
    assert calls == [(3, 3, 0), (1, 2, 3)]


def test_a_source_that_shrank_is_refused_until_it_has_grown_again(bench):
    sync_with(bench, refuse_shrinking)
    before = bench.site.plan()
    good = {path: path.read_text() for path in bench.root.iterdir()}
    for path in list(good)[:2]:
        path.unlink()
    with pytest.raises(ShrinkError, match="only 1 of 3 articles are left; the old output stays"):
        sync_with(bench, refuse_shrinking, 60)
    for path in bench.root.iterdir():
        path.unlink()
    with pytest.raises(ShrinkError, match="none of 0 files can be published"):
        sync_with(bench, refuse_shrinking, 61)
    assert bench.site.plan() == before
    for path, text in good.items():
        path.write_text(text)
    sync_with(bench, refuse_shrinking, 62)
    assert bench.site.plan() == before


def test_a_refusal_has_the_problems_of_the_files(bench):
    sync_with(bench, refuse_shrinking)
    for path in bench.root.iterdir():
        path.write_text("---\npublished: nonsense\n---\n")
    with pytest.raises(ShrinkError) as caught:
        sync_with(bench, refuse_shrinking, 60)
    assert len(caught.value.problems) == 3


# What a server learns of the configuration


def test_a_catalog_has_the_configuration_it_was_made_with(bench):
    configure(bench, "site", title="Ünïcode & <more>", description='"quoted"')
    configure(bench, "feeds", gone=("topics/ml",), moved=(("topics/a b", "topics/law"),))
    configure(bench, "http", trusted_proxies=("::1", "10.0.0.0/8"), delta=True)
    bench.sync()
    found = config_of_catalog(bench.catalog)
    assert found == bench.config
    assert Site(bench.catalog, found).matches_catalog()


def test_a_refused_sync_does_not_store_its_configuration(bench):
    bench.sync()
    ours = bench.config
    configure(bench, "site", title="Other")
    with pytest.raises(RefusedError):
        sync_with(bench, refuse, 60)
    assert config_of_catalog(bench.catalog) == ours


@pytest.mark.parametrize("text", ["", "{", "[]", '{"site": 5}', '{"feeds": {"limit": "x"}}'])
def test_a_catalog_without_a_configuration_is_an_error(bench, text):
    bench.catalog.write(StoredConfig(json=text))
    with pytest.raises(CatalogError, match="does not say how it was made"):
        config_of_catalog(bench.catalog)


# Only what is new (RFC 3229)


def test_a_delta_is_the_feed_with_fewer_entries(tmp_path):
    bench = make_bench(tmp_path)
    for number in range(3):
        bench.write(f"{number}.md", title=f"T{number}")
    bench.sync()
    base = bench.site.plan()["all.json"].fingerprint
    bench.write("1.md", title="T1 again")
    bench.sync(later(60))
    site = bench.site
    planned = site.plan()["all.json"]
    body = site.delta(planned, base)
    assert body is not None
    part, whole = json.loads(body), json.loads(site.document(planned).body)
    assert [item["title"] for item in part["items"]] == ["T1 again"]
    assert part | {"items": []} == whole | {"items": []}
    assert part["items"][0] in whole["items"]
    for name in ("rss", "atom"):
        assert b"T1 again" in (site.delta(site.plan()[f"all.{name}"], base) or b"")


def test_archives_lists_and_unknown_documents_have_no_delta(bench):
    bench.sync()
    site = bench.site
    for path in ("all/2020-01.json", *LISTS):
        assert site.delta(site.plan()[path], site.plan()[path].fingerprint) is None
    assert site.delta(site.plan()["all.rss"], "unknown") is None
    base = site.plan()["all.json"].fingerprint
    assert site.delta(site.plan()["all.json"], base) is not None
    assert site.delta(site.plan()["all/2020-01.json"], base) is None
