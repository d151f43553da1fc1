"""Rules of both the Atom and the RSS judge: strict parsing, addresses, dates, namespaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
MEDIA = "http://search.yahoo.com/mrss/"

T = TypeVar("T")

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_HTTP = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+([/?#].*)?", re.DOTALL)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def parsed(document: bytes) -> etree._Element:
    """Return the root element; AssertionError if the bytes are not a plain UTF-8 XML document."""
    assert document.startswith(b"<?xml"), "the document begins with something else than <?xml"
    assert b"<!DOCTYPE" not in document, "the document has a DOCTYPE"
    document.decode("utf-8")
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(document, parser)
    assert (root.getroottree().docinfo.encoding or "UTF-8").upper() == "UTF-8"
    return root


def namespace(element: etree._Element) -> str:
    """Return the namespace of an element, "" for none."""
    return etree.QName(element).namespace or ""


def local(element: etree._Element) -> str:
    """Return an element's name without its namespace."""
    return etree.QName(element).localname


def path_of(element: etree._Element) -> str:
    """Return the line and name of an element, for a message."""
    return f"line {element.sourceline} <{local(element)}>"


def text(element: etree._Element | None) -> str:
    """Return an element's text, "" for none."""
    return "" if element is None or element.text is None else element.text


def is_uri(value: str) -> bool:
    """Tell whether the value is an absolute URI in ASCII, properly percent-encoded (RFC 3986)."""
    return bool(_URI.fullmatch(value)) and not _BAD_PERCENT.search(value)


def is_http(value: str) -> bool:
    """Tell whether the value is an absolute http(s) URI."""
    return is_uri(value) and bool(_HTTP.fullmatch(value))


def rfc3339(value: str) -> datetime | None:
    """Return the moment, or None if this is not RFC 3339 with upper-case T and Z."""
    if not _RFC3339.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def repeated(values: Iterable[T]) -> Iterator[T]:
    """Yield each value that occurs more than once."""
    yield from (value for value, times in Counter(values).items() if times > 1)
