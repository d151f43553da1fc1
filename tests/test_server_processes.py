"""Processes beside the server: kept running, waited for longer each time, surely ended."""

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
from feedhub.server.processes import SupervisedProcess

FOREVER = "import time\nwhile True: time.sleep(60)"
PATIENT = 30.0


class Said:
    """Hears what would be told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


async def until(look: Callable[[], Any]) -> None:
    """Wait for a condition; a busy machine is no failure."""
    end = time.monotonic() + PATIENT
    while not look():
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.005)


def child_of(code: str, said: Said | None = None, **more: Any) -> SupervisedProcess:
    events: Any = said or Said()
    return SupervisedProcess("the child", [sys.executable, "-c", code], events, **more)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(processes, "MIN_DELAY", 0.01)


def test_a_process_runs_until_it_is_stopped(tmp_path):
    async def look() -> list[int]:
        ended: list[int] = []
        child = child_of(
            f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}", on_exit=ended.append
        )
        assert child.status.problem == ""
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        assert child.status.problem == ""
        await child.stop()
        await running
        return ended

    (pid,) = asyncio.run(look())
    assert gone(pid)


def test_a_process_that_exits_is_restarted_and_logged(tmp_path):
    marks = tmp_path / "marks"
    said = Said()

    async def look() -> None:
        child = child_of(f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(3)", said)
        assert (child.started, child.status.restarts) == (False, 0)
        running = asyncio.create_task(child.run())
        await until(lambda: marks.exists() and marks.stat().st_size >= 3)
        await child.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert (child.started, child.status.restarts) == (True, len(said.lines))

    asyncio.run(look())
    assert set(said.lines) == {"the child exited with status 3; restarting it"}
    assert len(said.lines) >= 2


def test_an_exit_is_a_problem_until_the_next_process_is_stable(tmp_path, monkeypatch):
    marks = tmp_path / "marks"
    first = (
        f"open({str(marks)!r}, 'a').write('x')\nif open({str(marks)!r}).read() == 'x': sys.exit(3)"
    )

    async def look() -> list[str]:
        child = child_of(f"import sys\n{first}\n{FOREVER}")
        running = asyncio.create_task(child.run())
        await until(lambda: marks.exists() and marks.read_text() == "xx" and child._process)
        fresh = child.status.problem
        monkeypatch.setattr(processes, "STABLE_AFTER", -1.0)
        steady = child.status.problem
        await child.stop()
        await running
        return [fresh, steady]

    assert asyncio.run(look()) == ["the child exited with status 3; restarting it", ""]


@pytest.mark.parametrize(
    ("lives", "expected"), [(0.0, [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]), (100.0, [0.5, 0.5, 0.5])]
)
def test_the_delay_doubles_up_to_a_bound_unless_the_process_ran_long(monkeypatch, lives, expected):
    now, waits = [0.0], []
    monkeypatch.setattr(processes, "MIN_DELAY", 0.5)
    monkeypatch.setattr(processes, "MAX_DELAY", 5.0)
    monkeypatch.setattr("feedhub.server.processes.time.monotonic", lambda: now[0])
    child = child_of("")

    async def once() -> str:
        now[0] += lives
        return "ended with 1"

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        child._stopping = len(waits) >= len(expected)

    monkeypatch.setattr(child, "run_once", once)
    monkeypatch.setattr("feedhub.server.processes.asyncio.sleep", sleep)
    asyncio.run(child.run())

    assert waits == expected


def test_a_process_gets_sigterm_first(tmp_path):
    code = (
        "import signal, sys\n"
        f"def end(number, _): open({str(tmp_path / 'end')!r}, 'w').write(str(number)); sys.exit()\n"
        "for number in (signal.SIGTERM, signal.SIGINT): signal.signal(number, end)\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}"
    )

    async def look() -> None:
        child = child_of(code)
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        await child.stop()
        await running

    asyncio.run(look())
    assert (tmp_path / "end").read_text() == str(int(signal.SIGTERM))


def test_a_process_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "STOP_TIMEOUT", 0.05)
    stubborn = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}"
    )

    async def look() -> int:
        ended: list[int] = []
        child = child_of(stubborn, on_exit=ended.append)
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        await child.stop()
        await running
        return ended[0]

    assert gone(asyncio.run(look()))


def test_a_process_that_does_not_run_gets_no_signal():
    async def look() -> None:
        child = child_of(FOREVER)
        child.signal(signal.SIGHUP)
        await child.stop()

    asyncio.run(look())


def test_a_signal_for_a_process_that_has_just_ended_is_no_error():
    class Ended:
        def send_signal(self, _: int) -> None:
            raise ProcessLookupError

    child = child_of("")
    child._process = Ended()  # type: ignore[assignment]
    child.signal(signal.SIGHUP)


def test_a_signal_reaches_the_process(tmp_path):
    code = (
        "import signal, time\n"
        f"def note(*_): open({str(tmp_path / 'hup')!r}, 'w').close()\n"
        "signal.signal(signal.SIGHUP, note)\n"
        f"open({str(tmp_path / 'up')!r}, 'w').close()\n{FOREVER}"
    )

    async def look() -> None:
        child = child_of(code)
        running = asyncio.create_task(child.run())
        await until((tmp_path / "up").exists)
        child.signal(signal.SIGHUP)
        await until((tmp_path / "hup").exists)
        await child.stop()
        await running

    asyncio.run(look())


def test_a_process_gets_descriptors_and_environment_without_service_variables(
    tmp_path, capfd, monkeypatch
):
    """Descriptors and environment, but not what is meant for the service alone (sd_notify(3))."""
    out = tmp_path / "out"
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"):
        monkeypatch.setenv(name, "1")
    code = (
        "import os, sys\n"
        "print('for nobody')\n"
        "assert sys.stdin.read() == ''\n"
        "meant = ('NOTIFY', 'WATCHDOG', 'LISTEN')\n"
        "ours = [name for name in os.environ if name.startswith(meant)]\n"
        f"os.write(int(os.environ['PASSED']), b'hello' + repr(ours).encode())\n{FOREVER}"
    )
    with out.open("wb") as file:
        number = file.fileno()
        monkeypatch.setenv("PASSED", str(number))

        async def look() -> None:
            child = child_of(
                code,
                pass_fds=[number],
                redirect_stdout=True,
            )
            running = asyncio.create_task(child.run())
            await until(lambda: out.stat().st_size)
            await child.stop()
            await running

        with Path(os.devnull).open("w") as quiet, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", quiet)
            asyncio.run(look())

    assert out.read_bytes() == b"hello[]"
    assert capfd.readouterr().out == ""


def test_a_process_that_cannot_be_started_is_retried(tmp_path):
    said = Said()
    program = tmp_path / "program"
    events: Any = said
    child = SupervisedProcess("the child", [str(program)], events)

    async def look() -> None:
        running = asyncio.create_task(child.run())
        await until(lambda: said.lines or running.done())
        program.write_text("#!/bin/sh\nexec sleep 60\n")
        program.chmod(0o755)
        await until(lambda: not child.status.problem or running.done())
        assert not running.done()
        await child.stop()
        await running

    asyncio.run(look())
