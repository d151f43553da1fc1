"""A sample of the page that lists every feed, and how tests look at it."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from lxml import html

from feedhub.feed import Channel
from feedhub.formats import index
from feedhub.formats.index import IndexRow

BASE = "https://feeds.example.org/base"
OPML = f"{BASE}/feeds.opml"
CHANNEL = Channel(
    base_url=BASE,
    authority="example.org,2026",
    title="Example & <feeds>",
    home_page_url=f"{BASE}/",
    description='Everything "new"',
    copyright="© Example",
)
NEWEST = datetime(2020, 6, 9, 11, 0, tzinfo=UTC)
FORMATS = (
    ("RSS", "application/rss+xml", "rss"),
    ("Atom", "application/atom+xml", "atom"),
    ("JSON Feed", "application/feed+json", "json"),
)
ODD = [
    "<script>alert(1)</script>",
    '"',
    "&",
    "&amp;",
    "'><img src=x onerror=y>",
    "الذكاء",
    "{{ 7 }}",
]
VOID = {"meta", "link", "img"}


def feed_row(label="AI", path="topics/ai", count=12, newest: datetime | None = NEWEST) -> IndexRow:
    links = tuple((name, kind, f"{BASE}/{path}.{suffix}") for name, kind, suffix in FORMATS)
    return IndexRow(f"{label} · Example" if label else "Example", label, count, newest, links)


SITE = ("", [feed_row("", "all", 1_234)])
TOPICS = ("Topics", [feed_row(label, f"topics/{n}") for n, label in enumerate(ODD)])
AUTHORS = ("Authors", [feed_row("Ada", "authors/ada", 1)])


def page(*groups, channel: Channel = CHANNEL) -> str:
    return index.encode(channel, iter(groups or (SITE, TOPICS, AUTHORS)), OPML).decode()


def tree(*groups, channel: Channel = CHANNEL) -> html.HtmlElement:
    return html.document_fromstring(page(*groups, channel=channel))


def style_of(text: str) -> str:
    return text.split("<style>")[1].split("</style>")[0]


class Balance(HTMLParser):
    """Fails where an element is left open, closed twice or crossed, or an attribute repeated."""

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
