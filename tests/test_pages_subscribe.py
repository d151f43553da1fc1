"""Feed readers subscribe through the first page: the list of all feeds that it links to."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

import listparser
import pytest
import reader

from tests.index_pages import parsed
from tests.kit import article_text
from tests.servers import Server, free_port, request, serve
from tests.subscribers import TIMEOUT

TITLES = ["AT&T’s plan", "Zwei Wörter <b>fett</b>", "日本の話"]


class Seen(NamedTuple):
    """An entry as a reader keeps it: the address of its picture, and when it was published."""

    title: str
    picture: str | None
    published: datetime


def wanted() -> set[Seen]:
    return {
        Seen(title, f"https://cdn.example/{n}.jpg", datetime(2020, 6, n + 1, 11, tzinfo=UTC))
        for n, title in enumerate(TITLES)
    }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("subscribe")
    (folder / "articles").mkdir()
    for n, title in enumerate(TITLES):
        image = {"url": f"https://cdn.example/{n}.jpg", "width": 1200, "height": 630}
        text = article_text(
            title,
            webUrl=f"https://news.example/{n}",
            topics=["AI", f"Topic {n}"],
            images=[image],
            publishedDateTime=f"2020-06-{n + 1:02}T11:00:00Z",
        )
        (folder / f"articles/{n}.md").write_text(text, encoding="utf-8")
    port = str(free_port())
    base = f"http://127.0.0.1:{port}"
    with serve(folder, folder / "articles", "--port", port, base_url=base) as server:
        yield server


@pytest.fixture(scope="module")
def opml(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the list that the first page links to, as who reads it would save it."""
    page = parsed(request(server, "GET", "/").body.decode())
    (link,) = page.xpath("//main//a[@type='text/x-opml']/@href")
    answer = request(server, "GET", urljoin("/", link.removeprefix(server.url)))
    assert answer.status == 200
    path = tmp_path_factory.mktemp("list") / "feeds.opml"
    path.write_bytes(answer.body)
    return path


def feeds_of(opml: Path) -> list[str]:
    return [feed["url"] for feed in listparser.parse(opml.read_text(encoding="utf-8"))["feeds"]]


def test_the_list_has_every_feed_that_the_page_has(server, opml):
    page = parsed(request(server, "GET", "/").body.decode())
    pages = page.xpath("//ul[starts-with(@class, 'feeds')]/li/a/@href")
    assert sorted(feeds_of(opml)) == sorted(
        f"{page.removesuffix('/')}.rss" for page in [f"{server.url}/all/", *pages]
    )


def test_newsboat_imports_the_list_and_shows_the_articles(opml, tmp_path):
    program = shutil.which("newsboat")
    if program is None:
        pytest.skip("newsboat is missing: apt-get install newsboat")
    (tmp_path / "config").write_text(f'error-log "{tmp_path}/errors"\n', encoding="utf-8")
    (tmp_path / "urls").touch()
    places = ["-C", "config", "-u", "urls", "-c", "cache.db"]
    for action in (["-i", str(opml)], ["-x", "reload"]):
        ran = subprocess.run(
            [program, *places, *action],
            cwd=tmp_path,
            env=os.environ | {"TERM": "dumb", "HOME": str(tmp_path)},
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
    errors = tmp_path / "errors"
    assert not errors.exists() or not errors.read_text(encoding="utf-8")
    with closing(sqlite3.connect(tmp_path / "cache.db")) as cache:
        rows = cache.execute("SELECT title, content, pubDate FROM rss_item").fetchall()
        feeds = {row[0] for row in cache.execute("SELECT rssurl FROM rss_feed")}
    assert feeds == set(feeds_of(opml))
    seen = set()
    for title, content, at in rows:  # it shows the pictures of an article, not others
        (picture,) = parsed(content).xpath("//img/@src")
        seen.add(Seen(title, picture, datetime.fromtimestamp(at, UTC)))
    assert seen == wanted()


def test_reader_imports_the_list_and_shows_the_articles(opml, tmp_path):
    with closing(reader.make_reader(str(tmp_path / "reader.sqlite"))) as opened:
        for url in feeds_of(opml):
            opened.add_feed(url)
        assert not [result for result in opened.update_feeds_iter() if result.error]
        entries = list(opened.get_entries())
        assert {feed.title for feed in opened.get_feeds()} >= {"Feeds", "AI · Feeds"}
    seen = {Seen(e.title or "", e.enclosures[0].href, e.published) for e in entries if e.published}
    assert seen == wanted()
    assert len(entries) == len(TITLES) * 3, "everything, one topic of all, one of each"
