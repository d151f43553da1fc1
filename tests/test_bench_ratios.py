"""The cost of renders relative to each other, with margins for busy machines.

Calls are counted: their number is the same on any machine. Only one test compares times:
processor times, on one machine, one after the other, and feedhub has several tries.
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
from bench.compare_feeds import compare
from bench.generators import FeedhubGenerator
from bench.measure import run
from bench.other_generators import FeedgenBaseline
from bench.render_tables import RENDERS

from tests.conftest import ROOT

ARTICLES = 120
TRIES = 3
# feedhub takes half of the time of the baseline: a third of what is allowed.
MARGIN = 1.5
# Prints the calls of each kind of render; on one core it is one process.
CALLS = """
import cProfile, json, os, pstats, sys
from pathlib import Path
from bench.environment import FEEDHUB, ROOT
from bench.generators import FeedhubGenerator, newest_article
from feedhub.cli import main

def calls(side):
    profile = cProfile.Profile()
    arguments = [str(word) for word in side.command(0)[len(FEEDHUB):]]
    assert profile.runcall(main, arguments) == 0
    return pstats.Stats(profile).total_calls

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
folder, articles = map(Path, sys.argv[1:])
calls(FeedhubGenerator(folder / "first", ROOT / "seeds"))  # imports are paid once
side = FeedhubGenerator(folder, articles)
result = [calls(side), calls(side)]
with side.edited(newest_article(articles).stem, 1):
    result.append(calls(side))
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def articles(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "articles"
    maker = shared / "corpus" / "make_corpus.py"
    command = [sys.executable, str(maker), str(ARTICLES), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # Modification times are trusted once they are two seconds old.
    time.sleep(2.1)
    return folder


@pytest.fixture(scope="module", autouse=True)
def _unmeasured() -> Iterator[None]:
    """Turn coverage off in processes whose calls are counted."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module")
def calls(articles: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The number of calls of each kind of render."""
    folder = tmp_path_factory.mktemp("calls")
    (folder / "first").mkdir()
    command = [sys.executable, "-c", CALLS, str(folder), str(articles)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return dict(zip(RENDERS, json.loads(done.stdout.splitlines()[-1]), strict=True))


def test_a_cold_render_takes_no_longer_than_the_baseline(
    articles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Wall clock is not compared, so there is no need to wait for the disk.
    monkeypatch.setattr("bench.measure.os.sync", lambda: None)
    baseline, own = FeedgenBaseline(tmp_path, articles), FeedhubGenerator(tmp_path, articles)
    # Without libyaml, like `yaml.safe_load`.
    once = run([*baseline.command(0), "pure"], cwd=baseline.cwd).cpu
    best = min(run(own.command(number)).cpu for number in range(TRIES))
    assert compare(own.feeds(0), baseline.feeds(0)).entries > 5 * ARTICLES
    assert best < MARGIN * once


@pytest.mark.parametrize(("work", "share"), [("unchanged", 1 / 4), ("one changed", 1 / 2)])
def test_unchanged_documents_are_not_built_again(calls: dict[str, int], work: str, share: float):
    assert calls[work] < share * calls["cold"]
