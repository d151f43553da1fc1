"""Rows 50-53 of the HTTP table: many feeds, articles that change, a catalog that is missing yet.

These need their own servers, without a proxy: a cache may serve a response for its max-age.
The tests of the proxies check what such a cache does.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

import pytest
from lxml import etree

from tests.http_table import (
    BASE,
    CACHE_CONTROL,
    DIRECT,
    DOCUMENTS,
    F,
    Living,
    decoded,
    small_and_silent,
    write_articles,
)
from tests.kit import article_text, make_bench
from tests.servers import Response, request, serve, start, until

ROOTS = {"{http://www.w3.org/2005/Atom}feed", "rss"}
EDITED = {
    "publishedDateTime": "2020-06-02T11:00:00Z",
    "provider": {"name": "News & Co", "domain": "news.example"},
}


@pytest.fixture(scope="module", params=DIRECT)
def living(request, tmp_path_factory) -> Iterator[Living]:
    """A server of the usual articles, with either parser; each test goes on where one ended."""
    folder = tmp_path_factory.mktemp("living")
    articles = write_articles(folder / "articles")
    with serve(folder, articles, toml=f'[http]\nparser = "{request.param}"\n') as server:
        yield Living(server, articles)


def modified(answer: Response):
    return parsedate_to_datetime(answer["last-modified"])


def test_row_50_each_feed_of_200_topics_has_its_own_address_and_tag(tmp_path):
    articles = tmp_path / "articles"
    articles.mkdir()
    for number in range(200):
        text = article_text(f"Article {number}", topics=[f"Topic {number}"])
        (articles / f"{number}.md").write_text(text, encoding="utf-8")
    with serve(tmp_path, articles, toml="[feeds]\narchives = false\n") as server:
        index = request(server, "GET", "/topics/").body.decode()
        pages = re.findall(rf'<a href="{BASE}/(topics/topic-[^"/]*)/"', index)
        suffixes = ("rss", "atom", "json")
        links = [f"{BASE}/{page}.{suffix}" for page in pages for suffix in suffixes]
        assert sorted(links) == sorted(
            f"{BASE}/topics/topic-{number}.{suffix}"
            for number in range(200)
            for suffix in ("rss", "atom", "json")
        )
        answers = [request(server, "GET", link.removeprefix(BASE)) for link in links]
    assert {answer.status for answer in answers} == {200}
    assert len({answer["etag"] for answer in answers}) == len({a.body for a in answers}) == 600


def test_row_51_a_changed_article_changes_tag_and_date(living):
    old = living.get()
    living.write("1.md", "Edited", **EDITED)
    new = living.after(old["etag"])
    assert b"Edited" in new.body
    assert new["etag"] != old["etag"]
    assert (modified(new) - modified(old)).total_seconds() >= 1
    assert living.get(If_Modified_Since=old["last-modified"]).body == new.body
    assert living.get(If_None_Match=new["etag"]).status == 304
    assert living.get(If_Modified_Since=new["last-modified"]).status == 304


def test_row_51_two_changes_within_a_second_are_both_visible(living):
    seen = [living.get()]
    for number in range(4):
        living.write("1.md", f"Edit {number}", **EDITED)
        seen.append(living.after(seen[-1]["etag"]))
        # A client with the date of the previous version gets this one.
        late = living.get(If_Modified_Since=seen[-2]["last-modified"])
        assert (late.status, late.body) == (200, seen[-1].body)
    assert len({answer["etag"] for answer in seen}) == len(seen)
    for answer in seen:
        assert modified(answer) <= parsedate_to_datetime(answer["date"])


def test_row_51_a_backfilled_article_advances_the_date_too(living):
    old = living.get()
    living.write("old.md", "From long ago", publishedDateTime="2020-06-01T00:00:00Z")
    new = living.after(old["etag"])
    assert b"From long ago" in new.body
    assert modified(new) > modified(old)
    assert living.get(If_Modified_Since=old["last-modified"]).status == 200


def test_row_51_an_invisible_change_changes_no_validator(living):
    before = {target: living.get(target) for target in DOCUMENTS}
    text = (living.articles / "1.md").read_text(encoding="utf-8")
    (living.articles / "1.md").write_text(text.replace("title:", "secured: x\ntitle:"), "utf-8")
    other = living.get("/topics/ai.atom")["etag"]
    (living.articles / "sign.md").write_text(article_text("Sign", topics=["AI"]), "utf-8")
    living.after(other, "/topics/ai.atom")  # what was written later is out
    for target in (F, "/providers/news-co.json"):
        again = living.get(target)
        assert (again["etag"], again["last-modified"], again.body) == (
            before[target]["etag"],
            before[target]["last-modified"],
            before[target].body,
        )


def test_row_51_a_scheduled_article_appears_on_time_in_caches_too(living):
    old = living.get()
    soon = datetime.now(UTC) + timedelta(seconds=100)
    living.write("late.md", "Later", publishedDateTime=soon.isoformat())
    shortened = (
        r"public, max-age=(6\d|[789]\d|100), stale-while-revalidate=300, stale-if-error=3600"
    )
    until(
        lambda: re.fullmatch(shortened, living.get()["cache-control"]), "max-age is not shortened"
    )
    assert living.get(If_None_Match=old["etag"]).status == 304
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    living.write("late.md", "Later", publishedDateTime=soon.isoformat())
    new = living.after(old["etag"])
    assert datetime.now(UTC) >= soon
    assert b"Later" in new.body
    assert modified(new) > modified(old)
    assert living.get()["cache-control"] == CACHE_CONTROL


def test_row_51_a_restart_keeps_the_validators(tmp_path):
    articles = write_articles(tmp_path / "articles")
    answers = []
    with serve(tmp_path, articles) as server:
        living = Living(server, articles)
        old = living.get()
        living.write("1.md", "Edited", **EDITED)
        answers.append(living.after(old["etag"]))
    for _ in range(2):
        with serve(tmp_path, articles) as server:
            answers.append(request(server, "GET", F))
    assert len({(a["etag"], a["last-modified"], a.body) for a in answers}) == 1


class Client(threading.Thread):
    """Requests a document in one coding, again and again, and stores every response."""

    def __init__(self, living: Living, target: str, coding: str, pause: float) -> None:
        super().__init__()
        self._ask = partial(living.get, target, Accept_Encoding=coding)
        self._pause = pause
        self._stop_asking = threading.Event()
        self.answers: list[Response] = []

    def run(self) -> None:
        while not self._stop_asking.wait(self._pause):
            self.answers.append(self._ask())

    def stop(self) -> None:
        """End the asking."""
        self._stop_asking.set()
        self.join()


@pytest.mark.parametrize("parser", DIRECT)
def test_row_52_every_response_is_complete_while_articles_change(tmp_path, parser):
    bench = make_bench(tmp_path, tmp_path / "catalog.db")
    write_articles(bench.root)
    bench.sync(datetime.now(UTC))
    with serve(tmp_path, toml=f'[http]\nparser = "{parser}"\n') as server:
        living = Living(server, bench.root)
        # Who asks in peace comes when the catalog has moved and the server has not seen it.
        clients = [
            Client(living, F, "identity", 0),
            Client(living, F, "gzip", 0.02),
            Client(living, "/all.atom", "br", 0.07),
            Client(living, "/providers/news-co.atom", "gzip", 0.11),
            Client(living, "/topics/computer-vision.rss", "identity", 0.13),
        ]
        with running(clients):
            for number in range(100):
                living.write("1.md", f"Version {number}", **EDITED)
                bench.sync(datetime.now(UTC))
                time.sleep(0.03)
            until(lambda: b"Version 99<" in living.get().body, "the last version is not published")
    bench.catalog.close()
    for client in clients:
        versions_are_whole(client.answers)


@contextmanager
def running(clients: list[Client]) -> Iterator[None]:
    """Run the clients while the block runs."""
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.stop()


def versions_are_whole(answers: list[Response]) -> None:
    """Check every body and its tag, and that no client ever gets an older version."""
    bodies: dict[str, bytes] = {}
    versions, dates = [], []
    for answer in answers:
        assert answer.status == 200
        assert bodies.setdefault(answer["etag"], answer.body) == answer.body
        assert modified(answer) <= parsedate_to_datetime(answer["date"])
        dates.append(modified(answer))
        version = re.search(rb">Version (\d+)<", decoded(answer))
        versions.append(int(version[1]) if version else -1)
    for body in bodies.values():
        text = decoded(answers[[answer.body for answer in answers].index(body)])
        assert etree.fromstring(text).tag in ROOTS
    assert len(set(bodies.values())) == len(bodies) == len(set(versions)) >= 5
    assert versions == sorted(versions)
    assert dates == sorted(dates)


@pytest.mark.parametrize("parser", DIRECT)
def test_row_53_before_there_is_a_catalog_everything_is_503(tmp_path, parser):
    articles = write_articles(tmp_path / "articles")
    toml = f'[http]\nparser = "{parser}"\n'
    with serve(tmp_path, toml=toml, wait=False) as server:
        for target in [*DOCUMENTS, "/topics/none.rss", "/feed.xml"]:
            for method in ("GET", "HEAD"):
                answer = request(server, method, target)
                assert answer.status == 503
                assert answer["retry-after"].isdecimal()
                assert answer["cache-control"] == "no-store"
                assert answer.header("etag") is None
                assert small_and_silent(answer, "none")
        assert request(server.admin_address, "GET", "/livez").status == 200
        assert request(server.admin_address, "GET", "/readyz").status == 503
        sync = ["sync", str(articles), "--catalog", "catalog.db", "--base-url", BASE]
        with start(tmp_path, sync) as once:
            assert once.process.wait(60) == 0, once.stderr()
        server.wait_until_ready()
        assert {request(server, "GET", target).status for target in DOCUMENTS} == {200}
        assert request(server, "GET", "/topics/none.rss").status == 404


def test_row_53_while_the_first_articles_are_read_nothing_is_404(tmp_path):
    articles = write_articles(tmp_path / "articles", 28)
    with serve(tmp_path, articles, wait=False) as server:
        answers = [request(server, "GET", F)]
        while answers[-1].status != 200:
            answers.append(request(server, "GET", F))
            assert len(answers) < 100_000, server.stderr()
    assert {answer.status for answer in answers[:-1]} <= {503}
    assert all(answer["retry-after"].isdecimal() for answer in answers[:-1])
