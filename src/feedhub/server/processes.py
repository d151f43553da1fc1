"""The processes that a server runs: started, restarted when they exit, stopped at its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from feedhub.config import SECRETS
from feedhub.server.logs import EventLog

# The names of two processes; `admin` reports the problems of each in another field.
SYNC, PING = "feedhub sync", "feedhub ping"
# Seconds before a restart: doubled each time, unless the process ran for RESET_AFTER.
MIN_DELAY, MAX_DELAY, RESET_AFTER = 0.5, 60.0, 60.0
STABLE_AFTER = 3.0  # seconds that a restarted process must run before its problem is over
STOP_TIMEOUT = 15.0
# What a process of ours says by its status, because it cannot write it down.
EXITS = {os.EX_IOERR: "cannot use the catalog; its message is in the log"}
# Messages of the service manager, which are for the main process alone.
SERVICE_VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")


class ProcessStatus(NamedTuple):
    """The state of a process: how often it was restarted, and what is wrong, or ""."""

    restarts: int
    problem: str


class SupervisedProcess:
    """A process that runs as long as the server does, from when `is_wanted` first holds.

    `name` is for messages. `started` is true once `is_wanted` held. `restarts` counts the restarts.
    `on_exit` is called with the id of each process that has ended. With `redirect_stdout` its
    output goes to standard error, because standard output is the access log.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        events: EventLog,
        *,
        pass_fds: Sequence[int] = (),
        redirect_stdout: bool = False,
        is_wanted: Callable[[], bool] = lambda: True,
        on_exit: Callable[[int], object] = lambda pid: None,
    ) -> None:
        self.name = name
        self._command = command
        self._events = events
        self._pass_fds = pass_fds
        self._redirect_stdout = redirect_stdout
        self._is_wanted = is_wanted
        self._on_exit = on_exit
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._exit = ""
        self._started_at = 0.0
        self.restarts = 0
        self.started = False

    @property
    def status(self) -> ProcessStatus:
        """The state of the process; an exit is a problem until its successor is stable."""
        stable = self._process and time.monotonic() - self._started_at > STABLE_AFTER
        problem = "" if not self._exit or stable else f"{self.name} {self._exit}; restarting it"
        return ProcessStatus(self.restarts, problem)

    async def run(self) -> None:
        """Keep the process running; returns after `stop`."""
        delay = MIN_DELAY
        while not self._is_wanted():
            await asyncio.sleep(MIN_DELAY)
        self.started = True
        while True:
            self._started_at = time.monotonic()
            self._exit = await self.run_once()
            if self._stopping:
                return
            self._events.log(f"{self.name} {self._exit}; restarting it")
            self.restarts += 1
            delay = MIN_DELAY if time.monotonic() - self._started_at > RESET_AFTER else delay
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_DELAY)

    async def run_once(self) -> str:
        """Run the process to its end, and return how it ended."""
        # The secrets of receivers are for the one process that talks to them: another reads the
        # files of strangers.
        withheld = SERVICE_VARIABLES if self.name == PING else (*SERVICE_VARIABLES, *SECRETS)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr if self._redirect_stdout else None,
                pass_fds=self._pass_fds,
                env={
                    name: text for name, text in os.environ.items() if not name.startswith(withheld)
                },
            )
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        self._process = process
        try:
            return EXITS.get(code := await process.wait(), f"exited with status {code}")
        finally:
            self._process = None
            self._on_exit(process.pid)

    async def stop(self) -> None:
        """End the process with SIGTERM, or with SIGKILL after STOP_TIMEOUT."""
        self._stopping = True
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT)
        except TimeoutError:
            self.signal(signal.SIGKILL)

    async def reload(self) -> None:
        """Send SIGHUP once the process catches it: earlier it would be lost, or end the process."""
        while self._process is not None and not catches(self._process.pid, signal.SIGHUP):
            await asyncio.sleep(0.05)
        self.signal(signal.SIGHUP)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, if it runs."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def catches(pid: int, number: signal.Signals) -> bool:
    """Return whether a process has a handler for a signal (proc(5)); true where that is unknown."""
    try:
        caught = Path(f"/proc/{pid}/status").read_text("latin-1").partition("SigCgt:")[2].split()[0]
    except (OSError, IndexError):
        return True
    return bool(int(caught, 16) >> (number - 1) & 1)
