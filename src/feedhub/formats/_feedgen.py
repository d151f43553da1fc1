"""RSS 2.0 and Atom 1.0 through feedgen: the only room that knows it, and where its traps end.

Dates are always given (its default is the clock), `alternate` is the last link (it becomes the
channel's), entries are appended, and what its own extensions get wrong (links of Atom entries,
media outside a group, `dc:creator`, RFC 5005 in RSS) is written by the extensions below.
"""

from __future__ import annotations

from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import feedgen.entry
import feedgen.feed
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml.etree import SubElement

from feedhub.formats import _entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedhub.article import Article, Image
    from feedhub.feed import Channel, Feed

ATOM = "http://www.w3.org/2005/Atom"
MEDIA = "http://search.yahoo.com/mrss/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

# feedgen's own writer of RSS dates sets the locale of the whole process, under the feet of every
# other thread.
feedgen.feed.formatRFC2822 = feedgen.entry.formatRFC2822 = format_datetime


def rss_bytes(feed: Feed, suffix: str) -> bytes:
    """Return the feed as RSS 2.0 (RSS Best Practices Profile), its address ending in `suffix`."""
    generator = _generator(feed, suffix, "application/rss+xml")
    generator.docs("https://www.rssboard.org/rss-specification")
    generator.ttl(feed.channel.ttl)
    generator.image(feed.channel.icon or feed.channel.logo or None)
    generator.register_extension("feedhub", _RssFeed, _RssEntry, atom=False, rss=True)
    generator.feedhub.feed, generator.feedhub.suffix = feed, suffix
    for article in feed.entries:
        entry = _add_entry(generator, article)
        entry.description(escape(article.summary or article.title, quote=False))
        entry.content(_entry.html_of(article, feed.channel), type="html")
        entry.feedhub.article, entry.feedhub.channel = article, feed.channel
    return _finish(generator.rss_str(pretty=True))


def atom_bytes(feed: Feed, suffix: str) -> bytes:
    """Return the feed as Atom 1.0 (RFC 4287), its address ending in `suffix`."""
    generator = _generator(feed, suffix, "application/atom+xml")
    generator.author(name=feed.channel.title)
    generator.icon(feed.channel.icon or None)
    generator.logo(feed.channel.logo or None)
    generator.register_extension("feedhub", _AtomFeed, _AtomEntry, atom=True, rss=False)
    generator.feedhub.feed, generator.feedhub.suffix = feed, suffix
    for article in feed.entries:
        entry = _add_entry(generator, article)
        for person in _entry.people(article):
            entry.author({"name": person.name} | ({"uri": person.url} if person.url else {}))
        if article.summary:
            entry.summary(article.summary)
        entry.content(_entry.html_of(article, feed.channel), type="html")
        entry.feedhub.article, entry.feedhub.channel = article, feed.channel
    return _finish(generator.atom_str(pretty=True))


def _finish(document: bytes) -> bytes:
    """Give the declaration the quotes that every other writer uses."""
    declaration, _, rest = document.partition(b"\n")
    return declaration.replace(b"'", b'"') + b"\n" + rest


def _generator(feed: Feed, suffix: str, media_type: str) -> Any:
    channel = feed.channel
    generator = FeedGenerator()
    generator.id(feed.id)
    generator.title(feed.title)
    generator.description(feed.description)
    generator.updated(feed.updated)
    generator.language(channel.language)
    generator.generator("feedhub")
    generator.rights(channel.copyright or None)
    generator.link(href=feed.address(suffix), rel="self", type=media_type)
    generator.link(href=feed.home_page_url, rel="alternate", type="text/html")
    return generator


def _add_entry(generator: Any, article: Article) -> Any:
    entry = generator.add_entry(order="append")
    entry.id(article.id)
    entry.title(article.title)
    entry.link(href=article.url)
    entry.published(article.published)
    entry.updated(article.updated)
    entry.category([{"term": tag, "label": tag} for tag in _entry.tags(article)])
    return entry


def _history_links(feed: Feed, suffix: str) -> Iterator[dict[str, str]]:
    """The links between the documents of one feed (RFC 5005, 4)."""
    named = {"prev-archive": feed.older, "next-archive": feed.newer, "current": feed.current}
    for rel, path in named.items():
        if path:
            yield {"rel": rel, "href": feed.channel.url(path + suffix)}


class _FeedExtension(BaseExtension):  # type: ignore[misc] # feedgen is untyped
    feed: Feed
    suffix: str
    namespaces: ClassVar[dict[str, str]]

    def extend_ns(self) -> dict[str, str]:
        return self.namespaces | ({"fh": HISTORY} if self.feed.current else {})

    def extend_atom(self, root: Any) -> Any:
        self._name_hub(root, "link")
        self._place_in_history(root, "link")
        return root

    def extend_rss(self, root: Any) -> Any:
        self._name_hub(root[0], f"{{{ATOM}}}link")
        self._place_in_history(root[0], f"{{{ATOM}}}link")
        return root

    def _name_hub(self, parent: Any, link: str) -> None:
        """Name the hub of what readers subscribe to (WebSub, 4); feedgen drops it from RSS."""
        hub = self.feed.channel.hub
        if hub and not self.feed.current:
            SubElement(parent, link, {"rel": "hub", "href": hub})

    def _place_in_history(self, parent: Any, link: str) -> None:
        for attributes in _history_links(self.feed, self.suffix):
            SubElement(parent, link, attributes)
        if self.feed.current:
            SubElement(parent, f"{{{HISTORY}}}archive")


class _RssFeed(_FeedExtension):
    namespaces: ClassVar[dict[str, str]] = {"media": MEDIA, "dc": DC}


class _AtomFeed(_FeedExtension):
    namespaces: ClassVar[dict[str, str]] = {"media": MEDIA}


class _RssEntry(BaseEntryExtension):  # type: ignore[misc] # feedgen is untyped
    article: Article
    channel: Channel

    def extend_rss(self, item: Any) -> Any:
        article = self.article
        for person in _entry.people(article):
            SubElement(item, f"{{{DC}}}creator").text = person.name
        language = _entry.language(article, self.channel)
        if language:
            SubElement(item, f"{{{DC}}}language").text = language
        revised = _entry.revised(article)
        if revised:
            SubElement(item, f"{{{ATOM}}}updated").text = revised.isoformat()
        enclosed = _entry.enclosure(article)
        if enclosed:
            length = str(enclosed.length or 0)
            attributes = {"url": enclosed.url, "length": length, "type": enclosed.media_type}
            SubElement(item, "enclosure", attributes)
        _add_media(item, article)
        return item


class _AtomEntry(BaseEntryExtension):  # type: ignore[misc] # feedgen is untyped
    article: Article
    channel: Channel

    def extend_atom(self, entry: Any) -> Any:
        article = self.article
        language = _entry.language(article, self.channel)
        if language:
            entry.set(_XML_LANG, language)
        for attributes in links(article, self.channel):
            SubElement(entry, "link", attributes)
        _add_media(entry, article)
        return entry


def links(article: Article, channel: Channel) -> Iterator[dict[str, str]]:
    """Yield what an Atom entry links to besides the article: its picture, related coverage, and
    the feed of its story.
    """
    image = _entry.enclosure(article) or next(iter(_entry.pictures(article)), None)
    if image:
        known = {"type": image.media_type} if image.media_type else {}
        length = {"length": str(image.length)} if image.length else {}
        yield {"rel": "enclosure", "href": image.url} | known | length
    for item in article.related:
        yield {"rel": "related", "href": item.url, "title": item.title}
    story = _entry.story_url(article, channel, ".atom")
    if story:
        named = {"type": "application/atom+xml", "title": "Follow this story"}
        yield {"rel": "related", "href": story} | named


def media(article: Article) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield every picture, the lead as thumbnail, and the player (Media RSS 1.5.1)."""
    images = _entry.pictures(article)
    for image in images:
        known = {"type": image.media_type} if image.media_type else {}
        length = {"fileSize": str(image.length)} if image.length else {}
        yield "content", {"url": image.url, "medium": "image"} | known | length | _size(image)
    for image in images[:1]:
        yield "thumbnail", {"url": image.url} | _size(image)
    if article.player_url:
        yield "player", {"url": article.player_url}


def _add_media(parent: Any, article: Article) -> None:
    for name, attributes in media(article):
        SubElement(parent, f"{{{MEDIA}}}{name}", attributes)


def _size(image: Image) -> dict[str, str]:
    size = {"width": image.width, "height": image.height}
    return {name: str(pixels) for name, pixels in size.items() if pixels}
