"""Requests a second of 304 and of 200 with gzip: feedhub, bare ASGI, StaticFiles, nginx.

    python -m bench.serve

Each server has one worker on core 0, wrk runs on core 1. Servers are asked by turns, --runs times;
each figure is the median. Then the latency of 304 while syncs of all articles run.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from bench import apps, servers
from bench.asking import Load, Question, load
from bench.cores import CLIENT, SERVER
from bench.machine import about, first_line
from bench.others import Others
from bench.places import BASE_URL, FEEDHUB, MAKE_CORPUS, RESULTS, configure, make_articles, need
from bench.report import write_report
from bench.servers import Server
from bench.sync_load import latencies

_GZIP = {"Accept-Encoding": "gzip"}
_FEED = "/all.rss"
FEEDHUB_SERVE, BARE, NGINX, CACHED = "feedhub serve", "bare ASGI", "nginx", "nginx, proxy_cache"
STATIC_FILES = "StaticFiles"
_WARM_UP = 1  # second


class Asked(NamedTuple):
    """One server and one kind of request."""

    server: str
    work: str
    question: Question


def main() -> None:
    """Measure and write bench/results/serve.json and .md."""
    options = _options()
    need(options.make, "a program that makes articles")
    others = Others()
    for name in ("wrk", "nginx"):
        if not servers.program(name):
            sys.exit(f"{name} is missing: apt-get install {name}")
    versions = {"nginx": _version("nginx", "-v"), "wrk": _version("wrk", "-v")}
    told: dict[str, Any] = {"about": about(**versions), "runs": options.runs}
    told |= {"seconds": options.seconds, "connections": options.connections}
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        _measure(Path(folder), options, told)
    told["about"]["others took"] = others.told()
    write_report(options.results, "serve", told, markdown(told))
    print(markdown(told))


def markdown(told: dict[str, Any]) -> str:
    """Return the tables of a result."""
    names = (
        "answer | server | requests/s | to bare ASGI | to nginx | p50 ms | p99 ms | busy | CPU µs"
    )
    lines = [
        f"| {names} |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in told["rows"]),
        "",
        "| 304 while | requests/s | p50 ms | p99 ms | p99 to quiet |",
        "|---|---|---|---|---|",
        *(_busy_line(name, figures, told["sync"]) for name, figures in told["sync"].items()),
    ]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    rate, p50, p99, busy = row["median"]
    cells = [row["work"], row["server"], f"{rate:,.0f}"]
    cells += [f"{row['of'][name]:.2f}" for name in (BARE, NGINX)]
    cells += [f"{p50:.2f}", f"{p99:.2f}", f"{busy:.0%}", f"{1e6 * busy / rate:.1f}"]
    return f"| {' | '.join(cells)} |"


def _busy_line(name: str, figures: list[float], told: dict[str, list[float]]) -> str:
    rate, p50, p99, _ = figures
    times = p99 / told["quiet"][2]
    return f"| {name} | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {times:.2f} |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--runs", type=int, default=5, help="runs of each; default: 5")
    parser.add_argument("--seconds", type=int, default=5, help="of each run; default: 5")
    parser.add_argument("--connections", type=int, default=32, help="of wrk; default: 32")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, help="makes N articles")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, help="where to work; default: temporary folder")
    return parser.parse_args()


def _version(name: str, flag: str) -> str:
    return first_line([servers.program(name), flag]).partition("Copyright")[0].strip()


def _measure(folder: Path, options: argparse.Namespace, told: dict[str, Any]) -> None:
    articles = make_articles(options.make, options.articles, folder / "articles")
    with ExitStack() as stack:
        asked, flags = start_all(stack, folder, articles)
        loads = _by_turns(asked, options)
        told["rows"] = [_row(one, loads) for one in asked]
        told["sync"] = latencies(articles, flags, asked[0].question, options)


def start_all(stack: ExitStack, folder: Path, articles: Path) -> tuple[list[Asked], list[object]]:
    """Start every server on the same articles until `stack` ends.

    Returns what each is asked, feedhub first, and the flags of the sync that feedhub follows.
    """
    config = configure(folder, "gzip")
    common: list[object] = ["--config", config, "--base-url", BASE_URL]
    public, catalog = folder / "public", folder / "catalog.sqlite"
    flags = [*common, "--catalog", catalog]
    _feedhub("render", articles, public, *common, "--catalog", folder / "render.sqlite")
    _feedhub("sync", articles, *flags)
    server = stack.enter_context(servers.feedhub(folder, catalog, config, _FEED, SERVER))
    return _asked(stack, folder, public, server), flags


def _feedhub(*words: object) -> None:
    command = [*FEEDHUB, *(str(word) for word in words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _asked(stack: ExitStack, folder: Path, public: Path, feedhub: Server) -> list[Asked]:
    """Start all servers; return what is asked of them, all of one kind of request together."""
    start = stack.enter_context
    static = start(servers.static_files(public, folder, _FEED, SERVER))
    running = {
        FEEDHUB_SERVE: feedhub,
        NGINX: start(servers.nginx_static(folder, public, _FEED, SERVER)),
        CACHED: start(servers.nginx_proxy(folder, feedhub, _FEED, SERVER)),
    }
    asked = [Asked(name, "304", _known(server)) for name, server in running.items()]
    asked.append(Asked(STATIC_FILES, "304", _known(static)))
    asked.insert(1, _bare(stack, folder, asked[0]))  # those that are compared follow each other
    whole = [Asked(name, "200 gzip", _question(server)) for name, server in running.items()]
    # It knows no codings: what it is asked for is the file of the coded bytes.
    whole.append(Asked(STATIC_FILES, "200 gzip", _question(static, f"{_FEED}.gz")))
    whole.insert(1, _bare(stack, folder, whole[0]))
    for one in (*asked, *whole):
        _check(one)
    return asked + whole


def _bare(stack: ExitStack, folder: Path, model: Asked) -> Asked:
    """Return the same request to an application that knows nothing but the answer to it."""
    place = apps.keep(model.question.answer(), folder / f"{model.work}.json")
    server = stack.enter_context(servers.bare(place, folder, SERVER))
    question = model.question._replace(port=server.port, pid=server.pid)
    return Asked(BARE, model.work, question)


def _question(server: Server, target: str = _FEED) -> Question:
    return Question(server.port, server.pid, target, _GZIP)


def _known(server: Server) -> Question:
    """Return the request of a reader that has the present document."""
    etag = _question(server).answer().headers["etag"]
    return _question(server)._replace(headers=_GZIP | {"If-None-Match": etag})


def _check(asked: Asked) -> None:
    """All must answer alike, else there is nothing to compare."""
    answer = asked.question.answer()
    coded = answer.headers.get("content-encoding") == "gzip" or ".gz" in asked.question.target
    if str(answer.status) != asked.work[:3] or (answer.status == 200 and not coded):
        raise SystemExit(f"{asked.server} answers {asked.work} with {answer.status}")


def _by_turns(asked: list[Asked], options: argparse.Namespace) -> dict[tuple[str, str], list[Load]]:
    for one in asked:  # what is done only once is not to be measured
        load(one.question, _WARM_UP, options.connections, CLIENT)
    loads: dict[tuple[str, str], list[Load]] = {}
    for _ in range(options.runs):
        for one in asked:
            told = load(one.question, options.seconds, options.connections, CLIENT)
            loads.setdefault((one.server, one.work), []).append(told)
    return loads


def _row(one: Asked, loads: dict[tuple[str, str], list[Load]]) -> dict[str, Any]:
    """Return medians; those of the ratios are of rounds, whose runs saw the same machine."""
    runs = loads[one.server, one.work]

    def to(server: str) -> float:
        rounds = zip(runs, loads[server, one.work], strict=True)
        return statistics.median(own.requests / other.requests for own, other in rounds)

    return {
        "work": one.work,
        "server": one.server,
        "median": [statistics.median(figures) for figures in zip(*runs, strict=True)],
        "of": {name: to(name) for name in (BARE, NGINX)},
        "all": runs,
    }


if __name__ == "__main__":
    main()
