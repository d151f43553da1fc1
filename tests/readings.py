"""What tests need to read one file without a folder."""

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


def dated(matter: str = "", body: str = "", **place: Any) -> ReadResult:
    """Read a file that has a title and a date too, which stand in lines 2 and 3."""
    return read(f"title: A title\ndate: 2024-01-02\n{matter}", body, **place)


def shown(matter: str = "", body: str = "", **place: Any) -> Article:
    """Return the article of such a file, of which there must be nothing to complain."""
    reading = dated(f"excerpt: A summary.\n{matter}", body, **place)
    told = [problem for problem in reading.problems if problem.level != "info"]
    assert reading.article is not None
    assert told == []
    return reading.article


def told(reading: ReadResult) -> list[tuple[int, str, str]]:
    """Return line, level and code of every complaint of a reading."""
    return [(problem.line, problem.level, problem.code) for problem in reading.problems]


def page_name(path: str, generator: str = "", root: str = "site", **given: Any) -> PageName:
    """Return what an address is made of, for a file published on 2024-03-01 at 09:05:07."""
    fields: dict[str, Any] = {"title": "A Title", "own_slug": "", "categories": ()}
    published = datetime(2024, 3, 1, 9, 5, 7, tzinfo=UTC)
    return PageName(path=parse_path(path, root, generator), published=published, **fields | given)
