"""Supervised processes: restarted after a delay that grows, and stopped in the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feedhub.server import processes
from feedhub.server.processes import PING, SupervisedProcess, catches

FOREVER = "import time\nwhile True: time.sleep(60)"
TIMEOUT = 30.0


class FakeEventLog:
    """A fake event log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


async def until(condition: Callable[[], Any]) -> None:
    """Wait for a condition; a busy machine is no failure."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.005)


def process_of(code: str, events: FakeEventLog | None = None, **more: Any) -> SupervisedProcess:
    log: Any = events or FakeEventLog()
    return SupervisedProcess("the child", [sys.executable, "-c", code], log, **more)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(autouse=True)
def _short_delay(monkeypatch):
    monkeypatch.setattr(processes, "MIN_DELAY", 0.01)


def test_a_process_runs_until_it_is_stopped(tmp_path):
    async def supervise() -> list[int]:
        ended: list[int] = []
        child = process_of(
            f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}", on_exit=ended.append
        )
        assert child.status.problem == ""
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        assert child.status.problem == ""
        await child.stop()
        await running
        return ended

    (pid,) = asyncio.run(supervise())
    assert gone(pid)


def test_a_process_that_exits_is_restarted_and_logged(tmp_path):
    marks = tmp_path / "marks"
    events = FakeEventLog()

    async def supervise() -> None:
        child = process_of(f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(3)", events)
        assert (child.started, child.status.restarts) == (False, 0)
        running = asyncio.create_task(child.run())
        await until(lambda: marks.exists() and marks.stat().st_size >= 3)
        await child.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (child.started, child.status.restarts) == (True, len(events.lines))

    asyncio.run(supervise())
    assert set(events.lines) == {"the child exited with status 3; restarting it"}
    assert len(events.lines) >= 2


def test_an_exit_is_a_problem_until_the_next_process_is_stable(tmp_path, monkeypatch):
    marks = tmp_path / "marks"
    first = (
        f"open({str(marks)!r}, 'a').write('x')\nif open({str(marks)!r}).read() == 'x': sys.exit(3)"
    )

    async def supervise() -> list[str]:
        child = process_of(f"import sys\n{first}\n{FOREVER}")
        running = asyncio.create_task(child.run())
        await until(lambda: marks.exists() and marks.read_text() == "xx" and child._process)
        at_first = child.status.problem
        monkeypatch.setattr(processes, "STABLE_AFTER", -1.0)
        stable = child.status.problem
        await child.stop()
        await running
        return [at_first, stable]

    assert asyncio.run(supervise()) == ["the child exited with status 3; restarting it", ""]


@pytest.mark.parametrize(
    ("lives", "expected"), [(0.0, [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]), (100.0, [0.5, 0.5, 0.5])]
)
def test_the_delay_doubles_up_to_a_bound_unless_the_process_ran_long(monkeypatch, lives, expected):
    now, delays = [0.0], []
    monkeypatch.setattr(processes, "MIN_DELAY", 0.5)
    monkeypatch.setattr(processes, "MAX_DELAY", 5.0)
    monkeypatch.setattr("feedhub.server.processes.time.monotonic", lambda: now[0])
    child = process_of("")

    async def once() -> str:
        now[0] += lives
        return "ended with 1"

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        child._stopping = len(delays) >= len(expected)

    monkeypatch.setattr(child, "run_once", once)
    monkeypatch.setattr("feedhub.server.processes.asyncio.sleep", sleep)
    asyncio.run(child.run())

    assert delays == expected


def test_a_process_gets_sigterm_first(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STOP_TIMEOUT", 2 * TIMEOUT)
    code = (
        "import signal, sys\n"
        f"def end(number, _): open({str(tmp_path / 'end')!r}, 'w').write(str(number)); sys.exit()\n"
        "for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, end)\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}"
    )

    async def supervise() -> None:
        child = process_of(code)
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        await child.stop()
        await running

    asyncio.run(supervise())
    assert (tmp_path / "end").read_text() == str(int(signal.SIGTERM))


def test_a_process_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STOP_TIMEOUT", 0.05)
    ignoring = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}"
    )

    async def supervise() -> int:
        ended: list[int] = []
        child = process_of(ignoring, on_exit=ended.append)
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        await child.stop()
        await running
        return ended[0]

    assert gone(asyncio.run(supervise()))


def test_a_process_that_does_not_run_gets_no_signal():
    async def supervise() -> None:
        child = process_of(FOREVER)
        child.signal(signal.SIGHUP)
        await child.stop()

    asyncio.run(supervise())


def test_a_reload_waits_until_the_process_catches_the_signal(tmp_path):
    """Before that, SIGHUP would end it."""
    code = (
        "import signal, time\n"
        "time.sleep(0.4)\n"
        f"def note(*_): open({str(tmp_path / 'hup')!r}, 'w').close()\n"
        f"signal.signal(signal.SIGHUP, note)\n{FOREVER}"
    )

    async def supervise() -> int:
        child = process_of(code)
        running = asyncio.create_task(child.run())
        await until(lambda: child._process is not None)
        await child.reload()
        await until((tmp_path / "hup").exists)
        await child.stop()
        await running
        return child.restarts

    assert asyncio.run(supervise()) == 0


def test_a_reload_of_a_process_that_does_not_run_does_not_wait():
    asyncio.run(asyncio.wait_for(process_of(FOREVER).reload(), 10))


def test_it_is_known_which_signals_a_process_catches():
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    assert catches(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    assert not catches(os.getpid(), signal.SIGUSR2)
    assert catches(2**22 + 1, signal.SIGUSR2)  # no such process: nothing is known


def test_a_signal_for_a_process_that_has_just_ended_is_no_error():
    class Ended:
        def send_signal(self, _: int) -> None:
            raise ProcessLookupError

    child = process_of("")
    child._process = Ended()  # type: ignore[assignment]
    child.signal(signal.SIGHUP)


def test_a_signal_reaches_the_process(tmp_path):
    code = (
        "import signal, time\n"
        f"def note(*_): open({str(tmp_path / 'hup')!r}, 'w').close()\n"
        "signal.signal(signal.SIGHUP, note)\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}"
    )

    async def supervise() -> None:
        child = process_of(code)
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        child.signal(signal.SIGHUP)
        await until((tmp_path / "hup").exists)
        await child.stop()
        await running

    asyncio.run(supervise())


SECRET = "FEEDHUB_PURGE_TOKEN"  # noqa: S105 - the name of a variable


@pytest.mark.parametrize(
    ("name", "left"), [("the child", b"[]"), (PING, b"['%b']" % SECRET.encode())]
)
def test_a_process_gets_descriptors_and_environment_without_service_variables(
    tmp_path, capfd, monkeypatch, name, left
):
    """The variables of the service manager are for the server alone (sd_notify(3)).

    Secrets are for the process that talks to receivers.
    """
    out = tmp_path / "out"
    service = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID")
    for variable in (SECRET, *service):
        monkeypatch.setenv(variable, "1")
    code = (
        "import os, sys\n"
        "print('for nobody')\n"
        "assert sys.stdin.read() == ''\n"
        "meant = ('NOTIFY', 'WATCHDOG', 'LISTEN', 'FEEDHUB')\n"
        "ours = [name for name in os.environ if name.startswith(meant)]\n"
        f"os.write(int(os.environ['PASSED']), b'hello' + repr(ours).encode())\n{FOREVER}"
    )
    with out.open("wb") as file:
        number = file.fileno()
        monkeypatch.setenv("PASSED", str(number))

        async def supervise() -> None:
            child = process_of(code, pass_fds=[number], redirect_stdout=True)
            child.name = name
            running = asyncio.create_task(child.run())
            await until(lambda: out.stat().st_size)
            await child.stop()
            await running

        with Path(os.devnull).open("w") as quiet, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", quiet)
            asyncio.run(supervise())

    assert out.read_bytes() == b"hello" + left
    assert capfd.readouterr().out == ""


def test_a_process_that_cannot_be_started_is_retried(tmp_path):
    events: Any = FakeEventLog()
    program = tmp_path / "program"
    child = SupervisedProcess("the child", [str(program)], events)

    async def supervise() -> None:
        running = asyncio.create_task(child.run())
        await until(lambda: events.lines or running.done())
        program.write_text("#!/bin/sh\nexec sleep 60\n")
        program.chmod(0o755)
        await until(lambda: not child.status.problem or running.done())
        assert not running.done()
        await child.stop()
        await running

    asyncio.run(supervise())
