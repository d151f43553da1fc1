"""Feed readers subscribe to a running `feedhub serve`: what reaches them, and what does not."""

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
_ASKED = re.compile(r'"GET /([^ ?"]+)\S* HTTP/1\.[01]" (\d{3}) \S+ "[^"]*" "(?!-")')


class Polled(NamedTuple):
    """What one poll asked, in the words of the access log, and what the reader keeps after it."""

    statuses: list[int]
    kept: list[Entry]


@dataclass
class Story:
    """What happens to a newspaper, and what every subscriber saw at each stage of it."""

    paper: Newspaper
    delta: bool
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    polls: dict[str, dict[str, Polled]] = field(default_factory=dict)
    validators: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    withdrawn: dict[str, bytes] = field(default_factory=dict)
    asked: int = 0

    def subscribe(self, folder: Path, base_url: str) -> None:
        """Let every reader subscribe that is installed."""
        for name, (make, suffix) in SUBSCRIBERS.items():
            urls = [f"{base_url}/{feed}.{suffix}" for feed in FEEDS]
            try:
                self.subscribers[name] = make(folder / name, urls)
            except pytest.skip.Exception as reason:
                self.missing[name] = str(reason)

    def happen(self) -> None:
        """Let everything happen, one thing after the other."""
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
        """Let go of every reader."""
        for subscriber in self.subscribers.values():
            subscriber.close()

    def poll(self, *stages: str) -> None:
        """Let every subscriber poll once for each stage, one after the other."""
        for stage in stages:
            self.validators[stage] = self.paper.validators()
            kept = {}
            for name, subscriber in self.subscribers.items():
                subscriber.poll()
                kept[name] = subscriber.kept()
            self.polls[stage] = {
                name: Polled(statuses, kept[name]) for name, statuses in self._answers().items()
            }

    def _answers(self) -> dict[str, list[int]]:
        """Return what the access log says of the last poll of each subscriber."""
        asked = [(name, url) for name, found in self.subscribers.items() for url in found.urls]
        before = self.asked
        self.asked += len(asked)
        until(lambda: len(self._log()) >= self.asked, "the access log is not complete")
        answers: dict[str, list[int]] = {name: [] for name in self.subscribers}
        for (name, url), (path, status) in zip(asked, self._log()[before:], strict=True):
            # newsboat and SimplePie may take their feeds in another order.
            assert path.rpartition(".")[2] == url.rpartition(".")[2], (name, path)
            answers[name].append(int(status))
        return answers

    def _log(self) -> list[tuple[str, str]]:
        return _ASKED.findall(self.paper.server.stdout())

    # What the tests ask

    @property
    def names(self) -> list[str]:
        """The readers that are installed."""
        return list(self.subscribers)

    def statuses(self, stage: str) -> dict[str, list[int]]:
        """Return what the feeds of each reader answered at a stage."""
        return {name: self.polls[stage][name].statuses for name in self.names}

    def kept(self, stage: str) -> dict[str, list[Entry]]:
        """Return what each reader keeps after a stage."""
        return {name: self.polls[stage][name].kept for name in self.names}

    def news(self, before: str, after: str) -> dict[str, tuple[list[str], list[str]]]:
        """Return for each reader which entries came, and which changed, between two stages."""
        return {
            name: _news(self.polls[before][name].kept, self.polls[after][name].kept)
            for name in self.names
        }

    def all(self, value: T) -> dict[str, T]:
        """Return the same for every reader."""
        return dict.fromkeys(self.names, value)


def _news(before: list[Entry], after: list[Entry]) -> tuple[list[str], list[str]]:
    old, now = ({entry[:2]: entry for entry in kept} for kept in (before, after))
    changed = [key for key in now.keys() & old.keys() if now[key] != old[key]]
    return _names(now.keys() - old.keys()), _names(changed)


def _names(keys: Iterable[tuple[str, ...]]) -> list[str]:
    return sorted({identity.rpartition("/")[2] for _, identity in keys})


@pytest.fixture(scope="module", params=["whole", "delta"])
def story(request, tmp_path_factory) -> Story:
    """The story, told once for all tests: with whole documents to everyone, and with deltas to who
    asks for them.
    """
    folder = tmp_path_factory.mktemp("subscribers")
    port = free_port()
    address = ("--port", str(port))
    base_url = f"http://127.0.0.1:{port}"
    toml = f"[http]\ndelta = {'true' if request.param == 'delta' else 'false'}\n"
    paper = _first_issue(folder / "articles")
    with serve(folder, Path("articles"), *address, toml=toml, base_url=base_url) as paper.server:
        story = Story(paper, request.param == "delta")
        story.subscribe(folder, base_url)
        try:
            story.happen()
        finally:
            story.close()
    return story


def _first_issue(folder: Path) -> Newspaper:
    folder.mkdir()
    paper = Newspaper(folder)
    for number, word in enumerate(["One", "Two", "Three"], 1):
        said = {"publishedDateTime": f"2020-06-0{number}T11:00:00Z", "provider": PAPER}
        paper.fields[word.lower()] = {"topics": ["AI"], **said}
        paper.write(word.lower(), word, f"Body of {word.lower()}.")
    return paper


@pytest.mark.parametrize("name", SUBSCRIBERS)
def test_a_reader_subscribes(story, name):
    if name in story.missing:
        pytest.skip(story.missing[name])
    assert story.statuses("first")[name] == [200, 200]
    assert {entry.title for entry in story.kept("first")[name]} == {"One", "Two", "Three"}


def test_the_second_update_is_a_304_and_the_third_for_newsboat(story):
    second = {name: 200 if story.subscribers[name].late else 304 for name in story.names}
    assert story.statuses("second") == {name: [status] * 2 for name, status in second.items()}
    assert story.statuses("third") == story.all([304, 304])
    assert story.kept("first") == story.kept("second") == story.kept("third")


def test_an_edit_of_secured_alone_never_arrives(story):
    assert story.statuses("secured") == story.all([304, 304])
    assert story.kept("secured") == story.kept("third")
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
    assert story.kept(f"{after} again") == story.kept(after)


def test_deltas_are_given_to_who_asks_where_they_are_offered(story):
    assert {name for name in story.names if story.subscribers[name].deltas}
    for stage in ("edited", "new", "moved"):
        given = {name for name, found in story.statuses(stage).items() if found == [226, 226]}
        asked = {name for name in story.names if story.subscribers[name].deltas}
        assert given == (asked if story.delta else set()), stage


def test_a_withdrawal_is_a_change_without_news(story):
    assert story.statuses("withdrawn") == story.all([200, 200])
    assert story.news("moved", "withdrawn") == story.all(([], []))
    again = {name: 200 if story.subscribers[name].forgetful else 304 for name in story.names}
    assert story.statuses("withdrawn again") == {name: [again[name]] * 2 for name in story.names}


def test_a_withdrawn_article_is_gone_from_everything_that_can_be_asked_for(story):
    assert any(b"Three elsewhere" in body for body in story.withdrawn.values())
    traces = re.compile(rb"corrected|Another body|articles/two|" + CANARY.pattern)
    found = [
        place for place, body in story.withdrawn.items() if any(map(traces.search, disguises(body)))
    ]
    assert found == []


def test_an_article_that_comes_back_is_the_same_article(story):
    assert story.news("moved", "back") == story.all(([], ["two"]))


def test_no_reader_ever_keeps_an_article_twice_or_sees_a_hidden_one(story):
    for stage in story.polls:
        for name, kept in story.kept(stage).items():
            shared = story.subscribers[name].shared
            counted = Counter(entry.id if shared else entry[:2] for entry in kept)
            assert set(counted.values()) == {1}, (stage, name)
            assert WORD not in str(kept), (stage, name)


def test_a_topic_and_the_feed_of_everything_share_their_ids(story):
    for name, kept in story.kept("back again").items():
        ids: dict[str, set[str]] = {}
        for entry in kept:
            ids.setdefault(entry.feed, set()).add(entry.id)
        assert len(ids) == (1 if story.subscribers[name].shared else len(FEEDS)), name
        assert all(found == {entry.id for entry in kept} for found in ids.values()), name
        assert _names(entry[:2] for entry in kept) == ["four", "one", "three", "two"], name


def test_no_feed_moved_without_a_reason(story):
    states = {tuple(found.values()) for found in story.validators.values()}
    assert len(states) == len(["first", "edited", "new", "moved", "withdrawn", "back"])
    again = {stage: found for stage, found in story.validators.items() if "again" in stage}
    assert again == {stage: story.validators[stage.split()[0]] for stage in again}
