"""A server for a long time, with readers, commits, searches and kills: nothing grows or fails."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from tests.faults import without_coverage
from tests.http_table import write_articles
from tests.kit import article_text
from tests.servers import Server, children, living, request, serve, until

SECONDS = int(os.environ.get("SOAK_SECONDS", "900"))
PATHS = ("/all.rss", "/all.atom", "/all.json", "/topics/ai.rss", "/", "/feeds.opml", "/sitemap.xml")
# The second half of a soak may need this much more than the second quarter.
MAX_GROWTH, MAX_KIB, MAX_DESCRIPTORS = 1.10, 4096, 4


def git(repository: Path, *arguments: str) -> None:
    """Run git without the configuration of the person who tests."""
    names = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "gc.auto=0"]
    command = ["git", "-C", str(repository), *names, *arguments]
    subprocess.run(command, check=True, capture_output=True, env=without_coverage())


class Traffic:
    """Threads that read and commit until the end, and what they saw."""

    def __init__(self, server: Server, articles: Path) -> None:
        self._server, self._articles = server, articles
        self._stop = threading.Event()
        self.failures: list[str] = []
        self.requests = self.commits = 0
        workers = [self._read, self._read, self._search, self._commit]
        self._threads = [threading.Thread(target=self._guard, args=(work,)) for work in workers]

    def _guard(self, work: object) -> None:
        chance = random.Random(repr(work))
        while not self._stop.is_set():
            try:
                work(chance)  # type: ignore[operator]
            except OSError as error:  # of a worker that was killed while it answered
                self.failures.append(f"closed {type(error).__name__}")
            except Exception as error:
                self.failures.append(repr(error))
                raise

    def _read(self, chance: random.Random) -> None:
        path = chance.choice(PATHS)
        first = request(self._server, "GET", path)
        tag = [("If-None-Match", first.header("etag") or "x")]
        again = request(self._server, "GET", path, tag)
        self.requests += 2
        if (first.status, again.status) not in ((200, 304), (200, 200)):
            self.failures.append(f"{path} {first.status} {again.status}")
        self._stop.wait(0.01)

    def _search(self, chance: random.Random) -> None:
        found = request(self._server, "GET", f"/search.json?q=text+{chance.randrange(1000)}")
        self.requests += 1
        if found.status != 200:
            self.failures.append(f"search {found.status}")
        self._stop.wait(0.2)

    def _commit(self, chance: random.Random) -> None:
        number = chance.randrange(40)
        path = self._articles / f"{number}.md"
        if path.exists() and chance.random() < 0.3:
            path.unlink()
        else:
            title = f"Title {chance.randrange(10**6)}"
            topics = ["AI", f"Topic {chance.randrange(9)}"]
            path.write_text(article_text(title, f"text {number}\n" * 200, topics=topics))
        git(self._articles, "add", "-A")
        git(self._articles, "commit", "-q", "--allow-empty", "-m", "change")
        if chance.random() < 0.2:
            git(self._articles, "checkout", "-q", "HEAD~1")
            git(self._articles, "checkout", "-q", "main")
        self.commits += 1
        self._stop.wait(0.7)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the threads run within."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A repository of articles."""
    folder = write_articles(tmp_path / "articles", 28)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "commit", "-q", "--allow-empty", "-m", "second")
    return folder


def need(pid: int) -> tuple[int, int]:
    """Return the resident memory of a process in KiB, and how many descriptors it has."""
    status = Path(f"/proc/{pid}/status").read_text("latin-1")
    resident = int(status.partition("VmRSS:")[2].split()[0])
    return resident, len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208


def is_dead(pid: int) -> bool:
    """Return whether a process has ended."""
    return not living(pid)


def test_memory_and_descriptors_do_not_grow(tmp_path: Path, articles: Path):
    with serve(tmp_path, articles, "--workers", "2", env=without_coverage()) as server:
        traffic, pids = Traffic(server, articles), [server.process.pid]
        pids += children(server.process.pid)
        seen: dict[int, list[tuple[int, int]]] = {pid: [] for pid in pids}
        with traffic.running():
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                for pid in pids:
                    seen[pid].append(need(pid))
                time.sleep(SECONDS / 200)
        print(f"{traffic.requests} requests, {traffic.commits} commits in {SECONDS} seconds")
        assert traffic.failures == []
        grown = []
        for pid, needs in seen.items():
            quarter, half = needs[len(needs) // 4 : len(needs) // 2], needs[len(needs) // 2 :]
            before, after = (median(kib for kib, _ in part) for part in (quarter, half))
            open_before, open_after = (max(count for _, count in part) for part in (quarter, half))
            print(f"{pid}: {before:.0f} KiB, then {after:.0f}; {open_before} open, {open_after}")
            if after > before * MAX_GROWTH + MAX_KIB or open_after > open_before + MAX_DESCRIPTORS:
                grown.append(pid)
        assert grown == []
        assert server.stop() == 0
        assert "Traceback" not in server.stderr()


def test_kills_and_reloads_lose_no_answer_of_others(tmp_path: Path, articles: Path):
    kills = reloads = 0
    chance = random.Random(7)
    with serve(tmp_path, articles, "--workers", "2", env=without_coverage()) as server:
        traffic = Traffic(server, articles)
        with traffic.running():
            end = time.monotonic() + SECONDS / 3
            while time.monotonic() < end:
                time.sleep(chance.uniform(0.5, 4))
                if chance.random() < 0.3:
                    server.process.send_signal(signal.SIGHUP)
                    reloads += 1
                elif below := children(server.process.pid):
                    victim = chance.choice(below)
                    with suppress(ProcessLookupError):
                        os.kill(victim, signal.SIGKILL)
                    until(partial(is_dead, victim), "it lives on")
                    kills += 1
        print(f"{traffic.requests} requests, {kills} kills, {reloads} reloads")
        # Each kill may cut the connections that the process had, one of each reader; it is started
        # again without one.
        assert [found for found in traffic.failures if not found.startswith("closed")] == []
        assert len(traffic.failures) <= 3 * kills
        (articles / "last.md").write_text(article_text("The last one"))
        until(lambda: b"The last one" in request(server, "GET", "/all.json").body, "not published")
        assert server.stop() == 0
        assert server.left() == []
        assert "Traceback" not in server.stderr()
