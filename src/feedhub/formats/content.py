"""The fields of an entry that are the same in every format: people, tags, pictures, content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from html import escape
from urllib.parse import urlsplit

from feedhub.article import Article, Author, Image, Media, Related
from feedhub.feed import Channel, feed_path, story_slug
from feedhub.formats.entry_words import EntryWords, entry_words
from feedhub.sources import bodies
from feedhub.text import label_key, same_label

# A picture's size in the name of its file (WordPress), and a service that makes pictures smaller.
_SIZE = re.compile(r"(?:-[0-9]{2,5}x[0-9]{2,5}|-scaled|@[23]x)(\.[A-Za-z]{3,4})$")
_PICTURE_FILE = re.compile(r"\.(?:avif|gif|jpe?g|png|webp)$", re.IGNORECASE)
_PROXY = re.compile(r"//i[0-3]\.wp\.com/")
# The least width that aggregators show as a lead picture.
LEAD_WIDTH = 450


def people(article: Article) -> tuple[Author, ...]:
    """Return the authors of an entry: the people named, else the publisher."""
    if article.authors or article.provider is None:
        return article.authors
    return (Author(name=article.provider.name, url=article.provider.url),)


def tags(article: Article) -> tuple[str, ...]:
    """Return topics and categories, each once, without commas: some readers divide tags at them."""
    found: dict[str, str] = {}
    for label in (*article.topics, *article.categories):
        found.setdefault(*_key_and_tag(label))
    found.pop("", None)
    return tuple(found.values())


@lru_cache(1_024)  # a site has a few hundred labels, and every article some of them
def _key_and_tag(label: str) -> tuple[str, str]:
    tag = " ".join(map(str.strip, label.split(","))).strip()
    return label_key(tag), tag


def pictures(article: Article) -> tuple[Image, ...]:
    """Return the images, the lead first: the first that is wide enough, or of unknown width."""
    for image in article.images:
        if image.width is None or image.width >= LEAD_WIDTH:
            return (image, *(other for other in article.images if other is not image))
    return article.images


def recordings(article: Article) -> tuple[Media, ...]:
    """Return the audio and video files of known type."""
    return tuple(file for file in article.media if file.media_type)


def enclosure(images: Iterable[Image]) -> Image | None:
    """Return the picture to enclose: the first of known type, which an enclosure must name."""
    return next((image for image in images if image.media_type), None)


def language(article: Article, channel: Channel) -> str:
    """Return the language of the article if it differs from the channel's, else ""."""
    same = article.language.casefold() == channel.language.casefold()
    return "" if same else article.language


def revised(article: Article) -> datetime | None:
    """Return when the article was updated, or None if it never was."""
    return article.updated if article.updated > article.published else None


def story_url(article: Article, channel: Channel, suffix: str = "") -> str:
    """Return the address of the story of an article and its coverage, or "".

    Without a suffix it is the address for people.
    """
    if not (channel.stories and article.related):
        return ""
    return channel.url(feed_path("story", story_slug(article)) + (suffix or channel.stories))


def content_html(article: Article, channel: Channel) -> str:
    """Return the entry as HTML, never empty: picture, text, audio, video, publisher, coverage."""
    words = entry_words(article, channel)
    text = article.content_html or f"<p>{escape_text(article.summary or article.title)}</p>"
    parts = [figure_html(article), text, *recordings_html(article, words)]
    parts += [video_html(article, words), source_html(article, words)]
    if article.related:
        parts.append(related_html(article.related, words))
    if story := story_url(article, channel):
        parts.append(words.paragraph(words.follow_story, link_html(story, words.follow_story)))
    html = "\n".join([part for part in parts if part])
    return f"<div{words.wrapper}>{html}</div>" if words.wrapper else html


def figure_html(article: Article) -> str:
    """Return the lead picture, or "" if there is none or the text shows it."""
    if not article.images:
        return ""
    image = pictures(article)[0]
    shown = bodies.picture_addresses(article.content_html)
    if picture_key(image.url) in map(picture_key, shown):
        return ""
    width = f' width="{image.width}"' if image.width else ""
    height = f' height="{image.height}"' if image.height else ""
    title = "" if same_label(image.title, article.title) else image.title
    url, alt = escape(image.url), escape(title)
    return f'<figure><img src="{url}"{width}{height} alt="{alt}"></figure>'


def picture_key(url: str) -> str:
    """Return what the addresses of one picture in several sizes have in common."""
    parts = urlsplit(_PROXY.sub("//", url))
    path, size = _SIZE.subn(r"\1", parts.path)
    is_file = bool(size) or bool(_PICTURE_FILE.search(path))
    query = "" if is_file else parts.query
    return f"{(parts.hostname or '').removeprefix('www.')}{path}?{query}"


def recordings_html(article: Article, words: EntryWords) -> list[str]:
    """Return a link to each audio or video file that the text does not link to or play."""
    lines = []
    for file in recordings(article):
        if f'"{escape(file.url)}"' not in article.content_html:
            gettext, is_audio = words.messages.gettext, file.medium == "audio"
            if not file.title or same_label(file.title, article.title):
                text = gettext("Listen to the audio") if is_audio else gettext("Watch the video")
            else:
                text = gettext("Listen to {title}") if is_audio else gettext("Watch {title}")
            title = words.name(escape_text(file.title), text)
            link = f'<a href="{escape(file.url)}">{text.format(title=title)}</a>'
            duration = f" ({format_duration(file.duration)})" if file.duration else ""
            lines.append(words.paragraph(text, f"{link}{duration}"))
    return lines


def video_html(article: Article, words: EntryWords) -> str:
    """Return the link to the player with the length of the video, or what is known of the two."""
    length = format_duration(article.duration) if article.duration else ""
    if not article.player_url:
        text = words.messages.gettext("Length: {length}")
        return words.paragraph(text, text.format(length=length)) if length else ""
    page = bodies.player_page(article.player_url)
    host = (urlsplit(page).hostname or "").removeprefix("www.")
    text = words.messages.gettext("Watch the video on {site}")
    video = link_html(page, text.format(site=host))
    return words.paragraph(text, f"{video} ({length})" if length else video)


def format_duration(seconds: int) -> str:
    """Return a length of time as players show it, such as 2:05 or 1:02:05."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def source_html(article: Article, words: EntryWords) -> str:
    """Return the link to the article at its publisher, or "" if the entry has all of it."""
    provider, (invitation, bare) = article.provider, words.invitations[article.type]
    if article.player_url and is_same_page(bodies.player_page(article.player_url), article.url):
        return ""  # the link to the video says it
    if provider:
        name = (
            link_html(provider.url, provider.name) if provider.url else escape_text(provider.name)
        )
        link = f'<a href="{escape(article.url)}">'
        html = invitation.format(publisher=words.name(name, invitation)).replace("<a>", link, 1)
        return words.paragraph(invitation, html)
    if article.content_html:
        return ""
    link = link_html(article.url, urlsplit(article.url).hostname or "")
    return words.paragraph(bare, bare.format(site=link))


def is_same_page(one: str, other: str) -> bool:
    """Return whether two addresses are of one page, written with and without `www.`."""
    return one.replace("//www.", "//", 1) == other.replace("//www.", "//", 1)


def related_html(items: Sequence[Related], words: EntryWords) -> str:
    """Return the list of related coverage, each with publisher and day if they are known."""
    names = [item.provider.name if item.provider else "" for item in items]
    # One call for all texts: coverage is most of what an entry says.
    texts = escape_text("\0".join([item.title for item in items] + names)).split("\0")
    urls = escape("\0".join([item.url for item in items])).split("\0")
    rows = []
    for item, url, title, name in zip(items, urls, texts, texts[len(items) :], strict=False):
        day = words.day(item.published) if item.published else ""
        both = words.publisher_and_day
        note = both.format(publisher=name, day=day) if name and day else name or day
        rows.append(f'<li><a href="{url}">{title}</a>{f" ({note})" if note else ""}</li>')
    heading = words.paragraph(words.related_coverage)
    return f"{heading}\n<ul>{''.join(rows)}</ul>"


def escape_text(text: str) -> str:
    """Return plain text as HTML between tags."""
    return escape(text, quote=False)


def link_html(url: str, text: str) -> str:
    """Return a link with a plain text."""
    return f'<a href="{escape(url)}">{escape_text(text)}</a>'
