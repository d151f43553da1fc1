"""What benchmarks need: paths, generated articles, a common configuration, programs from PyPI."""

from __future__ import annotations

import compileall
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
# What every generator can do: a static site generator writes neither archives nor compressed
# copies, and limits feeds by number alone.
CONFIG = """
[feeds]
kinds = ["all", "topic", "provider"]
formats = ["rss", "atom", "json"]
limit = 50
days = 0
archives = false
[render]
compress = [{codings}]
"""
# feedhub reads files again that are younger than that: their times cannot be trusted yet.
MTIME_SECONDS = 2.5


def compile_modules() -> None:
    """Compile feedhub's modules, as an installation does: a checkout may never have been run."""
    compileall.compile_dir(ROOT / "src", quiet=1)


def require(path: Path, description: str) -> Path:
    """Return a path; raise SystemExit with code 0 if it is missing, for that is no failure."""
    if not path.exists():
        print(f"skipped: {description} is missing: {path}", file=sys.stderr)
        raise SystemExit(0)
    return path


def make_articles(program: Path, number: int, folder: Path) -> Path:
    """Generate a folder of articles whose modification times can be trusted."""
    command = [sys.executable, str(program), str(number), str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    let_files_age()
    return folder


def let_files_age() -> None:
    """Wait until modification times of files that were just written can be trusted."""
    time.sleep(MTIME_SECONDS)


def write_config(folder: Path, *codings: str) -> Path:
    """Write the feedhub.toml of all comparisons, with some content codings; return its path."""
    path = folder / "feedhub.toml"
    names = ", ".join(f'"{coding}"' for coding in codings)
    path.write_text(CONFIG.format(codings=names), encoding="utf-8")
    return path


def cache_folder() -> Path:
    """Return the folder of programs that benchmarks install."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "feedhub-bench"


def install_package(package: str) -> Path:
    """Install a package of PyPI into a virtual environment of its own, once; return its folder."""
    folder = cache_folder() / package
    done = folder / "done"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "--quiet", "install", package], check=True)
        done.touch()
    return folder
