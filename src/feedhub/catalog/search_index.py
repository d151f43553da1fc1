"""Bringing the search index up to date: texts, qualities and stories of articles.

Nothing of a withdrawn article stays.
"""

from __future__ import annotations

from typing import NamedTuple

from feedhub.article import Article
from feedhub.catalog.database import Database, upsert
from feedhub.catalog.records import decode_article
from feedhub.feed import labels_of, story_slug
from feedhub.kinds import FACETS
from feedhub.sources import bodies
from feedhub.tokenizer import tokenize

# No token, so that no phrase goes from one name to the next.
NAME_SEPARATOR = " \u00b7 "


class SearchEntry(NamedTuple):
    """A row of `search_entries`, with the stamp and digest that the article had when indexed."""

    number: int
    stamp: bytes
    digest: bytes
    quality: float | None
    story: str | None


class SearchIndexSync:
    """Brings the index up to date inside the transaction of a sync; `changed` tells whether it did.

    With `index_text` the texts are indexed, else only the rest. `anew` begins with nothing.
    """

    def __init__(self, database: Database, *, index_text: bool, anew: bool) -> None:
        self._database = database
        self._index_text = index_text
        self._removed_texts = False
        self.changed = anew
        if anew:
            for number in database.numbers_with_texts():
                self._remove_texts(number)
            database.execute("DELETE FROM search_entries")

    def run(self) -> None:
        """Index the published articles, and nothing else."""
        for (number,) in self._database.fetch_all(_GONE):
            self._remove_texts(number)
            self._database.execute("DELETE FROM search_entries WHERE number = ?", (number,))
            self.changed = True
        for number, stamp, digest, *known in self._database.fetch_all(_CHANGED):
            record = self._database.fetch_value(_RECORD, (number,))  # not all at once
            article = decode_article(record)
            story = story_slug(article) if article.related else None
            entry = SearchEntry(number, stamp, digest, article.quality, story)
            self._database.execute(_PUT_ENTRY, entry)
            self.changed = self.changed or known != [digest, article.quality]
            if self._index_text and known[0] != digest:
                if known[0] is not None:
                    self._remove_texts(number)
                self._database.add_texts(number, texts_of(article))
        if self._removed_texts:
            self._database.compact_texts()

    def _remove_texts(self, number: int) -> None:
        self._database.remove_texts(number)
        self._removed_texts = True


def texts_of(article: Article) -> tuple[str, str, str, str]:
    """Return the tokens of title, summary, content and names, each joined by blanks."""
    names = [label.text for label in labels_of(article, FACETS)]
    content = bodies.all_text(article.content_html)
    texts = [" ".join(tokenize(text)) for text in (article.title, article.summary, content)]
    joined_names = NAME_SEPARATOR.join(" ".join(tokenize(name)) for name in names)
    return texts[0], texts[1], texts[2], joined_names


_GONE = """
SELECT number FROM search_entries WHERE NOT EXISTS
    (SELECT 1 FROM articles WHERE articles.number = search_entries.number AND state = 'shown')
"""
_CHANGED = """
SELECT articles.number, articles.stamp, articles.digest, search_entries.digest, quality
FROM articles LEFT JOIN search_entries ON search_entries.number = articles.number
WHERE state = 'shown' AND (
    search_entries.number IS NULL OR search_entries.stamp <> articles.stamp
    OR search_entries.digest <> articles.digest OR length(articles.stamp) = 0
)
"""
_RECORD = "SELECT record FROM records WHERE number = ?"
_PUT_ENTRY = upsert("search_entries", "number", "stamp digest quality story")
