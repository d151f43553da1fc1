"""What the catalog stores of a file: its row, its article as bytes, and the digest of that.

Made from what was read, which several processes do at the same time.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from feedhub.article import Article, Provider
from feedhub.dates import from_timestamp
from feedhub.errors import DamagedError, Problem
from feedhub.feed import Label, labels_of
from feedhub.fingerprint import Value, digest, named_values
from feedhub.sources import ReadResult

encode = msgspec.msgpack.encode
CHECKSUM_SIZE = 4
_article = msgspec.msgpack.Decoder(Article)
_problems = msgspec.msgpack.Decoder(tuple[Problem, ...])

# The first bytes of a row's digest depend on the file alone, those after them on what servers say
# of its images.
FILE_DIGEST_BYTES = 16
# Where the query or the fragment of an address begins.
_TAIL = re.compile("(?=[?#])")
# About how many bytes the other elements of an entry take in the largest format.
ENTRY_OVERHEAD = 1_500


class ArticleRow(NamedTuple):
    """The row of an article; times are Unix times, `size` is about that of an entry.

    `address` is the same for addresses that lead to one page. `own_id` tells whether the file
    states its id, `dated` whether it states when it was updated, `by_build` that a build may have.
    """

    id: str
    digest: bytes
    published: int
    updated: int
    size: int
    address: bytes
    own_id: bool
    dated: bool
    record: bytes
    labels: tuple[Label, ...]
    by_build: bool = False

    @property
    def columns(self) -> tuple[object, ...]:
        """The values in the row of its file."""
        return self[:7]

    def updated_at(self, moment: int) -> ArticleRow:
        """Return the row with another time of the last update."""
        if moment == self.updated:
            return self
        later = replace(decode_article(self.record), updated=from_timestamp(moment))
        return self._replace(updated=moment, record=encode_article(later))


class StoredFile(NamedTuple):
    """What the catalog has of a file before it is read again; `due` is a Unix time."""

    number: int
    stamp: bytes
    state: str
    due: int | None
    id: str | None
    digest: bytes | None
    updated: int | None
    address: bytes | None

    @classmethod
    def of_tombstone(cls, identity: str, digest: bytes, updated: int) -> StoredFile:
        """Return what readers have of an article that no file has any more."""
        return cls(0, b"", "hidden", None, identity, digest, updated, None)

    def is_due(self, now: datetime) -> bool:
        """Return whether the file must be read again though it has not changed."""
        return self.due is not None and self.due <= now.timestamp()

    def looks_like(self, article: ArticleRow) -> bool:
        """Return whether subscribers see no difference."""
        shown = (self.state, self.id, self.digest, self.updated)
        return shown == ("shown", article.id, article.digest, article.updated)

    def outlasts(self, row: FileRow) -> bool:
        """Return whether the last good article stays: the file may be half-written."""
        unread = row.state in ("plain", "rejected") and not row.withdraws
        return unread and self.state in ("shown", "duplicate", "repeated")

    def updated_with(self, article: ArticleRow, now: datetime, *, silent: bool = False) -> int:
        """Return when the article last changed for a subscriber (RFC 4287, 4.2.9).

        Never earlier than they have, though a file may state so or the clock may have gone back.
        """
        if article.by_build and self.digest == article.digest:
            return max(article.published, self.updated or 0)
        if article.dated or silent or self.digest == article.digest:
            return max(article.updated, self.updated or 0)
        return max(article.published, int(now.timestamp()), (self.updated or 0) + 1)


class FileRow(NamedTuple):
    """The row of a file; `due` is a Unix time, the rest is as in ReadResult."""

    state: str
    due: int | None
    withdraws: bool
    retry: bool
    problems: bytes | None
    article: ArticleRow | None
    links: tuple[str, ...] = ()
    copies: dict[str, str] = {}  # noqa: RUF012
    replaced_id: str = ""


def row_of(result: ReadResult, kinds: tuple[str, ...], language: str) -> FileRow:
    """Return the row of a file; its labels are of these kinds, its language perhaps this one."""
    article, row = result.article, None
    if article is not None:
        row = ArticleRow(
            id=article.id,
            digest=digest_of(article),
            published=int(article.published.timestamp()),
            updated=int(article.updated.timestamp()),
            size=size_of(article),
            address=address_digest(article.url),
            own_id=result.own_id,
            dated=result.dated_update,
            record=encode_article(article),
            labels=tuple(labels_of(article, kinds, language)),
            by_build=result.dated_by_build,
        )
    return FileRow(
        state=result.state,
        # Rounded up: a file is not read again before its time has come.
        due=None if result.due is None else -int(-result.due.timestamp() // 1),
        withdraws=result.withdraws,
        retry=result.retry,
        problems=encode_problems(result.problems),
        article=row,
        links=result.links,
        copies=result.copies,
        replaced_id=result.replaced_id,
    )


def encode_article(article: Article) -> bytes:
    """Return the record of an article: a checksum and its values."""
    values = encode(article)
    return zlib.crc32(values).to_bytes(CHECKSUM_SIZE, "big") + values


def decode_article(record: bytes) -> Article:
    """Return the article of a record; raises DamagedError for a damaged one."""
    return _article.decode(values_of(record))


def values_of(record: bytes) -> memoryview:
    """Return the values in a record; raises DamagedError if its checksum is another."""
    values = memoryview(record)[CHECKSUM_SIZE:]
    if zlib.crc32(values).to_bytes(CHECKSUM_SIZE, "big") != record[:CHECKSUM_SIZE]:
        raise DamagedError("an article in the catalog is damaged")
    return values


def encode_problems(problems: tuple[Problem, ...]) -> bytes | None:
    """Return the bytes that `decode_problems` reads, or None where there are no problems."""
    return encode(problems) if problems else None


def decode_problems(data: bytes) -> tuple[Problem, ...]:
    """Return the problems stored with a file."""
    return _problems.decode(data)


def digest_of(article: Article) -> bytes:
    """Return 16 bytes over what a subscriber can see.

    Not the robot's scores, and not `updated`, which follows from the rest.
    """
    images = [
        named_values(
            url=image.url,
            width=image.width,
            height=image.height,
            title=image.title,
            media_type=image.media_type,
            length=image.length,
        )
        for image in article.images
    ]
    media = [
        named_values(
            url=file.url,
            media_type=file.media_type,
            length=file.length,
            duration=file.duration,
            title=file.title,
        )
        for file in article.media
    ]
    related = [
        named_values(
            title=other.title,
            url=other.url,
            provider=_provider_values(other.provider),
            published=other.published.timestamp() if other.published else None,
        )
        for other in article.related
    ]
    return digest(
        named_values(
            id=article.id,
            slug=article.slug,
            title=article.title,
            summary=article.summary,
            content_html=article.content_html,
            url=article.url,
            published=article.published.timestamp(),
            language=article.language,
            provider=_provider_values(article.provider),
            authors=[named_values(name=author.name, url=author.url) for author in article.authors],
            topics=article.topics,
            categories=article.categories,
            images=images,
            media=media,
            related=related,
            type=article.type,
            player_url=article.player_url,
            duration=article.duration,
        )
    )


def address_digest(url: str) -> bytes:
    """Return 16 bytes, the same for two addresses that lead readers to one page.

    Neither http or https nor a slash at the end of the path tells pages apart. Query and fragment
    do: an entry of a list of changes has the page's address with a fragment.
    """
    scheme, _, rest = url.partition("://")
    place, *tail = _TAIL.split(rest, maxsplit=1)
    return digest("http" if scheme == "https" else scheme, place.rstrip("/"), tail)


def _provider_values(provider: Provider | None) -> Value:
    if provider is None:
        return None
    return named_values(name=provider.name, domain=provider.domain, picture=provider.picture)


def size_of(article: Article) -> int:
    """Return about how many bytes the article takes in a document."""
    content = article.content_html
    escaped = len(content.encode()) + 3 * (content.count("<") + content.count(">"))
    others = 300 * (len(article.related) + len(article.media))
    return escaped + len(article.summary.encode()) + others + ENTRY_OVERHEAD
