"""Time and peak memory of `feedhub render` on made corpora: cold, unchanged, after one change.

    python bench/render.py --make ../shared/corpus/make_corpus.py 1000 10000

prints a Markdown table. Each figure is the median of --runs runs of the whole command, interpreter
start included, in a fresh output folder and catalog; peak memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

_COMMAND = [sys.executable, "-m", "feedhub", "render"]
# What a plain static generator writes too: no archives, no compressed copies.
_PLAIN = """
[feeds]
kinds = ["all", "topic", "provider"]
formats = ["rss", "atom", "json"]
archives = false
[render]
compress = []
"""


class Run(NamedTuple):
    """One run of the command: seconds of wall clock and processor, and peak memory in MB."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", metavar="N", type=int, nargs="+", help="articles")
    parser.add_argument("--make", type=Path, required=True, help="program that makes N articles")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="the default configuration instead")
    options = parser.parse_args()
    if not options.make.exists():
        sys.exit(f"skipped: {options.make} does not exist; name a program that makes articles")
    print("| articles | render | wall s | CPU s | peak MB | documents |")
    print("|---|---|---|---|---|---|")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), size, options)


def _measure(folder: Path, size: int, options: argparse.Namespace) -> None:
    articles = folder / "articles"
    subprocess.run(
        [sys.executable, options.make, str(size), articles], check=True, stdout=subprocess.DEVNULL
    )
    time.sleep(2.5)  # files younger than that are read again by the next run
    (folder / "feedhub.toml").write_text("" if options.full else _PLAIN, encoding="utf-8")
    rounds = [_round(folder, articles, number) for number in range(options.runs)]
    documents = sum(1 for path in (folder / "out-0").rglob("*") if path.suffix in _SUFFIXES)
    for name, runs in zip(_ROUND, zip(*rounds, strict=True), strict=True):
        wall, cpu, memory = (statistics.median(figure) for figure in zip(*runs, strict=True))
        print(f"| {size} | {name} | {wall:.2f} | {cpu:.2f} | {memory:.0f} | {documents} |")


_ROUND = ("cold", "unchanged", "one changed")
_SUFFIXES = {".rss", ".atom", ".json", ".opml"}


def _round(folder: Path, articles: Path, number: int) -> tuple[Run, Run, Run]:
    command = [*_COMMAND, articles, folder / f"out-{number}", "--config", folder / "feedhub.toml"]
    command += ["--catalog", folder / f"{number}.sqlite", "--base-url", "https://feeds.example.org"]
    cold, unchanged = _run(command), _run(command)
    newest = max(articles.iterdir(), key=lambda path: _date_line(path))
    text = newest.read_text(encoding="utf-8")
    newest.write_text(text.replace('title: "', f'title: "{number} ', 1), encoding="utf-8")
    changed = _run(command)
    newest.write_text(text, encoding="utf-8")
    return cold, unchanged, changed


def _date_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("publishedDateTime: "))


def _run(command: list[object]) -> Run:
    start = time.monotonic()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"render ended with {child.returncode}")
    return Run(time.monotonic() - start, usage.ru_utime + usage.ru_stime, _megabytes(usage))


def _megabytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
