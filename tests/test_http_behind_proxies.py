"""Rows 28, 43 and 50-53 of the HTTP table through nginx with its cache and through Caddy.

Responses are cached for a second, so that a change passes nginx within two.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.http_table import BASE, DOCUMENTS, F, Living, decoded, small_and_silent, write_articles
from tests.kit import article_text
from tests.proxies import Proxy, caddy_proxy, nginx_proxy
from tests.servers import Response, Server, request, serve, start, until

PROXIES = ("nginx", "caddy")
SHORT = "[http]\nmax_age = 1\nstale_while_revalidate = 0\nstale_if_error = 0\n"
MOVED = '[feeds]\ngone = ["topics/old"]\nmoved = ["topics/before -> topics/ai"]\n'
EDITED = {
    "publishedDateTime": "2020-06-02T11:00:00Z",
    "provider": {"name": "News & Co", "domain": "news.example"},
}


@contextmanager
def fronted(name: str, folder: Path, server: Server) -> Iterator[Proxy]:
    """Start the shipped proxy of that name before a server."""
    origin = ("127.0.0.1", server.port)
    made = nginx_proxy(folder / name, [origin]) if name == "nginx" else caddy_proxy(folder, origin)
    with made as proxy:
        yield proxy


@contextmanager
def living(name: str, folder: Path, toml: str = SHORT) -> Iterator[Living]:
    """Start a server of the usual articles, and send requests through a proxy."""
    articles = write_articles(folder / "articles")
    with serve(folder, articles, toml=toml) as server, fronted(name, folder, server) as proxy:
        yield Living(proxy, articles)  # type: ignore[arg-type] # it is only asked


def modified(answer: Response):
    return parsedate_to_datetime(answer["last-modified"])


@pytest.mark.parametrize("name", PROXIES)
def test_row_28_retired_and_moved_feeds(name, tmp_path):
    with living(name, tmp_path, MOVED) as behind:
        gone = behind.get("/topics/old.rss", If_None_Match="*")
        assert gone.status == 410
        assert small_and_silent(gone, "old")
        moved = behind.get("/topics/before.atom")
        assert (moved.status, moved["location"]) == (301, f"{BASE}/topics/ai.atom")
        guess = behind.get("/rss.xml")
        assert (guess.status, guess["location"]) == (301, f"{BASE}/all.rss")


@pytest.mark.parametrize(("name", "status"), [("nginx", 200), ("caddy", 226)])
def test_row_43_deltas_pass_a_proxy_without_cache(name, status, tmp_path):
    with living(name, tmp_path, f"{SHORT}delta = true\n") as behind:
        old = behind.get()
        behind.write("new.md", "Brand new", publishedDateTime="2020-06-20T00:00:00Z")
        new = behind.after(old["etag"])
        answer = behind.get(A_IM="feed", If_None_Match=old["etag"])
        assert (answer.status, answer["etag"]) == (status, new["etag"])
        assert (b"Article 1<" in answer.body) == (status == 200)
        assert b"Brand new" in answer.body


@pytest.mark.parametrize("name", PROXIES)
def test_row_50_two_hundred_topics(name, tmp_path):
    articles = tmp_path / "articles"
    articles.mkdir()
    for number in range(200):
        text = article_text(f"Article {number}", topics=[f"Topic {number}"])
        (articles / f"{number}.md").write_text(text, encoding="utf-8")
    with serve(tmp_path, articles) as server, fronted(name, tmp_path, server) as proxy:
        index = request(proxy, "GET", "/topics/").body.decode()
        pages = re.findall(r'href="[^"]*/(topics/topic-[^"/]*)/"', index)
        links = [f"/{page}{suffix}" for page in pages for suffix in (".rss", ".atom", ".json")]
        answers = [request(proxy, "GET", link) for link in links]
    assert len(set(links)) == len(links) == 600
    assert {answer.status for answer in answers} == {200}
    assert len({answer["etag"] for answer in answers}) == len({a.body for a in answers}) == 600


@pytest.mark.parametrize("name", PROXIES)
def test_row_51_a_changed_article(name, tmp_path):
    with living(name, tmp_path) as behind:
        old = behind.get()
        behind.write("1.md", "Edited", **EDITED)
        new = behind.after(old["etag"])
        assert b"Edited" in new.body
        assert (modified(new) - modified(old)).total_seconds() >= 1
        assert behind.get(If_Modified_Since=old["last-modified"]).body == new.body
        assert behind.get(If_None_Match=new["etag"]).status == 304
        behind.write("old.md", "From long ago", publishedDateTime="2020-06-01T00:00:00Z")
        late = behind.after(new["etag"])
        assert b"From long ago" in late.body
        assert modified(late) > modified(new)


@contextmanager
def asking(ask: Callable[[], Response], answers: list[Response]) -> Iterator[None]:
    """Send requests while the block runs."""
    done = threading.Event()

    def run() -> None:
        while not done.wait(0.01):
            answers.append(ask())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("name", PROXIES)
def test_row_52_every_body_has_one_tag_while_articles_change(name, tmp_path):
    plain: list[Response] = []
    coded: list[Response] = []
    with (
        living(name, tmp_path) as behind,
        asking(behind.get, plain),
        asking(lambda: behind.get(Accept_Encoding="gzip"), coded),
    ):
        for number in range(6):
            known = behind.get()["etag"]
            behind.write("1.md", f"Version {number}", **EDITED)
            behind.after(known)
    for answers in (plain, coded):
        assert {answer.status for answer in answers} == {200}
        pairs = {(answer["etag"], answer.body) for answer in answers}
        assert len(pairs) == len({tag for tag, _ in pairs}) == len({body for _, body in pairs}) >= 6
        assert all(decoded(answer).rstrip().endswith(b"</feed>") for answer in answers)
        assert sorted(map(modified, answers)) == list(map(modified, answers))


@pytest.mark.parametrize("name", PROXIES)
def test_row_53_before_there_is_a_catalog(name, tmp_path):
    articles = write_articles(tmp_path / "articles")
    with (
        serve(tmp_path, wait=False) as server,
        fronted(name, tmp_path, server) as proxy,
    ):
        for target in [*DOCUMENTS, "/topics/none.rss"]:
            answer = request(proxy, "GET", target)
            assert answer.status == 503
            assert answer["retry-after"].isdecimal()
            assert answer["cache-control"] == "no-store"
            assert small_and_silent(answer, "none")
        sync = ["sync", str(articles), "--catalog", "catalog.db", "--base-url", BASE]
        with start(tmp_path, sync) as once:
            assert once.process.wait(60) == 0, once.stderr()
        until(lambda: request(proxy, "GET", F).status == 200, "the feeds do not come")
        assert {request(proxy, "GET", target).status for target in DOCUMENTS} == {200}
        assert request(proxy, "GET", "/topics/none.rss").status == 404
