"""What a feed is: its kind, its texts and its addresses; and the feed of a story."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote

from msgspec import structs

from feedhub import limits
from feedhub.article import Article, Related
from feedhub.kinds import KINDS, PER_LABEL_KINDS
from feedhub.messages import is_missing, messages_of
from feedhub.messages.tags import without_region
from feedhub.text import label_key, short_hash, slugify

_PLACEHOLDER = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLinks:
    """What pages need to link to other pages and feeds of the site.

    `kinds` are the kinds whose feeds have pages. `slug_overrides` are slugs, by kind and key of the
    label, that differ from the label's own because another label had it first. `removed` are the
    paths of feeds that are retired or moved. `formats` are those that each feed is written in: a
    name for people, a media type without parameters, the suffix; the first is the default.
    `search` is the path where searches are answered, or "", `combine` that of the page to combine
    feeds, and `events` that of the streams of changes. `listed` are the kinds that have a page of
    all their feeds now.
    """

    kinds: tuple[str, ...] = ()
    slug_overrides: Mapping[tuple[str, str], str] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    formats: tuple[tuple[str, str, str], ...] = ()
    search: str = ""
    combine: str = ""
    events: str = ""
    listed: tuple[str, ...] = ()

    def page_of(self, kind: str, label: str) -> str:
        """Return the path of a label's page, such as `topics/ai/`, or "" if it has none."""
        if kind not in self.kinds:
            return ""
        key = label_key(label)
        slug = self.slug_overrides.get((kind, key)) or slugify(key)
        return "" if feed_path(kind, slug) in self.removed else page_path(kind, slug)


@dataclass(frozen=True, slots=True, kw_only=True)
class Podcast:
    """What the feed at `path` says as a podcast; each of `categories` has a subcategory or "".

    `kind` is episodic, serial or "", `guid` a UUID or "", `locked` yes, no or "".
    """

    path: str
    author: str
    email: str
    categories: tuple[tuple[str, str], ...]
    image: str
    explicit: bool
    kind: str = ""
    guid: str = ""
    locked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The texts and addresses that all feeds of a site share; `base_url` has no trailing slash.

    `authority` is the owner and date of every id (RFC 4151). `ttl` is in minutes.
    `home_page_url` is the page of a feed that has no page of its own. `stories` is the suffix of
    the address at which people follow a story, "" if there are no stories. `podcasts` are the feeds
    that are one. `links` is for pages.
    """

    base_url: str
    authority: str
    title: str
    home_page_url: str
    description: str = ""
    language: str = "en"
    copyright: str = ""
    icon: str = ""
    logo: str = ""
    ttl: int = 15
    drafts: bool = False
    stories: str = ""
    hub: str = ""
    podcasts: tuple[Podcast, ...] = ()
    links: SiteLinks = field(default_factory=SiteLinks)

    def display_title(self, title: str) -> str:
        """Return a title as people see it: marked if this is a preview with drafts."""
        return f"[drafts] {title}" if self.drafts else title

    def url(self, path: str) -> str:
        """Return the public address of a document or page; `path` is not percent-encoded."""
        return f"{self.base_url}/{quote(path, safe='/')}"


class Label(NamedTuple):
    """A label of one kind: `key` tells labels apart, `text` is as the author spelled it."""

    kind: str
    key: str
    text: str


class Window(NamedTuple):
    """How much a subscription document holds.

    The newest `limit` articles and everything of the last `days` before the newest, but no more
    than `max_bytes` of content.
    """

    limit: int = 50
    days: int = 7
    max_bytes: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """A feed without its articles, as the catalog stores it.

    `slug` is "" for the feed of everything; `period` is "" for the subscription document, else the
    month of an archive, as `2020-06`. `older` and `newer` are the neighbouring archives' periods,
    or "". Equal fingerprints mean equal bytes. `changed_at` is when the content last changed, at
    least a second after the change before.
    """

    kind: str
    slug: str
    label: str
    period: str = ""
    older: str = ""
    newer: str = ""
    count: int
    newest: datetime | None
    updated: datetime
    changed_at: datetime
    fingerprint: str

    @property
    def is_listed(self) -> bool:
        """Whether lists name the feed: not if no article has its label any more."""
        return self.count > 0 or self.kind not in PER_LABEL_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """All that a feed's document says besides its entries.

    `path` has no suffix; other addresses are absolute. `kind` is that of its state, `label` is for
    people. Its texts are in `language`; `languages` are those of its entries if there are others.
    `older`, `newer` and `current` are paths without suffix of the neighbouring archives (RFC 5005,
    4) and of the subscription document, or ""; only archives have `current`. `query` follows the
    suffix of every address of the feed.
    """

    channel: Channel
    id: str
    path: str
    title: str
    description: str
    home_page_url: str
    updated: datetime
    kind: str = "all"
    label: str = ""
    query: str = ""
    language: str = "en"
    languages: tuple[str, ...] = ()
    older: str = ""
    newer: str = ""
    current: str = ""

    @property
    def podcast(self) -> Podcast | None:
        """What the feed and its archives say as a podcast, or None if it is none."""
        path = self.current or self.path
        return next((one for one in self.channel.podcasts if one.path == path), None)

    def address(self, suffix: str) -> str:
        """Return the public address of the document in the format that has this suffix."""
        return self.channel.url(self.path + suffix) + self.query


def labels_of(article: Article, kinds: Iterable[str], language: str = "") -> list[Label]:
    """Return the labels by which `article` is in feeds of these kinds, each once.

    `language` is that of articles that state none.
    """
    if language and not article.language:
        article = structs.replace(article, language=language)
    found: dict[tuple[str, str], Label] = {}
    for kind in kinds:
        labels = KINDS[kind].labels
        for text in islice(labels(article), limits.MAX_LABELS) if labels else ():
            key = label_key(text)
            found.setdefault((kind, key), Label(kind, key, text))
    return list(found.values())


def slug_for(key: str, taken: set[str]) -> str:
    """Return the slug of a new label, with a hash behind it if it is empty or taken.

    The hash depends on the label alone, and a label keeps its slug, so no address ever moves.
    """
    slug = slugify(key)
    if slug and slug not in taken:
        return slug
    return f"{slug or 'label'}-{short_hash(key)}"


def feed_path(kind: str, slug: str, period: str = "") -> str:
    """Return a feed's path without suffix: `all`, `topics/ai`, `topics/ai/2020-06`.

    The slug of a search is not in its path: it is the query of its address.
    """
    folder = KINDS[kind].folder
    path = f"{folder}/{slug}" if folder else kind
    return f"{path}/{period}" if period else path


def feed_query(kind: str, slug: str) -> str:
    """Return the query of a feed's address with its question mark; only searches have one."""
    return f"?{slug}" if kind == "search" and slug else ""


def page_path(kind: str, slug: str) -> str:
    """Return the path of a feed's page, such as `topics/ai/`."""
    return f"{feed_path(kind, slug)}/"


def build_feed(channel: Channel, state: FeedState, *, pages: bool = False) -> Feed:
    """Return a feed with the site's texts; `pages` tells whether feeds have pages of their own."""
    language = channel.language
    if state.kind == "language" and state.label != without_region(language):
        language = state.label
    title, description = texts_of(channel, state, language)
    path, query = feed_path(state.kind, state.slug), feed_query(state.kind, state.slug)

    def archive_path(period: str) -> str:
        return feed_path(state.kind, state.slug, period) if period else ""

    return Feed(
        channel=channel,
        id=f"tag:{channel.authority}:feeds/{quote(path, safe='/')}{query}",
        path=archive_path(state.period) or path,
        title=channel.display_title(title),
        description=description,
        home_page_url=(
            channel.url(page_path(state.kind, state.slug)) + query
            if pages
            else channel.home_page_url
        ),
        updated=state.updated,
        kind=state.kind,
        label=KINDS[state.kind].name_of(state.label),
        language=language,
        query=query,
        older=archive_path(state.older),
        newer=archive_path(state.newer),
        current=path if state.period else "",
    )


def texts_of(channel: Channel, state: FeedState, language: str) -> tuple[str, str]:
    """Return the title and the description of a feed in a language.

    Where that has no catalog they hold no words of ours: nothing in a feed can mark them.
    """
    kind, messages = KINDS[state.kind], messages_of(language)
    values = {"label": kind.name_of(state.label), "site": channel.title}

    def fill(text: str, bare: str) -> str:
        found = messages.gettext(text)
        if messages.is_of(language) and not is_missing(found):
            return found.format_map(values)
        has_words = any(map(str.isalpha, _PLACEHOLDER.sub("", text)))
        return (bare if has_words else text).format_map(values)

    title = fill(kind.title, "{label} · {site}" if state.label else "{site}")
    if state.kind == "all" and channel.description:
        description = channel.description
    else:
        description = fill(kind.description, "{label}" if state.label else "{site}")
    return title + (f", {state.period}" if state.period else ""), description


def story_slug(article: Article) -> str:
    """Return the slug of an article's story: the article's slug, and a hash of its id behind it.

    Two articles may have one slug. With the hash the address depends on this article alone: it
    never moves, and an entry can link to it without looking at other articles.
    """
    return f"{article.slug}-{short_hash(article.id)}"


def story_entries(article: Article, authority: str) -> tuple[Article, ...]:
    """Return the article and its coverage as entries, each address once, newest first.

    `authority` is the owner and date of ids (RFC 4151). Coverage without a date gets the article's.
    """

    def coverage(item: Related) -> Article:
        # Not `fingerprint`: subscribers know these ids.
        name = hashlib.blake2b(f"{article.id}\n{item.url}".encode(), digest_size=12).hexdigest()
        published = item.published or article.published
        return Article(
            id=f"tag:{authority}:coverage/{name}",
            slug=name,
            title=item.title,
            summary="",
            content_html="",
            url=item.url,
            published=published,
            updated=published,
            language=article.language,
            provider=item.provider,
        )

    entries = {article.url: article}
    for item in article.related:
        if item.url not in entries:
            entries[item.url] = coverage(item)
    return tuple(
        sorted(entries.values(), key=lambda entry: (-entry.published.timestamp(), entry.id))
    )
