"""The page of a feed: what is new in it, and how to follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from markupsafe import Markup, escape

from feedhub.article import Article, Image, Media
from feedhub.feed import Channel, Feed, labels_of
from feedhub.formats import content
from feedhub.formats.pages import PLAYER_POLICY, POLICY, template, write
from feedhub.kinds import FACETS, KINDS, PER_LABEL_KINDS
from feedhub.messages import attributes_of, messages_of
from feedhub.text import cut, slugify

MAX_EXCERPT = 280
MAX_TOPICS = 6
MAX_PLAYERS = 4
MAX_RELATED = 12
# What articles may take of a page, for it to stay below 100 KB.
MAX_ITEM_BYTES = 74_000
# Where common readers take the address of a feed to subscribe to, each as the reader documents it:
# the feed's address goes to the end, with every sign quoted.
_READERS = (
    ("Feedly", "https://feedly.com/i/subscription/feed/"),
    ("Inoreader", "https://www.inoreader.com/?add_feed="),
    ("NewsBlur", "https://www.newsblur.com/?url="),
    ("Feedbin", "https://feedbin.com/?subscribe="),
    ("The Old Reader", "https://theoldreader.com/feeds/subscribe?url="),
)
# The parameters of a search besides its words, each with the noun of its labels or "".
_CRITERIA = {
    **{facet: KINDS[facet].noun for facet in FACETS},
    **{f"not_{facet}": KINDS[facet].noun for facet in FACETS},
    **dict.fromkeys(("limit", "min_quality", "since"), ""),
}


class PageItem(NamedTuple):
    """An article and its HTML, which is the same on the pages of all its feeds."""

    article: Article
    html: str


class FeedLink(NamedTuple):
    """A document of a feed: the format's name, its media type without parameters, its address."""

    name: str
    media_type: str
    url: str


class ReaderLink(NamedTuple):
    """A feed reader's name, and the link that subscribes to a feed."""

    name: str
    url: str


class SearchCriterion(NamedTuple):
    """A parameter of a search as a box to untick; `noun` and `label` are for people."""

    name: str
    value: str
    noun: str
    label: str
    ticked: bool = True


class SearchForm(NamedTuple):
    """A search as a form: the words as they may be typed, and what else articles must have."""

    words: str
    criteria: list[SearchCriterion]


def encode(feed: Feed, items: Sequence[PageItem]) -> bytes:
    """Return the page in UTF-8, with as many of its items, newest first, as there is room for."""
    channel, formats = feed.channel, feed.channel.links.formats
    return write(
        "feed.html.j2",
        channel,
        title=feed.title,
        url=feed.address("/"),
        feed=feed,
        label=feed.label,
        kind=KINDS[feed.kind],
        addresses=[FeedLink(n, kind, feed.address(suffix)) for n, kind, suffix in formats],
        site_feeds=site_feed_links(feed),
        readers=reader_links,
        # Perhaps the list of its kind has no other feed, and is gone.
        listed=bool(items) or feed.kind not in PER_LABEL_KINDS,
        picture=next((image for item in items if (image := lead_picture(item.article))), None),
        items=list(fitting_html(items)),
        policy=PLAYER_POLICY if any(players(item.article) for item in items) else POLICY,
        search=search_form(feed, items) if feed.kind == "search" else None,
    )


def encode_item(article: Article, channel: Channel) -> PageItem:
    """Return an article as pages show it; `channel.links` tells where its labels have a page."""
    html: str = template("item.html.j2", channel).render(
        article=article,
        channel=channel,
        picture=lead_picture(article),
        players=players(article),
        excerpt=cut(article.summary, MAX_EXCERPT),
        story=content.story_url(article, channel),
        own=text_attributes(article, channel),
        by=byline(article, channel),
        topics=label_links(channel, "topic", article.topics[:MAX_TOPICS]),
        related=article.related[:MAX_RELATED],
        more=len(article.related[MAX_RELATED:]),
        duration=content.format_duration(article.duration) if article.duration else "",
    )
    return PageItem(article, html)


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


def reader_links(feed_url: str) -> list[ReaderLink]:
    """Return the readers with their links for one feed; the last is the device's own app."""
    quoted = quote(feed_url, safe="")
    # `feed:` before a complete address keeps http or https, which `feed://` does not.
    own = ReaderLink("", f"feed:{feed_url}")
    return [*(ReaderLink(name, url + quoted) for name, url in _READERS), own]


def search_form(feed: Feed, items: Iterable[PageItem]) -> SearchForm:
    """Return the form of a search.

    Labels are spelled as in the articles; a label that none of them has is shown as its slug.
    """
    pairs = parse_qsl(feed.query.removeprefix("?"))
    names = {
        (label.kind, slugify(label.key)): label.text
        for item in items
        for label in labels_of(item.article, FACETS)
    }
    criteria = [
        SearchCriterion(name, value, _CRITERIA[name], names.get((name, value), value))
        for name, value in pairs
        if name in _CRITERIA
    ]
    every = dict(pairs).get("all")
    if every or len(criteria) > len({criterion.name for criterion in criteria}):
        criteria.append(SearchCriterion("all", "1", "", "", ticked=bool(every)))
    return SearchForm(dict(pairs).get("q", ""), criteria)


def fitting_html(items: Iterable[PageItem]) -> Iterator[Markup]:
    """Yield the HTML of as many articles as there is room for, at least one."""
    size = 0
    for count, item in enumerate(items):
        size += len(item.html.encode())
        if count and size > MAX_ITEM_BYTES:
            return
        yield Markup(item.html)  # noqa: S704 - a template wrote it


def site_feed_links(feed: Feed) -> list[FeedLink]:
    """Return the first document of the feed of the whole site, if that is another feed."""
    channel, links = feed.channel, feed.channel.links
    if feed.kind == "all" or "all" not in links.kinds or "all" in links.removed:
        return []
    return [
        FeedLink(name, media_type, channel.url(f"all{suffix}"))
        for name, media_type, suffix in links.formats[:1]
    ]


def byline(article: Article, channel: Channel) -> list[tuple[str, str]]:
    """Return who published it, else who wrote it, else its host; each with its page or ""."""
    if article.provider:
        return label_links(channel, "provider", (article.provider.name,))
    if article.authors:
        return label_links(channel, "author", tuple(author.name for author in article.authors))
    return [(urlsplit(article.url).hostname or "", "")]


def label_links(channel: Channel, kind: str, labels: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return labels with the address of each one's page, or ""."""
    pages = [(label, channel.links.page_of(kind, label)) for label in labels]
    return [(label, channel.url(page) if page else "") for label, page in pages]
