"""Renders that die or fail half-way leave complete files, and the next run repairs the rest."""

from __future__ import annotations

import ctypes
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from feedhub.cli import main
from feedhub.sources import folder_scan
from tests.faults import (
    CALLS,
    CODES,
    ForkServer,
    TwoStates,
    fault,
    make_states,
    os_error,
    without_coverage,
)
from tests.kit import article_text, files_below
from tests.renders import published

CYCLES = int(os.environ.get("FAULT_CYCLES", "40"))
SHORT_FEEDS = {
    "FEEDHUB_FEEDS_LIMIT": "2",
    "FEEDHUB_FEEDS_DAYS": "0",
    "FEEDHUB_FEEDS_ARCHIVE_FROM": "1",
}
FEW_FILES = SHORT_FEEDS | {
    "FEEDHUB_FEEDS_KINDS": "all,topic",
    "FEEDHUB_FEEDS_FORMATS": "json",
    "FEEDHUB_RENDER_COMPRESS": "gzip",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory if the system has one: a thousand renders need not wear out a disk."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def states(folder: Path, monkeypatch: pytest.MonkeyPatch) -> TwoStates:
    """Two states of a source in every format, some 60 files each."""
    for name, value in SHORT_FEEDS.items():
        monkeypatch.setenv(name, value)
    return make_states(folder, feeds__limit=2, feeds__days=0)


@pytest.fixture
def few(folder: Path, monkeypatch: pytest.MonkeyPatch) -> TwoStates:
    """Two states of a source in one format: few enough files to let every call fail."""
    for name, value in FEW_FILES.items():
        monkeypatch.setenv(name, value)
    return make_states(
        folder,
        feeds__limit=2,
        feeds__days=0,
        feeds__kinds=["all", "topic"],
        feeds__formats=["json"],
        render__compress=["gzip"],
    )


@pytest.fixture
def fork_server(states: TwoStates) -> Iterator[ForkServer]:
    fork_server = ForkServer()  # after `states`, whose environment it inherits
    yield fork_server
    fork_server.close()


def render_again(states: TwoStates, number: int) -> None:
    """Render once more: the output is then that of an undisturbed render."""
    assert main(states.arguments) == 0
    assert states.output() == states.clean[number]
    assert published(states.out) == published(states.root / f"clean{number}/public")
    own = {path.name for path in (states.out / ".feedhub").iterdir()}
    assert own == {"lock", "ledger", "manifest.json"}


def test_the_two_states_are_written_as_different_files(few: TwoStates):
    first, second = few.clean
    assert first.keys() - second.keys()
    assert second.keys() - first.keys()
    assert [path for path in first.keys() & second.keys() if first[path] != second[path]]


# Dying


def test_a_render_killed_at_any_moment_leaves_complete_files(
    states: TwoStates, fork_server: ForkServer
):
    chance = random.Random(CYCLES)
    whole, killed = min(duration(states, fork_server, number) for number in (0, 1, 0)), 0
    for cycle in range(CYCLES):
        number = (cycle + 1) % 2
        states.switch(number)
        process = fork_server.start(states.arguments)
        time.sleep(chance.uniform(0, whole))
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        killed += fork_server.wait() == -signal.SIGKILL
        assert states.incomplete() == []
        if cycle % 4 != 2:  # now and then one dies in what another left
            render_again(states, number)
    assert killed > CYCLES / 4


def duration(states: TwoStates, fork_server: ForkServer, number: int) -> float:
    """Return how many seconds an undisturbed render takes."""
    states.switch(number)
    start = time.monotonic()
    fork_server.start(states.arguments)
    assert fork_server.wait() == 0
    return time.monotonic() - start


def test_a_render_that_dies_at_a_system_call_leaves_complete_files(
    states: TwoStates, fork_server: ForkServer
):
    chance = random.Random(CYCLES)
    states.switch(0)
    render_again(states, 0)
    for cycle in range(CYCLES):
        number = (cycle + 1) % 2
        states.switch(number)
        call = CALLS[cycle % len(CALLS)]
        many = {"write": 40, "replace": 40, "unlink": 30}.get(call, 3)
        fork_server.start(states.arguments, call, chance.randint(1, many))
        assert fork_server.wait() in {0, -signal.SIGKILL}
        assert states.incomplete() == []
        render_again(states, number)


# Failing


@pytest.mark.parametrize("call", CALLS)
def test_a_failing_system_call_leaves_complete_files(
    few: TwoStates, call: str, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    render_again(few, 0)
    triggered, at = True, 0
    while triggered:
        at += 1
        number = at % 2
        few.switch(number)
        capsys.readouterr()
        with fault(call, at, os_error(CODES[at % len(CODES)])) as counted:
            code = main(few.arguments)
        triggered = counted.triggered
        assert few.incomplete() == []
        check_code(few, number, code, capsys.readouterr().err)
        render_again(few, number)
    assert at > 2


def check_code(states: TwoStates, number: int, code: int, message: str) -> None:
    """A failure is one line on standard error; without one, every file is written."""
    if code == 0:
        assert states.output() == states.clean[number]
    else:
        assert (code, message.count("\n")) == (2, 1), message
        assert message.startswith("feedhub: somewhere: cannot be written: ")


def test_a_failing_write_while_files_are_staged_changes_nothing(few: TwoStates):
    few.switch(0)
    render_again(few, 0)
    before = files_below(few.out)
    few.switch(1)
    for at in range(1, 7):
        with fault("write", at, os_error(CODES[0])):
            assert main(few.arguments) == 2
        assert files_below(few.out) == before


def test_new_files_are_in_place_before_old_ones_are_removed(few: TwoStates):
    few.switch(0)
    render_again(few, 0)
    few.switch(1)
    with fault("unlink", 3, os_error(CODES[0])):  # the first two sweep
        assert main(few.arguments) == 2
    assert few.clean[1].items() <= few.output().items()
    render_again(few, 1)


class NoSync:
    """A C library whose syncfs fails."""

    def syncfs(self, _: int) -> int:
        ctypes.set_errno(CODES[1])
        return -1


def test_files_that_cannot_be_flushed_are_not_published(
    few: TwoStates, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    render_again(few, 0)
    before = files_below(few.out)
    few.switch(1)
    with monkeypatch.context() as patched:
        patched.setattr(ctypes, "CDLL", lambda *_, **__: NoSync())
        assert main(few.arguments) == 2
    assert capsys.readouterr().err.endswith("public: cannot be written: Input/output error\n")
    assert files_below(few.out) == before
    render_again(few, 1)


def test_a_system_without_syncfs_flushes_everything(
    few: TwoStates, monkeypatch: pytest.MonkeyPatch
):
    flushed: list[bool] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    monkeypatch.setattr(os, "sync", lambda: flushed.append(True))
    few.switch(0)
    render_again(few, 0)
    assert flushed == [True]


def test_a_folder_that_may_not_be_created_is_reported(
    few: TwoStates, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    with fault("mkdir", 2, os_error(13)):
        assert main(few.arguments) == 2
    assert capsys.readouterr().err == "feedhub: somewhere: cannot be written: Permission denied\n"
    assert not few.out.exists()


# Disks that are full

LIMITED = """
import resource, sys
from feedhub.cli import main
from feedhub.sources import folder_scan
folder_scan.RACY_NS = 0
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
sys.exit(main(sys.argv[1:]))
"""


def test_a_document_larger_than_the_system_allows_changes_nothing(
    few: TwoStates, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(folder_scan, "RACY_NS", 0)  # what was read is not read, and written, again
    few.switch(0)
    render_again(few, 0)
    before = files_below(few.out)
    (few.root / "articles/large.md").write_text(article_text("Large", "word " * 40_000))
    elsewhere = [word.replace("public", "elsewhere") for word in few.arguments]
    assert main(elsewhere) == 0, "now the catalog need not grow"
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, *few.arguments],
        capture_output=True,
        text=True,
        check=False,
        env=without_coverage(),
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch(r"feedhub: .*all\.json: cannot be written: File too large\n", ran.stderr)
    assert files_below(few.out) == before
    (few.root / "articles/large.md").unlink()
    render_again(few, 0)


def may_mount() -> bool:
    """Tell whether this process may mount a file system (CAP_SYS_ADMIN, Linux)."""
    status = Path("/proc/self/status")
    rights = re.search(r"CapEff:\s*(\w+)", status.read_text()) if status.exists() else None
    return rights is not None and bool(int(rights[1], 16) >> 21 & 1)


@pytest.fixture
def disk(few: TwoStates) -> Iterator[Callable[..., None]]:
    """Mount a file system of its own at the output; call it to mount it with other options."""
    if not may_mount():
        pytest.skip("mounting a small disk needs root with CAP_SYS_ADMIN")
    few.out.mkdir()

    def mount(*options: str) -> None:
        given = ["-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(few.out)]
        subprocess.run(["mount", *given], check=True)

    mount("size=4m")
    yield mount
    subprocess.run(["umount", few.out], check=True)


def used(folder: Path) -> tuple[int, int]:
    """Return how many bytes and inodes of its file system are in use."""
    status = os.statvfs(folder)
    blocks = status.f_blocks - status.f_bfree
    return blocks * status.f_frsize, status.f_files - status.f_ffree


@pytest.mark.parametrize("scarce", ["size", "nr_inodes"])
def test_a_full_disk_changes_nothing(
    few: TwoStates, disk: Callable[..., None], scarce: str, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    render_again(few, 0)
    few.switch(1)
    size, inodes = used(few.out)
    room = {"size": size + 8192, "nr_inodes": inodes + 3}
    disk("remount", f"{scarce}={room[scarce]}")
    capsys.readouterr()
    assert main(few.arguments) == 2
    message = capsys.readouterr().err
    assert re.fullmatch(r"feedhub: .+: cannot be written: No space left on device\n", message)
    assert few.output() == few.clean[0]
    disk("remount", "size=4m", "nr_inodes=1000")
    render_again(few, 1)


def test_a_disk_that_became_read_only_changes_nothing(
    few: TwoStates, disk: Callable[..., None], capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    render_again(few, 0)
    few.switch(1)
    disk("remount", "ro")
    capsys.readouterr()
    assert main(few.arguments) == 2
    assert capsys.readouterr().err.endswith("cannot be written: Read-only file system\n")
    assert few.output() == few.clean[0]
    disk("remount", "rw")
    render_again(few, 1)
