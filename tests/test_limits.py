"""Each field of an article grows alone: time, memory and what is published of it stay bounded."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import msgspec
import pytest

from feedhub import limits
from feedhub.errors import ArticleError
from feedhub.feed import labels_of
from feedhub.kinds import KINDS, LABEL_KINDS
from feedhub.sources.fields import NAMES
from tests.kit import article_text, make_bench
from tests.readings import problems_of, read_dated
from tests.readings import read as read_matter

STEPS = (100, 10_000, 240_000)
MAX_SECONDS, MAX_MEMORY = 1.5, 30_000_000
# Where the fields inside other fields are.
INSIDE = {
    "name": "authors:\n- name: {}",
    "domain": "provider:\n  name: P\n  domain: {}",
    "person_url": "authors:\n- name: A\n  url: {}",
    "image_url": "images:\n- url: {}",
    "image_title": "images:\n- url: https://i.example/a.png\n  title: {}",
    "width": "images:\n- url: https://i.example/a.png\n  width: {}",
    "height": "images:\n- url: https://i.example/a.png\n  height: {}",
    "media_url": "audio:\n- url: {}",
    "media_type": "audio:\n- url: https://a.example/a.mp3\n  type: {}",
    "media_size": "audio:\n- url: https://a.example/a.mp3\n  length: {}",
    "media_time": "audio:\n- url: https://a.example/a.mp3\n  duration: {}",
    "media_title": "audio:\n- url: https://a.example/a.mp3\n  title: {}",
    "related_url": "related:\n- title: T\n  webUrl: {}",
}
MORE = {
    "provider name": "provider:\n  name: {}",
    "related title": "related:\n- webUrl: https://r.example/\n  title: {}",
    "related provider": "related:\n- webUrl: https://r.example/\n  title: T\n  provider: {}",
}
FIELDS = {field: INSIDE.get(field, f"{names[0]}: {{}}") for field, names in NAMES.items()} | MORE
ONE = {
    "letters": lambda n: "a" * n,
    "digits": lambda n: "P" + "1" * n,
    "braces": lambda n: "{" * n,
    "address": lambda n: "https://a.example/" + "a/" * (n // 2),
    "labels": lambda n: ";".join(map(str, range(n // 6))),
    "words": lambda n: " ".join(map(str, range(n // 6))),
    "entities": lambda n: "&amp;" * (n // 5),
}
MANY = {
    "list": lambda n: "\n- ".join(["", *map(str, range(n // 8))]),
    "people": lambda n: "\n- name: ".join(["", *map(str, range(n // 14))]),
    "addresses": lambda n: "\n- url: https://a.example/".join(["", *map(str, range(n // 30))]),
    "related": lambda n: "".join(
        f"\n- title: T\n  url: https://a.example/{number}" for number in range(n // 40)
    ),
}
LISTS = {"authors", "author", "topics", "tags", "tag", "category", "categories"}
FILES = {"images", "image", "related", "enclosures", "audio"}
LISTS |= FILES


def forms(field: str):
    """Yield how a field can grow, by name."""
    yield from ONE.items()
    if field in LISTS:
        yield from MANY.items()


def front_matter(field: str, form: str, size: int) -> str:
    """Return a field of this size."""
    text = (ONE | MANY)[form](size)
    if form in ONE:
        return FIELDS[field].format(f"'{text}'")
    return FIELDS[field].format(text)


def read(field: str, form: str, size: int):
    """Return the result of an article whose one field grows, None where it is rejected."""
    try:
        matter = front_matter(field, form, size)
        return read_matter("date: 2024-01-02\n" + matter)
    except ArticleError:
        return None


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_that_grows_is_bounded(field):
    for form, _ in forms(field):
        for size in STEPS:
            start = time.process_time()
            result = read(field, form, size)
            assert time.process_time() - start < MAX_SECONDS, (form, size)
            if result is None or result.article is None:
                continue
            assert len(result.problems) <= 2 * limits.MAX_RELATED, (form, size)
            assert len(msgspec.json.encode(result.article)) < 100_000, (form, size)
            for kind in LABEL_KINDS:
                labels = labels_of(result.article, [kind])
                assert len(labels) <= limits.MAX_LABELS, (form, size)
                assert all(len(label.text) <= limits.MAX_LABEL for label in labels)


def test_a_file_of_a_million_characters_is_rejected_at_once():
    start = time.process_time()
    assert all(read("title", form, 1_000_000) is None for form in ONE)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("field", ["title", "page_url", "topics", "images", "related"])
def test_a_field_that_grows_takes_little_memory(field):
    for form, _ in forms(field):
        tracemalloc.start()
        read(field, form, 100_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MAX_MEMORY, form


@pytest.mark.parametrize("field", sorted(LISTS - FILES))
@pytest.mark.parametrize("form", ["labels", "list"])
def test_the_first_fifty_labels_count_and_the_rest_gives_one_warning(field, form):
    given = FIELDS[field].format("{}").removesuffix("{}")
    labels = "".join(f"\n- L{n}" for n in range(60)) if form == "list" else "L0"
    labels += "".join(f"; L{n}" for n in range(1, 60)) if form == "labels" else ""
    result = read_dated(f"excerpt: S.\n{given}{labels}")
    assert result.article is not None

    article = result.article
    names = article.topics + article.categories + tuple(author.name for author in article.authors)
    if (field, form) == ("author", "labels"):  # one person
        assert len(names) == 0
        return
    assert names == tuple(f"L{n}" for n in range(50))
    assert [(level, code) for _, level, code in problems_of(result)] == [("warning", "too-many")]
    assert result.problems[0].message.endswith("; the rest is left out")


def test_labels_of_several_fields_count_together():
    lists = {"topics": [f"A{n}" for n in range(30)], "tags": [f"B{n}" for n in range(30)]}
    result = read_dated("excerpt: S.\n" + "\n".join(f"{k}: {v}" for k, v in lists.items()))

    assert result.article is not None
    assert result.article.topics == tuple(lists["topics"] + lists["tags"][:20])
    assert problems_of(result) == [(5, "warning", "too-many")]


def test_one_file_makes_few_documents(tmp_path):
    bench = make_bench(tmp_path)
    few = ";".join(map(str, range(40)))
    many = ";".join(map(str, range(10_000)))
    bench.write("a.md", topics=few, categories=few, authors=few)
    bench.sync()
    plain = len(bench.documents())
    bench.write("a.md", text=article_text(topics=many, categories=many, authors=many))

    changes = bench.sync()

    assert len(bench.documents()) <= plain * 50 / 40 + 1
    assert [problem.code for problem in changes.problems] == ["too-many"] * 3


def test_a_kind_of_feed_has_no_more_labels_whatever_its_row_says(monkeypatch):
    every = replace(KINDS["topic"], labels=lambda article: map(str, range(1_000)))
    monkeypatch.setitem(KINDS, "topic", every)
    article = read_dated("excerpt: S.").article
    assert article is not None

    assert len(labels_of(article, ["topic"])) == limits.MAX_LABELS


@pytest.mark.parametrize(
    ("matter", "code"),
    [
        ("duration: P" + "1" * 60_000, "too-long"),
        ("permalink: '" + "{" * 40_000 + "'", "too-long"),
        ("permalink: '" + "{{x " * 10_000 + "'", "too-long"),
        ("permalink: '" + "{{< " * 10_000 + "'", "too-long"),
        ("language: " + "a-" * 30_000, "too-long"),
        ("provider: " + "a" * 201, "too-long"),
        ("authors: [" + "a" * 201 + "]", "too-long"),
        ("slug: " + "a/" * 30_000, "too-long"),
        ("images: ['https://a.example/" + "a" * 60_000 + "']", "bad-url"),
    ],
)
def test_a_long_value_is_left_out_with_a_warning(matter, code):
    start = time.process_time()
    result = read_dated(f"excerpt: S.\n{matter}")
    assert time.process_time() - start < 0.5

    assert result.article is not None
    assert problems_of(result)[0][1:] == ("warning", code)
    assert problems_of(result)[0][0] == 5
    assert all("aaa" not in problem.message for problem in result.problems)


def test_a_text_is_cut():
    article = read_matter(f"date: 2024-01-02\ntitle: {'word ' * 40_000}").article

    assert article is not None
    assert 900 < len(article.title) <= limits.MAX_TITLE
