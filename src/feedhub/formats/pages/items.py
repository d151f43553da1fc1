"""Articles as pages show them: in full, as a card, or as a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from feedhub.article import Article, Image, Media
from feedhub.feed import Channel
from feedhub.formats import content
from feedhub.formats.pages import template
from feedhub.formats.pages.marks import Phrase, excerpt_around, mark
from feedhub.messages import attributes_of, messages_of
from feedhub.text import cut

MAX_EXCERPT = 280
MAX_TOPICS = 6
MAX_PLAYERS = 4
MAX_RELATED = 12
# A longer title in a list is none.
MAX_LINE = 200


class PageItem(NamedTuple):
    """An article and its HTML, which is the same on the pages of all its feeds."""

    article: Article
    html: str


class LabelLink(NamedTuple):
    """A label, the address of its page or "", and that of its picture or ""."""

    name: str
    page: str
    picture: str = ""


class Shown(NamedTuple):
    """What a template needs of an article besides the article itself."""

    article: Article
    picture: Image | None
    by: list[LabelLink]
    marks: Markup
    excerpt: str | Markup
    story: str
    duration: str

    @property
    def title(self) -> str:
        """The title of the article."""
        return self.article.title


def encode_item(article: Article, channel: Channel, phrases: Sequence[Phrase] = ()) -> PageItem:
    """Return an article as pages show it; `channel.links` tells where its labels have a page.

    With `phrases`, as the page of a search that has found them.
    """
    shown = show(article, channel)
    html: str = template("item.html.j2", channel).render(
        item=shown._replace(excerpt=excerpt_around(article, phrases)) if phrases else shown,
        title=mark(article.title, phrases),
        article=article,
        channel=channel,
        players=players(article),
        topics=label_links(channel, "topic", article.topics[:MAX_TOPICS]),
        related=article.related[:MAX_RELATED],
        more=len(article.related[MAX_RELATED:]),
    )
    return PageItem(article, html)


def encode_line(article: Article, channel: Channel) -> Markup:
    """Return an article as a line of a list."""
    html = template("line.html.j2", channel).render(
        item=show(article, channel), title=cut(article.title, MAX_LINE)
    )
    return Markup(html)  # noqa: S704 - a template wrote it


def show(article: Article, channel: Channel) -> Shown:
    """Return what pages show of an article."""
    return Shown(
        article=article,
        picture=lead_picture(article),
        by=byline(article, channel),
        marks=text_attributes(article, channel),
        excerpt=cut(article.summary, MAX_EXCERPT),
        story=content.story_url(article, channel),
        duration=content.format_duration(article.duration) if article.duration else "",
    )


def text_attributes(article: Article, channel: Channel) -> Markup:
    """Return how a title or summary is marked.

    A browser guesses its direction if the article does not say its language. A page without a
    catalog for its language is in English, in which they are not.
    """
    foreign = not messages_of(channel.language).is_of(channel.language)
    if not article.language:
        marks = f' lang="{escape(channel.language)}" dir="auto"' if foreign else ' dir="auto"'
    elif foreign or article.language.casefold() != channel.language.casefold():
        marks = attributes_of(article.language)
    else:
        marks = ""
    return Markup(marks)  # noqa: S704 - escaped


def players(article: Article) -> tuple[Media, ...]:
    """Return the audio and video files that a page plays."""
    return content.recordings(article)[:MAX_PLAYERS]


def lead_picture(article: Article) -> Image | None:
    """Return the picture of an article, or None."""
    return next(iter(content.pictures(article)), None)


def byline(article: Article, channel: Channel) -> list[LabelLink]:
    """Return who published it, else who wrote it, else its host."""
    if article.provider:
        (link,) = label_links(channel, "provider", (article.provider.name,))
        return [link._replace(picture=article.provider.picture)]
    if article.authors:
        return label_links(channel, "author", [author.name for author in article.authors])
    return [LabelLink(urlsplit(article.url).hostname or "", "")]


def label_links(channel: Channel, kind: str, labels: Iterable[str]) -> list[LabelLink]:
    """Return labels with the address of each one's page, or ""."""
    pages = [(label, channel.links.page_of(kind, label)) for label in labels]
    return [LabelLink(label, channel.url(page) if page else "") for label, page in pages]
