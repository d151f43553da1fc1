"""bench/stats.py works and checks the reports of its logs; times are not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from bench import stats

from tests.conftest import ROOT


def test_the_benchmark_measures_every_log_and_checks_its_report(tmp_path: Path):
    command = [sys.executable, "-m", "bench.stats", "--megabytes", "1", "--days", "1"]
    command += ["--runs", "1", "--results", str(tmp_path), "--scratch", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    result = json.loads((tmp_path / "stats.json").read_text(encoding="utf-8"))
    assert [row["log"] for row in result["rows"]] == list(stats.LOGS)
    assert all(row["cpu"] > 0 < row["memory"] for row in result["rows"])
    assert "| combined |" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"stats.json", "stats.md"}
