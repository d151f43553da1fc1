"""What is counted of each feed in each format, and of what stands beside the feeds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from feedhub.stats.distinct import Sample

# Readers of one document who are known one by one.
MOST_READERS = 32_768
_MOST_SIZES = 100


class Reader:
    """What is known of one reader of one document; `second` is when it came last.

    `repeats` counts full answers as long as the one before. `subscribers` is for how many people it
    asked when it last told, at `told`; None where it never did.
    """

    __slots__ = ("name", "repeats", "second", "size", "subscribers", "told", "unchanged")

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = -1
        self.subscribers: int | None = None
        self.second = self.told = self.repeats = self.unchanged = 0

    def came(self, second: int, subscribers: int | None) -> None:
        """Note a request; the newest number that is told counts."""
        self.second = max(self.second, second)
        if subscribers is not None and second >= self.told:
            self.told, self.subscribers = second, subscribers

    def got(self, size: int) -> None:
        """Note a full answer."""
        self.repeats += size == self.size
        self.size = size


@dataclass(slots=True)
class Coded:
    """Answers of one document in one content coding; `sizes` are those of full ones, in bytes.

    `sent` is the size of all, `sent_unchanged` that of the answers of 304 among them. `newest` is
    when the last one went out.
    """

    full: int = 0
    partial: int = 0
    unchanged: int = 0
    sent: int = 0
    sent_unchanged: int = 0
    newest: int = 0
    sizes: Counter[int] = field(default_factory=Counter)

    def got(self, size: int) -> None:
        """Note a full answer; of very many sizes, some only to within one percent."""
        self.full += 1
        known = size in self.sizes or len(self.sizes) < _MOST_SIZES
        self.sizes[size if known else _rough(size)] += 1


@dataclass(slots=True)
class Document:
    """A feed in one format; `services` ask for many people and are never left out."""

    feed: str
    format: str
    coded: dict[str, Coded] = field(default_factory=dict)
    services: dict[int, Reader] = field(default_factory=dict)
    singles: Sample[Reader] = field(default_factory=lambda: Sample(MOST_READERS))


@dataclass(slots=True)
class Astray:
    """Requests for one address that got one status, and no feed; `newest` in seconds."""

    requests: int = 0
    newest: int = 0
    names: set[str] = field(default_factory=set)


def _rough(size: int) -> int:
    shift = max(0, size.bit_length() - 8)
    return size >> shift << shift
