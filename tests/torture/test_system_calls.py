"""Every system call of a render and of a sync fails once, and kills once: nothing is half done."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedhub.catalog import Catalog
from feedhub.cli import main
from tests.faults import TwoStates, make_states
from tests.torture.system_calls import Ran, Tracer, tracing

#: What each kind of call may fail with, in turn, and dies of in between.
EFFECTS = {
    "openat": ("error=EMFILE", "error=EIO", "error=ENOSPC", "signal=KILL"),
    "write": ("error=ENOSPC", "error=EIO", "signal=KILL"),
    "pwrite64": ("error=ENOSPC", "error=EIO", "signal=KILL"),
    "read": ("error=EIO", "signal=KILL"),
    "pread64": ("error=EIO", "signal=KILL"),
    "rename": ("error=ENOSPC", "error=EIO", "error=EROFS", "signal=KILL"),
    "mkdir": ("error=ENOSPC", "error=EACCES", "signal=KILL"),
    "unlink": ("error=EIO", "error=EROFS", "signal=KILL"),
    "fsync": ("error=EIO", "error=ENOSPC", "signal=KILL"),
    "fdatasync": ("error=EIO", "error=ENOSPC", "signal=KILL"),
    "syncfs": ("error=EIO", "signal=KILL"),
    "ftruncate": ("error=EIO", "error=ENOSPC", "signal=KILL"),
    "newfstatat": ("error=EIO", "error=EACCES", "signal=KILL"),
    "getdents64": ("error=EIO", "signal=KILL"),
    "mmap": ("error=ENOMEM", "signal=KILL"),
    "flock": ("error=ENOLCK", "signal=KILL"),
    "fcntl": ("error=EIO", "signal=KILL"),
}
SETTINGS = {
    "FEEDHUB_FEEDS_LIMIT": "2",
    "FEEDHUB_FEEDS_DAYS": "0",
    "FEEDHUB_FEEDS_ARCHIVE_FROM": "1",
    "FEEDHUB_FEEDS_KINDS": "all,topic",
    "FEEDHUB_FEEDS_FORMATS": "json",
    "FEEDHUB_RENDER_COMPRESS": "gzip",
}
# A run makes a few hundred calls of the commonest kinds; beyond this they are of one that spins.
MAX_CALLS = int(os.environ.get("SYSTEM_CALLS", "2000"))


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoStates]:
    """Two states of a source, in memory where the system has room for files there."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield make_states(
            Path(folder),
            feeds__limit=2,
            feeds__days=0,
            feeds__kinds=["all", "topic"],
            feeds__formats=["json"],
            render__compress=["gzip"],
        )


@pytest.fixture
def tracer(states: TwoStates, tmp_path: Path) -> Iterator[Tracer]:
    with tracing(tmp_path) as tracer:  # after `states`, whose environment it inherits
        yield tracer


def check_words(ran: Ran) -> None:
    """A command says what is wrong in plain lines; only a call that fails to print may be lost."""
    if re.search(r"^(ImportError|ModuleNotFoundError): ", ran.stderr, re.MULTILINE):
        return  # the call was one of Python's own, which looked for code
    assert "Traceback" not in ran.stderr, ran.stderr
    assert ran.code in (0, 1, 2, 3, -9), ran
    lines = ran.stderr.splitlines()
    assert [line for line in lines if not re.match(r"feedhub: |\d+ |\S+:\d+: ", line)] == []


@pytest.mark.parametrize("call", EFFECTS)
def test_a_render_survives_every_failing_call(states: TwoStates, tracer: Tracer, call: str):
    states.switch(0)
    assert main(states.arguments) == 0
    effects, runs = EFFECTS[call], 0
    for at in range(1, MAX_CALLS):
        for effect in effects if at < 40 else effects[at % len(effects) :][:1]:
            number = 1 - int(states.output() == states.clean[1])
            states.switch(number)
            runs += 1
            ran = tracer.run(states.arguments, call, effect, at)
            place = (call, effect, at, ran)
            check_words(ran)
            if "cannot be read" not in ran.stderr:  # the last good version of an article stays
                assert states.incomplete() == [], place
            if ran.code == 0 and not ran.stderr:
                assert states.output() == states.clean[number], place
            assert main(states.arguments) == 0, place
            assert states.output() == states.clean[number], place
        if not ran.injected:
            break
    print(f"{call}: {runs} runs")


@pytest.mark.parametrize("call", EFFECTS)
def test_a_sync_survives_every_failing_call(states: TwoStates, tracer: Tracer, call: str):
    catalog = states.root / "catalog.sqlite"
    source = str(states.root / "articles")
    options = ["--catalog", str(catalog), "--base-url", "https://feeds.example.org"]
    arguments, titles = ["sync", source, *options], []
    for number in (0, 1):
        states.switch(number)
        assert main(arguments) == 0
        titles.append(published_titles(catalog))
    effects, runs = EFFECTS[call], 0
    for at in range(1, MAX_CALLS):
        for effect in effects if at < 40 else effects[at % len(effects) :][:1]:
            number = 1 - int(published_titles(catalog) == titles[1])
            states.switch(number)
            runs += 1
            ran = tracer.run(arguments, call, effect, at)
            place = (call, effect, at, ran)
            check_words(ran)
            # A block that cannot be read is damage: SQLite says so, and the catalog is made anew.
            assert "damaged" not in ran.stderr or (call, effect) == ("pread64", "error=EIO"), place
            if "cannot be read" not in ran.stderr:
                assert published_titles(catalog) in titles, place
            assert main(arguments) == 0, place
            assert published_titles(catalog) == titles[number], place
        if not ran.injected:
            break
    print(f"{call}: {runs} runs")


def published_titles(path: Path) -> list[str]:
    """Return the titles of the articles of a catalog, as whoever reads it next finds them."""
    with closing(Catalog.open_existing(path, read_only=True)) as catalog:
        query = "SELECT record FROM records JOIN articles USING (number) WHERE state = 'shown'"
        rows = catalog._database.fetch_all(query)
    from feedhub.catalog.records import decode_article

    return sorted(decode_article(row[0]).title for row in rows)
