"""The front-matter fields feedhub knows, by all their names, and how a file is asked for them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from feedhub.errors import ArticleError, Problem
from feedhub.sources.layouts import Table
from feedhub.sources.simple_yaml import Entries, text_of
from feedhub.sources.tree import Mapping, says_nothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedhub.errors import Level
    from feedhub.sources.tree import Node

T = TypeVar("T")

#: Field -> the names it goes by: the seeds' and those of Jekyll, Hugo, Eleventy and Pelican. The
#: first present one wins. Case, hyphens and underscores do not count.
NAMES: dict[str, tuple[str, ...]] = {
    # visibility
    "is_published": ("published",),
    "is_removed": ("removed",),
    "is_draft": ("draft",),
    "is_excluded": ("eleventyExcludeFromCollections",),
    "status": ("status",),
    "published": ("publishedDateTime", "publishDate", "pubDate", "date"),
    "updated": ("updatedDateTime", "lastmod", "lastModifiedAt", "modified", "updated"),
    "expires": ("expiryDate", "unpublishDate"),
    # the article
    "id": ("id",),
    "slug": ("slug",),
    "title": ("title",),
    "summary": ("excerpt", "summary", "description"),
    "web_url": ("webUrl",),
    "canonical_url": ("canonicalUrl", "canonical", "link", "externalUrl"),
    "original_url": ("originalUrl",),
    "page_url": ("url", "permalink"),
    "language": ("language", "lang", "locale"),
    "provider": ("provider", "publisher"),
    "authors": ("authors",),
    "author": ("author",),
    "topics": ("topics",),
    "tags": ("tags", "keywords"),
    "tag": ("tag",),
    "category": ("category",),
    "categories": ("categories",),
    "images": ("images",),
    "image": ("image", "cover", "featuredImage", "featureImage", "heroImage", "thumbnail"),
    "related": ("related",),
    "featured": ("featuredContent",),
    "length": ("length", "duration"),
    "quality": ("quality",),
    "heat": ("heat",),
    # inside providers, authors, images and related items
    "name": ("name", "displayName", "title"),
    "domain": ("domain",),
    "person_url": ("url", "uri", "website", "link"),
    "image_url": ("url", "src", "image", "path", "source"),
    "image_title": ("title", "alt", "caption"),
    "width": ("width",),
    "height": ("height",),
    "related_url": ("webUrl", "url", "link", "originalUrl"),
}


@lru_cache(maxsize=1024)
def normal_key(name: str) -> str:
    """Return a key without what does not count: `Canonical_URL` and `canonicalUrl` are one."""
    return re.sub(r"(?<=\w)[-_](?=\w)", "", name).casefold()


_KEYS = {field: tuple(map(normal_key, names)) for field, names in NAMES.items()}
# What Hugo does not know of itself it wants below `params`.
_PARAMS = "params"
_KEYS[_PARAMS] = (_PARAMS,)
_NONE: tuple[str, ...] = ()
_CUSTOM = frozenset({"authors", "author", "images", "image", "canonical_url"})


@lru_cache(maxsize=256)
def _keys_of(written: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return for each field its keys among those `written`, the best name first.

    Of two that count as one the first wins.
    """
    # Kept, because the mappings of a site have few sets of keys.
    keys = {normal_key(key): key for key in reversed(written)}
    return {
        field: tuple(keys[name] for name in names if name in keys)
        for field, names in _KEYS.items()
        if not keys.keys().isdisjoint(names)
    }


class Asked:
    """Fields that are asked for at once, each named by the fields it is in and its own name."""

    __slots__ = ("ways",)

    def __init__(self, *ways: tuple[str, ...]) -> None:
        self.ways = ways


@lru_cache(maxsize=512)
def _slots_of(table: Table, asked: Asked) -> tuple[int, ...] | None:
    """Return where fields of a table and of tables in it are, -1 where they are not.

    None where something else stands in their place.
    """
    slots = [_slot_of(table, way) for way in asked.ways]
    known = tuple(slot for slot in slots if slot is not None)
    return known if len(known) == len(slots) else None


def _slot_of(table: Table, way: tuple[str, ...]) -> int | None:
    slot: int | Table = table
    for field in way:
        if not isinstance(slot, Table):
            return None
        keys = _keys_of(slot.keys).get(field)
        if not keys:
            return -1
        slot = slot.slots[keys[0]]
    return None if isinstance(slot, Table) else slot


def quick_texts(mapping: Node, asked: Asked) -> list[str] | None:
    """Return the texts of several fields at once.

    A field that is absent is "". None where one must be asked for by itself: it is no text, or
    says nothing, or `mapping` is of another kind.
    """
    written = quick_written(mapping, asked)
    if written is None:
        return None
    texts = []
    for value in written:
        text = text_of(value) if value else ""
        if value and not text:
            return None
        texts.append(text)
    return texts


def quick_written(mapping: Node, asked: Asked) -> list[bytes] | None:
    """Return several fields at once as they are written, each of them in one line.

    A field that is absent is b"". None where one must be asked for by itself: it is no scalar, or
    nothing is written, or `mapping` is of another kind.
    """
    entries = mapping.entries if type(mapping) is Mapping else None
    if type(entries) is not Entries:
        return None
    slots = _slots_of(entries.table, asked)
    return entries.written(slots) if slots else None


class Fields:
    """One mapping of a file, asked field by field.

    Complaints go to `problems`, which all mappings of the file share.
    """

    def __init__(self, mapping: Mapping, path: str, problems: list[Problem]) -> None:
        self._nodes, self.line, _ = mapping
        self._keys = _keys_of(tuple(self._nodes))
        self._path = path
        self._problems = problems

    def node(self, field: str) -> Node | None:
        """Return the first of the field's names that says something."""
        for key in self._keys.get(field, _NONE):
            node = self._nodes[key]
            if not says_nothing(node):
                return node
        return self._custom(field) if _PARAMS in self._keys else None

    def _custom(self, field: str) -> Node | None:
        params = self.given(_PARAMS)
        if field not in _CUSTOM or not isinstance(params, Mapping):
            return None
        return self.within(params).node(field)

    def given(self, field: str) -> Node | None:
        """Return the first of the field's names that is present, null or not."""
        keys = self._keys.get(field)
        return self._nodes[keys[0]] if keys else None

    def need(self, field: str, read: Callable[[Node], T]) -> T | None:
        """Read a field that must be right where it is present; raises ArticleError."""
        node = self.node(field)
        return None if node is None else read(node)

    def want(self, field: str, read: Callable[[Node], T], default: T) -> T:
        """Read a field the article can do without: a wrong one is left out, with a warning."""
        node = self.node(field)
        if node is None:
            return default
        try:
            return read(node)
        except ArticleError as error:
            self._leave_out(error)
            return default

    def try_read(self, node: Node, read: Callable[[Node], T], default: T) -> T:
        """Read one node the article can do without."""
        try:
            return read(node)
        except ArticleError as error:
            self._leave_out(error)
            return default

    def _leave_out(self, error: ArticleError) -> None:
        self.warn(error.code, f"{error}; left out", error.line, error.column)

    def within(self, node: Node) -> Fields:
        """Return the fields of a mapping inside this one; raises ArticleError for other nodes."""
        if not isinstance(node, Mapping):
            message = "this must be a mapping of names to values"
            raise ArticleError("wrong-type", message, line=node.line, column=node.column)
        return Fields(node, self._path, self._problems)

    def warn(
        self,
        code: str,
        message: str,
        line: int = 0,
        column: int = 1,
        level: Level = "warning",
    ) -> None:
        """Add a complaint about a place in this file; line 0 is where the mapping begins."""
        problem = Problem(
            path=self._path,
            line=line or self.line,
            column=column,
            level=level,
            code=code,
            message=message,
        )
        self._problems.append(problem)

    def advise(self, field: str, code: str, message: str) -> None:
        """Add a warning about a field, at its place where it has one."""
        node = self.node(field) or self.given(field)
        line, column = (node.line, node.column) if node else (0, 1)
        self.warn(code, message, line, column)
