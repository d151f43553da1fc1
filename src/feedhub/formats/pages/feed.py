"""The page of a feed, of a month, of a story and of a search."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate, groupby
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from markupsafe import Markup

from feedhub.article import Article
from feedhub.catalog.search import MAX_COUNT
from feedhub.dates import month_of
from feedhub.feed import Channel, Feed, FeedState, labels_of
from feedhub.formats.pages import (
    EVENTS_SCRIPT,
    PLAYER_POLICY,
    POLICY,
    linked_data,
    with_events,
    write,
)
from feedhub.formats.pages.follow import FeedLink, follow_sheet
from feedhub.formats.pages.items import (
    PageItem,
    encode_item,
    encode_line,
    label_links,
    lead_picture,
    players,
    show,
)
from feedhub.kinds import FACETS, KINDS, PER_LABEL_KINDS
from feedhub.messages import messages_of
from feedhub.selection import Term
from feedhub.text import slugify

__all__ = ["PageItem", "encode", "encode_item", "encode_month", "encode_search", "encode_story"]

# What articles may take of a page, for it to stay below 100 KB.
MAX_ITEM_BYTES = 66_000
# Of the results of a search, so many are shown in full, the others as lines.
FULL_RESULTS = 30
# How many new articles a page counts, at most; as in its script.
MAX_NEW = 99
# The parameters of a search besides its words, each with the noun of its labels or "".
_CRITERIA = {
    **{facet: KINDS[facet].noun for facet in FACETS},
    **{f"not_{facet}": KINDS[facet].noun for facet in FACETS},
    **dict.fromkeys(("limit", "min_quality", "since"), ""),
}


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


class Suggestion(NamedTuple):
    """A search that finds something where this one finds nothing."""

    words: str
    url: str


def encode(
    feed: Feed, items: Sequence[PageItem], archive: str = "", fingerprint: str = ""
) -> bytes:
    """Return the page of a feed in UTF-8: as many of its items, newest first, as there is room for.

    An item without room is a line. `archive` is the path below which older articles have pages, ""
    if there are none; `fingerprint` is that of the feed, after which a stream of changes begins.
    """
    channel, older = feed.channel, ""
    values = item_values(feed, fitting_html(items, channel), [item.article for item in items])
    if channel.links.events:
        values |= event_values(feed, fingerprint)
        values["policy"] = with_events(str(values["policy"]))
    if items and archive:
        # The month of the last article here has the next one too, or leads to it.
        older = f"{archive}/{month_of(int(items[-1].article.published.timestamp()))}/"
    return write(
        "feed.html.j2",
        channel,
        title=feed.title,
        url=feed.address("/"),
        feed=feed,
        kind=KINDS[feed.kind],
        # Perhaps the list of its kind has no other feed, and is gone.
        listed=bool(items) or feed.kind not in PER_LABEL_KINDS,
        avatar=avatar(feed, items),
        older=older and channel.url(older),
        linked_data=linked_data.collection(
            channel, feed.address("/"), feed.title, [item.article for item in items]
        ),
        **values,
    )


def event_values(feed: Feed, fingerprint: str) -> dict[str, object]:
    """Return what a page needs that tells of new articles while it is open."""
    channel = feed.channel
    # A path, so that the browser takes it for the page's own host, whatever that is called.
    path = urlsplit(channel.url(channel.links.events)).path
    query = urlencode({"feed": feed.path, "after": fingerprint})
    return {
        "events": f"{path}?{query}",
        "events_script": Markup(EVENTS_SCRIPT),  # noqa: S704 - our own
        "new_forms": plural_forms(channel.language),
    }


@lru_cache(4)
def plural_forms(language: str) -> list[tuple[int, str]]:
    """Return a number of each form of "new articles" in a language, and all numbers that have it.

    The form that most numbers have is the first one, without them.
    """
    messages = messages_of(language)
    forms: dict[str, list[int]] = {}
    for number in range(1, MAX_NEW + 1):
        text = messages.ngettext("%(number)s new article", "%(number)s new articles", number)
        forms.setdefault(text, []).append(number)
    most, *others = sorted(forms.values(), key=len, reverse=True)
    return [(most[0], ""), *((numbers[0], " ".join(map(str, numbers))) for numbers in others)]


def encode_month(feed: Feed, state: FeedState, articles: Sequence[Article]) -> bytes:
    """Return the page of a month: its articles as lines, by day.

    `feed` is that of the whole, whose neighbours are pages of months, and `state` that of the page.
    """
    channel = feed.channel
    days = [
        (day, [encode_line(article, channel) for article in group])
        for day, group in groupby(articles, key=lambda article: article.published.date())
    ]
    month, _, part = state.period.partition("/")
    name, names = messages_of(channel.language).month(month), [feed.label, channel.title]
    return write(
        "month.html.j2",
        channel,
        title=channel.display_title(" · ".join([name, *filter(None, names)])),
        url=channel.url(f"{feed.path}/"),
        feed=feed,
        kind=KINDS[feed.kind],
        month=month,
        part=part,
        days=[(datetime(day.year, day.month, day.day, tzinfo=UTC), rows) for day, rows in days],
        older=month_link(channel, feed.older, state.older),
        newer=month_link(channel, feed.newer, state.newer),
        follow=follow_sheet(channel, feed.current, feed.label),
    )


def encode_story(feed: Feed, articles: Sequence[Article]) -> bytes:
    """Return the page of a story: the article, then the coverage of others, newest first."""
    channel = feed.channel
    own = next(article for article in articles if article.related)
    # Coverage is in no feed, so its publisher may have no page.
    unlinked = replace(channel, links=replace(channel.links, kinds=()))
    rest = [show(article, unlinked) for article in articles if article is not own]
    return write(
        "story.html.j2",
        channel,
        title=feed.title,
        url=feed.address("/"),
        feed=feed,
        item=show(own, channel),
        topics=label_links(channel, "topic", own.topics),
        coverage=rest,
        players=players(own),
        **item_values(feed, [], [own]),
    )


def encode_search(
    feed: Feed, articles: Sequence[Article], terms: Iterable[Term], total: int, near: Iterable[str]
) -> bytes:
    """Return the page of a search that finds `total` articles, of which these are the newest.

    `near` are the words of searches that find something where this one does not.
    """
    channel = feed.channel
    phrases = [(term.words, term.prefix) for term in terms if not term.excluded]
    items = [encode_item(article, channel, phrases) for article in articles]
    pairs = parse_qsl(feed.query.removeprefix("?"))
    others = [(name, value) for name, value in pairs if name != "q"]
    return write(
        "search.html.j2",
        channel,
        title=feed.title,
        url=feed.address("/"),
        feed=feed,
        kind=KINDS[feed.kind],
        search=search_form(feed, articles),
        total=total,
        countless=total >= MAX_COUNT,
        near=[
            Suggestion(words, f"{channel.url('search/')}?{urlencode([('q', words), *others])}")
            for words in near
        ],
        **item_values(feed, fitting_html(items, channel, FULL_RESULTS), articles),
    )


def item_values(
    feed: Feed, html: Sequence[Markup], articles: Sequence[Article]
) -> dict[str, object]:
    """Return what the templates of pages with articles need."""
    channel = feed.channel
    pictures = (image for article in articles if (image := lead_picture(article)))
    return {
        "items": html,
        "picture": next(pictures, None),
        "policy": PLAYER_POLICY if any(map(players, articles)) else POLICY,
        "follow": follow_sheet(channel, feed.path, feed.label, feed.query),
        "site_feeds": site_feed_links(feed),
        "events": "",
    }


def search_form(feed: Feed, articles: Iterable[Article]) -> SearchForm:
    """Return the form of a search.

    Labels are spelled as in the articles; a label that none of them has is shown as its slug.
    """
    pairs = parse_qsl(feed.query.removeprefix("?"))
    names = {
        (label.kind, slugify(label.key)): KINDS[label.kind].name_of(label.text)
        for article in articles
        for label in labels_of(article, FACETS)
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


def fitting_html(
    items: Sequence[PageItem], channel: Channel, full: int = sys.maxsize
) -> list[Markup]:
    """Return the HTML of articles: the first `full` as items, if there is room, the rest as lines.

    At least one is an item.
    """
    if len(items) <= full and sum(len(item.html.encode()) for item in items) <= MAX_ITEM_BYTES:
        return [Markup(item.html) for item in items]  # noqa: S704 - a template wrote it
    lines = [encode_line(item.article, channel) for item in items]
    # What the lines take, from each one on.
    rest = [*accumulate(len(line.encode()) for line in reversed(lines)), 0][::-1]
    size = 0
    for index, item in enumerate(items):
        size += len(item.html.encode())
        if index and (index >= full or size + rest[index + 1] > MAX_ITEM_BYTES):
            break
    else:
        index = len(items)
    whole = [Markup(item.html) for item in items[:index]]  # noqa: S704 - a template wrote it
    return [*whole, *lines[index:]]


def site_feed_links(feed: Feed) -> list[FeedLink]:
    """Return the first document of the feed of the whole site, if that is another feed."""
    channel, links = feed.channel, feed.channel.links
    if feed.kind == "all" or "all" not in links.kinds or "all" in links.removed:
        return []
    return [
        FeedLink(name, media_type, channel.url(f"all{suffix}"))
        for name, media_type, suffix in links.formats[:1]
    ]


def avatar(feed: Feed, items: Iterable[PageItem]) -> str:
    """Return the address of the picture of a feed's label, as its newest article has it, or ""."""
    picture = KINDS[feed.kind].picture
    return next((picture(item.article) for item in items), "") if picture else ""


def month_link(channel: Channel, path: str, period: str) -> tuple[str, str] | None:
    """Return the month and the address of its page, or None if there is none."""
    return (period.partition("/")[0], channel.url(f"{path}/")) if path else None
