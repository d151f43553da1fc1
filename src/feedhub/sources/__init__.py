"""Where articles come from: the `Source` protocol, its records, and `open_source`.

A new kind of source is one module that implements `Source` and one branch in `open_source`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from feedhub.article import Article
from feedhub.errors import Problem
from feedhub.sources.adopted_ids import NONE_ADOPTED, AdoptedIds


class SourceFile(NamedTuple):
    """A file: its `path` below the root, and a `stamp` that changes when the file may have changed.

    An empty stamp says that the file must be read again next time.
    """

    path: str
    stamp: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltOptions:
    """How a site made by a generator is read; the keys of `[source]` say what each option means."""

    feed: tuple[str, ...] = ()
    content: str = "auto"
    article: str = ""
    remove: tuple[str, ...] = ()
    date: str = ""
    exclude: tuple[str, ...] = ()
    archive: bool = False
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """The options that decide, besides its bytes, how a file is read.

    `collection` is used instead of the folder's name, unless it is "". `base_url` resolves the
    file's relative addresses, base path kept; `permalinks` are the patterns of articles' own pages
    by folder, "" for all; `zone` is that of dates without one; `ignore` names folders that hold no
    articles; `unknown_keys` asks for a problem for each key that feedhub ignores. `adopted` are the
    ids that readers know from an earlier feed. `assets` is the address, with a slash at its end,
    below which readers find the pictures, audio and video of the source, or ""; `copies` tells
    whether copies of these stand there.
    """

    authority: str = ""
    collection: str = ""
    base_url: str = ""
    permalinks: tuple[tuple[str, str], ...] = ()
    zone: tzinfo = UTC
    ignore: tuple[str, ...] = ()
    drafts: bool = False
    unknown_keys: bool = False
    kind: str = "auto"
    built: BuiltOptions = BuiltOptions()
    adopted: AdoptedIds = NONE_ADOPTED
    assets: str = ""
    copies: bool = False


class ReadResult(Struct, frozen=True, kw_only=True):
    """The result of reading one file at one moment.

    `state` is `shown`, with an `article`, or why there is none: `unpublished`, `removed`,
    `scheduled`, `expired`, `undated`, `plain` (no front matter), `asset` (a picture, audio or
    video) or `rejected`. `due` is when the
    file must be read again though it has not changed. `own_id` tells whether the file itself states
    its id, which may be copied from another. `replaced_id` is the id that it would have if none was
    adopted for it, or "". `dated_update` tells whether the file itself
    says when it was updated, and `dated_by_build` that this may only be when it was built: then it
    counts only with a change. `withdraws` is true for a file that could not be read and of which no
    earlier version may stay published. `links` are the paths of the files whose addresses the
    article shows: it must be read again when one of them changes. `copies` are those of which it
    shows a copy, each with the place of that. `retry` is true for one that the system did not let
    us read, so it must be read again though it has not changed.
    """

    state: str
    article: Article | None = None
    own_id: bool = False
    replaced_id: str = ""
    dated_update: bool = False
    dated_by_build: bool = False
    due: datetime | None = None
    problems: tuple[Problem, ...] = ()
    links: tuple[str, ...] = ()
    copies: dict[str, str] = {}
    withdraws: bool = False
    retry: bool = False


class SourceMemory(Struct, frozen=True, kw_only=True):
    """What the catalog keeps for a source between two scans.

    `ids` are the ids that articles had, by path; files cannot tell them once they have moved on.
    `cache` spares work and can be made anew.
    """

    ids: dict[str, str] = {}
    cache: bytes = b""


class Source(Protocol):
    """A collection of article files."""

    @property
    def key(self) -> str:
        """Return the same text for every address of this source; it names the default catalog."""

    @property
    def collection(self) -> str:
        """Return the name that the ids of articles directly in this source have, "" for none."""

    @property
    def signature(self) -> str:
        """Return a text that changes when the same bytes would be read differently."""

    def check(self) -> None:
        """Raise ConfigError where there is nothing to read at the address."""

    def locate(self, path: str) -> str:
        """Return how a person would name the file at `path`."""

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every article file, and a Problem for each that cannot be opened.

        A Problem whose path is "." or ends with a slash stands for all files below.
        """

    def settle(self) -> None:
        """Wait, between two scans of which the first missed a known file, until it may be back."""

    def read(self, path: str, now: datetime) -> ReadResult:
        """Read one file as of `now`; a bad file is a rejected ReadResult, never an exception."""

    def watch(self, stop: threading.Event, output: Path | None = None) -> Iterator[set[str] | None]:
        """Yield, several times a second until `stop` is set, the paths of the files that changed.

        None stands for anything; only a ComparingSource names paths. Changes below the folder
        `output` do not count: feedhub itself writes there.
        """


@runtime_checkable
class ComparingSource(Protocol):
    """A source that compares its files itself, so that nothing is kept of one that is as it was."""

    def compare(
        self,
        known: dict[str, bytes],
        paths: Collection[str] | None = None,
        on_progress: Callable[[], object] = lambda: None,
    ) -> Iterator[SourceFile | Problem]:
        """Yield the files whose stamp is not that in `known`, and Problems, in order of path.

        Each file that is there is taken out of `known`. With `paths` only these files are looked
        at. `on_progress` is called for each unchanged one.
        """


@runtime_checkable
class RememberingSource(Protocol):
    """A source with a memory: it is set before a scan and stored after it."""

    memory: SourceMemory


@runtime_checkable
class AdoptingSource(Protocol):
    """A source whose articles may have ids of an earlier feed."""

    @property
    def adopted(self) -> AdoptedIds:
        """Return all these ids."""


@runtime_checkable
class AssetSource(Protocol):
    """A source with pictures, audio and video beside its articles."""

    def read_asset(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of such a file in pieces, for it may be larger than the memory.

        Raises OSError and ArticleError; the file must be one that the last scan has found.
        """


def open_source(address: str | Path, options: ReadOptions = ReadOptions()) -> Source:
    """Return the source at `address`; only reading needs `options`."""
    # Imported here, so that a source loads nothing of the others.
    if str(address).startswith("git+"):
        from feedhub.sources.git import GitSource

        return GitSource(str(address), options)
    if options.kind == "built" or (options.kind == "auto" and has_home_page(address)):
        from feedhub.sources.built.source import BuiltSource, looks_built

        if options.kind == "built" or looks_built(address):
            return BuiltSource(Path(address), options)
    from feedhub.sources.files import FilesSource

    return FilesSource(Path(address), options)


def has_home_page(address: str | Path) -> bool:
    """Return whether there is an index.html, without which no folder is a built site."""
    return os.path.isfile(os.path.join(address, "index.html"))  # noqa: PTH113, PTH118 - no import
