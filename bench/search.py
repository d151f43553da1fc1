"""Random searches of a running server: how long each takes, and what they cost it in memory.

Also walks through all archives by `next_url` and `prev-archive`, and counts what it meets.
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

from bench.asking import ask, wait_for
from bench.machine import about, table
from bench.others import Others
from bench.places import BASE_URL, FEEDHUB, MAKE_CORPUS, RESULTS, make_articles, need
from bench.report import write_report
from bench.servers import free_port

FACETS = ("topic", "provider", "category", "author")
NONSENSE = ("limit=abc", "since=yesterday", "q=%FF", "q=!!", "all=2", "topic=%zz", "limit=0")
_CLIENTS, _PORTIONS = 8, 10
_PARTS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "longest": 1.0}


class Labels(NamedTuple):
    """What can be asked for: the slugs of each facet, and words that stand in titles."""

    slugs: dict[str, list[str]]
    words: list[str]


def random_query(dice: random.Random, labels: Labels) -> str:
    """Return a query that nobody has thought of: mostly sense, some nonsense."""
    if dice.random() < 0.05:
        return dice.choice(NONSENSE)
    pairs = [(facet, _label(dice, labels, facet)) for facet in FACETS for _ in range(_few(dice))]
    pairs += [(f"not_{f}", _label(dice, labels, f)) for f in FACETS if dice.random() < 0.1]
    pairs += [("all", "1")] if dice.random() < 0.2 else []
    pairs += [("min_quality", str(dice.randint(0, 100)))] if dice.random() < 0.2 else []
    pairs += [("since", f"20{dice.randint(18, 21)}-01-01")] if dice.random() < 0.2 else []
    pairs += [("limit", str(dice.randint(1, 200)))] if dice.random() < 0.5 else []
    pairs += [("q", _words(dice, labels))] if dice.random() < 0.5 else []
    dice.shuffle(pairs)
    return "&".join(f"{name}={quote(text)}" for name, text in pairs)


def _few(dice: random.Random) -> int:
    return dice.choice((0, 0, 0, 0, 1, 1, 2, 5))


def _label(dice: random.Random, labels: Labels, facet: str) -> str:
    known = labels.slugs.get(facet)
    return dice.choice(known) if known and dice.random() < 0.95 else "nobody"


def _words(dice: random.Random, labels: Labels) -> str:
    words = [dice.choice(labels.words) for _ in range(dice.randint(1, 3))]
    kind = dice.random()
    if kind < 0.3:
        return f'"{" ".join(words)}"'
    if kind < 0.6:
        return " ".join(f"{word[: dice.randint(1, 3)]}*" for word in words)
    return f"{'-' * (kind > 0.9)}{' '.join(words)}"


class Told(NamedTuple):
    """What came of many searches: answers by status, seconds in order, memory between portions."""

    statuses: Counter[int]
    seconds: list[float]
    memory: list[int]

    def percentile(self, part: float) -> float:
        """Return the milliseconds within which this part of the answers came."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * part))] * 1e3


def search(port: int, pid: int, labels: Labels, number: int) -> Told:
    """Ask so many random queries, several at once; kilobytes are read after each portion."""
    portion = number // (_PORTIONS * _CLIENTS)

    def client(seed: int) -> list[tuple[int, float]]:
        dice = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        found = [_asked(connection, dice, labels) for _ in range(portion)]
        connection.close()
        return found

    answers, memory = [], [_memory(pid, "VmRSS")]
    with ThreadPoolExecutor(_CLIENTS) as clients:
        for place in range(_PORTIONS):
            seeds = range(place * _CLIENTS, (place + 1) * _CLIENTS)
            answers += [one for found in clients.map(client, seeds) for one in found]
            memory.append(_memory(pid, "VmRSS"))
    return Told(
        statuses=Counter(status for status, _ in answers),
        seconds=sorted(seconds for _, seconds in answers),
        memory=[*memory, _memory(pid, "VmHWM")],
    )


def _asked(
    connection: http.client.HTTPConnection, dice: random.Random, labels: Labels
) -> tuple[int, float]:
    path = dice.choice(("/search.rss", "/search.atom", "/search.json", "/search/"))
    query, start = random_query(dice, labels), time.perf_counter()
    connection.request("GET", f"{path}?{query}")
    reply = connection.getresponse()
    reply.read()
    return reply.status, time.perf_counter() - start


def _memory(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def labels_of(fetch: Callable[[str], bytes]) -> Labels:
    """Return what can be asked for, from the list of feeds and the newest articles."""
    slugs: dict[str, list[str]] = {}
    folders = {"topics": "topic", "providers": "provider", "categories": "category"}
    for address in fetch("/feeds.opml").decode().split('xmlUrl="')[1:]:
        path = urlsplit(address.partition('"')[0]).path.strip("/")
        folder, _, name = path.partition("/")
        kind = folders.get(folder, "author")
        if name:
            slugs.setdefault(kind, []).append(name.rpartition(".")[0])
    items = json.loads(fetch("/all.json"))["items"]
    words = sorted({word for item in items for word in item["title"].split() if word.isalpha()})
    return Labels(slugs, words)


def walk_json(fetch: Callable[[str], bytes], path: str) -> Iterator[str]:
    """Yield the id of every item from a feed on, by `next_url` (JSON Feed 1.1)."""
    while path:
        feed = json.loads(fetch(path))
        yield from (item["id"] for item in feed["items"])
        path = urlsplit(feed.get("next_url", "")).path


def walk_atom(fetch: Callable[[str], bytes], path: str) -> Iterator[str]:
    """Yield the id of every entry from a feed on, by `prev-archive` (RFC 5005, 4)."""
    while path:
        parsed = feedparser.parse(fetch(path))
        yield from (entry.id for entry in parsed.entries)
        links = {link.rel: link.href for link in parsed.feed.links}
        path = urlsplit(links.get("prev-archive", "")).path


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write bench/results/search.*; 1 where an answer was a fault of the server."""
    options = _options(arguments)
    maker = need(options.make, "the program that makes articles")
    others = Others()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = make_articles(maker, options.articles, folder / "articles")
        catalog, port = folder / "catalog.db", free_port()
        flags = ["--catalog", str(catalog), "--base-url", BASE_URL]
        subprocess.run(
            [*FEEDHUB, "sync", str(source), *flags], check=True, stdout=subprocess.DEVNULL
        )
        command = [*FEEDHUB, "serve", *flags, "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for(port, "/all.json")
                told = _measured(port, server.pid, options)
            finally:
                server.terminate()
    told["about"] = about(**{"others took": others.told()})
    write_report(options.results, "search", told, markdown(told))
    print(f"{markdown(told)}\n{table(told['about'])}")
    return 1 if any(int(status) >= 500 for status in told["answers"]) else 0


def _measured(port: int, pid: int, options: argparse.Namespace) -> dict[str, Any]:
    def fetch(path: str) -> bytes:
        return ask(port, path, {}).body

    told = search(port, pid, labels_of(fetch), options.queries)
    walks = {
        "next_url": list(walk_json(fetch, "/all.json")),
        "prev-archive": list(walk_atom(fetch, "/all.atom")),
    }
    return {
        "articles": options.articles,
        "clients": _CLIENTS,
        "answers": {str(status): count for status, count in sorted(told.statuses.items())},
        "milliseconds": {name: told.percentile(part) for name, part in _PARTS.items()},
        "megabytes": [round(kilobytes / 1024) for kilobytes in told.memory],
        "walks": {name: [len(ids), len(set(ids))] for name, ids in walks.items()},
    }


def markdown(told: dict[str, Any]) -> str:
    """Return the results as rows."""
    answers = ", ".join(f"{count:,} × {status}" for status, count in told["answers"].items())
    times = ", ".join(f"{name} {value:.1f}" for name, value in told["milliseconds"].items())
    *memory, most = told["megabytes"]
    rows = [
        ("articles, clients", f"{told['articles']:,}, {told['clients']}"),
        ("answers", answers),
        ("milliseconds", times),
        (f"megabytes before, and after each {100 // _PORTIONS} %", ", ".join(map(str, memory))),
        ("megabytes at most", str(most)),
    ]
    for name, (met, different) in told["walks"].items():
        rows.append((f"entries met by `{name}`, of them different", f"{met:,}, {different:,}"))
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows), ""])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000, metavar="N")
    parser.add_argument("--queries", type=int, default=10_000, metavar="N")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, metavar="PROGRAM")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
