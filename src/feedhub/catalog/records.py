"""Articles and problems as bytes, and the digest over what a subscriber can see."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec.structs import replace

from feedhub.article import Article
from feedhub.errors import Problem

_encode = msgspec.msgpack.encode
_article = msgspec.msgpack.Decoder(Article)
_problems = msgspec.msgpack.Decoder(tuple[Problem, ...])

# Around the content of an entry: its other elements, in the largest format.
_ENTRY_OVERHEAD = 1_500


def encode_article(article: Article) -> bytes:
    """Return the bytes that `decode_article` reads."""
    return _encode(article)


def decode_article(record: bytes) -> Article:
    """Return the article of a record made by this version."""
    return _article.decode(record)


def encode_problems(problems: tuple[Problem, ...]) -> bytes | None:
    """Return the bytes that `decode_problems` reads, or None where there is nothing to tell."""
    return _encode(problems) if problems else None


def decode_problems(data: bytes) -> tuple[Problem, ...]:
    """Return the problems stored with a file."""
    return _problems.decode(data)


def digest_of(article: Article) -> bytes:
    """Return 16 bytes over what a subscriber can see.

    Not the robot's scores, and not `updated`, which follows from the rest.
    """
    seen = replace(article, quality=None, heat=None, updated=article.published)
    return hashlib.blake2b(_encode(seen), digest_size=16).digest()


def size_of(article: Article) -> int:
    """Return about how many bytes the article takes in a document."""
    content = article.content_html
    escaped = len(content.encode()) + 3 * (content.count("<") + content.count(">"))
    return escaped + len(article.summary.encode()) + 300 * len(article.related) + _ENTRY_OVERHEAD
