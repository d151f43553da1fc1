"""The front-matter fields that feedhub knows, by all their names, and how one mapping is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from feedhub.errors import ArticleError, Level, Problem
from feedhub.limits import MAX_LABEL
from feedhub.sources.simple_yaml import names_of
from feedhub.sources.tree import (
    NULLS,
    Mapping,
    Node,
    Scalar,
    as_text,
    field_at,
    is_null,
    node_error,
)

T = TypeVar("T")
Items = TypeVar("Items", tuple[Node, ...], tuple[str, ...])

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
    # read where there is none of those; beside one of them, a later date hides the article
    "published_elsewhere": (
        "publishedAt",
        "publishedOn",
        "publishedDate",
        "datePublished",
        "pubDatetime",
        "date created",
    ),
    "updated": ("updatedDateTime", "lastmod", "lastModifiedAt", "modified", "updated"),
    "expires": ("expiryDate", "unpublishDate"),
    # the article
    "id": ("id", "guid"),
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
    "enclosures": ("enclosures", "enclosure", "media"),
    "audio": (
        "audio",
        "audioUrl",
        "audioFile",
        "podcast",
        "podcastFile",
        "podcastLink",
        "podcastUrl",
        "episode",
        "mp3",
    ),
    "video": ("video", "videoUrl", "videoFile"),
    "audio_size": ("podcastBytes", "podcastLength", "audioSize", "audioFileSize"),
    "audio_time": ("podcastDuration", "audioDuration"),
    "related": ("related",),
    "actions": ("actions",),
    "type": ("type", "contentType"),
    "featured": ("featuredContent",),
    "length": ("length", "duration"),
    "quality": ("quality",),
    "heat": ("heat",),
    # inside dates, providers, authors, images and related items
    "created": ("published", "created"),
    "name": ("name", "displayName", "title"),
    "domain": ("domain",),
    "person_url": ("url", "uri", "website", "link"),
    "image_url": ("url", "src", "image", "path", "source"),
    "image_title": ("title", "alt", "caption"),
    "media_url": ("url", "src", "href", "file", "filename", "link", "mp3", "m4a", "ogg", "mp4"),
    "media_type": ("type", "mimeType", "mime"),
    "media_size": ("length", "size", "bytes", "fileSize", "sizeInBytes"),
    "media_time": ("duration", "durationInSeconds"),
    "media_title": ("title", "caption"),
    "width": ("width",),
    "height": ("height",),
    "action_url": ("url",),
    "related_url": ("webUrl", "url", "link", "originalUrl"),
}


# Hugo wants what it does not know itself below `params`; these fields are looked for there too.
_PARAMS = "params"
_BELOW_PARAMS = frozenset(
    {
        *("authors", "author", "images", "image", "canonical_url"),
        *("enclosures", "audio", "video", "audio_size", "audio_time"),
    }
)


@lru_cache(maxsize=1024)
def normal_key(name: str) -> str:
    """Return a key without what does not count: `Canonical_URL` and `canonicalUrl` are one."""
    return re.sub(r"(?<=\w)[-_](?=\w)", "", name).casefold()


_KEYS = {field: tuple(map(normal_key, names)) for field, names in NAMES.items()}
_KEYS[_PARAMS] = (_PARAMS,)


# Cached, because the mappings of a site have few different sets of keys.
@lru_cache(maxsize=256)
def keys_by_field(written: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return for each field its keys among those `written`, the best name first.

    Of two keys that count as one the first wins.
    """
    keys = {normal_key(key): key for key in reversed(written)}
    return {
        field: tuple(keys[name] for name in names if name in keys)
        for field, names in _KEYS.items()
        if not keys.keys().isdisjoint(names)
    }


class Fields:
    """One mapping of a file, read field by field.

    Warnings go to `problems`, which all mappings of the file share.
    """

    __slots__ = ("_keys", "_nodes", "_path", "line", "problems")

    def __init__(self, mapping: Mapping, path: str, problems: list[Problem]) -> None:
        self._nodes, self.line, _ = mapping
        self._keys = keys_by_field(names_of(self._nodes))
        self._path = path
        self.problems = problems

    def node(self, field: str) -> Node | None:
        """Return the value of the first of the field's names that is neither null nor blank."""
        for key in self._keys.get(field, ()):
            node = self._nodes[key]
            if type(node) is not Scalar:
                return node
            # `is_null`, inlined: reading an article passes here seventy times.
            text, _, _, plain = node
            if text and not text.isspace() and not (plain and text in NULLS):
                return node
        if _PARAMS in self._keys and field in _BELOW_PARAMS:
            params = self.raw_node(_PARAMS)
            if isinstance(params, Mapping):
                return self.nested(params).node(field)
        return None

    def nodes(self, field: str, *, without: str = "") -> list[Node]:
        """Return the values of all names of a field but one that are neither null nor blank."""
        found = [
            self._nodes[key] for key in self._keys.get(field, ()) if normal_key(key) != without
        ]
        return [
            node
            for node in found
            if type(node) is not Scalar or (node.text.strip() and not is_null(node))
        ]

    def name(self, field: str) -> str:
        """Return the name of a person or publisher as it is written; "" if none can be used."""
        node = self.node(field)
        if type(node) is Scalar and len(node.text) <= MAX_LABEL:  # then nothing can be wrong
            return node.text
        return self.read_or_warn(field, lambda node: as_text(node, MAX_LABEL) or "", "")

    def raw_node(self, field: str) -> Node | None:
        """Return the value of the first of the field's names that is present, null or not."""
        keys = self._keys.get(field)
        return self._nodes[keys[0]] if keys else None

    def read_or_reject(self, field: str, read: Callable[[Node], T]) -> T | None:
        """Read a field that must be right where it is present; raises ArticleError."""
        node = self.node(field)
        return None if node is None else read(node)

    def read_or_warn(self, field: str, read: Callable[[Node], T], default: T) -> T:
        """Read a field the article can do without: a wrong one is left out, with a warning."""
        node = self.node(field)
        if node is None:
            return default
        try:  # what `read_node_or_warn` does, without the call
            return read(node)
        except ArticleError as error:
            return self._leave_out(error, default)

    def read_node_or_warn(self, node: Node, read: Callable[[Node], T], default: T) -> T:
        """Read a node the article can do without: a wrong one is left out, with a warning."""
        try:
            return read(node)
        except ArticleError as error:
            return self._leave_out(error, default)

    def _leave_out(self, error: ArticleError, default: T) -> T:
        self.warn(error.code, f"{error}; left out", error.line, error.column)
        return default

    def nested(self, node: Node) -> Fields:
        """Return the fields of a mapping inside this one; raises ArticleError for other nodes."""
        if not isinstance(node, Mapping):
            raise node_error(node, "wrong-type", "this must be a mapping of names to values")
        return Fields(node, self._path, self.problems)

    def name_at(self, line: int, column: int) -> str:
        """Return the name of the field whose value begins at a position, or ""."""
        return field_at(self._nodes, line, column)

    def at_most(self, limit: int, items: Items, noun: str, *names: str) -> Items:
        """Return the first `limit` items; warn about the rest at the first present of the fields.

        Longer lists come from broken exports or strangers.
        """
        if len(items) > limit:
            present = next(filter(self.node, names), names[0])
            message = f"there are more than {limit} {noun}; the rest is left out"
            self.warn_about(present, "too-many", message)
        return items[:limit]

    def warn(
        self,
        code: str,
        message: str,
        line: int = 0,
        column: int = 1,
        level: Level = "warning",
    ) -> None:
        """Add a problem at a line and column of this file; line 0 is where the mapping begins."""
        problem = Problem(
            path=self._path,
            line=line or self.line,
            column=column,
            level=level,
            code=code,
            message=message,
        )
        self.problems.append(problem)

    def warn_about(self, field: str, code: str, message: str) -> None:
        """Add a warning about a field, where it stands if it is present."""
        node = self.node(field) or self.raw_node(field)
        line, column = (node.line, node.column) if node else (0, 1)
        self.warn(code, message, line, column)
