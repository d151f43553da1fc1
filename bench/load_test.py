"""HTTP requests to a local server: one to see its response, or as many as wrk can send."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bench.measure import cpu_seconds

WRK_SCRIPT = Path(__file__).parent / "wrk.lua"
START_TIMEOUT = 60.0  # seconds
# Cores of server and client, so that neither takes the other's time.
SERVER_CORE, CLIENT_CORE = 0, 1


class HttpResponse(NamedTuple):
    """Status, header fields in lower case, body; `size` is that of the whole in bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    size: int


class LoadTarget(NamedTuple):
    """What is requested: a port of 127.0.0.1, its server's process id, a target, header fields."""

    port: int
    pid: int
    target: str
    headers: dict[str, str]

    def get(self) -> HttpResponse:
        """Send the request once."""
        return http_get(self.port, self.target, self.headers)


class LoadResult(NamedTuple):
    """Requests a second, latencies in milliseconds, and how busy the server's processes were.

    `busy` is a share of one core: well below 1 the client or the system was the limit.
    """

    requests: float
    p50: float
    p99: float
    busy: float


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Pin the processes that are started in the block to one core; do nothing if there is one."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def http_get(port: int, target: str, headers: dict[str, str]) -> HttpResponse:
    """Send one GET to 127.0.0.1 and return the response."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", target, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
    finally:
        connection.close()
    fields = {name.lower(): value for name, value in reply.getheaders()}
    size = len(f"HTTP/1.1 {reply.status} {reply.reason}\r\n\r\n") + len(body)
    size += sum(len(f"{name}: {value}\r\n") for name, value in reply.getheaders())
    return HttpResponse(reply.status, fields, body, size)


def wait_until_ready(port: int, target: str) -> None:
    """Wait until a server responds without an error; SystemExit after START_TIMEOUT."""
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            if http_get(port, target, {}).status < 500:
                return
        time.sleep(0.05)
    raise SystemExit(f"no server responds to {target} on port {port}")


def run_wrk(target: LoadTarget, seconds: int, connections: int) -> LoadResult:
    """Send requests with one thread of wrk; SystemExit if responses are not the expected ones."""
    expected = target.get()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(WRK_SCRIPT)]
    for name, value in target.headers.items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"http://127.0.0.1:{target.port}{target.target}")
    before = cpu_seconds(target.pid)
    with on_core(CLIENT_CORE):
        wrk = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = wrk.communicate()[0]
    if wrk.returncode:
        raise SystemExit(f"wrk ended with {wrk.returncode}: {output}")
    figures = json.loads(output.splitlines()[-1])
    busy = (cpu_seconds(target.pid) - before) / (figures["duration"] / 1e6)
    size = figures["bytes"] / max(figures["requests"], 1)
    # Fields such as Cache-Control count seconds: their length may differ by some bytes.
    if figures["failed"] or abs(size - expected.size) > 8 + expected.size / 50:
        raise SystemExit(f"responses of {size:.0f} bytes, expected {expected.size}: {figures}")
    rate = figures["requests"] / (figures["duration"] / 1e6)
    return LoadResult(rate, figures["p50"] / 1e3, figures["p99"] / 1e3, busy)
