"""Where the time of `feedhub render` goes, as py-spy sees it 200 times a second, and the floor.

    python -m bench.profile

Processor time is that of all processes; wall clock is that of the main thread, waiting included.
What is imported counts as one, and so does the flush that makes the output durable.
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

from bench.floor import PYTHON, floor
from bench.machine import about, first_line
from bench.measure import run
from bench.others import Others
from bench.places import MAKE_CORPUS, RESULTS, install, make_articles, need, settle
from bench.report import write_report
from bench.sides import Feedhub, change, newest
from bench.tables import WORK

_OWN = re.compile(r"(\w+) \(feedhub/([\w/]+\.py):\d+\)")
_IMPORTS, _FLUSH, _ELSE = "imports", "waiting for the disk", "elsewhere"
_SHOWN = 12
_COLD_RUNS = 3

Shares = dict[str, float]


def main() -> None:
    """Profile and write bench/results/profile.json and .md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, help="makes N articles")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, help="where to work; default: temporary folder")
    options = parser.parse_args()
    need(options.make, "a program that makes articles")
    others = Others()
    spy = install("py-spy") / "bin" / "py-spy"
    told: dict[str, Any] = {"about": about(**{"py-spy": first_line([spy, "--version"])})}
    told["articles"] = options.articles
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        place = Path(folder)
        told["shares"] = _profile(place, spy, options)
        told["floor"] = floor(place / "articles", place / "feedhub-0", place / "floor")
        told["cold"] = _cold(Feedhub(place, place / "articles"))
    told["about"]["others took"] = others.told()
    write_report(options.results, "profile", told, markdown(told))
    print(markdown(told))


def markdown(told: dict[str, Any]) -> str:
    """Return the shares by room and by file, and the least that a render could take."""
    shares: dict[str, Shares] = told["shares"]
    rooms = {name: _by_room(found) for name, found in shares.items()}
    lines = _table(f"{told['articles']:,} articles", rooms) + _table("by file", shares)
    lines += ["| the least | s |", "|---|---|"]
    lines += [f"| {name} | {seconds:.3f} |" for name, seconds in told["floor"].items()]
    least = sum(seconds for name, seconds in told["floor"].items() if name != PYTHON)
    lines.append(f"| together, Python counted once | {least:.3f} |")
    lines.append(f"| a cold render, not watched | {told['cold']:.3f} |")
    lines.append(f"| what is above the least | {told['cold'] - least:.3f} |")
    return "\n".join(lines) + "\n"


def _cold(side: Feedhub) -> float:
    """Return the seconds of a cold render with nobody looking, the median of a few."""
    taken = []
    for number in range(10, 10 + _COLD_RUNS):
        taken.append(run(side.command(number)).wall)
        side.forget(number)
    return statistics.median(taken)


def _by_room(shares: Shares) -> Shares:
    rooms = Counter[str]()
    for place, share in shares.items():
        room, slash, _ = place.partition("/")
        rooms[f"{room}{slash}"] += round(10_000 * share)
    return {room: share / 10_000 for room, share in rooms.items()}


def _table(title: str, shares: dict[str, Shares]) -> list[str]:
    """Return the rows of what takes most of any kind of run, and of waiting for the disk."""
    most = Counter[str]()
    for found in shares.values():
        most |= Counter({place: round(10_000 * share) for place, share in found.items()})
    shown = [place for place, _ in most.most_common(_SHOWN) if place != _FLUSH] + [_FLUSH]
    lines = [f"| {title} | {' | '.join(shares)} |", "|---" * (len(shares) + 1) + "|"]
    for place in shown:
        cells = [f"{found.get(place, 0):.0%}" for found in shares.values()]
        lines.append(f"| {place} | {' | '.join(cells)} |")
    rest = [f"{abs(1 - sum(found.get(p, 0) for p in shown)):.0%}" for found in shares.values()]
    return [*lines, f"| all others | {' | '.join(rest)} |", ""]


def shares_of(folded: str, *, main_thread: bool) -> Shares:
    """Return the share of each file, from lines `process;outer;inner COUNT`.

    A sample belongs to the innermost frame that is ours: what a library does for a file counts
    for that file.
    """
    counts = Counter[str]()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        # A forked process has the name of each that it comes from, and their frames.
        forked = stack.startswith("process ") and ";process " in stack
        if main_thread and (forked or ";_run_module_as_main " not in stack):
            continue
        counts[_place(stack)] += int(count)
    total = counts.total() or 1
    return {place: round(count / total, 4) for place, count in counts.most_common()}


def _place(stack: str) -> str:
    if "_find_and_load" in stack:
        return _IMPORTS
    own: list[tuple[str, str]] = _OWN.findall(stack)
    if not own:
        return _ELSE
    function, place = own[-1]
    return _FLUSH if function == "_flush" else place


def _profile(folder: Path, spy: Path, options: argparse.Namespace) -> dict[str, Shares]:
    articles = make_articles(options.make, options.articles, folder / "articles")
    side = Feedhub(folder, articles)
    shares: dict[str, Shares] = {}
    for number, (kind, flags) in enumerate(
        {"CPU": [], "wall": ["--idle", "--nonblocking"]}.items()
    ):
        command = [spy, "record", "--rate", "200", "--format", "raw", "--subprocesses", *flags]
        command += ["--output", folder / "folded", "--", *side.command(number)]
        for work in WORK:
            if work == WORK[-1]:
                change(newest(articles), number)
            folded = _folded([str(word) for word in command], folder / "folded")
            shares[f"{work}, {kind}"] = shares_of(folded, main_thread=kind == "wall")
        settle()
    return {
        f"{work}, {kind}": shares[f"{work}, {kind}"] for work in WORK for kind in ("CPU", "wall")
    }


def _folded(command: list[str], place: Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"py-spy ended with {done.returncode}: {done.stderr}")
    return place.read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
