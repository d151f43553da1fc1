"""The article of a file that may be shown, made from its fields, its path and its body."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from html import escape
from urllib.parse import unquote

from feedhub import limits
from feedhub.article import Article, Author, Image
from feedhub.errors import ArticleError
from feedhub.messages.tags import parse_language
from feedhub.sources.article_page import WHOLE_ADDRESS, ArticleFile, Page, find_page, labels_of
from feedhub.sources.article_path import id_of_path, tag_uri
from feedhub.sources.bodies import Body, frame_url, read_body
from feedhub.sources.fields import Fields
from feedhub.sources.file_rules import is_asset
from feedhub.sources.media import find_media
from feedhub.sources.tree import Mapping, Node, Scalar, as_number, as_text, node_error
from feedhub.sources.urls import audio_or_video_type
from feedhub.sources.values import (
    address_reader,
    read_actions,
    read_authors,
    read_duration,
    read_images,
    read_provider,
    read_related,
    read_text,
)
from feedhub.text import cut, label_key, one_line, same_label, unescape_once

_IRI = re.compile(r"[a-z][a-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
# A link to the file of another article, and the place in it.
_ARTICLE_LINK = re.compile(
    r"(?![A-Za-z][A-Za-z0-9+.-]*:|/)([^?#]+\.(?:md|markdown))(#.*|)", re.IGNORECASE | re.DOTALL
)
# A relative address of a file beside the article.
_FILE_LINK = re.compile(r"(?![A-Za-z][A-Za-z0-9+.-]*:|/)([^?#]+)", re.DOTALL)
_SENTENCE_ENDS = frozenset(("", *".!?\u2026\u3002\uff01\uff1f"))
_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f][\"'\u2019\u201d)]?\s")
# People leave out the last full stop of less.
MIN_CUT = 120
_TYPES = {
    **dict.fromkeys(("audio", "podcast", "episode"), "audio"),
    **dict.fromkeys(("video", "videos", "screencast"), "video"),
    **dict.fromkeys(("course", "courses"), "course"),
}
# What stays in a summary that was never written.
_PLACEHOLDERS = frozenset({"placeholder", "placeholder.", "todo", "tbd"})


def make_article(file: ArticleFile, published: datetime, updated: datetime | None) -> Article:
    """Return the article of a file that the gate lets through.

    Raises ArticleError where a field that must be right is wrong.
    """
    fields, options, page = file.fields, file.options, find_page(file, published)
    body = make_body(file, page)
    summary = read_summary(fields, page.title, body)
    read_address = file_address_reader(file, page.own)
    images = find_images(fields, read_address)
    media = find_media(fields, read_address, images)
    player = fields.read_or_warn("featured", lambda node: frame_url(as_text(node) or ""), "")
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
        provider=fields.read_or_warn(
            "provider", lambda node: read_provider(fields, node, picture=True), None
        ),
        authors=find_authors(fields),
        topics=labels_of(fields, "topics", "topics", "tag", "tags"),
        categories=page.name.categories,
        images=tuple(image for image in images if not audio_or_video_type(image.url)),
        media=media,
        related=fields.read_or_warn(
            "related", lambda node: read_related(fields, node, page.url, options.zone), ()
        ),
        type=read_type(fields.node("type")),
        player_url=player,
        duration=None
        if media and not player
        else fields.read_or_warn("length", read_duration, None),
        quality=fields.read_or_warn("quality", as_number, None),
        heat=fields.read_or_warn("heat", as_number, None),
    )
    warn_about_texts(fields, article)
    warn_about_addresses(fields, article, options.base_url)
    if not page.is_stated:
        message = "no address: the file's path stands in; give it a url, or set source.permalink"
        fields.warn("no-address", message, level="info")
    return article


def identity(file: ArticleFile) -> str:
    """Return the article's id: its own, else a tag URI of its path in the collection (RFC 4151).

    Never the address, title or date: the same file moves between publishers and back. A page bundle
    has the id of a file that bears its folder's name.
    """
    own = file.fields.read_or_reject("id", partial(as_text, limit=limits.MAX_ADDRESS)) or ""
    own = one_line(own)
    if _IRI.fullmatch(own):
        return own
    authority = file.options.authority
    return tag_uri(authority, own) if own else id_of_path(authority, file.path)


def read_summary(fields: Fields, title: str, body: Body) -> str:
    """Return the file's summary, else what stands before a `more` sign, else one paragraph."""
    own = fields.read_or_warn("summary", read_text, "")
    if own and not same_label(own, title):
        return cut(mark_end(own, body.first_text), limits.MAX_SUMMARY)
    text = cut(body.opening, limits.MAX_SUMMARY) or body.first_text
    return "" if same_label(text, title) else text


def add_actions(fields: Fields, html: str, summary: str) -> str:
    """Return the body with a link for each action behind it."""
    none: tuple[tuple[str, str], ...] = ()
    actions = fields.read_or_warn("actions", lambda node: read_actions(fields, node), none)
    links = [f'<p><a href="{escape(url)}">{escape(text)}</a></p>' for url, text in actions]
    if links and not html and summary:
        html = f"<p>{escape(summary, quote=False)}</p>"
    return "\n".join(filter(None, (html, *links)))


def mark_end(summary: str, first_text: str) -> str:
    """Return a summary with an ellipsis if the program that wrote it cut it within a sentence.

    That is where it ends with a comma, where the body goes on with the sentence, or where it is as
    long as programs make them and has whole sentences before; an address is no sentence.
    """
    last = summary.rpartition(" ")[2]
    following = first_text.removeprefix(summary)[:1] if first_text.startswith(summary) else ""
    goes_on = following not in _SENTENCE_ENDS
    is_long = len(summary) >= MIN_CUT and bool(_SENTENCE_END.search(summary))
    is_cut = last[-1] in ",;" or (last[-1].isalnum() and (goes_on or is_long))
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
        asset_of=partial(asset_in_body, file),
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


def asset_of(file: ArticleFile, link: str) -> str | None:
    """Return the address of a picture, audio or video of the source, "" where it is not there.

    None is for every other address, and where the site serves no files of the source. Raises
    ArticleError for a file that may not be copied.
    """
    if file.links is None or not file.options.assets or not (match := _FILE_LINK.match(link)):
        return None
    path = posixpath.normpath("/".join((*file.path.folders, unquote(match[1].strip()))))
    if not is_asset(path):
        return None
    # What a scan passes over, or is outside, is nothing that readers may see.
    is_hidden = path.startswith(".") or "/." in path
    return "" if is_hidden else file.links.asset(path, file.options.assets)


def asset_in_body(file: ArticleFile, link: str) -> str:
    """Return the address of a file that a body shows, or "" where its address is not of one."""
    code = "no-such-file"
    message = "there is no such file beside the article: correct its name, or add it"
    try:
        url = asset_of(file, link)
    except ArticleError as error:
        url, code, message = "", error.code, str(error)
    if url == "":
        line = file.body_line + file.body.count("\n", 0, max(0, file.body.find(link)))
        # A repair may look at an address more than once.
        if all((known.code, known.line) != (code, line) for known in file.fields.problems):
            file.fields.warn(code, message, line)
    return url or ""


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


def file_address_reader(file: ArticleFile, page: str) -> Callable[[Node], str]:
    """Return a reader of the addresses of images, audio and video.

    They are resolved on the site's base, or on the page for `./` and bundles.
    """
    fields = file.fields

    def read(node: Node) -> str:
        text = (as_text(node) or "").strip()
        if not text or WHOLE_ADDRESS.match(text):
            return address_reader("")(node)
        url = None
        try:
            if url := asset_of(file, text):
                return url
        except ArticleError as error:
            fields.warn(error.code, str(error), node.line, node.column)
        if url == "":
            message = "there is no such file beside the article: correct its name, or add it"
            fields.warn("no-such-file", message, node.line, node.column)
        message = "the address is relative; it is taken to lie on the site itself"
        fields.warn("relative-image", message, node.line, node.column, "info")
        if text.startswith(".") or (file.path.is_index and not text.startswith("/")):
            return address_reader(page)(node)
        rooted = Scalar(f"/{text.lstrip('/')}", node.line, node.column, plain=False)
        return address_reader(file.options.base_url, rooted=True)(rooted)

    return read


def find_images(fields: Fields, read_address: Callable[[Node], str]) -> tuple[Image, ...]:
    """Return the images of the list, or else the one cover."""

    def read(node: Node) -> tuple[Image, ...]:
        return read_images(fields, node, read_address)

    return fields.read_or_warn("images", read, ()) or fields.read_or_warn("image", read, ())


def read_language(node: Node) -> str:
    """Read a tag of registered parts (RFC 5646, 2.2.9), or the name of a language."""
    try:
        return parse_language(as_text(node, limits.MAX_WORD) or "")
    except ValueError:
        message = "the language is neither a registered tag such as en or en-US "
        message += "nor a name such as German"
        raise node_error(node, "bad-language", message) from None


def read_type(node: Node | None) -> str:
    """Return what a person does not read, or "": `type` may also name a template of a generator."""
    return _TYPES.get(label_key(node.text), "") if isinstance(node, Scalar) else ""


def warn_about_texts(fields: Fields, article: Article) -> None:
    """Warn about a title or summary that is published but says little."""
    for field in ("title", "summary"):
        text: str = getattr(article, field)
        if unescape_once(text) != text:
            message = "an entity is left after decoding twice: write the character itself"
            fields.warn_about(field, "entity-left", message)
    if not article.summary:
        fields.warn_about("summary", "no-summary", "there is no summary: add an excerpt")
    elif len(article.summary) < 99 and label_key(article.summary) in _PLACEHOLDERS:
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
