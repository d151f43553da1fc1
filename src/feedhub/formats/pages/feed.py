"""The page of a feed: what is new in it, and how to follow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup

from feedhub.feed import KINDS
from feedhub.formats import _entry
from feedhub.formats._written import Written
from feedhub.formats.pages import _ROOM, write
from feedhub.formats.pages.readers import readers
from feedhub.formats.pages.search import search_of
from feedhub.text import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from feedhub.article import Article, Image
    from feedhub.feed import Channel, Feed

_EXCERPT = 280
_TOPICS = 6
_RELATED = 12
# What articles may take of a page, for it to stay below 100 KB.
_MOST_BYTES = 74_000


class Address(NamedTuple):
    """A document of a feed: the format's name, its media type without parameters, its address."""

    name: str
    media_type: str
    url: str


def encode(feed: Feed) -> bytes:
    """Return the page in UTF-8; equal feeds give equal bytes."""
    channel, formats = feed.channel, feed.channel.links.formats
    return write(
        "feed.html.j2",
        channel,
        title=feed.title,
        url=feed.address("/"),
        feed=feed,
        label=feed.label,
        kind=KINDS[feed.kind],
        addresses=[Address(n, kind, feed.address(suffix)) for n, kind, suffix in formats],
        whole=_whole(feed),
        readers=readers,
        picture=next((image for image in map(_picture, feed.entries) if image), None),
        items=list(_fitting(_ITEMS.entries(feed))),
        search=search_of(feed) if feed.kind == "search" else None,
    )


def _fitting(items: Iterable[Markup]) -> Iterator[Markup]:
    """Yield as many articles as there is room for, at least one."""
    size = 0
    for place, item in enumerate(items):
        size += len(item.encode())
        if place and size > _MOST_BYTES:
            return
        yield item


def _whole(feed: Feed) -> list[Address]:
    """Return the first document of the feed of the whole site, if that is another feed."""
    channel, links = feed.channel, feed.channel.links
    if feed.kind == "all" or "all" not in links.kinds or "all" in links.removed:
        return []
    return [
        Address(name, media_type, channel.url(f"all{suffix}"))
        for name, media_type, suffix in links.formats[:1]
    ]


def _picture(article: Article) -> Image | None:
    return next(iter(_entry.pictures(article)), None)


def _item(article: Article, channel: Channel) -> Markup:
    """Write one article; it stands alike on the pages of all its feeds."""
    text = _TEMPLATE.render(
        article=article,
        channel=channel,
        picture=_picture(article),
        excerpt=cut(article.summary, _EXCERPT),
        story=_entry.story_url(article, channel),
        language=_entry.language(article, channel),
        by=_by(article, channel),
        topics=_linked(channel, "topic", article.topics[:_TOPICS]),
        related=article.related[:_RELATED],
        more=len(article.related[_RELATED:]),
        duration=_entry.clock(article.duration) if article.duration else "",
        english=channel.language.lower().split("-")[0] == "en",
    )
    return Markup(text)  # noqa: S704 - a template wrote it


def _by(article: Article, channel: Channel) -> list[tuple[str, str]]:
    """Return who published it, else who wrote it, else where it stands; with their page or ""."""
    if article.provider:
        return _linked(channel, "provider", (article.provider.name,))
    if article.authors:
        return _linked(channel, "author", tuple(author.name for author in article.authors))
    return [(urlsplit(article.url).hostname or "", "")]


def _linked(channel: Channel, kind: str, labels: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return labels with the address of each one's page, or ""."""
    pages = [(label, channel.links.page_of(kind, label)) for label in labels]
    return [(label, channel.url(page) if page else "") for label, page in pages]


_TEMPLATE = _ROOM.get_template("item.html.j2")
_ITEMS = Written(_item)
