"""What a page says of itself to machines: JSON-LD in the words of schema.org."""

from __future__ import annotations

import json
from collections.abc import Iterable

from markupsafe import Markup

from feedhub.article import Article
from feedhub.feed import Channel

# A page stays below 100 KB.
MAX_ITEMS, MAX_ITEM_BYTES = 10, 4_000
# What would end the element, or begin a comment in it.
_SIGNS = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def collection(channel: Channel, url: str, name: str, articles: Iterable[Article]) -> Markup:
    """Return an element that describes a page as a collection of the first of these articles."""
    page = {
        "@context": "https://schema.org",
        "@type": "CollectionPage",
        "url": url,
        "name": name,
        "inLanguage": channel.language,
        "isPartOf": {
            "@type": "WebSite",
            "url": channel.url(""),
            "name": channel.display_title(channel.title),
            **({"description": channel.description} if channel.description else {}),
        },
        "mainEntity": {"@type": "ItemList", "itemListElement": list_items(articles)},
    }
    text = to_text(page)
    return Markup(f'<script type="application/ld+json">{text}</script>')  # noqa: S704 - escaped


def list_items(articles: Iterable[Article]) -> list[dict[str, object]]:
    """Return the first articles as the items of a list, as many as there is room for."""
    items: list[dict[str, object]] = []
    size = 0
    for position, article in enumerate(articles, 1):
        item: dict[str, object] = {
            "@type": "ListItem",
            "position": position,
            "url": article.url,
            "name": article.title,
        }
        size += len(to_text(item).encode())
        if position > MAX_ITEMS or size > MAX_ITEM_BYTES:
            break
        items.append(item)
    return items


def to_text(value: object) -> str:
    """Return a value as JSON that may stand in an element of HTML."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_SIGNS)
