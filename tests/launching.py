"""Ways to start feedhub: like systemd with its sockets, as a user with few rights."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server, until

NOBODY = 65534
_EXEC_WITH_SOCKETS = """
import fcntl, os, sys
count = int(sys.argv[1])
high = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 20) for number in sys.argv[2 : 2 + count]]
for target, number in enumerate(high, 3):
    os.dup2(number, target)
    os.close(number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(count)}
os.execv(sys.executable, [sys.executable, *sys.argv[2 + count :]])
"""


def launch(folder: Path, command: Sequence[str], env: dict[str, str], **popen: Any) -> Server:
    """Start a command line in `folder` without waiting; use the result in a `with`."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("FEEDHUB_")}
    number = len(list(folder.glob("*.stderr")))
    out, err = folder / f"{number}.stdout", folder / f"{number}.stderr"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ | env,
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            start_new_session=True,
            **popen,
        )
    return Server(process, folder, out, err)


def activated(folder: Path, sockets: dict[str, socket.socket], arguments: Sequence[str]) -> Server:
    """Start feedhub as systemd does, with named listening sockets."""
    numbers = [listener.fileno() for listener in sockets.values()]
    counted = [str(len(numbers)), *map(str, numbers)]
    command = [sys.executable, "-c", _EXEC_WITH_SOCKETS, *counted, "-m", "feedhub", *arguments]
    env = {"LISTEN_FDNAMES": ":".join(sockets)}
    return launch(folder, command, env, pass_fds=numbers)


def unprivileged(folder: Path, arguments: Sequence[str]) -> Server:
    """Start feedhub as a user who may read everything, but not write the files of others.

    Without root's rights it is the very user: then only modes keep it from writing.
    """
    command = [sys.executable, "-m", "feedhub", *arguments]
    if os.geteuid() == 0:
        command = [*as_nobody(), *command]
    return launch(folder, command, {})


def as_nobody() -> list[str]:
    """Return the beginning of a command line that root runs as a user with few rights."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is missing: apt-get install util-linux")
    # The interpreter itself may lie where only root looks; to read is a right, to write none.
    caps = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *caps]


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that every user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="feedhub-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


class ServiceManager:
    """A fake systemd: the messages sent to NOTIFY_SOCKET, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def listen(self) -> list[str]:
        """Return the messages received so far."""
        try:
            while True:
                self.received.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return self.received

    def wait_for(self, message: str, times: int = 1) -> None:
        """Wait until a message was received so often."""
        until(
            lambda: sum(received.startswith(message) for received in self.listen()) >= times,
            lambda: f"{message} was not received: {self.received}",
        )


@contextmanager
def service_manager(folder: Path) -> Iterator[ServiceManager]:
    """Listen as systemd does."""
    with closing(ServiceManager(folder / "notify")) as manager:
        yield manager
