"""`feedhub serve`: build the server and the processes beside it from the options."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.cli import console, options
from feedhub.config import Config
from feedhub.errors import ConfigError

# The server loads starlette, uvicorn and prometheus: --help and completion do without them.
if TYPE_CHECKING:
    import socket

    from feedhub.server.processes import SupervisedProcess
    from feedhub.server.run import Service

EXAMPLES = (
    "articles --base-url https://feeds.example.org",
    "articles --uds /run/feedhub/http.sock --workers 2 --admin 127.0.0.1:9100",
    "--catalog /var/lib/feedhub/catalog.db",
)
# Where the metrics of several processes are added up; prometheus_client reads it when imported.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    about = "folder of article files to follow; without it --catalog is only read"
    options.add_source(parser, about, required=False)
    options.add_config(parser)
    options.add_catalog(
        parser,
        "file written by feedhub sync; default with SOURCE: one in the user's cache folder",
    )
    parser.add_argument(
        "--host",
        metavar="HOST",
        default="127.0.0.1",
        help="address to listen on; default: 127.0.0.1",
    )
    parser.add_argument(
        "--port",
        metavar="PORT",
        type=options.integer(0, 65_535),
        default=8000,
        help="port to listen on, 0 for any free one; default: 8000",
    )
    parser.add_argument(
        "--uds", metavar="PATH", type=options.path, help="listen on a Unix socket instead"
    )
    parser.add_argument(
        "--fd",
        metavar="N",
        type=options.integer(0, 1_000_000),
        help="listen on the open socket with this file descriptor",
    )
    parser.add_argument(
        "--admin",
        metavar="ADDRESS",
        help="HOST:PORT or path of a socket for /livez, /readyz and /metrics; default: none",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=options.integer(1, 1_000),
        default=1,
        help="processes that serve requests; default: 1",
    )
    parser.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help="format of the access log: text (the default, combined log format) or json",
    )
    options.add_drafts(parser)
    options.add_permissions(parser)
    options.add_parent(parser)


def run(args: Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    config = options.config_of(args)
    options.require_input(args)
    if args.source is not None:
        options.check_source(args)
    sockets = Sockets(args)
    if args.parent is None:
        args.listening = sockets.url
    # A free port is another one each time, and must not leave a catalog behind each time.
    args.catalog = options.catalog_path(args, options.config_of(args) if args.port else config)
    config = options.config_of(args)
    if args.parent is not None:
        serve(args, config, sockets)
        return 0
    options.debug_inputs(args, config, args.catalog)
    if args.source is not None:
        options.warn_of_default_url(config, args.listening)
    if args.workers == 1:
        os.environ.pop(METRICS_FOLDER, None)
        serve(args, config, sockets)
        return 0
    with tempfile.TemporaryDirectory(prefix="feedhub-") as folder:
        os.environ[METRICS_FOLDER] = folder
        serve(args, config, sockets)
    return 0


class Sockets:
    """The open sockets of a server: the public one, the operator's, and the files made for them."""

    def __init__(self, args: Namespace) -> None:
        self.files: list[Path] = []
        self.public, self.admin = open_sockets(args, self.files)

    @property
    def url(self) -> str | None:
        """Where a client on this machine finds the public socket, None if it is a Unix socket."""
        from feedhub.server.sockets import format_address

        address = format_address(self.public)
        # A socket that listens on every address has none of its own.
        address = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
        return address if address.startswith("http:") else None


def serve(args: Namespace, config: Config, sockets: Sockets) -> None:
    """Start the other processes and serve."""
    from feedhub.server.builder import DocumentBuilder
    from feedhub.server.catalog_reader import CatalogReader
    from feedhub.server.logs import AccessLog, EventLog
    from feedhub.server.metrics import Metrics
    from feedhub.server.run import Service, run

    events, metrics = EventLog(args.log), Metrics()

    def own_config() -> Config | None:
        return options.config_of(args) if options.is_configured(args) else None

    reader = CatalogReader(args.catalog, own_config, drafts=args.drafts)
    log_file = open(os.devnull, "w") if console.is_quiet() else sys.stdout  # noqa: PTH123, SIM115 - until the end
    log = AccessLog(log_file, args.log)
    max_bytes = config.http.cache_megabytes * 1_000_000
    log_problems = args.parent is None
    builder = DocumentBuilder(reader, max_bytes, log, events, metrics, log_problems=log_problems)
    alone = args.workers == 1
    service = Service(
        builder=builder,
        metrics=metrics,
        events=events,
        http=config.http,
        public=sockets.public if alone else None,
        worker_socket=None if alone else sockets.public,
        admin=sockets.admin,
        socket_files=sockets.files,
        parent=args.parent,
    )
    add_processes(service, args, sockets.public)
    run(service)


def open_sockets(
    args: Namespace, socket_files: list[Path]
) -> tuple[socket.socket, socket.socket | None]:
    """Return the public socket and the operator's; append the files made for them."""
    from feedhub.server.sockets import activated_sockets, from_descriptor, listen_tcp, listen_unix

    activated = activated_sockets(os.environ)
    public, admin = activated.get("public"), activated.get("admin")
    if args.fd is not None:
        public = from_descriptor(args.fd)
    elif args.uds is not None:
        # The reverse proxy may run as any user.
        public = listen_unix(args.uds, 0o666)
        socket_files.append(args.uds)
    if args.admin and "/" in args.admin:
        # Metrics and problems are for the operator only.
        admin = listen_unix(Path(args.admin), 0o660)
        socket_files.append(Path(args.admin))
    elif args.admin:
        host, _, port = args.admin.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            advice = "give HOST:PORT such as 127.0.0.1:9100, or a path with a slash"
            raise ConfigError(f"--admin {args.admin}: {advice}")
        admin = listen_tcp(host.strip("[]"), int(port))
    return public or listen_tcp(args.host, args.port), admin


def add_processes(service: Service, args: Namespace, public: socket.socket) -> None:
    """Add the processes beside this one: sync and ping with SOURCE, and the workers."""
    from feedhub.server.processes import PING, SYNC, SupervisedProcess

    if args.source is not None:
        command = [*command_line(args, "sync", args.source), "--watch"]
        command += ["--json"] * (args.log == "json")
        command += ["--allow-shrink"] * args.allow_shrink
        command += ["--accept-new-ids"] * args.accept_new_ids
        service.processes.append(
            SupervisedProcess(SYNC, command, service.events, redirect_stdout=True)
        )
    if args.source is not None and not args.drafts:  # no hub may learn of drafts

        def has_hub() -> bool:
            snapshot = service.builder.snapshot
            return snapshot is not None and bool(snapshot.config.receivers)

        command = command_line(args, "ping", "--watch")
        service.processes.append(
            SupervisedProcess(
                PING, command, service.events, redirect_stdout=True, is_wanted=has_hub
            )
        )
    if args.workers > 1:
        service.processes.extend(workers(service, args, public.fileno()))


def workers(service: Service, args: Namespace, descriptor: int) -> list[SupervisedProcess]:
    """Return the processes that serve requests of the socket with this file descriptor."""
    from prometheus_client.multiprocess import mark_process_dead

    from feedhub.server.processes import SupervisedProcess

    command = [*command_line(args, "serve"), "--fd", str(descriptor), "--log", args.log]
    return [
        SupervisedProcess(
            f"worker {number}",
            command,
            service.events,
            pass_fds=(descriptor,),  # all accept connections from one socket
            on_exit=mark_process_dead,
        )
        for number in range(1, args.workers + 1)
    ]


def command_line(args: Namespace, command: str, *arguments: str) -> list[str]:
    """Return the command line of a process beside this one, with the same inputs."""
    flags = ["--catalog", str(args.catalog), "--parent", str(os.getpid())]
    if args.config is not None:
        flags += ["--config", str(args.config)]
    if args.base_url is not None:
        flags += ["--base-url", args.base_url]
    if args.listening is not None:
        flags += ["--listening", args.listening]
    flags += ["--drafts"] * args.drafts
    flags += ["--quiet"] * console.is_quiet() + ["--verbose"] * console.is_verbose()
    # -P: no file in the current folder may take the place of a module.
    return [sys.executable, "-P", "-m", "feedhub", command, *arguments, *flags]
