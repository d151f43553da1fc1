"""What a server does between its start and its end: it follows the catalog."""

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


class DocumentBuilder:
    """Counts how often it is asked, and wants to end after some rounds."""

    def __init__(self, rounds: int = 5) -> None:
        self.rounds = rounds
        self.looks = 0
        self.stop = asyncio.Event()
        self.wrong = ""

    async def refresh(self) -> None:
        self.looks += 1
        if self.looks >= self.rounds:
            self.stop.set()

    async def reload(self) -> None:
        if self.wrong:
            raise ConfigError(self.wrong)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(run, "POLL_INTERVAL", 0.001)


def running_of(builder: Any, **more: Any) -> Any:
    return SimpleNamespace(**({"builder": builder, "parent": None, "processes": []} | more))


def test_the_catalog_is_followed_until_the_end():
    async def look() -> int:
        builder = DocumentBuilder()
        await run.follow_catalog(running_of(builder), builder.stop)
        return builder.looks

    assert asyncio.run(look()) == 5


def test_the_watchdog_is_notified_on_time(tmp_path, monkeypatch):
    place = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", place)
    monkeypatch.setenv("WATCHDOG_USEC", "2")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(place)
        manager.settimeout(10)

        async def look() -> None:
            builder = DocumentBuilder()
            await run.follow_catalog(running_of(builder), builder.stop)

        asyncio.run(look())
        assert [manager.recv(100) for _ in range(5)] == [b"WATCHDOG=1"] * 5


@pytest.mark.parametrize(("parent", "looks"), [(os.getppid(), 5), (1_000_000_000, 1)])
def test_a_worker_ends_with_its_parent(parent, looks):
    async def look() -> int:
        builder = DocumentBuilder()
        await run.follow_catalog(running_of(builder, parent=parent), builder.stop)
        return builder.looks

    assert asyncio.run(look()) == looks


@pytest.mark.parametrize("wrong", ["", "max_age is wrong"])
def test_only_a_good_configuration_is_passed_on_to_the_processes(wrong):
    said: list[str] = []
    signals: list[int] = []
    events = SimpleNamespace(log=said.append)
    child = SimpleNamespace(signal=signals.append)

    async def look() -> None:
        builder = DocumentBuilder()
        builder.wrong = wrong
        await run.reload(running_of(builder, events=events, processes=[child]))

    asyncio.run(look())
    assert len(said) == 1
    assert (wrong in said[0], bool(signals)) == (True, not wrong)


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
    """With workers, the only server of the first process is the operator's."""
    names = ["admin"] if workers else ["public", "admin"]
    servers: list[Any] = [SimpleNamespace(name=name, should_exit=False) for name in names]
    ended: list[list[str]] = []

    async def stop() -> None:
        ended.append([one.name for one in servers if one.should_exit])

    async def nothing() -> None:
        return None

    running = running_of(
        SimpleNamespace(close=nothing),
        public=None if workers else "a socket",
        worker_socket=None,
        socket_files=[],
        processes=[SimpleNamespace(stop=stop)],
    )
    asyncio.run(run.shut_down(running, servers, []))

    assert ended == [[] if workers else ["public"]]
    assert all(one.should_exit for one in servers)
