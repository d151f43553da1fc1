"""Measure requests a second for 304 and for 200 with gzip: feedhub, bare ASGI, StaticFiles, nginx.

    python -m bench.serve

Each server has one worker on core 0, wrk runs on core 1. Servers are measured in turns, --runs
times; each figure is the median. Then the latency of 304 is measured while all articles are synced.
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

from bench import servers
from bench.asgi_apps import save_response
from bench.environment import (
    BASE_URL,
    FEEDHUB,
    MAKE_CORPUS,
    RESULTS,
    compile_modules,
    make_articles,
    require,
    write_config,
)
from bench.goals import goal_table, serve_goals
from bench.load_test import LoadResult, LoadTarget, run_wrk
from bench.machine import OtherProcesses, about, first_line
from bench.report import write_report
from bench.servers import RunningServer
from bench.sync_load import latencies_during_syncs

ACCEPT_GZIP = {"Accept-Encoding": "gzip"}
FEED = "/all.rss"
FEEDHUB_SERVE, BARE, NGINX, CACHED = "feedhub serve", "bare ASGI", "nginx", "nginx, proxy_cache"
STATIC_FILES = "StaticFiles"
WARM_UP_SECONDS = 1


class ServerRequest(NamedTuple):
    """A server and one kind of request to it: `304` or `200 gzip`."""

    server: str
    work: str
    target: LoadTarget


def main() -> None:
    """Measure and write bench/results/serve.json and .md."""
    options = parse_options()
    require(options.make, "the program that makes articles")
    compile_modules()
    others = OtherProcesses()
    for name in ("wrk", "nginx"):
        if not servers.find_program(name):
            sys.exit(f"{name} is missing: apt-get install {name}")
    versions = {"nginx": program_version("nginx", "-v"), "wrk": program_version("wrk", "-v")}
    result: dict[str, Any] = {"about": about(**versions), "runs": options.runs}
    result["about"]["figures"] = f"medians of {options.runs} runs"
    result |= {"seconds": options.seconds, "connections": options.connections}
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        measure(Path(folder), options, result)
    result["about"]["others took"] = others.describe()
    write_report(options.results, "serve", result, markdown(result))
    print(markdown(result))


def markdown(result: dict[str, Any]) -> str:
    """Return the tables of a result."""
    names = (
        "response | server | requests/s | / bare ASGI | / nginx | p50 ms | p99 ms | busy | CPU µs"
    )
    lines = [
        f"| {names} |",
        "|---|---|---|---|---|---|---|---|---|",
        *(request_row(row) for row in result["rows"]),
        "",
        "| 304 during | requests/s | p50 ms | p99 ms | p99 / quiet |",
        "|---|---|---|---|---|",
        *(sync_row(name, figures, result["sync"]) for name, figures in result["sync"].items()),
        "",
        *goal_table(serve_goals(result["rows"])),
    ]
    return "\n".join(lines) + "\n"


def request_row(row: dict[str, Any]) -> str:
    """Return the row of a server and a kind of request."""
    rate, p50, p99, busy = row["median"]
    cells = [row["work"], row["server"], f"{rate:,.0f}"]
    cells += [f"{row['of'][name]:.2f}" for name in (BARE, NGINX)]
    cells += [f"{p50:.2f}", f"{p99:.2f}", f"{busy:.0%}", f"{1e6 * busy / rate:.1f}"]
    return f"| {' | '.join(cells)} |"


def sync_row(name: str, figures: list[float], rows: dict[str, list[float]]) -> str:
    """Return the row of the latencies with or without syncs."""
    rate, p50, p99, _ = figures
    ratio = p99 / rows["quiet"][2]
    return f"| {name} | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {ratio:.2f} |"


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--runs", type=int, default=5, help="runs of each; default: 5")
    parser.add_argument("--seconds", type=int, default=5, help="of each run; default: 5")
    parser.add_argument("--connections", type=int, default=32, help="of wrk; default: 32")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, help="makes N articles")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--scratch", type=Path, help="working folder; default: temporary")
    return parser.parse_args()


def program_version(name: str, flag: str) -> str:
    """Return what a program says of its version."""
    return first_line([servers.find_program(name), flag]).partition("Copyright")[0].strip()


def measure(folder: Path, options: argparse.Namespace, result: dict[str, Any]) -> None:
    """Add the rows of all requests and of the latencies during syncs to a result."""
    articles = make_articles(options.make, options.articles, folder / "articles")
    with ExitStack() as stack:
        requests, flags = start_servers(stack, folder, articles)
        loads = measure_in_turns(requests, options)
        result["rows"] = [make_row(request, loads) for request in requests]
        result["sync"] = latencies_during_syncs(articles, flags, requests[0].target, options)


def start_servers(
    stack: ExitStack, folder: Path, articles: Path
) -> tuple[list[ServerRequest], list[object]]:
    """Start every server on the same articles until `stack` ends.

    Returns the requests to measure, feedhub's first, and the flags of a `feedhub sync` that updates
    the catalog that feedhub serves.
    """
    config = write_config(folder, "gzip")
    common: list[object] = ["--config", config, "--base-url", BASE_URL]
    public, catalog = folder / "public", folder / "catalog.sqlite"
    flags = [*common, "--catalog", catalog]
    run_feedhub("render", articles, public, *common, "--catalog", folder / "render.sqlite")
    run_feedhub("sync", articles, *flags)
    server = stack.enter_context(servers.feedhub(folder, catalog, config, FEED))
    return start_others(stack, folder, public, server), flags


def run_feedhub(*words: object) -> None:
    """Run a feedhub command to its end."""
    command = [*FEEDHUB, *(str(word) for word in words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def start_others(
    stack: ExitStack, folder: Path, public: Path, feedhub: RunningServer
) -> list[ServerRequest]:
    """Start the other servers; return the requests to all of them, those of one kind together."""
    start = stack.enter_context
    static = start(servers.static_files(public, folder, FEED))
    running = {
        FEEDHUB_SERVE: feedhub,
        NGINX: start(servers.nginx_static(folder, public, FEED)),
        CACHED: start(servers.nginx_proxy(folder, feedhub, FEED)),
    }
    conditional = [
        ServerRequest(name, "304", conditional_target(server)) for name, server in running.items()
    ]
    conditional.append(ServerRequest(STATIC_FILES, "304", conditional_target(static)))
    # Next to feedhub, for the two are compared and should see the same machine.
    conditional.insert(1, start_bare_app(stack, folder, conditional[0]))
    full = [
        ServerRequest(name, "200 gzip", gzip_target(server)) for name, server in running.items()
    ]
    # StaticFiles knows no content codings: it sends the compressed file.
    full.append(ServerRequest(STATIC_FILES, "200 gzip", gzip_target(static, f"{FEED}.gz")))
    full.insert(1, start_bare_app(stack, folder, full[0]))
    for request in (*conditional, *full):
        check_response(request)
    return conditional + full


def start_bare_app(stack: ExitStack, folder: Path, model: ServerRequest) -> ServerRequest:
    """Return the same request to an application that sends a saved response to anything."""
    path = save_response(model.target.get(), folder / f"{model.work}.json")
    server = stack.enter_context(servers.bare_asgi(path, folder))
    target = model.target._replace(port=server.port, pid=server.pid)
    return ServerRequest(BARE, model.work, target)


def gzip_target(server: RunningServer, target: str = FEED) -> LoadTarget:
    """Return a request that is answered with the compressed document."""
    return LoadTarget(server.port, server.pid, target, ACCEPT_GZIP)


def conditional_target(server: RunningServer) -> LoadTarget:
    """Return a request that is answered with 304."""
    etag = gzip_target(server).get().headers["etag"]
    return gzip_target(server)._replace(headers=ACCEPT_GZIP | {"If-None-Match": etag})


def check_response(request: ServerRequest) -> None:
    """Raise SystemExit if a server does not send the kind of response that is to be measured."""
    response = request.target.get()
    is_gzip = response.headers.get("content-encoding") == "gzip" or ".gz" in request.target.target
    if str(response.status) != request.work[:3] or (response.status == 200 and not is_gzip):
        raise SystemExit(f"{request.server} responds with {response.status}, not {request.work}")


def measure_in_turns(
    requests: list[ServerRequest], options: argparse.Namespace
) -> dict[tuple[str, str], list[LoadResult]]:
    """Return the results of all requests, by server and kind of request, after a warm-up."""
    for request in requests:
        run_wrk(request.target, WARM_UP_SECONDS, options.connections)
    results: dict[tuple[str, str], list[LoadResult]] = {}
    for _ in range(options.runs):
        for request in requests:
            result = run_wrk(request.target, options.seconds, options.connections)
            results.setdefault((request.server, request.work), []).append(result)
    return results


def make_row(
    request: ServerRequest, loads: dict[tuple[str, str], list[LoadResult]]
) -> dict[str, Any]:
    """Return medians and all runs; ratios are medians over rounds, measured at the same time."""
    runs = loads[request.server, request.work]

    def ratio_to(server: str) -> float:
        rounds = zip(runs, loads[server, request.work], strict=True)
        return statistics.median(own.requests / other.requests for own, other in rounds)

    return {
        "work": request.work,
        "server": request.server,
        "median": [statistics.median(figures) for figures in zip(*runs, strict=True)],
        "of": {name: ratio_to(name) for name in (BARE, NGINX)},
        "all": runs,
    }


if __name__ == "__main__":
    main()
