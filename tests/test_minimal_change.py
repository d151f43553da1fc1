"""What a change of the source changes in the output: the files it must, and no others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from feedhub.cli import main
from tests.kit import article_text

FIELDS: dict[str, Any] = {"secured": "AAAA", "heat": 5, "quality": 7, "provider": {"name": "CNET"}}
ARTICLES = {
    "ai.md": article_text("On AI", topics=["AI"], **FIELDS),
    "both.md": article_text("On both", topics=["AI", "Robots"], **FIELDS),
    "robots.md": article_text("On robots", topics=["Robots"], **FIELDS),
}


@pytest.fixture
def rendered(tmp_path, monkeypatch):
    """Return a folder with `articles` rendered to `public`."""
    monkeypatch.chdir(tmp_path)
    Path("articles").mkdir()
    for name, text in ARTICLES.items():
        Path("articles", name).write_text(text)
    assert render() == 0
    return tmp_path


def render() -> int:
    return main(["render", "articles", "public", "--base-url", "https://feeds.example.org"])


def tree() -> dict[str, tuple[bytes, int, int]]:
    """Return bytes, time and inode of every file of the output."""
    return {
        path.relative_to("public").as_posix(): (
            path.read_bytes(),
            path.stat().st_mtime_ns,
            path.stat().st_ino,
        )
        for path in Path("public").rglob("*")
        if path.is_file()
    }


def changed(before: dict[str, tuple[bytes, int, int]]) -> set[str]:
    """Return the feeds, without suffix, of which any file is not as it was."""
    after = tree()
    names = {name for name in before | after if before.get(name) != after.get(name)}
    return {name.split(".")[0] for name in names if not name.startswith(".feedhub/")}


def edit(name: str, old: str, new: str) -> None:
    path = Path("articles", name)
    text = path.read_bytes().decode()
    assert old in text
    path.write_bytes(text.replace(old, new).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("secured: AAAA", "secured: BBBB"),
        ("heat: 5", "heat: -1"),
        ("quality: 7", "quality: 99"),
        ("\n", "\r\n"),
        ("excerpt: A summary.\n", ""),
    ],
)
def test_edits_that_subscribers_cannot_see_change_no_file(rendered, old, new):
    if not new:  # the same keys in another order
        edit("ai.md", "---\ntitle", f"---\n{old}title")
        edit("ai.md", f"\n{old}publ", "\npubl")
    else:
        edit("ai.md", old, new)
    before = tree()
    assert Path("articles/ai.md").read_text() != ARTICLES["ai.md"] or "\r" in new
    assert render() == 0

    assert tree() == before


def test_touching_every_file_changes_no_file(rendered):
    before = tree()
    for path in Path("articles").iterdir():
        os.utime(path, (1, 1))
    assert render() == 0

    assert tree() == before


def with_pages(feeds: set[str]) -> set[str]:
    return feeds | {f"{feed}/index" for feed in feeds}


def test_an_edit_changes_its_feeds(rendered):
    before = tree()
    edit("robots.md", "title: On robots", "title: About robots")
    assert render() == 0

    feeds = with_pages({"all", "topics/robots", "providers/cnet"})
    assert changed(before) == feeds | {"index", "feeds", "sitemap"}


def test_a_backfilled_old_article_changes_its_feeds(rendered):
    before = tree()
    text = article_text("Old", topics=["AI"], publishedDateTime="2001-01-01T00:00:00Z")
    Path("articles/old.md").write_text(text)
    assert render() == 0

    lists = {"index", "topics/index", "feeds", "sitemap"}
    assert changed(before) == with_pages({"all", "topics/ai"}) | lists


def test_a_withdrawal_changes_its_feeds(rendered):
    before = tree()
    edit("both.md", "title: On both", "published: false\ntitle: On both")
    assert render() == 0

    feeds = {"all", "topics/ai", "topics/robots", "providers/cnet"}
    lists = {"index", "topics/index", "providers/index", "feeds", "sitemap"}
    assert changed(before) == with_pages(feeds) | lists
    assert b"On both" not in b"".join(body for body, *_ in tree().values())
