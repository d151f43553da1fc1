"""bench/search.py works and finds every entry; times are not judged."""

from __future__ import annotations

import json
from pathlib import Path

from bench import search


def test_searches_and_archives_are_measured(shared: Path, tmp_path: Path, capfd):
    maker = shared / "corpus/make_corpus.py"
    options = ["--articles", "60", "--queries", "80", "--make", str(maker)]
    assert search.main([*options, "--results", str(tmp_path)]) == 0
    result = json.loads((tmp_path / "search.json").read_text(encoding="utf-8"))
    assert sum(result["answers"].values()) == 80
    assert result["walks"] == {"next_url": [60, 60], "prev-archive": [60, 60]}
    assert len(result["megabytes"]) == 12
    assert all(result["megabytes"])
    assert "| entries found by `next_url`, distinct ones | 60, 60 |" in capfd.readouterr().out
