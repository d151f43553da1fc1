"""HTML pages: what their head says of them, and where their text is."""

from __future__ import annotations

import copy
import html
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, cast

from lxml import etree
from msgspec import Struct

from feedhub.errors import ArticleError
from feedhub.messages.tags import language_or_none
from feedhub.text import one_line

Element = etree._Element

# They often hold more than the text.
UNSURE_CONTAINERS = ("#content", ".content", "#main")
# Where the text of an article is, the surest first.
CONTAINERS = (
    "[itemprop=articleBody]",
    ".e-content",
    ".post-content",
    ".entry-content",
    ".article-content",
    ".post-body",
    ".prose",
    ".markdown",
    ".md-content__inner",
    "article",
    "main",
    "[role=main]",
    *UNSURE_CONTAINERS,
)
# What stands inside it and is no part of the text.
FURNITURE = (
    *("nav", "aside", "footer", "script", "style", "form", "button", "template", "dialog"),
    *("[role=navigation]", "[role=search]", "[hidden]", ".sr-only", ".visually-hidden"),
    *("#comments", ".comments", "#disqus_thread", ".giscus", ".utterances"),
    *(".headerlink", ".heading-anchor", ".header-anchor", ".hash-link", ".anchor-link"),
    *("a.anchor", "a.markdownIt-Anchor", ":is(h1, h2, h3, h4, h5, h6) > a[aria-hidden=true]"),
    *(".toc", "#toc", "#TOC", ".table-of-contents", "[class*=share-buttons]"),
    *(".post-nav", ".post-navigation", ".pagination", ".pagination-nav", ".related-posts"),
    *(".post-meta", ".post-header", ".entry-header", ".theme-doc-breadcrumbs"),
)
# An article may be a picture or a player alone.
_SEEN_WITHOUT_TEXT = ("img", "video", "audio", "iframe", "embed", "object")
# `feedhub:NAME` in a meta element says what HTML has no place for.
META_PREFIX = "feedhub:"
_REFRESH = re.compile(r"\s*+(?:\d++\s*+)?+[;,]\s*+url\s*+=\s*+['\"]?+([^'\"]+)", re.IGNORECASE)


class PageFacts(Struct, frozen=True, array_like=True, omit_defaults=True):
    """What the head of a page says: texts are "" where it says nothing; addresses as written.

    `refresh` is where the page sends the reader at once; `meta` has what `feedhub:` elements say.
    `text_length` is how many characters the paragraphs of the page have.
    """

    language: str = ""
    image: str = ""
    canonical: str = ""
    refresh: str = ""
    noindex: bool = False
    meta: tuple[tuple[str, str], ...] = ()
    text_length: int = 0


class PageMemory(Struct, frozen=True, array_like=True):
    """What is known of a page as it was with this `status`: the hash of its bytes, and its head.

    The status is "" for a page that must be read again though nothing seems to have changed.
    """

    status: str = ""
    hash: bytes = b""
    facts: PageFacts = PageFacts()


def parse_page(data: bytes) -> Element | None:
    """Return the root of an HTML page, or None where there is nothing to parse.

    It is UTF-8 if it can be, else what it says or, failing that, Latin-1.
    """
    try:
        data.decode()
        encoding: str | None = "utf-8"
    except UnicodeDecodeError:
        encoding = None
    parser = etree.HTMLParser(encoding=encoding, remove_comments=True, remove_pis=True)
    return cast("Element | None", etree.fromstring(data, parser))


def facts_of(root: Element | None) -> PageFacts:
    """Return what the head of a page says."""
    if root is None:
        return PageFacts()
    metas = [
        (
            (meta.get("name") or meta.get("property") or meta.get("http-equiv") or "").lower(),
            meta.get("content", "").strip(),
        )
        for meta in root.iter("meta")
    ]
    named = dict(reversed(metas))
    refresh = _REFRESH.match(named.get("refresh", ""))
    return PageFacts(
        language=language_or_none(
            root.get("lang") or root.get("xml:lang") or named.get("og:locale", "")
        ),
        image=named.get("og:image", "") or named.get("og:image:url", ""),
        canonical=next((link.get("href", "") for link in links_of(root, "canonical")), ""),
        refresh=refresh[1].strip() if refresh else "",
        noindex="noindex" in f"{named.get('robots', '')},{named.get('googlebot', '')}".lower(),
        meta=tuple(
            (name.removeprefix(META_PREFIX), text)
            for name, text in metas
            if name.startswith(META_PREFIX)
        ),
        text_length=sum(len(text_of(paragraph)) for paragraph in root.iter("p")),
    )


def links_of(root: Element, relation: str) -> Iterator[Element]:
    """Yield the `link` elements of a relation that have an address."""
    for link in root.iter("link"):
        if relation in link.get("rel", "").lower().split() and link.get("href", "").strip():
            yield link


@lru_cache(maxsize=256)
def compile_selector(selector: str) -> Any:
    """Return a CSS selector that finds elements of HTML; raises ValueError where it is none."""
    from lxml.cssselect import CSSSelector  # a source of a feed with full text needs none

    try:
        return CSSSelector(selector, translator="html")
    except Exception as error:  # cssselect has errors of its own, lxml others
        raise ValueError(f"it is no CSS selector: {one_line(str(error))}") from None


def select(root: Element, selectors: Iterable[str]) -> Iterator[Element]:
    """Yield the elements that one of the selectors finds, in order of selectors."""
    for selector in selectors:
        yield from compile_selector(selector)(root)


def article_html(
    root: Element | None, *, selector: str, remove: tuple[str, ...], title: str
) -> str:
    """Return the HTML of a page's text, without what stands around and inside it.

    `selector` finds it where it is not "", `remove` what else is no part of it; a first heading
    that repeats the `title` goes too. Raises ArticleError where there is no text.
    """
    container = None if root is None else find_container(root, selector)
    if container is None:
        raise ArticleError("no-text", no_text_message(root, selector))
    container = copy.deepcopy(container)
    container.tail = None
    for element in list(select(container, (*FURNITURE, *remove))):
        drop(element)
    heading = next(container.iter("h1"), None)
    if heading is not None and text_of(heading) == title:
        drop(heading)
    if not text_of(container) and next(container.iter(*_SEEN_WITHOUT_TEXT), None) is None:
        raise ArticleError("no-text", no_text_message(root, selector))
    inner = [html.escape(container.text or "", quote=False)]
    inner += [etree.tostring(child, method="html", encoding="unicode") for child in container]
    return "".join(inner).strip()


def find_container(root: Element, selector: str) -> Element | None:
    """Return the element with the text: of several that one selector finds, the longest."""
    for css in [selector] if selector else CONTAINERS:
        found = compile_selector(css)(root)
        if found:
            return cast(Element, max(found, key=lambda element: len(text_of(element))))
    return None


def unsure_container(root: Element | None) -> str:
    """Return the usual element in which a text is found if it may hold more than that, or ""."""
    if root is None:
        return ""
    first = next((css for css in CONTAINERS if compile_selector(css)(root)), "")
    return first if first in UNSURE_CONTAINERS else ""


def no_text_message(root: Element | None, selector: str) -> str:
    """Return why a page has no text, and what to do."""
    if selector:
        return "source.article finds no text here: has the theme changed?"
    seen = [css for css in CONTAINERS if root is not None and compile_selector(css)(root)]
    found = f"only {', '.join(seen)}, without text" if seen else "none of the usual elements"
    return f"no text of an article is found ({found}): set source.article to its CSS selector"


def drop(element: Element) -> None:
    """Remove an element, but not the text behind it."""
    parent = element.getparent()
    if parent is None:
        return
    tail, before = element.tail or "", element.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def text_of(element: Element) -> str:
    """Return the text of an element on one line."""
    return one_line("".join(map(str, element.itertext())))
