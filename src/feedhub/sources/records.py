"""What a source promises, and the records that pass between a source and the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedhub.article import Article
    from feedhub.errors import Problem


class SourceFile(NamedTuple):
    """A file: its `path` below the root, and a `stamp` that moves when it may have changed."""

    path: str
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What shapes the reading of a file besides its bytes.

    `base_url` resolves the file's relative addresses, base path kept; `permalink` is the pattern of
    an article's own page or ""; `zone` is that of dates without one; `ignore` names folders that
    hold no articles.
    """

    authority: str
    base_url: str
    permalink: str = ""
    zone: tzinfo = UTC
    ignore: tuple[str, ...] = ()
    drafts: bool = False


class ReadResult(Struct, frozen=True, kw_only=True):
    """What one file says at one moment.

    `state` is `shown`, with an `article`, or why there is none: `unpublished`, `removed`,
    `scheduled`, `expired`, `undated`, `plain` (no front matter) or `rejected`. `due` is when the
    file must be read again though it has not changed. `dated_update` tells whether the file itself
    says when it was updated. `withdraws` is true for a rejected file of which no earlier version
    may stay.
    """

    state: str
    article: Article | None = None
    dated_update: bool = False
    due: datetime | None = None
    problems: tuple[Problem, ...] = ()
    withdraws: bool = False


class Source(Protocol):
    """A place that holds articles."""

    @property
    def signature(self) -> str:
        """Return what changes when the same bytes would be read differently."""

    def locate(self, path: str) -> str:
        """Return how a person would name the file at `path`."""

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every article file, and a Problem for each that cannot be looked at."""

    def read(self, path: str, now: datetime) -> ReadResult:
        """Read one file as of `now`; a bad file is a rejected Reading, never an exception."""
