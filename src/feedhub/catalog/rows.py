"""What a file is in the catalog, made from what it says; done beside each other by processes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from feedhub.catalog.records import (
    decode_article,
    digest_of,
    encode_article,
    encode_problems,
    size_of,
)
from feedhub.dates import from_timestamp
from feedhub.feed import labels_of

if TYPE_CHECKING:
    from feedhub.article import Article
    from feedhub.feed import Label
    from feedhub.sources import ReadResult


class ArticleRow(NamedTuple):
    """An article as the catalog keeps it; times are Unix times, `size` is about that of an entry.

    `dated` tells whether the file itself says when it was updated.
    """

    id: str
    digest: bytes
    published: int
    updated: int
    size: int
    dated: bool
    record: bytes
    labels: tuple[Label, ...]

    @property
    def columns(self) -> tuple[object, ...]:
        """What stands in the row of its file."""
        return self[:5]

    def updated_at(self, moment: int) -> ArticleRow:
        """Return it with another time of its last update."""
        if moment == self.updated:
            return self
        later = replace(decode_article(self.record), updated=from_timestamp(moment))
        return self._replace(updated=moment, record=encode_article(later))


class FileRow(NamedTuple):
    """A file as the catalog keeps it; `withdraws` is as in Reading, `due` a Unix time."""

    state: str
    due: int | None
    withdraws: bool
    problems: bytes | None
    article: ArticleRow | None


def row_of(reading: ReadResult, kinds: tuple[str, ...]) -> FileRow:
    """Return what the catalog keeps of a file; its labels are of these kinds."""
    article, dated = reading.article, reading.dated_update
    return FileRow(
        state=reading.state,
        due=_seconds(reading.due),
        withdraws=reading.withdraws,
        problems=encode_problems(reading.problems),
        article=_article_row(article, kinds, dated=dated) if article else None,
    )


def _article_row(article: Article, kinds: tuple[str, ...], *, dated: bool) -> ArticleRow:
    return ArticleRow(
        id=article.id,
        digest=digest_of(article),
        published=int(article.published.timestamp()),
        updated=int(article.updated.timestamp()),
        size=size_of(article),
        dated=dated,
        record=encode_article(article),
        labels=tuple(labels_of(article, kinds)),
    )


def _seconds(moment: datetime | None) -> int | None:
    """Round up: a file is not read again before its time has come."""
    return None if moment is None else -int(-moment.timestamp() // 1)
