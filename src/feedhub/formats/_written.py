"""Entries that were written already: an article stands in many feeds, and says the same in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import KeyedRef

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from feedhub.article import Article
    from feedhub.feed import Channel, Feed

T = TypeVar("T")


class Written(Generic[T]):
    """What `write` makes of an article in a channel, known for as long as the article is held.

    So whoever bounds the articles bounds this too. Articles are told apart by identity: comparing
    their texts would cost as much as writing them.
    """

    def __init__(self, write: Callable[[Article, Channel], T]) -> None:
        self._write = write
        self._known: dict[int, tuple[KeyedRef[int, Article], Channel, T]] = {}

    def of(self, article: Article, channel: Channel) -> T:
        """Return what is written of one article."""
        key = id(article)
        found = self._known.get(key)
        if found is None or found[1] is not channel:
            reference = KeyedRef(article, self._forget, key)
            found = self._known[key] = (reference, channel, self._write(article, channel))
        return found[2]

    def entries(self, feed: Feed) -> Iterator[T]:
        """Yield what is written of each article of a feed, in its order."""
        return (self.of(article, feed.channel) for article in feed.entries)

    def _forget(self, reference: KeyedRef[int, Article]) -> None:
        """The article is gone, and its identity may be given to another."""
        self._known.pop(reference.key, None)
