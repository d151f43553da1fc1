"""A site of three articles, and functions that change it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from feedhub.feed import FeedState
from feedhub.site.indexes import (
    FAVICON_PATH,
    ICON_PATH,
    OPML_PATH,
    ROBOTS_PATH,
    SITEMAP_PATH,
    TOUCH_ICON_PATH,
)
from feedhub.site.paths import INDEX_PATH
from tests.kit import NOW, Bench, make_bench

LISTS = (OPML_PATH, INDEX_PATH, "topics/index.html", SITEMAP_PATH)
# Documents that do not depend on the feeds.
FIXED = (ICON_PATH, FAVICON_PATH, TOUCH_ICON_PATH, ROBOTS_PATH)


def site_bench(folder: Path) -> Bench:
    """Return a bench with three articles on two topics and archives, not synced yet."""
    bench = make_bench(folder, folder / "catalog.sqlite", feeds__limit=1, feeds__days=0)
    for month, topic in ((1, "ML"), (2, "ML"), (3, "Law")):
        date = f"2020-0{month}-01T00:00:00Z"
        bench.write(f"{month}.md", title=f"T{month}", topics=[topic], publishedDateTime=date)
    return bench


def one_article(folder: Path, catalog: Path) -> Bench:
    """Return a bench with one article on one topic, not synced yet."""
    bench = make_bench(folder, catalog, feeds__limit=2, feeds__days=0)
    bench.write("a.md", title="A", topics=["AI"])
    return bench


def state_of(bench: Bench, kind: str = "all", slug: str = "") -> FeedState:
    """Return the current state of a feed."""
    states = bench.catalog.feeds((kind,))
    return next(s for s in states if (s.slug, s.period) == (slug, ""))


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def configure(bench: Bench, section: str, **values: Any) -> None:
    """Change keys of one section of a bench's configuration."""
    changed = replace(getattr(bench.config, section), **values)
    bench.config = replace(bench.config, **{section: changed})


def edit(bench: Bench, title: str, seconds: float) -> None:
    """Edit the newest article and sync."""
    bench.write("3.md", title=title, topics=["Law"], publishedDateTime="2020-03-01T00:00:00Z")
    bench.sync(later(seconds))
