"""Make one system call of a command fail, or kill the command there, by strace."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults import ForkServer


class Ran(NamedTuple):
    """The exit code of a command, its standard error, and whether a call had the effect."""

    code: int
    stderr: str
    injected: bool


class Tracer:
    """Runs commands in forks of one process, strace attached to each before it begins."""

    def __init__(self, folder: Path) -> None:
        self._stderr = (folder / "stderr").open("w+b")
        self._log = folder / "strace.log"
        self._server = ForkServer(self._stderr)

    def run(self, arguments: list[str], call: str, effect: str, at: int) -> Ran:
        """Run a command whose `at`-th system call of one kind has an effect.

        `effect` is what strace's `inject` takes: `error=EIO` or `signal=KILL`.
        """
        self._stderr.seek(0)
        self._stderr.truncate()
        child = self._server.start(arguments, "stop")
        _wait_until_stopped(child)
        inject = f"inject={call}:{effect}:when={at}"
        command = ["strace", "-f", "-qq", "-o", str(self._log), "-e", f"trace={call}", "-e", inject]
        tracer = subprocess.Popen([*command, "-p", str(child)], stderr=subprocess.DEVNULL)
        _wait_until_traced(child)
        os.kill(child, signal.SIGCONT)
        code = self._server.wait()
        tracer.wait()
        self._stderr.seek(0)
        log = self._log.read_text("utf-8", "replace")
        injected = "(INJECTED)" in log or "killed by SIGKILL" in log
        return Ran(code, self._stderr.read().decode(), injected)

    def close(self) -> None:
        """End the process."""
        self._server.close()
        self._stderr.close()


@contextmanager
def tracing(folder: Path) -> Iterator[Tracer]:
    """Hold a tracer; skip without strace or the right to trace."""
    if not shutil.which("strace"):
        pytest.skip("strace is missing: apt-get install strace")
    tracer = Tracer(folder)
    try:
        yield tracer
    finally:
        tracer.close()


def _wait_until_stopped(pid: int) -> None:
    stat = Path(f"/proc/{pid}/stat")
    while stat.read_text("latin-1").rpartition(")")[2].split()[0] not in "Tt":
        time.sleep(0.001)


def _wait_until_traced(pid: int) -> None:
    status = Path(f"/proc/{pid}/status")
    while re.search(r"TracerPid:\s*0\n", status.read_text("latin-1")):
        time.sleep(0.001)
