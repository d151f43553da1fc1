"""The path of an article file: what it says of the article, and the address of its page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from feedhub.text import slugify

# Other years are typing errors, and datetime cannot shift 9999 to every time zone.
YEARS = range(1900, 9999)

_DATED_NAME = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})-(.+)", re.DOTALL)
_SLASHES = re.compile("//+")
_PLACEHOLDER = re.compile(r":([a-z]+)")
_SAFE = "/!$&'()*+,;=:@~"


def date_in_name(stem: str) -> tuple[date, str] | None:
    """Split `2021-05-31-some-title` into its date and `some-title`; None if it starts otherwise."""
    match = _DATED_NAME.fullmatch(stem)
    if not match or int(match[1]) not in YEARS:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3])), match[4]
    except ValueError:
        return None


class ArticlePath(NamedTuple):
    """The path of one file: its `folders` below the source's folder, and its name, cut at a dot.

    `root` is the name of the source's folder, `collection` the one it has in ids.
    """

    root: str
    folders: tuple[str, ...]
    stem: str
    suffix: str
    collection: str

    @property
    def is_list(self) -> bool:
        """Whether it is the page that lists the articles of its folder, and is none itself."""
        return self.stem.partition(".")[0] == "_index"

    @property
    def is_index(self) -> bool:
        """Whether the file is the page of its folder: it stands for a file of the folder's name."""
        return self.stem == "index"

    @property
    def is_draft(self) -> bool:
        """Whether it lies in a folder of drafts."""
        return "_drafts" in (self.root, *self.folders)

    @property
    def name(self) -> str:
        """The stem, or, of the page of a folder, that folder's name."""
        return self.folders[-1] if self.is_index and self.folders else self.stem

    @property
    def undated_name(self) -> str:
        """The name without a date before it."""
        named = date_in_name(self.name)
        return named[1] if named else self.name

    @property
    def parents(self) -> tuple[str, ...]:
        """The folders above `name`."""
        return self.folders[:-1] if self.is_index else self.folders

    @property
    def id_path(self) -> str:
        """The path below its collection, for ids: that of `_news/2024/a.md` is `news/2024/a`.

        The collection is the nearest folder above whose name begins with an underscore, else the
        source. Only what lies directly in the source has the source's name before its own.
        """
        above = (self.collection, *self.parents)
        marked = [index for index, folder in enumerate(above) if folder.startswith("_")]
        start = marked[-1] if marked else min(1, len(self.parents))
        return "/".join((collection_name(above[start]), *above[start + 1 :], self.name))


def collection_name(folder: str) -> str:
    """Return the name of a folder without leading underscores; never empty."""
    return folder.lstrip("_") or "articles"


def tag_uri(authority: str, specific: str) -> str:
    """Return a tag URI (RFC 4151)."""
    return f"tag:{authority}:{quote(unicodedata.normalize('NFC', specific), safe='/')}"


@lru_cache(maxsize=4)  # that of one file is asked for two or three times
def id_of_path(authority: str, path: ArticlePath) -> str:
    """Return the id of an article that states none."""
    return tag_uri(authority, path.id_path)


def parse_path(path: str, root: str, collection: str = "") -> ArticlePath:
    """Return the parts of `path` below the folder named `root`; the suffix is in lower case.

    Without a `collection` of its own the folder is one.
    """
    *folders, name = path.split("/")
    stem, _, suffix = name.rpartition(".")
    return ArticlePath(root, tuple(folders), stem, suffix.lower(), collection or root)


class PageName(NamedTuple):
    """The parts of a page's address: the file's path, and values of its front matter.

    `own_slug` is as the file gives it, or ""; `published` is in the time zone of the site.
    """

    path: ArticlePath
    title: str
    own_slug: str
    categories: tuple[str, ...]
    published: datetime

    @property
    def slug(self) -> str:
        """The slug the file gives, else the one its name makes; never empty."""
        own = slugify(self.own_slug) if self.own_slug else ""
        return own or slugify(self.path.undated_name) or "article"


@lru_cache(maxsize=256)
def pattern_of(folders: tuple[str, ...], permalinks: tuple[tuple[str, str], ...]) -> str:
    """Return the permalink pattern of the nearest of these folders that has one, or ""."""
    patterns = dict(permalinks)
    above = ("/".join(folders[:end]) for end in range(len(folders), -1, -1))
    return next((patterns[folder] for folder in above if folder in patterns), "")


def page_address(page: PageName, pattern: str) -> str:
    """Fill a permalink pattern.

    Empty placeholders leave no empty segment. The result begins with `/` or is absolute; what
    stands for placeholders is percent-encoded.
    """
    filled = _PLACEHOLDER.sub(lambda match: quote(_VALUES[match[1]](page), safe=_SAFE), pattern)
    scheme, mark, rest = filled.rpartition("://")
    return scheme + mark + _SLASHES.sub("/", rest)


def default_address(page: PageName) -> str:
    """Return the path of the file without its suffix, its own slug instead of the last segment.

    The page of a folder has the folder's path. So relative addresses lead to where the files lie.
    """
    path = page.path
    segments = [*path.parents, slugify(page.own_slug) or path.name]
    if path.is_index:
        segments = [*segments, ""] if path.folders else [""]
    return "/" + quote("/".join(segments), safe=_SAFE)


# The placeholders of a permalink pattern. The page of a folder counts as a file of that name.
_VALUES: dict[str, Callable[[PageName], str]] = {
    "path": lambda page: "/".join((*page.path.parents, page.path.name)),
    "folder": lambda page: "/".join(page.path.parents),
    "stem": lambda page: page.path.name,
    "slug": lambda page: page.slug,
    "title": lambda page: slugify(page.title) or page.slug,
    "category": lambda page: slugify(page.categories[0]) if page.categories else "",
    "year": lambda page: page.published.strftime("%Y"),
    "month": lambda page: page.published.strftime("%m"),
    "day": lambda page: page.published.strftime("%d"),
}
