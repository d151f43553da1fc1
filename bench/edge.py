"""Measure feedhub behind Varnish: how soon a change is visible there, and what the server gets.

`python -m bench.edge` starts Varnish with deploy/varnish/feedhub.vcl before `feedhub serve`. First
articles are published and withdrawn one by one. Then clients poll for a day, which takes a minute
and a half: a second stands for a quarter of an hour, `max_age` and all other times included. Once
the cache is purged and keeps documents for a day, once it is not.
"""

from __future__ import annotations

import argparse
import http.client
import random
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.environment import FEEDHUB
from bench.machine import ROOT, about, table
from bench.report import write_report
from bench.servers import free_port

TOPICS, LABELS = 40, 3
# A second of the simulated day is a quarter of an hour.
QUARTERS = 96
CODINGS, SHARES = ("gzip", "br", "identity"), (0.8, 0.15, 0.05)
SUFFIXES, WEIGHTS = (".rss", ".atom", ".json"), (0.6, 0.35, 0.05)
TIMEOUT = 30.0


class Site:
    """A folder of articles about some of the topics each."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self._count = count
        folder.mkdir()
        for number in range(count):
            self.write(number)

    def write(self, number: int, *, draft: bool = False) -> None:
        """Write an article, or withdraw it by its flag."""
        topics = [f"T{(number * 7 + step * 11) % TOPICS}" for step in range(LABELS)]
        year = 2026 if number >= self._count else 2020 + number % 6
        minute, hour = number % 60, number // 60 % 24
        text = (
            f"---\ntitle: Number {number}\npublishedDateTime: {year}-0{1 + number % 9}-10T"
            f"{hour:02}:{minute:02}:00Z\nwebUrl: https://news.example/{number}\n"
            f"topics: [{', '.join(topics)}]\ndraft: {str(draft).lower()}\n---\n{'Text. ' * 200}"
        )
        path = self.folder / f".{number}.new"  # names that begin with a dot are not read
        path.write_text(text, encoding="utf-8")
        path.replace(self.folder / f"{number}.md")


@contextmanager
def edge(folder: Path, site: Site, toml: str) -> Iterator[tuple[int, int]]:
    """Run Varnish before a server; yield the port of Varnish and that of the metrics."""
    port, admin, front = free_port(), free_port(), free_port()
    vcl = (ROOT / "deploy/varnish/feedhub.vcl").read_text(encoding="utf-8")
    place = f'.host = "127.0.0.1"; .port = "{port}";'
    (folder / "feedhub.vcl").write_text(
        vcl.replace('.path = "/run/feedhub/serve.sock";', place), encoding="utf-8"
    )
    (folder / "feedhub.toml").write_text(toml.replace("FRONT", str(front)), encoding="utf-8")
    server = [*FEEDHUB, "serve", site.folder, "--catalog", folder / "catalog.sqlite"]
    server += ["--config", folder / "feedhub.toml", "--base-url", "https://feeds.example.org"]
    server += ["--port", port, "--admin", f"127.0.0.1:{admin}"]
    cache = ["varnishd", "-j", "none", "-F", "-n", folder / "varnish", "-f", folder / "feedhub.vcl"]
    cache += ["-a", f"127.0.0.1:{front}", "-s", "malloc,128m", "-p", "http_gzip_support=off"]
    with (folder / "log").open("wb") as log:
        processes = [
            subprocess.Popen([str(word) for word in command], stdout=log, stderr=log)
            for command in (server, cache)
        ]
        try:
            until(lambda: get(front, "/all.json")[0] == 200, "it is not up")
            yield front, admin
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(TIMEOUT)


def get(port: int, path: str, coding: str = "identity") -> tuple[int, bytes]:
    """Return the status and the body of a response of 127.0.0.1, 0 without one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": coding})
        reply = connection.getresponse()
        return reply.status, reply.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


def until(look: Callable[[], bool], what: str) -> float:
    """Wait until `look` is true, and return the seconds that took."""
    start = time.monotonic()
    while not look():
        if time.monotonic() - start > TIMEOUT:
            raise SystemExit(f"{what} within {TIMEOUT:.0f} seconds")
        time.sleep(0.005)
    return time.monotonic() - start


def measure_changes(folder: Path, articles: int, changes: int) -> dict[str, list[float]]:
    """Publish and withdraw articles, and return the seconds until the cache shows each change."""
    site = Site(folder / "articles", articles)
    seconds: dict[str, list[float]] = {"publish": [], "withdrawal": []}
    toml = '[purge]\nservice = "varnish"\nendpoint = ["http://127.0.0.1:FRONT/"]\n'
    with edge(folder, site, toml) as (front, _):
        time.sleep(4)  # the first sync is purged twice
        for number in range(articles, articles + changes):
            mark = f"news.example/{number}".encode()

            def shown(mark: bytes = mark) -> bool:
                return mark in get(front, "/all.json")[1]

            for draft, found in ((False, seconds["publish"]), (True, seconds["withdrawal"])):
                get(front, "/all.json")
                site.write(number, draft=draft)
                found.append(until(lambda draft=draft: shown() is not draft, "it was not shown"))
                time.sleep(random.uniform(2.2, 2.8))
    return seconds


def measure_polls(folder: Path, articles: int, polls: int, *, purges: bool) -> dict[str, float]:
    """Poll for a day while an article appears every hour; return what the server got."""
    site = Site(folder / "articles", articles)
    toml = "[http]\nmax_age = 1\nstale_while_revalidate = 0\nstale_if_error = 4\n"
    if purges:
        toml += '[purge]\nservice = "varnish"\nendpoint = ["http://127.0.0.1:FRONT/"]\n'
    choose = random.Random(2)
    feeds = ["/all", *(f"/topics/t{number}" for number in range(TOPICS))]
    popular = [1 / rank for rank in range(1, len(feeds) + 1)]
    requests = [
        (feed + suffix, coding)
        for feed, suffix, coding in zip(
            choose.choices(feeds, popular, k=polls),
            choose.choices(SUFFIXES, WEIGHTS, k=polls),
            choose.choices(CODINGS, SHARES, k=polls),
            strict=True,
        )
    ]
    with edge(folder, site, toml) as (front, admin):
        time.sleep(4)
        before, failed = requests_of(admin), 0
        publisher = threading.Thread(target=publish_hourly, args=(site, articles))
        publisher.start()
        start = time.monotonic()
        for number, (path, coding) in enumerate(requests):
            time.sleep(max(0.0, start + number * QUARTERS / polls - time.monotonic()))
            failed += get(front, path, coding)[0] != 200
        publisher.join()
        at_server = requests_of(admin) - before
    return {"requests": at_server * 10_000 / polls, "failed": failed}


def publish_hourly(site: Site, first: int) -> None:
    """Add an article every four seconds, an hour of the simulated day."""
    start = time.monotonic()
    for hour in range(QUARTERS // 4):
        time.sleep(max(0.0, start + 4 * hour + 2 - time.monotonic()))
        site.write(first + hour)


def requests_of(admin: int) -> float:
    """Return how many requests a server has answered."""
    text = get(admin, "/metrics")[1].decode()
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("feedhub_requests_total{")
    )


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--articles", type=int, default=300, help="articles (%(default)s)")
    parser.add_argument(
        "--changes", type=int, default=40, help="changes of each sort (%(default)s)"
    )
    parser.add_argument("--polls", type=int, default=10_000, help="polls of a day (%(default)s)")
    parser.add_argument("--results", type=Path, default=ROOT / "bench/results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / part for part in ("changes", "with", "without")]
        for folder in folders:
            folder.mkdir()
        changes = measure_changes(folders[0], options.articles, options.changes)
        polls = {
            "with purges": measure_polls(folders[1], options.articles, options.polls, purges=True),
            "without": measure_polls(folders[2], options.articles, options.polls, purges=False),
        }
    result: dict[str, Any] = {
        "about": about(), "articles": options.articles, "changes": changes, "polls": polls,
    }  # fmt: skip
    lines = ["| visible at the cache | p50 | p99 | slowest |", "|---|---|---|---|"]
    for kind, seconds in changes.items():
        ordered = sorted(seconds)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        lines.append(
            f"| {kind} | {statistics.median(ordered):.2f} s | {p99:.2f} s | {ordered[-1]:.2f} s |"
        )
    lines += ["", "| of 10,000 polls reach the server | requests | failed |", "|---|---|---|"]
    lines += [
        f"| {kind} | {row['requests']:,.0f} | {row['failed']:,.0f} |" for kind, row in polls.items()
    ]
    markdown = "\n".join(lines)
    write_report(options.results, "edge", result, f"{markdown}\n")
    print(markdown)
    print(table(result["about"]))


if __name__ == "__main__":
    main()
