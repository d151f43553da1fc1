"""bench/search.py works, and finds what it is to find: no time is judged."""

from __future__ import annotations

import json
from pathlib import Path

from bench import search


def test_searches_and_walks_are_measured_and_told(shared: Path, tmp_path: Path, capfd):
    maker = shared / "corpus/make_corpus.py"
    options = ["--articles", "60", "--queries", "80", "--make", str(maker)]
    assert search.main([*options, "--results", str(tmp_path)]) == 0
    told = json.loads((tmp_path / "search.json").read_text(encoding="utf-8"))
    assert sum(told["answers"].values()) == 80
    assert told["walks"] == {"next_url": [60, 60], "prev-archive": [60, 60]}
    assert len(told["megabytes"]) == 12
    assert all(told["megabytes"])
    assert "| entries met by `next_url`, of them different | 60, 60 |" in capfd.readouterr().out
