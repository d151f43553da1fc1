"""Write article files, sync and build a site in memory, and parse its documents."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import brotli
import feedparser
import yaml

from feedhub.catalog import Catalog, CatalogAddress
from feedhub.catalog.sqlite import SqliteDatabase
from feedhub.config import Config, load_config
from feedhub.document import Document
from feedhub.site import Site, source_of
from feedhub.sources import Source

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def article_text(title: str = "A title", body: str = "", **fields: object) -> str:
    """Return an article file; `fields` are front matter by name, None leaves a default out."""
    matter: dict[str, object] = {
        "title": title,
        "excerpt": "A summary.",
        "publishedDateTime": "2020-06-09T11:00:00Z",
        "webUrl": f"https://news.example/{title.replace(' ', '-').lower()}",
    }
    matter |= fields
    given = {key: value for key, value in matter.items() if value is not None}
    dumped = yaml.safe_dump(given, allow_unicode=True, sort_keys=False)
    return f"---\n{dumped}---\n{body}"


@dataclass
class Bench:
    """A test bench: a source folder, a catalog and a configuration."""

    root: Path
    catalog: Catalog
    config: Config
    drafts: bool = False

    def write(self, name: str, text: str = "", **fields: object) -> Path:
        """Write an article file: `text`, or an article with `fields`."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or article_text(**fields), encoding="utf-8")  # type: ignore[arg-type]
        return path

    @property
    def site(self) -> Site:
        return Site(self.catalog, self.config, drafts=self.drafts)

    def source(self) -> Source:
        """Return the folder as a source."""
        return source_of(self.root, self.config, drafts=self.drafts)

    def sync(self, now: datetime = NOW):
        """Sync and return the Changes."""
        return self.sync_with(self.site, now)

    def sync_with(self, site: Site, now: datetime = NOW):
        """Sync by this site and return the Changes."""
        return site.sync(self.source(), now)

    def documents(self) -> dict[str, Document]:
        """Build every document of the site; return them by path."""
        site = self.site
        return {path: site.document(planned) for path, planned in site.plan().items()}

    def ids(self, path: str) -> list[str]:
        """Return the ids of a JSON feed's items, in order."""
        site = self.site
        return [item["id"] for item in json.loads(site.document(site.plan()[path]).body)["items"]]

    def titles(self, path: str = "all.json") -> list[str]:
        """Return the titles of a JSON feed's items, in order."""
        site = self.site
        return [
            item["title"] for item in json.loads(site.document(site.plan()[path]).body)["items"]
        ]


def make_bench(folder: Path, catalog: CatalogAddress | None = None, **overrides: object) -> Bench:
    """Return a bench below `folder`, with its catalog in memory unless `catalog` is a path.

    `overrides` are keys of the configuration with `__` for the dot. Every label has archives.
    """
    root = folder / "articles"
    root.mkdir(parents=True, exist_ok=True)
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    given: dict[str, object] = {"site.base_url": "https://feeds.example.org"}
    config = load_config(None, {}, given | {"feeds.archive_from": 1} | keys)
    return Bench(root, Catalog(catalog), config)


def parse(body: bytes):
    """Parse RSS or Atom with feedparser, which must find nothing wrong."""
    parsed = feedparser.parse(body)
    assert not parsed.bozo, parsed.get("bozo_exception")
    return parsed


def without_feed_dates(path: str, body: bytes) -> bytes:
    """Return a file, decoded, without the dates at which its feeds changed.

    They depend on when the catalog saw the change, and on nothing else a document does.
    """
    try:
        if path.endswith(".gz"):
            body = gzip.decompress(body)
        elif path.endswith(".br"):
            body = brotli.decompress(body)
    except (OSError, EOFError, brotli.error):
        return body
    if ".atom" in path:
        return re.sub(rb"<updated>.*?</", b"", body, count=1)
    return re.sub(rb"<(lastBuildDate|dateModified|lastmod)>.*?</", b"", body)


def files_below(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a folder, hidden ones too, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def connection_of(catalog: Catalog) -> sqlite3.Connection:
    """Return the connection of a catalog that is a file or in memory."""
    database = catalog._database
    assert isinstance(database, SqliteDatabase)
    return database._connection
