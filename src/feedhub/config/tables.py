"""The keys of the configuration: name, type, default, explanation and rule of each."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar

from feedhub.config import rules
from feedhub.config.podcasts import PodcastConfig
from feedhub.config.rules import integer, key, record_key, records
from feedhub.kinds import FACETS, LABEL_KINDS

T = TypeVar("T")

PURGE_SERVICES = ("varnish", "nginx", "fastly", "cloudflare", "cloudfront", "webhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """Where the feeds are published, and the texts they share."""

    base_url: str = key(
        "http://127.0.0.1:8000",
        "Where the feeds are published; every address of a feed begins with it",
        "an absolute http(s) address",
        rules.base_url,
    )
    title: str = key("Feeds", "Title of the site", "text that is not empty", rules.non_empty)
    description: str = key("", "One sentence about the site")
    language: str = key(
        "en",
        "Language of the articles, and of the words around them",
        "a registered tag such as en-GB, or a name such as German",
        rules.language,
    )
    copyright: str = key("", "Copyright line of every feed")
    icon: str = key(
        "", "Address of a square image", "an http(s) address", rules.optional(rules.url)
    )
    logo: str = key(
        "",
        "Address of an image twice as wide as high",
        "an http(s) address",
        rules.optional(rules.url),
    )
    discovery: bool = key(
        True,
        "Publish a sitemap.xml of the pages and, if base_url has no path, a robots.txt",
    )
    news: bool = key(
        False,
        "Publish a sitemap-news.xml of the newest articles at the host of base_url, for search "
        "engines that show news",
    )
    feed_menu: bool = key(
        False,
        "Publish a menu of the feeds for readers at /.well-known/feed-menu.json, "
        "if base_url has no path",
    )
    authority: str = key(
        "",
        'Part of every id, never to be changed; "" means the host of base_url and 2026',
        "a domain or e-mail address in lower case, a comma and a date",
        rules.optional(rules.authority),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """How article files are read."""

    base_url: str = key(
        "",
        'Base of relative addresses in articles; "" means site.base_url',
        "an absolute http(s) address",
        rules.optional(rules.base_url),
    )
    permalink: str = key(
        "",
        "Address of an article that has none, such as /:year/:month/:slug/; "
        f"placeholders are :{', :'.join(rules.PLACEHOLDERS)}",
        "a path or an address with placeholders",
        rules.optional(rules.permalink),
    )
    folder_permalinks: tuple[tuple[str, str], ...] = key(
        (),
        "The same for the articles below a folder, such as posts -> /blog/:slug/",
        "a list of folder -> path or address with placeholders",
        rules.folder_permalinks,
    )
    collection: str = key(
        "",
        'Name of the folder in the ids of articles directly in it; "" means its own name',
        "the name of a folder, without a slash",
        rules.optional(rules.folder_name),
    )
    assets: str = key(
        "",
        "Address below which the site serves the files of SOURCE: relative addresses of pictures, "
        "audio and video that lie there begin with it; `copy` copies them beside the feeds",
        "an absolute http(s) address, or `copy`",
        rules.optional(rules.assets),
    )
    ids: str = key(
        "ids.jsonl",
        "File beside this one with the ids of an earlier feed, which feedhub adopt writes; it need "
        "not exist",
    )
    timezone: str = key("UTC", "Time zone of dates without one", "a time zone", rules.timezone)
    ignore: tuple[str, ...] = key(
        ("node_modules", "_site", "_layouts", "_includes", "archetypes", "themes", "vendor"),
        "Names of folders to skip",
        "a list of names",
        rules.unique_names,
    )
    kind: str = key(
        "auto",
        "What SOURCE is: files, with front matter, or built, a site made by a generator; "
        "auto looks for a home page and a feed",
        "auto, files or built",
        rules.choice("auto", "files", "built"),
    )
    feed: tuple[str, ...] = key(
        (),
        "Feeds of a built site, such as feed.xml; [] means those that its home pages announce",
        "a list of paths below SOURCE",
        rules.site_paths,
    )
    content: str = key(
        "auto",
        "Where the text of a built site's articles is taken from: feed, as it is there, or page; "
        "auto means feed, and tells where that has summaries only",
        "auto, feed or page",
        rules.choice("auto", "feed", "page"),
    )
    article: str = key(
        "",
        'CSS selector of an article\'s text in its page; "" means one of the usual elements',
        "a CSS selector",
        rules.optional(rules.selector),
    )
    remove: tuple[str, ...] = key(
        (),
        "CSS selectors of what is no part of an article's text, besides menus, comments and so on",
        "a list of CSS selectors",
        rules.selectors,
    )
    date: str = key(
        "",
        "CSS selector of an article's date in its page, for entries without one",
        "a CSS selector",
        rules.optional(rules.selector),
    )
    exclude: tuple[str, ...] = key(
        (),
        "Pages of a built site that are no articles, such as notes/*; * stands for any characters",
        "a list of patterns",
        rules.unique_names,
    )
    archive: bool = key(
        False,
        "Publish the older pages of a built site too, which its feed holds no more",
    )
    languages: tuple[str, ...] = key(
        (),
        "Languages of a built site to publish, such as en; [] means all",
        "a list of language tags",
        rules.unique_names,
    )


def with_label_keys(record: type[T]) -> type[T]:
    """Add the keys `topic`, `not_topic` and those of all other kinds of labels behind the title."""
    # Made from KINDS, so that a new kind of label can be named without another line here.
    examples = {"topic": ["AI", "Machine Learning"], "not_category": ["Opinion"]}
    names = [*FACETS, *(f"not_{facet}" for facet in FACETS)]
    for name in names:
        setattr(record, name, record_key((), examples.get(name, [])))
    own = list(record.__annotations__.items())
    record.__annotations__ = dict(
        [*own[:2], *((name, "tuple[str, ...]") for name in names), *own[2:]]
    )
    return record


@dataclass(frozen=True, slots=True, kw_only=True)  # reads the annotations that are added below
@with_label_keys
class CustomConfig:
    """A selection that is a feed of its own, with the parameters of a search."""

    name: str = record_key(
        "",
        "ai-news",
        "lower-case letters, digits and hyphens",
        rules.slug,
        needed="it is the address of the feed",
    )
    title: str = record_key("", "AI without opinion")
    all: bool = record_key(False, False)
    min_quality: float = record_key(0.0, 0.0, "a number from 0 to 999999", rules.score)
    since: str = record_key("", "2020-01-01")
    q: str = record_key("", 'robot* -"press release"')


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedsConfig:
    """Which feeds are published, and how long they are."""

    kinds: tuple[str, ...] = key(
        LABEL_KINDS,
        "Kinds of feeds",
        "a list of names",
        rules.at_least_one_name,
    )
    formats: tuple[str, ...] = key(
        ("rss", "atom", "json", "html"),
        "Formats of each feed; html is its page, and the pages that list the feeds",
        "a list of names",
        rules.at_least_one_name,
    )
    builder: str = key(
        "auto",
        "Let readers combine feeds on a page, which needs a server; "
        "auto is yes for a server, no for a folder",
        "auto, yes or no",
        rules.choice("auto", "yes", "no"),
    )
    limit: int = integer(50, "The newest N articles ...", 1, 10_000)
    days: int = integer(7, "... and all of the last D days before the newest", 0, 3660)
    max_bytes: int = integer(1_000_000, "Maximum size of a feed in bytes", 10_000, 100_000_000)
    duplicates: str = key(
        "first",
        "Which of several articles with one address are published: the first one, or all",
        "first or all",
        rules.choice("first", "all"),
    )
    archives: bool = key(True, "Publish older articles in monthly archives (RFC 5005)")
    archive_from: int = integer(
        500,
        "Articles from which a topic, publisher, category or author has archives; the feed of all "
        "articles, selections, podcasts and kinds in month_pages have them from one on",
        1,
        1_000_000,
    )
    month_pages: tuple[str, ...] = key(
        ("all",),
        "Kinds of feeds whose articles have a page for each month; this needs archives",
        "a list of names",
        rules.unique_names,
    )
    keep_empty: int = integer(
        30, "Days that a feed without articles stays, on no list; then it is retired", 0, 3660
    )
    moved: tuple[tuple[str, str], ...] = key(
        (),
        "Feeds with a new address, such as topics/ml -> topics/machine-learning, and addresses of "
        "an earlier site, such as feed.xml -> all.atom",
        "a list of paths, old -> new",
        rules.feed_moves,
    )
    gone: tuple[str, ...] = key(
        (),
        "Retired feeds, such as topics/ml; a server answers 410 Gone",
        "a list of paths without suffix",
        rules.feed_paths,
    )
    search: str = key(
        "auto",
        "Let readers make a feed of their own selection at /search; "
        "auto is yes for a server, no for a folder",
        "auto, yes or no",
        rules.choice("auto", "yes", "no"),
    )
    stories: str = key(
        "auto",
        "Publish a feed at /stories for each article with related coverage; "
        "auto is yes for a server, no for a folder",
        "auto, yes or no",
        rules.choice("auto", "yes", "no"),
    )
    custom: tuple[CustomConfig, ...] = records(
        CustomConfig, "Selections that are feeds at /custom/NAME, with the parameters of a search"
    )
    podcast: tuple[PodcastConfig, ...] = records(
        PodcastConfig, "Feeds that are podcasts: the path of each, and what directories need"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderConfig:
    """What is written in addition to the documents."""

    compress: tuple[str, ...] = key(
        (),
        "Compressed copies of each document, gzip or br, for servers that do not compress by "
        "themselves",
        "a list of names",
        rules.content_codings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpConfig:
    """How responses are cached, and how requests are read."""

    max_age: int = integer(900, "Seconds a feed may be cached", 0, 86_400)
    stale_while_revalidate: int = integer(
        300, "Seconds an expired feed may be used while a cache fetches it again", 0, 86_400
    )
    stale_if_error: int = integer(
        3600, "Seconds an expired feed may be used while the server is down", 0, 604_800
    )
    archive_max_age: int = integer(
        86_400, "Seconds an archive or a copied picture may be cached", 0, 31_536_000
    )
    feed_pages: bool = key(
        True, "Lead a browser that opens the address of a feed to the feed's page"
    )
    delta: bool = key(False, "Send only new entries to readers that ask for them (RFC 3229)")
    cache_megabytes: int = integer(64, "Megabytes of documents cached in memory", 1, 65_536)
    parser: str = key(
        "httptools",
        "HTTP parser: httptools, fast, behind a proxy; or h11, without a proxy",
        "httptools or h11",
        rules.choice("httptools", "h11"),
    )
    trusted_proxies: tuple[str, ...] = key(
        ("unix:",),
        "Proxies whose X-Forwarded-For is the client's address; unix: means those that connect "
        "through a Unix socket",
        "a list of addresses or networks, and unix:",
        rules.proxies,
    )
    poll_limit: int = integer(
        0,
        "How often one address may get a feed in full within max_age, if it sends no validators; "
        "then it gets 429. 0 means no limit",
        0,
        100_000,
    )
    events: int = integer(
        0,
        "Streams of new articles (Server-Sent Events) at /events that each process of a server "
        "keeps open at once, for programs and for open pages. 0 means none",
        0,
        100_000,
    )
    events_per_client: int = integer(
        20, "How many of these streams one address may keep open; then it gets 429", 1, 100_000
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebsubConfig:
    """The hub that sends changes to subscribers at once (WebSub)."""

    hub: str = key(
        "",
        'Address of the hub that is notified of changes; "" means none',
        "an absolute http(s) address",
        rules.optional(rules.url),
    )
    look: bool = key(True, "Notify the hub only when the change is visible at the public address")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexNowConfig:
    """The search engines that are told of articles at the site's own host (IndexNow)."""

    key: str = key(
        "",
        'Key of the site, which feedhub publishes at /KEY.txt; "" means that no engine is told',
        "8 to 128 characters of a-z, A-Z, 0-9 and -",
        rules.optional(rules.indexnow_key),
    )
    location: str = rules.key(
        "",
        "Address of a file with the key that you put there yourself: articles below its folder "
        'are announced; "" means /KEY.txt below site.base_url',
        "an absolute http(s) address",
        rules.optional(rules.url),
    )
    endpoint: str = rules.key(
        "https://api.indexnow.org/indexnow",
        "Where the addresses are sent",
        "an absolute http(s) address",
        rules.url,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeConfig:
    """The cache before the server that is told which documents changed, and may keep the others."""

    service: str = key(
        "",
        'What the cache is; webhook is a program of yours; "" means that none is told',
        f"one of {', '.join(PURGE_SERVICES)}",
        rules.optional(rules.choice(*PURGE_SERVICES)),
    )
    endpoint: tuple[str, ...] = key(
        (),
        "Where the cache takes purges; if there are several caches, the address of each",
        "a list of absolute http(s) addresses",
        rules.urls,
    )
    tags: str = key(
        "",
        'Header field with the tags of a document; "" means the one that the service reads',
        "Surrogate-Key, Cache-Tag or xkey",
        rules.optional(rules.choice("Surrogate-Key", "Cache-Tag", "xkey")),
    )
    edge_max_age: int = integer(
        86_400,
        "Seconds the cache may keep a document that nothing changes; 0 means as long as others",
        0,
        31_536_000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig:
    """A program that is told what changed; its secret is no key, so that no catalog has it."""

    name: str = record_key(
        "",
        "newsletter",
        "lower-case letters, digits and hyphens",
        rules.slug,
        needed="messages and the variable of its secret have it",
    )
    url: str = record_key(
        "",
        "https://hooks.example.org/feedhub",
        "an absolute http(s) address",
        rules.url,
        needed="it is where the changes are sent",
    )
    feeds: tuple[str, ...] = record_key(
        (), ["all", "topics/ai"], "a list of paths without suffix", rules.feed_paths
    )
    kinds: tuple[str, ...] = record_key((), ["custom"], "a list of names", rules.unique_names)
    secret_file: str = record_key("", "/run/credentials/feedhub-ping/newsletter")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyConfig:
    """Programs of yours that are told what changed."""

    webhook: tuple[WebhookConfig, ...] = records(
        WebhookConfig,
        "Where each change is sent, signed (Standard Webhooks): of all feeds, or of some, by path "
        "or kind",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, one attribute for each section; the defaults without arguments."""

    site: SiteConfig = field(default_factory=SiteConfig)
    source: SourceConfig = field(default_factory=SourceConfig)
    feeds: FeedsConfig = field(default_factory=FeedsConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    http: HttpConfig = field(default_factory=HttpConfig)
    websub: WebsubConfig = field(default_factory=WebsubConfig)
    indexnow: IndexNowConfig = field(default_factory=IndexNowConfig)
    purge: PurgeConfig = field(default_factory=PurgeConfig)
    notify: NotifyConfig = field(default_factory=NotifyConfig)

    @property
    def receivers(self) -> tuple[str, ...]:
        """Who is told of changes, by the names that the queue of the catalog has for them."""
        named = {
            "purge": self.purge.service,
            "hub": self.websub.hub,
            "indexnow": self.indexnow.key,
            "webhook": self.notify.webhook,
        }
        return tuple(name for name, setting in named.items() if setting)

    @property
    def key_location(self) -> str:
        """The address of the file with the key of IndexNow."""
        return self.indexnow.location or f"{self.site.base_url}/{self.indexnow.key}.txt"


SECTIONS: dict[str, Any] = {section.name: section.default_factory for section in fields(Config)}
KEYS: dict[str, Field[Any]] = {
    f"{name}.{key.name}": key for name, section in SECTIONS.items() for key in fields(section)
}
