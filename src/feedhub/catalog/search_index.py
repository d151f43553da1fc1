"""Bringing the search index up to date: texts, qualities and stories of articles.

Nothing of a withdrawn article stays.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from feedhub.article import Article
from feedhub.catalog.database import Database, upsert
from feedhub.catalog.records import decode_article
from feedhub.catalog.state import SearchWaste, read_record, write_record
from feedhub.feed import labels_of, story_slug
from feedhub.kinds import FACETS, KINDS
from feedhub.sources import bodies
from feedhub.tokenizer import tokenize

# No token, so that no phrase goes from one name to the next.
NAME_SEPARATOR = " \u00b7 "


class SearchEntry(NamedTuple):
    """A row of `search_entries`, with the digest that the article had when indexed."""

    number: int
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
        self._anew = anew
        self.changed = anew
        if anew:
            for number in database.numbers_with_texts():
                self._remove_texts(number)
            database.execute("DELETE FROM search_entries")

    def run(self, numbers: Collection[int], *, may_wait: bool) -> None:
        """Index those of these articles that are published, and forget the others.

        The words of an earlier version of a published article leave the file at once, or, if they
        `may_wait`, with the next run that does not let them: they are in no result.
        """
        is_withdrawn = False
        if self._anew:
            numbers = [row[0] for row in self._database.fetch_all(_SHOWN)]
        for number in sorted(numbers):
            row = self._database.fetch_one(_INDEXED, (number,))
            known = self._database.fetch_one(_KNOWN, (number,))
            if row is not None:
                self._index(number, row[0], known or (None, None))
            elif known is not None:
                is_withdrawn = self.changed = True
                self._remove_texts(number)
                self._database.execute("DELETE FROM search_entries WHERE number = ?", (number,))
        waiting = read_record(self._database, SearchWaste).has_words
        has_words = self._removed_texts or waiting
        if has_words and (is_withdrawn or not may_wait):
            self._database.compact_texts()
            has_words = False
        write_record(self._database, SearchWaste(has_words=has_words))

    def _index(self, number: int, digest: bytes, known: tuple[Any, ...]) -> None:
        article = decode_article(self._database.fetch_value(_RECORD, (number,)))
        story = story_slug(article) if article.related else None
        entry = SearchEntry(number, digest, article.quality, story)
        self._database.execute(_PUT_ENTRY, entry)
        self.changed = self.changed or known != (digest, article.quality)
        if self._index_text and known[0] != digest:
            if known[0] is not None:
                self._remove_texts(number)
            self._database.add_texts(number, texts_of(article))

    def _remove_texts(self, number: int) -> None:
        self._database.remove_texts(number)
        self._removed_texts = True


def texts_of(article: Article) -> tuple[str, str, str, str]:
    """Return the tokens of title, summary, content and names, each joined by blanks."""
    # A tag of a language is no word that anybody looks for.
    facets = [facet for facet in FACETS if KINDS[facet].name_of is str]
    names = [label.text for label in labels_of(article, facets)]
    content = bodies.all_text(article.content_html)
    texts = [" ".join(tokenize(text)) for text in (article.title, article.summary, content)]
    joined_names = NAME_SEPARATOR.join(" ".join(tokenize(name)) for name in names)
    return texts[0], texts[1], texts[2], joined_names


_SHOWN = "SELECT number FROM articles WHERE state = 'shown'"
_INDEXED = "SELECT digest FROM articles WHERE number = ? AND state = 'shown'"
_KNOWN = "SELECT digest, quality FROM search_entries WHERE number = ?"
_RECORD = "SELECT record FROM records WHERE number = ?"
_PUT_ENTRY = upsert("search_entries", "number", "digest quality story")
