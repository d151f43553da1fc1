"""`feedhub render` against Hugo on the same articles: cold, again, after one change.

    python -m bench.render 1000 10000

Each figure is the median of --runs runs of the whole command, interpreter start included. Runs of
both sides alternate. Before anything is compared, the feeds and entries of both are counted.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from bench.entries import Compared, compare
from bench.machine import about, first_line
from bench.measure import Run, median, ratio, run
from bench.others import Others
from bench.places import HUGO_SITE, MAKE_CORPUS, RESULTS, make_articles, need, settle
from bench.report import write_report
from bench.sides import Feedhub, Hugo, Side, change, hugo_program, newest

WORK = ("cold", "unchanged", "one changed")
LARGE = 100_000

# One round: for each work one run of each side.
Round = dict[str, list[Run]]


def main() -> None:
    """Measure and write bench/results/render.json and .md."""
    options = _options()
    need(options.make, "a program that makes articles")
    others = Others()
    programs = {} if options.alone else {"Hugo": _hugo(options)}
    told: dict[str, Any] = {"about": about(**programs), "runs": options.runs, "rows": []}
    for size in options.sizes + ([LARGE] if options.large else []):
        alone = options.alone or size == LARGE
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            told["rows"] += _measured(Path(folder), size, alone, options)
        told["about"]["others took"] = others.told()
        write_report(options.results, "render", told, markdown(told))
    print(markdown(told))


def markdown(told: dict[str, Any]) -> str:
    """Return the table of a result."""
    lines = [
        "| articles | render | wall s, feedhub / Hugo | CPU s, feedhub / Hugo "
        "| peak MB, feedhub / Hugo |",
        "|---|---|---|---|---|",
        *(_line(row) for row in told["rows"]),
    ]
    same = [row for row in told["rows"] if row["work"] == WORK[0] and row["same"]]
    return "\n".join([*lines, "", *(_same_line(row) for row in same)]) + "\n"


def _line(row: dict[str, Any]) -> str:
    cells = [f"{row['articles']:,}", row["work"]]
    for place, form in enumerate(("{:.2f}", "{:.2f}", "{:.0f}")):
        figures = [row[side][place] for side in ("feedhub", "Hugo") if side in row]
        told = " / ".join(form.format(figure) for figure in figures)
        cells.append(f"{told} = **{figures[0] / figures[1]:.3f}**" if figures[1:] else told)
    return f"| {' | '.join(cells)} |"


def _same_line(row: dict[str, Any]) -> str:
    same = Compared(*row["same"])
    return (
        f"{row['articles']:,} articles: both wrote {same.feeds:,} feeds with {same.entries:,} "
        f"entries. {same.ties} feeds end with another article of the very same date, "
        f"{same.order} have articles of one date in another order.\n"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", metavar="N", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--runs", type=int, default=5, help="runs of each; default: 5")
    parser.add_argument("--large", action="store_true", help=f"{LARGE:,} articles too, no Hugo")
    parser.add_argument("--alone", action="store_true", help="feedhub alone")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, help="makes N articles")
    parser.add_argument("--hugo-site", type=Path, default=HUGO_SITE, help="Hugo's side")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, help="where to work; default: temporary folder")
    return parser.parse_args()


def _hugo(options: argparse.Namespace) -> str:
    need(options.hugo_site, "Hugo's side of the work")
    return first_line([hugo_program(), "version"]).split()[1].partition("-")[0]


def _measured(
    folder: Path, size: int, alone: bool, options: argparse.Namespace
) -> list[dict[str, Any]]:
    articles = make_articles(options.make, size, folder / "articles")
    sides: list[Side] = [Feedhub(folder, articles)]
    if not alone:
        sides.append(Hugo(folder, articles, options.hugo_site))
    # The first round is not timed: it looks at memory, and at what was written.
    memory = _round(sides, 0, sampled=True)
    same = None if alone else compare(sides[0].feeds(0), sides[1].feeds(0))
    _forget(sides, 0)
    rounds = []
    for number in range(1, options.runs + 1):
        rounds.append(_round(sides, number))
        _forget(sides, number)
    return [_row(size, work, sides, rounds, memory, same) for work in WORK]


def _row(
    size: int,
    work: str,
    sides: list[Side],
    rounds: list[Round],
    memory: Round,
    same: Compared | None,
) -> dict[str, Any]:
    row: dict[str, Any] = {"articles": size, "work": work, "same": same, "all": {}}
    for place, side in enumerate(sides):
        runs = [told[work][place] for told in rounds]
        middle = median(runs)
        row["all"][side.name] = runs
        row[side.name] = middle._replace(memory=max(middle.memory, memory[work][place].memory))
    if len(sides) > 1:
        row["ratio"] = ratio(row[sides[0].name], row[sides[1].name])
    return row


def _round(sides: list[Side], number: int, *, sampled: bool = False) -> Round:
    """Run both sides by turns: cold, again, and after the newest article has changed."""
    told: Round = {}
    for work in WORK[:2]:
        told[work] = [run(side.command(number), sampled=sampled) for side in sides]
    kept = {place: place.read_bytes() for place in (newest(side.articles) for side in sides)}
    for place in kept:
        change(place, number)
    told[WORK[2]] = [run(side.command(number), sampled=sampled) for side in sides]
    for place, text in kept.items():
        place.write_bytes(text)
    settle()
    return told


def _forget(sides: list[Side], number: int) -> None:
    for side in sides:
        side.forget(number)


if __name__ == "__main__":
    main()
