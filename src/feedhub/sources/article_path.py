"""The path of an article file: what it says of the article, and the address of its page.

Both follow the generator that the site was made for: Jekyll, Eleventy, Pelican or else Hugo.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple
from urllib.parse import quote

from feedhub.text import slugify

# Other years are typing errors, and datetime cannot shift 9999 to every time zone.
YEARS = range(1900, 9999)

# The configuration files that tell a site's generator. Hugo needs none: its rules are the default.
_CONFIG_FILES = {
    "_config.yml": "jekyll",
    "_config.yaml": "jekyll",
    "_config.toml": "jekyll",
    ".eleventy.js": "eleventy",
    "eleventy.config.js": "eleventy",
    "eleventy.config.mjs": "eleventy",
    "eleventy.config.cjs": "eleventy",
    "pelicanconf.py": "pelican",
}
# Folders that hold a site's content without being part of its addresses.
_CONTENT = ("content", "src", "source")
_POSTS = "_posts"
_DATED_NAME = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})-(.+)", re.DOTALL)

# The default patterns of the generators.
_JEKYLL_POST = "/:categories/:year/:month/:day/:title.html"
_PATTERNS = {"jekyll": "/:file.html", "eleventy": "/:file/", "pelican": "/:words.html"}
_HUGO = "/:path/"

_SLASHES, _INDEX_PAGE = re.compile("//+"), re.compile(r"(?<=/)index\.html$")
_PLACEHOLDER = re.compile(r":([a-z]+(?:_[a-z]+)*)")
# What Eleventy's documentation writes into permalinks, and the placeholder that says the same.
_TEMPLATE = re.compile(r"\{\{-?([^{}]*+)\}\}")
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


def generator_of(folder: str, has_file: Callable[[str], bool]) -> str:
    """Return the generator of a site, or "".

    `folder` is the name of its folder, or of its content folder; `has_file` tells whether there is
    a file at a path below that, or in the folder above (`../`).
    """
    for above in ("", "../") if folder in (*_CONTENT, _POSTS) else ("",):
        for name, generator in _CONFIG_FILES.items():
            if has_file(above + name):
                return generator
    return ""


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

    `root` is the name of the source's folder; `generator` is what the site is made with, or "".
    """

    root: str
    generator: str
    folders: tuple[str, ...]
    stem: str
    suffix: str

    @property
    def is_list(self) -> bool:
        """Whether it is Hugo's page of a section, which lists articles and is no article."""
        return self.stem.partition(".")[0] == "_index"

    @property
    def is_index(self) -> bool:
        """Whether the file is the page of its folder, which Hugo calls a page bundle."""
        return self.stem == "index"

    @property
    def is_post(self) -> bool:
        """Whether Jekyll's rules for posts hold."""
        return _POSTS in (self.root, *self.folders) and self.generator in ("", "jekyll")

    @property
    def is_draft(self) -> bool:
        """Whether it lies in Jekyll's folder of drafts."""
        return "_drafts" in (self.root, *self.folders)

    @property
    def sections(self) -> tuple[str, ...]:
        """The folders without the one that holds the site's content."""
        return self.folders[1:] if self.folders and self.folders[0] in _CONTENT else self.folders

    @property
    def post_categories(self) -> tuple[str, ...]:
        """The folders that Jekyll takes for categories: those above `_posts`."""
        return self.sections[: self.sections.index(_POSTS)] if _POSTS in self.sections else ()

    @property
    def name(self) -> str:
        """The stem, or, of the page of a folder, that folder's name."""
        return self.sections[-1] if self.is_index and self.sections else self.stem

    @property
    def undated_name(self) -> str:
        """The name without a date before it."""
        named = date_in_name(self.name)
        return named[1] if named else self.name

    @property
    def collection(self) -> str:
        """The name of the folder it lies in, without leading underscores (`_posts` -> `posts`)."""
        bundle = self.name != self.stem
        folders = self.folders[:-1] if bundle else self.folders
        return collection_name(folders[-1] if folders else self.root)

    @property
    def id_path(self) -> str:
        """The path below its collection, for ids: that of `_news/2024/a.md` is `news/2024/a`.

        The collection is the nearest folder above whose name begins with an underscore, else the
        source. Only what lies directly in the source has the source's name before its own.
        """
        stands_for_folder = self.is_index and self.folders
        *folders, name = self.folders if stands_for_folder else (*self.folders, self.stem)
        above = [self.root, *folders]
        marked = [index for index, folder in enumerate(above) if folder.startswith("_")]
        start = marked[-1] if marked else min(1, len(folders))
        return "/".join((collection_name(above[start]), *above[start + 1 :], name))


def collection_name(folder: str) -> str:
    """Return the name of a folder without leading underscores; never empty."""
    return folder.lstrip("_") or "articles"


def tag_uri(authority: str, specific: str) -> str:
    """Return a tag URI (RFC 4151)."""
    return f"tag:{authority}:{quote(unicodedata.normalize('NFC', specific), safe='/')}"


def parse_path(path: str, root: str, generator: str) -> ArticlePath:
    """Return the parts of `path` below the folder named `root`; the suffix is in lower case."""
    *folders, name = path.split("/")
    stem, _, suffix = name.rpartition(".")
    return ArticlePath(root, generator, tuple(folders), stem, suffix.lower())


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


def fill_templates(permalink: str) -> str:
    """Return an Eleventy permalink with placeholders for the templates we know; others stay."""

    def placeholder(match: re.Match[str]) -> str:
        words = "".join(match[1].removesuffix("-").split()).replace('"', "'")
        return _TEMPLATES.get(words, match[0])

    return _TEMPLATE.sub(placeholder, permalink)


def page_address(page: PageName, pattern: str = "") -> str:
    """Fill a permalink pattern, by default that of the generator the folder was made for.

    Jekyll's posts have their date and categories; Hugo and Eleventy give a file the address of its
    path, Pelican that of its title. Empty placeholders leave no empty segment. The result begins
    with `/` or is absolute; what stands for placeholders is percent-encoded.
    """
    path = page.path
    if not pattern and path.is_post:
        pattern = _JEKYLL_POST
    elif not pattern and path.generator == "jekyll" and path.is_index:
        pattern = "/:file/"

    def fill(match: re.Match[str]) -> str:
        value = _VALUES.get(match[1])
        return quote(value(page), safe=_SAFE) if value else match[0]

    filled = _PLACEHOLDER.sub(fill, pattern or _PATTERNS.get(path.generator, _HUGO))
    scheme, mark, rest = filled.rpartition("://")
    address = _SLASHES.sub("/", rest if mark else f"/{rest}")
    return scheme + mark + _INDEX_PAGE.sub("", address)


def jekyll_title(page: PageName) -> str:
    """Return what Jekyll makes of a slug or file name: its case and some marks stay."""
    return _NOT_IN_JEKYLL_TITLE.sub("-", page.own_slug or page.path.undated_name).strip("-")


def address_folders(path: ArticlePath) -> list[str]:
    """Return the folders of the address; to Eleventy alone an underscore means nothing."""
    bare = "" if path.generator == "eleventy" else "_"
    return [name.lstrip(bare) for name in path.sections]


def file_path(page: PageName) -> str:
    """Return the file's path as Jekyll and Eleventy keep it; `a/a.md` is `a/` to Eleventy."""
    path, folders = page.path, address_folders(page.path)
    doubled = path.generator == "eleventy" and folders[-1:] == [path.stem]
    return "/".join(folders if path.is_index or doubled else [*folders, path.stem])


def file_path_stem(page: PageName) -> str:
    """Return the file's path as Eleventy's `page.filePathStem` has it: without a date."""
    path = page.path
    return "/".join((*path.sections, path.stem if path.is_index else path.undated_name))


def hugo_path(page: PageName) -> str:
    """Return the file's path as Hugo writes it, its own slug instead of the last segment."""
    path = page.path
    segments = address_folders(path) if path.is_index else [*address_folders(path), path.stem]
    if page.own_slug:
        segments[-1:] = [page.own_slug]
    return "/".join(map(hugo_segment, segments))


def hugo_segment(segment: str) -> str:
    """Return a segment in lower case, blanks as hyphens, without the marks that Hugo drops."""
    return segment if _SAME_IN_HUGO.fullmatch(segment) else rewrite_hugo_segment(segment)


def rewrite_hugo_segment(segment: str) -> str:
    """Return what `hugo_segment` does, one character at a time."""
    allowed = (c for c in segment if c in ".-_#+~@ " or unicodedata.category(c)[0] in "LMN")
    return re.sub(r" *- *| +", "-", "".join(allowed).strip()).lower()


def pelican_slug(page: PageName) -> str:
    """Return the slug that Pelican makes of a title: ASCII alone, where the title has any."""
    if page.own_slug:
        return page.own_slug
    ascii_title = unicodedata.normalize("NFKD", page.title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^\w\s-]", "", ascii_title).strip().lower()
    return re.sub(r"[-\s]+", "-", words) or page.slug


# The placeholders of our own configuration, and those that Jekyll and Hugo know in front matter.
_VALUES: dict[str, Callable[[PageName], str]] = {
    "year": lambda page: page.published.strftime("%Y"),
    "short_year": lambda page: page.published.strftime("%y"),
    "month": lambda page: page.published.strftime("%m"),
    "day": lambda page: page.published.strftime("%d"),
    "i_month": lambda page: str(page.published.month),
    "i_day": lambda page: str(page.published.day),
    "hour": lambda page: page.published.strftime("%H"),
    "minute": lambda page: page.published.strftime("%M"),
    "second": lambda page: page.published.strftime("%S"),
    "slug": lambda page: page.slug,
    "title": jekyll_title,
    "words": pelican_slug,
    "stem": lambda page: page.path.stem,
    "name": lambda page: page.path.undated_name,
    "category": lambda page: slugify(page.categories[0]) if page.categories else "",
    "categories": lambda page: "/".join(dict.fromkeys(c.lower() for c in page.categories)),
    "collection": lambda page: page.path.collection,
    "file": file_path,
    "filepath": file_path_stem,
    "path": hugo_path,
    "output_ext": lambda page: ".html",
}
