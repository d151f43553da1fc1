"""The server and a render give the same bytes at the same addresses, in every coding."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.http_table import BASE, write_articles
from tests.kit import article_text, files_below
from tests.servers import request, serve, start

TOML = f"""\
[site]
base_url = "{BASE}"
title = "Parity & more"
[feeds]
limit = 8
days = 1
builder = "yes"
stories = "yes"
[render]
compress = ["gzip", "br"]
"""
CODINGS = {".gz": "gzip", ".br": "br"}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """The files of a render, by path, and a server of the same source and configuration."""
    folder = tmp_path_factory.mktemp("parity")
    articles = write_articles(folder / "articles", 28)
    for number, label in enumerate(["日本", "C++ & <b>", "Zwei Wörter"]):
        text = article_text(
            label, topics=[label], categories=[label], publishedDateTime=f"2020-0{number + 2}-01"
        )
        (articles / f"odd-{number}.md").write_text(text, encoding="utf-8")
    with serve(folder, articles, toml=TOML, base_url=None) as server:
        arguments = ["render", str(articles), "out", "--config", "feedhub.toml"]
        with start(folder, [*arguments, "--catalog", "other.db"]) as render:
            assert render.process.wait(60) == 0, render.stderr()
        yield files_below(folder / "out"), server


def addresses(files):
    """Return (address, coding, body) of every document among the files of a render."""
    for path, body in files.items():
        suffix = path[-3:] if path[-3:] in CODINGS else ""
        document = path.removesuffix(suffix)
        if not document.startswith("."):
            page = re.sub(r"(^|/)index\.html$", r"\1", document)
            target = f"/{quote(page)}"
            yield target, CODINGS.get(suffix, "identity"), body


def test_every_file_of_a_render_is_served_with_the_same_bytes(both):
    files, server = both
    compared = 0
    for target, coding, body in addresses(files):
        answer = request(server, "GET", target, [("Accept-Encoding", coding)])
        assert (answer.status, answer.body) == (200, body), f"{target} in {coding}"
        assert answer.header("content-encoding") == (None if coding == "identity" else coding)
        compared += 1
    assert compared > 100
    assert {"/", "/feeds.opml", "/topics/%E6%97%A5%E6%9C%AC.atom", "/all/2020-06.rss"} <= {
        target for target, _, _ in addresses(files)
    }


def test_every_address_in_a_document_is_a_rendered_file(both):
    files, _ = both
    rendered = {f"{BASE}{target}" for target, _, _ in addresses(files)}
    named = set()
    for target, coding, body in addresses(files):
        if coding == "identity":
            for address in re.findall(rf'{BASE}[^"<>\s]*', body.decode("utf-8", "replace")):
                # Searches are answered by the server alone.
                assert address in {*rendered, BASE, f"{BASE}/", f"{BASE}/search/"}, target
                named.add(address)
    assert rendered - named <= {
        f"{BASE}/{name}" for name in ("", "robots.txt", "404.html", "favicon.ico")
    }


def test_two_servers_of_one_source_give_the_same_validators(both, tmp_path):
    files, server = both
    articles = server.folder / "articles"
    with serve(tmp_path, articles, toml=TOML, base_url=None) as other:
        for target, coding, _ in addresses(files):
            lines = [("Accept-Encoding", coding)]
            one, two = (request(place, "HEAD", target, lines) for place in (server, other))
            assert one["etag"] == two["etag"]
            assert one["last-modified"] == two["last-modified"]


def test_an_archive_has_a_longer_max_age_than_a_feed(both):
    _, server = both
    for target, seconds in {"/all/2020-02": 86_400, "/all/2020-06": 900, "/all": 900}.items():
        for ending in (".rss", ".atom", ".json"):
            answer = request(server, "GET", target + ending)
            assert answer["cache-control"].startswith(f"public, max-age={seconds}, stale-while-")
