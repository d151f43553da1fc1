"""Sitemaps: which pages there are and when each changed, for crawlers (sitemaps.org)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from lxml.etree import Element, SubElement, tostring

from feedhub.article import Article
from feedhub.dates import format_rfc3339

NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"

# Of news, search engines read the last two days, and so many articles (Google's news sitemaps).
NEWS_NAMESPACE = "http://www.google.com/schemas/sitemap-news/0.9"
MAX_NEWS, NEWS_DAYS = 1_000, timedelta(days=2)


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


def encode_news(articles: Sequence[Article], publication: str, language: str) -> bytes:
    """Return the sitemap of the articles of the last two days before the newest of them.

    Not before today: no document contains the clock, and engines leave out what is old.
    """
    nsmap: dict[str | None, str] = {None: NAMESPACE, "news": NEWS_NAMESPACE}
    root = Element(f"{{{NAMESPACE}}}urlset", nsmap=nsmap)  # type: ignore[arg-type]
    newest = max((article.published for article in articles), default=None)
    for article in articles:
        if newest is None or article.published <= newest - NEWS_DAYS:
            continue
        row = SubElement(root, f"{{{NAMESPACE}}}url")
        SubElement(row, f"{{{NAMESPACE}}}loc").text = article.url
        news = SubElement(row, f"{{{NEWS_NAMESPACE}}}news")
        source = SubElement(news, f"{{{NEWS_NAMESPACE}}}publication")
        SubElement(source, f"{{{NEWS_NAMESPACE}}}name").text = publication
        tag = news_language(article.language or language)
        SubElement(source, f"{{{NEWS_NAMESPACE}}}language").text = tag
        date = format_rfc3339(article.published)
        SubElement(news, f"{{{NEWS_NAMESPACE}}}publication_date").text = date
        SubElement(news, f"{{{NEWS_NAMESPACE}}}title").text = article.title
    declaration = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + tostring(root, encoding="UTF-8", xml_declaration=False, pretty_print=True)


def news_language(tag: str) -> str:
    """Return the language of a tag as ISO 639 has it; of Chinese, the script counts too."""
    language, *rest = tag.lower().split("-")
    if language != "zh":
        return language
    return "zh-tw" if {"tw", "hk", "mo", "hant"} & set(rest) else "zh-cn"
