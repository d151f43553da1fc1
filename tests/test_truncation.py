"""A file cut anywhere never publishes another article than the whole file does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from feedhub.errors import ArticleError
from feedhub.sources import ReadOptions
from feedhub.sources.reading import read_article
from tests.conftest import ROOT

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEEDS = sorted((ROOT / "seeds").iterdir())


def read(data: bytes, *, drafts: bool):
    """Return the article that these bytes publish, or None."""
    options = ReadOptions(authority="x,2026", base_url="https://x.example", drafts=drafts)
    try:
        reading = read_article("a.txt", data, root="s", generator="", options=options, now=NOW)
        return reading.article
    except ArticleError:
        return None


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name[:3])
def test_a_cut_file_publishes_the_whole_article_or_none(seed):
    data = seed.read_bytes()
    whole = read(data, drafts=True)
    assert whole is not None
    articles = {end: read(data[:end], drafts=True) for end in range(len(data))}

    assert {end for end, article in articles.items() if article not in (None, whole)} == set()
    assert None in articles.values()


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: path.name[:3])
def test_a_cut_file_never_shows_what_the_whole_file_hides(seed):
    data = seed.read_bytes()
    hidden = read(data, drafts=False) is None

    assert hidden == (b"published: false" in data)
    assert not hidden or not any(read(data[:end], drafts=False) for end in range(len(data)))
