"""Which addresses of articles a sync changes: search engines are told of them (IndexNow)."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from feedhub.catalog.database import Database
from feedhub.catalog.records import address_digest, decode_article


class AddressChanges(NamedTuple):
    """The addresses that a sync has published, those of edited articles, and those withdrawn."""

    new: set[str]
    edited: set[str]
    withdrawn: set[str]


class AddressWatch:
    """Notes what readers had of each article before its row changes, inside one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.watch_articles()

    def changes(self, *, silent: bool) -> AddressChanges:
        """Return what changed, and end the watch.

        `silent` means that all files were read in a new way: an edit cannot be told from that.
        """
        # By address, the digests of what subscribers see of each article there.
        before: dict[str, list[bytes]] = defaultdict(list)
        after: dict[str, list[bytes]] = defaultdict(list)
        for query, seen in ((_BEFORE, before), (_AFTER, after)):
            for content, record in self._database.stream(query):
                seen[decode_article(record).url].append(content)
        self._database.end_watch()
        edited = {url for url in before.keys() & after.keys() if before[url] != after[url]}
        # Where articles may share an address, one that this sync has not touched may be there.
        shared = {
            url
            for url in before.keys() ^ after.keys()
            if self._count(url) > len(after.get(url, ()))
        }
        return AddressChanges(
            new=after.keys() - before.keys() - shared,
            edited=shared | (set() if silent else edited),
            withdrawn=before.keys() - after.keys() - shared,
        )

    def _count(self, url: str) -> int:
        return int(self._database.fetch_value(_AT_ADDRESS, (address_digest(url),)))


_BEFORE = "SELECT digest, record FROM noted WHERE record IS NOT NULL ORDER BY digest"
_AFTER = """
SELECT substr(articles.digest, 1, 16) AS content, records.record
FROM noted JOIN articles USING (number) JOIN records USING (number) WHERE state = 'shown'
ORDER BY content
"""
_AT_ADDRESS = "SELECT count(*) FROM articles WHERE address = ? AND state = 'shown'"
