"""`feedhub serve`: puts together what runs, from the options of the command."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from feedhub.cli.console import quiet, verbose
from feedhub.cli.places import (
    catalog_place,
    check_named,
    check_source,
    config_of,
    tell_places,
    warn_of_default_address,
)
from feedhub.errors import ConfigError

if TYPE_CHECKING:
    import socket
    from argparse import Namespace

    from feedhub.config import Config
    from feedhub.server.logs import EventLog
    from feedhub.server.processes import SupervisedProcess
    from feedhub.server.run import Service

# Where processes count together; what counts looks at it when it is imported.
_COUNTS = "PROMETHEUS_MULTIPROC_DIR"


def serve(options: Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    config = config_of(options)
    check_named(options, "what to serve")
    if options.source is not None:
        check_source(options)
    options.catalog = catalog_place(options, config)
    if options.parent is not None:
        _run(options, config)
        return 0
    tell_places(options, config, options.catalog)
    if options.source is not None:
        warn_of_default_address(config)
    if options.workers == 1:
        os.environ.pop(_COUNTS, None)
        _run(options, config)
        return 0
    with tempfile.TemporaryDirectory(prefix="feedhub-") as folder:
        os.environ[_COUNTS] = folder
        _run(options, config)
    return 0


def _run(options: Namespace, config: Config) -> None:
    from feedhub.server.builder import DocumentBuilder
    from feedhub.server.catalog_reader import CatalogReader
    from feedhub.server.logs import AccessLog, EventLog
    from feedhub.server.metrics import Metrics
    from feedhub.server.run import Service, run

    made: list[Path] = []
    public, admin = _sockets(options, made)
    events, metrics = EventLog(options.log), Metrics()
    reader = CatalogReader(options.catalog, lambda: config_of(options), drafts=options.drafts)
    log = AccessLog(_nowhere() if quiet() else sys.stdout, options.log)
    max_bytes = config.http.cache_megabytes * 1_000_000
    builder = DocumentBuilder(
        reader, max_bytes, log, events, metrics, log_problems=options.parent is None
    )
    alone = options.workers == 1
    running = Service(
        builder=builder,
        metrics=metrics,
        events=events,
        http=config.http,
        public=public if alone else None,
        worker_socket=None if alone else public,
        admin=admin,
        socket_files=made,
        parent=options.parent,
    )
    _add_children(running, options, public)
    run(running)


def _nowhere() -> TextIO:
    """Return what takes every line and keeps none: nobody wants an access log."""
    return open(os.devnull, "w")  # noqa: PTH123 - until the process ends


def _sockets(options: Namespace, made: list[Path]) -> tuple[socket.socket, socket.socket | None]:
    """Return what the public and the operator come to; paths made for it go to `made`."""
    from feedhub.server.sockets import activated_sockets, from_descriptor, listen_tcp, listen_unix

    handed = activated_sockets(os.environ)
    public, admin = handed.get("public"), handed.get("admin")
    if options.fd is not None:
        public = from_descriptor(options.fd)
    elif options.uds is not None:
        public = listen_unix(options.uds, 0o666)
        made.append(options.uds)
    if options.admin and "/" in options.admin:
        admin = listen_unix(Path(options.admin), 0o660)
        made.append(Path(options.admin))
    elif options.admin:
        admin = listen_tcp(*_host_and_port(options.admin))
    return public or listen_tcp(options.host, options.port), admin


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError(f"--admin {text}: write 127.0.0.1:9100, or the path of a socket")
    return host.strip("[]"), int(port)


def _add_children(running: Service, options: Namespace, public: socket.socket) -> None:
    from feedhub.server.processes import SYNC, SupervisedProcess

    if options.source is not None:
        command = [*_command(options, "sync", str(options.source)), "--watch"]
        command += ["--allow-shrink"] * options.allow_shrink + ["--json"] * (options.log == "json")
        sync = SupervisedProcess(SYNC, command, running.events, redirect_stdout=True)
        running.processes.append(sync)
        if not options.drafts:  # no hub hears of them
            running.processes.append(_ping(running, options))
    if options.workers > 1:
        running.processes.extend(_workers(running.events, options, public))


def _ping(running: Service, options: Namespace) -> SupervisedProcess:
    from feedhub.server.processes import PING, SupervisedProcess

    def wanted() -> bool:
        snapshot = running.builder.snapshot
        return snapshot is not None and bool(snapshot.config.websub.hub)

    command = _command(options, "ping", "--watch")
    return SupervisedProcess(PING, command, running.events, redirect_stdout=True, is_wanted=wanted)


def _workers(
    events: EventLog, options: Namespace, public: socket.socket
) -> list[SupervisedProcess]:
    from prometheus_client.multiprocess import mark_process_dead

    from feedhub.server.processes import SupervisedProcess

    number = public.fileno()
    command = [*_command(options, "serve"), "--fd", str(number), "--log", options.log]
    return [
        SupervisedProcess(
            f"worker {place + 1}",
            command,
            events,
            pass_fds=(number,),
            on_exit=mark_process_dead,
        )
        for place in range(options.workers)
    ]


def _command(options: Namespace, name: str, *more: str) -> list[str]:
    """Return the command line of a process beside this one."""
    flags = ["--catalog", str(options.catalog), "--parent", str(os.getpid())]
    if options.config is not None:
        flags += ["--config", str(options.config)]
    if options.base_url is not None:
        flags += ["--base-url", options.base_url]
    if options.drafts:
        flags.append("--drafts")
    flags += ["--quiet"] * quiet() + ["--verbose"] * verbose()
    return [sys.executable, "-P", "-m", "feedhub", name, *more, *flags]
