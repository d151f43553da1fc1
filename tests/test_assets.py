"""Pictures, audio and video beside an article have the address at which the site serves them."""

from __future__ import annotations

import pytest

from feedhub.errors import Problem
from feedhub.sources import ReadOptions, SourceFile, open_source
from tests.kit import NOW, Bench, article_text, make_bench
from tests.repositories import LINK, Entry, make_repository

ASSETS = "https://files.example.org/x"
PNG = b"\x89PNG\r\n"


@pytest.fixture
def bench(tmp_path) -> Bench:
    bench = make_bench(tmp_path, source__assets=ASSETS)
    for path in ("pic.png", "posts/a b.jpg", "posts/talk.mp3", ".hidden/pic.png", "empty.png"):
        file = bench.root / path
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"" if path == "empty.png" else PNG)
    return bench


def _article(bench: Bench, path: str = "posts/a.md"):
    return dict(bench.catalog.articles())[path]


def _missing(bench: Bench) -> list[int]:
    return [found.line for found in bench.sync().problems if found.code == "no-such-file"]


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("a%20b.jpg", f"{ASSETS}/posts/a%20b.jpg"),
        ("./a%20b.jpg?w=1#x", f"{ASSETS}/posts/a%20b.jpg"),
        ("../pic.png", f"{ASSETS}/pic.png"),
        ("gone.png", "https://news.example/gone.png"),
        ("../empty.png", "https://news.example/empty.png"),
        ("../../pic.png", "https://news.example/pic.png"),
        ("../.hidden/pic.png", "https://news.example/.hidden/pic.png"),
        ("%00.png", "https://news.example/%00.png"),
        ("../link.png", "https://news.example/link.png"),
        ("n" * 300 + ".png", f"https://news.example/{'n' * 300}.png"),
    ],
)
def test_a_body_shows_a_file_that_is_there_at_its_address(bench, tmp_path, link, address):
    (tmp_path / "secret.png").write_bytes(PNG)
    (bench.root / "link.png").symlink_to(tmp_path / "secret.png")
    text = article_text("A", f"Text.\n\n![to]({link})", webUrl="https://news.example/a")
    bench.write("posts/a.md", text)
    missing = _missing(bench)
    assert f'<img src="{address}" alt="to"' in _article(bench).content_html
    assert missing == (
        [] if address.startswith(ASSETS) else [text[: text.index("![")].count("\n") + 1]
    )


def test_a_missing_file_is_told_once_for_each_line(bench):
    text = article_text("A", "![a](gone.png) ![b](gone.png)\n\n![c](lost.png)")
    bench.write("posts/a.md", text)
    assert _missing(bench) == [text[: text.index("![a]")].count("\n") + line for line in (1, 3)]


def test_front_matter_and_links_too(bench):
    body = "[listen](talk.mp3) [all](/pic.png) [page](b.html)"
    front = {"image": "a b.jpg", "audio": "talk.mp3", "webUrl": "https://news.example/a"}
    bench.write("posts/a.md", article_text("A", body, **front))
    assert _missing(bench) == []
    article = _article(bench)
    assert [image.url for image in article.images] == [f"{ASSETS}/posts/a%20b.jpg"]
    assert [file.url for file in article.media] == [f"{ASSETS}/posts/talk.mp3"]
    assert f'<a href="{ASSETS}/posts/talk.mp3">' in article.content_html
    assert '<a href="https://news.example/pic.png">' in article.content_html
    assert '<a href="https://news.example/b.html">' in article.content_html


def test_a_cover_that_is_missing_is_told_in_its_line(bench):
    front = {"webUrl": "https://news.example/a", "image": "gone.png"}
    text = article_text("A", "Text.", **front)
    bench.write("posts/a.md", text)
    assert _missing(bench) == [text[: text.index("image:")].count("\n") + 1]
    # The site may have it.
    assert [image.url for image in _article(bench).images] == ["https://feeds.example.org/gone.png"]


def test_a_file_that_comes_or_goes_is_noticed(bench, monkeypatch):
    # Else the article would be read again because it is new.
    monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", 0)
    bench.write("posts/a.md", article_text("A", "![to](new.png)"))
    for there in (False, True, False):
        file = bench.root / "posts/new.png"
        if there:
            file.write_bytes(PNG)
        else:
            file.unlink(missing_ok=True)
        assert bool(_missing(bench)) is not there
        assert (f"{ASSETS}/posts/new.png" in _article(bench).content_html) is there


def test_files_are_no_articles(bench):
    bench.write("posts/a.md", title="A")
    (bench.root / "broken.png").symlink_to("nowhere")
    (bench.root / "bad\n.png").write_bytes(PNG)
    changes = bench.sync()
    assert (changes.articles, changes.published, changes.read) == (1, 1, 1)
    assert [found for found in changes.problems if found.level != "info"] == []


def test_without_the_key_nothing_changes(tmp_path):
    bench = make_bench(tmp_path)
    (bench.root / "pic.png").write_bytes(PNG)
    bench.write("a.md", article_text("A", "![to](pic.png)", webUrl="https://news.example/a"))
    assert _missing(bench) == []
    assert 'src="https://news.example/pic.png"' in _article(bench, "a.md").content_html


def test_a_repository_is_read_alike(tmp_path):
    repository = make_repository(tmp_path / "articles.git")
    body = "![to](pic.png) ![out](link.png)"
    text = article_text("A", body, webUrl="https://news.example/a")
    repository.commit(
        {"posts/a.md": text, "posts/pic.png": "x", "posts/link.png": Entry(LINK, "x")}
    )
    options = ReadOptions(base_url="https://feeds.example.org", assets=f"{ASSETS}/")
    source = open_source(repository.address(path="posts"), options)
    assert [item.path for item in source.scan() if isinstance(item, SourceFile)] == [
        "a.md",
        "pic.png",
    ]
    assert not any(isinstance(item, Problem) for item in source.scan())
    assert source.read("pic.png", NOW).state == "asset"
    result = source.read("a.md", NOW)
    assert result.article
    assert f'src="{ASSETS}/pic.png"' in result.article.content_html
    assert [problem.code for problem in result.problems] == ["no-such-file"]
    assert set(result.links) == {"pic.png", "link.png"}
