"""What a feed is: its kind, its texts, its addresses and the articles it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from feedhub.kinds import KINDS as KINDS
from feedhub.text import label_key, short_hash, slugify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from feedhub.article import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLinks:
    """Where the pages and feeds of a site stand, for what links to them.

    `kinds` are those that have pages; `slug_overrides` are the slugs of labels, by kind and key,
    that had to be given another than their own; `removed` are the paths of feeds that are not
    there. `formats` are what each feed is written as: a name for people, a media type without
    parameters, the ending of the address; the first is for those who do not choose.
    """

    kinds: tuple[str, ...] = ()
    slug_overrides: Mapping[tuple[str, str], str] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    formats: tuple[tuple[str, str, str], ...] = ()

    def page_of(self, kind: str, label: str) -> str:
        """Return the path of a label's page, such as `topics/ai/`, or "" where it has none."""
        if kind not in self.kinds:
            return ""
        key = label_key(label)
        slug = self.slug_overrides.get((kind, key)) or slugify(key)
        return "" if feed_path(kind, slug) in self.removed else page_path(kind, slug)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """The texts and addresses that all feeds of a site share; `base_url` has no trailing slash.

    `authority` is the owner and date of every id (RFC 4151). `ttl` is in minutes.
    `home_page_url` is the page of a feed that has no page of its own. `links` is for pages.
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
    links: SiteLinks = field(default_factory=SiteLinks)

    def titled(self, title: str) -> str:
        """Return a title as subscribers see it: a preview of drafts says that it is one."""
        return f"[drafts] {title}" if self.drafts else title

    def url(self, path: str) -> str:
        """Return the public address of a document or page: the one place where paths are quoted."""
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
    """A feed ready to be written around its entries: `path` has no suffix, other addresses are
    absolute.

    `kind` and `label` are those of its state. `older`, `newer` and `current` are paths without
    suffix of the neighbouring archives (RFC 5005, 4) and of the subscription document, or "";
    `current` is set on archives only. `query` is what stands behind the suffix of an address.
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
    older: str = ""
    newer: str = ""
    current: str = ""

    def address(self, suffix: str) -> str:
        """Return the public address of the document in the format that has this suffix."""
        return self.channel.url(self.path + suffix) + self.query


def labels_of(article: Article, kinds: Iterable[str]) -> list[Label]:
    """Return the labels that put `article` into feeds of these kinds, each once."""
    found: dict[tuple[str, str], Label] = {}
    for kind in kinds:
        labels = KINDS[kind].labels
        for text in labels(article) if labels else ():
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
    """Return a feed's path without suffix: `all`, `topics/ai`, `topics/ai/2020-06`.

    The slug of a search is no part of it: it is the query of the address.
    """
    folder = KINDS[kind].folder
    path = f"{folder}/{slug}" if folder else kind
    return f"{path}/{period}" if period else path


def query_part(kind: str, slug: str) -> str:
    """Return what stands behind the suffix of a feed's address: the query of a search, else ""."""
    return f"?{slug}" if kind == "search" and slug else ""


def page_path(kind: str, slug: str) -> str:
    """Return the path of a feed's page, such as `topics/ai/`."""
    return f"{feed_path(kind, slug)}/"


def build_feed(channel: Channel, state: FeedState, *, pages: bool = False) -> Feed:
    """Join what the catalog knows with the site's texts.

    `pages` tells whether feeds have pages of their own.
    """
    title, description = feed_texts(channel, state)
    path, query = feed_path(state.kind, state.slug), query_part(state.kind, state.slug)

    def beside(period: str) -> str:
        return feed_path(state.kind, state.slug, period) if period else ""

    return Feed(
        channel=channel,
        id=f"tag:{channel.authority}:feeds/{quote(path, safe='/')}{query}",
        path=beside(state.period) or path,
        title=title,
        description=description,
        home_page_url=(
            channel.url(page_path(state.kind, state.slug)) + query
            if pages
            else channel.home_page_url
        ),
        updated=state.updated,
        kind=state.kind,
        label=state.label,
        query=query,
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
