"""What a search looks into: the words of published articles, their quality and their stories.

Nothing of a withdrawn article stays: FTS5 only marks words as deleted, so the index is written anew
without them.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, NamedTuple

from feedhub.catalog.records import decode_article
from feedhub.feed import labels_of
from feedhub.kinds import FACETS
from feedhub.story import story_slug
from feedhub.tokenizer import tokenize

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from feedhub.article import Article

# No word of a question, so no phrase goes from one name to the next.
_BETWEEN = " \u00b7 "
# The content is sanitised: every tag is closed, and a quoted `>` stands in double quotes.
_TAG = re.compile(r'<(?:[^>"]|"[^"]*")*+>')
# Tags that stand within words too.
_INLINE = re.compile(
    r'</?(?:abbr|b|bdi|em|i|ins|mark|s|small|span|strong|sub|sup|u)\b(?:[^>"]|"[^"]*")*+>'
)


class _Facts(NamedTuple):
    """What the table `searched` keeps of an article."""

    number: int
    stamp: str
    digest: bytes
    quality: float | None
    story: str | None


class SearchIndexSync:
    """Brings the index up to date inside the transaction of a sync; `moved` tells whether it did.

    With `wordy` the words themselves are wanted, not only the rest. `anew` begins with nothing.
    """

    def __init__(self, connection: sqlite3.Connection, *, wordy: bool, anew: bool) -> None:
        self._sql = connection
        self._wordy = wordy
        self._known: dict[int, _Facts] = {}
        self._stale = False
        self.moved = anew
        if anew:
            self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._remove([row[0] for row in self._sql.execute("SELECT rowid FROM words").fetchall()])
        self._sql.execute("DELETE FROM searched")

    def run(self) -> None:
        """Take what is published, and nothing else."""
        gone = [row[0] for row in self._sql.execute(_GONE).fetchall()]
        self._remove(gone)
        self._sql.executemany("DELETE FROM searched WHERE number = ?", zip(gone))
        for number, stamp, digest, *known in self._sql.execute(_CHANGED).fetchall():
            (record,) = self._sql.execute(_RECORD, (number,)).fetchone()  # not all at once
            self._take(number, stamp, digest, decode_article(record), known)
        if self._stale:
            self._sql.execute("INSERT INTO words (words) VALUES ('optimize')")

    def _take(
        self, number: int, stamp: str, digest: bytes, article: Article, known: list[object]
    ) -> None:
        story = story_slug(article) if article.related else None
        facts = _Facts(number, stamp, digest, article.quality, story)
        self._sql.execute("INSERT OR REPLACE INTO searched VALUES (?, ?, ?, ?, ?)", facts)
        self.moved = self.moved or known != [digest, article.quality]
        if self._wordy and known[0] != digest:
            if known[0] is not None:
                self._remove([number])
            self._sql.execute(_PUT_WORDS, (number, *texts_of(article)))

    def _remove(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._sql.execute("DELETE FROM words WHERE rowid = ?", (number,))
            self._stale = self.moved = True


def texts_of(article: Article) -> tuple[str, str, str, str]:
    """Return the words of title, summary, content and names, as they are searched."""
    names = [label.text for label in labels_of(article, FACETS)]
    texts = article.title, article.summary, _bare(article.content_html)
    title, summary, content = map(_joined, texts)
    return title, summary, content, _BETWEEN.join(map(_joined, names))


def _bare(html: str) -> str:
    return unescape(_TAG.sub(" ", _INLINE.sub("", html))) if html else ""


def _joined(text: str) -> str:
    return " ".join(tokenize(text))


_GONE = """
SELECT number FROM searched WHERE NOT EXISTS
    (SELECT 1 FROM articles WHERE articles.number = searched.number AND state = 'shown')
"""
_CHANGED = """
SELECT number, articles.stamp, articles.digest, searched.digest, quality
FROM articles LEFT JOIN searched USING (number)
WHERE state = 'shown' AND (
    searched.stamp IS NOT articles.stamp OR searched.digest IS NOT articles.digest
    OR articles.stamp = ''
)
"""
_RECORD = "SELECT record FROM records WHERE number = ?"
_PUT_WORDS = "INSERT INTO words (rowid, title, summary, content, names) VALUES (?, ?, ?, ?, ?)"
