"""Compare `feedhub render` with other generators: cold, unchanged, and after one change.

    python -m bench.render 1000 10000

Each figure is the median of --runs runs of the whole command, interpreter start included. The runs
of all generators alternate. Their feeds are compared entry by entry before any time is measured.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.compare_feeds import compare, read_entries
from bench.environment import (
    HUGO_SITE,
    MAKE_CORPUS,
    RESULTS,
    let_files_age,
    make_articles,
    require,
)
from bench.generators import (
    FeedhubGenerator,
    Generator,
    HugoGenerator,
    NotInstalledError,
    newest_article,
)
from bench.machine import OtherProcesses, about
from bench.measure import Run, median, run
from bench.other_generators import OTHER_GENERATORS
from bench.posts import write_posts
from bench.render_tables import RENDERS, markdown
from bench.report import write_report

LARGE = 100_000
LARGE_RUNS = 3
POSTS = 2_000
ALL_COMPETITORS: tuple[type[Generator], ...] = (HugoGenerator, *OTHER_GENERATORS)
COMPETITORS = {generator.name.lower(): generator for generator in ALL_COMPETITORS}

# For each kind of render, one run of each generator.
Round = dict[str, list[Run]]


def main(arguments: list[str] | None = None) -> None:
    """Measure and write bench/results/render.json and .md; `arguments` replace the command line."""
    options = parse_options(arguments)
    require(options.make, "the program that makes articles")
    others = OtherProcesses()
    programs = installed_versions(options)
    result: dict[str, Any] = {"about": about(**programs), "rows": [], "written": {}, "large": 0}
    for size in options.sizes + ([options.large] if options.large else []):
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            measure(Path(folder), size, list(programs), result, options)
        result["large"] = size if size == options.large else 0
        result["about"]["others took"] = others.describe()
        write_report(options.results, "render", result, markdown(result))
    if options.posts:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            result["posts"] = measure_posts(Path(folder), options.posts, options.runs)
        write_report(options.results, "render", result, markdown(result))
    print(markdown(result))


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line, or of `arguments`."""
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
        help=f"render N articles with feedhub alone too, {LARGE_RUNS} times; N is {LARGE} if "
        "none is given",
    )
    parser.add_argument(
        "--posts",
        metavar="N",
        type=int,
        default=POSTS,
        help=f"render N posts of Markdown with feedhub alone too; default: {POSTS}; 0 for none",
    )
    parser.add_argument(
        "--peers",
        metavar="N",
        type=int,
        default=1_000,
        help="largest size for generators other than feedhub and Hugo; default: 1000",
    )
    parser.add_argument(
        "--compare",
        "--beside",
        dest="competitors",
        metavar="NAMES",
        type=parse_competitors,
        default=",".join(COMPETITORS),
        help=f"generators to compare with; default: {','.join(COMPETITORS)}; '' for none",
    )
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, help="makes N articles")
    parser.add_argument("--hugo-site", type=Path, default=HUGO_SITE, help="Hugo's site")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, help="working folder; default: temporary")
    return parser.parse_args(arguments)


def parse_competitors(names: str) -> list[type[Generator]]:
    """Return the generators of a list of names; "" is an empty list."""
    selected = [name for name in names.split(",") if name]
    if unknown := [name for name in selected if name not in COMPETITORS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]}: choose from {', '.join(COMPETITORS)}")
    return [COMPETITORS[name] for name in selected]


def installed_versions(options: argparse.Namespace) -> dict[str, str]:
    """Return the versions of the installed generators; print how to install the others."""
    if HugoGenerator in options.competitors:
        require(options.hugo_site, "the folder with Hugo's configuration and templates")
    versions = {}
    for generator in options.competitors:
        try:
            versions[generator.name] = generator.version()
        except NotInstalledError as error:
            print(f"skipped: {generator.name} is not installed: {error}", file=sys.stderr)
    return versions


def create_generators(
    folder: Path, size: int, names: list[str], options: argparse.Namespace
) -> list[Generator]:
    """Return the generators that render a number of articles, feedhub first."""
    articles = make_articles(options.make, size, folder / "articles")
    generators: list[Generator] = [FeedhubGenerator(folder, articles)]
    if size != options.large and HugoGenerator.name in names:
        generators.append(HugoGenerator(folder, articles, options.hugo_site))
    if size <= options.peers:
        generators += [kind(folder, articles) for kind in OTHER_GENERATORS if kind.name in names]
    let_files_age()
    return generators


def measure(
    folder: Path, size: int, names: list[str], result: dict[str, Any], options: argparse.Namespace
) -> None:
    """Add the rows of a number of articles to a result, and the counts of what was written."""
    generators = create_generators(folder, size, names, options)
    runs = LARGE_RUNS if size == options.large else options.runs
    rows, result["written"][str(size)] = measure_rounds(generators, size, runs)
    result["rows"] += rows


def measure_posts(folder: Path, number: int, runs: int) -> list[dict[str, Any]]:
    """Return the rows of feedhub alone on posts of Markdown."""
    write_posts(number, folder / "posts")
    let_files_age()
    return measure_rounds([FeedhubGenerator(folder, folder / "posts")], number, runs)[0]


def measure_rounds(
    generators: list[Generator], size: int, runs: int
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return a row for each kind of render of all generators, and what each generator wrote."""
    stem = newest_article(generators[0].articles).stem
    # The first round is not timed: it samples memory, and its output is compared.
    memory = run_round(generators, 0, stem, sample_memory=True)
    written = count_output(generators)
    remove_round(generators, 0)
    rounds = []
    for number in range(1, 1 + runs):
        rounds.append(run_round(generators, number, stem))
        remove_round(generators, number)
    rows = [make_row(size, work, generators, rounds, memory) for work in RENDERS]
    return rows, written


def make_row(
    size: int, work: str, generators: list[Generator], rounds: list[Round], memory: Round
) -> dict[str, Any]:
    """Return the medians and all runs of one kind of render."""
    runs = {
        generator.name: [one[work][index] for one in rounds]
        for index, generator in enumerate(generators)
    }
    medians = {}
    for index, (name, figures) in enumerate(runs.items()):
        middle = median(figures)
        peak = max(middle.memory, memory[work][index].memory)
        medians[name] = middle._replace(memory=peak)
    return {"articles": size, "work": work, "sides": medians, "all": runs}


def count_output(generators: list[Generator]) -> dict[str, dict[str, Any]]:
    """Return what each generator wrote in the first round; SystemExit if feedhub's feeds differ."""
    own_feeds = generators[0].feeds(0)
    counts = {}
    for generator in generators:
        feeds = generator.feeds(0)
        formats = generator.formats
        comparable = {name: path for name, path in own_feeds.items() if name.endswith(formats)}
        counts[generator.name] = {
            "formats": formats,
            "feeds": len(feeds),
            "entries": sum(len(read_entries(feeds[name], Path(name).suffix)) for name in feeds),
            "files": len(generator.files(0)),
            "same": compare(comparable, feeds),
        }
    return counts


def run_round(
    generators: list[Generator], number: int, stem: str, *, sample_memory: bool = False
) -> Round:
    """Run all generators in turns: cold, unchanged, and after the newest article has changed."""
    runs: Round = {}
    for work in RENDERS:
        with ExitStack() as changes:
            if work == RENDERS[-1]:
                for generator in generators:
                    changes.enter_context(generator.edited(stem, number))
            runs[work] = [
                run(one.command(number), sample_memory=sample_memory, cwd=one.cwd)
                for one in generators
            ]
    let_files_age()
    return runs


def remove_round(generators: list[Generator], number: int) -> None:
    """Remove what all generators wrote in a round."""
    for generator in generators:
        generator.remove_round(number)


if __name__ == "__main__":
    main()
