"""What an author should know about an article that is published all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhub.sources.tree import Scalar
from feedhub.text import label_key, unescape_once

if TYPE_CHECKING:
    from feedhub.article import Article
    from feedhub.sources.fields import Fields

_LINKS = ("web_url", "canonical_url", "original_url")
_PLACEHOLDERS = frozenset({"placeholder", "placeholder.", "todo", "tbd"})


def advise(fields: Fields, article: Article, base_url: str) -> None:
    """Warn about texts and addresses; what lies under `base_url` is the site's own business."""
    _advise_on_texts(fields, article)
    _advise_on_addresses(fields, article, base_url)


def _advise_on_texts(fields: Fields, article: Article) -> None:
    for field in ("title", "summary"):
        text: str = getattr(article, field)
        if unescape_once(text) != text:
            message = "an entity is left after decoding once: write the character itself"
            fields.advise(field, "entity-left", message)
    key = label_key(article.summary)
    if not key:
        fields.advise("summary", "no-summary", "there is no summary: add an excerpt")
    elif key in _PLACEHOLDERS or key == label_key(article.title):
        message = "the summary says nothing that the title does not: write one sentence"
        fields.advise("summary", "placeholder-summary", message)


def _advise_on_addresses(fields: Fields, article: Article, base_url: str) -> None:
    message = "the address begins with http: and browsers may refuse it: use https"
    for field in _LINKS:
        node = fields.node(field)
        if isinstance(node, Scalar) and node.text.strip().lower().startswith("http:"):
            fields.advise(field, "http-url", message)
    if any(i.url.startswith("http:") and not i.url.startswith(base_url) for i in article.images):
        field = "images" if fields.node("images") else "image"
        fields.advise(field, "http-url", message)
