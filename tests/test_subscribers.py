"""Feed readers subscribe to a running `feedhub serve`: what they store, and what they never see."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from tests.canaries import CANARY, WORD, disguises
from tests.newspaper import FEEDS, PAPER, Newspaper
from tests.servers import free_port, serve, until
from tests.subscribers import SUBSCRIBERS, Entry, Subscriber

T = TypeVar("T")
# A GET in the access log; the test's own requests have no User-Agent.
_FEED_REQUEST = re.compile(r'"GET /([^ ?"]+)\S* HTTP/1\.[01]" (\d{3}) \S+ "[^"]*" "(?!-")')


class Polled(NamedTuple):
    """The statuses of one poll, from the access log, and the reader's entries after it."""

    statuses: list[int]
    entries: list[Entry]


@dataclass
class Timeline:
    """The stages of a newspaper, and what every subscriber had after each of them."""

    paper: Newspaper
    delta: bool
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    polls: dict[str, dict[str, Polled]] = field(default_factory=dict)
    validators: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    withdrawn: dict[str, bytes] = field(default_factory=dict)
    requests: int = 0

    def subscribe(self, folder: Path, base_url: str) -> None:
        """Subscribe every installed reader."""
        for name, (make, suffix) in SUBSCRIBERS.items():
            urls = [f"{base_url}/{feed}.{suffix}" for feed in FEEDS]
            try:
                self.subscribers[name] = make(folder / name, urls)
            except pytest.skip.Exception as reason:
                self.missing[name] = str(reason)

    def run(self) -> None:
        """Edit the newspaper stage by stage, and let all subscribers poll after each."""
        paper = self.paper
        self.poll("first", "second", "third")
        for secured in (f"{WORD}1", f"{WORD}2"):
            provider = PAPER | {"secured": secured}
            paper.write("one", "One", "Body of one.", provider=provider, secured=secured)
        paper.settle()
        self.poll("secured")
        paper.publish("two", "Two, corrected", "Another body.")
        self.poll("edited", "edited again")
        paper.publish("four", "Four", "Body.", publishedDateTime="2019-01-01T00:00:00Z")
        self.poll("new", "new again")
        elsewhere = {"provider": {"name": "Other"}, "webUrl": "https://other.example/3"}
        paper.publish("three", "Three elsewhere", "Body of three.", **elsewhere)
        self.poll("moved", "moved again")
        paper.publish("two", "Two, corrected", f"Another body. {WORD}", published=False)
        self.withdrawn = paper.documents()
        self.poll("withdrawn", "withdrawn again")
        paper.publish("two", "Two is back", "A body.")
        self.poll("back", "back again")

    def close(self) -> None:
        """Close every reader."""
        for subscriber in self.subscribers.values():
            subscriber.close()

    def poll(self, *stages: str) -> None:
        """Let every subscriber poll once for each stage, one after the other."""
        for stage in stages:
            self.validators[stage] = self.paper.validators()
            stored = {}
            for name, subscriber in self.subscribers.items():
                subscriber.poll()
                stored[name] = subscriber.entries()
            self.polls[stage] = {
                name: Polled(statuses, stored[name])
                for name, statuses in self._statuses_of_last_poll().items()
            }

    def _statuses_of_last_poll(self) -> dict[str, list[int]]:
        """Return the statuses of each subscriber's last poll, from the access log."""
        expected = [(name, url) for name, found in self.subscribers.items() for url in found.urls]
        before = self.requests
        self.requests += len(expected)
        until(lambda: len(self._log()) >= self.requests, "the access log is not complete")
        statuses: dict[str, list[int]] = {name: [] for name in self.subscribers}
        for (name, url), (path, status) in zip(expected, self._log()[before:], strict=True):
            # newsboat and SimplePie may take their feeds in another order.
            assert path.rpartition(".")[2] == url.rpartition(".")[2], (name, path)
            statuses[name].append(int(status))
        return statuses

    def _log(self) -> list[tuple[str, str]]:
        return _FEED_REQUEST.findall(self.paper.server.stdout())

    @property
    def names(self) -> list[str]:
        """The names of the installed readers."""
        return list(self.subscribers)

    def statuses(self, stage: str) -> dict[str, list[int]]:
        """Return the statuses that each reader got at a stage."""
        return {name: self.polls[stage][name].statuses for name in self.names}

    def entries(self, stage: str) -> dict[str, list[Entry]]:
        """Return the entries of each reader after a stage."""
        return {name: self.polls[stage][name].entries for name in self.names}

    def news(self, before: str, after: str) -> dict[str, tuple[list[str], list[str]]]:
        """Return for each reader which entries are new, and which changed, between two stages."""
        return {
            name: _news(self.polls[before][name].entries, self.polls[after][name].entries)
            for name in self.names
        }

    def all(self, value: T) -> dict[str, T]:
        """Return `value` for every reader."""
        return dict.fromkeys(self.names, value)


def _news(before: list[Entry], after: list[Entry]) -> tuple[list[str], list[str]]:
    old, now = ({entry[:2]: entry for entry in entries} for entries in (before, after))
    changed = [key for key in now.keys() & old.keys() if now[key] != old[key]]
    return _names(now.keys() - old.keys()), _names(changed)


def _names(keys: Iterable[tuple[str, ...]]) -> list[str]:
    return sorted({identity.rpartition("/")[2] for _, identity in keys})


@pytest.fixture(scope="module", params=["whole", "delta"])
def story(request, tmp_path_factory) -> Timeline:
    """All stages, run once for all tests: with full responses only, and with deltas on request."""
    folder = tmp_path_factory.mktemp("subscribers")
    port = free_port()
    address = ("--port", str(port))
    base_url = f"http://127.0.0.1:{port}"
    toml = f"[http]\ndelta = {'true' if request.param == 'delta' else 'false'}\n"
    paper = _first_issue(folder / "articles")
    with serve(folder, Path("articles"), *address, toml=toml, base_url=base_url) as paper.server:
        story = Timeline(paper, request.param == "delta")
        story.subscribe(folder, base_url)
        try:
            story.run()
        finally:
            story.close()
    return story


def _first_issue(folder: Path) -> Newspaper:
    folder.mkdir()
    paper = Newspaper(folder)
    for number, word in enumerate(["One", "Two", "Three"], 1):
        fields = {"publishedDateTime": f"2020-06-0{number}T11:00:00Z", "provider": PAPER}
        paper.fields[word.lower()] = {"topics": ["AI"], **fields}
        paper.write(word.lower(), word, f"Body of {word.lower()}.")
    return paper


@pytest.mark.parametrize("name", SUBSCRIBERS)
def test_a_reader_subscribes(story, name):
    if name in story.missing:
        pytest.skip(story.missing[name])
    assert story.statuses("first")[name] == [200, 200]
    assert {entry.title for entry in story.entries("first")[name]} == {"One", "Two", "Three"}


def test_the_second_update_is_a_304_and_the_third_for_newsboat(story):
    second = {
        name: 200 if story.subscribers[name].unconditional_polls else 304 for name in story.names
    }
    assert story.statuses("second") == {name: [status] * 2 for name, status in second.items()}
    assert story.statuses("third") == story.all([304, 304])
    assert story.entries("first") == story.entries("second") == story.entries("third")


def test_an_edit_of_secured_alone_never_arrives(story):
    assert story.statuses("secured") == story.all([304, 304])
    assert story.entries("secured") == story.entries("third")
    assert story.validators["secured"] == story.validators["first"]


@pytest.mark.parametrize(
    ("before", "after", "came", "changed"),
    [
        ("secured", "edited", [], ["two"]),
        ("edited", "new", ["four"], []),
        ("new", "moved", [], ["three"]),
    ],
)
def test_an_edit_a_new_article_and_a_move_arrive_exactly_once(story, before, after, came, changed):
    assert {status for answers in story.statuses(after).values() for status in answers} <= {
        200,
        226,
    }
    assert story.news(before, after) == story.all((came, changed))
    assert story.statuses(f"{after} again") == story.all([304, 304])
    assert story.entries(f"{after} again") == story.entries(after)


def test_readers_that_request_deltas_get_them_if_enabled(story):
    assert {name for name in story.names if story.subscribers[name].deltas}
    for stage in ("edited", "new", "moved"):
        got = {name for name, found in story.statuses(stage).items() if found == [226, 226]}
        wanting = {name for name in story.names if story.subscribers[name].deltas}
        assert got == (wanting if story.delta else set()), stage


def test_a_withdrawal_changes_feeds_but_no_entry(story):
    assert story.statuses("withdrawn") == story.all([200, 200])
    assert story.news("moved", "withdrawn") == story.all(([], []))
    again = {
        name: 200 if story.subscribers[name].validators_with_entries else 304
        for name in story.names
    }
    assert story.statuses("withdrawn again") == {name: [again[name]] * 2 for name in story.names}


def test_a_withdrawn_article_is_in_no_document(story):
    assert any(b"Three elsewhere" in body for body in story.withdrawn.values())
    traces = re.compile(rb"corrected|Another body|articles/two|" + CANARY.pattern)
    found = [
        name for name, body in story.withdrawn.items() if any(map(traces.search, disguises(body)))
    ]
    assert found == []


def test_an_article_that_comes_back_is_the_same_article(story):
    assert story.news("moved", "back") == story.all(([], ["two"]))


def test_no_reader_stores_an_article_twice_or_sees_a_hidden_one(story):
    for stage in story.polls:
        for name, entries in story.entries(stage).items():
            merges_feeds = story.subscribers[name].merges_feeds
            counted = Counter(entry.id if merges_feeds else entry[:2] for entry in entries)
            assert set(counted.values()) == {1}, (stage, name)
            assert WORD not in str(entries), (stage, name)


def test_an_entry_has_one_id_in_all_feeds(story):
    for name, entries in story.entries("back again").items():
        ids: dict[str, set[str]] = {}
        for entry in entries:
            ids.setdefault(entry.feed, set()).add(entry.id)
        assert len(ids) == (1 if story.subscribers[name].merges_feeds else len(FEEDS)), name
        assert all(found == {entry.id for entry in entries} for found in ids.values()), name
        assert _names(entry[:2] for entry in entries) == ["four", "one", "three", "two"], name


def test_feeds_change_only_at_stages_that_change_them(story):
    states = {tuple(found.values()) for found in story.validators.values()}
    assert len(states) == len(["first", "edited", "new", "moved", "withdrawn", "back"])
    again = {stage: found for stage, found in story.validators.items() if "again" in stage}
    assert again == {stage: story.validators[stage.split()[0]] for stage in again}
