"""Entries that were written already: an article stands in many feeds, and says the same in each."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from feedhub.article import Article
    from feedhub.feed import Channel, Feed

T = TypeVar("T")

# A feed's articles are mostly its neighbours'; more would be kept than is used again.
_KEPT = 2_048


class Written(Generic[T]):
    """What `write` makes of an article in a channel, for the articles last asked for.

    Articles are told apart by identity: comparing their texts would cost as much as writing them.
    """

    def __init__(self, write: Callable[[Article, Channel], T]) -> None:
        self._write = write
        self._kept: OrderedDict[int, tuple[Article, Channel, T]] = OrderedDict()

    def of(self, article: Article, channel: Channel) -> T:
        """Return what is written of one article."""
        key = id(article)
        found = self._kept.get(key)
        if found is None or found[0] is not article or found[1] is not channel:
            found = self._kept[key] = (article, channel, self._write(article, channel))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found[2]

    def entries(self, feed: Feed) -> Iterator[T]:
        """Yield what is written of each article of a feed, in its order."""
        return (self.of(article, feed.channel) for article in feed.entries)
