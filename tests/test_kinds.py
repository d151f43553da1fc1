"""A kind of feed is one row of KINDS: lists, searches and the configuration read the rows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from feedhub.config import FeedsConfig
from feedhub.kinds import FACETS, KINDS, LABEL_KINDS, ON_DEMAND_KINDS
from tests.conftest import ROOT
from tests.faults import without_coverage
from tests.kit import article_text

NEW_ROW = """
        FeedKind(
            name="tongue",
            folder="tongues",
            heading="Languages",
            noun="Language",
            title="{label} (language) · {site}",
            description="The newest articles in {label}.",
            labels=lambda article: (article.language,) if article.language else (),
            criterion="written in {label}",
            combinable=True,
        ),
        FeedKind(
            name="custom",
"""
CONFIG = """
[feeds]
builder = "yes"
search = "yes"

[[feeds.custom]]
name = "swedish"
tongue = ["sv"]
"""
# What a server does with the address of a search, without the server.
SEARCH = """
import json
from pathlib import Path
from feedhub.formats import FORMATS
from feedhub.selection import parse_query
from tests.kit import make_bench

bench = make_bench(Path("."), feeds__search="yes")
bench.sync()
for query, name in ((b"tongue=sv", "json"), (b"not_tongue=sv", "json"), (b"q=sv", "json"),
                    (b"tongue=sv", "html")):
    planned = bench.site.on_demand(parse_query(query), FORMATS[name])
    print(json.dumps(bench.site.document(planned).body.decode()))
"""


@pytest.fixture(scope="module")
def site_with_a_new_kind(tmp_path_factory: pytest.TempPathFactory):
    """Return a folder with two articles and, in `src`, a copy of feedhub that has one more row."""
    folder = tmp_path_factory.mktemp("new-kind")
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    kinds = folder / "src/feedhub/kinds.py"
    before = '\n        FeedKind(\n            name="custom",\n'
    text = kinds.read_text(encoding="utf-8")
    assert text.count(before) == 1
    kinds.write_text(text.replace(before, NEW_ROW), encoding="utf-8")
    (folder / "feedhub.toml").write_text(CONFIG, encoding="utf-8")
    (folder / "articles").mkdir()
    for language, title in (("sv", "Hej"), ("de", "Hallo")):
        article = article_text(title=title, lang=language)
        (folder / "articles" / f"{title}.md").write_text(article, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**without_coverage(), "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def titles(document: str) -> list[str]:
    return [item["title"] for item in json.loads(document)["items"]]


def test_one_more_row_is_rendered_listed_configurable_and_searchable(site_with_a_new_kind: Path):
    folder = site_with_a_new_kind
    run(folder, "-m", "feedhub", "render", "articles", "out")
    out = folder / "out"

    def text(name: str) -> str:
        return (out / name).read_text(encoding="utf-8")

    assert titles(text("tongues/sv.json")) == ["Hej"]
    assert "sv (language)" in text("tongues/sv.rss")
    assert "/tongues/de.rss" in text("feeds.opml")
    assert "Languages" in text("index.html")
    assert "tongues/de/" in text("tongues/index.html")
    assert titles(text("custom/swedish.json")) == ["Hej"]
    starter = run(folder, "-c", "from feedhub.config import starter_toml; print(starter_toml())")
    assert '"tongue"' in next(line for line in starter.splitlines() if line.startswith("kinds"))
    assert "# not_tongue = []" in starter
    found, others, word, page = map(json.loads, run(folder, "-c", SEARCH).splitlines())
    assert titles(found) == ["Hej"]
    assert json.loads(found)["title"].startswith("Search: written in sv")
    assert titles(others) == ["Hallo"]
    assert titles(word) == ["Hej"]
    assert "<span>Language <bdi>sv</bdi></span>" in page
    assert 'name="tongue" value="sv"' in text("combine/index.html"), "labels can be combined"


def test_the_rows_of_kinds_are_consistent():
    assert FeedsConfig().kinds == LABEL_KINDS
    assert set(FACETS) < set(LABEL_KINDS)
    assert not set(LABEL_KINDS) & set(ON_DEMAND_KINDS)
    for name, kind in KINDS.items():
        assert kind.name == name
        assert bool(kind.criterion) == bool(kind.noun), "what is searched has a name in the form"
        assert kind.criterion or not kind.combinable, "what is ticked becomes a search"


def test_the_documents_list_the_kinds_of_the_rows():
    search = (ROOT / "docs/search.md").read_text(encoding="utf-8")
    for names in (FACETS, [f"not_{facet}" for facet in FACETS]):
        assert f"| {', '.join(f'`{name}`' for name in names)} |" in search
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    folders = [KINDS[name].folder for name in LABEL_KINDS if KINDS[name].folder]
    row = next(line for line in readme.splitlines() if line.startswith("| `topics/…`"))
    assert re.findall(r"`(\w+)/…`", row) == folders
    configuration = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert f"| `kinds` | `{json.dumps(list(LABEL_KINDS))}` |" in configuration
