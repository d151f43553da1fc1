"""Generated articles converted to the input of other generators, before any time is measured.

Each generator gets its labels where it expects them, and the text as finished HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class BenchArticle(NamedTuple):
    """A generated article: its front matter as in the file, and the values that generators need.

    `topics` and `provider` are names, `images` are URLs with media types, `html` is the text.
    """

    stem: str
    matter: str
    title: str
    summary: str
    url: str
    date: str
    topics: list[str]
    provider: str
    domain: str
    images: list[tuple[str, str]]
    html: str


def read_articles(articles: Path, loader: type = yaml.CBaseLoader) -> Iterator[BenchArticle]:
    """Yield the articles of a folder in order of name; the YAML `loader` must keep values text."""
    for path in sorted(articles.iterdir()):
        matter = path.read_text(encoding="utf-8").split("---\n", 2)[1]
        fields = yaml.load(matter, Loader=loader)  # noqa: S506 - base loaders construct only text
        yield BenchArticle(
            stem=path.stem,
            matter=matter,
            title=fields["title"],
            summary=fields["excerpt"],
            url=fields["webUrl"],
            date=fields["publishedDateTime"],
            topics=fields["topics"],
            provider=fields["provider"]["name"],
            domain=fields["provider"]["domain"],
            images=[(image["url"], media_type(image["url"])) for image in fields.get("images", ())],
            html=article_html(fields),
        )


def slug(name: str) -> str:
    """Return a label as part of a URL."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def as_post(article: BenchArticle, **fields: object) -> str:
    """Return an article as Jekyll and Eleventy read it; `fields` are added to its front matter.

    Both write a page of each article and link to it, so the page gets the path of the article's
    URL below the base URL.
    """
    page = "/" + article.url.partition("://")[2]
    added = {"date": article.date, "permalink": page, **fields}
    lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in added.items())
    # Jekyll would add `category` to its categories.
    matter = re.sub(r"^category:.*\n", "", article.matter, flags=re.M)
    return f"---\n{matter}{lines}---\n{article.html}\n"


def as_html(article: BenchArticle) -> str:
    """Return an article as HTML for Pelican: everything but the text is in the head."""
    metadata = {
        "date": article.date,
        "url": article.url,
        "category": article.provider,
        "tags": ", ".join(article.topics),
        "summary": article.summary,
    }
    metas = "".join(f'<meta name="{n}" content="{escape(v)}">\n' for n, v in metadata.items())
    title = f"<title>{escape(article.title)}</title>\n"
    return f"<html><head>\n{title}{metas}</head><body>\n{article.html}\n</body></html>\n"


def article_html(fields: dict[str, Any]) -> str:
    """Return the text of an article's entries."""
    summary, url, name = (
        escape(word) for word in (fields["excerpt"], fields["webUrl"], fields["provider"]["name"])
    )
    images = "".join(_figure(image) for image in fields.get("images", ()))
    return f'{images}<p>{summary}</p><p>Read on <a href="{url}">{name}</a></p>'


def media_type(url: str) -> str:
    """Return the media type of an image by the suffix of its URL."""
    suffix = url.partition("?")[0].rpartition(".")[2]
    return {"png": "image/png", "webp": "image/webp"}.get(suffix, "image/jpeg")


def _figure(image: dict[str, str]) -> str:
    url, title = escape(image["url"]), escape(image["title"])
    size = f'width="{image["width"]}" height="{image["height"]}"'
    return f'<figure><img src="{url}" {size} alt="{title}"></figure>'
