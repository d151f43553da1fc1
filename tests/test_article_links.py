"""Links to the files of other articles lead to those articles, and follow their addresses."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.kit import NOW, Bench, article_text, make_bench

HOST = "https://feeds.example.org"


@pytest.fixture
def bench(tmp_path) -> Bench:
    bench = make_bench(tmp_path)
    bench.write("b.md", title="B", webUrl="https://news.example/b")
    return bench


def _content(bench: Bench, path: str = "a.md") -> str:
    return dict(bench.catalog.articles())[path].content_html


def _codes(bench: Bench, now: datetime = NOW) -> list[tuple[str, int]]:
    problems = bench.sync(now).problems
    return [(problem.code, problem.line) for problem in problems if problem.level != "info"]


@pytest.mark.parametrize(
    ("path", "link", "address"),
    [
        ("a.md", "b.md", "https://news.example/b"),
        ("a.md", "./b.md#part", "https://news.example/b#part"),
        ("notes/a.md", "../b.MD", ""),
        ("notes/a.md", "../b.md", "https://news.example/b"),
        ("notes/a.md", "c%20d.md", f"{HOST}/notes/c%20d"),
        ("notes/a.md", "deep/", "https://news.example/deep/"),
        ("a.md", "https://news.example/b.md", "https://news.example/b.md"),
        ("a.md", "/b.md", "https://news.example/b.md"),
        ("a.md", "b.md?x", "https://news.example/b.md?x"),
    ],
)
def test_a_link_leads_to_the_address_of_the_article(bench, path, link, address):
    bench.write("notes/c d.md", title="C", webUrl=None)
    bench.write(path, article_text("A", f"[to]({link})", webUrl="https://news.example/a"))
    bench.sync()
    words = f'<a href="{address}">to</a>' if address else "to"
    assert _content(bench, path) == f"<p>{words}</p>"


@pytest.mark.parametrize(
    "link", ["c.md", "../b.md", "plain.md", "hidden.md", "later.md", "bad.md", "out.md"]
)
def test_without_a_published_article_the_words_stay_and_a_warning_has_the_line(bench, link):
    bench.write("plain.md", "# No article\n")
    bench.write("hidden.md", title="H", published=False)
    bench.write("later.md", title="L", publishedDateTime="2030-01-01")
    bench.write("bad.md", "---\n*a\n---\n")
    (bench.root.parent / "out.md").write_text(article_text("Out"), encoding="utf-8")
    (bench.root / "out.md").symlink_to("../out.md")
    text = article_text("A", f"First.\n\nSee [to]({link}).")
    bench.write("a.md", text)
    codes = _codes(bench)
    assert ("no-such-article", text[: text.index(link)].count("\n") + 1) in codes
    assert "<p>See to.</p>" in _content(bench)
    for document in bench.documents().values():
        assert b"news.example/h" not in document.body
        assert b"news.example/l" not in document.body


def test_a_link_follows_the_other_article(bench):
    bench.write("a.md", article_text("A", "[to](b.md)"))
    bench.write("c.md", title="C")
    assert _codes(bench) == []

    def link() -> str:
        return _content(bench).removeprefix("<p>").removesuffix("</p>")

    assert link() == '<a href="https://news.example/b">to</a>'
    bench.write("b.md", title="B", webUrl="https://news.example/moved")
    changes = bench.sync()
    assert link() == '<a href="https://news.example/moved">to</a>'
    bench.write("b.md", title="B", webUrl="https://news.example/moved", published=False)
    assert [code for code, _ in _codes(bench)] == ["no-such-article"]
    assert link() == "to"
    bench.write("b.md", title="B", publishedDateTime="2026-07-01")
    bench.sync()
    assert link() == "to"
    bench.sync(datetime.fromisoformat("2026-07-01T01:00:00Z"))
    assert link() == '<a href="https://news.example/b">to</a>'
    (bench.root / "b.md").unlink()
    bench.sync()
    assert link() == "to"
    bench.write("b.md", title="B", webUrl="https://news.example/again")
    bench.sync()
    assert link() == '<a href="https://news.example/again">to</a>'
    assert changes.read >= 2


def test_only_articles_that_link_are_read_again(bench, monkeypatch):
    for number in range(5):
        bench.write(f"n{number}.md", title=f"N{number}")
    bench.write("a.md", article_text("A", "[to](b.md) [again](./b.md)"))
    bench.sync()
    import os

    for path in bench.root.iterdir():
        os.utime(path, (1, 1))
    monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", 0)
    bench.sync()
    assert bench.sync().read == 0
    bench.write("b.md", title="B", webUrl="https://news.example/moved")
    assert bench.sync().read == 2
    bench.write("a.md", article_text("A", "No link."))
    bench.sync()
    bench.write("b.md", title="B2", webUrl="https://news.example/again")
    assert bench.sync().read == 1
