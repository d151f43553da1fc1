"""The run of a server: following the catalog, reloading, shutting down."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from feedhub.errors import ConfigError
from feedhub.server import run
from feedhub.server.processes import PING, SYNC


class FakeBuilder:
    """A fake builder that counts refreshes, and sets `stop` after some of them."""

    def __init__(self, max_refreshes: int = 5) -> None:
        self.max_refreshes = max_refreshes
        self.refreshes = 0
        self.stop = asyncio.Event()
        self.error = ""

    async def refresh(self) -> None:
        self.refreshes += 1
        if self.refreshes >= self.max_refreshes:
            self.stop.set()

    async def reload(self) -> None:
        if self.error:
            raise ConfigError(self.error)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(run, "POLL_INTERVAL", 0.001)


def service_of(builder: Any, **more: Any) -> Any:
    return SimpleNamespace(**({"builder": builder, "parent": None, "processes": []} | more))


def test_the_catalog_is_followed_until_the_end():
    async def follow() -> int:
        builder = FakeBuilder()
        await run.follow_catalog(service_of(builder), builder.stop)
        return builder.refreshes

    assert asyncio.run(follow()) == 5


def test_the_watchdog_is_notified_on_time(tmp_path, monkeypatch):
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setenv("WATCHDOG_USEC", "2")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(10)

        async def follow() -> None:
            builder = FakeBuilder()
            await run.follow_catalog(service_of(builder), builder.stop)

        asyncio.run(follow())
        assert [manager.recv(100) for _ in range(5)] == [b"WATCHDOG=1"] * 5


@pytest.mark.parametrize(("parent", "refreshes"), [(os.getppid(), 5), (1_000_000_000, 1)])
def test_a_worker_ends_with_its_parent(parent, refreshes):
    async def follow() -> int:
        builder = FakeBuilder()
        await run.follow_catalog(service_of(builder, parent=parent), builder.stop)
        return builder.refreshes

    assert asyncio.run(follow()) == refreshes


@pytest.mark.parametrize("error", ["", "max_age is wrong"])
def test_only_a_good_configuration_is_passed_on_to_the_processes(error):
    logged: list[str] = []
    reloaded: list[str] = []
    events = SimpleNamespace(log=logged.append)

    class Process:
        def __init__(self, name: str) -> None:
            self.name = name

        async def reload(self) -> None:
            reloaded.append(self.name)

    processes = [Process(name) for name in (SYNC, PING, "worker 1")]

    async def follow() -> None:
        builder = FakeBuilder()
        builder.error = error
        await run.reload(service_of(builder, events=events, processes=processes))

    asyncio.run(follow())
    assert len(logged) == 1
    assert error in logged[0]
    assert reloaded == ([] if error else [SYNC, "worker 1"])


def test_pauses_by_threads_and_garbage_collection_are_short():
    before = sys.getswitchinterval()
    try:
        run.shorten_pauses()
        assert sys.getswitchinterval() < 0.001
        assert gc.get_freeze_count() > 1_000
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)


@pytest.mark.parametrize("workers", [False, True])
def test_the_admin_address_ends_last(workers):
    """With workers, the only server of the first process is that of the admin address."""
    names = ["admin"] if workers else ["public", "admin"]
    servers: list[Any] = [SimpleNamespace(name=name, should_exit=False) for name in names]
    ended: list[list[str]] = []

    async def stop() -> None:
        ended.append([one.name for one in servers if one.should_exit])

    async def close() -> None:
        return None

    events = SimpleNamespace(close=lambda: None)
    service = service_of(
        SimpleNamespace(close=close, events=events),
        public=None if workers else "a socket",
        worker_socket=None,
        socket_files=[],
        processes=[SimpleNamespace(stop=stop)],
    )
    asyncio.run(run.shut_down(service, servers, []))

    assert ended == [[] if workers else ["public"]]
    assert all(one.should_exit for one in servers)


FORWARDED = b"192.0.2.7, 192.0.2.8, 198.51.100.9"


@pytest.mark.parametrize(
    ("trusted", "unix", "peer", "client"),
    [
        (["unix:"], True, None, "198.51.100.9"),
        (["unix:", "198.51.100.0/24"], True, None, "192.0.2.8"),
        ([], True, None, None),
        (["127.0.0.1"], True, None, "unix:"),
        (["unix:"], False, ("127.0.0.1", 1), "127.0.0.1"),
        (["unix:", "127.0.0.1"], False, ("127.0.0.1", 1), "198.51.100.9"),
        (["10.0.0.0/8"], False, ("127.0.0.1", 1), "127.0.0.1"),
    ],
)
def test_the_client_is_the_one_that_a_trusted_proxy_names(trusted, unix, peer, client):
    """What stands before its address in X-Forwarded-For is the client's own claim."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"])

    wrapped: Any = run.trust_proxies(app, trusted, unix=unix)
    scope = {"type": "http", "client": peer, "headers": [(b"x-forwarded-for", FORWARDED)]}
    asyncio.run(wrapped(scope, None, None))
    assert [found and found[0] for found in seen] == [client]


@pytest.mark.parametrize(("trusted", "unix"), [(["unix:"], False), ([], True), ([], False)])
def test_without_a_proxy_to_trust_a_request_costs_nothing_more(trusted, unix):
    async def app(scope: Any, receive: Any, send: Any) -> None:
        """Do nothing."""

    assert run.trust_proxies(app, trusted, unix=unix) is app
