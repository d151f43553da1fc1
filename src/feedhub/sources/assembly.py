"""The article that a shown file makes, put together from its fields, its name and its body."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

from feedhub.article import Article, Author, Image, Related
from feedhub.errors import ArticleError
from feedhub.sources import parts
from feedhub.sources.advice import advise
from feedhub.sources.markup import first_text, frame_url, html_body, markdown_body
from feedhub.sources.pelican import fill_pelican
from feedhub.sources.permalink import PageName, fill_templates, page_address
from feedhub.sources.templating import strip_templating
from feedhub.sources.tree import Mapping, Scalar, as_number, as_text
from feedhub.sources.urls import UrlError, absolute_url
from feedhub.text import cut, one_line

if TYPE_CHECKING:
    from feedhub.errors import Problem
    from feedhub.sources import ReadOptions
    from feedhub.sources.article_path import Place
    from feedhub.sources.fields import Fields
    from feedhub.sources.tree import Node

_TITLE_LIMIT = 1_000
_SUMMARY_LIMIT = 5_000
_IRI = re.compile(r"[a-z][a-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
# Jekyll's and Hugo's sign for the end of the summary.
_MORE = re.compile(r"<!--\s*more\s*-->", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</?p(?: [^<>]*)?>")


class ArticleFile(NamedTuple):
    """One file on its way to an article: its place, its fields and its body."""

    place: Place
    options: ReadOptions
    fields: Fields
    body: str
    problems: list[Problem]


def make_article(file: ArticleFile, published: datetime, updated: datetime | None) -> Article:
    """Return the article of a file that the gate lets through.

    Raises ArticleError where it has no honest form.
    """
    fields, options = file.fields, file.options
    name = PageName(
        place=file.place,
        title=fields.need("title", parts.read_text) or "",
        own_slug=fields.want("slug", parts.read_text, ""),
        categories=_categories(file),
        published=published.astimezone(options.zone),
    )
    title = _title(file, name)
    page = _page_url(file, name)
    web, canonical, original = _links(file)
    url = web or canonical or (original if original and not _has_page(file) else page)
    if not url:
        raise ArticleError("bad-permalink", "the page's address is too long: give it a permalink")
    body, opening = _body(file, original or web or page)
    article = Article(
        id=identity(file),
        slug=name.slug,
        title=title,
        summary=_summary(file, body, opening),
        content_html=body,
        url=url,
        published=published.astimezone(UTC),
        updated=max(published, updated or published).astimezone(UTC),
        language=fields.want("language", _read_language, ""),
        provider=fields.want("provider", lambda node: parts.read_provider(fields, node), None),
        authors=_authors(file),
        topics=_topics(file),
        categories=name.categories,
        images=_images(file, page),
        related=_related(file, url),
        player_url=fields.want("featured", lambda node: frame_url(as_text(node) or ""), ""),
        duration=fields.want("length", parts.read_duration, None),
        quality=fields.want("quality", as_number, None),
        heat=fields.want("heat", as_number, None),
    )
    advise(fields, article, options.base_url)
    return article


def identity(file: ArticleFile) -> str:
    """Return the article's id: its own, else a tag URI of collection and file stem (RFC 4151).

    Never the address, title or date: the same file moves between publishers and back. A page bundle
    has the id of a file that bears its folder's name.
    """
    own = file.fields.need("id", _read_id) or ""
    if _IRI.fullmatch(own):
        return own
    specific = own or f"{file.place.collection}/{file.place.name}"
    return f"tag:{file.options.authority}:{quote(unicodedata.normalize('NFC', specific), safe='/')}"


def _page_url(file: ArticleFile, name: PageName) -> str:
    """Return the address of the article's own page: the one it names, else the pattern's.

    It is "" where even the default address is too long to be used.
    """
    pattern = _named_page(file) or file.options.permalink
    try:
        return _on_site(file, page_address(name, pattern))
    except UrlError:
        _advise_on_permalink(file)
    try:
        return _on_site(file, page_address(name))
    except UrlError:
        return ""


def _named_page(file: ArticleFile) -> str:
    """Return the permalink the file gives itself, if it can be filled."""
    named = file.fields.want("page_url", parts.read_text, "")
    if named in ("false", "true"):
        return ""
    filled = fill_templates(named)
    if "{" in filled:
        _advise_on_permalink(file)
        return ""
    return filled


def _advise_on_permalink(file: ArticleFile) -> None:
    message = "the permalink gives no usable address; the default is used"
    file.fields.advise("page_url", "bad-permalink", message)


def _read_id(node: Node) -> str:
    return one_line(as_text(node) or "")


def _on_site(file: ArticleFile, address: str) -> str:
    """Addresses of pages start at the site's base, whatever its path."""
    base = "" if _WHOLE.match(address) else file.options.base_url.rstrip("/")
    return absolute_url(base + address)


def _links(file: ArticleFile) -> tuple[str, str, str]:
    """Return the addresses at the publisher's, elsewhere and where it came from, or ""."""
    rooted = parts.address_reader(file.options.base_url, rooted=True)
    return (
        file.fields.need("web_url", rooted) or "",
        file.fields.need("canonical_url", rooted) or "",
        file.fields.need("original_url", parts.address_reader("")) or "",
    )


def _has_page(file: ArticleFile) -> bool:
    return bool(file.options.permalink or file.fields.node("page_url"))


def _title(file: ArticleFile, name: PageName) -> str:
    if name.title:
        return cut(name.title, _TITLE_LIMIT)
    file.fields.warn("no-title", "there is no title; the file's name stands in: add a title")
    return cut(name.slug.replace("-", " ").capitalize(), _TITLE_LIMIT)


def _summary(file: ArticleFile, body: str, opening: str) -> str:
    """Return the summary given, else what stands before a `more` sign, else one paragraph."""
    given = file.fields.want("summary", parts.read_text, "")
    if given:
        return cut(given, _SUMMARY_LIMIT)
    return first_text(_PARAGRAPH.sub(" ", opening), _SUMMARY_LIMIT) or first_text(body)


def _body(file: ArticleFile, base: str) -> tuple[str, str]:
    """Return the body as HTML, and as much of it as stands before a `more` sign."""
    text = _without_templates(file)
    if not text.strip():
        return "", ""
    render = html_body if file.place.suffix == "html" else markdown_body
    opening, *rest = _MORE.split(text, maxsplit=1)
    return render(text, base=base), render(opening, base=base) if rest else ""


def _without_templates(file: ArticleFile) -> str:
    text = file.body
    if file.place.generator == "pelican":
        return fill_pelican(text, base_path=_base_path(file), folders=file.place.sections)
    if "{{" in text or "{%" in text:
        return strip_templating(text, base_path=_base_path(file))
    return text


def _base_path(file: ArticleFile) -> str:
    return urlsplit(file.options.base_url).path.rstrip("/")


def _categories(file: ArticleFile) -> tuple[str, ...]:
    """Return the categories given, and those that Jekyll and Pelican see in folders."""
    place = file.place
    given = _labels(file, "category") + _labels(file, "categories", spaced=place.is_post)
    if place.is_post:
        return parts.distinct(place.post_categories + given)
    by_folder = place.generator == "pelican" and not given
    return parts.distinct(place.sections[-1:] if by_folder else given)


def _topics(file: ArticleFile) -> tuple[str, ...]:
    tags = _labels(file, "tag") + _labels(file, "tags", spaced=file.place.is_post)
    return parts.distinct(_labels(file, "topics") + tags)


def _labels(file: ArticleFile, field: str, *, spaced: bool = False) -> tuple[str, ...]:
    """Return the labels of a field; Jekyll's posts divide the text of plural fields at blanks."""
    return file.fields.want(field, lambda node: parts.read_labels(node, spaced=spaced), ())


def _authors(file: ArticleFile) -> tuple[Author, ...]:
    """Return who wrote the article: whom the file names, else whom its publisher."""
    provider = file.fields.node("provider")
    own = _authors_in(file.fields)
    if own or not isinstance(provider, Mapping):
        return own
    return _authors_in(file.fields.within(provider))


def _authors_in(fields: Fields) -> tuple[Author, ...]:
    nobody: tuple[Author, ...] = ()
    many = fields.want("authors", lambda n: parts.read_authors(fields, n, several=True), nobody)
    return many or fields.want("author", lambda n: parts.read_authors(fields, n), nobody)


def _images(file: ArticleFile, page: str) -> tuple[Image, ...]:
    """Read the list of images, or the one cover."""
    fields = file.fields

    def read(node: Node) -> tuple[Image, ...]:
        return parts.read_images(fields, node, lambda n: _image_address(file, page, n))

    return fields.want("images", read, ()) or fields.want("image", read, ())


def _image_address(file: ArticleFile, page: str, node: Node) -> str:
    """Read an address.

    A relative one starts at the site's base, unless it says `./` or the file is a page bundle.
    """
    text = (as_text(node) or "").strip()
    if not text or _WHOLE.match(text):
        return parts.address_reader("")(node)
    message = "the address is relative; it is taken to lie on the site itself"
    file.fields.warn("relative-image", message, node.line, node.column, "info")
    if text.startswith(".") or (file.place.is_index and not text.startswith("/")):
        return parts.address_reader(page)(node)
    rooted = Scalar(f"/{text.lstrip('/')}", node.line, node.column, plain=False)
    return parts.address_reader(file.options.base_url, rooted=True)(rooted)


def _related(file: ArticleFile, own_url: str) -> tuple[Related, ...]:
    def read(node: Node) -> tuple[Related, ...]:
        return parts.read_related(file.fields, node, own_url, file.options.zone)

    return file.fields.want("related", read, ())


def _read_language(node: Node) -> str:
    tag = (as_text(node) or "").strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        raise parts.refuse(node, "bad-language", "the language is not a tag such as en or en-US")
    return tag
