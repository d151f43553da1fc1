"""The labels of published articles: which article is in which feed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from feedhub.catalog.database import Database
from feedhub.catalog.feed_names import Spellings, find_or_add_feed
from feedhub.dates import month_of
from feedhub.feed import Label


class LabelSync:
    """Adds and removes labels inside the transaction of a sync.

    `touched` are the months of feeds that must be computed again, by feed number. `articles` are
    the numbers of those whose labels were written, `spellings` says how those of a feed changed,
    `counts` how many articles more it has. `left` has the generation in which an article came into
    a feed, by the feed's number and the id, for those that have left it: one that is only edited
    leaves and comes back.
    """

    def __init__(self, database: Database, generation: int) -> None:
        self._database = database
        self._generation = generation
        self._feeds: dict[tuple[str, str], int] = {}  # numbers by kind and key
        # When each id came into a feed that it has left in this sync.
        self.left: dict[tuple[int, str], int] = {}
        self.touched: defaultdict[int, set[str]] = defaultdict(set)
        self.articles: set[int] = set()
        self.spellings: defaultdict[int, Spellings] = defaultdict(Counter)
        self.counts: Counter[int] = Counter()

    def add(self, number: int, identity: str, published: int, labels: Iterable[Label]) -> None:
        """Add the labels of an article that has none."""
        month, spellings = month_of(published), {self._feed(label): label.text for label in labels}
        rows = [
            (
                *(feed, published, identity, number, self._generation),
                *(self.left.pop((feed, identity), self._generation), spelling),
            )
            for feed, spelling in spellings.items()
        ]
        self._database.execute_many(ADD_LABEL, rows)
        self.articles.add(number)
        self.counts.update(spellings.keys())
        for feed, spelling in spellings.items():
            self.spellings[feed][spelling, published] += 1
            self.touched[feed].add(month)

    def remove(self, number: int) -> None:
        """Remove all labels of an article."""
        self.articles.add(number)
        for feed, published, identity, since, spelling in self._database.fetch_all(
            _LABELS_OF, (number,)
        ):
            self.spellings[feed][spelling, published] -= 1
            self.counts[feed] -= 1
            self.touched[feed].add(month_of(published))
            self.left[feed, identity] = since
        self._database.execute("DELETE FROM labels WHERE article = ?", (number,))

    def forget_history(self) -> None:
        """Forget the earlier documents of each feed that an article has left.

        A delta cannot express a withdrawal, and the id of what is withdrawn is not stored.
        """
        for feed in {feed for feed, _ in self.left}:
            self._database.execute("DELETE FROM history WHERE feed = ?", (feed,))

    def store_counts(self) -> None:
        """Store how many articles each feed has: to count them again would take a while."""
        rows = ((more, feed) for feed, more in self.counts.items() if more)
        self._database.execute_many(ADD_ARTICLES, rows)
        self.counts.clear()

    def _feed(self, label: Label) -> int:
        """Return the number of a label's feed, which is added if it is new."""
        number = self._feeds.get(label[:2])
        if number is None:
            number = self._feeds[label[:2]] = find_or_add_feed(self._database, label)
        return number


_LABELS_OF = "SELECT feed, published, id, since, spelling FROM labels WHERE article = ?"
ADD_ARTICLES = "UPDATE feeds SET articles = articles + ? WHERE number = ?"
ADD_LABEL = """
INSERT INTO labels (feed, published, id, article, generation, since, spelling)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
