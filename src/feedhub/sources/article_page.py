"""The page of an article: its title, the text below that, and the addresses it has.

A link from another article needs no more of a file than this.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from feedhub import limits
from feedhub.errors import ArticleError
from feedhub.sources import ReadOptions
from feedhub.sources.article_path import (
    ArticlePath,
    PageName,
    default_address,
    page_address,
    pattern_of,
)
from feedhub.sources.bodies import first_heading
from feedhub.sources.fields import Fields
from feedhub.sources.templating import leave_out_hidden
from feedhub.sources.tree import Node, Scalar, as_text
from feedhub.sources.urls import UrlError, absolute_url
from feedhub.sources.values import (
    address_reader,
    read_labels,
    read_short_text,
    read_text,
    unique_labels,
)

# A host name without a scheme, as people write it: `www.example.org/x`.
_HOST_FIRST = re.compile(r"www\.[\w-]+(?:\.[\w-]+)+(?:[:/?#]|$)", re.IGNORECASE)
WHOLE_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
# What only a site's generator fills in: `{{ page.fileSlug }}`, `:title`.
_TO_BE_FILLED = re.compile(r"\{|(?<![A-Za-z0-9]):[a-z]")
# What a template may begin with.
_BRACES = re.compile(r"\{[%{#:/]")


class Links:
    """The files of the source to which one article links or that it shows, with their addresses.

    `place_of` returns where a picture, audio or video file stands below the address of all these,
    or "" where there is none; it may raise ArticleError. `places` has what it returned.
    """

    def __init__(self, address_of: Callable[[str], str], place_of: Callable[[str], str]) -> None:
        self._address_of = address_of
        self._place_of = place_of
        self.addresses: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self._refusals: dict[str, ArticleError] = {}

    def address(self, path: str) -> str:
        """Return the address of the article in the file at `path`, or "" if none is published."""
        if path not in self.addresses:
            self.addresses[path] = self._address_of(path)
        return self.addresses[path]

    def asset(self, path: str, assets: str) -> str:
        """Return the address of a file below that of `assets`, "" if it is not there.

        Raises ArticleError where it may not be copied.
        """
        if path not in self.addresses:
            self.addresses[path] = ""
            try:
                place = self._place_of(path)
            except ArticleError as error:
                self._refusals[path] = error
                place = ""
            if place and len(assets + place) <= limits.MAX_ADDRESS:
                self.places[path], self.addresses[path] = place, assets + place
        if path in self._refusals:
            raise self._refusals[path]
        return self.addresses[path]


class ArticleFile(NamedTuple):
    """A file from which an article is made: its path, fields, and body with the line it begins at.

    `generator` is the one whose source the folder is, or "".
    """

    path: ArticlePath
    options: ReadOptions
    fields: Fields
    body: str
    body_line: int = 1
    generator: str = ""
    links: Links | None = None

    @property
    def is_markdown(self) -> bool:
        """Whether the body is Markdown, not HTML."""
        return self.path.suffix != "html"

    @property
    def pattern(self) -> str:
        """The permalink pattern of the configuration for the file's folder, or ""."""
        return pattern_of(self.path.folders, self.options.permalinks)


class Page(NamedTuple):
    """Where an article stands: its title, the text below it, and its addresses.

    `own` is that of its own page, `base` that of relative addresses, `url` the one for readers;
    `is_stated` tells whether the last is more than the path of the file.
    """

    name: PageName
    title: str
    text: str
    own: str
    base: str
    url: str
    is_stated: bool


def find_page(file: ArticleFile, published: datetime) -> Page:
    """Return where the article of a file stands.

    Raises ArticleError where a field that must be right is wrong.
    """
    fields, options = file.fields, file.options
    own_title = fields.read_or_reject("title", read_text) or ""
    text = shown_text(file)
    title = own_title or first_heading(text, is_markdown=file.is_markdown)
    name = PageName(
        path=file.path,
        title=title,
        own_slug=fields.read_or_warn("slug", read_short_text, ""),
        categories=labels_of(fields, "categories", "category", "categories"),
        published=published.astimezone(options.zone),
    )
    if not title:
        message = "there is no title; the file's name stands in: add a title"
        if fields.raw_node("title"):
            message += ", in quotes if it begins with #"
        fields.warn_about("title", "no-title", message)
        title = name.slug.replace("-", " ").capitalize()
    page = page_url(file, name)
    rooted = address_reader(options.base_url, rooted=True)
    web = read_link(fields, "web_url", rooted)
    canonical = read_link(fields, "canonical_url", rooted)
    original = read_link(fields, "original_url", address_reader(""))
    has_own_page = bool(file.pattern or fields.node("page_url"))
    url = web or canonical or (original if original and not has_own_page else page)
    if not url:
        raise ArticleError("bad-permalink", "the page's address is too long: give it a permalink")
    return Page(
        name=name,
        title=title,
        text=text,
        own=page,
        base=original or web or page,
        url=url,
        is_stated=has_own_page or url != page,
    )


def shown_text(file: ArticleFile) -> str:
    """Return the body without what its templates hide; warn about that, and about other tags."""
    if not _BRACES.search(file.body):
        return file.body

    def warn(code: str, position: int, message: str) -> None:
        line = file.body_line + file.body.count("\n", 0, position)
        file.fields.warn(code, message, line)

    templated = leave_out_hidden(file.body)
    if templated.hidden >= 0:
        message = "a comment or condition of a template is left out, with all text in it"
        warn("template-block", templated.hidden, message)
    if templated.tag >= 0 and file.generator:
        message = f"a template tag is published as text: build the site with {file.generator}"
        warn("template-tag", templated.tag, f"{message} and give feedhub what it builds")
    return templated.text


def page_url(file: ArticleFile, name: PageName) -> str:
    """Return the address of the article's own page: the one it names, else the pattern's.

    Without either it is that of the file's path, or "" where that is too long to be used.
    """

    def on_site(address: str) -> str:
        # Addresses of pages start at the site's base, whatever its path.
        base = "" if WHOLE_ADDRESS.match(address) else file.options.base_url.rstrip("/")
        return absolute_url(base + address)

    own = file.fields.read_or_warn("page_url", read_short_text, "")
    own = "" if own in ("false", "true") else own
    message = "the permalink gives no usable address; the default is used: write the whole address"
    if _TO_BE_FILLED.search(own):
        file.fields.warn_about("page_url", "bad-permalink", message)
        own = ""
    if own and not WHOLE_ADDRESS.match(own):
        own = f"/{own.lstrip('/')}"
    pattern = file.pattern
    for address in (own, page_address(name, pattern) if pattern else "", default_address(name)):
        try:
            if address:
                return on_site(address)
        except UrlError:
            file.fields.warn_about("page_url", "bad-permalink", message)
    return ""


def read_link(fields: Fields, field: str, read: Callable[[Node], str]) -> str:
    """Return the address that a field gives, or "" where it is not usable."""

    def read_host(node: Node) -> str:
        text = (as_text(node) or "").strip()
        if isinstance(node, Scalar) and _HOST_FIRST.match(text):
            message = "the address has no scheme; https: is added: write the whole address"
            fields.warn("no-scheme", message, node.line, node.column)
            node = node._replace(text=f"https://{text}")
        return read(node)

    return fields.read_or_warn(field, read_host, "")


def labels_of(fields: Fields, noun: str, *names: str) -> tuple[str, ...]:
    """Return the labels of some fields, each once, as many as are allowed."""
    labels: list[str] = []
    for name in names:
        labels += fields.read_or_warn(name, read_labels, ())
    return fields.at_most(limits.MAX_LABELS, unique_labels(labels), noun, *names)
