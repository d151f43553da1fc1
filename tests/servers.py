"""feedhub as a server in its own process: started, waited for, and always ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from tests.exchange import Address, Addressed, ClosedError, Response, exchange, request

__all__ = [
    "TIMEOUT", "Address", "Addressed", "ClosedError", "Response", "Server", "children", "exchange",
    "free_port", "living", "request", "serve", "until",
]  # fmt: skip

TIMEOUT = 60.0  # seconds: a busy machine is no failure
POLL_INTERVAL = 0.02
T = TypeVar("T")
_ADDRESS = r'(http://[^\s"]+|unix:[^\s"]+)'


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until(
    look: Callable[[], T | Literal[False] | None],
    what: str | Callable[[], str],
    seconds: float = TIMEOUT,
) -> T:
    """Call `look` until it returns something true, and return that.

    A failed connection counts as false. Raises AssertionError after the time, with `what`.
    """
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if seen := look():
                return seen
        if time.monotonic() > end:
            reason = what if isinstance(what, str) else what()
            raise AssertionError(f"waited {seconds:g} s in vain: {reason}")
        time.sleep(POLL_INTERVAL)


@dataclass
class Server:
    """A running `feedhub serve` (or `sync`): a process group of its own, ended with the block."""

    process: subprocess.Popen[bytes]
    folder: Path
    _out: Path
    _err: Path
    _logged_addresses: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def url(self) -> str:
        """The public address without a trailing slash, or `unix:PATH`; waits until it is logged."""
        return self._logged_address("listening")

    @property
    def address(self) -> Address:
        """Where to connect: (host, port), or the path of the unix socket."""
        return self._connectable(self.url)

    @property
    def port(self) -> int:
        """The public port on 127.0.0.1."""
        return int(self.url.rpartition(":")[2])

    @property
    def admin(self) -> str:
        """The admin address, as `url`."""
        return self._logged_address("admin")

    @property
    def admin_address(self) -> Address:
        """Where to connect for /livez, /readyz and /metrics."""
        return self._connectable(self.admin)

    def stdout(self) -> str:
        """Return the standard output so far: the access log."""
        return self._out.read_text(encoding="utf-8", errors="replace")

    def stderr(self) -> str:
        """Return the standard error so far."""
        return self._err.read_text(encoding="utf-8", errors="replace")

    def metrics(self) -> str:
        """Return the text of /metrics."""
        return request(self.admin_address, "GET", "/metrics").body.decode()

    def wait_until_ready(self) -> None:
        """Wait until /readyz says 200; without an admin address until / is no longer 503."""
        until(self._is_ready, lambda: f"the server is not ready\n{self.stderr()}")

    def stop(self, seconds: float = TIMEOUT) -> int:
        """Send SIGTERM, unless it has ended, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"SIGTERM did not end it\n{self.stderr()}") from None

    def kill(self) -> None:
        """End the process itself with SIGKILL, but not its children."""
        self.process.kill()
        self.process.wait(TIMEOUT)

    def left(self) -> list[int]:
        """Return the living processes of its group, itself included."""
        return [pid for pid, _, group in _processes() if group == self.process.pid]

    def end(self) -> None:
        """End it and all its children in any state."""
        with contextlib.suppress(AssertionError):
            self.stop(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT)

    def _connectable(self, address: str) -> Address:
        if address.startswith("unix:"):
            return self.folder / address.removeprefix("unix:")
        host, _, port = address.removeprefix("http://").rpartition(":")
        return host.strip("[]"), int(port)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"it ended: {self.process.poll()}\n{self.stderr()}"
        if re.search(rf"admin on {_ADDRESS}\b", self.stderr()):
            return request(self.admin_address, "GET", "/readyz").status == 200
        if "--admin" in self.process.args or "listening on" not in self.stderr():  # type: ignore[operator]
            return False
        return request(self, "GET", "/").status != 503

    def _logged_address(self, word: str) -> str:
        if word not in self._logged_addresses:
            self._logged_addresses[word] = until(
                lambda: self._find(word), lambda: f"no '{word} on' on stderr\n{self.stderr()}"
            )
        return self._logged_addresses[word]

    def _find(self, word: str) -> str:
        # The end of the line must be there: half a port is a port too.
        if found := re.search(rf"{word} on {_ADDRESS}[^\n]*\n", self.stderr()):
            return found[1].rstrip("/")
        code = self.process.poll()
        assert code is None, f"it ended with {code} before '{word} on'\n{self.stderr()}"
        return ""


def serve(
    folder: Path,
    source: Path | None = None,
    *arguments: str,
    toml: str = "",
    base_url: str | None = "https://feeds.example.org",
    admin: bool = True,
    env: dict[str, str] | None = None,
    wait: bool = True,
    **popen: Any,
) -> Server:
    """Start `feedhub serve` in `folder`, which keeps its catalog, configuration and output.

    Listens on a free port unless `arguments` name a socket. `wait=False` returns at once.
    Use it as `with serve(...) as server:`.
    """
    options = [] if source is None else [str(source)]
    if toml:
        (folder / "feedhub.toml").write_text(toml, encoding="utf-8")
        options += ["--config", "feedhub.toml"]
    options += [] if base_url is None else ["--base-url", base_url]
    options += [] if "--catalog" in arguments else ["--catalog", "catalog.db"]
    options += [] if {"--port", "--uds", "--fd"} & set(arguments) else ["--port", "0"]
    options += ["--admin", "127.0.0.1:0"] if admin and "--admin" not in arguments else []
    server = start(folder, ["serve", *options, *arguments], env, **popen)
    if wait:
        try:
            server.wait_until_ready()
        except BaseException:
            server.end()
            raise
    return server


def start(
    folder: Path, arguments: list[str], env: dict[str, str] | None = None, **popen: Any
) -> Server:
    """Start any command of feedhub in `folder`, its output in files there, and do not wait."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FEEDHUB_")}
    number = len(list(folder.glob("*.stderr")))  # a folder may see one server after the other
    out, err = folder / f"{number}.stdout", folder / f"{number}.stderr"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            [sys.executable, "-m", "feedhub", *arguments],
            cwd=folder,
            env=environ | {"XDG_CACHE_HOME": str(folder / "cache")} | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            start_new_session=True,
            **popen,
        )
    return Server(process, folder, out, err)


def children(pid: int) -> list[int]:
    """Return the living children of a process and theirs, oldest first."""
    processes = _processes()
    found = [pid]
    for parent in found:
        found += [child for child, of, _ in processes if of == parent]
    return found[1:]


def living(pid: int) -> bool:
    """Return whether a process lives; a zombie does not."""
    return pid in {found for found, _, _ in _processes()}


def _processes() -> list[tuple[int, int, int]]:
    """Return (id, parent, group) of every living process."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name between the brackets may hold anything.
            state, parent, group = stat.read_text("latin-1").rpartition(")")[2].split()[:3]
            if state not in "ZX":
                found.append((int(stat.parent.name), int(parent), int(group)))
    return sorted(found)
