"""A sync that is killed leaves a catalog of before or after, and the next one finishes."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from feedhub.catalog import Catalog
from feedhub.cli import main
from tests.faults import ForkServer
from tests.kit import article_text

CYCLES = int(os.environ.get("FAULT_CYCLES", "10"))
ARTICLES = 30


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory if the system has one."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        (Path(folder) / "articles").mkdir()
        yield Path(folder)


def switch(folder: Path, state: int) -> None:
    """Bring the source into one of two states that differ in edits, new and hidden articles."""
    for number in range(ARTICLES):
        title = f"Title {number} of {state if number % 3 else 0}"
        fields: dict[str, object] = {"published": False} if number % 5 == state else {}
        text = article_text(
            title,
            topics=[f"Topic {number % 7 + state}"],
            updatedDateTime="2020-06-10",
            **fields,  # type: ignore[arg-type]
        )
        (folder / ".new").write_text(text)
        (folder / ".new").replace(folder / f"articles/{number}.md")


def shown(folder: Path) -> dict[str, str]:
    """Return the titles of the published articles, by id, as another process finds them."""
    with closing(Catalog.open_existing(folder / "catalog", read_only=True)) as catalog:
        return {article.id: article.title for _, article in catalog.articles()}


def test_a_sync_killed_at_any_moment_leaves_the_catalog_of_before_or_after(folder, capsys):
    place = ["--catalog", str(folder / "catalog"), "--base-url", "https://feeds.example.org"]
    arguments, chance = ["sync", str(folder / "articles"), *place], random.Random(CYCLES)
    states = []
    for state in (0, 1):
        switch(folder, state)
        assert main(arguments) == 0
        states.append(shown(folder))
    server, killed = ForkServer(), 0
    try:
        durations = []
        for state in (0, 1, 0):
            switch(folder, state)
            start = time.monotonic()
            server.start(arguments)
            assert server.wait() == 0
            durations.append(time.monotonic() - start)
        for cycle in range(CYCLES):
            state = 1 - cycle % 2
            switch(folder, state)
            process = server.start(arguments)
            time.sleep(chance.uniform(0, min(durations)))
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            killed += server.wait() == -signal.SIGKILL
            assert shown(folder) in states
            if cycle % 4 != 2:  # now and then one dies in what another left
                capsys.readouterr()
                assert main(arguments) == 0
                assert capsys.readouterr().err == ""
                assert shown(folder) == states[state]
    finally:
        server.close()
    assert killed > CYCLES / 4
