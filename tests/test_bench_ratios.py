"""What a render may cost beside another, with margins so wide that no busy machine reaches them.

Calls are counted, which is the same on any machine. The one comparison of times is of processor
times, on one machine, one after the other, and feedhub has several tries.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.entries import compare
from bench.measure import run
from bench.peers import Straight
from bench.sides import Feedhub
from bench.tables import WORK

from tests.conftest import ROOT

ARTICLES = 200
TRIES = 3
# It takes half of the time of the straight way: a third of what is allowed.
MARGIN = 1.5
# Prints how many calls each kind of render makes: on one core it is one process.
CALLS = """
import cProfile, json, os, pstats, sys
from pathlib import Path
from bench.places import FEEDHUB, ROOT
from bench.sides import Feedhub, newest
from feedhub.cli import main

def calls(side):
    profile = cProfile.Profile()
    arguments = [str(word) for word in side.command(0)[len(FEEDHUB):]]
    assert profile.runcall(main, arguments) == 0
    return pstats.Stats(profile).total_calls

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
folder, articles = map(Path, sys.argv[1:])
calls(Feedhub(folder / "first", ROOT / "seeds"))  # imports are paid once
side = Feedhub(folder, articles)
told = [calls(side), calls(side)]
with side.changed(newest(articles).stem, 1):
    told.append(calls(side))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def articles(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "articles"
    maker = shared / "corpus" / "make_corpus.py"
    command = [sys.executable, str(maker), str(ARTICLES), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # Files are believed to be what they were once they are two seconds old.
    time.sleep(2.1)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _unmeasured() -> Iterator[None]:
    """Keep coverage out of processes whose work is counted."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def calls(articles: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many calls each kind of render makes."""
    folder = tmp_path_factory.mktemp("calls")
    (folder / "first").mkdir()
    command = [sys.executable, "-c", CALLS, str(folder), str(articles)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(zip(WORK, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_a_cold_render_takes_no_longer_than_the_straight_way(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Wall clock is not looked at, so that there is no disk to wait for.
    monkeypatch.setattr("bench.measure.os.sync", lambda: None)
    straight, ours = Straight(tmp_path, articles), Feedhub(tmp_path, articles)
    # Read as `yaml.safe_load` reads.
    once = run([*straight.command(0), "pure"], cwd=straight.cwd).cpu
    best = min(run(ours.command(number)).cpu for number in range(TRIES))
    assert compare(ours.feeds(0), straight.feeds(0)).entries > 5 * ARTICLES
    assert best < MARGIN * once


@pytest.mark.parametrize(("work", "part"), [("unchanged", 1 / 4), ("one changed", 1 / 2)])
def test_what_has_not_changed_is_not_made_again(calls: dict[str, int], work: str, part: float):
    assert calls[work] < part * calls["cold"]
