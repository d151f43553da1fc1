"""What feedgen writes of a whole feed, entries too: the oracle for the writer of entries.

Entries are appended, and what feedgen's own extensions get wrong (links of Atom entries, media
outside a group, `dc:creator`) is written by the extensions below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml.etree import SubElement

from feedhub.article import Article, Image
from feedhub.feed import Channel, Feed
from feedhub.formats import content
from feedhub.formats._feedgen import (
    ATOM,
    DC,
    MEDIA,
    atom_generator,
    rss_generator,
    with_double_quotes,
)
from feedhub.formats.entry_words import entry_words

_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def rss_bytes(feed: Feed, articles: Iterable[Article]) -> bytes:
    """Return the feed as RSS 2.0, its address ending in `.rss`."""
    generator = rss_generator(feed, ".rss")
    generator.register_extension("entries", BaseExtension, _RssEntry, atom=False, rss=True)
    for article in articles:
        entry = _add_entry(generator, article, feed.channel)
        entry.description(escape(article.summary or article.title, quote=False))
        entry.content(_html(article, feed.channel), type="html")
    return with_double_quotes(generator.rss_str(pretty=True))


def atom_bytes(feed: Feed, articles: Iterable[Article]) -> bytes:
    """Return the feed as Atom 1.0, its address ending in `.atom`."""
    generator = atom_generator(feed, ".atom")
    generator.register_extension("entries", BaseExtension, _AtomEntry, atom=True, rss=False)
    for article in articles:
        entry = _add_entry(generator, article, feed.channel)
        for person in content.people(article):
            entry.author({"name": person.name} | ({"uri": person.url} if person.url else {}))
        if article.summary:
            entry.summary(article.summary)
        entry.content(_html(article, feed.channel), type="html")
    return with_double_quotes(generator.atom_str(pretty=True))


def _html(article: Article, channel: Channel) -> str:
    return content.content_html(article, channel)


def _add_entry(generator: Any, article: Article, channel: Channel) -> Any:
    entry = generator.add_entry(order="append")
    entry.id(article.id)
    entry.title(article.title)
    entry.link(href=article.url)
    entry.published(article.published)
    entry.updated(article.updated)
    entry.category([{"term": tag, "label": tag} for tag in content.tags(article)])
    entry.entries.article, entry.entries.channel = article, channel
    return entry


class _RssEntry(BaseEntryExtension):  # type: ignore[misc] # feedgen is untyped
    article: Article
    channel: Channel

    def extend_rss(self, item: Any) -> Any:
        article = self.article
        for person in content.people(article):
            SubElement(item, f"{{{DC}}}creator").text = person.name
        language = content.language(article, self.channel)
        if language:
            SubElement(item, f"{{{DC}}}language").text = language
        revised = content.revised(article)
        if revised:
            SubElement(item, f"{{{ATOM}}}updated").text = revised.isoformat()
        enclosed = next(
            iter(content.recordings(article)), content.enclosure(content.pictures(article))
        )
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
        language = content.language(article, self.channel)
        if language:
            entry.set(_XML_LANG, language)
        for attributes in _links(article, self.channel):
            SubElement(entry, "link", attributes)
        _add_media(entry, article)
        return entry


def _links(article: Article, channel: Channel) -> Iterator[dict[str, str]]:
    """Yield what an Atom entry links to besides the article: its audio and video, else its
    picture; related coverage, and the feed of its story.
    """
    for file in content.recordings(article):
        about = {"rel": "enclosure", "href": file.url, "type": file.media_type}
        length = {"length": str(file.length)} if file.length else {}
        yield about | length | ({"title": file.title} if file.title else {})
    image = content.enclosure(content.pictures(article)) or next(
        iter(content.pictures(article)), None
    )
    if image and not content.recordings(article):
        known = {"type": image.media_type} if image.media_type else {}
        length = {"length": str(image.length)} if image.length else {}
        yield {"rel": "enclosure", "href": image.url} | known | length
    for item in article.related:
        yield {"rel": "related", "href": item.url, "title": item.title}
    story = content.story_url(article, channel, ".atom")
    if story:
        words = entry_words(article, channel)
        named = {"type": "application/atom+xml", "title": words.follow_story}
        if words.mark(words.follow_story):
            named[_XML_LANG] = words.messages.language
        yield {"rel": "related", "href": story} | named


def _add_media(parent: Any, article: Article) -> None:
    """Add pictures, the lead as thumbnail, audio, video and the player (Media RSS 1.5.1)."""
    images = content.pictures(article)
    for image in images:
        known = {"type": image.media_type} if image.media_type else {}
        length = {"fileSize": str(image.length)} if image.length else {}
        attributes = {"url": image.url, "medium": "image"} | known | length | _size(image)
        SubElement(parent, f"{{{MEDIA}}}content", attributes)
    for image in images[:1]:
        SubElement(parent, f"{{{MEDIA}}}thumbnail", {"url": image.url} | _size(image))
    for file in content.recordings(article):
        about = {"url": file.url, "type": file.media_type, "medium": file.medium}
        numbers = {"fileSize": file.length, "duration": file.duration}
        about |= {name: str(number) for name, number in numbers.items() if number}
        SubElement(parent, f"{{{MEDIA}}}content", about)
    if article.player_url:
        SubElement(parent, f"{{{MEDIA}}}player", {"url": article.player_url})


def _size(image: Image) -> dict[str, str]:
    size = {"width": image.width, "height": image.height}
    return {name: str(pixels) for name, pixels in size.items() if pixels}
