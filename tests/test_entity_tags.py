"""Entity tags stand for values, not for our code: a refactoring moves none of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feedhub import messages
from feedhub.article import Article, Author, Image, Media, Provider, Related
from feedhub.catalog import Settings
from feedhub.catalog.images import ImageFacts
from feedhub.catalog.records import digest_of
from feedhub.feed import Channel, Podcast, Window, feed_path
from feedhub.fingerprint import fingerprint, named_values
from feedhub.selection import NamedSelection, Selection, Term
from feedhub.site.indexes import IndexOptions
from feedhub.site.settings import shape_of
from tests.conftest import ROOT
from tests.faults import without_coverage
from tests.golden.tags import tags
from tests.kit import make_bench

GOLDEN = Path(__file__).parent / "golden/entity-tags"
# Records whose values are in a fingerprint or in a setting that the catalog stores.
RECORDS = (
    *("Article", "Author", "Channel", "Image", "ImageFacts", "IndexOptions", "Media"),
    *(
        "NamedSelection",
        "Podcast",
        "Provider",
        "ReadOptions",
        "Related",
        "Selection",
        "Settings",
        "SiteLinks",
        "Term",
        "Window",
    ),
)
NOW = datetime(2020, 1, 1, tzinfo=UTC)
OTHER = datetime(2020, 1, 2, tzinfo=UTC)


def test_the_tags_of_the_seeds_are_what_they_were():
    """If the change is meant: .venv/bin/python -m tests.golden, and read the difference."""
    assert tags() == GOLDEN.read_text(encoding="utf-8")


# A copy of the sources in which classes have other names and more fields.


def tags_of_copy(folder: Path, change: Callable[[str], str]) -> str:
    """Return the tags of the seeds as a changed copy of the sources makes them."""
    shutil.copytree(ROOT / "src/feedhub", folder / "feedhub")
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*.py")}
    changed = {path: change(text) for path, text in texts.items()}
    assert changed != texts
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    environment = without_coverage() | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.golden.tags"]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, cwd=folder
    ).stdout


def test_a_class_with_another_name_moves_no_tag(tmp_path):
    names = re.compile(rf"\b({'|'.join(RECORDS)})\b")

    def rename(text: str) -> str:
        return names.sub(r"Renamed\1", text)

    assert tags_of_copy(tmp_path, rename) == GOLDEN.read_text(encoding="utf-8")


def test_a_new_field_with_its_default_moves_no_tag(tmp_path):
    body = re.compile(
        rf"^class ({'|'.join(RECORDS)})\b.*?(?:^    \w+: [^\n]*\n)+", re.MULTILINE | re.DOTALL
    )
    found: list[str] = []

    def add(text: str) -> str:
        found.extend(match[1] for match in body.finditer(text))
        new = '    new_text: str = ""\n    new_number: int | None = None\n'
        return body.sub(lambda match: match[0] + new, text)

    assert tags_of_copy(tmp_path, add) == GOLDEN.read_text(encoding="utf-8")
    assert sorted(found) == sorted(RECORDS)


# Every value counts: a field that is forgotten would leave readers with old bytes.


ARTICLE = Article(
    id="tag:example.org,2020:a",
    slug="a",
    title="A",
    summary="S",
    content_html="<p>C</p>",
    url="https://example.org/a",
    published=NOW,
    updated=NOW,
    provider=Provider(name="P"),
    authors=(Author(name="N"),),
    images=(Image(url="https://example.org/i.png"),),
    media=(Media(url="https://example.org/a.mp3"),),
    related=(Related(title="R", url="https://example.org/r", provider=Provider(name="Q")),),
)
OTHERS: dict[str, Any] = {
    "provider": Provider(name="Other"),
    "authors": (Author(name="Other"),),
    "topics": ("other",),
    "categories": ("other",),
    "images": (),
    "media": (),
    "related": (),
    "published": OTHER,
    "length": 5,
    "width": 5,
    "height": 5,
    "duration": 5,
}


def variants(record: Any, *unseen: str) -> list[Any]:
    """Return copies of a Struct, each with another value in one field that a reader sees."""
    names = [name for name in record.__struct_fields__ if name not in unseen]
    return [msgspec.structs.replace(record, **{name: OTHERS.get(name, "other")}) for name in names]


def test_every_value_of_an_article_that_a_reader_sees_is_in_its_digest():
    (author,), (image,), (related,) = ARTICLE.authors, ARTICLE.images, ARTICLE.related
    (file,) = ARTICLE.media
    assert ARTICLE.provider is not None
    assert related.provider is not None
    changed = variants(ARTICLE, "updated", "quality", "heat")
    changed += [
        *(msgspec.structs.replace(ARTICLE, provider=row) for row in variants(ARTICLE.provider)),
        *(msgspec.structs.replace(ARTICLE, authors=(row,)) for row in variants(author)),
        *(msgspec.structs.replace(ARTICLE, images=(row,)) for row in variants(image)),
        *(msgspec.structs.replace(ARTICLE, media=(row,)) for row in variants(file)),
        *(msgspec.structs.replace(ARTICLE, related=(row,)) for row in variants(related)),
        *(
            msgspec.structs.replace(
                ARTICLE, related=(msgspec.structs.replace(related, provider=row),)
            )
            for row in variants(related.provider)
        ),
    ]
    digests = [digest_of(article) for article in [ARTICLE, *changed]]
    assert len(set(digests)) == len(digests)
    for name, value in (("updated", OTHER), ("quality", 5.0), ("heat", 5.0)):
        unseen = msgspec.structs.replace(ARTICLE, **{name: value})
        assert digest_of(unseen) == digests[0]


def test_every_value_of_the_settings_is_in_their_fingerprint():
    settings = Settings(
        kinds=("all",), window=Window(), archives=True, shape="x", named=(named(Selection()),)
    )
    values: dict[str, Any] = {
        "kinds": ("all", "topic"),
        "window": Window(limit=3),
        "archives": False,
        "shape": "y",
        "plan": "y",
        "headers": "y",
        "authority": "y",
        "language": "y",
        "unique_addresses": False,
        "messages": "other",
        "private": True,
        "named": (),
        "stories": True,
        "searched": True,
        "keep_empty": 0,
        "archive_from": 3,
        "archived": ("topics/talks",),
    }
    assert values.keys() == {field.name for field in fields(Settings)}
    changed = [replace(settings, **{name: value}) for name, value in values.items()]
    changed += [
        replace(settings, window=window) for window in (Window(days=3), Window(max_bytes=3))
    ]
    pairs: dict[str, Any] = {
        "wanted": (("topic", "ai"),),
        "unwanted": (("topic", "ai"),),
        "min_quality": 0.5,
        "since": NOW,
        "terms": (Term(("a",)),),
        "limit": 3,
    }
    two = Selection(wanted=(("topic", "ai"), ("topic", "ml")))
    selections = [replace(Selection(), **{name: value}) for name, value in pairs.items()]
    selections += [two, replace(two, every=True), replace(Selection(), terms=(Term(("b",)),))]
    assert pairs.keys() | {"every"} == {field.name for field in fields(Selection)}
    changed += [replace(settings, named=(named(selection),)) for selection in selections]
    changed += [replace(settings, named=(replace(named(Selection()), name="other"),))]
    changed += [replace(settings, named=(replace(named(Selection()), title="other"),))]
    prints = [row.fingerprint for row in [settings, *changed]]
    assert len(set(prints)) == len(prints)


def named(selection: Selection) -> NamedSelection:
    return NamedSelection(name="n", title="t", selection=selection)


def test_every_value_of_the_channel_but_its_links_is_in_the_shape():
    channel = Channel(base_url="b", authority="a", title="t", home_page_url="h")
    names = {field.name for field in fields(Channel)} - {"links"}
    podcast = Podcast(
        path="p", author="a", email="e", categories=(("c", ""),), image="i", explicit=False
    )
    values: dict[str, Any] = {"ttl": 5, "drafts": True, "podcasts": (podcast,)}
    changed = [replace(channel, **{name: values.get(name, "other")}) for name in names]
    shapes = [shape_of(row, pages=False, languages=False) for row in [channel, *changed]]
    shapes.append(shape_of(channel, pages=True, languages=False))
    assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize("record", [IndexOptions(pages=False), ImageFacts()])
def test_every_value_of_smaller_records_is_in_a_fingerprint(record):
    names = list(getattr(record, "_fields", ())) or [field.name for field in fields(record)]
    names = [name for name in names if name != "indexnow_key"]  # it has a document of its own
    change = getattr(record, "_replace", None) or (lambda **values: replace(record, **values))
    changed = [change(**{name: OTHERS.get(name, True)}) for name in names]
    prints = [fingerprint(row.values()) for row in [record, *changed]]
    assert len(set(prints)) == len(prints)


def test_different_values_have_different_fingerprints():
    values: list[Any] = [
        *((), ("",), ("a",), ("a", "b"), ("ab",), (("a", "b"),), (b"a",), ("1",), (1,), (None,)),
        *((True,), (1.5,), ({"a": "b"},), ({"a": "b", "c": ""},), ([["a"], "b"],)),
    ]
    prints = [fingerprint(*row) for row in values]
    assert len(set(prints)) == len(prints)
    assert fingerprint(["a"]) == fingerprint(("a",))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_empty_values_are_left_out():
    said = named_values(a=None, b="", c=(), d=False, e={}, f=0, g=0.0, h="x", i=True)
    assert said == {"f": 0, "g": 0.0, "h": "x", "i": True}


def test_another_translation_moves_the_tags_of_its_language_alone(tmp_path, monkeypatch):
    german, english = (tmp_path / name for name in ("german", "english"))
    benches = make_bench(german, site__language="de-AT"), make_bench(english)
    for bench in benches:
        bench.write("a.md", title="A", language="en")
        bench.write("b.md", title="B", language="de")
        bench.sync()
    before = [fingerprints(bench) for bench in benches]
    copied = tmp_path / "messages"
    shutil.copytree(messages.FOLDER, copied)
    with (copied / "de.mo").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(messages, "FOLDER", copied)
    messages.translation_digest.cache_clear()
    try:
        for bench in benches:
            bench.sync()
        after = [fingerprints(bench) for bench in benches]
    finally:
        messages.translation_digest.cache_clear()
    assert before[0].keys() == after[0].keys()
    assert not [path for path in before[0] if before[0][path] == after[0][path]]
    moved = {path for path in before[1] if before[1][path] != after[1][path]}
    assert moved == {"languages/de"}


def fingerprints(bench):
    """Return the fingerprint of each feed by its path."""
    return {
        feed_path(one.kind, one.slug): one.fingerprint
        for one in bench.catalog.feeds(("all", "language"))
    }
