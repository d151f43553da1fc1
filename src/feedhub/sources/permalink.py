"""The address of an article's own page, as the site's generator would make it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from feedhub.text import slugify

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from feedhub.sources.article_path import Place

_JEKYLL_POST = "/:categories/:year/:month/:day/:title.html"
_PATTERNS = {"jekyll": "/:file.html", "eleventy": "/:file/", "pelican": "/:words.html"}
_HUGO = "/:path/"

_PLACEHOLDER = re.compile(r":([a-z]+(?:_[a-z]+)*)")
# What Eleventy's documentation writes into permalinks, and the placeholder that says the same.
_TEMPLATE = re.compile(r"\{\{-?(.*?)-?\}\}")
_TEMPLATES = {
    "page.fileSlug": ":name",
    "page.filePathStem": ":filepath",
    "title|slugify": ":words",
    "title|slug": ":words",
    "page.date|date:'%Y/%m/%d'": ":year/:month/:day",
}
_NOT_IN_JEKYLL_TITLE = re.compile(r"[^\w.~!$&'()+,;=@]+")
_SAME_IN_HUGO = re.compile(r"[a-z0-9._#+~@-]+")
_SAFE = "/!$&'()*+,;=:@~"


class PageName(NamedTuple):
    """What a page's address can be made of: the file's place, and what the file says.

    `own_slug` is as the file gives it, or ""; `published` is in the time zone of the site.
    """

    place: Place
    title: str
    own_slug: str
    categories: tuple[str, ...]
    published: datetime

    @property
    def slug(self) -> str:
        """The slug the file gives, else the one its name makes; never empty."""
        return slugify(self.own_slug) or slugify(self.place.undated_name) or "article"


def fill_templates(permalink: str) -> str:
    """Return an Eleventy permalink with placeholders for the templates we know; others stay."""

    def placeholder(match: re.Match[str]) -> str:
        words = re.sub(r"\s", "", match[1]).replace('"', "'")
        return _TEMPLATES.get(words, match[0])

    return _TEMPLATE.sub(placeholder, permalink)


def page_address(page: PageName, pattern: str = "") -> str:
    """Fill a permalink pattern, by default that of the generator the folder was made for.

    Jekyll's posts have their date and categories; Hugo and Eleventy give a file the address of its
    path, Pelican that of its title. Empty placeholders leave no empty segment. The result begins
    with `/` or is absolute; what stands for placeholders is percent-encoded.
    """
    filled = _PLACEHOLDER.sub(lambda match: _value(page, match[1]), pattern or _default(page.place))
    scheme, mark, rest = filled.rpartition("://")
    path = re.sub("//+", "/", rest if mark else f"/{rest}")
    return scheme + mark + re.sub(r"(?<=/)index\.html$", "", path)


def _default(place: Place) -> str:
    if place.is_post:
        return _JEKYLL_POST
    if place.generator == "jekyll" and place.is_index:
        return "/:file/"
    return _PATTERNS.get(place.generator, _HUGO)


def _value(page: PageName, name: str) -> str:
    value = _VALUES.get(name)
    return quote(value(page), safe=_SAFE) if value else f":{name}"


def _time(form: str) -> Callable[[PageName], str]:
    return lambda page: page.published.strftime(form)


def _jekyll_title(page: PageName) -> str:
    """Return what Jekyll makes of a slug or file name: its case and some marks stay."""
    return _NOT_IN_JEKYLL_TITLE.sub("-", page.own_slug or page.place.undated_name).strip("-")


def _jekyll_categories(page: PageName) -> str:
    return "/".join(dict.fromkeys(category.lower() for category in page.categories))


def _folders(place: Place) -> list[str]:
    """Return the folders of the address; to Eleventy alone an underscore means nothing."""
    bare = "" if place.generator == "eleventy" else "_"
    return [name.lstrip(bare) for name in place.sections]


def _file(page: PageName) -> str:
    """Return the file's path as Jekyll and Eleventy keep it; `a/a.md` is `a/` to Eleventy."""
    place, folders = page.place, _folders(page.place)
    doubled = place.generator == "eleventy" and folders[-1:] == [place.stem]
    return "/".join(folders if place.is_index or doubled else [*folders, place.stem])


def _hugo_path(page: PageName) -> str:
    """Return the file's path as Hugo writes it, its own slug instead of the last part."""
    place = page.place
    parts = _folders(place) if place.is_index else [*_folders(place), place.stem]
    if page.own_slug:
        parts[-1:] = [page.own_slug]
    return "/".join(map(_hugo_part, parts))


def _hugo_part(part: str) -> str:
    """Lower-case, with hyphens for blanks and without the marks that Hugo leaves out of paths."""
    return part if _SAME_IN_HUGO.fullmatch(part) else _rewritten(part)


def _rewritten(part: str) -> str:
    kept = "".join(char for char in part if char in ".-_#+~@ " or _is_word(char))
    return re.sub(r" *- *| +", "-", kept.strip()).lower()


def _is_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"


def _pelican_slug(page: PageName) -> str:
    """Return the slug that Pelican makes of a title: ASCII alone, where the title has any."""
    if page.own_slug:
        return page.own_slug
    ascii_title = unicodedata.normalize("NFKD", page.title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^\w\s-]", "", ascii_title).strip().lower()
    return re.sub(r"[-\s]+", "-", words) or page.slug


def _file_path_stem(page: PageName) -> str:
    place = page.place
    return "/".join((*place.sections, place.stem if place.is_index else place.undated_name))


# The placeholders of our own configuration, and those that Jekyll and Hugo know in front matter.
_VALUES: dict[str, Callable[[PageName], str]] = {
    "year": _time("%Y"),
    "short_year": _time("%y"),
    "month": _time("%m"),
    "day": _time("%d"),
    "i_month": lambda page: str(page.published.month),
    "i_day": lambda page: str(page.published.day),
    "hour": _time("%H"),
    "minute": _time("%M"),
    "second": _time("%S"),
    "slug": lambda page: page.slug,
    "title": _jekyll_title,
    "words": _pelican_slug,
    "stem": lambda page: page.place.stem,
    "name": lambda page: page.place.undated_name,
    "category": lambda page: slugify(page.categories[0]) if page.categories else "",
    "categories": _jekyll_categories,
    "collection": lambda page: page.place.collection,
    "file": _file,
    "filepath": _file_path_stem,
    "path": _hugo_path,
    "output_ext": lambda page: ".html",
}
