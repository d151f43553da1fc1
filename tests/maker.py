"""A program that makes articles, as one that is handed to `--make` does, for tests of bench/."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.kit import article_text

MOST = 60
# Makes N articles, two of each minute.
_MAKER = """
import json, pathlib, sys
number, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir()
texts = json.loads(pathlib.Path(sys.argv[0]).with_suffix(".json").read_text())
for place, text in enumerate(texts[:number]):
    (folder / f"{place:02}.md").write_text(text)
"""


def write_maker(folder: Path) -> Path:
    """Return a program that makes up to 60 articles."""
    place = folder / "maker.py"
    place.write_text(_MAKER)
    texts = [
        article_text(
            f"Article {number}",
            topics=["Law" if number % 3 else "ML"],
            provider={"name": "The News", "domain": "news.example"},
            publishedDateTime=f"2020-06-09T11:{number // 2:02d}:00Z",
        )
        .replace("title: Article", 'title: "Article', 1)
        .replace(f"{number}\n", f'{number}"\n', 1)
        for number in range(MOST)
    ]
    place.with_suffix(".json").write_text(json.dumps(texts))
    return place


def made(folder: Path) -> Path:
    """Return a new folder with all 60 articles."""
    maker, articles = write_maker(folder), folder / "articles"
    subprocess.run([sys.executable, maker, str(MOST), articles], check=True)
    return articles
