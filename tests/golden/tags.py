"""The entity tags of every document of the seeds, in all formats; run it to print them.

It imports nothing but feedhub, so that a test can run it on a changed copy of the sources.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from feedhub.catalog import Catalog
from feedhub.config import load_config
from feedhub.selection import parse_query
from feedhub.site import Site, source_of

SEEDS = Path(__file__).parents[2] / "seeds"
KEYS = {
    "site.base_url": "https://feeds.example.org",
    "site.title": "The seeds",
    "websub.hub": "https://hub.example.org/",
    "feeds.formats": ["rss", "atom", "json", "html"],
    "feeds.limit": 2,
    "feeds.days": 0,
    "feeds.search": "yes",
    "feeds.builder": "yes",
    "feeds.stories": "yes",
    "feeds.custom": [{"name": "big", "title": "Big", "q": "a* -nothing", "min_quality": 1.0}],
}


def tags(source: Path = SEEDS) -> str:
    """Return one line for each document and search: its path and its tag."""
    config = load_config(None, {}, KEYS)
    site = Site(Catalog(None), config)
    site.sync(source_of(source, config), datetime(2026, 6, 1, 12, 0, tzinfo=UTC))
    documents = list(site.plan().values())
    formats = {planned.format for planned in documents if planned.format and planned.state}
    for row in sorted(formats, key=lambda row: row.name):
        found = site.on_demand(parse_query(b"q=the&limit=3"), row)
        documents += [found] if found else []
    return "".join(f"{planned.path} {planned.etag()}\n" for planned in documents)


if __name__ == "__main__":
    sys.stdout.write(tags())
