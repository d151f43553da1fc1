"""The articles in the words of other generators: told beforehand, outside of all times.

Each is handed what it needs finished: labels where it looks for them, the text as HTML.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Prepared(NamedTuple):
    """One made article: its front matter as it stands in the file, and what a generator asks for.

    `topics` are names, `provider` is a name and a domain, `images` are addresses and media types;
    `html` is the text of its entries.
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


def prepared(articles: Path, loader: type = yaml.CBaseLoader) -> Iterator[Prepared]:
    """Return every article of a folder; a `loader` must leave all values text."""
    for place in sorted(articles.iterdir()):
        matter = place.read_text(encoding="utf-8").split("---\n", 2)[1]
        fields = yaml.load(matter, Loader=loader)  # noqa: S506 - it makes nothing but text
        yield Prepared(
            stem=place.stem,
            matter=matter,
            title=fields["title"],
            summary=fields["excerpt"],
            url=fields["webUrl"],
            date=fields["publishedDateTime"],
            topics=fields["topics"],
            provider=fields["provider"]["name"],
            domain=fields["provider"]["domain"],
            images=[(one["url"], _media_type(one["url"])) for one in fields.get("images", ())],
            html=_html(fields),
        )


def slug(name: str) -> str:
    """Return the name of a label's feed."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def as_post(article: Prepared, **fields: object) -> str:
    """Return it as Jekyll and Eleventy read it; `fields` are added to its front matter.

    Both make a page of each article and link to that: its address is the article's own, below
    the address of the site.
    """
    page = "/" + article.url.partition("://")[2]
    added = {"date": article.date, "permalink": page, **fields}
    lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in added.items())
    # For Jekyll `category` is one more of its categories.
    kept = re.sub(r"^category:.*\n", "", article.matter, flags=re.M)
    return f"---\n{kept}{lines}---\n{article.html}\n"


def as_page(article: Prepared) -> str:
    """Return it as Pelican reads HTML: all but the text stands in the head."""
    told = {
        "date": article.date,
        "url": article.url,
        "category": article.provider,
        "tags": ", ".join(article.topics),
        "summary": article.summary,
    }
    metas = "".join(f'<meta name="{n}" content="{escape(v)}">\n' for n, v in told.items())
    title = f"<title>{escape(article.title)}</title>\n"
    return f"<html><head>\n{title}{metas}</head><body>\n{article.html}\n</body></html>\n"


def _html(fields: dict[str, Any]) -> str:
    summary, url, name = (
        escape(word) for word in (fields["excerpt"], fields["webUrl"], fields["provider"]["name"])
    )
    images = "".join(_figure(image) for image in fields.get("images", ()))
    return f'{images}<p>{summary}</p><p>Read on <a href="{url}">{name}</a></p>'


def _media_type(url: str) -> str:
    ending = url.partition("?")[0].rpartition(".")[2]
    return {"png": "image/png", "webp": "image/webp"}.get(ending, "image/jpeg")


def _figure(image: dict[str, str]) -> str:
    url, title = escape(image["url"]), escape(image["title"])
    size = f'width="{image["width"]}" height="{image["height"]}"'
    return f'<figure><img src="{url}" {size} alt="{title}"></figure>'
