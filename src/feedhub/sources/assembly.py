"""The article that a shown file makes, put together from its fields, its name and its body."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from feedhub.article import Article, Author, Image
from feedhub.sources import parts
from feedhub.sources.dates import date_in_name
from feedhub.sources.markup import first_text, frame_url, html_body, markdown_body
from feedhub.sources.permalink import PageName, collection_of, page_address
from feedhub.sources.templating import strip_templating
from feedhub.sources.tree import Scalar, Sequence, as_number, as_text
from feedhub.sources.urls import UrlError, rooted_url
from feedhub.text import cut, one_line, slugify

if TYPE_CHECKING:
    from feedhub.errors import Problem
    from feedhub.sources.fields import Fields
    from feedhub.sources.records import ReadOptions
    from feedhub.sources.tree import Node

_TITLE_LIMIT = 1_000
_SUMMARY_LIMIT = 5_000
_IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class ArticleFile(NamedTuple):
    """One file on its way to an article: its place below the folder named `root`, its fields and its body."""

    folders: tuple[str, ...]
    stem: str
    suffix: str
    root: str
    options: ReadOptions
    fields: Fields
    body: str
    problems: list[Problem]


def make_article(file: ArticleFile, published: datetime, updated: datetime | None) -> Article:
    """Return the article of a file that the gate lets through; raises ArticleError where it has no honest form."""
    fields, options = file.fields, file.options
    categories = _categories(file)
    slug = _slug(file)
    page = _page_url(file, PageName(
        folders=file.folders,
        stem=file.stem,
        slug=slug,
        category=categories[0] if categories else "",
        published=published.astimezone(options.zone),
    ))
    original = fields.need("original_url", parts.address_reader("")) or ""
    url = _link(file, page, original)
    body = _body(file, original or url)
    return Article(
        id=identity(file),
        slug=slug,
        title=_title(file, slug),
        summary=_summary(file, body),
        content_html=body,
        url=url,
        published=published.astimezone(UTC),
        updated=max(published, updated or published).astimezone(UTC),
        language=fields.want("language", _read_language, ""),
        provider=fields.want("provider", lambda node: parts.read_provider(fields, node), None),
        authors=_authors(file),
        topics=_topics(file),
        categories=categories,
        images=_images(file, page),
        related=fields.want("related", lambda n: parts.read_related(fields, n, url, options.zone), ()),
        player_url=fields.want("featured", lambda node: frame_url(as_text(node) or ""), ""),
        duration=fields.want("length", parts.read_duration, None),
        quality=fields.want("quality", as_number, None),
        heat=fields.want("heat", as_number, None),
    )


def identity(file: ArticleFile) -> str:
    """Return the article's id: the front matter's own, else a tag URI of collection and file stem (RFC 4151).

    Never the address, title or date: the same file moves between publishers and back.
    """
    own = one_line(file.fields.need("id", as_text) or "")
    if _IRI.fullmatch(own):
        return own
    specific = own or f"{collection_of(file.folders, file.root)}/{file.stem}"
    return f"tag:{file.options.authority}:{quote(specific, safe='/')}"


def _slug(file: ArticleFile) -> str:
    given = slugify(file.fields.want("slug", parts.read_text, ""))
    if given:
        return given
    stem = file.folders[-1] if file.stem in ("index", "_index") and file.folders else file.stem
    named = date_in_name(stem)
    return slugify(named[1] if named else stem) or "article"


def _page_url(file: ArticleFile, page: PageName) -> str:
    """Return the address of the article's own page: the one it names, else the pattern's."""
    options = file.options
    named = file.fields.want("page_url", parts.read_text, "")
    pattern = "" if "{" in named or named in ("false", "true") else named
    address = page_address(page, pattern or options.permalink)
    try:
        return rooted_url(address, options.base_url)
    except UrlError:
        file.fields.warn("bad-permalink", "the permalink gives no usable address; the default is used")
        return rooted_url(page_address(page), options.base_url)


def _link(file: ArticleFile, page: str, original: str) -> str:
    """Return where the article is read: at its publisher's, else on its own page, else where it came from."""
    web = file.fields.need("web_url", parts.address_reader(file.options.base_url, rooted=True))
    if web:
        return web
    has_page = file.options.permalink or file.fields.node("page_url")
    return page if has_page or not original else original


def _title(file: ArticleFile, slug: str) -> str:
    title = file.fields.need("title", parts.read_text) or ""
    if not title:
        title = slug.replace("-", " ").capitalize()
        file.fields.warn("no-title", "there is no title; the file's name stands in: add a title")
    return cut(title, _TITLE_LIMIT)


def _summary(file: ArticleFile, body: str) -> str:
    given = file.fields.want("summary", parts.read_text, "")
    return cut(given, _SUMMARY_LIMIT) if given else first_text(body)


def _body(file: ArticleFile, base: str) -> str:
    text = file.body
    if not text.strip():
        return ""
    if "{{" in text or "{%" in text:
        base_path = urlsplit(file.options.base_url).path.rstrip("/")
        text = strip_templating(text, base_path=base_path)
    render = html_body if file.suffix in ("html", "htm") else markdown_body
    return render(text, base=base)


def _categories(file: ArticleFile) -> tuple[str, ...]:
    return _labels(file, "category", "categories")


def _topics(file: ArticleFile) -> tuple[str, ...]:
    return _labels(file, "topics", "tags")


def _labels(file: ArticleFile, *names: str) -> tuple[str, ...]:
    """Join the labels of several fields; only Jekyll's posts divide a text at blanks."""
    spaced = "_posts" in file.folders
    found: list[str] = []
    for name in names:
        found += file.fields.want(name, lambda n: parts.read_labels(n, spaced=spaced), ())
    return parts.distinct(found)


def _authors(file: ArticleFile) -> tuple[Author, ...]:
    fields = file.fields
    own = fields.want("authors", lambda node: parts.read_authors(fields, node), ())
    provider = fields.node("provider")
    if own or provider is None or isinstance(provider, Scalar | Sequence):
        return own
    inner = fields.within(provider)
    return inner.want("authors", lambda node: parts.read_authors(inner, node), ())


def _images(file: ArticleFile, page: str) -> tuple[Image, ...]:
    """Read the list of images, or the one cover; root-relative ones lie on the source's base, others by the page."""

    def read_address(node: Node) -> str:
        rooted = (as_text(node) or "").lstrip().startswith("/")
        return parts.address_reader(file.options.base_url if rooted else page, rooted=rooted)(node)

    fields = file.fields
    for name in ("images", "image"):
        images = fields.want(name, lambda node: parts.read_images(fields, node, read_address), ())
        if images:
            return images
    return ()


def _read_language(node: Node) -> str:
    tag = (as_text(node) or "").strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        raise parts.refuse(node, "bad-language", "the language is not a tag such as en or en-US")
    return tag


