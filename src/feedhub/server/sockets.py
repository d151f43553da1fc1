"""The sockets a server listens on: opened here, or handed over by whoever started it."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_BACKLOG = 2_048
_FIRST_HANDED = 3  # sd_listen_fds(3)


def listen_tcp(host: str, port: int) -> socket.socket:
    """Listen on a host and port, 0 for any that is free; raises ConfigError."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        why = (error.strerror or str(error)).partition(" (while")[0]  # the address, once more
        advice = "; choose another port" if error.errno == errno.EADDRINUSE else ""
        raise ConfigError(f"{host}:{port}: cannot listen: {why}{advice}") from None


def listen_unix(path: Path, mode: int) -> socket.socket:
    """Listen on a path with these permissions; raises ConfigError.

    A socket that a killed process left behind is replaced, one that answers is not.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear(path)
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(f"{path}: cannot listen: {error.strerror or error}") from None
    return listener


def from_descriptor(number: int) -> socket.socket:
    """Take over a socket that listens already; raises ConfigError."""
    try:
        listener = socket.socket(fileno=number)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", "") or error
        raise ConfigError(f"--fd {number}: this is no socket: {why}") from None
    if listener.family == socket.AF_UNIX or listener.getsockopt(
        socket.SOL_SOCKET, socket.SO_ACCEPTCONN
    ):
        return listener
    listener.close()
    raise ConfigError(f"--fd {number}: the socket does not listen")


def handed_over(environ: Mapping[str, str]) -> dict[str, socket.socket]:
    """Return the sockets of systemd's socket activation, by FileDescriptorName (sd_listen_fds)."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(environ.get("LISTEN_FDS", "0"))
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    names += ["public"] * (count - len(names))
    return {
        name if name == "admin" else "public": from_descriptor(_FIRST_HANDED + place)
        for place, name in enumerate(names[:count])
    }


def told(listener: socket.socket) -> str:
    """Return how a person would name the socket: `http://127.0.0.1:8000` or `unix:/run/x.sock`."""
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _clear(path: Path) -> None:
    """Remove a socket that nobody answers on."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) != 0:
            path.unlink()
