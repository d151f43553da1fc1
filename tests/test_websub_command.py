"""`feedhub ping`: by hand and for a server, and what an operator sees."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from feedhub.catalog import Catalog, Change, ReceiverState, StoredConfig
from feedhub.cli import console, main, ping, serve
from feedhub.cli.registry import parse
from feedhub.config import load_config
from feedhub.server.admin import format_metrics, status_of
from feedhub.server.catalog_reader import CatalogReader
from feedhub.server.logs import EventLog
from feedhub.server.metrics import Metrics
from feedhub.server.processes import PING, SYNC, ProcessStatus, SupervisedProcess
from feedhub.server.run import Service
from feedhub.websub.hub import HubSession
from tests.hubs import running_hub
from tests.kit import article_text, make_bench
from tests.servers import until

SITE = "https://feeds.example.org"


@pytest.fixture
def catalog_path(tmp_path, monkeypatch) -> Path:
    """A catalog of a site with an unreachable hub, with six addresses that wait."""
    monkeypatch.chdir(tmp_path)
    catalog_path = tmp_path / "catalog.db"
    keys = {"websub__hub": "http://127.0.0.1:1/", "websub__look": False}
    bench = make_bench(tmp_path, catalog_path, **keys, feeds__kinds=("all", "topic"))
    with closing(bench.catalog):
        bench.write("one.md", topics=["AI"])
        bench.sync()
        bench.write("one.md", title="Edited", topics=["AI"])
        bench.sync()
        bench.catalog.release_changes(time.time() - 60)
    return catalog_path


def run(*arguments: str) -> int:
    return main(["ping", *arguments])


def test_a_source_or_a_catalog_is_required(capsys):
    assert run() == 2
    assert capsys.readouterr().err.startswith("feedhub: give SOURCE or --catalog PATH")


def test_a_missing_catalog_is_not_created(tmp_path, capsys):
    assert run("--catalog", str(tmp_path / "none.db")) == 2
    assert "there is no catalog yet; feedhub render or sync makes it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_missing_hub_is_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles/one.md").write_text(article_text(), encoding="utf-8")
    assert main(["render", "articles", "out", "--base-url", SITE]) == 0
    capsys.readouterr()
    assert run("articles", "--base-url", SITE) == 2
    assert "no hub is configured: set websub.hub" in capsys.readouterr().err


def test_an_unreachable_hub_is_exit_code_1(catalog_path, capsys):
    assert run("--catalog", str(catalog_path)) == 1
    out, err = capsys.readouterr()
    assert out == "addresses: 0 sent, 6 waiting\n"
    assert err.startswith("feedhub: the hub http://127.0.0.1:1/ cannot be notified: ")
    assert err.count("\n") == 1


def test_a_hub_that_asks_for_a_pause_is_exit_code_1_with_the_time(catalog_path, capsys):
    with closing(Catalog(catalog_path)) as catalog:
        catalog.changes("hub").write_state(
            ReceiverState(address="http://127.0.0.1:1/", not_before=time.time() + 3600)
        )
    assert run("--catalog", str(catalog_path)) == 1
    out, err = capsys.readouterr()
    assert out == "addresses: 0 sent, 6 waiting\n"
    assert re.fullmatch(
        r"feedhub: the hub http://127\.0\.0\.1:1/ asks to be left alone until "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: run feedhub ping again later\n",
        err,
    )


def test_an_unusable_environment_is_exit_code_2(catalog_path, capsys, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(catalog_path.with_name("nowhere")))
    assert run("--catalog", str(catalog_path)) == 2
    err = capsys.readouterr().err
    assert "SSL_CERT_FILE cannot be used: [Errno 2] No such file" in err
    assert err.count("\n") == 1


def test_with_a_catalog_no_configuration_is_read(catalog_path, capsys):
    Path("feedhub.toml").write_text("[broken", encoding="utf-8")
    assert run("--catalog", str(catalog_path)) == 1
    assert capsys.readouterr().out == "addresses: 0 sent, 6 waiting\n"
    assert run("articles") == 2
    assert "feedhub.toml:1: the file is not valid TOML" in capsys.readouterr().err


def test_a_reachable_hub_is_exit_code_0(catalog_path, capsys):
    with running_hub() as hub, closing(Catalog(catalog_path)) as catalog:
        hub.reply = lambda: (204, {}, b"")
        config = json.loads(catalog.read(StoredConfig).json)
        keys = {"websub__hub": hub.url, "websub__look": False}
        bench = make_bench(catalog_path.parent, catalog_path, **keys, feeds__kinds=("all", "topic"))
        assert config["websub"]["hub"] != hub.url
        bench.sync()
        bench.catalog.close()
        assert run("--catalog", str(catalog_path), "--quiet") == 0
        assert capsys.readouterr().out == ""
        suffixes = ("rss", "atom", "json")
        paths = [f"/{feed}.{suffix}" for feed in ("all", "topics/ai") for suffix in suffixes]
        assert sorted(hub.counts()) == sorted(paths)


# Watching


def watching(catalog_path: Path, rounds: int, each: Any = lambda number: None) -> None:
    """Run `ping --watch` for a few rounds; call `each` after all but the last."""
    numbers = iter(range(rounds))

    async def sleep(_: float) -> None:
        number = next(numbers, None)
        if number is None:
            watch.parent = -1  # another process is our parent now
        else:
            each(number)

    watch = ping.CatalogWatcher(catalog_path, os.getppid(), [HubSession], sleep)
    asyncio.run(watch.run())


def test_the_catalog_may_appear_later(catalog_path, capsys):
    away = catalog_path.with_name("away.db")
    catalog_path.rename(away)

    def each(number: int) -> None:
        if number == 1:
            away.rename(catalog_path)

    watching(catalog_path, 3, each)
    err = capsys.readouterr().err
    assert err.count("cannot be notified") == 1


def test_an_error_is_printed_once(catalog_path, capsys):
    def each(number: int) -> None:
        with closing(Catalog(catalog_path)) as catalog:
            catalog._database.execute("UPDATE changes SET due = 0")

    watching(catalog_path, 4, each)
    assert capsys.readouterr().err.count("cannot be notified") == 1


def test_a_replaced_catalog_is_followed(catalog_path, capsys):
    def each(number: int) -> None:
        if number == 0:
            catalog_path.rename(catalog_path.with_name("old.db"))
            catalog_path.write_text("no database" * 100)

    watching(catalog_path, 3, each)
    err = capsys.readouterr().err
    assert err.count("file is not a database") == 1


def test_a_passing_error_is_not_printed(catalog_path, capsys):
    away = catalog_path.with_name("away.db")

    def each(number: int) -> None:
        if number == 0:
            catalog_path.rename(away)
            catalog_path.write_bytes(b"")
        if number == 1:
            away.rename(catalog_path)

    watching(catalog_path, 3, each)
    assert "no catalog" not in capsys.readouterr().err


def test_a_late_ping_is_reported(catalog_path, capsys, monkeypatch):
    with closing(Catalog(catalog_path)) as catalog:
        config = json.loads(catalog.read(StoredConfig).json)
        config["websub"]["look"] = True
        config["site"]["base_url"] = "http://127.0.0.1:1"
        catalog.write(StoredConfig(json=json.dumps(config)))
    monkeypatch.setattr("feedhub.site.Site.matches_catalog", lambda self: True)
    watching(catalog_path, 3)
    err = capsys.readouterr().err
    assert (
        err.count("the hub was not notified yet: http://127.0.0.1:1/all.atom cannot be requested")
        == 1
    )


def test_an_early_ping_is_not_reported(catalog_path, capsys):
    with closing(Catalog(catalog_path)) as catalog:
        catalog._database.execute("UPDATE changes SET since = ?", (time.time() + 60,))
    watching(catalog_path, 2)
    assert capsys.readouterr().err == ""


def test_success_is_printed_with_verbose_only(catalog_path, capsys, monkeypatch):
    console.set_verbosity(SimpleNamespace(quiet=False, verbose=True))  # type: ignore[arg-type]
    try:
        with running_hub() as hub:
            hub.reply = lambda: (204, {}, b"")
            monkeypatch.setattr("feedhub.site.Site.matches_catalog", lambda self: True)
            with closing(Catalog(catalog_path)) as catalog:
                config = json.loads(catalog.read(StoredConfig).json)
                config["websub"]["hub"] = hub.url
                catalog.write(StoredConfig(json=json.dumps(config)))
            watching(catalog_path, 2)
        assert "hub: 6 sent, 0 waiting" in capsys.readouterr().err
    finally:
        console.set_verbosity(SimpleNamespace(quiet=False, verbose=False))  # type: ignore[arg-type]


def test_a_receiver_that_hangs_holds_up_no_other(catalog_path):
    with closing(Catalog(catalog_path)) as catalog:
        catalog.changes("indexnow").enqueue_released(["x"], 1, time.time() - 60)
    told = asyncio.Event()

    class Hanging(HubSession):
        async def run(self, due: list[Change]) -> None:
            await asyncio.wait_for(told.wait(), 10)
            watch.parent = -1

    class Other(HubSession):
        receiver = "indexnow"

        async def run(self, due: list[Change]) -> None:
            told.set()

    watch = ping.CatalogWatcher(catalog_path, os.getppid(), [Hanging, Other])
    asyncio.run(watch.run())
    assert told.is_set()


# Status


def reader_of(catalog_path: Path) -> CatalogReader:
    reader = CatalogReader(catalog_path, lambda: load_config(None, {}, {"site.base_url": SITE}))
    reader.refresh()
    return reader


def test_status_and_metrics_show_the_state_of_the_hub(catalog_path):
    with closing(reader_of(catalog_path)) as reader:
        now = time.time()
        status = status_of(reader, now)
        assert status.hub is not None
        assert status.to_json()["hub"] == {"waiting": 6, "pinged": 0.0, "problem": ""}
        late = status_of(reader, now + 300).hub
        assert late is not None
        assert late.problem == "6 addresses wait for feedhub ping: is it running?"
        with closing(Catalog(catalog_path)) as catalog:
            hub = json.loads(catalog.read(StoredConfig).json)["websub"]["hub"]
            catalog.changes("hub").write_state(
                ReceiverState(address=hub, notified_at=5.0, problem="it is away")
            )
        reader.refresh()
        failing = status_of(reader, now)
        assert failing.to_json()["hub"] == {"waiting": 6, "pinged": 5.0, "problem": "it is away"}
        text = format_metrics(Metrics(), lambda: failing).decode()
        assert "feedhub_pings_waiting 6.0\n" in text
        assert "feedhub_hub_failing 1.0\n" in text
        assert "feedhub_ping_timestamp_seconds 5.0\n" in text
        assert failing.problem == ""  # readers are served all the same
        dying = status_of(reader, now, {PING: ProcessStatus(1, "it ended")})
        assert dying.to_json()["hub"] == {"waiting": 6, "pinged": 5.0, "problem": "it ended"}
        with closing(Catalog(catalog_path)) as catalog:
            old = ReceiverState(
                address="https://old.example/", notified_at=5.0, problem="it is away"
            )
            catalog.changes("hub").write_state(old)
        reader.refresh()
        other = status_of(reader, now)
        assert other.to_json()["hub"] == {"waiting": 6, "pinged": 0.0, "problem": ""}


def test_a_process_that_has_not_started_is_not_in_the_status(catalog_path):
    events: Any = EventLog("text")
    sync, pinging = (
        SupervisedProcess(SYNC, [], events),
        SupervisedProcess(PING, [], events, is_wanted=lambda: False),
    )
    sync.started, sync.restarts = True, 2
    with closing(reader_of(catalog_path)) as reader:
        builder: Any = SimpleNamespace(reader=reader)
        unused: Any = None
        running = Service(
            builder=builder,
            metrics=unused,
            events=events,
            http=unused,
            public=None,
            processes=[sync, pinging],
        )
        assert running.status().processes == {SYNC: ProcessStatus(2, "")}


def test_without_a_hub_there_is_none_in_the_status(tmp_path):
    catalog_path = tmp_path / "catalog.db"
    bench = make_bench(tmp_path, catalog_path)
    bench.write("one.md")
    bench.sync()
    bench.catalog.close()
    with closing(reader_of(catalog_path)) as reader:
        status = status_of(reader, time.time())
        assert status.ready
        assert "hub" not in status.to_json()
        assert b"feedhub_hub" not in format_metrics(Metrics(), lambda: status)


@pytest.mark.parametrize("drafts", [False, True])
def test_a_server_with_a_source_pings_its_hub_but_not_for_drafts(drafts):
    builder = SimpleNamespace(snapshot=None)
    running: Any = SimpleNamespace(processes=[], events=None, builder=builder)
    options = parse(["serve", "articles", *["--drafts"] * drafts])
    serve.add_processes(running, options, None)  # type: ignore[arg-type]
    assert [child.name for child in running.processes] == [SYNC, *[PING] * (not drafts)]
    if not drafts:
        wanted = running.processes[1]._is_wanted
        assert not wanted()  # nothing is known yet
        for hub in ("", "https://hub.example/"):
            keys = {"site.base_url": SITE, "websub.hub": hub}
            builder.snapshot = SimpleNamespace(config=load_config(None, {}, keys))
            assert wanted() is bool(hub)


def test_a_hub_configured_while_a_server_runs_is_pinged_from_then_on(tmp_path):
    """The ping process starts when it is wanted."""
    wanted = False

    async def run() -> None:
        nonlocal wanted
        mark = tmp_path / "mark"
        command = ["/bin/sh", "-c", f"echo x >> {mark}; exec sleep 60"]
        child = SupervisedProcess("it", command, EventLog("text"), is_wanted=lambda: wanted)
        task = asyncio.create_task(child.run())
        await asyncio.sleep(0)
        assert (child.status.problem, child.started) == ("", False)
        assert not mark.exists()
        wanted = True
        await asyncio.to_thread(until, mark.exists, "it does not begin")
        await child.stop()
        await task

    asyncio.run(run())
