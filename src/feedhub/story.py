"""A story: one article and what others wrote of the same matter, to be followed as a feed."""

from __future__ import annotations

import hashlib

from feedhub.article import Article, Related
from feedhub.text import short_hash


def story_slug(article: Article) -> str:
    """Return the address of an article's story: its slug, and a hash of its id behind it.

    Two articles may have one slug. The hash makes the address depend on this article alone, so none
    ever moves, and whoever writes an entry knows it.
    """
    return f"{article.slug}-{short_hash(article.id)}"


def story_entries(article: Article, authority: str) -> tuple[Article, ...]:
    """Return the article and its coverage, each address once, newest first.

    `authority` is the owner and date of ids (RFC 4151). Coverage whose date is not known stands at
    the date of the article.
    """
    found = {article.url: article}
    for item in article.related:
        found.setdefault(item.url, _coverage(article, item, authority))
    return tuple(sorted(found.values(), key=lambda one: (-one.published.timestamp(), one.id)))


def _coverage(article: Article, item: Related, authority: str) -> Article:
    published = item.published or article.published
    name = hashlib.blake2b(f"{article.id}\n{item.url}".encode(), digest_size=12).hexdigest()
    return Article(
        id=f"tag:{authority}:coverage/{name}",
        slug=name,
        title=item.title,
        summary="",
        content_html="",
        url=item.url,
        published=published,
        updated=published,
        language=article.language,
        provider=item.provider,
    )
