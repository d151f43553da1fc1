"""Feed readers of others as subscribers: each polls over HTTP and returns the entries it stored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import feedparser_sgmllib
import pytest
import reader

# The feedparser inside reader imports it by the name it had in Python 2.
sys.modules.setdefault("sgmllib", feedparser_sgmllib)

JUDGES = Path(__file__).parent / "judges"
_SIMPLEPIE = Path("/usr/share/php/simplepie/autoloader.php")
TIMEOUT = 60.0  # seconds for one poll on a busy machine


class Entry(NamedTuple):
    """An entry as a reader stores it; `feed` is the address of its feed."""

    feed: str
    id: str
    title: str
    content: str


class Subscriber(ABC):
    """A reader that is subscribed to some addresses and stores its entries in a folder.

    Its first poll of a feed is unconditional, and so are the next `unconditional_polls`. It may
    store an id once for all feeds (`merges_feeds`), store new validators only together with new
    entries (`validators_with_entries`), and request deltas (`deltas`, RFC 3229).
    """

    unconditional_polls = 0
    merges_feeds = False
    validators_with_entries = False
    deltas = False

    def __init__(self, folder: Path, urls: list[str]) -> None:
        self.folder, self.urls = folder, urls
        folder.mkdir(parents=True)

    @abstractmethod
    def poll(self) -> None:
        """Poll every feed once; fails if the reader reports an error."""

    def close(self) -> None:  # noqa: B027 - most start nothing
        """End what the reader has started."""

    @abstractmethod
    def entries(self) -> list[Entry]:
        """Return every stored entry, in any order; a duplicate is returned twice."""


class Reader(Subscriber):
    """lemon24/reader, from PyPI."""

    validators_with_entries = True
    deltas = True

    def poll(self) -> None:
        with closing(reader.make_reader(str(self.folder / "reader.sqlite"))) as opened:
            for url in self.urls:
                opened.add_feed(url, exist_ok=True)
                opened.update_feed(url)

    def entries(self) -> list[Entry]:
        with closing(reader.make_reader(str(self.folder / "reader.sqlite"))) as opened:
            return [
                Entry(entry.feed_url, entry.id, entry.title or "", entry.content[0].value)
                for entry in opened.get_entries()
            ]


class Newsboat(Subscriber):
    """newsboat, from Debian."""

    unconditional_polls = 1
    merges_feeds = True
    deltas = True

    def __init__(self, folder: Path, urls: list[str]) -> None:
        super().__init__(folder, urls)
        self.program = require("newsboat", "apt-get install newsboat")
        (folder / "urls").write_text("\n".join(urls) + "\n", encoding="utf-8")
        (folder / "config").write_text(f'error-log "{folder}/errors"\n', encoding="utf-8")

    def poll(self) -> None:
        files = ["-C", "config", "-u", "urls", "-c", "cache.db"]
        environment = os.environ | {"TERM": "dumb", "HOME": str(self.folder)}
        run([self.program, *files, "-x", "reload"], cwd=self.folder, env=environment)
        assert not read_if_there(self.folder / "errors")

    def entries(self) -> list[Entry]:
        with closing(sqlite3.connect(self.folder / "cache.db")) as cache:
            found = cache.execute("SELECT feedurl, guid, title, content FROM rss_item")
            return [Entry(*row) for row in found]


class ParserOnly(Subscriber):
    """A parser that stores nothing: this class stores entries by id, as readers built on it do."""

    def __init__(self, folder: Path, urls: list[str]) -> None:
        super().__init__(folder, urls)
        self._entries: dict[tuple[str, str], Entry] = {}

    @abstractmethod
    def fetch(self) -> list[dict[str, Any]]:
        """Poll, and return address and items of each feed; no items for a 304."""

    def poll(self) -> None:
        for feed in self.fetch():
            found = [Entry(feed["url"], **item) for item in feed["items"] or []]
            assert len({entry.id for entry in found}) == len(found), "an id twice in one feed"
            self._entries.update({(entry.feed, entry.id): entry for entry in found})

    def entries(self) -> list[Entry]:
        return list(self._entries.values())


class Feedsmith(ParserOnly):
    """feedsmith, from npm, behind a client of a few lines that runs until it is closed."""

    parser = "feedsmith"

    def __init__(self, folder: Path, urls: list[str]) -> None:
        super().__init__(folder, urls)
        node = require("node", "apt-get install nodejs")
        if not (JUDGES / "node_modules").is_dir():
            pytest.skip("needs the readers of tests/judges: npm --prefix tests/judges ci")
        self._client = subprocess.Popen(
            [node, JUDGES / "subscribe.mjs", self.parser, *urls],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fetch(self) -> list[dict[str, Any]]:
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write("poll\n")
        self._client.stdin.flush()
        feeds: list[dict[str, Any]] = json.loads(self._client.stdout.readline())
        assert {feed["status"] for feed in feeds} <= {200, 304}
        return feeds

    def close(self) -> None:
        self._client.communicate(timeout=TIMEOUT)


class RssParser(Feedsmith):
    """rss-parser, from npm, behind the same client."""

    parser = "rss-parser"


class SimplePie(ParserOnly):
    """SimplePie, from Debian: the parser of FreshRSS and WordPress."""

    def __init__(self, folder: Path, urls: list[str]) -> None:
        super().__init__(folder, urls)
        packages = "apt-get install php-cli php-xml php-mbstring libphp-simplepie"
        self.program = require("php", packages)
        if not _SIMPLEPIE.exists():
            pytest.skip(f"needs SimplePie: {packages}")

    def fetch(self) -> list[dict[str, Any]]:
        feeds: list[dict[str, Any]] = json.loads(
            run([self.program, JUDGES / "subscribe.php", self.folder, *self.urls])
        )
        return feeds


# Every reader with every format it reads.
SUBSCRIBERS: dict[str, tuple[Callable[[Path, list[str]], Subscriber], str]] = {
    f"{make.__name__.lower()} {suffix}": (make, suffix)
    for make, suffixes in [
        (Reader, ["rss", "atom", "json"]),
        (Newsboat, ["rss", "atom"]),
        (Feedsmith, ["rss", "atom", "json"]),
        (RssParser, ["rss", "atom"]),
        (SimplePie, ["rss", "atom"]),
    ]
    for suffix in suffixes
}


def require(program: str, advice: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is missing: {advice}")
    return found


def run(command: list[str | Path], **options: Any) -> str:
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT, check=False, **options
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def read_if_there(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
