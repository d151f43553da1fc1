"""What a feed is: its kind, its texts, its addresses and the articles it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from feedhub.text import label_key, short_hash, slugify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from feedhub.article import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The texts and addresses that all feeds of a site share; `base_url` has no trailing slash.

    `authority` is the owner and date of every id (RFC 4151). `ttl` is in minutes.
    `home_page_url` is the page of a feed that has no page of its own.
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

    def titled(self, title: str) -> str:
        """Return a title as subscribers see it: a preview of drafts says that it is one."""
        return f"[drafts] {title}" if self.drafts else title

    def url(self, path: str) -> str:
        """Return the public address of a document or page: the one place where paths are quoted."""
        return f"{self.base_url}/{quote(path, safe='/')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedKind:
    """A way to cut the site into feeds: where one lies, its texts, and an article's labels."""

    name: str
    folder: str
    heading: str
    title: str
    description: str
    labels: Callable[[Article], Iterable[str]]


KINDS = {
    kind.name: kind
    for kind in (
        FeedKind(
            name="all",
            folder="",
            heading="",
            title="{site}",
            description="The newest articles.",
            labels=lambda article: ("",),
        ),
        FeedKind(
            name="topic",
            folder="topics",
            heading="Topics",
            title="{label} · {site}",
            description="The newest articles about {label}.",
            labels=lambda article: article.topics,
        ),
        FeedKind(
            name="provider",
            folder="providers",
            heading="Publishers",
            title="{label} (publisher) · {site}",
            description="The newest articles from {label}.",
            labels=lambda article: (article.provider.name,) if article.provider else (),
        ),
        FeedKind(
            name="category",
            folder="categories",
            heading="Categories",
            title="{label} (category) · {site}",
            description="The newest articles in the category {label}.",
            labels=lambda article: article.categories,
        ),
        FeedKind(
            name="author",
            folder="authors",
            heading="Authors",
            title="{label} (author) · {site}",
            description="The newest articles by {label}.",
            labels=lambda article: (author.name for author in article.authors),
        ),
    )
}


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
    """A feed without its articles: what the catalog remembers of it.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed ready to be written: `path` has no suffix, every other address is absolute.

    `older`, `newer` and `current` are paths without suffix of the neighbouring archives (RFC 5005,
    4) and of the subscription document, or ""; `current` is set on archives only.
    """

    channel: Channel
    id: str
    path: str
    title: str
    description: str
    home_page_url: str
    updated: datetime
    entries: tuple[Article, ...]
    older: str = ""
    newer: str = ""
    current: str = ""


def labels_of(article: Article, kinds: Iterable[str]) -> list[Label]:
    """Return the labels that put `article` into feeds of these kinds, each once."""
    found: dict[tuple[str, str], Label] = {}
    for kind in kinds:
        for text in KINDS[kind].labels(article):
            key = label_key(text)
            found.setdefault((kind, key), Label(kind, key, text))
    return list(found.values())


def slug_for(key: str, taken: set[str]) -> str:
    """Return the address of a new label: its slug, and a hash where that is empty or taken.

    The hash depends on the label alone, and a label that has an address keeps it: none ever moves.
    """
    slug = slugify(key)
    if slug and slug not in taken:
        return slug
    return f"{slug or 'label'}-{short_hash(key)}"


def feed_path(kind: str, slug: str, period: str = "") -> str:
    """Return a feed's path without suffix: `all`, `topics/ai`, `topics/ai/2020-06`."""
    folder = KINDS[kind].folder
    path = f"{folder}/{slug}" if folder else kind
    return f"{path}/{period}" if period else path


def page_path(kind: str, slug: str) -> str:
    """Return the path of a feed's page, such as `topics/ai/`; that of everything is ""."""
    return f"{feed_path(kind, slug)}/" if KINDS[kind].folder else ""


def build_feed(
    channel: Channel, state: FeedState, entries: tuple[Article, ...], *, pages: bool = False
) -> Feed:
    """Join what the catalog knows with the site's texts.

    `pages` tells whether feeds have pages of their own.
    """
    title, description = feed_texts(channel, state)
    path = feed_path(state.kind, state.slug)

    def beside(period: str) -> str:
        return feed_path(state.kind, state.slug, period) if period else ""

    return Feed(
        channel=channel,
        id=f"tag:{channel.authority}:feeds/{quote(path, safe='/')}",
        path=beside(state.period) or path,
        title=title,
        description=description,
        home_page_url=(
            channel.url(page_path(state.kind, state.slug)) if pages else channel.home_page_url
        ),
        updated=state.updated,
        entries=entries,
        older=beside(state.older),
        newer=beside(state.newer),
        current=path if state.period else "",
    )


def feed_texts(channel: Channel, state: FeedState) -> tuple[str, str]:
    """Return the title and description of a feed."""
    kind = KINDS[state.kind]
    texts = {"label": state.label, "site": channel.title}
    title = kind.title.format_map(texts)
    description = kind.description.format_map(texts)
    if state.kind == "all" and channel.description:
        description = channel.description
    if state.period:
        title = f"{title}, {state.period}"
    return channel.titled(title), description
