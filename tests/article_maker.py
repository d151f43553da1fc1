"""A program that generates articles, for the option `--make` of the benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.kit import article_text

MAX_ARTICLES = 60
# Writes N articles, two of each minute.
_PROGRAM = """
import json, pathlib, sys
number, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir()
texts = json.loads(pathlib.Path(sys.argv[0]).with_suffix(".json").read_text())
for index, text in enumerate(texts[:number]):
    (folder / f"{index:02}.md").write_text(text)
"""


def write_maker(folder: Path) -> Path:
    """Write a program that generates up to MAX_ARTICLES articles; return its path."""
    path = folder / "maker.py"
    path.write_text(_PROGRAM)
    texts = [
        article_text(
            f"Article {number}",
            topics=["Law" if number % 3 else "ML"],
            provider={"name": "The News", "domain": "news.example"},
            publishedDateTime=f"2020-06-09T11:{number // 2:02d}:00Z",
        )
        .replace("title: Article", 'title: "Article', 1)
        .replace(f"{number}\n", f'{number}"\n', 1)
        for number in range(MAX_ARTICLES)
    ]
    path.with_suffix(".json").write_text(json.dumps(texts))
    return path


def make_articles(folder: Path) -> Path:
    """Return a new folder with MAX_ARTICLES articles."""
    maker, articles = write_maker(folder), folder / "articles"
    subprocess.run([sys.executable, maker, str(MAX_ARTICLES), articles], check=True)
    return articles
