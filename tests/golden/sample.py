"""A site of three articles: one that uses every field, one that uses none, and a video."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from feedhub.article import Article, Author, Image, Provider, Related
from feedhub.feed import Channel, Feed, FeedState, SiteLinks, build_feed
from feedhub.formats import PAGE, SUBSCRIBED, opml
from feedhub.formats.pages import landing
from feedhub.formats.pages.landing import Front, Row


def at(day: int, hour: int = 0) -> datetime:
    """Return a time in June 2020."""
    return datetime(2020, 6, day, hour, 30, 5, tzinfo=UTC)


EVERYTHING = Article(
    id="tag:example.org,2026:news/everything",
    slug="everything",
    title="AT&T’s “a < b” & <b>bold</b> ]]> claim 👩‍💻",
    summary="Tom & Jerry say 5 > 3 <i>and</i> more.",
    content_html='<p>A <a href="https://example.net/?a=1&amp;b=2">link</a> ]]&gt; &amp; more.</p>',
    url="https://news.example/2020/everything?a=1&b=2",
    published=at(9, 11),
    updated=at(10, 12),
    language="fr",
    provider=Provider(name="News & Co", domain="news.example"),
    authors=(Author(name="Ada L.", url="https://ada.example/"), Author(name="King, Jr.")),
    topics=("Computer Vision", "R&D"),
    categories=("news", "Food, Drink"),
    images=(
        Image(url="https://cdn.example/small.gif", width=50, height=50, media_type="image/gif"),
        Image(
            url="https://cdn.example/lead.jpg?w=1200&strip='all'",
            width=1200,
            height=630,
            title='A "quoted" lead & more',
            media_type="image/jpeg",
            length=52_301,
        ),
    ),
    related=(
        Related(
            title="The <other> side & more",
            url="https://other.example/story?x=1&y=2",
            provider=Provider(name="Other & Sons", domain="other.example"),
            published=at(8),
        ),
        Related(title="A bare one", url="https://bare.example/"),
    ),
    player_url="https://video.example/embed/1?rel=0&start=5",
    duration=3725,
    quality=42.125,
    heat=77.375,
)
NOTHING = Article(
    id="tag:example.org,2026:news/nothing",
    slug="nothing",
    title="Nothing but a title & an address",
    summary="",
    content_html="",
    url="https://own.example/nothing/",
    published=at(9),
    updated=at(9),
)
VIDEO = Article(
    id="tag:example.org,2026:videos/one",
    slug="one",
    title="視頻 – فيديو",
    summary="A picture of unknown kind, a publisher without a domain.",
    content_html="",
    url="https://video.example/watch?v=1",
    published=at(2),
    updated=at(2),
    language="en-GB",
    provider=Provider(name="Video <Channel>"),
    topics=("AI",),
    images=(Image(url="https://cdn.example/image-id/1"),),
    duration=65,
)
CHANNEL = Channel(
    base_url="https://feeds.example.org/news",
    authority="example.org,2026",
    title="Feeds & more",
    home_page_url="https://feeds.example.org/news/",
    description="All <that> is new.",
    language="en-GB",
    copyright="© 2020 Feeds & more",
    icon="https://feeds.example.org/icon.png",
    logo="https://feeds.example.org/logo.png",
    ttl=15,
)
STATE = FeedState(
    kind="topic",
    slug="künstliche-intelligenz",
    label="Künstliche Intelligenz",
    older="2020-05",
    count=3,
    newest=EVERYTHING.published,
    updated=EVERYTHING.updated,
    changed_at=EVERYTHING.updated,
    fingerprint="",
)


def subscription(*articles: Article, channel: Channel = CHANNEL) -> Feed:
    """Return the subscription feed of one topic, before which there is an archive."""
    return build_feed(channel, STATE, articles or (EVERYTHING, NOTHING, VIDEO))


def archive() -> Feed:
    """Return an archive between two others."""
    state = replace(
        STATE, period="2020-05", older="2020-03", newer="2020-06", updated=VIDEO.updated
    )
    return build_feed(CHANNEL, state, (VIDEO,))


def empty() -> Feed:
    """Return the site's feed before there is any article, on a site without any text of its own."""
    bare = Channel(
        base_url="https://feeds.example.org",
        authority="example.org,2026",
        title="Feeds",
        home_page_url="https://feeds.example.org/",
    )
    epoch = datetime.fromtimestamp(0, UTC)
    state = replace(
        STATE, kind="all", slug="", label="", older="", count=0, newest=None, updated=epoch
    )
    return build_feed(bare, state, ())


def drafts() -> Feed:
    """Return a feed for a local preview."""
    return subscription(NOTHING, channel=replace(CHANNEL, drafts=True))


def documents() -> dict[str, bytes]:
    """Return every golden file by its name."""
    feeds = {
        "subscription": subscription(),
        "archive": archive(),
        "empty": empty(),
        "drafts": drafts(),
    }
    found = {
        name + row.suffix: row.encode(feed)
        for name, feed in feeds.items()
        for row in SUBSCRIBED.values()
    }
    groups = [("", [subscription()]), ("Topics", [archive(), drafts()]), ("Authors", [])]
    lists = {
        "feeds.opml": opml.encode(CHANNEL, groups, ".rss"),
        "index.html": page(),
        "page.html": feed_page(),
    }
    return found | lists


def links(channel: Channel = CHANNEL) -> Channel:
    """Return the channel that knows where pages stand: of topics, one of them at another slug."""
    formats = tuple(
        (row.title, row.media_type.partition(";")[0], row.suffix) for row in SUBSCRIBED.values()
    )
    slug_overrides = {("topic", "r&d"): "r-d-2"}
    return replace(
        channel,
        links=SiteLinks(
            kinds=("all", "topic", "provider"), slug_overrides=slug_overrides, formats=formats
        ),
    )


def page() -> bytes:
    """Return the front page of a site with two topics, one of them empty, and nobody who writes."""
    groups = {
        "all": [Row("", "", 1_234, EVERYTHING.published)],
        "topic": [Row("at-t", "AT&T", 1, VIDEO.published), Row("視頻", "視頻", 0, None)],
        "author": [],
    }
    front = Front(channel=links(), opml_url=CHANNEL.url("feeds.opml"), search="search/")
    return landing.encode(front, groups)


def feed_page(*articles: Article) -> bytes:
    """Return the page of the subscription feed."""
    return PAGE.encode(subscription(*articles, channel=links()))
