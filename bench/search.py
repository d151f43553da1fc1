"""Measure random searches of a running server: their latency, and the memory of the server.

Also follows all archives by `next_url` and `prev-archive`, and counts the entries.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import feedparser

from bench.environment import (
    BASE_URL,
    FEEDHUB,
    MAKE_CORPUS,
    RESULTS,
    make_articles,
    require,
)
from bench.load_test import http_get, wait_until_ready
from bench.machine import OtherProcesses, about, table
from bench.report import write_report
from bench.servers import free_port

FACETS = ("topic", "provider", "category", "author")
INVALID_QUERIES = ("limit=abc", "since=yesterday", "q=%FF", "q=!!", "all=2", "topic=%zz", "limit=0")
CLIENTS, BATCHES = 8, 10
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "longest": 1.0}


class Labels(NamedTuple):
    """What queries may contain: the slugs of each facet, and words of titles."""

    slugs: dict[str, list[str]]
    words: list[str]


def random_query(dice: random.Random, labels: Labels) -> str:
    """Return a random query, one of twenty an invalid one."""
    if dice.random() < 0.05:
        return dice.choice(INVALID_QUERIES)
    pairs = [
        (facet, random_label(dice, labels, facet))
        for facet in FACETS
        for _ in range(random_count(dice))
    ]
    pairs += [(f"not_{f}", random_label(dice, labels, f)) for f in FACETS if dice.random() < 0.1]
    pairs += [("all", "1")] if dice.random() < 0.2 else []
    pairs += [("min_quality", str(dice.randint(0, 100)))] if dice.random() < 0.2 else []
    pairs += [("since", f"20{dice.randint(18, 21)}-01-01")] if dice.random() < 0.2 else []
    pairs += [("limit", str(dice.randint(1, 200)))] if dice.random() < 0.5 else []
    pairs += [("q", random_words(dice, labels))] if dice.random() < 0.5 else []
    dice.shuffle(pairs)
    return "&".join(f"{name}={quote(text)}" for name, text in pairs)


def random_count(dice: random.Random) -> int:
    """Return a small number, 0 in half of the cases."""
    return dice.choice((0, 0, 0, 0, 1, 1, 2, 5))


def random_label(dice: random.Random, labels: Labels, facet: str) -> str:
    """Return the slug of a label, one of twenty unknown."""
    slugs = labels.slugs.get(facet)
    return dice.choice(slugs) if slugs and dice.random() < 0.95 else "nobody"


def random_words(dice: random.Random, labels: Labels) -> str:
    """Return one to three words, as a phrase, as prefixes, plain or excluded."""
    words = [dice.choice(labels.words) for _ in range(dice.randint(1, 3))]
    kind = dice.random()
    if kind < 0.3:
        return f'"{" ".join(words)}"'
    if kind < 0.6:
        return " ".join(f"{word[: dice.randint(1, 3)]}*" for word in words)
    return f"{'-' * (kind > 0.9)}{' '.join(words)}"


class SearchResult(NamedTuple):
    """Responses by status, their seconds in ascending order, kilobytes after each batch."""

    statuses: Counter[int]
    seconds: list[float]
    memory: list[int]

    def percentile(self, part: float) -> float:
        """Return the milliseconds within which a part of the responses, from 0 to 1, came."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * part))] * 1e3


def search(port: int, pid: int, labels: Labels, number: int) -> SearchResult:
    """Send a number of random queries from several clients, and measure memory in between."""
    batch = number // (BATCHES * CLIENTS)

    def client(seed: int) -> list[tuple[int, float]]:
        dice = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        responses = [send_query(connection, dice, labels) for _ in range(batch)]
        connection.close()
        return responses

    responses, memory = [], [read_memory(pid, "VmRSS")]
    with ThreadPoolExecutor(CLIENTS) as clients:
        for number in range(BATCHES):
            seeds = range(number * CLIENTS, (number + 1) * CLIENTS)
            responses += [one for batch in clients.map(client, seeds) for one in batch]
            memory.append(read_memory(pid, "VmRSS"))
    return SearchResult(
        statuses=Counter(status for status, _ in responses),
        seconds=sorted(seconds for _, seconds in responses),
        memory=[*memory, read_memory(pid, "VmHWM")],
    )


def send_query(
    connection: http.client.HTTPConnection, dice: random.Random, labels: Labels
) -> tuple[int, float]:
    """Send a random query; return the status of the response and its seconds."""
    path = dice.choice(("/search.rss", "/search.atom", "/search.json", "/search/"))
    query, start = random_query(dice, labels), time.perf_counter()
    connection.request("GET", f"{path}?{query}")
    reply = connection.getresponse()
    reply.read()
    return reply.status, time.perf_counter() - start


def read_memory(pid: int, name: str) -> int:
    """Return a field of /proc/PID/status in kilobytes (proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def labels_of(fetch: Callable[[str], bytes]) -> Labels:
    """Return what queries may contain, from the list of feeds and the newest articles."""
    slugs: dict[str, list[str]] = {}
    folders = {"topics": "topic", "providers": "provider", "categories": "category"}
    for url in fetch("/feeds.opml").decode().split('xmlUrl="')[1:]:
        path = urlsplit(url.partition('"')[0]).path.strip("/")
        folder, _, name = path.partition("/")
        kind = folders.get(folder, "author")
        if name:
            slugs.setdefault(kind, []).append(name.rpartition(".")[0])
    items = json.loads(fetch("/all.json"))["items"]
    words = sorted({word for item in items for word in item["title"].split() if word.isalpha()})
    return Labels(slugs, words)


def walk_json(fetch: Callable[[str], bytes], path: str) -> Iterator[str]:
    """Yield the ids of a feed and of all that follow it by `next_url` (JSON Feed 1.1)."""
    while path:
        feed = json.loads(fetch(path))
        yield from (item["id"] for item in feed["items"])
        path = urlsplit(feed.get("next_url", "")).path


def walk_atom(fetch: Callable[[str], bytes], path: str) -> Iterator[str]:
    """Yield the ids of a feed and of all that precede it by `prev-archive` (RFC 5005, 4)."""
    while path:
        parsed = feedparser.parse(fetch(path))
        yield from (entry.id for entry in parsed.entries)
        links = {link.rel: link.href for link in parsed.feed.links}
        path = urlsplit(links.get("prev-archive", "")).path


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write bench/results/search.*; return 1 if a response was a server error."""
    options = parse_options(arguments)
    maker = require(options.make, "the program that makes articles")
    others = OtherProcesses()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = make_articles(maker, options.articles, folder / "articles")
        catalog, port = folder / "catalog.db", free_port()
        flags = ["--catalog", str(catalog), "--base-url", BASE_URL]
        subprocess.run(
            [*FEEDHUB, "sync", str(source), *flags], check=True, stdout=subprocess.DEVNULL
        )
        command = [*FEEDHUB, "serve", *flags, "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_until_ready(port, "/all.json")
                result = measure(port, server.pid, options)
            finally:
                server.terminate()
    result["about"] = about(**{"others took": others.describe()})
    write_report(options.results, "search", result, markdown(result))
    print(f"{markdown(result)}\n{table(result['about'])}")
    return 1 if any(int(status) >= 500 for status in result["answers"]) else 0


def measure(port: int, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the result of all searches, and of following the archives."""

    def fetch(path: str) -> bytes:
        return http_get(port, path, {}).body

    searches = search(port, pid, labels_of(fetch), options.queries)
    walks = {
        "next_url": list(walk_json(fetch, "/all.json")),
        "prev-archive": list(walk_atom(fetch, "/all.atom")),
    }
    return {
        "articles": options.articles,
        "clients": CLIENTS,
        "answers": {str(status): count for status, count in sorted(searches.statuses.items())},
        "milliseconds": {name: searches.percentile(part) for name, part in PERCENTILES.items()},
        "megabytes": [round(kilobytes / 1024) for kilobytes in searches.memory],
        "walks": {name: [len(ids), len(set(ids))] for name, ids in walks.items()},
    }


def markdown(result: dict[str, Any]) -> str:
    """Return the table of a result."""
    responses = ", ".join(f"{count:,} × {status}" for status, count in result["answers"].items())
    times = ", ".join(f"{name} {value:.1f}" for name, value in result["milliseconds"].items())
    *memory, peak = result["megabytes"]
    rows = [
        ("articles, clients", f"{result['articles']:,}, {result['clients']}"),
        ("responses", responses),
        ("milliseconds", times),
        (f"megabytes before, and after each {100 // BATCHES} %", ", ".join(map(str, memory))),
        ("megabytes at most", str(peak)),
    ]
    for name, (entries, ids) in result["walks"].items():
        rows.append((f"entries found by `{name}`, distinct ones", f"{entries:,}, {ids:,}"))
    lines = [f"| {name} | {value} |" for name, value in rows]
    return "\n".join(["| figure | measured |", "|---|---|", *lines, ""])


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line, or of `arguments`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000, metavar="N")
    parser.add_argument("--queries", type=int, default=10_000, metavar="N")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, metavar="PROGRAM")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
