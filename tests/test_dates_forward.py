"""No date that readers see goes back, whatever comes, goes or is lost; a change is seen once."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from feedhub.catalog import Catalog
from feedhub.catalog.ledger import Ledger, decode_ledger, encode_ledger
from feedhub.site import source_of
from feedhub.sources import file_rules
from tests.kit import NOW, Bench, make_bench

NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
TOPICS = st.sampled_from(["AI", "Law"])
STATED = st.sampled_from([None, None, None, "2020-07-01T00:00:00Z", "2020-08-01T00:00:00Z"])
HIDING = st.sampled_from([{"published": False}, {"removed": True}, {"expiryDate": "2020-06-10"}])
STEPS = st.sampled_from([1, 60, 3600, 86_400, -1, -3600, -86_400])


class Reader:
    """A reader of JSON Feed that compares each entry's date with the one it has.

    It is sent every document: `seen` are the entries that it ever had, by `key`, id or address.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.seen: dict[str, dict[str, Any]] = {}

    def poll(self, items: list[dict[str, Any]]) -> list[tuple[str, bool, bool]]:
        """Return the id of each entry that it had, whether it differs, and whether its date does.

        Fails where a date goes back.
        """
        changes = []
        for item in items:
            before = self.seen.get(item[self.key])
            if before is not None:
                assert date_of(item) >= date_of(before), "the date of an entry went back"
                assert item["id"] == before["id"], "an article is shown as new once more"
                differs = (item["title"], item["tags"]) != (before["title"], before["tags"])
                changes.append((item["id"], differs, date_of(item) > date_of(before)))
            self.seen[item[self.key]] = item
        return changes


class ForgetfulReader:
    """A reader that knows nothing but the ids of the document that it was sent last, by path."""

    def __init__(self) -> None:
        self.last: dict[str, set[str]] = {}

    def poll(self, path: str, items: list[dict[str, Any]]) -> set[str]:
        """Return the ids that it shows as new; none of a document that it never had."""
        ids = {item["id"] for item in items}
        new = ids - self.last.get(path, ids)
        self.last[path] = ids
        return new


def date_of(item: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(item.get("date_modified", item["date_published"]))


def moment(parsed: Any) -> datetime:
    """Return when a feed or an entry was updated, as feedparser reads it."""
    return datetime.fromisoformat(parsed.updated)


class Newsroom(RuleBasedStateMachine):
    """People and robots write a folder; a sync after each step publishes it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench: Bench = make_bench(Path(self.folder.name), feeds__limit=3, feeds__days=0)
        self.now = NOW
        self.articles: dict[str, dict[str, Any]] = {}  # what is or was in each file
        self.paths: dict[str, str] = {}
        self.readers = (Reader("id"), Reader("url"))
        self.forgetful = ForgetfulReader()
        self.adds = False  # whether the step may put an article into a feed
        self.feeds: dict[str, tuple[datetime, list[Any]]] = {}  # date and entries, by path
        self.bodies: dict[str, tuple[datetime, ...]] = {}
        self.titles = 0
        self.silent = False  # whether what changes now is our doing, and no update

    def teardown(self) -> None:
        self.bench.catalog.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        """Publish two articles, so that the source never shrinks to nothing."""
        for name in "ab":
            self.put(name)
        self.sync()

    def put(self, name: str, **fields: Any) -> None:
        """Write the file of an article; it says what it said but for `fields`."""
        number = ord(name) - ord("a") + 1
        default = {
            "title": f"Title {name}",
            "id": f"tag:x,2026:{name}",
            "slug": name,
            "webUrl": f"https://news.example/{name}",
            "topics": ["AI"],
            "publishedDateTime": f"2020-0{number}-01T00:00:00Z",
        }
        self.articles[name] = self.articles.get(name, default) | fields
        self.adds = True
        self.bench.write(self.paths.setdefault(name, f"{name}.md"), **self.articles[name])

    def file(self, name: str) -> Path:
        return self.bench.root / self.paths.get(name, f"{name}.md")

    def sync(self, ledger: Ledger | None = None) -> None:
        self.now += timedelta(seconds=2)
        source = source_of(self.bench.root, self.bench.config)
        self.bench.site.sync(source, self.now, ledger=ledger)

    @rule(name=NAMES, stated=STATED, topic=TOPICS)
    def edit_or_add(self, name: str, stated: str | None, topic: str) -> None:
        self.titles += 1
        title = f"Title {self.titles}"
        self.put(name, title=title, topics=[topic], updatedDateTime=stated)
        self.sync()

    @rule(name=NAMES, hiding=HIDING)
    def withdraw(self, name: str, hiding: dict[str, object]) -> None:
        if name in self.articles:
            shown = self.articles[name]
            self.put(name, **hiding)
            self.articles[name] = shown
            self.sync()

    @rule(name=NAMES)
    def return_unchanged(self, name: str) -> None:
        if name in self.articles:
            self.put(name)
            self.sync()

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.file(name).unlink(missing_ok=True)
        self.adds = True  # an older one takes its place
        self.sync()

    @rule(name=NAMES, to=st.sampled_from(["0", "z", "deep/m"]))
    def rename(self, name: str, to: str) -> None:
        if self.file(name).exists():
            path = f"{to}-{name}.md" if self.paths[name] == f"{name}.md" else f"{name}.md"
            (self.bench.root / path).parent.mkdir(exist_ok=True)
            self.file(name).rename(self.bench.root / path)
            self.paths[name] = path
            self.sync()

    @rule(name=NAMES, front=st.booleans())
    def copy_and_delete_later(self, name: str, front: bool) -> None:
        """Another file claims the id; then it, or the first, goes."""
        if self.file(name).exists():
            other = self.bench.write(f"{'0' if front else 'zz'}-copy.md", **self.articles[name])
            self.adds = True  # the first may be hidden
            self.sync()
            self.check()
            other.unlink()
            self.adds = True
            self.sync()

    @rule(seconds=STEPS)
    def set_clock(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.sync()

    @rule(name=NAMES, edits=st.booleans(), seconds=STEPS)
    def lose_catalog(self, name: str, edits: bool, seconds: int) -> None:
        """All that is left is the ledger; meanwhile an article may change, or the clock."""
        ledger = decode_ledger(encode_ledger(self.bench.catalog._database))
        self.bench.catalog.close()
        self.bench.catalog = Catalog(None)
        self.now += timedelta(seconds=seconds)
        if edits:
            self.titles += 1
            self.put(name, title=f"Title {self.titles}", updatedDateTime=None)
        self.sync(ledger)

    @rule(limit=st.sampled_from([1, 3, 10]))
    def reshape(self, limit: int) -> None:
        self.silent = self.adds = True
        feeds = replace(self.bench.config.feeds, limit=limit)
        self.bench.config = replace(self.bench.config, feeds=feeds)
        self.sync()

    @rule()
    def reread(self) -> None:
        self.silent = True
        before = file_rules.READER_VERSION
        file_rules.READER_VERSION += 1
        try:
            self.sync()
            self.check()
        finally:
            file_rules.READER_VERSION = before
        self.sync()

    @invariant()
    def check(self) -> None:
        """Every feed is sent to the reader: no date goes back, equal tags have equal dates."""
        for path, planned in self.bench.site.plan().items():
            if planned.state is None or not path.endswith((".json", ".atom")):
                continue
            body = self.bench.site.document(planned).body
            if path.endswith(".json"):
                new = self.forgetful.poll(path, json.loads(body)["items"])
                assert not new or self.adds, "nothing was added, and an article is shown as new"
                for reader in self.readers:
                    for identity, differs, later in reader.poll(json.loads(body)["items"]):
                        stated = self.articles[identity[-1]].get("updatedDateTime")
                        assert later or not differs or stated, "a change that readers by date miss"
                continue
            parsed = feedparser.parse(body)
            date = moment(parsed.feed)
            entries = [(entry.id, entry.title, entry.updated) for entry in parsed.entries]
            before, had = self.feeds.get(path, (date, entries))
            assert date >= before, "the date of a feed went back"
            # Readers that look at nothing else miss no change.
            assert date > before or entries == had or self.silent
            self.feeds[path] = date, entries
            dates = (date, *(moment(entry) for entry in parsed.entries))
            assert self.bodies.setdefault(planned.fingerprint, dates) == dates
            if parsed.entries and not planned.state.period:
                assert date >= max(dates[1:]), "an entry is newer than its feed"
        self.silent = self.adds = False

    @invariant()
    def noise_changes_nothing(self) -> None:
        for path in self.bench.root.rglob("*.md"):
            path.touch()
        assert self.bench.sync(self.now + timedelta(seconds=1)).changed == 0


Newsroom.TestCase.settings = settings(
    max_examples=int(os.environ.get("DATE_HISTORIES", "25")),  # 2000 is the long form
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestNewsroom = Newsroom.TestCase
