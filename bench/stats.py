"""How fast `feedhub stats` reads large logs, in how much memory, and that it tells the truth.

    python -m bench.stats

The logs are made: what they hold is known, and the benchmark ends where the report says otherwise.
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

from bench.machine import about, table
from bench.measure import median, run
from bench.others import Others
from bench.places import FEEDHUB, RESULTS
from bench.report import write_report

_START = 1_790_000_000
_FEEDS = 120
_SIZE = 41_234
_AGENTS = (
    "NetNewsWire (RSS Reader; https://netnewswire.com/)",
    "Mozilla/5.0 (compatible; Miniflux/2.2.3; +https://miniflux.app)",
    "FreshRSS/1.26.1 (Linux; https://freshrss.org)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
)
_SERVICE = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {} subscribers; like FeedFetcher)"
_COMBINED = '{} - - [{}] "GET /topics/t{}.rss HTTP/2.0" {} {} "-" "{}"\n'
_JSON = (
    '{{"time":"{1}","client":"{0}","method":"GET","target":"/topics/t{2}.rss","status":{3},'
    '"bytes":{4},"seconds":0.000,"cache":"HIT","coding":"gzip","agent":"{5}"}}\n'
)


@dataclass
class Truth:
    """What the report of a made log must say."""

    lines: int = 0
    unchanged: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    reported: int = 0
    readers: int = 0


def main() -> None:
    """Measure, and write bench/results/stats.json and .md."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000, help="size of the largest log")
    parser.add_argument("--days", type=int, default=14, help="days of which a log tells")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="folder with room for the logs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    others = Others()
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        rows = [_measured(Path(folder), name, options) for name in _LOGS]
    told: dict[str, Any] = {"about": about(**{"others took": others.told()}), "rows": rows}
    write_report(options.results, "stats", told, markdown(told))
    print(f"{markdown(told)}\n{table(told['about'])}")


def _measured(folder: Path, name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Make one log, compare what is told of it with what is in it, and measure."""
    make, part = _LOGS[name]
    place = folder / "access.log"
    truth = make(place, options.megabytes * 1_000_000 // part, 24 * options.days)
    words = " ".join(shlex.quote(str(word)) for word in (*FEEDHUB, "stats", place, "--json"))
    out = folder / "report.json"
    runs = []
    for _ in range(options.runs):
        runs.append(run(["sh", "-c", f"exec {words} > {shlex.quote(str(out))}"]))
        _check(name, json.loads(out.read_text(encoding="utf-8")), truth)
    found = median(runs)
    row = {"log": name, "bytes": place.stat().st_size, "lines": truth.lines}
    place.unlink()
    return row | {"wall": found.wall, "cpu": found.cpu, "memory": found.memory}


def _check(name: str, told: dict[str, Any], truth: Truth) -> None:
    feeds = {row["feed"]: row["served"] for row in told["feeds"]}
    audience = told["audience"]
    wrong = [
        told["answers"] != truth.lines or told["unreadable"],
        {feed: served["requests"] for feed, served in feeds.items()} != truth.requests,
        {feed: served["unchanged"] for feed, served in feeds.items()} != truth.unchanged,
        audience["reported"] != truth.reported,
        abs(audience["single"] - truth.readers) > 4 * audience["error"] * truth.readers,
        any(_saved(row) != row["saved"] for row in feeds.values()),
    ]
    if any(wrong):
        raise SystemExit(f"{name}: the report is wrong: {wrong}")


def _saved(served: dict[str, Any]) -> int:
    return (int(served["unchanged"]) - int(served["unpriced"])) * _SIZE


def markdown(told: dict[str, Any]) -> str:
    """Return the table."""
    lines = [
        "| log | MB | lines | wall s | CPU s | lines/s of a core | MB/s of a core | peak MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in told["rows"]:
        size, cpu = row["bytes"] / 1e6, row["cpu"]
        lines.append(
            f"| {row['log']} | {size:,.0f} | {row['lines']:,} | {row['wall']:.1f} | {cpu:.1f} "
            f"| {row['lines'] / cpu:,.0f} | {size / cpu:.0f} | {row['memory']:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _combined(place: Path, size: int, hours: int) -> Truth:
    with place.open("w", encoding="ascii") as file:
        return _written(file, size, hours, _COMBINED, "%d/%b/%Y:%H:%M:%S +0000")


def _packed(place: Path, size: int, hours: int) -> Truth:
    with gzip.open(place, "wt", 1, encoding="ascii") as file:
        return _written(file, size, hours, _COMBINED, "%d/%b/%Y:%H:%M:%S +0000")


def _nginx(place: Path, size: int, hours: int) -> Truth:
    with place.open("w", encoding="ascii") as file:
        return _written(file, size, hours, _JSON, "%Y-%m-%dT%H:%M:%S+00:00")


def _written(file: Any, size: int, hours: int, line: str, clock: str) -> Truth:
    """Write readers who ask for their feeds every hour, and a service that asks for each feed."""
    chance, truth = random.Random(1), Truth()
    people = max(10, size // (hours * 152))
    asks = [
        (f"198.{n >> 16}.{n >> 8 & 255}.{n & 255}", n % _FEEDS if n % 4 else 0, _AGENTS[n % 5])
        for n in range(people)
    ]
    asks += [("203.0.113.5", feed, _SERVICE.format(feed + 5)) for feed in range(_FEEDS)]
    truth.readers, truth.reported = people, sum(range(5, _FEEDS + 5))
    for hour in range(hours):
        chance.shuffle(asks)
        for place, (address, feed, agent) in enumerate(asks):
            new = place % 6 == hour % 6
            second = _START + hour * 3600 + place * 3600 // len(asks)
            status, sent = (200, _SIZE) if new else (304, 0)
            file.write(line.format(address, _moment(second, clock), feed, status, sent, agent))
            truth.requests[f"topics/t{feed}"] += 1
            truth.unchanged[f"topics/t{feed}"] += not new
    truth.lines = hours * len(asks)
    return truth


_moments: dict[int, str] = {}


def _moment(second: int, clock: str) -> str:
    if second not in _moments:
        _moments.clear()
        _moments[second] = time.strftime(clock, time.gmtime(second))
    return _moments[second]


def _strangers(place: Path, size: int, hours: int) -> Truth:
    """Write a log in which each line is another reader's, with a User-Agent of its own."""
    truth, people = Truth(), size // 150
    with place.open("w", encoding="ascii") as file:
        for number in range(people):
            address = f"2001:db8:{number >> 16:x}:{number & 65535:x}::1"
            agent = f"Reader{number}/1.0 (+https://reader.example/{number})"
            status, sent = (304, 0) if number else (200, _SIZE)
            when = _moment(_START + number * hours * 3600 // people, "%d/%b/%Y:%H:%M:%S +0000")
            file.write(_COMBINED.format(address, when, 0, status, sent, agent))
            truth.requests["topics/t0"] += 1
            truth.unchanged["topics/t0"] += number > 0
            truth.lines += 1
    truth.readers = truth.lines * min(hours, 7 * 24) // hours
    return truth


_LOGS = {
    "combined": (_combined, 1),
    "combined, gzip": (_packed, 4),
    "JSON of deploy/nginx": (_nginx, 4),
    "every line another reader's": (_strangers, 20),
}


if __name__ == "__main__":
    main()
