"""Servers under test: one worker on the core of servers and a free port, until the block ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bench.environment import BASE_URL, FEEDHUB
from bench.load_test import SERVER_CORE, on_core, wait_until_ready
from bench.machine import ROOT

NGINX_CONFIG = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/feedhub.conf;
}}
"""


class RunningServer(NamedTuple):
    """The port of a server on 127.0.0.1, and its process id."""

    port: int
    pid: int


@contextmanager
def feedhub(folder: Path, catalog: Path, config: Path, target: str) -> Iterator[RunningServer]:
    """Run `feedhub serve` with its defaults, access log included, on a catalog."""
    port = free_port()
    command = [*FEEDHUB, "serve", "--catalog", str(catalog), "--config", str(config)]
    command += ["--base-url", BASE_URL, "--port", str(port)]
    with run_server(command, folder / "feedhub.log", port, target) as server:
        yield server


@contextmanager
def static_files(public: Path, folder: Path, target: str) -> Iterator[RunningServer]:
    """Run Starlette's StaticFiles on a rendered folder."""
    port = free_port()
    command = [sys.executable, "-m", "bench.asgi_apps", "static", str(public), str(port)]
    with run_server(command, folder / "static.log", port, target) as server:
        yield server


@contextmanager
def bare_asgi(response: Path, folder: Path) -> Iterator[RunningServer]:
    """Run an application that sends a saved response to any request."""
    port = free_port()
    command = [sys.executable, "-m", "bench.asgi_apps", "fixed", str(response), str(port)]
    with run_server(command, folder / "bare.log", port, "/") as server:
        yield server


@contextmanager
def nginx_static(folder: Path, public: Path, target: str) -> Iterator[RunningServer]:
    """Run deploy/nginx/static.conf on a rendered folder."""
    changes = {r"/var/www/feedhub;": f"{public};"}
    with nginx(folder / "nginx-static", "static.conf", changes, target) as server:
        yield server


@contextmanager
def nginx_proxy(folder: Path, upstream: RunningServer, target: str) -> Iterator[RunningServer]:
    """Run deploy/nginx/proxy.conf in front of a server."""
    path = folder / "nginx-proxy"
    changes = {
        r"unix:/run/feedhub/serve\.sock": f"127.0.0.1:{upstream.port}",
        r"/var/cache/nginx/feedhub": f"{path}/cache",
    }
    with nginx(path, "proxy.conf", changes, target) as server:
        yield server


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_program(name: str) -> str | None:
    """Return the path of a program, None if it is not installed."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


@contextmanager
def nginx(folder: Path, name: str, changes: dict[str, str], target: str) -> Iterator[RunningServer]:
    """Run nginx with a file of deploy/nginx; `changes` maps patterns to their replacements."""
    folder.mkdir()
    port = free_port()
    changes |= {
        r"^    listen 80\b": f"    listen 127.0.0.1:{port}",
        r"^    listen \[::\]:80.*$": "",
        r"\bfeeds\.example\.org ": "127.0.0.1 ",
        r"/var/log/nginx/feedhub\.log": f"{folder}/access.log",
    }
    text = (ROOT / "deploy" / "nginx" / name).read_text(encoding="utf-8")
    for pattern, new in changes.items():
        text, times = re.subn(pattern, new, text, flags=re.MULTILINE)
        if not times:
            raise SystemExit(f"no line of {name} matches {pattern}")
    (folder / "feedhub.conf").write_text(text, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        NGINX_CONFIG.format(user=user, folder=folder), encoding="utf-8"
    )
    log = f"{folder}/error.log"
    command = [
        find_program("nginx") or "nginx",
        "-e",
        log,
        "-c",
        f"{folder}/nginx.conf",
        "-p",
        folder,
    ]
    with run_server(command, folder / "nginx.log", port, target) as server:
        yield server


@contextmanager
def run_server(
    command: Sequence[object], log: Path, port: int, target: str
) -> Iterator[RunningServer]:
    """Start a server on its core, wait until it responds, and stop it when the block ends."""
    with log.open("ab") as errors, on_core(SERVER_CORE):
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        wait_until_ready(port, target)
        yield RunningServer(port, process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)
