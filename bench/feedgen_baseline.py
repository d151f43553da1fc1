"""A baseline for renders: PyYAML reads every article, feedgen writes every feed.

    python -m bench.feedgen_baseline ARTICLES OUT
    python -m bench.feedgen_baseline ARTICLES OUT pure      without libyaml, like `yaml.safe_load`

It caches nothing, and builds an entry again for every feed that contains it.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import yaml
from feedgen.feed import FeedGenerator

from bench.articles import BenchArticle, read_articles, slug
from bench.environment import BASE_URL

LIMIT = 50


def main() -> None:
    """Write the feeds of all articles, of every topic and of every provider."""
    articles, out = (Path(word) for word in sys.argv[1:3])
    loader = yaml.BaseLoader if sys.argv[3:] == ["pure"] else yaml.CBaseLoader
    feeds: defaultdict[str, list[BenchArticle]] = defaultdict(list)
    for article in read_articles(articles, loader):
        topics = [f"topics/{slug(topic)}" for topic in article.topics]
        for path in ("all", *topics, f"providers/{slug(article.provider)}"):
            feeds[path].append(article)
    for folder in ("topics", "providers"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for path, members in feeds.items():
        newest = sorted(members, key=lambda article: article.date, reverse=True)[:LIMIT]
        generator = build_feed(path, newest)
        (out / f"{path}.rss").write_bytes(generator.rss_str(pretty=True))
        (out / f"{path}.atom").write_bytes(generator.atom_str(pretty=True))
        (out / f"{path}.json").write_text(build_json_feed(path, newest), encoding="utf-8")


def build_feed(path: str, articles: Sequence[BenchArticle]) -> FeedGenerator:
    """Return a feed with its entries, to be written as RSS and Atom."""
    generator = FeedGenerator()
    generator.id(f"{BASE_URL}/{path}")
    generator.title(path)
    generator.description(path)
    generator.link(href=f"{BASE_URL}/{path}")
    generator.updated(articles[0].date)
    for article in articles:
        entry = generator.add_entry(order="append")
        entry.id(article.url)
        entry.title(article.title)
        entry.link(href=article.url)
        entry.published(article.date)
        entry.updated(article.date)
        entry.summary(article.summary)
        entry.content(article.html, type="html")
        entry.author(name=article.provider, uri=f"https://{article.domain}/")
        entry.source(f"https://{article.domain}/", article.provider)
        for url, media_type in article.images:
            entry.enclosure(url, 0, media_type)
        entry.category([{"term": topic} for topic in article.topics])
    return generator


def build_json_feed(path: str, articles: Sequence[BenchArticle]) -> str:
    """Return a feed as JSON Feed 1.1, which feedgen cannot write."""
    items = [
        {
            "id": article.url,
            "url": article.url,
            "title": article.title,
            "summary": article.summary,
            "content_html": article.html,
            "date_published": datetime.fromisoformat(article.date).isoformat(),
            "authors": [{"name": article.provider, "url": f"https://{article.domain}/"}],
            "attachments": [{"url": url, "mime_type": kind} for url, kind in article.images],
            "tags": article.topics,
        }
        for article in articles
    ]
    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "title": path, "items": items}, ensure_ascii=False)


if __name__ == "__main__":
    main()
