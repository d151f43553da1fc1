"""The sockets that a server listens on, and its messages to the service manager (systemd)."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

from feedhub.errors import ConfigError

BACKLOG = 2_048
FIRST_PASSED_DESCRIPTOR = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)


def listen_tcp(host: str, port: int) -> socket.socket:
    """Listen on a host and port, 0 for any that is free; raises ConfigError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]  # it repeats the address
        advice = "; choose another port" if error.errno == errno.EADDRINUSE else ""
        raise ConfigError(f"{host}:{port}: cannot listen: {why}{advice}") from None


def listen_unix(path: Path, mode: int) -> socket.socket:
    """Listen on a path with these permissions; raises ConfigError.

    A socket that a killed process left behind is replaced, one that accepts connections is not.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                if probe.connect_ex(str(path)) != 0:
                    path.unlink()
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(f"{path}: cannot listen: {error.strerror or error}") from None
    return listener


def from_descriptor(number: int) -> socket.socket:
    """Return the listening socket with this file descriptor; raises ConfigError."""
    try:
        listener = socket.socket(fileno=number)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or error
        raise ConfigError(f"--fd {number}: not a socket: {why}") from None
    if listener.family == socket.AF_UNIX or listener.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    ):
        return listener
    listener.close()
    raise ConfigError(f"--fd {number}: the socket does not listen")


def activated_sockets(environ: Mapping[str, str]) -> dict[str, socket.socket]:
    """Return the sockets of systemd's socket activation, "public" and "admin" (sd_listen_fds(3)).

    Every FileDescriptorName but `admin` is public.
    """
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(environ.get("LISTEN_FDS", "0"))
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    names += ["public"] * (count - len(names))
    return {
        name if name == "admin" else "public": from_descriptor(FIRST_PASSED_DESCRIPTOR + index)
        for index, name in enumerate(names[:count])
    }


def format_address(listener: socket.socket) -> str:
    """Return the address of a socket: `http://127.0.0.1:8000` or `unix:/run/x.sock`."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send a state such as `READY=1` to the service manager, if there is one (sd_notify(3))."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        try:
            out.connect(address)
            out.send(state.encode())
        except OSError:  # a manager that does not listen must not stop the server
            return


def watchdog_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """Return how often to send `WATCHDOG=1`: in half the time allowed, or 0 for never."""
    allowed = environ.get("WATCHDOG_USEC", "0")
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(allowed) / 2_000_000 if ours and allowed.isdigit() else 0
