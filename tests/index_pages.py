"""Sample index pages: the front page and the page of a kind, and parsers for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser

from lxml import html

from feedhub.article import Article
from feedhub.feed import Channel, SiteLinks
from feedhub.formats import SUBSCRIBED
from feedhub.formats.pages import landing
from feedhub.formats.pages.landing import FeedSummary
from feedhub.text import slugify
from tests.golden.sample import EVERYTHING, NOTHING, VIDEO

BASE = "https://feeds.example.org/base"
OPML = f"{BASE}/feeds.opml"
FORMATS = tuple(
    (row.title, row.media_type.partition(";")[0], row.suffix) for row in SUBSCRIBED.values()
)
CHANNEL = Channel(
    base_url=BASE,
    authority="example.org,2026",
    title="Example & <feeds>",
    home_page_url=f"{BASE}/",
    description='Everything "new"',
    copyright="© Example",
    links=SiteLinks(
        kinds=("all", "topic", "provider", "author"), formats=FORMATS, listed=("topic", "author")
    ),
)
ODD_LABELS = [
    "<script>alert(1)</script>",
    '"',
    "&",
    "&amp;",
    "'><img src=x onerror=y>",
    "الذكاء",
    "{{ 7 }}",
]
VOID = {"meta", "link", "img", "input"}
Groups = Mapping[str, Sequence[FeedSummary]]


def row(label="AI", count=12, picture="") -> FeedSummary:
    """Return a feed as a page lists it; one without letters has a slug as the catalog's."""
    return FeedSummary(slugify(label) or "label-1", label, count, lambda: picture)


SITE = {"all": [FeedSummary("", "", 1_234)]}
TOPICS = {"topic": [FeedSummary(f"odd-{n}", label, 12) for n, label in enumerate(ODD_LABELS)]}
AUTHORS = {"author": [row("Ada", 1)]}


def parsed(text: str) -> html.HtmlElement:
    """Return the tree of a page."""
    return html.document_fromstring(text)


def searched(channel: Channel = CHANNEL) -> Channel:
    """Return a channel whose searches are answered."""
    return replace(channel, links=replace(channel.links, search="search/", combine="combine/"))


def page(
    groups: Groups | None = None,
    channel: Channel = CHANNEL,
    articles: Sequence[Article] = (EVERYTHING, NOTHING, VIDEO),
) -> str:
    """Return the front page."""
    given = SITE | TOPICS | AUTHORS if groups is None else groups
    return landing.encode(channel, given, articles).decode()


def tree(groups: Groups | None = None, channel: Channel = CHANNEL) -> html.HtmlElement:
    return parsed(page(groups, channel))


def kind_page(rows: Sequence[FeedSummary], kind: str = "topic", channel: Channel = CHANNEL) -> str:
    """Return the page of one kind."""
    return landing.encode_kind(channel, kind, rows).decode()


def combine_page(groups: Groups, channel: Channel | None = None) -> str:
    """Return the page that combines feeds."""
    return landing.encode_combine(channel or searched(), groups).decode()


def in_language(language: str) -> Channel:
    return replace(CHANNEL, language=language)


def style_of(text: str) -> str:
    return text.split("<style>")[1].split("</style>")[0]


def script_of(text: str) -> str:
    return text.split("<script>")[1].split("</script>")[0]


class Balance(HTMLParser):
    """Fails if an element is left open, closed twice or crossed, or an attribute is repeated."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in self.open, tag

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
