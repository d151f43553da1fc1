"""What the server makes of its catalog: documents, deltas, and its status."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from feedhub.catalog import SyncReport
from feedhub.document import CODINGS
from feedhub.errors import CatalogError
from feedhub.server.admin import status_of
from feedhub.server.catalog_reader import VanishedError
from feedhub.server.processes import PING, SYNC, ProcessStatus
from tests.fronts import addresses, bench_on_disk, found, front_of, reader_of
from tests.kit import Bench


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


def test_a_document_is_built_with_the_new_configuration_of_the_catalog(bench, reader):
    """The request comes between a sync with the new configuration and the next refresh."""
    bench.sync()
    reader.refresh()
    old = found(reader, "/all.rss")
    bench.config = replace(bench.config, site=replace(bench.config.site, title="Renamed"))
    bench.sync()
    built = reader.build(old, "", None)

    assert b"<title>Renamed</title>" in built.plain
    assert built.resource.planned == bench.site.plan()["all.rss"]


def test_the_status_shows_the_last_sync(bench, reader):
    bench.sync()
    report = SyncReport(
        ended_at=12.5, seconds=0.25, articles={"shown": 1}, rejected=2, problem="the source is away"
    )
    bench.catalog.write(report)
    reader.refresh()
    status = status_of(reader, 20.0, {SYNC: ProcessStatus(1, "it is down")})

    assert status.ready
    assert status.problem == "the source is away"
    assert (status.synced, status.seconds, status.rejected) == (12.5, 0.25, 2)
    assert status.articles == {"shown": 1}
    assert status.feeds == {"topic": 1, "language": 1}
    assert status.generation == 1


def test_the_status_shows_a_problem_of_the_sync_process(bench, reader):
    assert status_of(reader, 20.0).ready is False
    bench.sync()
    reader.refresh()

    assert status_of(reader, 20.0).problem == ""
    assert status_of(reader, 20.0, {SYNC: ProcessStatus(1, "it is down")}).problem == "it is down"
    others = {PING: ProcessStatus(1, "it is down"), "worker 1": ProcessStatus(1, "it is down")}
    assert status_of(reader, 20.0, others).problem == ""  # it does not affect readers
    assert status_of(reader, 20.0, others).processes == others


@pytest.mark.parametrize(
    ("synced", "now", "silent"),
    [
        ({}, 1e9, False),
        ({"ended_at": 100.0}, 1e9, False),  # without --watch it has ended
        ({"ended_at": 100.0, "interval": 10}, 130.0, False),
        ({"ended_at": 100.0, "interval": 10}, 131.0, True),
        ({"ended_at": 100.0, "interval": 10}, 50.0, False),
        ({"began_at": 100.0}, 130.0, False),
        ({"began_at": 100.0, "ended_at": 90.0, "interval": 10}, 115.0, False),
    ],
)
def test_a_watching_sync_that_is_silent_is_a_problem(reader, synced, now, silent):
    reader.problem, reader.sync_report = "", SyncReport(**synced)

    assert bool(status_of(reader, now).problem) == silent


def test_a_sync_that_takes_long_is_behind(reader):
    reader.problem, reader.sync_report = "", SyncReport(began_at=100.0, ended_at=99.0, interval=60)

    assert status_of(reader, 131.0).problem == "behind: the sync under way has taken 31 seconds"
    assert not status_of(reader, 130.0).problem


def test_a_changed_document_is_built_as_it_is_now(bench, reader):
    bench.sync()
    reader.refresh()
    assert reader.snapshot
    old = found(reader, "/all.rss")
    bench.write("a.md", title="Changed", topics=["AI"])
    bench.sync()
    built = reader.build(old, "br", None)

    assert built.resource is not old
    assert built.resource.planned == bench.site.plan()["all.rss"]
    assert built.plain == bench.documents()["all.rss"].body
    assert built.resource.url == old.url


def test_an_unchanged_document_keeps_its_resource(bench, reader):
    bench.sync()
    reader.refresh()
    assert reader.snapshot
    resource = found(reader, "/all.rss")

    assert reader.build(resource, "", None).resource is resource


def test_cached_bytes_are_coded_without_the_catalog(bench, reader, monkeypatch):
    bench.sync()
    reader.refresh()
    assert reader.snapshot
    monkeypatch.setattr("feedhub.site.Site.document", lambda *_: pytest.fail("built"))
    built = reader.build(found(reader, "/all.rss"), "gzip", b"at hand")

    assert built.plain == b"at hand"
    assert built.body == CODINGS["gzip"].encode(b"at hand")


def test_building_an_archive_that_is_gone_raises(tmp_path):
    bench = bench_on_disk(tmp_path, feeds__limit=1, feeds__days=0)
    reader = reader_of(bench)
    bench.write("a.md", title="First", topics=["AI"])
    bench.write("old.md", title="Old", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync()
    reader.refresh()
    assert reader.snapshot
    resource = found(reader, "/all/2019-01.rss")
    (bench.root / "old.md").unlink()
    bench.sync()

    with pytest.raises(VanishedError):
        reader.build(resource, "", None)
    assert reader.delta(resource, ["f"]) is None
    reader.refresh()
    assert "/all/2019-01.rss" not in addresses(reader)
    reader.close()
    bench.catalog.close()


def test_a_delta_is_of_the_document_that_is_served(bench, reader):
    bench.sync()
    reader.refresh()
    assert reader.snapshot
    base = found(reader, "/all.json").planned.fingerprint
    stale = found(reader, "/all.json")
    bench.write("b.md", title="Second", publishedDateTime="2020-06-10T11:00:00Z")
    bench.sync()
    assert reader.delta(stale, [base]) is None  # the catalog has changed

    reader.refresh()
    delta = reader.delta(found(reader, "/all.json"), ["other", base])
    assert delta is not None
    assert [item["title"] for item in json.loads(delta)["items"]] == ["Second"]
    assert reader.delta(found(reader, "/all.json"), ["unknown"]) is None


def test_the_server_cannot_write_to_the_catalog(bench, reader):
    bench.sync()
    reader.refresh()

    with pytest.raises(CatalogError):
        reader._catalog.write(SyncReport())


def replaced(bench: Bench) -> None:
    """Replace the catalog by that of another folder."""
    other = bench_on_disk(bench.root.parent / "other", **ON_DEMAND_KINDS)
    other.write("z.md", title="Another First", related=RELATED)
    other.sync()
    other.catalog.close()
    (bench.root.parent / "other/catalog.sqlite").replace(bench.root.parent / "catalog.sqlite")


def edited(bench: Bench) -> None:
    bench.write("a.md", title="First again", related=RELATED)
    bench.sync()


def withdrawn(bench: Bench) -> None:
    bench.write("a.md", title="First", related=RELATED, published=False)
    bench.sync()


ON_DEMAND_KINDS = {"feeds__search": "yes", "feeds__stories": "yes"}
RELATED = [{"title": "Seen elsewhere", "webUrl": "https://r.example/"}]
STORY = "/stories/a-191ac0fe.json"


@pytest.mark.parametrize("refreshed", [False, True])
@pytest.mark.parametrize("change", [edited, withdrawn, replaced])
@pytest.mark.parametrize("path", ["/search.json?q=first", STORY])
def test_a_change_between_finding_and_building_never_mismatches_tag_and_bytes(
    tmp_path, path, change, refreshed
):
    bench = bench_on_disk(tmp_path, **ON_DEMAND_KINDS)
    bench.write("a.md", title="First", related=RELATED)
    bench.sync()
    with front_of(bench) as front:
        original = front.builder.on_demand._look_up

        async def look_up(*args: Any) -> Any:
            resource = await original(*args)
            change(bench)
            if refreshed:
                await front.builder.refresh()
            return resource

        before = front.get(path, "HEAD").fields["etag"] if path == STORY else ""
        front.builder.on_demand._cache.clear()
        front.builder.on_demand._look_up = look_up
        reply = front.get(path)
        front.builder.on_demand._look_up = original
        front.refresh()
        after = front.get(path, if_none_match=before)
        with front_of(bench) as other:
            true = other.get(path)
            assert (after.status, after.body) == (true.status, true.body)
            if reply.status == 200 and reply.body == true.body:
                assert reply.fields["etag"] == true.fields["etag"]
                assert other.get(path, if_none_match=reply.fields["etag"]).status == 304
            elif reply.status == 200:
                assert reply.fields["etag"] != true.fields.get("etag")
    bench.catalog.close()


def test_a_catalog_that_breaks_between_finding_and_building_is_503(tmp_path):
    bench = bench_on_disk(tmp_path, **ON_DEMAND_KINDS)
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench) as front:
        original = front.builder.on_demand._look_up

        async def look_up(*args: Any) -> Any:
            resource = await original(*args)
            damaged = tmp_path / "damaged"
            damaged.write_bytes(b"no database at all " * 1_000)
            damaged.replace(tmp_path / "catalog.sqlite")
            await front.builder.refresh()
            front.reader._site = None
            return resource

        front.builder.on_demand._look_up = look_up
        reply = front.get("/search.rss?q=first")
        assert (reply.status, reply.fields["retry-after"]) == (503, "5")
        assert reply.fields["cache-control"] == "no-store"
    bench.catalog.close()
