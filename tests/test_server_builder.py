"""The document builder: one thread for the catalog, problems logged once, everything closed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from feedhub.errors import CatalogError, ConfigError
from feedhub.server import documents
from feedhub.server.resource_cache import ResourceCache
from tests.fronts import Front, bench_on_disk, call_app, front_of, scope_of


@pytest.fixture
def bench(tmp_path):
    bench = bench_on_disk(tmp_path)
    bench.write("a.md", title="First", topics=["AI"])
    bench.sync()
    yield bench
    bench.catalog.close()


class FakeReader:
    """A fake reader that records the threads of its calls, and has the problem that it is given."""

    snapshot = None
    problem = "nothing"

    def __init__(self) -> None:
        self.threads: set[str] = set()
        self.reloads = 0
        self.resources = ResourceCache()
        self.next_problem = ""

    def refresh(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.problem = self.next_problem

    def reload(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.reloads += 1

    close = refresh


def test_the_catalog_is_read_in_one_thread_of_its_own():
    reader = FakeReader()
    front = Front(reader)
    for _ in range(5):
        front.refresh()
    front.runner.run(front.builder.reload())
    front.close()

    (name,) = reader.threads
    assert name.startswith("catalog")
    assert reader.reloads == 1


def test_a_problem_is_logged_once(capsys):
    reader = FakeReader()
    front = Front(reader)
    logged = []
    for problem in ("the disk", "the disk", "", "the disk"):
        reader.next_problem = problem
        front.refresh()
        logged.append(capsys.readouterr().err)
    front.close()

    assert logged == ["feedhub: the disk\n", "", "", "feedhub: the disk\n"]


def test_a_slow_build_delays_no_cached_response(front):
    """While one document is built, cached documents and every 304 are sent."""
    etag = front.get("/all.atom").fields["etag"]
    go, real = threading.Event(), front.reader.build

    def slow(*args: Any) -> Any:
        go.wait(30)
        return real(*args)

    front.reader.build = slow

    async def send() -> tuple[int, int, bool]:
        waiting = asyncio.ensure_future(call_app(front.app, scope_of("/all.rss", host="x")))
        await asyncio.sleep(0.01)
        cached = await call_app(front.app, scope_of("/all.atom", host="x"))
        unchanged = await call_app(front.app, scope_of("/all.atom", host="x", if_none_match=etag))
        still = not waiting.done()
        go.set()
        assert (await waiting).status == 200
        return cached.status, unchanged.status, still

    assert front.runner.run(send()) == (200, 304, True)


@pytest.mark.parametrize("resource_cached", [False, True])
def test_feeds_and_refreshes_wait_for_one_search_at_most(tmp_path, resource_cached, monkeypatch):
    """Many searches at once delay neither a feed nor a refresh by more than one of them."""
    monkeypatch.setattr(documents, "MAX_CACHED_BYTES", 0)
    bench = bench_on_disk(tmp_path / "searched", feeds__search="yes")
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench, max_bytes=1) as front:
        assert front.get("/all.rss", if_none_match="*").status == 304  # found, and not built
        scopes = [scope_of(f"/search.json?q=w{number}", host="x") for number in range(9)]
        if resource_cached:  # the resource is cached, its bytes must be built again
            front.runner.run(_all(front, scopes))
        order: list[str] = []
        begun, go = threading.Event(), threading.Event()

        def record_calls(name: str) -> None:
            real = getattr(front.reader, name)

            def recorded(*args: Any) -> Any:
                resource = getattr(args[0], "planned", None) if args else None
                order.append("feed" if resource and not resource.on_demand else name)
                begun.set()
                go.wait(30)
                return real(*args)

            setattr(front.reader, name, recorded)

        for name in ("on_demand", "build", "refresh"):
            record_calls(name)

        async def send() -> set[int]:
            searches = asyncio.ensure_future(_all(front, scopes))
            while not begun.is_set():
                await asyncio.sleep(0)
            feed = asyncio.ensure_future(call_app(front.app, scope_of("/all.rss", host="x")))
            await asyncio.sleep(0)
            refresh = asyncio.ensure_future(front.builder.refresh())
            await asyncio.sleep(0)
            go.set()
            await refresh
            return {(await feed).status, *(await searches)}

        assert front.runner.run(send()) == {200}
    assert order[:3] == ["build" if resource_cached else "on_demand", "feed", "refresh"]
    assert len(order) > 10


def test_the_number_of_waiting_searches_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "MAX_CACHED_BYTES", 0)
    bench = bench_on_disk(tmp_path / "searched", feeds__search="yes")
    bench.write("a.md", title="First")
    bench.sync()
    with front_of(bench, max_bytes=1) as front:
        scopes = [scope_of(f"/search.json?limit={number}", host="x") for number in range(1, 71)]
        for scope in scopes:  # found one by one; only their resources are cached
            front.runner.run(_all(front, [scope]))
        output = front.runner.run(_all(front, [*scopes, scope_of("/all.rss", host="x")]))

    assert output == [200] * 64 + [503] * 6 + [200]


async def _all(front: Front, scopes: list[Any]) -> list[int]:
    return [
        reply.status for reply in await asyncio.gather(*(call_app(front.app, s) for s in scopes))
    ]


def test_the_cache_is_bounded_and_measured(bench, monkeypatch):
    monkeypatch.setattr(documents, "MAX_CACHED_BYTES", 0)
    with front_of(bench, max_bytes=10) as front:
        assert front.get("/all.rss").status == 200
        assert front.get("/all.rss").status == 200
        front.refresh()
        assert front.metrics.registry.get_sample_value("feedhub_cache_bytes") == 0
        assert front.metrics.registry.get_sample_value("feedhub_build_seconds_count") == 2

    with front_of(bench) as front:
        size = len(front.get("/all.rss").body)
        front.refresh()
        assert front.metrics.registry.get_sample_value("feedhub_cache_bytes") == size


def test_reloading_a_wrong_configuration_raises(front):
    def wrong() -> Any:
        raise ConfigError("no")

    front.reader._read_config = wrong
    with pytest.raises(ConfigError):
        front.runner.run(front.builder.reload())

    assert front.get("/all.rss").status == 200


def test_a_new_http_configuration_applies_at_once(bench, front):
    bench.config = replace(bench.config, http=replace(bench.config.http, stale_if_error=7))
    front.runner.run(front.builder.reload())

    assert "stale-if-error=7" in front.get("/all.rss").fields["cache-control"]


def test_the_ttl_in_a_feed_follows_with_the_next_sync(bench, front):
    """The ttl of RSS comes from the configuration that the catalog was made with."""
    bench.config = replace(bench.config, http=replace(bench.config.http, max_age=120))
    front.runner.run(front.builder.reload())
    before = front.get("/all.rss")
    bench.sync()
    front.refresh()
    after = front.get("/all.rss")

    assert (b"<ttl>15</ttl>" in before.body, b"<ttl>2</ttl>" in after.body) == (True, True)
    assert "max-age=120" in after.fields["cache-control"]
    assert before.fields["etag"] != after.fields["etag"]


def test_the_delta_of_an_unknown_base_is_none(front):
    resource = front.found("/all.rss")

    assert front.runner.run(front.builder.delta(resource, ["unknown"], "gzip")) is None


def test_the_rest_of_the_log_is_written_on_close(bench):
    with front_of(bench) as front:
        front.get("/all.rss")
        assert front.log.getvalue() == ""

    assert front.log.getvalue().count("\n") == 1


def test_no_thread_is_left_after_close(bench):
    with front_of(bench) as front:
        front.get("/all.rss")
        assert any(thread.name.startswith("catalog") for thread in threading.enumerate())

    assert not any(thread.name.startswith("catalog") for thread in threading.enumerate())


def test_requests_before_the_first_snapshot_share_one_refresh(bench):
    """The last refresh may have been just before the first sync ended."""
    with front_of(bench) as front:
        front.reader.snapshot = None
        front.reader._snapshot_key = ()
        front.reader._version = -1
        refreshes: list[int] = []
        real = front.reader.refresh

        def refresh() -> None:
            refreshes.append(1)
            real()

        front.reader.refresh = refresh

        async def send() -> list[int]:
            requests = [call_app(front.app, scope_of("/all.rss", host="x")) for _ in range(10)]
            return [reply.status for reply in await asyncio.gather(*requests)]

        assert front.runner.run(send()) == [200] * 10
        assert len(refreshes) == 1


def test_a_client_that_hangs_up_before_the_first_snapshot_does_not_stop_the_others(bench):
    with front_of(bench) as front:
        front.reader.snapshot = None
        front.reader._snapshot_key = ()
        front.reader._version = -1

        async def send() -> int:
            scope = scope_of("/all.rss", host="x")
            first, second = (asyncio.ensure_future(call_app(front.app, scope)) for _ in range(2))
            await asyncio.sleep(0)
            first.cancel()
            return (await second).status

        assert front.runner.run(send()) == 200


def test_an_error_is_logged_in_one_line(front, capsys):
    front.builder.report_error("all.rss cannot be built", CatalogError("two\nlines\x1b[31m"))

    output = capsys.readouterr().err
    assert output.startswith("feedhub: all.rss cannot be built: CatalogError: two lines")
    assert output.count("\n") == 1
