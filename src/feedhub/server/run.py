"""Running it: sockets, signals, the processes beside, and the order in which all of it ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from feedhub.errors import ConfigError
from feedhub.server.admin import make_admin
from feedhub.server.documents import Documents
from feedhub.server.fallback import make_fallback
from feedhub.server.sockets import told
from feedhub.server.status import ProcessStatus, Status, status_of
from feedhub.server.systemd import notify, watchdog_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

    from feedhub.config import HttpConfig
    from feedhub.server.builder import DocumentBuilder
    from feedhub.server.events import Events
    from feedhub.server.metrics import Metrics
    from feedhub.server.processes import SupervisedProcess

# How often the catalog is looked at, and how long answers under way are waited for at the end.
_GLANCE, _PATIENCE = 0.2, 10
# Longer than proxies keep a connection to us: whoever reuses one must not find it closed.
_KEEP_ALIVE = 75
# How long the loop waits for the thread of the library to stop computing, in seconds: it does so
# for every request, and Python's own 5 ms would be most of the time of an answer.
_TURN = 0.0001


@dataclass(frozen=True, kw_only=True)
class Running:
    """All that runs in one server: `public` is None where workers answer instead.

    Then `held` is what they listen on. `made` are the sockets' files to be removed at the end, and
    `parent` is the process without which there is no reason to go on, or None.
    """

    builder: DocumentBuilder
    metrics: Metrics
    events: Events
    http: HttpConfig
    public: socket.socket | None
    held: socket.socket | None = None
    admin: socket.socket | None = None
    made: list[Path] = field(default_factory=list)
    children: list[SupervisedProcess] = field(default_factory=list)
    parent: int | None = None

    def status(self) -> Status:
        """Return how the server is."""
        beside = {
            child.name: ProcessStatus(child.restarts, child.trouble)
            for child in self.children
            if child.begun
        }
        return status_of(self.builder.reader, time.time(), beside)


class _Server(uvicorn.Server):
    """A server that leaves the signals of the process to us: there may be two."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(running: Running) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    # A bad request is the sender's business and stands in no log of ours.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(running))


async def _run(running: Running) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(_reload(running))
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await running.builder.refresh()
    _shorten_pauses()
    servers = _servers(running)
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    tasks += [asyncio.create_task(child.run()) for child in running.children]
    while not all(server.started for server, _ in servers):
        await asyncio.sleep(0.01)
    _tell_where(running)
    try:
        await _glance(running, stop)
    finally:
        notify("STOPPING=1")
        await _end(running, [server for server, _ in servers], tasks)


def _shorten_pauses() -> None:
    """Spare the answers what holds up a whole process: a thread's turn, a search for garbage.

    What is there once all is loaded stays, and need not be looked through again.
    """
    sys.setswitchinterval(_TURN)
    gc.collect()
    gc.freeze()


def _servers(running: Running) -> list[tuple[_Server, socket.socket]]:
    """Return the servers of this process with their sockets, that of the public first."""
    servers = []
    if running.public is not None:
        app = Documents(running.builder, make_fallback(running.builder))
        servers.append((_server(app, running.http, dates=False), running.public))
    if running.admin is not None:
        admin = make_admin(running.metrics, running.status)
        servers.append((_server(admin, running.http), running.admin))
    return servers


def _server(app: ASGIApp, http: HttpConfig, *, dates: bool = True) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http="h11" if http.parser == "h11" else "httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=dates,
            proxy_headers=bool(http.trusted_proxies),
            forwarded_allow_ips=list(http.trusted_proxies),
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_PATIENCE,
        )
    )


def _tell_where(running: Running) -> None:
    listener = running.public or running.held
    if listener is not None and running.parent is None:
        running.events.say(f"listening on {told(listener)}")
    if running.admin is not None:
        running.events.say(f"admin on {told(running.admin)}")
    notify("READY=1")


async def _glance(running: Running, stop: asyncio.Event) -> None:
    """Follow the catalog until the end; a sign of life goes out only while this goes on."""
    alive_every, told_at = watchdog_seconds(), 0.0
    while not stop.is_set():
        await running.builder.refresh()
        if alive_every and time.monotonic() - told_at >= alive_every:
            notify("WATCHDOG=1")
            told_at = time.monotonic()
        if running.parent is not None and os.getppid() != running.parent:
            return
        try:
            await asyncio.wait_for(stop.wait(), _GLANCE)
        except TimeoutError:
            continue


async def _reload(running: Running) -> None:
    """Read the configuration again; a wrong one is told and changes nothing."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
    try:
        await running.builder.reload()
    except ConfigError as error:
        running.events.say(f"the configuration stays as it was: {error}")
    else:
        for child in running.children:
            child.signal(signal.SIGHUP)
        running.events.say("the configuration was read again")
    notify("READY=1")


async def _end(running: Running, servers: list[_Server], tasks: list[asyncio.Task[None]]) -> None:
    """Let answers under way be finished, then end the processes beside, the admin address last."""
    if running.held is not None:
        running.held.close()
    if running.public is not None:
        servers[0].should_exit = True
    await asyncio.gather(*(child.stop() for child in running.children))
    for server in servers:
        server.should_exit = True
    for task in tasks[len(servers) :]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await running.builder.close()
    for path in running.made:
        path.unlink(missing_ok=True)
