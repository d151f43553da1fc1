"""What RSS and Atom both say of an article, as XML, escaped once for the two."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from feedhub.formats import _entry
from feedhub.formats._feedgen import media
from feedhub.formats._written import Written
from feedhub.formats._xml import attribute, elements, text

if TYPE_CHECKING:
    from feedhub.article import Article
    from feedhub.feed import Channel


class Said(NamedTuple):
    """Character data, but `terms` (tags) and `address` (the url) as attributes have them.

    `names` and `addresses`, which may be "", are of people; `media` are whole elements.
    """

    id: str
    title: str
    url: str
    summary: str
    html: str
    tags: list[str]
    terms: list[str]
    names: list[str]
    addresses: list[str]
    media: list[str]
    address: str


def _said(article: Article, channel: Channel) -> Said:
    tags, people = _entry.tags(article), _entry.people(article)
    return Said(
        id=text(article.id),
        title=text(article.title),
        url=text(article.url),
        summary=text(article.summary),
        html=text(_entry.html_of(article, channel)),
        tags=[text(tag) for tag in tags],
        terms=[attribute(tag) for tag in tags],
        names=[text(person.name) for person in people],
        addresses=[text(person.url) for person in people],
        media=elements((f"media:{name}", attributes) for name, attributes in media(article)),
        address=attribute(article.url),
    )


said_of = Written(_said).of
