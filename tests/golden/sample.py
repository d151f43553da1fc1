"""A site of three articles: one that uses every field, one that uses none, and a video."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from feedhub.article import Article, Author, Image, Media, Provider, Related
from feedhub.feed import (
    Channel,
    Feed,
    FeedState,
    SiteLinks,
    build_feed,
    story_entries,
    story_slug,
)
from feedhub.formats import FORMATS, PAGE, SUBSCRIBED, opml
from feedhub.formats.entries import encode_entry
from feedhub.formats.pages import feed as pages
from feedhub.formats.pages import landing
from feedhub.formats.pages.items import encode_item
from feedhub.formats.pages.landing import FeedSummary
from feedhub.selection import parse_query


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
    provider=Provider(
        name="News & Co", domain="news.example", picture="https://cdn.example/news.png"
    ),
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
EPISODE = Article(
    id="tag:example.org,2026:show/2",
    slug="2",
    title="Episode 2: <Sound> & vision",
    summary="We talk, and there is a film.",
    content_html="<p>Notes.</p>",
    url="https://show.example/2",
    published=at(3),
    updated=at(3),
    images=(Image(url="https://cdn.example/2.jpg", media_type="image/jpeg"),),
    media=(
        Media(
            url="https://cdn.example/2.mp3?a=1&b=2",
            media_type="audio/mpeg",
            length=26_345_678,
            duration=3725,
            title='The "whole" talk',
        ),
        Media(url="https://cdn.example/2.mp4", media_type="video/mp4"),
        Media(url="https://cdn.example/stream/2"),
    ),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleFeed(Feed):
    """A feed with its articles."""

    articles: tuple[Article, ...]

    def encode(self, name: str) -> bytes:
        """Return the document in a format, of entries encoded anew."""
        if name == PAGE.name:
            return PAGE.encode(self, [encode_item(one, self.channel) for one in self.articles])
        entries = [encode_entry(article, self.channel) for article in self.articles]
        return FORMATS[name].encode(self, [entry[name] for entry in entries])


def sample_feed(channel: Channel, state: FeedState, articles: tuple[Article, ...]) -> SampleFeed:
    """Return a feed of these articles."""
    feed = build_feed(channel, state)
    header = {field.name: getattr(feed, field.name) for field in fields(feed)}
    return SampleFeed(**header, articles=articles)


def subscription(*articles: Article, channel: Channel = CHANNEL) -> SampleFeed:
    """Return the subscription feed of one topic, before which there is an archive."""
    return sample_feed(channel, STATE, articles or (EVERYTHING, NOTHING, VIDEO))


def archive() -> SampleFeed:
    """Return an archive between two others."""
    state = replace(
        STATE, period="2020-05", older="2020-03", newer="2020-06", updated=VIDEO.updated
    )
    return sample_feed(CHANNEL, state, (VIDEO,))


def empty() -> SampleFeed:
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
    return sample_feed(bare, state, ())


def drafts() -> SampleFeed:
    """Return a feed for a local preview."""
    return subscription(NOTHING, channel=replace(CHANNEL, drafts=True))


def documents() -> dict[str, bytes]:
    """Return every golden file by its name."""
    feeds = {
        "subscription": subscription(),
        "archive": archive(),
        "empty": empty(),
        "drafts": drafts(),
        "episode": subscription(EPISODE),
    }
    found = {
        name + row.suffix: feed.encode(row.name)
        for name, feed in feeds.items()
        for row in SUBSCRIBED.values()
    }
    groups = [("", [subscription()]), ("Topics", [archive(), drafts()]), ("Authors", [])]
    lists = {
        "feeds.opml": opml.encode(CHANNEL, groups, ".rss"),
        "index.html": page(),
        "page.html": feed_page(),
        "month.html": month_page(),
        "story.html": story_page(),
        "search.html": search_page("q=bold&topic=r-d", EVERYTHING, total=1),
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
            kinds=("all", "topic", "provider"),
            slug_overrides=slug_overrides,
            formats=formats,
            search="search/",
            listed=("topic",),
        ),
    )


def page() -> bytes:
    """Return the front page of a site with two topics, one of them empty, and no authors."""
    groups = {
        "all": [FeedSummary("", "", 1_234)],
        "topic": [FeedSummary("at-t", "AT&T", 1), FeedSummary("視頻", "視頻", 0)],
        "author": [],
    }
    return landing.encode(links(), groups, (EVERYTHING, NOTHING, VIDEO))


def month_page(*articles: Article) -> bytes:
    """Return the page of a month between two others."""
    state = replace(STATE, period="2020-06", older="2020-05", newer="2020-07")
    feed = build_feed(links(), state)
    return pages.encode_month(feed, state, articles or (EVERYTHING, NOTHING, VIDEO))


def story_page(article: Article = EVERYTHING) -> bytes:
    """Return the page of a story."""
    state = replace(STATE, kind="story", slug=story_slug(article), label=article.title, older="")
    entries = story_entries(article, CHANNEL.authority)
    return pages.encode_story(build_feed(links(), state), entries)


def search_page(
    query: str, *articles: Article, total: int | None = None, near: tuple[str, ...] = ()
) -> bytes:
    """Return the page of a search that has found these articles."""
    state = replace(STATE, kind="search", slug=query, label="that fit", older="")
    terms = parse_query(query.encode()).terms
    found = len(articles) if total is None else total
    return pages.encode_search(build_feed(links(), state), articles, terms, found, near)


def paged_page() -> bytes:
    """Return the page of a feed before which there are older articles."""
    feed = subscription(channel=links())
    return pages.encode(feed, [encode_item(one, feed.channel) for one in feed.articles], "all")


def feed_page(*articles: Article) -> bytes:
    """Return the page of the subscription feed."""
    return subscription(*articles, channel=links()).encode("html")
