"""bench/stats.py works, and finds the truth of its own logs: no time is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench import stats

from tests.conftest import ROOT


def test_logs_are_made_measured_and_told_truly(tmp_path: Path):
    command = [sys.executable, "-m", "bench.stats", "--megabytes", "1", "--days", "1"]
    command += ["--runs", "1", "--results", str(tmp_path), "--scratch", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told = json.loads((tmp_path / "stats.json").read_text(encoding="utf-8"))
    assert [row["log"] for row in told["rows"]] == list(stats._LOGS)
    assert all(row["cpu"] > 0 < row["memory"] for row in told["rows"])
    assert "| combined |" in done.stdout
    assert {place.name for place in tmp_path.iterdir()} == {"stats.json", "stats.md"}
