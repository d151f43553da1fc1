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
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import feedparser

from bench.asking import ask, wait_for
from bench.places import BASE_URL, FEEDHUB, MAKE_CORPUS, RESULTS, make_articles, need
from bench.servers import free_port

FACETS = ("topic", "provider", "category", "author")
NONSENSE = ("limit=abc", "since=yesterday", "q=%FF", "q=!!", "all=2", "topic=%zz", "limit=0")
_CLIENTS = 8


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
    """What came of many searches: answers by status, seconds in order, kilobytes of memory."""

    statuses: Counter[int]
    seconds: list[float]
    before: int
    after: int
    peak: int

    def percentile(self, part: float) -> float:
        """Return the milliseconds within which this part of the answers came."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * part))] * 1e3


def search(port: int, pid: int, labels: Labels, number: int, seed: int = 1) -> Told:
    """Ask so many random queries, several at once."""
    before = _memory(pid, "VmRSS")

    def client(place: int) -> list[tuple[int, float]]:
        dice = random.Random(seed * 1_000 + place)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        found = []
        for _ in range(number // _CLIENTS):
            path = dice.choice(("/search.rss", "/search.atom", "/search.json", "/search/"))
            query, start = random_query(dice, labels), time.perf_counter()
            connection.request("GET", f"{path}?{query}")
            reply = connection.getresponse()
            reply.read()
            found.append((reply.status, time.perf_counter() - start))
        connection.close()
        return found

    with ThreadPoolExecutor(_CLIENTS) as clients:
        answers = [one for found in clients.map(client, range(_CLIENTS)) for one in found]
    return Told(
        statuses=Counter(status for status, _ in answers),
        seconds=sorted(seconds for _, seconds in answers),
        before=before,
        after=_memory(pid, "VmRSS"),
        peak=_memory(pid, "VmHWM"),
    )


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
    """Measure, and write the results; 1 where an answer was a fault of the server."""
    options = _options(arguments)
    maker = need(options.make, "the program that makes articles")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = make_articles(maker, options.articles, folder / "articles")
        catalog, port = folder / "catalog.db", free_port()
        flags = ["--catalog", str(catalog), "--base-url", BASE_URL]
        start = time.perf_counter()
        subprocess.run(
            [*FEEDHUB, "sync", str(source), *flags], check=True, stdout=subprocess.DEVNULL
        )
        synced = time.perf_counter() - start
        command = [*FEEDHUB, "serve", *flags, "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
            try:
                wait_for(port, "/all.json")
                said, bad = _measured(port, server.pid, options)
            finally:
                server.terminate()
    said = [f"{options.articles} articles, synced in {synced:.1f} s", *said]
    print("\n".join(said))
    if options.out:
        options.out.write_text("\n".join([*said, ""]), encoding="utf-8")
    return 1 if bad else 0


def _measured(port: int, pid: int, options: argparse.Namespace) -> tuple[list[str], bool]:
    def fetch(path: str) -> bytes:
        return ask(port, path, {}).body

    told = search(port, pid, labels_of(fetch), options.queries)
    met = {
        "next_url": list(walk_json(fetch, "/all.json")),
        "prev-archive": list(walk_atom(fetch, "/all.atom")),
    }
    said = [
        f"{sum(told.statuses.values())} random searches by {_CLIENTS} clients: "
        + ", ".join(f"{count} x {status}" for status, count in sorted(told.statuses.items())),
        f"milliseconds: p50 {told.percentile(0.5):.1f}, p99 {told.percentile(0.99):.1f}, "
        f"longest {told.percentile(1):.1f}",
        f"megabytes: {told.before // 1024} before, {told.after // 1024} after, "
        f"{told.peak // 1024} at most",
        *(
            f"{name}: {len(set(ids))} articles met, {len(ids) - len(set(ids))} twice"
            for name, ids in met.items()
        ),
    ]
    return said, any(status >= 500 for status in told.statuses)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=10_000, metavar="N")
    parser.add_argument("--queries", type=int, default=10_000, metavar="N")
    parser.add_argument("--make", type=Path, default=MAKE_CORPUS, metavar="PROGRAM")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"such as {RESULTS}/search.txt")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
