"""Starting feedhub as others do: systemd with its sockets, a user with few rights."""

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
_HAND_OVER = """
import fcntl, os, sys
count = int(sys.argv[1])
high = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 20) for number in sys.argv[2 : 2 + count]]
for place, number in enumerate(high, 3):
    os.dup2(number, place)
    os.close(number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(count)}
os.execv(sys.executable, [sys.executable, *sys.argv[2 + count :]])
"""


def launch(folder: Path, command: Sequence[str], env: dict[str, str], **popen: Any) -> Server:
    """Start a whole command line in `folder` and do not wait; use the result in a `with`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FEEDHUB_")}
    number = len(list(folder.glob("*.stderr")))
    out, err = folder / f"{number}.stdout", folder / f"{number}.stderr"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=kept | env,
            stdin=subprocess.DEVNULL,
            stdout=to_out,
            stderr=to_err,
            start_new_session=True,
            **popen,
        )
    return Server(process, folder, out, err)


def activated(folder: Path, sockets: dict[str, socket.socket], arguments: Sequence[str]) -> Server:
    """Start feedhub as systemd does, with named sockets that listen already."""
    numbers = [listener.fileno() for listener in sockets.values()]
    counted = [str(len(numbers)), *map(str, numbers)]
    command = [sys.executable, "-c", _HAND_OVER, *counted, "-m", "feedhub", *arguments]
    env = {"LISTEN_FDNAMES": ":".join(sockets)}
    return launch(folder, command, env, pass_fds=numbers)


def unprivileged(folder: Path, arguments: Sequence[str]) -> Server:
    """Start feedhub as a user who may read, but not write what others own.

    Without root's rights it is the very user: then only modes keep it from writing.
    """
    command = [sys.executable, "-m", "feedhub", *arguments]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is missing: apt-get install util-linux")
        # The interpreter itself may lie where only root looks; to read is a right, to write none.
        caps = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        command = ["setpriv", *user, *caps, *command]
    return launch(folder, command, {})


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that everybody may enter, with all above it; those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="feedhub-") as place:
        Path(place).chmod(0o755)
        yield Path(place)


class ServiceManager:
    """What systemd hears: the messages sent to NOTIFY_SOCKET, in order."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(place))
        self._socket.setblocking(False)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()

    def listen(self) -> list[str]:
        """Return everything heard so far."""
        try:
            while True:
                self.heard.append(self._socket.recv(4096).decode())
        except BlockingIOError:
            return self.heard

    def wait_for(self, message: str, times: int = 1) -> None:
        """Wait until a message was heard this often."""
        until(
            lambda: sum(heard.startswith(message) for heard in self.listen()) >= times,
            lambda: f"{message} was not heard: {self.heard}",
        )


@contextmanager
def service_manager(folder: Path) -> Iterator[ServiceManager]:
    """Listen as systemd does."""
    with closing(ServiceManager(folder / "notify")) as manager:
        yield manager
