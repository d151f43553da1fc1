"""JSON Feed 1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from feedhub.dates import format_rfc3339
from feedhub.formats import _entry
from feedhub.formats._written import Written

if TYPE_CHECKING:
    from feedhub.article import Article, Author, Image
    from feedhub.feed import Channel, Feed

_VERSION = "https://jsonfeed.org/version/1.1"


def encode(feed: Feed) -> bytes:
    """Return the feed as JSON Feed 1.1 in UTF-8; keys without a value are left out."""
    channel = feed.channel
    document = {
        "version": _VERSION,
        "title": feed.title,
        "home_page_url": feed.home_page_url,
        "feed_url": feed.address(".json"),
        "description": feed.description,
        "next_url": channel.url(f"{feed.older}.json") if feed.older else "",
        "icon": channel.icon,
        "favicon": channel.icon,
        "language": channel.language,
        "hubs": [] if feed.current else _hubs(channel),
    }
    items = list(_items.entries(feed))
    head = msgspec.json.format(msgspec.json.encode(_given(document) | {"items": []}), indent=1)
    return head.removesuffix(b"[]\n}") + _list(items) + b"\n}\n"


def _hubs(channel: Channel) -> list[dict[str, str]]:
    return [{"type": "WebSub", "url": channel.hub}] if channel.hub else []


def _list(items: list[bytes]) -> bytes:
    return b"[\n  " + b",\n  ".join(items) + b"\n ]" if items else b"[]"


def _item(article: Article, channel: Channel) -> bytes:
    """Return one item, indented as deep as it stands; a line break inside a text is no byte 10."""
    encoded = msgspec.json.encode(_members(article, channel))
    return msgspec.json.format(encoded, indent=1).replace(b"\n", b"\n  ")


def _members(article: Article, channel: Channel) -> dict[str, Any]:
    images, revised = _entry.pictures(article), _entry.revised(article)
    return _given(
        {
            "id": article.id,
            "url": article.url,
            "title": article.title,
            "content_html": _entry.html_of(article, channel),
            "summary": article.summary,
            "image": images[0].url if images else "",
            "date_published": format_rfc3339(article.published),
            "date_modified": format_rfc3339(revised) if revised else "",
            "authors": [_author(person) for person in _entry.people(article)],
            "tags": _entry.tags(article),
            "language": _entry.language(article, channel),
            "attachments": [_attachment(image) for image in images if image.media_type],
        }
    )


def _author(person: Author) -> dict[str, str]:
    return _given({"name": person.name, "url": person.url})


def _attachment(image: Image) -> dict[str, Any]:
    told = {"url": image.url, "mime_type": image.media_type, "title": image.title}
    return _given(told | {"size_in_bytes": image.length})


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


_items = Written(_item)
