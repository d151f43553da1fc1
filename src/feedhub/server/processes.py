"""Processes beside the server: started, and started again when they end by themselves."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from feedhub.server.events import Events

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 60.0
# Whoever lives this long is well: when it ends the waiting begins anew.
_WELL, _STEADY = 60.0, 3.0
_PATIENCE = 15.0
# What a service manager says is meant for the main process alone.
_OURS = ("NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")
# Names of those whose end means something to readers, or to the hub.
SYNC, PING = "feedhub sync", "feedhub ping"


class SupervisedProcess:
    """One process that is to run as long as the server does, once it is `wanted`.

    `name` is for messages. `begun` is true once it was wanted; `restarts` is how often it had to be
    started again.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        events: Events,
        *,
        pass_fds: Sequence[int] = (),
        quiet: bool = False,
        wanted: Callable[[], bool] = lambda: True,
        ended: Callable[[int], object] = lambda pid: None,
    ) -> None:
        self.name = name
        self._command = command
        self._events = events
        self._pass_fds = pass_fds
        self._quiet = quiet
        self._wanted = wanted
        self._ended = ended
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._end = ""
        self._started = 0.0
        self.begun = False
        self.restarts = 0

    @property
    def trouble(self) -> str:
        """Say what is wrong, or "": one that was started again has to stay for a while."""
        if not self._end or (self._process and time.monotonic() - self._started > _STEADY):
            return ""
        return f"{self.name} {self._end}; it is started again"

    async def run(self) -> None:
        """Keep the process running; returns after `stop`."""
        wait = _FIRST_WAIT
        while not self._wanted():
            await asyncio.sleep(_FIRST_WAIT)
        self.begun = True
        while True:
            self._started = time.monotonic()
            self._end = await self._once()
            if self._stopping:
                return
            self._events.say(f"{self.name} {self._end}; it is started again")
            self.restarts += 1
            wait = _FIRST_WAIT if time.monotonic() - self._started > _WELL else wait
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def stop(self) -> None:
        """End the process: politely, then surely."""
        self._stopping = True
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), _PATIENCE)
        except TimeoutError:
            self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if there is anybody to get it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _once(self) -> str:
        """Run it to its end and say what that was."""
        try:
            process = await self._start()
        except OSError as error:
            return f"cannot be started: {error.strerror}"
        self._process = process
        try:
            return f"ended with {await process.wait()}"
        finally:
            self._process = None
            self._ended(process.pid)

    async def _start(self) -> asyncio.subprocess.Process:
        """What it prints for its caller is no access log of ours."""
        return await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr if self._quiet else None,
            pass_fds=self._pass_fds,
            env={name: text for name, text in os.environ.items() if not name.startswith(_OURS)},
        )
