"""Servers to be asked: one worker on one core and a free port, until the block ends."""

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

from bench.asking import wait_for
from bench.cores import on_core
from bench.machine import ROOT
from bench.places import BASE_URL, FEEDHUB

_NGINX = """
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


class Server(NamedTuple):
    """Where a server listens on 127.0.0.1, and its process."""

    port: int
    pid: int


@contextmanager
def feedhub(folder: Path, catalog: Path, config: Path, target: str, core: int) -> Iterator[Server]:
    """Run `feedhub serve` as it is shipped, access log included, on a catalog."""
    port = free_port()
    command = [*FEEDHUB, "serve", "--catalog", str(catalog), "--config", str(config)]
    command += ["--base-url", BASE_URL, "--port", str(port)]
    with _running(command, folder / "feedhub.log", port, target, core) as server:
        yield server


@contextmanager
def static_files(public: Path, folder: Path, target: str, core: int) -> Iterator[Server]:
    """Run Starlette's StaticFiles on a rendered folder."""
    port = free_port()
    command = [sys.executable, "-m", "bench.apps", "static", str(public), str(port)]
    with _running(command, folder / "static.log", port, target, core) as server:
        yield server


@contextmanager
def bare(answer: Path, folder: Path, core: int) -> Iterator[Server]:
    """Run an application that sends one answer, whatever is asked."""
    port = free_port()
    command = [sys.executable, "-m", "bench.apps", "bare", str(answer), str(port)]
    with _running(command, folder / "bare.log", port, "/", core) as server:
        yield server


@contextmanager
def nginx_static(folder: Path, public: Path, target: str, core: int) -> Iterator[Server]:
    """Run deploy/nginx/static.conf on a rendered folder."""
    changes = {r"/var/www/feedhub;": f"{public};"}
    with _nginx(folder / "nginx-static", "static.conf", changes, target, core) as server:
        yield server


@contextmanager
def nginx_proxy(folder: Path, upstream: Server, target: str, core: int) -> Iterator[Server]:
    """Run deploy/nginx/proxy.conf before a server."""
    place = folder / "nginx-proxy"
    changes = {
        r"unix:/run/feedhub/serve\.sock": f"127.0.0.1:{upstream.port}",
        r"/var/cache/nginx/feedhub": f"{place}/cache",
    }
    with _nginx(place, "proxy.conf", changes, target, core) as server:
        yield server


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str | None:
    """Return a program's path, or None."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


@contextmanager
def _nginx(
    folder: Path, name: str, changes: dict[str, str], target: str, core: int
) -> Iterator[Server]:
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
    (folder / "nginx.conf").write_text(_NGINX.format(user=user, folder=folder), encoding="utf-8")
    log = f"{folder}/error.log"
    command = [program("nginx") or "nginx", "-e", log, "-c", f"{folder}/nginx.conf", "-p", folder]
    with _running(command, folder / "nginx.log", port, target, core) as server:
        yield server


@contextmanager
def _running(
    command: Sequence[object], log: Path, port: int, target: str, core: int
) -> Iterator[Server]:
    with log.open("ab") as errors, on_core(core):
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            cwd=ROOT,
            start_new_session=True,
        )
    try:
        wait_for(port, target)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(15)
