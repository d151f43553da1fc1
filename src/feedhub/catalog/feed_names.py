"""The names of feeds: how the label of each is spelled, and its slug."""

from __future__ import annotations

from collections.abc import Iterable

from feedhub.catalog.database import Database
from feedhub.feed import slug_for


class FeedNames:
    """Brings the names of feeds up to date inside the transaction of a sync."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def update_spellings(self, feeds: Iterable[int]) -> set[int]:
        """Spell the labels of these feeds as most of their articles do; return those that differ.

        So a label depends on the published articles alone, not on which of them came first.
        """
        respelled = set()
        for feed in feeds:
            label, spelling = self._database.fetch_all(_SPELLING, (feed,))[0]
            if spelling not in (None, label):
                self._database.execute(_SET_LABEL, (spelling, feed))
                respelled.add(feed)
        return respelled

    def name_new_feeds(self) -> None:
        """Give slugs to the feeds that have none, the one with the oldest article first.

        The feed of everything exists even where there is no article yet.
        """
        self._database.execute(_ADD_SITE_FEED)
        taken: dict[str, set[str]] = {}
        for kind, slug in self._database.iterate(_SLUGS):
            taken.setdefault(kind, set()).add(slug)
        for number, kind, key in self._database.fetch_all(_UNNAMED):
            slugs = taken.setdefault(kind, set())
            slug = slug_for(key, slugs) if key else ""
            slugs.add(slug)
            self._database.execute("UPDATE feeds SET slug = ? WHERE number = ?", (slug, number))


# Of two spellings that are as frequent, that of the newest article; there is none in a feed that no
# label names.
_SPELLING = """
SELECT label, (
    SELECT spelling FROM labels WHERE feed = feeds.number
    GROUP BY spelling ORDER BY count(*) DESC, MAX(published) DESC, spelling LIMIT 1
) FROM feeds WHERE number = ?
"""
_SET_LABEL = "UPDATE feeds SET label = ? WHERE number = ?"
_ADD_SITE_FEED = """
INSERT INTO feeds (kind, key, label, slug) VALUES ('all', '', '', '')
ON CONFLICT (kind, key) DO NOTHING
"""
_SLUGS = "SELECT kind, slug FROM feeds WHERE slug IS NOT NULL"
_UNNAMED = """
SELECT feeds.number, kind, feeds.key FROM feeds LEFT JOIN labels ON labels.feed = feeds.number
WHERE slug IS NULL GROUP BY feeds.number ORDER BY kind, MIN(published) NULLS FIRST, feeds.key
"""
