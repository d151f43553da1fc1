"""Renders that die or fail half-way: no file is ever torn, and the next run heals everything."""

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
from tests.faults import (
    CALLS,
    CODES,
    Generations,
    Nursery,
    failing,
    fault,
    make_generations,
    unmeasured,
)
from tests.kit import article_text, files_below
from tests.renders import published

CYCLES = int(os.environ.get("FAULT_CYCLES", "40"))
THIN = {"FEEDHUB_FEEDS_LIMIT": "2", "FEEDHUB_FEEDS_DAYS": "0"}
SMALL = THIN | {
    "FEEDHUB_FEEDS_KINDS": "all,topic",
    "FEEDHUB_FEEDS_FORMATS": "json",
    "FEEDHUB_RENDER_COMPRESS": "gzip",
}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in memory where there is one: a thousand renders need not wear out a disk."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def generations(place: Path, monkeypatch: pytest.MonkeyPatch) -> Generations:
    """Two states of a source in every format, some 60 files each."""
    for name, value in THIN.items():
        monkeypatch.setenv(name, value)
    return make_generations(place, feeds__limit=2, feeds__days=0)


@pytest.fixture
def few(place: Path, monkeypatch: pytest.MonkeyPatch) -> Generations:
    """Two states of a source in one format, so that every call can be made to fail."""
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    return make_generations(
        place,
        feeds__limit=2,
        feeds__days=0,
        feeds__kinds=["all", "topic"],
        feeds__formats=["json"],
        render__compress=["gzip"],
    )


@pytest.fixture
def nursery(generations: Generations) -> Iterator[Nursery]:
    nursery = Nursery()  # after `generations`, whose environment it inherits
    yield nursery
    nursery.close()


def heal(generations: Generations, number: int) -> None:
    """Run once more: then all is as a clean render leaves it."""
    assert main(generations.arguments) == 0
    assert generations.standing() == generations.clean[number]
    assert published(generations.out) == published(generations.root / f"clean{number}/public")
    own = {path.name for path in (generations.out / ".feedhub").iterdir()}
    assert own == {"lock", "manifest.json"}


def test_the_generations_differ_in_what_they_write(few: Generations):
    first, second = few.clean
    assert first.keys() - second.keys()
    assert second.keys() - first.keys()
    assert [path for path in first.keys() & second.keys() if first[path] != second[path]]


# Dying


def test_renders_killed_at_any_moment_tear_nothing(generations: Generations, nursery: Nursery):
    chance = random.Random(CYCLES)
    whole, killed = min(duration(generations, nursery, number) for number in (0, 1, 0)), 0
    for cycle in range(CYCLES):
        number = (cycle + 1) % 2
        generations.switch(number)
        process = nursery.start(generations.arguments)
        time.sleep(chance.uniform(0, whole))
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        killed += nursery.wait() == -signal.SIGKILL
        assert generations.torn() == []
        if cycle % 4 != 2:  # now and then one dies in what another left
            heal(generations, number)
    assert killed > CYCLES / 4


def duration(generations: Generations, nursery: Nursery, number: int) -> float:
    """Return how many seconds a render takes that nobody kills."""
    generations.switch(number)
    start = time.monotonic()
    nursery.start(generations.arguments)
    assert nursery.wait() == 0
    return time.monotonic() - start


def test_renders_that_die_at_a_call_tear_nothing(generations: Generations, nursery: Nursery):
    chance = random.Random(CYCLES)
    generations.switch(0)
    heal(generations, 0)
    for cycle in range(CYCLES):
        number = (cycle + 1) % 2
        generations.switch(number)
        call = CALLS[cycle % len(CALLS)]
        many = {"write": 40, "replace": 40, "unlink": 30}.get(call, 3)
        nursery.start(generations.arguments, call, chance.randint(1, many))
        assert nursery.wait() in {0, -signal.SIGKILL}
        assert generations.torn() == []
        heal(generations, number)


# Failing


@pytest.mark.parametrize("call", CALLS)
def test_calls_that_fail_tear_nothing(
    few: Generations, call: str, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    heal(few, 0)
    struck, at = True, 0
    while struck:
        at += 1
        number = at % 2
        few.switch(number)
        capsys.readouterr()
        with fault(call, at, failing(CODES[at % len(CODES)])) as stroke:
            code = main(few.arguments)
        struck = stroke.struck
        assert few.torn() == []
        check_code(few, number, code, capsys.readouterr().err)
        heal(few, number)
    assert at > 2


def check_code(generations: Generations, number: int, code: int, told: str) -> None:
    """What failed is told in one line; where nothing is told, everything is in its place."""
    if code == 0:
        assert generations.standing() == generations.clean[number]
    else:
        assert (code, told.count("\n")) == (2, 1), told
        assert told.startswith("feedhub: somewhere: cannot be written: ")


def test_a_write_that_fails_at_first_changes_nothing(few: Generations):
    few.switch(0)
    heal(few, 0)
    before = files_below(few.out)
    few.switch(1)
    for at in range(1, 7):
        with fault("write", at, failing(CODES[0])):
            assert main(few.arguments) == 2
        assert files_below(few.out) == before


def test_what_is_new_stands_before_anything_is_removed(few: Generations):
    few.switch(0)
    heal(few, 0)
    few.switch(1)
    with fault("unlink", 2, failing(CODES[0])):  # the first sweeps
        assert main(few.arguments) == 2
    assert few.clean[1].items() <= few.standing().items()
    heal(few, 1)


class NoSync:
    """A C library whose syncfs fails."""

    def syncfs(self, _: int) -> int:
        ctypes.set_errno(CODES[1])
        return -1


def test_what_cannot_be_flushed_is_not_published(
    few: Generations, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    heal(few, 0)
    before = files_below(few.out)
    few.switch(1)
    with monkeypatch.context() as patched:
        patched.setattr(ctypes, "CDLL", lambda *_, **__: NoSync())
        assert main(few.arguments) == 2
    assert capsys.readouterr().err.endswith("public: cannot be written: Input/output error\n")
    assert files_below(few.out) == before
    heal(few, 1)


def test_a_system_without_syncfs_flushes_everything(
    few: Generations, monkeypatch: pytest.MonkeyPatch
):
    flushed: list[bool] = []
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    monkeypatch.setattr(os, "sync", lambda: flushed.append(True))
    few.switch(0)
    heal(few, 0)
    assert flushed == [True]


def test_a_folder_that_must_not_be_made_is_told(
    few: Generations, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    with fault("mkdir", 2, failing(13)):
        assert main(few.arguments) == 2
    assert capsys.readouterr().err == "feedhub: somewhere: cannot be written: Permission denied\n"
    assert not few.out.exists()


# Disks that are full

LIMITED = """
import resource, sys
from feedhub.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
sys.exit(main(sys.argv[1:]))
"""


def test_a_document_larger_than_the_system_allows_changes_nothing(few: Generations):
    few.switch(0)
    heal(few, 0)
    before = files_below(few.out)
    (few.root / "articles/large.md").write_text(article_text("Large", "word " * 40_000))
    elsewhere = [word.replace("public", "elsewhere") for word in few.arguments]
    assert main(elsewhere) == 0, "now the catalog need not grow"
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, *few.arguments],
        capture_output=True,
        text=True,
        check=False,
        env=unmeasured(),
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch(r"feedhub: .*all\.json: cannot be written: File too large\n", ran.stderr)
    assert files_below(few.out) == before
    (few.root / "articles/large.md").unlink()
    heal(few, 0)


def may_mount() -> bool:
    """Tell whether this process may mount a file system (CAP_SYS_ADMIN, Linux)."""
    status = Path("/proc/self/status")
    rights = re.search(r"CapEff:\s*(\w+)", status.read_text()) if status.exists() else None
    return rights is not None and bool(int(rights[1], 16) >> 21 & 1)


@pytest.fixture
def disk(few: Generations) -> Iterator[Callable[..., None]]:
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
    few: Generations, disk: Callable[..., None], scarce: str, capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    heal(few, 0)
    few.switch(1)
    size, inodes = used(few.out)
    room = {"size": size + 8192, "nr_inodes": inodes + 3}
    disk("remount", f"{scarce}={room[scarce]}")
    capsys.readouterr()
    assert main(few.arguments) == 2
    told = capsys.readouterr().err
    assert re.fullmatch(r"feedhub: .+: cannot be written: No space left on device\n", told)
    assert few.standing() == few.clean[0]
    disk("remount", "size=4m", "nr_inodes=1000")
    heal(few, 1)


def test_a_disk_that_became_read_only_changes_nothing(
    few: Generations, disk: Callable[..., None], capsys: pytest.CaptureFixture[str]
):
    few.switch(0)
    heal(few, 0)
    few.switch(1)
    disk("remount", "ro")
    capsys.readouterr()
    assert main(few.arguments) == 2
    assert capsys.readouterr().err.endswith("cannot be written: Read-only file system\n")
    assert few.standing() == few.clean[0]
    disk("remount", "rw")
    heal(few, 1)
