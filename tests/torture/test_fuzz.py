"""Every reader of untrusted bytes, fuzzed by coverage; a crash leaves its input in the folder."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.faults import without_coverage

TARGETS = (
    "article",
    "hidden",
    "url",
    "date",
    "precondition",
    "query",
    "log_line",
    "sanitiser",
)
# For each target.
SECONDS = int(os.environ.get("FUZZ_SECONDS", "120"))


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_breaks_a_promise(target: str, tmp_path: Path):
    if find_spec("atheris") is None:
        pytest.skip("atheris is missing: .venv/bin/pip install atheris==3.0.0")
    options = [f"-max_total_time={SECONDS}", "-max_len=600", "-rss_limit_mb=4096", "-timeout=20"]
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "tests.torture.fuzz", target, str(tmp_path)),
            *(*options, f"-artifact_prefix={tmp_path}/", "-print_final_stats=1"),
        ],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=without_coverage(),
        cwd=Path(__file__).parents[2],
    )
    print(*[line for line in ran.stderr.splitlines() if line.startswith("stat::")], sep="\n")
    assert ran.returncode == 0, ran.stderr[-4000:]
