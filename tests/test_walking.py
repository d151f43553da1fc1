"""Whoever walks from a feed through its archives meets every published article once."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import feedparser_sgmllib
import pytest
from bench.search import labels_of, random_query, walk_atom, walk_json

from tests.fronts import Front, bench_on_disk, front_of
from tests.kit import article_text

COUNT = 600
START = datetime(2018, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site of many articles over three years, some of one second, some hidden."""
    bench = bench_on_disk(tmp_path_factory.mktemp("walk"), feeds__search="yes")
    dice = random.Random(1)
    moments = [START + timedelta(minutes=dice.randrange(1_500_000)) for _ in range(COUNT - 40)]
    moments += moments[:40]
    ids = set()
    for number, moment in enumerate(moments):
        fields: dict[str, Any] = {"topics": [f"Topic {number % 7}"], "quality": number % 100}
        text = article_text(
            f"Title {number} word{number % 13}", publishedDateTime=moment.isoformat(), **fields
        )
        hidden = number % 50 == 49
        if hidden:
            text = text.replace("title:", "published: false\ntitle:", 1)
        else:
            ids.add(f"tag:feeds.example.org,2026:articles/{number:03}")
        bench.write(f"{number:03}.md", text)
    bench.sync()
    with front_of(bench, 4_000_000) as front:
        yield front, ids


def fetcher(front: Front):
    def fetch(path: str) -> bytes:
        reply = front.get(path)
        assert reply.status == 200, path
        return reply.body

    return fetch


@pytest.mark.parametrize(("walk", "suffix"), [(walk_json, "json"), (walk_atom, "atom")])
def test_a_walk_meets_every_article_once(site, walk, suffix):
    front, ids = site
    for feed in ("all", *(f"topics/topic-{number}" for number in range(7))):
        met = Counter(walk(fetcher(front), f"/{feed}.{suffix}"))
        assert set(met.values()) == {1}
        assert len(met) > len(ids) / 8
    met = Counter(walk(fetcher(front), f"/all.{suffix}"))
    assert met == Counter(dict.fromkeys(ids, 1))


def test_a_reader_that_keeps_what_it_meets_has_each_article_once(site, tmp_path):
    # reader wants a module that Python has no more.
    sys.modules.setdefault("sgmllib", feedparser_sgmllib)
    from reader import make_reader

    front, ids = site
    fetch, path, number = fetcher(front), "/all.json", 0
    reader = make_reader(":memory:", feed_root=str(tmp_path))
    met: list[str] = []
    try:
        for number, body in enumerate(_documents(fetch, path)):
            (tmp_path / f"{number}.json").write_bytes(body)
            reader.add_feed(f"{number}.json")
        reader.update_feeds()
        met = [entry.id for entry in reader.get_entries()]
    finally:
        reader.close()
    assert number > 12
    assert set(met) == ids


def _documents(fetch, path):
    while path:
        body = fetch(path)
        yield body
        path = urlsplit(json.loads(body).get("next_url", "")).path


def test_hundreds_of_random_searches_end_well(site):
    front, _ = site
    labels, dice = labels_of(fetcher(front)), random.Random(7)
    assert {"topic"} <= set(labels.slugs)
    statuses: Counter[int] = Counter()
    for _ in range(400):
        suffix = dice.choice((".rss", ".atom", ".json", "/"))
        statuses[front.get(f"/search{suffix}?{random_query(dice, labels)}").status] += 1
    assert set(statuses) == {200, 400}
    assert statuses[200] > 300
    assert front.builder._on_demand_bodies.size <= 1_000_000
