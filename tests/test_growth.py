"""The work of a render is linear: function calls are counted."""

from __future__ import annotations

import cProfile
import pstats
from datetime import timedelta
from functools import partial

from tests.kit import NOW, make_bench

_FEW, _MANY = 150, 600


def calls(action) -> int:
    """Return how many calls of Python functions an action makes: the same on any machine."""
    profile = cProfile.Profile()
    profile.runcall(action)
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined]


def filled(folder, size):
    bench = make_bench(folder, folder / "catalog.sqlite", feeds__limit=20)
    for number in range(size):
        moment = NOW - timedelta(hours=7 * number + 1)
        bench.write(
            f"{number:04}.md",
            title=f"T{number}",
            topics=[f"Topic {number % 7}"],
            publishedDateTime=moment.isoformat(),
        )
    return bench


def test_a_cold_render_is_linear(tmp_path):
    few = filled(tmp_path / "few", _FEW)
    many = filled(tmp_path / "many", _MANY)
    calls(few.sync)  # imports are paid once

    fewer = calls(lambda: make_bench(tmp_path / "few").sync())
    more = calls(lambda: make_bench(tmp_path / "many").sync())

    assert more / fewer < 1.15 * _MANY / _FEW
    assert few.root != many.root


def test_one_change_costs_no_more_in_a_larger_archive(tmp_path, monkeypatch):
    monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", -10_000_000_000)
    costs = []
    for size in (_FEW, _MANY):
        bench = filled(tmp_path / str(size), size)
        bench.sync()
        path = bench.root / "0003.md"
        path.write_text(path.read_text().replace("title: T3", "title: Edited"))
        later = partial(bench.sync, NOW + timedelta(seconds=5))
        costs.append(calls(later))
        assert "Edited" in bench.titles()

    per_file_looked_at = (costs[1] - costs[0]) / (_MANY - _FEW)
    assert per_file_looked_at < 40
