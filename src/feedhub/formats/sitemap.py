"""Sitemaps: which pages there are and when each changed, for crawlers (sitemaps.org)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from lxml.etree import Element, SubElement, tostring

from feedhub.dates import format_rfc3339

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def encode(pages: Iterable[tuple[str, datetime]]) -> bytes:
    """Return the sitemap of pages, given as absolute addresses with the time of their change."""
    return encode_rows("urlset", "url", pages)


def encode_index(sitemaps: Iterable[tuple[str, datetime]]) -> bytes:
    """Return the list of several sitemaps, given like pages."""
    return encode_rows("sitemapindex", "sitemap", sitemaps)


def encode_rows(name: str, each: str, rows: Iterable[tuple[str, datetime]]) -> bytes:
    """Return a document of elements named `each`, given as absolute addresses with their times."""
    nsmap: dict[None, str] = {None: NAMESPACE}
    root = Element(f"{{{NAMESPACE}}}{name}", nsmap=nsmap)  # type: ignore[arg-type]
    for url, changed_at in rows:
        row = SubElement(root, f"{{{NAMESPACE}}}{each}")
        SubElement(row, f"{{{NAMESPACE}}}loc").text = url
        SubElement(row, f"{{{NAMESPACE}}}lastmod").text = format_rfc3339(changed_at)
    # lxml would write the declaration with single quotes.
    declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + tostring(root, encoding="UTF-8", xml_declaration=False, pretty_print=True)
