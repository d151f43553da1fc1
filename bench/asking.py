"""Asking a server: one request to see its answer, and wrk for as many as it can answer."""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bench.cores import on_core
from bench.measure import busy_seconds

_LUA = Path(__file__).parent / "wrk.lua"
_PATIENCE = 60.0


class Answer(NamedTuple):
    """Status, header fields in lower case, body; `size` is that of the whole on the wire."""

    status: int
    headers: dict[str, str]
    body: bytes
    size: int


class Question(NamedTuple):
    """What wrk asks: a port of 127.0.0.1, the process behind it, a target, header fields."""

    port: int
    pid: int
    target: str
    headers: dict[str, str]

    def answer(self) -> Answer:
        """Ask once."""
        return ask(self.port, self.target, self.headers)


class Load(NamedTuple):
    """Requests a second, latencies in milliseconds, and how busy the server's processes were.

    `busy` is in parts of one core: well below 1 the client or the system was the limit.
    """

    requests: float
    p50: float
    p99: float
    busy: float


def ask(port: int, target: str, headers: dict[str, str]) -> Answer:
    """Send one GET to 127.0.0.1 and return the answer."""
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
    return Answer(reply.status, fields, body, size)


def wait_for(port: int, target: str) -> None:
    """Wait until a server has something to answer; SystemExit when it takes too long."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            if ask(port, target, {}).status < 500:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing answers {target} on port {port}")


def load(question: Question, seconds: int, connections: int, core: int) -> Load:
    """Ask with wrk, one thread on one core; SystemExit where an answer is not the expected one."""
    expected = question.answer()
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(_LUA)]
    for name, value in question.headers.items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"http://127.0.0.1:{question.port}{question.target}")
    before = busy_seconds(question.pid)
    with on_core(core):
        wrk = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = wrk.communicate()[0]
    if wrk.returncode:
        raise SystemExit(f"wrk ended with {wrk.returncode}: {said}")
    told = json.loads(said.splitlines()[-1])
    busy = (busy_seconds(question.pid) - before) / (told["duration"] / 1e6)
    size = told["bytes"] / max(told["requests"], 1)
    # Fields such as Cache-Control count seconds: their length may differ by some bytes.
    if told["failed"] or abs(size - expected.size) > 8 + expected.size / 50:
        raise SystemExit(f"answers of {size:.0f} bytes, expected {expected.size}: {told}")
    rate = told["requests"] / (told["duration"] / 1e6)
    return Load(rate, told["p50"] / 1e3, told["p99"] / 1e3, busy)
