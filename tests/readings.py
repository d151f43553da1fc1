"""Helpers that read one file without a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from feedhub.article import Article
from feedhub.sources import ReadOptions, ReadResult
from feedhub.sources.article_path import PageName, parse_path
from feedhub.sources.reading import read_article
from tests.kit import NOW

BASE = "https://feeds.example.org/site"
AUTHORITY = "example.org,2026"


def read(
    matter: str,
    body: str = "",
    *,
    path: str = "news/item.md",
    root: str = "folder",
    generator: str = "",
    **options: Any,
) -> ReadResult:
    """Read a file of exactly this front matter (YAML) and body; `options` are ReadOptions."""
    return read_article(
        path,
        f"---\n{matter}\n---\n{body}".encode(),
        root=root,
        generator=generator,
        options=ReadOptions(**{"authority": AUTHORITY, "base_url": BASE} | options),
        now=NOW,
    )


def read_dated(matter: str = "", body: str = "", **options: Any) -> ReadResult:
    """Read a file that has a title and a date too, which stand in lines 2 and 3."""
    return read(f"title: A title\ndate: 2024-01-02\n{matter}", body, **options)


def article_of(matter: str = "", body: str = "", **options: Any) -> Article:
    """Return the article of such a file, which must have no problem worse than info."""
    result = read_dated(f"excerpt: A summary.\n{matter}", body, **options)
    problems = [problem for problem in result.problems if problem.level != "info"]
    assert result.article is not None
    assert problems == []
    return result.article


def problems_of(result: ReadResult) -> list[tuple[int, str, str]]:
    """Return line, level and code of every problem of a result.

    Not that the article has no address of its own, as most in these tests.
    """
    found = [(problem.line, problem.level, problem.code) for problem in result.problems]
    return [problem for problem in found if problem[2] != "no-address"]


def page_name(path: str, root: str = "site", **changes: Any) -> PageName:
    """Return what a page's address is made from; published on 2024-03-01 at 09:05:07."""
    fields: dict[str, Any] = {"title": "A Title", "own_slug": "", "categories": ()}
    published = datetime(2024, 3, 1, 9, 5, 7, tzinfo=UTC)
    return PageName(path=parse_path(path, root), published=published, **fields | changes)
