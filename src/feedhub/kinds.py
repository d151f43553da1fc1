"""The kinds of feeds, one row each: where its feeds are, their texts, which articles they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from feedhub.article import Article
from feedhub.messages.tags import own_name, without_region


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedKind:
    """A way to cut the site into feeds.

    `name` is its name in the configuration and in searches, `folder` where its feeds are. `heading`
    is above the list of its feeds, "" for a kind without one; `noun` is what people call a label of
    it. `title` and `description` are a feed's texts, with `{label}` and `{site}`. All texts are
    messages, which catalogs translate.

    `labels` returns the labels that an article itself has, each of them a feed; it is None where
    something else decides which articles a feed holds. `name_of` returns what people call a label.
    A kind with `needs_several` has feeds only where there are several: one would be the feed of
    everything. `criterion` is how a search that selects by a label is described; "" means that none
    selects by this kind. A kind is `combinable` if a page lets readers tick its labels, and
    `on_demand` if its feeds are built for the client that requests one and are on no list.
    `picture` returns the address of the picture that an article has of its label, or "".
    """

    name: str
    folder: str
    heading: str = ""
    noun: str = ""
    title: str
    description: str
    labels: Callable[[Article], Iterable[str]] | None = None
    criterion: str = ""
    combinable: bool = False
    on_demand: bool = False
    picture: Callable[[Article], str] | None = None
    name_of: Callable[[str], str] = str
    needs_several: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        FeedKind(
            name="all",
            folder="",
            title="{site}",
            description="The newest articles.",
            labels=lambda article: ("",),
        ),
        FeedKind(
            name="topic",
            folder="topics",
            heading="Topics",
            noun="Topic",
            title="{label} · {site}",
            description="The newest articles about {label}.",
            labels=lambda article: article.topics,
            criterion="about {label}",
            combinable=True,
        ),
        FeedKind(
            name="provider",
            folder="providers",
            heading="Publishers",
            noun="Publisher",
            title="{label} (publisher) · {site}",
            description="The newest articles from {label}.",
            labels=lambda article: (article.provider.name,) if article.provider else (),
            criterion="from {label}",
            combinable=True,
            picture=lambda article: article.provider.picture if article.provider else "",
        ),
        FeedKind(
            name="category",
            folder="categories",
            heading="Categories",
            noun="Category",
            title="{label} (category) · {site}",
            description="The newest articles in the category {label}.",
            labels=lambda article: article.categories,
            criterion="in {label}",
        ),
        FeedKind(
            name="author",
            folder="authors",
            heading="Authors",
            noun="Author",
            title="{label} (author) · {site}",
            description="The newest articles by {label}.",
            labels=lambda article: (author.name for author in article.authors),
            criterion="by {label}",
        ),
        FeedKind(
            name="language",
            folder="languages",
            heading="Languages",
            noun="Language",
            title="{site} ({label})",
            description="The newest articles in {label}.",
            labels=lambda article: (without_region(article.language),) if article.language else (),
            criterion="in the language {label}",
            name_of=own_name,
            needs_several=True,
        ),
        FeedKind(
            name="custom",
            folder="custom",
            heading="Selections",
            title="{label} (selection) · {site}",
            description="The newest articles of the selection {label}.",
        ),
        FeedKind(
            name="story",
            folder="stories",
            title="{label} (story) · {site}",
            description="“{label}” and what others write of it.",
            on_demand=True,
        ),
        FeedKind(
            name="search",
            folder="",
            title="Search: {label} · {site}",
            description="The newest articles {label}.",
            on_demand=True,
        ),
    )
}

# Kinds whose feeds follow from the labels of articles: those that `feeds.kinds` can name.
LABEL_KINDS = tuple(kind.name for kind in KINDS.values() if kind.labels)
# Those that have a feed for each label: all but the feed of everything.
PER_LABEL_KINDS = tuple(kind.name for kind in KINDS.values() if kind.labels and kind.folder)
# Kinds that a search can select by; their names are its parameters.
FACETS = tuple(kind.name for kind in KINDS.values() if kind.criterion)
ON_DEMAND_KINDS = tuple(kind.name for kind in KINDS.values() if kind.on_demand)
