"""The article of a file that may be shown, made from its fields, its path and its body."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import NamedTuple
from urllib.parse import unquote

from feedhub import limits
from feedhub.article import Article, Author, Image, Related
from feedhub.errors import ArticleError
from feedhub.sources import ReadOptions
from feedhub.sources.article_path import (
    ArticlePath,
    PageName,
    default_address,
    page_address,
    pattern_of,
    tag_uri,
)
from feedhub.sources.bodies import Body, all_text, first_text, frame_url, read_body
from feedhub.sources.fields import Fields
from feedhub.sources.templating import leave_out_hidden
from feedhub.sources.tree import Mapping, Node, Scalar, as_number, as_text, node_error
from feedhub.sources.urls import UrlError, absolute_url
from feedhub.sources.values import (
    address_reader,
    read_actions,
    read_authors,
    read_duration,
    read_images,
    read_labels,
    read_provider,
    read_related,
    read_short_text,
    read_text,
    unique_labels,
)
from feedhub.text import cut, label_key, one_line, unescape_once

_IRI = re.compile(r"[a-z][a-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
# A host name without a scheme, as people write it: `www.example.org/x`.
_HOST_FIRST = re.compile(r"www\.[\w-]+(?:\.[\w-]+)+(?:[:/?#]|$)", re.IGNORECASE)
_WHOLE_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
# What only a site's generator fills in: `{{ page.fileSlug }}`, `:title`.
_TO_BE_FILLED = re.compile(r"\{|(?<![A-Za-z0-9]):[a-z]")
# A heading of the first level at the start of a body, in the forms of Markdown and of HTML.
_H1 = r"<h1(?:\s[^<>]{0,200})?>(?:(?!</?h1\b)[\s\S]){0,2000}</h1>"
_HEADING = re.compile(
    r"\A(?:[ \t]*+\n)*+ {0,3}(?:#[ \t][^\n]*|[^\s#>*+=<-][^\n]*\n {0,3}=+[ \t]*(?=\n|\Z)|"
    + _H1
    + ")"
)
_HTML_HEADING = re.compile(rf"\A\s*+{_H1}", re.IGNORECASE)
# A link to the file of another article, and the place in it.
_ARTICLE_LINK = re.compile(
    r"(?![A-Za-z][A-Za-z0-9+.-]*:|/)([^?#]+\.(?:md|markdown))(#.*|)", re.IGNORECASE | re.DOTALL
)
# What a template may begin with.
_BRACES = re.compile(r"\{[%{#:/]")
_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f][\"'\u2019\u201d)]?\s")
# What stays in a summary that was never written.
_PLACEHOLDERS = frozenset({"placeholder", "placeholder.", "todo", "tbd"})


class Links:
    """The files of the source to which one article links, with the addresses of their articles."""

    def __init__(self, address_of: Callable[[str], str]) -> None:
        self._address_of = address_of
        self.addresses: dict[str, str] = {}

    def address(self, path: str) -> str:
        """Return the address of the article in the file at `path`, or "" if none is published."""
        if path not in self.addresses:
            self.addresses[path] = self._address_of(path)
        return self.addresses[path]


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
        return pattern_of(self.path, self.options.permalinks)


def find_page(file: ArticleFile, published: datetime) -> Page:
    """Return where the article of a file stands.

    Raises ArticleError where a field that must be right is wrong.
    """
    fields, options = file.fields, file.options
    own_title = fields.read_or_reject("title", read_text) or ""
    text = shown_text(file)
    heading, below = split_heading(file, text)
    title = own_title or heading
    if heading and label_key(heading) == label_key(title):
        text = below  # every feed and page has the title above the text
    name = PageName(
        path=file.path,
        title=title,
        own_slug=fields.read_or_warn("slug", read_short_text, ""),
        categories=read_categories(fields),
        published=published.astimezone(options.zone),
    )
    if not title:
        fields.warn("no-title", "there is no title; the file's name stands in: add a title")
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


def make_article(file: ArticleFile, published: datetime, updated: datetime | None) -> Article:
    """Return the article of a file that the gate lets through.

    Raises ArticleError where a field that must be right is wrong.
    """
    fields, options, page = file.fields, file.options, find_page(file, published)
    body = make_body(file, page)
    summary = read_summary(fields, page.title, body)
    article = Article(
        id=identity(file),
        slug=page.name.slug,
        title=cut(page.title, limits.MAX_TITLE),
        summary=summary,
        content_html=add_actions(fields, body.html, summary),
        url=page.url,
        published=published.astimezone(UTC),
        updated=max(published, updated or published).astimezone(UTC),
        language=fields.read_or_warn("language", read_language, ""),
        provider=fields.read_or_warn("provider", lambda node: read_provider(fields, node), None),
        authors=find_authors(fields),
        topics=read_topics(fields),
        categories=page.name.categories,
        images=find_images(file, page.own),
        related=find_related(file, page.url),
        player_url=fields.read_or_warn("featured", lambda node: frame_url(as_text(node) or ""), ""),
        duration=fields.read_or_warn("length", read_duration, None),
        quality=fields.read_or_warn("quality", as_number, None),
        heat=fields.read_or_warn("heat", as_number, None),
    )
    warn_about_texts(fields, article)
    warn_about_addresses(fields, article, options.base_url)
    if not page.is_stated:
        message = "no address: the file's path stands in; give it a url, or set source.permalink"
        fields.warn("no-address", message, level="info")
    return article


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


def identity(file: ArticleFile) -> str:
    """Return the article's id: its own, else a tag URI of its path in the collection (RFC 4151).

    Never the address, title or date: the same file moves between publishers and back. A page bundle
    has the id of a file that bears its folder's name.
    """
    own = file.fields.read_or_reject("id", partial(as_text, limit=limits.MAX_ADDRESS)) or ""
    own = one_line(own)
    if _IRI.fullmatch(own):
        return own
    return tag_uri(file.options.authority, own or file.path.id_path)


def page_url(file: ArticleFile, name: PageName) -> str:
    """Return the address of the article's own page: the one it names, else the pattern's.

    Without either it is that of the file's path, or "" where that is too long to be used.
    """

    def on_site(address: str) -> str:
        # Addresses of pages start at the site's base, whatever its path.
        base = "" if _WHOLE_ADDRESS.match(address) else file.options.base_url.rstrip("/")
        return absolute_url(base + address)

    own = file.fields.read_or_warn("page_url", read_short_text, "")
    own = "" if own in ("false", "true") else own
    message = "the permalink gives no usable address; the default is used: write the whole address"
    if _TO_BE_FILLED.search(own):
        file.fields.warn_about("page_url", "bad-permalink", message)
        own = ""
    if own and not _WHOLE_ADDRESS.match(own):
        own = f"/{own.lstrip('/')}"
    pattern = file.pattern
    for address in (own, page_address(name, pattern) if pattern else "", default_address(name)):
        try:
            if address:
                return on_site(address)
        except UrlError:
            file.fields.warn_about("page_url", "bad-permalink", message)
    return ""


def read_summary(fields: Fields, title: str, body: Body) -> str:
    """Return the file's summary, else what stands before a `more` sign, else one paragraph."""
    own = fields.read_or_warn("summary", read_text, "")
    if own and label_key(own) != label_key(title):
        return cut(mark_end(own), limits.MAX_SUMMARY)
    text = cut(body.opening, limits.MAX_SUMMARY) or first_text(body.html)
    return "" if label_key(text) == label_key(title) else text


def add_actions(fields: Fields, html: str, summary: str) -> str:
    """Return the body with a link for each action behind it."""
    none: tuple[tuple[str, str], ...] = ()
    actions = fields.read_or_warn("actions", lambda node: read_actions(fields, node), none)
    links = [f'<p><a href="{escape(url)}">{escape(text)}</a></p>' for url, text in actions]
    if links and not html and summary:
        html = f"<p>{escape(summary, quote=False)}</p>"
    return "\n".join(filter(None, (html, *links)))


def mark_end(summary: str) -> str:
    """Return a summary with an ellipsis if the program that wrote it cut it within a sentence.

    That is where it has whole sentences before, or ends with a comma; an address is no sentence.
    """
    last = summary.rpartition(" ")[2]
    is_cut = last[-1] in ",;" or (last[-1].isalnum() and bool(_SENTENCE_END.search(summary)))
    return (
        f"{summary.rstrip(' ,;')}…" if is_cut and "/" not in last and "=" not in last else summary
    )


def make_body(file: ArticleFile, page: Page) -> Body:
    """Return the text of the file as HTML."""
    if not page.text.strip():
        return Body("")
    return read_body(
        page.text,
        base=page.base,
        is_markdown=file.is_markdown,
        key=identity(file),
        title=page.title,
        link_of=partial(link_of, file),
    )


def link_of(file: ArticleFile, link: str) -> str | None:
    """Return the address of the article to whose file a body links, "" where none is published.

    None is for every other link.
    """
    match = _ARTICLE_LINK.fullmatch(link)
    if not match or file.links is None:
        return None
    path = posixpath.normpath("/".join((*file.path.folders, unquote(match[1]))))
    url = "" if path.startswith("../") else file.links.address(path)
    if not url:
        line = file.body_line + file.body.count("\n", 0, max(0, file.body.find(link)))
        message = "the link leads to a file without a published article; its words stay"
        file.fields.warn("no-such-article", message, line)
        return ""
    return url.partition("#")[0] + match[2]


def split_heading(file: ArticleFile, text: str) -> tuple[str, str]:
    """Return the text of the heading of the first level that begins a body, and what follows it.

    The heading is "" where there is none.
    """
    match = (_HEADING if file.is_markdown else _HTML_HEADING).match(text)
    if not match:
        return "", text
    heading = read_body(match[0], base="", is_markdown=file.is_markdown)
    return one_line(all_text(heading.html)), text[match.end() :]


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


def read_categories(fields: Fields) -> tuple[str, ...]:
    """Return the categories of the file, each once."""
    return labels_of(fields, "categories", "category", "categories")


def read_topics(fields: Fields) -> tuple[str, ...]:
    """Return the topics of the file, then its tags, each once."""
    return labels_of(fields, "topics", "topics", "tag", "tags")


def labels_of(fields: Fields, noun: str, *names: str) -> tuple[str, ...]:
    """Return the labels of some fields, each once, as many as are allowed."""
    labels: list[str] = []
    for name in names:
        labels += fields.read_or_warn(name, read_labels, ())
    return fields.at_most(limits.MAX_LABELS, unique_labels(labels), noun, *names)


def find_authors(fields: Fields) -> tuple[Author, ...]:
    """Return the authors that the file names, else those that its publisher names."""

    def read(fields: Fields) -> tuple[Author, ...]:
        none: tuple[Author, ...] = ()
        return fields.read_or_warn(
            "authors", lambda node: read_authors(fields, node, several=True), none
        ) or fields.read_or_warn("author", lambda node: read_authors(fields, node), none)

    provider = fields.node("provider")
    own = read(fields)
    return own or (read(fields.nested(provider)) if isinstance(provider, Mapping) else ())


def find_images(file: ArticleFile, page: str) -> tuple[Image, ...]:
    """Return the images of the list, or else the one cover."""
    fields = file.fields

    def read_address(node: Node) -> str:
        """Read an address, resolved on the site's base, or on the page for `./` and bundles."""
        text = (as_text(node) or "").strip()
        if not text or _WHOLE_ADDRESS.match(text):
            return address_reader("")(node)
        message = "the address is relative; it is taken to lie on the site itself"
        fields.warn("relative-image", message, node.line, node.column, "info")
        if text.startswith(".") or (file.path.is_index and not text.startswith("/")):
            return address_reader(page)(node)
        rooted = Scalar(f"/{text.lstrip('/')}", node.line, node.column, plain=False)
        return address_reader(file.options.base_url, rooted=True)(rooted)

    def read(node: Node) -> tuple[Image, ...]:
        return read_images(fields, node, read_address)

    return fields.read_or_warn("images", read, ()) or fields.read_or_warn("image", read, ())


def find_related(file: ArticleFile, own_url: str) -> tuple[Related, ...]:
    """Return the related articles, without the article itself."""

    def read(node: Node) -> tuple[Related, ...]:
        return read_related(file.fields, node, own_url, file.options.zone)

    return file.fields.read_or_warn("related", read, ())


def read_language(node: Node) -> str:
    """Read a language tag (RFC 5646); an underscore counts as a hyphen."""
    tag = (as_text(node, limits.MAX_WORD) or "").strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        message = "the language is not a tag such as en or en-US"
        raise node_error(node, "bad-language", message)
    return tag


def warn_about_texts(fields: Fields, article: Article) -> None:
    """Warn about a title or summary that is published but says little."""
    for field in ("title", "summary"):
        text: str = getattr(article, field)
        if unescape_once(text) != text:
            message = "an entity is left after decoding twice: write the character itself"
            fields.warn_about(field, "entity-left", message)
    key = label_key(article.summary)
    if not key:
        fields.warn_about("summary", "no-summary", "there is no summary: add an excerpt")
    elif key in _PLACEHOLDERS:
        message = "the summary was never written: write one sentence"
        fields.warn_about("summary", "placeholder-summary", message)


def warn_about_addresses(fields: Fields, article: Article, base_url: str) -> None:
    """Warn about addresses that browsers may refuse; those under `base_url` are the site's own."""
    message = "the address begins with http: and browsers may refuse it: use https"
    for field in ("web_url", "canonical_url", "original_url"):
        node = fields.node(field)
        if isinstance(node, Scalar) and node.text.strip().lower().startswith("http:"):
            fields.warn_about(field, "http-url", message)
    if any(i.url.startswith("http:") and not i.url.startswith(base_url) for i in article.images):
        field = "images" if fields.node("images") else "image"
        fields.warn_about(field, "http-url", message)
