"""The life of a server process: sockets, signals, child processes, and the order of its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from feedhub.config import HttpConfig
from feedhub.errors import ConfigError
from feedhub.server.admin import Status, make_admin, status_of
from feedhub.server.builder import DocumentBuilder
from feedhub.server.documents import Documents
from feedhub.server.fallback import make_fallback
from feedhub.server.logs import UNIX, EventLog
from feedhub.server.metrics import Metrics
from feedhub.server.processes import PING, SupervisedProcess
from feedhub.server.sockets import format_address, notify, watchdog_seconds

# Seconds between two looks at the catalog, each of which takes a tenth of a millisecond.
POLL_INTERVAL = 0.05
SHUTDOWN_TIMEOUT = 10  # seconds for responses that are being sent at the end
# Longer than proxies keep a connection to us: one that they reuse must not be closed.
KEEP_ALIVE = 75
# Seconds that the event loop waits until the catalog's thread lets it compute. It waits for each
# request, and Python's own 5 ms would be most of the time of a response.
SWITCH_INTERVAL = 0.0001


@dataclass(frozen=True, kw_only=True)
class Service:
    """Everything that one server process runs.

    `public` is None if workers serve instead: they listen on `worker_socket`. `socket_files` are
    removed at the end. The server ends if `parent`, a process id, is not its parent any more.
    """

    builder: DocumentBuilder
    metrics: Metrics
    events: EventLog
    http: HttpConfig
    public: socket.socket | None
    worker_socket: socket.socket | None = None
    admin: socket.socket | None = None
    socket_files: list[Path] = field(default_factory=list)
    processes: list[SupervisedProcess] = field(default_factory=list)
    parent: int | None = None

    def status(self) -> Status:
        """Return the state of the server."""
        processes = {process.name: process.status for process in self.processes if process.started}
        return status_of(self.builder.reader, time.time(), processes)


class Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to the process, which may run two."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def run(service: Service) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the configuration again."""

    def log_error(record: logging.LogRecord) -> bool:
        """Count an error of a connection; log its type and its line, because a traceback quotes."""
        error = record.exc_info and record.exc_info[1]
        frames = traceback.extract_tb(error.__traceback__) if error else ()
        where = f", {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        service.metrics.connection_errors.inc()
        service.events.log(f"an error ended a connection: {type(error).__name__}{where}")
        return False

    for name in ("uvicorn.error", "asyncio"):
        logger = logging.getLogger(name)
        # They warn of bad requests, which are not the operator's business.
        logger.setLevel(logging.ERROR)
        logger.filters = [log_error]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(service))


async def serve(service: Service) -> None:
    """Start everything, follow the catalog until the end, stop everything."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    def start_reload() -> None:
        task = loop.create_task(reload(service))
        reloads.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, start_reload)
    await service.builder.refresh()
    shorten_pauses()
    servers = []
    if service.public is not None:
        app = trust_proxies(
            make_documents(service.builder, service.http.poll_limit),
            service.http.trusted_proxies,
            unix=service.public.family == socket.AF_UNIX,
        )
        servers.append((make_server(app, service.http, dates=False), service.public))
    if service.admin is not None:
        admin = make_admin(service.metrics, service.status)
        servers.append((make_server(admin, service.http), service.admin))
    tasks = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in servers]
    tasks += [asyncio.create_task(process.run()) for process in service.processes]
    while not all(server.started for server, _ in servers):
        await asyncio.sleep(0.01)
    listener = service.public or service.worker_socket
    if listener is not None and service.parent is None:
        service.events.log(f"listening on {format_address(listener)}")
    if service.admin is not None:
        service.events.log(f"admin on {format_address(service.admin)}")
    notify("READY=1")
    try:
        await follow_catalog(service, stop)
    finally:
        notify("STOPPING=1")
        await shut_down(service, [server for server, _ in servers], tasks)


def shorten_pauses() -> None:
    """Shorten what stops the whole process: the turn of a thread, and garbage collections.

    What is loaded now is needed to the end, so the collector need not search it.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()


def make_documents(builder: DocumentBuilder, poll_limit: int) -> ASGIApp:
    """Return the application of the public address."""
    fallback = make_fallback(builder)
    if not poll_limit:
        return Documents(builder, fallback)
    # Loads the table of readers, which most servers do not need.
    from feedhub.server.poll_limit import LimitedDocuments

    return LimitedDocuments(builder, fallback, poll_limit)


def trust_proxies(app: ASGIApp, trusted: Sequence[str], *, unix: bool) -> ASGIApp:
    """Return an application whose clients are those that trusted proxies name.

    Every request pays for it, so it is the same application if no proxy can be trusted.
    """
    names = [name for name in trusted if unix or name != UNIX]
    if not names:
        return app
    behind_proxy = ProxyHeadersMiddleware(app, names)  # type: ignore[arg-type]
    if not unix:
        return behind_proxy  # type: ignore[return-value]

    async def name_client(scope: Scope, receive: Receive, send: Send) -> None:
        """Name the client of a Unix socket: uvicorn trusts only what has a name."""
        scope["client"] = (UNIX, 0)
        await behind_proxy(scope, receive, send)  # type: ignore[arg-type]

    return name_client


def make_server(app: ASGIApp, http: HttpConfig, *, dates: bool = True) -> Server:
    """Return a uvicorn server; `dates` is false if the application sets Date itself."""
    return Server(
        uvicorn.Config(
            app,
            http="h11" if http.parser == "h11" else "httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=dates,
            proxy_headers=False,  # `trust_proxies` knows Unix sockets too
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
        )
    )


async def follow_catalog(service: Service, stop: asyncio.Event) -> None:
    """Refresh until the end, and notify the watchdog only after a refresh."""
    interval, notified_at = watchdog_seconds(), 0.0
    while not stop.is_set():
        await service.builder.refresh()
        if interval and time.monotonic() - notified_at >= interval:
            notify("WATCHDOG=1")
            notified_at = time.monotonic()
        if service.parent is not None and os.getppid() != service.parent:
            return
        try:
            await asyncio.wait_for(stop.wait(), POLL_INTERVAL)
        except TimeoutError:
            continue


async def reload(service: Service) -> None:
    """Read the configuration again; if it is wrong, log that and change nothing."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
    try:
        await service.builder.reload()
    except ConfigError as error:
        service.events.log(f"the previous configuration stays in use: {error}")
    else:
        # For `feedhub ping` the new configuration comes with the catalog.
        others = (process for process in service.processes if process.name != PING)
        await asyncio.gather(*(process.reload() for process in others))
        service.events.log("reloaded the configuration")
    notify("READY=1")


async def shut_down(
    service: Service, servers: list[Server], tasks: list[asyncio.Task[None]]
) -> None:
    """Finish the responses, then stop the processes, and the admin address last.

    `servers` begin with the public one, if there is one; `tasks` begin with those of the servers.
    """
    if service.worker_socket is not None:
        service.worker_socket.close()
    if service.public is not None:
        servers[0].should_exit = True
        service.builder.events.close()
    await asyncio.gather(*(process.stop() for process in service.processes))
    for server in servers:
        server.should_exit = True
    for task in tasks[len(servers) :]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await service.builder.close()
    for path in service.socket_files:
        path.unlink(missing_ok=True)
