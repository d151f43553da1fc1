"""The address of an article's own page, where its file does not name one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from feedhub.text import slugify

if TYPE_CHECKING:
    from datetime import datetime

_JEKYLL = "/:category/:year/:month/:day/:slug.html"
_PRETTY = "/:path/"
_PLACEHOLDER = re.compile(r":([a-z]+)")
# Folders that hold a site's content without being part of its addresses.
_ROOTS = ("content", "src", "source")


class PageName(NamedTuple):
    """What a page's address can be made of: the file's folders and stem, and the article's slug and category.

    `folders` are below the source's root; `published` is in the time zone of the site.
    """

    folders: tuple[str, ...]
    stem: str
    slug: str
    category: str
    published: datetime


def collection_of(folders: tuple[str, ...], root: str) -> str:
    """Return the name of the folder a file lies in, without leading underscores (`_posts` -> `posts`)."""
    return (folders[-1] if folders else root).lstrip("_") or "articles"


def page_address(page: PageName, pattern: str = "") -> str:
    """Fill a permalink pattern, by default the one of the generator the folder was made for.

    Jekyll's posts lie in `_posts`; Hugo and Eleventy give a file the address of its path. Empty placeholders
    leave no empty segment. The result begins with `/` or is absolute; it is not percent-encoded.
    """
    chosen = pattern or (_JEKYLL if "_posts" in page.folders else _PRETTY)
    filled = _PLACEHOLDER.sub(lambda match: _value(page, match[1]), chosen)
    scheme, mark, rest = filled.rpartition("://")
    return scheme + mark + re.sub("//+", "/", rest)


def _value(page: PageName, name: str) -> str:
    moment = page.published
    values = {
        "year": f"{moment:%Y}".zfill(4),
        "month": f"{moment:%m}",
        "day": f"{moment:%d}",
        "slug": page.slug,
        "title": page.slug,
        "stem": page.stem,
        "category": slugify(page.category),
        "collection": collection_of(page.folders, ""),
        "path": _path(page),
    }
    return values.get(name, f":{name}")


def _path(page: PageName) -> str:
    folders = page.folders[1:] if page.folders[:1] and page.folders[0] in _ROOTS else page.folders
    parts = [folder.lstrip("_") for folder in folders]
    if page.stem not in ("index", "_index"):
        parts.append(page.stem)
    return "/".join(part.replace(" ", "-").lower() for part in parts)
