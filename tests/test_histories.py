"""Histories of a real repository, replayed: only what a commit changes is written.

LONG_HISTORIES=1 runs the long forms: thousands of commits, hundreds of checkouts.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from feedhub.render import render
from feedhub.site import source_of
from feedhub.sources import files, folder_scan
from tests.histories import LABELS, MARKERS, History, Model, published_ids
from tests.kit import NOW, Bench, make_bench
from tests.pollers import Observations, Poller
from tests.renders import render_bench, stamps
from tests.repositories import git, import_commits, make_repository
from tests.servers import Address, request, serve, until

IS_LONG = bool(os.environ.get("LONG_HISTORIES"))
COMMITS, NOISE = (3_000, 0.9) if IS_LONG else (60, 0.7)
SERVED = 200 if IS_LONG else 8
CHECKOUTS = 300 if IS_LONG else 8
SUFFIXES = (".rss", ".atom", ".json")


@pytest.fixture
def real(shared: Path) -> Path:
    """The folder of real files."""
    return shared / "corpus/real"


def make_site(folder: Path) -> Bench:
    """Return a bench whose feeds hold every article."""
    return make_bench(
        folder,
        feeds__limit=1000,
        feeds__days=0,
        feeds__max_bytes=50_000_000,
        feeds__formats=["rss", "atom", "json"],
        site__discovery=False,
        render__compress=[],
    )


class Replay:
    """A source that is rendered after each commit, and the files that each render changes."""

    def __init__(self, folder: Path) -> None:
        self._bench, self.out = make_site(folder), folder / "public"
        self._stamps: dict[str, tuple[int, int]] = {}

    def render(self, address: str | Path, number: int) -> set[str]:
        """Render one commit and return the paths of the files that are new, other or gone."""
        bench, now = self._bench, NOW + timedelta(minutes=number)
        source = source_of(address, bench.config)
        render(bench.site, bench.catalog, source, self.out, now=now, compress=(), drafts=False)
        before, after = self._stamps, stamps(self.out)
        self._stamps = after
        names = {name for name in before | after if before.get(name) != after.get(name)}
        return {name for name in names if name.endswith((*SUFFIXES, ".opml")) and name[0] != "."}


def test_each_commit_rewrites_the_feeds_that_it_changes_and_no_others(real, tmp_path, monkeypatch):
    """The model names the feeds; a checkout and the repository itself give the same bytes."""
    if not IS_LONG:  # a render takes longer than the clock of files takes for a step
        monkeypatch.setattr(folder_scan, "RACY_NS", 0)
    history = History(real, seed=7)
    history.grow(COMMITS, NOISE)
    repository = make_repository(tmp_path / "articles.git")
    import_commits(
        repository.folder, [commit.changes for commit in history.commits], "main", anew=True
    )
    commits = repository.git("rev-list", "--reverse", "main").split()
    git(tmp_path, "clone", "--quiet", "--no-checkout", "articles.git", "articles")
    model, seen = Model(), Counter[str]()
    replays = Replay(tmp_path / "from folder"), Replay(tmp_path / "from git")
    for number, (name, commit) in enumerate(zip(commits, history.commits, strict=True)):
        git(tmp_path / "articles", "checkout", "--quiet", "--detach", name)
        feeds = model.apply(commit.changes)
        expected = {feed + suffix for feed in feeds for suffix in SUFFIXES}
        addresses = (tmp_path / "articles", repository.address(ref=name))
        for replay, address in zip(replays, addresses, strict=True):
            changed = replay.render(address, number)
            written = {path for path in changed if not path.endswith(".opml")}
            assert written == expected, (number, commit.kind, name)
            assert feeds or not changed, (number, commit.kind, "the list of feeds")
        for path in changed:
            assert (replays[0].out / path).read_bytes() == (replays[1].out / path).read_bytes()
        seen[commit.kind if feeds else f"{commit.kind} (unseen)"] += 1
    unseen = sum(count for kind, count in seen.items() if kind.endswith("(unseen)"))
    assert 0.5 * COMMITS < unseen < COMMITS, seen
    assert {feed.partition("/")[0] for feed in model.feeds} == {"all", *LABELS}
    print(f"{len(commits)} commits: {dict(sorted(seen.items()))}")


class Client(threading.Thread):
    """Requests the JSON feed in a loop, and notes when it saw which articles in which version."""

    def __init__(self, address: Address) -> None:
        super().__init__(name="client")
        self._address = address
        self._ended = threading.Event()
        self.marked: list[tuple[float, tuple[int, ...]]] = []
        self.present: list[frozenset[str]] = []
        self.torn: list[dict[str, str]] = []

    def run(self) -> None:
        """Send requests until it is stopped."""
        while not self._ended.wait(0.01):
            self.look()

    def look(self) -> None:
        """Send one request."""
        items = json.loads(request(self._address, "GET", "/all.json").body)["items"]
        found = {item["id"].rpartition(":")[2]: item for item in items}
        numbers = []
        for name in MARKERS:
            item = found[f"markers/{name}"]
            parts = (item["title"], item["summary"], item["content_html"], item["url"])
            told = {re.sub(r"\D", "", part) for part in parts}
            self.torn += [item] * (len(told) > 1)
            numbers.append(int(max(told)))
        self.marked.append((time.monotonic(), tuple(numbers)))
        self.present.append(frozenset(found))

    def finish(self) -> None:
        """Stop and wait."""
        self._ended.set()
        self.join()

    def flaps(self, states: list[frozenset[str]]) -> list[str]:
        """Return the articles that came and went more often than in these states of the source."""

        def turns(sets: list[frozenset[str]], name: str) -> int:
            return sum((name in one) != (name in next_) for one, next_ in pairwise(sets))

        every = frozenset().union(*states, *self.present)
        return [name for name in every if turns(self.present, name) > turns(states, name)]

    def delays(self, moments: list[float]) -> list[float]:
        """Return after how many seconds each commit, made at its moment, was visible."""
        visible = [(moment, min(numbers)) for moment, numbers in self.marked]
        return [
            max(0.0, next(seen for seen, latest in visible if latest >= number) - moment)
            for number, moment in enumerate(moments, 1)
        ]


POLLED = [f"/{feed}{suffix}" for feed in ("all", "topics/power-apps") for suffix in SUFFIXES]
FEEDS_TOML = """[feeds]
limit = 1000
days = 0
max_bytes = 50_000_000
formats = ["rss", "atom", "json"]
"""


@pytest.mark.parametrize("kind", ["folder", "repository"])
def test_a_server_beside_checkouts_flaps_tears_and_misleads_nobody(real, tmp_path, kind):
    """Several commits a second while clients poll; each has markers that tell its number."""
    history = History(real, seed=11)
    states = []
    for _ in range(1 + SERVED):
        history.grow(1, 0.7, marked=True)
        states.append(frozenset(published_ids(history.state)))
    repository = make_repository(tmp_path / "articles.git")
    changes = [commit.changes for commit in history.commits]
    import_commits(repository.folder, changes, "main", anew=True)
    first, *commits = repository.git("rev-list", "--reverse", "main").split()[1:]
    folder = tmp_path / "articles"
    git(tmp_path, "clone", "--quiet", "articles.git", "articles")

    def switch(commit: str) -> None:
        if kind == "folder":
            git(folder, "checkout", "--quiet", "--detach", commit)
        else:
            repository.git("update-ref", "refs/heads/live", commit)

    switch(first)
    source = str(folder) if kind == "folder" else repository.address(ref="live")
    moments, chance, observations = [], random.Random(5), Observations()
    with serve(tmp_path, None, source, toml=FEEDS_TOML, admin=False) as server:
        paths = [f"/{feed}{suffix}" for feed in ("all", "topics/power-apps") for suffix in SUFFIXES]
        client = Client(server.address)
        pollers = [
            Poller(n, server.address, observations, paths) for n in range(3 if IS_LONG else 1)
        ]
        for thread in (client, *pollers):
            thread.start()
        try:
            for commit in commits:
                time.sleep(chance.uniform(0.1, 0.4))
                switch(commit)
                moments.append(time.monotonic())
            last = (len(history.commits) - 1,) * len(MARKERS)
            until(lambda: client.marked[-1][1] == last, lambda: f"{client.marked[-1]} is the last")
        finally:
            client.finish()
            for poller in pollers:
                poller.finish()
        misled = [
            (path, tag)
            for path, tag in observations.seen()
            if (reply := request(server, "GET", path, [("If-None-Match", tag)])).status == 304
            and reply["etag"] != tag
        ]
    assert (client.flaps(states), client.torn, misled, observations.errors) == ([], [], [], [])
    assert client.present[-1] == states[-1]
    if kind == "repository":
        assert {len(set(numbers)) for _, numbers in client.marked} == {1}, "half of a commit"
    delays = sorted(client.delays(moments))
    print(
        f"{kind}: {len(commits)} commits, {len(client.present)} looks, "
        f"{sum(observations.statuses.values())} polls; visible after "
        f"p50 {delays[len(delays) // 2]:.2f} s, p90 {delays[int(len(delays) * 0.9)]:.2f} s"
    )


def test_renders_beside_checkouts_miss_no_article(tmp_path, monkeypatch):
    """Each checkout moves all articles but one to another folder; a render begins within it."""
    monkeypatch.setattr(files, "SETTLE_SECONDS", 0.2)
    bench, count, chance = make_bench(tmp_path, feeds__limit=1000), 200, random.Random(3)
    for number in range(count):
        bench.write(f"old/{number}.md", title=f"N{number}", id=f"tag:x,2026:{number}")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main", ".")
    git(tmp_path, "add", "articles")
    git(tmp_path, "commit", "--quiet", "--message", "Old")
    git(tmp_path, "checkout", "--quiet", "-b", "moved")
    git(tmp_path, "mv", "articles/old", "articles/new")
    git(tmp_path, "commit", "--quiet", "--message", "Moved")
    render_bench(bench, tmp_path / "out")
    for number in range(CHECKOUTS):
        branch = ("main", "moved")[number % 2]
        thread = threading.Thread(target=git, args=(tmp_path, "checkout", "--quiet", branch))
        thread.start()
        time.sleep(chance.uniform(0, 0.06))
        for moment in (number, number + 0.5):
            now = NOW + timedelta(hours=moment)
            render_bench(bench, tmp_path / "out", now, allow_shrink=True)
            assert len(set(bench.titles())) == count, f"checkout {number}"
            thread.join()
