"""`feedhub render` against Hugo and others on the same articles: cold, again, after one change.

    python -m bench.render 1000 10000

Each figure is the median of --runs runs of the whole command, interpreter start included. Runs of
all sides alternate. Before anything is compared, the feeds and entries of each are counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.entries import compare, entries_of
from bench.machine import about
from bench.measure import Run, median, run
from bench.others import Others
from bench.peers import PEERS
from bench.places import HUGO_SITE, MAKE_CORPUS, RESULTS, make_articles, need, settle
from bench.report import write_report
from bench.sides import Feedhub, Hugo, MissingError, Side, newest
from bench.tables import WORK, markdown

LARGE = 100_000
_OTHERS: tuple[type[Side], ...] = (Hugo, *PEERS)
_BESIDE = {side.name.lower(): side for side in _OTHERS}
_LARGE_RUNS = 3

# One round: for each work one run of each side.
Round = dict[str, list[Run]]


def main(words: list[str] | None = None) -> None:
    """Measure and write bench/results/render.json and .md; `words` are options, else the given."""
    options = _options(words)
    need(options.make, "a program that makes articles")
    others = Others()
    programs = _programs(options)
    told: dict[str, Any] = {"about": about(**programs), "rows": [], "written": {}, "large": 0}
    for size in options.sizes + ([options.large] if options.large else []):
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            _measure(Path(folder), size, list(programs), told, options)
        told["large"] = size if size == options.large else 0
        told["about"]["others took"] = others.told()
        write_report(options.results, "render", told, markdown(told))
    print(markdown(told))


def _options(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", metavar="N", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=5, help="runs of each; default: 5")
    parser.add_argument(
        "--large",
        metavar="N",
        type=int,
        nargs="?",
        const=LARGE,
        default=0,
        help=f"render N articles with feedhub alone too, {_LARGE_RUNS} times; N is {LARGE} if "
        "none is given",
    )
    parser.add_argument(
        "--peers",
        metavar="N",
        type=int,
        default=1_000,
        help="other generators than Hugo take part with up to N articles; default: 1000",
    )
    parser.add_argument(
        "--beside",
        metavar="NAMES",
        type=_beside,
        default=",".join(_BESIDE),
        help=f"who else takes part; default: {','.join(_BESIDE)}; '' for feedhub alone",
    )
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, help="makes N articles")
    parser.add_argument("--hugo-site", type=Path, default=HUGO_SITE, help="Hugo's side")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, help="where to work; default: temporary folder")
    return parser.parse_args(words)


def _beside(names: str) -> list[type[Side]]:
    """Return the sides of a list of names; none of none."""
    asked = [name for name in names.split(",") if name]
    if unknown := [name for name in asked if name not in _BESIDE]:
        raise argparse.ArgumentTypeError(f"{unknown[0]}: there are {', '.join(_BESIDE)}")
    return [_BESIDE[name] for name in asked]


def _programs(options: argparse.Namespace) -> dict[str, str]:
    """Return the versions of all others that are here; say what would bring the rest."""
    if Hugo in options.beside:
        need(options.hugo_site, "Hugo's side of the work")
    found = {}
    for side in options.beside:
        try:
            found[side.name] = side.version()
        except MissingError as missing:
            print(f"skipped: {side.name} is not here: {missing}", file=sys.stderr)
    return found


def _sides(folder: Path, size: int, names: list[str], options: argparse.Namespace) -> list[Side]:
    articles = make_articles(options.make, size, folder / "articles")
    sides: list[Side] = [Feedhub(folder, articles)]
    if size != options.large and Hugo.name in names:
        sides.append(Hugo(folder, articles, options.hugo_site))
    if size <= options.peers:
        sides += [peer(folder, articles) for peer in PEERS if peer.name in names]
    settle()
    return sides


def _measure(
    folder: Path, size: int, names: list[str], told: dict[str, Any], options: argparse.Namespace
) -> None:
    """Add the rows of a size, and what was written."""
    sides = _sides(folder, size, names, options)
    stem = newest(sides[0].articles).stem
    # The first round is not timed: it looks at memory, and at what was written.
    memory = _round(sides, 0, stem, sampled=True)
    told["written"][str(size)] = _written(sides)
    _forget(sides, 0)
    rounds = []
    for number in range(1, 1 + (_LARGE_RUNS if size == options.large else options.runs)):
        rounds.append(_round(sides, number, stem))
        _forget(sides, number)
    told["rows"] += [_row(size, work, sides, rounds, memory) for work in WORK]


def _row(
    size: int, work: str, sides: list[Side], rounds: list[Round], memory: Round
) -> dict[str, Any]:
    runs = {side.name: [told[work][place] for told in rounds] for place, side in enumerate(sides)}
    middle = {}
    for place, (name, found) in enumerate(runs.items()):
        figures = median(found)
        middle[name] = figures._replace(memory=max(figures.memory, memory[work][place].memory))
    return {"articles": size, "work": work, "sides": middle, "all": runs}


def _written(sides: list[Side]) -> dict[str, dict[str, Any]]:
    """Count what each side wrote in the first round; SystemExit where feedhub wrote otherwise."""
    ours = sides[0].feeds(0)
    told = {}
    for side in sides:
        feeds = side.feeds(0)
        alike = {name: place for name, place in ours.items() if name.endswith(side.formats)}
        told[side.name] = {
            "formats": side.formats,
            "feeds": len(feeds),
            "entries": sum(len(entries_of(feeds[name], Path(name).suffix)) for name in feeds),
            "files": len(side.files(0)),
            "same": compare(alike, feeds),
        }
    return told


def _round(sides: list[Side], number: int, stem: str, *, sampled: bool = False) -> Round:
    """Run all sides by turns: cold, again, and after the newest article has changed."""
    told: Round = {}
    for work in WORK:
        with ExitStack() as changes:
            if work == WORK[-1]:
                for side in sides:
                    changes.enter_context(side.changed(stem, number))
            told[work] = [
                run(side.command(number), sampled=sampled, cwd=side.cwd) for side in sides
            ]
    settle()
    return told


def _forget(sides: list[Side], number: int) -> None:
    for side in sides:
        side.forget(number)


if __name__ == "__main__":
    main()
