"""The kinds of feeds, one row each: where one lies, its texts, and which articles are in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from feedhub.article import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedKind:
    """A way to cut the site into feeds: where one lies, its texts, and an article's labels."""

    name: str
    folder: str
    heading: str
    title: str
    description: str
    labels: Callable[[Article], Iterable[str]] = lambda _: ()


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
            heading="",
            title="{label} (story) · {site}",
            description="“{label}” and what others write of it.",
        ),
        FeedKind(
            name="search",
            folder="",
            heading="",
            title="Search: {label} · {site}",
            description="The newest articles {label}.",
        ),
    )
}
# What an article says itself; of the other kinds somebody else decides what is in them.
LABELLED = ("all", "topic", "provider", "category", "author")
