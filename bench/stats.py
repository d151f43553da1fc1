"""Measure how fast `feedhub stats` reads large logs, in how much memory, and check its reports.

    python -m bench.stats

The logs are generated, so their totals are known; the benchmark ends if a report differs from them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shlex
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.environment import FEEDHUB, RESULTS
from bench.machine import OtherProcesses, about, table
from bench.measure import median, run
from bench.report import write_report

START = 1_790_000_000
FEEDS = 120
FEED_BYTES = 41_234
AGENTS = (
    "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "Mozilla/5.0 (compatible; Miniflux/2.2.3; +https://miniflux.app)",
    "FreshRSS/1.26.1 (Linux; https://freshrss.org)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
)
SERVICE = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {} subscribers; like FeedFetcher)"
COMBINED = '{} - - [{}] "GET /topics/t{}.rss HTTP/2.0" {} {} "-" "{}"\n'
COMBINED_TIME = "%d/%b/%Y:%H:%M:%S +0000"
NGINX_JSON = (
    '{{"time":"{1}","client":"{0}","method":"GET","target":"/topics/t{2}.rss","status":{3},'
    '"bytes":{4},"seconds":0.000,"cache":"HIT","coding":"gzip","agent":"{5}"}}\n'
)


@dataclass
class Totals:
    """What the report of a generated log must state."""

    lines: int = 0
    not_modified: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    reported: int = 0
    individuals: int = 0

    def add(self, feed: str, status: int) -> None:
        """Add one line."""
        self.lines += 1
        self.requests[feed] += 1
        self.not_modified[feed] += status == 304


def main() -> None:
    """Measure, and write bench/results/stats.json and .md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the largest log")
    parser.add_argument("--days", type=int, default=14, help="days that a log covers")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="folder for the logs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    others = OtherProcesses()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        rows = [measure(Path(folder), name, options) for name in LOGS]
    result: dict[str, Any] = {"about": about(**{"others took": others.describe()}), "rows": rows}
    write_report(options.results, "stats", result, markdown(result))
    print(f"{markdown(result)}\n{table(result['about'])}")


def measure(folder: Path, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Write one log, check its report, and return the row of its measurements."""
    write, divisor = LOGS[name]
    path, out = folder / "access.log", folder / "report.json"
    totals = write(path, options.megabytes * 1_000_000 // divisor, 24 * options.days)
    command = " ".join(shlex.quote(str(word)) for word in (*FEEDHUB, "stats", path, "--json"))
    runs = []
    for _ in range(options.runs):
        runs.append(run(["sh", "-c", f"exec {command} > {shlex.quote(str(out))}"]))
        check(name, json.loads(out.read_text(encoding="utf-8")), totals)
    figures = median(runs)
    row = {"log": name, "bytes": path.stat().st_size, "lines": totals.lines}
    path.unlink()
    return row | {"wall": figures.wall, "cpu": figures.cpu, "memory": figures.memory}


def check(name: str, report: dict[str, Any], totals: Totals) -> None:
    """Raise SystemExit if a report differs from the totals of its log."""
    feeds = {row["feed"]: row["traffic"] for row in report["feeds"]}
    audience = report["audience"]
    error = abs(audience["individuals"] - totals.individuals)
    differences = [
        report["requests"] != totals.lines or report["unreadable_lines"],
        {feed: row["requests"] for feed, row in feeds.items()} != totals.requests,
        {feed: row["not_modified"] for feed, row in feeds.items()} != totals.not_modified,
        audience["reported"] != totals.reported,
        error > 4 * audience["error"] * totals.individuals,
        any(
            (row["not_modified"] - row["savings_unknown"]) * FEED_BYTES != row["bytes_saved"]
            for row in feeds.values()
        ),
    ]
    if any(differences):
        raise SystemExit(f"{name}: the report is wrong: {differences}")


def markdown(result: dict[str, Any]) -> str:
    """Return the table of a result."""
    lines = [
        "| log | MB | lines | wall s | CPU s | lines/s of a core | MB/s of a core | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        size, cpu = row["bytes"] / 1e6, row["cpu"]
        lines.append(
            f"| {row['log']} | {size:,.0f} | {row['lines']:,} | {row['wall']:.1f} | {cpu:.1f} "
            f"| {row['lines'] / cpu:,.0f} | {size / cpu:.0f} | {row['memory']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def write_combined(path: Path, size: int, hours: int) -> Totals:
    """Write a log in the combined format."""
    with path.open("w", encoding="ascii") as file:
        return write_lines(file, size, hours, COMBINED, COMBINED_TIME)


def write_gzip(path: Path, size: int, hours: int) -> Totals:
    """Write a compressed log in the combined format."""
    with gzip.open(path, "wt", 1, encoding="ascii") as file:
        return write_lines(file, size, hours, COMBINED, COMBINED_TIME)


def write_json(path: Path, size: int, hours: int) -> Totals:
    """Write a log in the JSON of deploy/nginx."""
    with path.open("w", encoding="ascii") as file:
        return write_lines(file, size, hours, NGINX_JSON, "%Y-%m-%dT%H:%M:%S+00:00")


def write_lines(file: Any, size: int, hours: int, line: str, time_format: str) -> Totals:
    """Write readers that poll their feed every hour, and a service that polls every feed."""
    dice, totals = random.Random(1), Totals()
    people = max(10, size // (hours * 152))
    polls = [
        (f"198.{n >> 16}.{n >> 8 & 255}.{n & 255}", n % FEEDS if n % 4 else 0, AGENTS[n % 5])
        for n in range(people)
    ]
    polls += [("203.0.113.5", feed, SERVICE.format(feed + 5)) for feed in range(FEEDS)]
    totals.individuals, totals.reported = people, sum(range(5, FEEDS + 5))
    for hour in range(hours):
        dice.shuffle(polls)
        for index, (address, feed, agent) in enumerate(polls):
            second = START + hour * 3600 + index * 3600 // len(polls)
            status, sent = (200, FEED_BYTES) if index % 6 == hour % 6 else (304, 0)
            when = format_time(second, time_format)
            file.write(line.format(address, when, feed, status, sent, agent))
            totals.add(f"topics/t{feed}", status)
    return totals


_formatted: dict[int, str] = {}


def format_time(second: int, time_format: str) -> str:
    """Return a time as text; lines of one second share it."""
    if second not in _formatted:
        _formatted.clear()
        _formatted[second] = time.strftime(time_format, time.gmtime(second))
    return _formatted[second]


def write_strangers(path: Path, size: int, hours: int) -> Totals:
    """Write a log in which every line has an address and a User-Agent of its own."""
    totals, people = Totals(), size // 150
    with path.open("w", encoding="ascii") as file:
        for number in range(people):
            address = f"2001:db8:{number >> 16:x}:{number & 65535:x}::1"
            agent = f"Reader{number}/1.0 (+https://reader.example/{number})"
            status, sent = (304, 0) if number else (200, FEED_BYTES)
            when = format_time(START + number * hours * 3600 // people, COMBINED_TIME)
            file.write(COMBINED.format(address, when, 0, status, sent, agent))
            totals.add("topics/t0", status)
    totals.individuals = totals.lines * min(hours, 7 * 24) // hours
    return totals


# How each log is written, and the part of --megabytes that it is.
LOGS = {
    "combined": (write_combined, 1),
    "combined, gzip": (write_gzip, 4),
    "JSON of deploy/nginx": (write_json, 4),
    "every line another reader's": (write_strangers, 20),
}


if __name__ == "__main__":
    main()
