"""Pages of months: every article of a feed on some page, in parts that do not grow too long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from feedhub.catalog import Catalog
from feedhub.feed import FeedState, feed_path
from feedhub.fingerprint import fingerprint

# So many lines stay below 100 KB with addresses of 400 characters.
PART_ENTRIES = 120
# A feed with no more articles has them all on its own page.
MIN_ENTRIES = 31


class Months:
    """The pages of months of all feeds of some kinds.

    The period of such a page is a month, or a month and the number of a later part: `2020-06/2`.
    They need archives: the articles of a month that a feed no longer holds are those of its
    archive, whose fingerprint stands for them.
    """

    def __init__(self, catalog: Catalog, kinds: Collection[str]) -> None:
        self._catalog = catalog
        self._kinds = kinds

    def path(self, state: FeedState, removed: Collection[str]) -> str:
        """Return the path below which the older articles of a feed have pages, "" if none.

        Those of a feed without such pages stand on the pages of the feed of everything.
        """
        own = state.kind in self._kinds and has_months(state)
        path = feed_path(state.kind, state.slug) if own else feed_path("all", "")
        return path if (own or "all" in self._kinds) and path not in removed else ""

    def state(self, kind: str, slug: str, period: str) -> FeedState | None:
        """Return the state of a page, or None if there is none."""
        if kind not in self._kinds:
            return None
        month = period.partition("/")[0]
        months = self._of_feed(self._catalog.states_of(kind, slug), month)
        parts = (part for whole in months for part in split(whole))
        return next((part for part in parts if part.period == period), None)

    def states(self, states: Iterable[FeedState]) -> list[FeedState]:
        """Return the pages of months of the feeds with these states, newest first in each feed."""
        feeds: defaultdict[tuple[str, str], list[FeedState]] = defaultdict(list)
        for state in states:
            if state.kind in self._kinds:
                feeds[state.kind, state.slug].append(state)
        months = (month for group in feeds.values() for month in self._of_feed(group))
        return [page for month in months for page in split(month)]

    def pages(self, subscriptions: Iterable[FeedState]) -> Iterator[tuple[str, datetime]]:
        """Yield the path of the address of every page, and when its content was updated."""
        for state in subscriptions:
            if state.kind not in self._kinds or not has_months(state):
                continue
            for month in self._of_feed(self._catalog.states_of(state.kind, state.slug)):
                for name in part_names(month):
                    yield f"{feed_path(state.kind, state.slug, name)}/", month.updated

    def entries(self, page: FeedState) -> list[int]:
        """Return the numbers of the articles on a page, newest first."""
        month, part = parts_of(page.period)
        start = (part - 1) * PART_ENTRIES
        return self._catalog.month_entries(page, month, start, page.count)

    def _of_feed(self, states: Sequence[FeedState], only: str = "") -> Iterator[FeedState]:
        """Yield the months of one feed, whose subscription document and archives are given.

        With `only`, that month alone.
        """
        subscription = next((state for state in states if not state.period), None)
        archives = {state.period: state for state in states if state.period}
        if subscription is None or not has_months(subscription):
            return
        # The months that the subscription document holds, the last of them perhaps in part.
        recent = self._catalog.month_counts(subscription, subscription.older)
        counts = recent | {
            period: archive.count
            for period, archive in sorted(archives.items(), reverse=True)
            if period not in recent
        }
        months = list(counts)
        for index, month in enumerate(months):
            if only not in ("", month):
                continue
            archive = archives.get(month)
            # What the archive of a month lacks stands in the subscription document.
            whole = archive is not None and archive.count == counts[month]
            sources = [one for one in (archive, None if whole else subscription) if one]
            older = months[index + 1] if index + 1 < len(months) else ""
            newer = months[index - 1] if index else ""
            yield replace(
                subscription,
                period=month,
                older=older,
                newer=newer,
                count=counts[month],
                newest=sources[0].newest,
                updated=max(one.updated for one in sources),
                changed_at=max(one.changed_at for one in sources),
                fingerprint=fingerprint([one.fingerprint for one in sources], older, newer),
            )


def has_months(subscription: FeedState) -> bool:
    """Return whether a feed has pages of months: all its articles must stand in some document.

    A label with few articles has no archive, the feed of everything has one if it needs one.
    """
    is_whole = subscription.kind == "all" and subscription.count >= MIN_ENTRIES
    return bool(subscription.older) or is_whole


def split(page: FeedState) -> Iterator[FeedState]:
    """Yield the parts of a month, the newest first."""
    names = part_names(page)
    for index, name in enumerate(names):
        count = min(PART_ENTRIES, page.count - index * PART_ENTRIES)
        yield replace(
            page,
            period=name,
            older=names[index + 1] if index + 1 < len(names) else page.older,
            newer=names[index - 1] if index else page.newer,
            count=count,
            fingerprint=fingerprint(page.fingerprint, name, page.count),
        )


def part_names(month: FeedState) -> list[str]:
    """Return the periods of the parts of a month, the newest first."""
    count = -(-month.count // PART_ENTRIES)
    return [month.period, *(f"{month.period}/{part}" for part in range(2, count + 1))][:count]


def parts_of(period: str) -> tuple[str, int]:
    """Return the month of a page and the number of its part."""
    month, _, part = period.partition("/")
    return month, int(part or 1)
