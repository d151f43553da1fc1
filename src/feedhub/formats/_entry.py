"""What an entry says in every format: its content as HTML, its people, its tags, its pictures."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedhub.article import Author
from feedhub.dates import format_day
from feedhub.feed import feed_path
from feedhub.formats._written import Written
from feedhub.story import story_slug
from feedhub.text import label_key

if TYPE_CHECKING:
    from datetime import datetime

    from feedhub.article import Article, Image, Related
    from feedhub.feed import Channel

# The least width that aggregators show as a lead picture.
_LEAD_WIDTH = 450
_COMMA = re.compile(r"\s*,\s*")


def people(article: Article) -> tuple[Author, ...]:
    """Return who stands as author: the people named, else the publisher."""
    if article.authors or article.provider is None:
        return article.authors
    return (Author(name=article.provider.name, url=article.provider.url),)


def tags(article: Article) -> tuple[str, ...]:
    """Return topics and categories, each once, without commas: some readers divide tags at them."""
    found: dict[str, str] = {}
    for label in (*article.topics, *article.categories):
        found.setdefault(*_tag(label))
    found.pop("", None)
    return tuple(found.values())


@lru_cache(1_024)  # the same few hundred stand in all articles
def _tag(label: str) -> tuple[str, str]:
    tag = _COMMA.sub(" ", label).strip()
    return label_key(tag), tag


def pictures(article: Article) -> tuple[Image, ...]:
    """Return the images, the lead first: the first that is wide enough, or of unknown width."""
    for image in article.images:
        if image.width is None or image.width >= _LEAD_WIDTH:
            return (image, *(other for other in article.images if other is not image))
    return article.images


def enclosure(article: Article) -> Image | None:
    """Return the one picture to enclose: the first whose type is known, for it must be named."""
    return next((image for image in pictures(article) if image.media_type), None)


def language(article: Article, channel: Channel) -> str:
    """Return the article's language where it is another than the channel's, else ""."""
    same = article.language.casefold() == channel.language.casefold()
    return "" if same else article.language


def revised(article: Article) -> datetime | None:
    """Return when the article was updated, or None where it still is as it was published."""
    return article.updated if article.updated > article.published else None


def story_url(article: Article, channel: Channel, suffix: str = "") -> str:
    """Return where the article and its coverage can be followed, or "".

    Without a suffix it is the address for people.
    """
    if not (channel.stories and article.related):
        return ""
    return channel.url(feed_path("story", story_slug(article)) + (suffix or channel.stories))


def content_html(article: Article, story: str = "") -> str:
    """Return the entry as HTML, never empty: picture, text, video, publisher, related coverage.

    `story` is the address where the coverage can be followed, or "".
    """
    parts = [
        _figure(article),
        article.content_html or f"<p>{escape(article.summary or article.title, quote=False)}</p>",
        _video(article),
        _source(article),
        _related(article.related),
        f"<p>{_anchor(story, 'Follow this story')}</p>" if story else "",
    ]
    return "\n".join(part for part in parts if part)


def _figure(article: Article) -> str:
    images = pictures(article)
    # As the sanitiser of the content writes it.
    if not images or f'src="{escape(images[0].url, quote=False)}"' in article.content_html:
        return ""
    image = images[0]
    size = "".join(
        f' {name}="{pixels}"'
        for name, pixels in (("width", image.width), ("height", image.height))
        if pixels
    )
    alt = escape(image.title)
    return f'<figure><img src="{escape(image.url)}"{size} alt="{alt}"></figure>'


def _video(article: Article) -> str:
    length = clock(article.duration) if article.duration else ""
    if not article.player_url:
        return f"<p>Length: {length}</p>" if length else ""
    video = _anchor(article.player_url, "Watch the video")
    return f"<p>{video} ({length})</p>" if length else f"<p>{video}</p>"


def clock(seconds: int) -> str:
    """Return a length of time as players show it, such as 2:05 or 1:02:05."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _source(article: Article) -> str:
    provider = article.provider
    if provider is None and article.content_html:
        return ""  # the whole text is here, and nobody else's
    if provider is None:
        host = urlsplit(article.url).hostname or ""
        return f"<p>Read on {_anchor(article.url, host)}</p>"
    name = escape(provider.name, quote=False)
    if provider.url:
        name = _anchor(provider.url, provider.name)
    return f"<p>{_anchor(article.url, 'Read the article')} at {name}</p>"


def _related(items: tuple[Related, ...]) -> str:
    if not items:
        return ""
    rows = "".join([f"<li>{_anchor(item.url, item.title)}{_about(item)}</li>" for item in items])
    return f"<p>Related coverage:</p>\n<ul>{rows}</ul>"


def _about(item: Related) -> str:
    provider = _plain(item.provider.name) if item.provider else ""
    day = format_day(item.published) if item.published else ""
    said = f"{provider}, {day}" if provider and day else provider or day
    return f" ({said})" if said else ""


def _plain(text: str) -> str:
    return escape(text, quote=False)


def _anchor(url: str, text: str) -> str:
    return f'<a href="{escape(url)}">{_plain(text)}</a>'


def _html(article: Article, channel: Channel) -> str:
    return content_html(article, story_url(article, channel))


html_of = Written(_html).of
