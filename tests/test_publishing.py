"""Publishing under load: what clients get while articles change a thousand times."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from feedhub.cli import main
from tests.exchange import Response
from tests.kit import article_text
from tests.pollers import Observations, Poller
from tests.servers import Server, request, serve, until

ARTICLES = 24
CLIENTS = 4
PAUSE = 0.02  # seconds between two publishes: a thousand take as long as readers poll


class Editor:
    """An editor of articles who writes files in all the ways that programs do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._random = random.Random(5)
        self._edits = 0
        folder.mkdir()
        for number in range(ARTICLES):
            self.rewrite(number)

    def text(self, number: int, **fields: object) -> str:
        """Return the next text of an article."""
        self._edits += 1
        body = f"Edit {self._edits}. " * self._random.randrange(1, 80)
        defaults = {
            "webUrl": f"https://news.example/{number}",
            "publishedDateTime": f"2020-0{1 + number % 9}-01T00:00:00Z",
            "topics": ["AI", "Art"] if number % 2 else ["AI"],
            "provider": {"name": "Paper", "domain": "paper.example"},
        }
        return article_text(f"Article {number} é {self._edits}", body, **defaults | fields)

    def path(self, number: int) -> Path:
        """Return the path of an article."""
        return self.folder / f"article-{number}.md"

    def publish(self) -> None:
        """Change one article in a random way."""
        ways = (self.rewrite, self.write_in_place, self.truncate, self.recreate, self.hide)
        way = self._random.choices(ways, weights=(80, 8, 4, 4, 4))[0]
        way(self._random.randrange(ARTICLES))

    def rewrite(self, number: int, **fields: object) -> None:
        """Rename a new file over the old one, as careful editors do."""
        fresh = self.folder / ".fresh"
        fresh.write_text(self.text(number, **fields), encoding="utf-8")
        fresh.replace(self.path(number))

    def write_in_place(self, number: int) -> None:
        """Write half, wait, write the rest."""
        text = self.text(number).encode()
        with self.path(number).open("wb", buffering=0) as file:
            file.write(text[: len(text) // 2])
            time.sleep(PAUSE)
            file.write(text[len(text) // 2 :])

    def truncate(self, number: int) -> None:
        """Leave a file without its end, or empty."""
        text = self.text(number).encode()
        self.path(number).write_bytes(text[: self._random.choice((0, 40, 120))])

    def recreate(self, number: int) -> None:
        """Remove a file, and write it anew."""
        self.path(number).unlink()
        time.sleep(PAUSE)
        self.rewrite(number)

    def hide(self, number: int) -> None:
        """Withdraw an article until its next edit."""
        self.rewrite(number, published=False)


@contextmanager
def polled(server: Server, observations: Observations) -> Iterator[None]:
    """Run the clients meanwhile."""
    pollers = [Poller(number, server.address, observations) for number in range(CLIENTS)]
    for poller in pollers:
        poller.start()
    try:
        yield
    finally:
        for poller in pollers:
            poller.finish()


@pytest.mark.parametrize(("publishes", "workers"), [(500, 1), (200, 2)])
def test_every_body_is_whole_and_has_one_tag_while_articles_change(tmp_path, publishes, workers):
    editor = Editor(tmp_path / "articles")
    observations = Observations()
    with serve(tmp_path, editor.folder, "--workers", str(workers)) as server:
        with polled(server, observations):
            for _ in range(publishes):
                editor.publish()
                time.sleep(PAUSE)
            for number in range(ARTICLES):
                editor.rewrite(number, **({"published": False} if number % 5 == 0 else {}))
        expected = freshly_rendered(editor.folder, tmp_path)
        until(lambda: served(server) == expected, "the last edits do not appear")
        assert server.process.poll() is None
    assert observations.errors[:20] == []
    # The clients did poll, and did see changes.
    assert observations.statuses[200] > publishes / 10
    assert observations.statuses[304] > publishes / 10
    assert observations.tags("/all.atom") > publishes / 100


def served(server: Server) -> dict[str, list[tuple[str, str, str]]]:
    """Return what the JSON feeds of a server hold."""
    return {
        path: entries(request(server, "GET", f"/{path}").body)
        for path in ("all.json", "topics/ai.json", "topics/art.json")
    }


def freshly_rendered(source: Path, folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Return what a render with a new catalog writes into them."""
    out = folder / "public"
    arguments = [str(source), str(out), "--catalog", str(folder / "fresh.db")]
    assert main(["render", *arguments, "--base-url", "https://feeds.example.org"]) == 0
    return {
        path: entries((out / path).read_bytes())
        for path in ("all.json", "topics/ai.json", "topics/art.json")
    }


def entries(body: bytes) -> list[tuple[str, str, str]]:
    return [(item["id"], item["title"], item["content_html"]) for item in json.loads(body)["items"]]


# The validators, and time


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    """A server of two articles in `articles`."""
    (tmp_path / "articles").mkdir()
    for name in ("One", "Two"):
        write(tmp_path, name, topics=["AI"])
    with serve(tmp_path, Path("articles")) as server:
        yield server


def write(folder: Path, title: str, **fields: object) -> None:
    """Write an article file named by the first word of its title, all at once."""
    fresh = folder / "articles" / ".fresh"
    fresh.write_text(article_text(title, "", **fields), encoding="utf-8")
    fresh.replace(folder / "articles" / f"{title.split()[0].lower()}.md")


def changed(server: Server, before: Response, path: str = "/all.atom") -> Response:
    """Wait until a feed has another tag, and return it."""

    def fetch_changed() -> Response | None:
        response = request(server, "GET", path)
        assert response.status == 200
        return response if response["etag"] != before["etag"] else None

    response = until(fetch_changed, f"{path} does not change")
    assert response is not None
    return response


def modified(response: Response) -> datetime:
    return parsedate_to_datetime(response["last-modified"])


def max_age(response: Response) -> int:
    found = re.match(r"public, max-age=(\d+),", response["cache-control"])
    assert found, response["cache-control"]
    return int(found[1])


def test_two_changes_within_a_second_move_both_validators_twice(server):
    paths = ("/all.rss", "/all.atom", "/all.json", "/topics/ai.atom", "/feeds.opml")
    responses_by_path = {path: [request(server, "GET", path)] for path in paths}
    for number in range(4):
        write(server.folder, f"One {number}", topics=["AI"])
        for path, responses in responses_by_path.items():
            responses.append(changed(server, responses[-1], path))
    for path, responses in responses_by_path.items():
        assert len({response["etag"] for response in responses}) == 5, path
        moments = [modified(response) for response in responses]
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert min(gaps) >= timedelta(seconds=1), (path, moments)


def test_a_client_that_polls_by_date_misses_no_change(server):
    response = request(server, "GET", "/all.json")
    for number in range(4):
        write(server.folder, f"One {number}")
        response = newer(server, response["last-modified"])
        assert f'"One {number}"' in response.body.decode()


def newer(server: Server, since: str) -> Response:
    """Wait until there is something newer than a date, and return it."""

    def fetch_changed() -> Response | None:
        response = request(server, "GET", "/all.json", [("If-Modified-Since", since)])
        return response if response.status == 200 else None

    response = until(fetch_changed, f"nothing is newer than {since}")
    assert response is not None
    return response


def test_a_backfilled_article_advances_last_modified(server):
    before = request(server, "GET", "/all.atom")
    write(server.folder, "Old", publishedDateTime="1999-01-01T00:00:00Z")
    after = changed(server, before)
    assert modified(after) >= modified(before) + timedelta(seconds=1)
    assert b"<title>Old</title>" in after.body


def test_a_scheduled_article_appears_when_due_and_caches_know_before(server):
    before = request(server, "GET", "/all.atom")
    assert max_age(before) == 900
    due = datetime.now(UTC) + timedelta(seconds=400)
    write(server.folder, "Later", publishedDateTime=due.isoformat())
    until(lambda: max_age(request(server, "GET", "/all.atom")) <= 400, "Later is not scheduled")
    assert max_age(request(server, "GET", "/all.atom")) > 60
    soon = datetime.now(UTC) + timedelta(seconds=4)
    write(server.folder, "Soon", publishedDateTime=soon.isoformat())
    until(lambda: max_age(request(server, "GET", "/all.atom")) == 60, "Soon is not scheduled")
    conditional = [("If-None-Match", before["etag"])]
    waiting = request(server, "GET", "/all.atom", conditional)
    assert (waiting.status, max_age(waiting)) == (304, 60)
    appeared = changed(server, before)
    assert datetime.now(UTC) >= soon.replace(microsecond=0)
    assert b"<title>Soon</title>" in appeared.body
    assert b"Later" not in appeared.body
    assert modified(appeared) > modified(before)
    until(lambda: 60 < max_age(request(server, "GET", "/all.atom")) <= 400, "Soon stays due")
