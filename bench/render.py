"""Compare `feedhub render` with other generators: cold, unchanged, and after one change.

    python -m bench.render 1000 10000 --large

Each figure is the median of --runs runs of the whole command, interpreter start included. The runs
of all generators alternate, those of the default configuration too. Their feeds are compared entry
by entry before any time is measured. Edits under --watch are measured from outside.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.compare_feeds import compare, read_entries
from bench.environment import (
    HUGO_SITE,
    MAKE_CORPUS,
    RESULTS,
    compile_modules,
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
from bench.lower_bound import floor_cpu
from bench.machine import OtherProcesses, about
from bench.measure import Run, median, run
from bench.other_generators import OTHER_GENERATORS
from bench.posts import write_posts
from bench.render_tables import RENDERS, markdown
from bench.report import write_report
from bench.watch import Edit, WatchError, measure_edits

LARGE = 100_000
LARGE_RUNS = 5
# The number of articles with which an edit under --watch is compared.
WATCH_BASE = 1_000
# The round of the render that is watched, which no other render uses.
WATCH_ROUND = 1_000
POSTS = 2_000
ALL_COMPETITORS: tuple[type[Generator], ...] = (HugoGenerator, *OTHER_GENERATORS)
COMPETITORS = {generator.name.lower(): generator for generator in ALL_COMPETITORS}

# For each kind of render, one run of each generator.
Round = dict[str, list[Run]]


def main(arguments: list[str] | None = None) -> None:
    """Measure and write bench/results/render.json and .md; `arguments` replace the command line."""
    options = parse_options(arguments)
    require(options.make, "the program that makes articles")
    compile_modules()
    others = OtherProcesses()
    programs = installed_versions(options)
    result: dict[str, Any] = {"about": about(**programs), "rows": [], "written": {}}
    result |= {"default": {}, "floor": {}, "watch": {}, "posts": []}
    result["about"]["figures"] = f"medians of {options.runs} runs"
    for size in options.sizes + ([options.large] if options.large else []):
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            measure(Path(folder), size, list(programs), result, options)
        save(result, others, options)
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        if options.watch and str(options.watch) not in result["watch"]:
            articles = make_articles(options.make, options.watch, Path(folder) / "articles")
            measure_watch(FeedhubGenerator(Path(folder), articles), options.watch, result, options)
        if options.posts:
            result["posts"] = measure_posts(Path(folder), options.posts, options.runs)
    save(result, others, options)
    print(markdown(result))


def save(result: dict[str, Any], others: OtherProcesses, options: argparse.Namespace) -> None:
    """Write what has been measured so far."""
    result["about"]["others took"] = others.describe()
    write_report(options.results, "render", result, markdown(result))


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
        "--watch",
        metavar="N",
        type=int,
        default=WATCH_BASE,
        help=f"edit an article under --watch among N articles too; default: {WATCH_BASE}; 0 for no "
        "edits at all",
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
    feedhub = generators[0]
    assert isinstance(feedhub, FeedhubGenerator)
    is_main = size == max(options.sizes, default=0)
    defaults = DefaultRuns(folder / "default", feedhub.articles) if is_main else None
    rows, result["written"][str(size)] = measure_rounds(generators, size, runs, defaults)
    result["rows"] += rows
    if options.watch:
        measure_watch(feedhub, size, result, options)
    if defaults:
        result["default"][str(size)] = defaults.result()
    if is_main:
        if not options.watch:
            run(feedhub.command(WATCH_ROUND))
        output = feedhub.output(WATCH_ROUND)
        result["floor"][str(size)] = floor_cpu(feedhub.articles, output, folder / "floor")


class DefaultRuns:
    """Cold renders with the default configuration, between those of the others."""

    def __init__(self, folder: Path, articles: Path) -> None:
        folder.mkdir()
        (folder / "default.toml").touch()
        self._generator = FeedhubGenerator(folder, articles, folder / "default.toml")
        self._runs: list[Run] = []
        self._size: dict[str, int] = {}

    def __call__(self, number: int) -> None:
        """Render once; the first round, number 0, samples memory and counts files."""
        figures = run(self._generator.command(number), sample_memory=number == 0)
        if number:
            self._runs.append(figures)
        else:
            files = self._generator.files(0).values()
            self._size = {
                "files": len(files),
                "bytes": sum(path.stat().st_size for path in files),
                "memory": round(figures.memory),
            }
        self._generator.remove_round(number)

    def result(self) -> dict[str, Any]:
        """Return files, bytes, memory, the median and all runs."""
        return {**self._size, "median": median(self._runs), "all": self._runs}


def measure_watch(
    generator: FeedhubGenerator, size: int, result: dict[str, Any], options: argparse.Namespace
) -> None:
    """Add the medians of edits under --watch; the output stays. A failure ends nothing else."""
    article = newest_article(generator.articles)
    try:
        edits = measure_edits(generator, article, WATCH_ROUND, options.runs)
    except WatchError as error:
        print(f"feedhub render --watch among {size:,} articles: {error}", file=sys.stderr)
        return
    medians = Edit(*(statistics.median(figures) for figures in zip(*edits, strict=True)))
    result["watch"][str(size)] = medians
    result.setdefault("all_edits", {})[str(size)] = edits


def measure_posts(folder: Path, number: int, runs: int) -> list[dict[str, Any]]:
    """Return the row of feedhub alone on posts of Markdown, cold: only reading differs."""
    write_posts(number, folder / "posts")
    let_files_age()
    generator = FeedhubGenerator(folder, folder / "posts")
    return measure_rounds([generator], number, runs, works=RENDERS[:1])[0]


def measure_rounds(
    generators: list[Generator],
    size: int,
    runs: int,
    after_round: Callable[[int], None] | None = None,
    works: Sequence[str] = RENDERS,
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return a row for each kind of render of all generators, and what each generator wrote.

    `after_round` gets the number of each round, 0 for the one that is not timed.
    """
    stem = newest_article(generators[0].articles).stem
    # The first round is not timed: it samples memory, and its output is compared.
    memory = run_round(generators, 0, stem, works, sample_memory=True)
    written = count_output(generators)
    remove_round(generators, 0)
    rounds = []
    for number in range(1 + runs):
        if number:
            rounds.append(run_round(generators, number, stem, works))
            remove_round(generators, number)
        if after_round:
            after_round(number)
    rows = [make_row(size, work, generators, rounds, memory) for work in works]
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
    generators: list[Generator],
    number: int,
    stem: str,
    works: Sequence[str],
    *,
    sample_memory: bool = False,
) -> Round:
    """Run all generators in turns: cold, unchanged, and after the newest article has changed."""
    runs: Round = {}
    for work in works:
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
