"""Profile `feedhub render` with py-spy, 200 samples a second, and measure its lower bound.

    python -m bench.profile

CPU shares are those of all processes; wall shares are those of the main thread, waiting included.
All imports count as one row, and so does the flush that makes the output durable.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from bench.environment import (
    MAKE_CORPUS,
    RESULTS,
    compile_modules,
    install_package,
    let_files_age,
    make_articles,
    require,
)
from bench.generators import FeedhubGenerator, change_title, newest_article
from bench.lower_bound import START_PYTHON, lower_bound
from bench.machine import OtherProcesses, about, first_line
from bench.measure import run
from bench.render_tables import RENDERS
from bench.report import write_report

_FEEDHUB_FRAME = re.compile(r"(\w+) \(feedhub/([\w/]+\.py):\d+\)")
IMPORTS, FLUSH, OTHER_FILES = "imports", "waiting for the disk", "elsewhere"
MAX_ROWS = 12
COLD_RUNS = 3

Shares = dict[str, float]


def main() -> None:
    """Profile and write bench/results/profile.json and .md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, help="makes N articles")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, help="working folder; default: temporary")
    options = parser.parse_args()
    require(options.make, "the program that makes articles")
    compile_modules()
    others = OtherProcesses()
    spy = install_package("py-spy") / "bin" / "py-spy"
    result: dict[str, Any] = {"about": about(**{"py-spy": first_line([spy, "--version"])})}
    result["articles"] = options.articles
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        root = Path(folder)
        result["shares"] = profile_renders(root, spy, options)
        result["floor"] = lower_bound(root / "articles", root / "feedhub-0", root / "floor")
        result["cold"] = median_cold_render(FeedhubGenerator(root, root / "articles"))
    result["about"]["others took"] = others.describe()
    write_report(options.results, "profile", result, markdown(result))
    print(markdown(result))


def markdown(result: dict[str, Any]) -> str:
    """Return the shares by folder and by file, and the lower bound of a render."""
    shares: dict[str, Shares] = result["shares"]
    by_folder = {name: sum_by_folder(files) for name, files in shares.items()}
    lines = share_table(f"{result['articles']:,} articles", by_folder)
    lines += share_table("by file", shares)
    lines += ["| lower bound | s |", "|---|---|"]
    lines += [f"| {name} | {seconds:.3f} |" for name, seconds in result["floor"].items()]
    bound = sum(seconds for name, seconds in result["floor"].items() if name != START_PYTHON)
    lines.append(f"| together, Python counted once | {bound:.3f} |")
    lines.append(f"| a cold render, not profiled | {result['cold']:.3f} |")
    lines.append(f"| above the lower bound | {result['cold'] - bound:.3f} |")
    return "\n".join(lines) + "\n"


def median_cold_render(generator: FeedhubGenerator) -> float:
    """Return the median seconds of cold renders that are not profiled."""
    seconds = []
    for number in range(10, 10 + COLD_RUNS):
        seconds.append(run(generator.command(number)).wall)
        generator.remove_round(number)
    return statistics.median(seconds)


def sum_by_folder(shares: Shares) -> Shares:
    """Return the shares of files summed by their folder."""
    sums = Counter[str]()
    for path, share in shares.items():
        folder, slash, _ = path.partition("/")
        sums[f"{folder}{slash}"] += round(10_000 * share)
    return {folder: share / 10_000 for folder, share in sums.items()}


def share_table(title: str, shares: dict[str, Shares]) -> list[str]:
    """Return a table of the largest shares of any kind of render, and of waiting for the disk."""
    largest = Counter[str]()
    for files in shares.values():
        largest |= Counter({path: round(10_000 * share) for path, share in files.items()})
    rows = [path for path, _ in largest.most_common(MAX_ROWS) if path != FLUSH] + [FLUSH]
    lines = [f"| {title} | {' | '.join(shares)} |", "|---" * (len(shares) + 1) + "|"]
    for path in rows:
        cells = [f"{files.get(path, 0):.0%}" for files in shares.values()]
        lines.append(f"| {path} | {' | '.join(cells)} |")
    rest = [f"{abs(1 - sum(files.get(p, 0) for p in rows)):.0%}" for files in shares.values()]
    return [*lines, f"| all others | {' | '.join(rest)} |", ""]


def shares_of(folded: str, *, main_thread: bool) -> Shares:
    """Return the share of each file, from py-spy's lines `process;outer;inner COUNT`.

    A sample counts for the file of its innermost frame of feedhub, so the time of a library counts
    for the file that called it.
    """
    counts = Counter[str]()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        # The stack of a forked process begins with those of its parents.
        forked = stack.startswith("process ") and ";process " in stack
        if main_thread and (forked or ";_run_module_as_main " not in stack):
            continue
        counts[file_of(stack)] += int(count)
    total = counts.total() or 1
    return {path: round(count / total, 4) for path, count in counts.most_common()}


def file_of(stack: str) -> str:
    """Return the row that a stack counts for: a file below src/feedhub, imports, the flush."""
    if "_find_and_load" in stack:
        return IMPORTS
    frames: list[tuple[str, str]] = _FEEDHUB_FRAME.findall(stack)
    if not frames:
        return OTHER_FILES
    function, path = frames[-1]
    return FLUSH if "flush" in function else path


def profile_renders(folder: Path, spy: Path, options: argparse.Namespace) -> dict[str, Shares]:
    """Return the shares of every kind of render, of CPU and of wall clock."""
    articles = make_articles(options.make, options.articles, folder / "articles")
    generator = FeedhubGenerator(folder, articles)
    shares: dict[str, Shares] = {}
    for number, (kind, flags) in enumerate(
        {"CPU": [], "wall": ["--idle", "--nonblocking"]}.items()
    ):
        command = [spy, "record", "--rate", "200", "--format", "raw", "--subprocesses", *flags]
        command += ["--output", folder / "folded", "--", *generator.command(number)]
        for work in RENDERS:
            if work == RENDERS[-1]:
                change_title(newest_article(articles), number)
            arguments = [str(word) for word in command]
            done = subprocess.run(arguments, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"py-spy ended with {done.returncode}: {done.stderr}")
            folded = (folder / "folded").read_text(encoding="utf-8")
            shares[f"{work}, {kind}"] = shares_of(folded, main_thread=kind == "wall")
        let_files_age()
    return {
        f"{work}, {kind}": shares[f"{work}, {kind}"] for work in RENDERS for kind in ("CPU", "wall")
    }


if __name__ == "__main__":
    main()
