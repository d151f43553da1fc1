"""The writer of entries: an article as RSS item, Atom entry and JSON Feed item, made together.

Items and entries are, byte for byte, what feedgen and lxml would write, with the indentation of
the document around them.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import msgspec

from feedhub.article import Article, Media
from feedhub.dates import format_rfc822
from feedhub.feed import Channel
from feedhub.formats import SUBSCRIBED, content
from feedhub.formats.entry_words import entry_words

# An article in UTF-8 as the feeds of each format hold it, by the format's name.
EncodedEntry = dict[str, bytes]


def encode_entry(article: Article, channel: Channel) -> EncodedEntry:
    """Return an article as an entry in the feeds of a channel, whose hub and links do not count.

    RSS, Atom and JSON Feed have nearly the same fields and are written together. Every other
    format of `SUBSCRIBED` has `encode_item(article, channel)` in its own module.
    """
    writer = EntryWriter(article, channel)
    entry = {"rss": writer.rss().encode(), "atom": writer.atom().encode(), "json": writer.json()}
    for name in SUBSCRIBED.keys() - entry.keys():
        entry[name] = SUBSCRIBED[name].encode_item(article, channel)
    return entry


class JsonAuthor(msgspec.Struct, omit_defaults=True):
    """An author of JSON Feed 1.1; members without a value are left out."""

    name: str = ""
    url: str = ""


class JsonAttachment(msgspec.Struct, omit_defaults=True):
    """A picture, audio or video file as an attachment of JSON Feed 1.1."""

    url: str = ""
    mime_type: str = ""
    title: str = ""
    size_in_bytes: int = 0
    duration_in_seconds: int = 0


class JsonItem(msgspec.Struct, omit_defaults=True):
    """An item of JSON Feed 1.1, its members in the order of the document."""

    id: str = ""
    url: str = ""
    title: str = ""
    content_html: str = ""
    summary: str = ""
    image: str = ""
    date_published: str = ""
    date_modified: str = ""
    authors: list[JsonAuthor] = []
    tags: tuple[str, ...] = ()
    language: str = ""
    attachments: list[JsonAttachment] = []


class EntryWriter:
    """An article in three formats: what they share is selected and escaped once.

    `text` has the character data of each string, `attribute` the inside of an attribute.
    """

    def __init__(self, article: Article, channel: Channel) -> None:
        self.article, self.channel = article, channel
        self.people, self.tags = content.people(article), content.tags(article)
        self.images, self.language = content.pictures(article), content.language(article, channel)
        self.recordings = content.recordings(article)
        self.enclosure = content.enclosure(self.images)
        self.story_feed = content.story_url(article, channel, ".atom")
        self.html = content.content_html(article, channel)
        # RSS says that a description is HTML, and must have one.
        self.description = escape(article.summary or article.title, quote=False)
        self.published = article.published.isoformat()
        revised = content.revised(article)
        self.revised = revised.isoformat() if revised else ""
        texts = [article.id, article.title, article.url, article.summary, self.language]
        texts += [self.html, self.description, *self.tags]
        for person in self.people:
            texts += person.name, person.url
        self.text = escape_together(texts)
        values = [article.url, article.player_url, self.language, self.story_feed, *self.tags]
        for image in self.images:
            values += image.url, image.media_type
        for file in self.recordings:
            values += file.url, file.media_type, file.title
        for item in article.related:
            values += item.url, item.title
        self.attribute = escape_together(values, attributes=True)
        self.media = self._media()

    def rss(self) -> str:
        """Return the item of RSS 2.0."""
        article, text = self.article, self.text
        lines = [
            "    <item>",
            f"<title>{text[article.title]}</title>",
            f"<link>{text[article.url]}</link>",
            f"<description>{text[self.description]}</description>",
            f"<content:encoded>{text[self.html]}</content:encoded>",
            f'<guid isPermaLink="false">{text[article.id]}</guid>',
            *[f"<category>{text[tag]}</category>" for tag in self.tags],
            f"<pubDate>{format_rfc822(article.published)}</pubDate>",
            *[f"<dc:creator>{text[person.name]}</dc:creator>" for person in self.people],
        ]
        if self.language:
            lines.append(f"<dc:language>{text[self.language]}</dc:language>")
        if self.revised:
            lines.append(f"<atom:updated>{self.revised}</atom:updated>")
        # One: readers take only the first.
        if file := next(iter(self.recordings), self.enclosure):
            url, media_type = self.attribute[file.url], self.attribute[file.media_type]
            length = file.length or 0
            lines.append(f'<enclosure url="{url}" length="{length}" type="{media_type}"/>')
        lines += self.media
        return "\n      ".join(lines) + "\n    </item>\n"

    def atom(self) -> str:
        """Return the entry of Atom 1.0."""
        article, text, attribute = self.article, self.text, self.attribute
        language = f' xml:lang="{attribute[self.language]}"' if self.language else ""
        lines = [
            f"  <entry{language}>",
            f"<id>{text[article.id]}</id>",
            f"<title>{text[article.title]}</title>",
            f"<updated>{self.revised or self.published}</updated>",
        ]
        for person in self.people:
            url = f"      <uri>{text[person.url]}</uri>\n" if person.url else ""
            name = f"<name>{text[person.name]}</name>"
            lines.append(f"<author>\n      {name}\n{url}    </author>")
        lines.append(f'<content type="html">{text[self.html]}</content>')
        lines.append(f'<link href="{attribute[article.url]}"/>')
        if article.summary:
            lines.append(f"<summary>{text[article.summary]}</summary>")
        for tag in self.tags:
            lines.append(f'<category term="{attribute[tag]}" label="{attribute[tag]}"/>')
        lines.append(f"<published>{self.published}</published>")
        # Atom lets an enclosure have no type, and an entry have several.
        picture = self.enclosure or next(iter(self.images), None)
        for file in self.recordings or ((picture,) if picture else ()):
            about = f' type="{attribute[file.media_type]}"' if file.media_type else ""
            about += f' length="{file.length}"' if file.length else ""
            if isinstance(file, Media) and file.title:
                about += f' title="{attribute[file.title]}"'
            lines.append(f'<link rel="enclosure" href="{attribute[file.url]}"{about}/>')
        for item in article.related:
            url, title = attribute[item.url], attribute[item.title]
            lines.append(f'<link rel="related" href="{url}" title="{title}"/>')
        if self.story_feed:
            words = entry_words(article, self.channel)
            title = words.follow_story
            about = f'type="application/atom+xml" title="{escape(title)}"{words.xml_mark(title)}'
            lines.append(f'<link rel="related" href="{attribute[self.story_feed]}" {about}/>')
        lines += self.media
        return "\n    ".join(lines) + "\n  </entry>\n"

    def json(self) -> bytes:
        """Return the item of JSON Feed 1.1."""
        article = self.article
        item = JsonItem(
            id=article.id,
            url=article.url,
            title=article.title,
            content_html=self.html,
            summary=article.summary,
            image=self.images[0].url if self.images else "",
            date_published=self.published.replace("+00:00", "Z"),
            date_modified=self.revised.replace("+00:00", "Z"),
            authors=[JsonAuthor(person.name, person.url) for person in self.people],
            tags=self.tags,
            language=self.language,
            attachments=[
                JsonAttachment(
                    file.url, file.media_type, file.title, file.length or 0, file.duration or 0
                )
                for file in self.recordings
            ]
            + [
                JsonAttachment(image.url, image.media_type, image.title, image.length or 0)
                for image in self.images
                if image.media_type
            ],
        )
        # A line break inside a text is no byte 10.
        return msgspec.json.format(msgspec.json.encode(item), indent=1).replace(b"\n", b"\n  ")

    def _media(self) -> list[str]:
        """Return pictures, the lead as thumbnail, audio, video and the player (Media RSS 1.5.1)."""
        lines, thumbnail = [], ""
        for image in self.images:
            url = self.attribute[image.url]
            about = f' type="{self.attribute[image.media_type]}"' if image.media_type else ""
            about += f' fileSize="{image.length}"' if image.length else ""
            size = f' width="{image.width}"' if image.width else ""
            size += f' height="{image.height}"' if image.height else ""
            lines.append(f'<media:content url="{url}" medium="image"{about}{size}/>')
            thumbnail = thumbnail or f'<media:thumbnail url="{url}"{size}/>'
        if thumbnail:
            lines.append(thumbnail)
        for file in self.recordings:
            about = f'type="{self.attribute[file.media_type]}" medium="{file.medium}"'
            about += f' fileSize="{file.length}"' if file.length else ""
            about += f' duration="{file.duration}"' if file.duration else ""
            lines.append(f'<media:content url="{self.attribute[file.url]}" {about}/>')
        if self.article.player_url:
            lines.append(f'<media:player url="{self.attribute[self.article.player_url]}"/>')
        return lines


def escape_together(texts: Iterable[str], *, attributes: bool = False) -> dict[str, str]:
    """Return each text as character data or as the inside of an attribute (XML 1.0, 2.4, 3.3.3).

    All of them are escaped in one go, with NUL between, which no text of an article holds.
    """
    known = dict.fromkeys(texts)
    joined = "\0".join(known).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if "\r" in joined:
        joined = joined.replace("\r", "&#13;")
    if attributes:
        joined = joined.replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
    return dict(zip(known, joined.split("\0"), strict=True))
