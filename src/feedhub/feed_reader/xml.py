"""XML as feeds have it: parsed strictly, else repaired; the texts and addresses of its elements."""

from __future__ import annotations

import copy
import html
import re
from html.entities import html5
from typing import Any, cast
from urllib.parse import urljoin

from lxml import etree

from feedhub.feed_reader.records import FeedReadError, Markup
from feedhub.messages.tags import language_or_none
from feedhub.text import one_line

Element = etree._Element

ATOM = "{http://www.w3.org/2005/Atom}"
XHTML = "{http://www.w3.org/1999/xhtml}"
_XML_LANG, _XML_BASE = "{http://www.w3.org/XML/1998/namespace}lang", "xml:base"
# An ampersand, and the entity that it begins, if it begins one.
_AMPERSAND = re.compile(
    rb"&(?:([A-Za-z][A-Za-z0-9]{1,31});|(?!#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};))"
)
_XML_ENTITIES = (b"amp", b"lt", b"gt", b"quot", b"apos")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_END = re.compile(
    rb"</(?:[A-Za-z][\w.-]*:)?(?:rss|feed|RDF|rdf)\s*>(?:\s++|<!--(?:(?!--).)*+-->)*+\Z", re.DOTALL
)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^<>\[]*+(?:\[[^\[\]]*+\]\s*+)?+>", re.IGNORECASE)
# Where to look for a document type: before the first element.
_HEAD_BYTES = 4096


def parse_xml(data: bytes) -> Element:
    """Return the root of an XML document; no entity is expanded, nothing else is fetched.

    A document that is not well-formed is repaired, but one that ends early is refused: it may be
    half written. Raises FeedReadError.
    """
    data = data.lstrip()
    if _DOCTYPE.search(data, 0, _HEAD_BYTES):
        # Entities that it names are those of HTML (RSS 0.91); what it defines is not trusted.
        data = name_no_entities(_DOCTYPE.sub(b"", data, count=1))
    try:
        root = _parse(data)
    except etree.XMLSyntaxError as error:
        reason, line = f"is not well-formed: {one_line(str(error.msg))}", error.lineno or 1
        if not _END.search(data, max(0, len(data) - _HEAD_BYTES)):
            raise FeedReadError(f"{reason}; it ends early", line) from None
        root = _parse(_CONTROLS.sub(b"", name_no_entities(data)), recover=True)
        if root is None:
            raise FeedReadError(reason, line) from None
    return cast(Element, root)


def _parse(data: bytes, *, recover: bool = False) -> Any:  # None where nothing can be repaired
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        recover=recover,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(data, parser)


def name_no_entities(data: bytes) -> bytes:
    """Return XML with the entities of HTML as numbers, and all others as the text they are.

    XML knows only five by name. In a CDATA section HTML means the same before and after.
    """

    def rewrite(match: re.Match[bytes]) -> bytes:
        name = match[1] or b""
        if name in _XML_ENTITIES:
            return match[0]
        text = html5.get(f"{name.decode()};", "")
        return "".join(f"&#{ord(char)};" for char in text).encode() or b"&amp;" + match[0][1:]

    return _AMPERSAND.sub(rewrite, data)


def text_of(element: Element | None) -> str:
    """Return the text of an element with that of everything inside, without space around it."""
    return "" if element is None else "".join(map(str, element.itertext())).strip()


def base_of(element: Element, address: str) -> str:
    """Return the base that `xml:base` states for an element, absolute if `address` is, or ""."""
    base = element.base or ""
    return join(address, base) if base else ""


def self_address(channel: Element, address: str) -> str:
    """Return where a feed says that it is, by its link to itself, else `address`."""
    for link in channel.findall(f"{ATOM}link"):
        if link.get("rel") == "self" and (href := link.get("href", "").strip()):
            return join(base_of(link, address) or address, href)
    return address


def language_of(element: Element) -> str:
    """Return the language of an element by its nearest `xml:lang`, or ""."""
    for ancestor in (element, *element.iterancestors()):
        if language := ancestor.get(_XML_LANG):
            return language_or_none(language)
    return ""


def inner_markup(element: Element, address: str, *, xhtml: bool = False) -> Markup:
    """Return the content of an element as HTML: escaped text, or elements if there are any.

    With `xhtml` text is text even where no element stands beside it.
    """
    text = element.text or ""
    parts = [html.escape(text, quote=False) if xhtml or len(element) else text]
    for child in element:
        child = copy.deepcopy(child)  # a copy has no namespaces of its parents
        for inner in child.iter(f"{XHTML}*"):
            name = str(inner.tag).removeprefix(XHTML)
            # Not every name can be given to an element; those of HTML can.
            inner.tag = name if name.isidentifier() else "span"
        etree.cleanup_namespaces(child)
        parts.append(etree.tostring(child, method="html", encoding="unicode"))
    return Markup(html="".join(parts).strip(), base=base_of(element, address))


def text_of_html(markup: str) -> str:
    """Return the text of a short piece of HTML on one line."""
    if "<" in markup:
        root = etree.fromstring(f"<div>{markup}</div>", etree.HTMLParser())
        markup = "".join(map(str, root.itertext())) if root is not None else ""
        return one_line(markup)
    return one_line(html.unescape(markup))


def join(base: str, address: str) -> str:
    """Return an address resolved on a base, as it stands if that cannot be done."""
    try:
        return urljoin(base, address) if base else address
    except ValueError:
        return address
