"""The names of feeds: how the label of each is spelled, its slug, and what stays without articles.

A feed whose last article has left keeps its name for a while, for its subscribers; then it is
retired: of its name only digests stay. They keep its slug from becoming another feed's, and lead
the label back to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from feedhub.catalog.database import Database
from feedhub.catalog.queue import FEED_RECEIVERS
from feedhub.catalog.state import FeedCounts, read_record, write_record
from feedhub.feed import Label, feed_path, slug_for
from feedhub.fingerprint import digest
from feedhub.kinds import PER_LABEL_KINDS
from feedhub.text import slugify

Spellings = Counter[tuple[str | None, int]]
"""How many articles more than before, or less, by the spelling of a label and their moment."""

SECONDS_PER_DAY = 86_400
# The newest retired feeds stay, about 100 bytes each: the slug of another is free again. A number,
# not an age: the clock may jump.
MAX_RETIRED = 100_000


def find_or_add_feed(database: Database, label: Label) -> int:
    """Return the number of a label's feed, which is added if it is new; one may return."""
    number = database.fetch_value(_FIND, label[:2])
    if number is None:
        number = database.fetch_value(_FIND_RETIRED, (digest(*label[:2]),))
        if number is None:
            return int(database.fetch_value(_ADD, label))
        database.execute(_RETURN, (label.key, label.text, number))
    return int(number)


class FeedNames:
    """Brings the names of feeds up to date inside the transaction of a sync at `now`.

    A feed without articles keeps its name for `keep_empty` days. `has_deleted` tells whether even
    digests of some are gone now. All methods take `touched`, the
    months of feeds that must be computed again, by feed number, and delete those of feeds that are
    no more.
    """

    def __init__(
        self, database: Database, now: datetime, generation: int, *, keep_empty: int
    ) -> None:
        self._database = database
        self._generation = generation
        self._now = int(now.timestamp())
        self._keep_seconds = keep_empty * SECONDS_PER_DAY
        self._listed: Counter[str] = Counter()
        self.has_deleted = False

    def update(
        self, touched: dict[int, set[str]], spellings: Mapping[int, Spellings] | None
    ) -> set[int]:
        """Note which of these feeds are empty, and spell the labels of all others.

        A label is spelled as by most of its articles, so it depends on the published articles
        alone, not on which came first. `spellings` are those of LabelSync, None where feeds may
        have changed without it. Returns the feeds whose label is spelled differently now.
        """
        respelled = set()
        for feed in list(touched):
            kind, label, slug, emptied_at = self._database.fetch_all(_NAME, (feed,))[0]
            if kind not in PER_LABEL_KINDS:
                continue
            is_settled = slug is not None and emptied_at is None
            if is_settled and spellings is not None and favours(spellings.get(feed), label):
                continue
            spelling = self._database.fetch_value(_SPELLING, (feed,))
            if spelling is not None:
                if spelling != label:
                    self._database.execute(_SET_LABEL, (spelling, feed))
                    respelled.add(feed)
                if emptied_at is not None:
                    self._database.execute(_SET_FILLED, (feed,))
                    self._listed[kind] += slug is not None
            elif slug is None:  # it came and went in this sync
                del touched[feed]
                self._database.execute(_RETIRE_AGAIN, (feed,))
                self._database.execute(_DELETE_UNNAMED, (feed,))
            elif emptied_at is None:
                self._listed[kind] -= 1
                due = self._now + self._keep_seconds
                self._database.execute(_SET_EMPTY, (self._now, due, feed))
        return respelled

    def retire_due(self, touched: dict[int, set[str]], *, anew: bool) -> list[tuple[str, str]]:
        """Retire the feeds that have been empty for long enough; return their kinds and slugs.

        Their dates stay: they must not go back when the label returns. `anew` tells that the time
        to keep them may be another than before.
        """
        if anew:
            self._database.execute(_SET_DUE, (self._keep_seconds,))
        due = self._database.fetch_all(_DUE, (self._now,))
        for feed, kind, key, slug in due:
            self._database.execute(_RETIRE, (digest(kind, key), digest(kind, slug), feed))
            self._database.execute(_EMPTY_STATES, (self._generation, feed))
            self._database.execute("DELETE FROM history WHERE feed = ?", (feed,))
            # The slug is nearly the label. A dot or slash follows it in all paths of the feed, and
            # the next character after both is the zero.
            path = feed_path(kind, slug)
            bounds = (f"{path}.", f"{path}0")
            self._database.execute(_DELETE_OUTPUTS, bounds)
            for receiver in FEED_RECEIVERS:
                self._database.execute(_DELETE_CHANGES, (receiver, *bounds))
            touched.pop(feed, None)
        if due:
            for (feed,) in self._database.fetch_all(_OLDEST_RETIRED, (MAX_RETIRED,)):
                self.has_deleted = True
                for delete in _DELETE_RETIRED:
                    self._database.execute(delete, (feed,))
        return [(kind, slug) for _, kind, _, slug in due]

    def name_new_feeds(self) -> None:
        """Give slugs to the feeds that have none, the one with the oldest article first.

        The feed of everything exists even where there is no article yet.
        """
        self._database.execute(_ADD_SITE_FEED)
        for feed, kind, key in self._database.fetch_all(_UNNAMED):
            plain = slugify(key)
            values = (kind, plain, digest(kind, plain), feed)
            is_taken = self._database.fetch_value(_IS_TAKEN, values)
            slug = slug_for(key, {plain} if is_taken else set()) if key else ""
            self._database.execute(_SET_SLUG, (slug, int(slug != plain), feed))
            self._listed[kind] += kind in PER_LABEL_KINDS

    def update_counts(self, *, anew: bool) -> None:
        """Update how many feeds have articles, by what this sync did or, `anew`, by counting."""
        if anew:
            rows = self._database.iterate(_LISTED)
            listed = {kind: count for kind, count in rows if kind in PER_LABEL_KINDS}
        else:
            listed = read_record(self._database, FeedCounts).listed
            for kind, more in self._listed.items():
                listed[kind] = listed.get(kind, 0) + more
        write_record(self._database, FeedCounts(listed=dict(sorted(listed.items()))))


def favours(spellings: Spellings | None, label: str) -> bool:
    """Return whether the spelling that most articles have is still that of most.

    Then the articles, hundreds of thousands in some feeds, need not be counted.
    """
    more = ((spelling == label, count) for (spelling, _), count in (spellings or {}).items())
    return all(count >= 0 if is_same else count <= 0 for is_same, count in more)


_FIND = "SELECT number FROM feeds WHERE kind = ? AND key = ?"
_FIND_RETIRED = "SELECT number FROM feeds WHERE key_digest = ?"
_ADD = "INSERT INTO feeds (kind, key, label) VALUES (?, ?, ?) RETURNING number"
# Its digests stay until it has its slug again.
_RETURN = "UPDATE feeds SET key = ?, label = ? WHERE number = ?"
# Of two spellings that are as frequent, that of the newest article; NULL where there is no article.
_SPELLING = """
SELECT spelling FROM labels WHERE feed = ?
GROUP BY spelling ORDER BY count(*) DESC, MAX(published) DESC, spelling LIMIT 1
"""
_NAME = "SELECT kind, label, slug, emptied_at FROM feeds WHERE number = ?"
_SET_LABEL = "UPDATE feeds SET label = ? WHERE number = ?"
_SET_EMPTY = "UPDATE feeds SET emptied_at = ?, due = ? WHERE number = ?"
_SET_FILLED = "UPDATE feeds SET emptied_at = NULL, due = NULL WHERE number = ?"
_SET_DUE = "UPDATE feeds SET due = emptied_at + ? WHERE emptied_at IS NOT NULL AND slug IS NOT NULL"
_DUE = "SELECT number, kind, key, slug FROM feeds WHERE due <= ?"
_RETIRE = """
UPDATE feeds SET key_digest = ?, slug_digest = ?, key = NULL, label = NULL, slug = NULL,
    due = NULL, is_override = 0
WHERE number = ?
"""
_RETIRE_AGAIN = """
UPDATE feeds SET key = NULL, label = NULL WHERE number = ? AND key_digest IS NOT NULL
"""
_DELETE_UNNAMED = "DELETE FROM feeds WHERE number = ? AND key_digest IS NULL"
_EMPTY_STATES = """
UPDATE states SET count = 0, newest = NULL, content = '', fingerprint = '', generation = ?
WHERE feed = ?
"""
_DELETE_OUTPUTS = "DELETE FROM outputs WHERE path >= ? AND path < ?"
_DELETE_CHANGES = "DELETE FROM changes WHERE receiver = ? AND path >= ? AND path < ?"
_OLDEST_RETIRED = """
SELECT number FROM feeds WHERE key_digest IS NOT NULL AND key IS NULL
ORDER BY emptied_at DESC, number DESC LIMIT 1000000 OFFSET ?
"""
_DELETE_RETIRED = ("DELETE FROM states WHERE feed = ?", "DELETE FROM feeds WHERE number = ?")
_ADD_SITE_FEED = """
INSERT INTO feeds (kind, key, label, slug) VALUES ('all', '', '', '')
ON CONFLICT (kind, key) DO NOTHING
"""
_UNNAMED = """
SELECT feeds.number, kind, feeds.key FROM feeds LEFT JOIN labels ON labels.feed = feeds.number
WHERE slug IS NULL AND feeds.key IS NOT NULL
GROUP BY feeds.number ORDER BY kind, MIN(published) NULLS FIRST, feeds.key
"""
_IS_TAKEN = """
SELECT EXISTS (SELECT 1 FROM feeds WHERE kind = ? AND slug = ?)
    OR EXISTS (SELECT 1 FROM feeds WHERE slug_digest = ? AND number <> ?)
"""
_SET_SLUG = """
UPDATE feeds SET slug = ?, is_override = ?, key_digest = NULL, slug_digest = NULL
WHERE number = ?
"""
_LISTED = """
SELECT kind, count(*) FROM feeds WHERE slug IS NOT NULL AND emptied_at IS NULL GROUP BY kind
"""
