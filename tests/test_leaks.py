"""Nothing of a hidden article, and nothing `secured`, stands anywhere that feedhub writes."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import re
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhub.catalog import Catalog, SyncReport
from feedhub.catalog.database import TABLES
from tests.canaries import (
    CANARY,
    HIDES,
    LABELS,
    PUBLIC_LABELS,
    REJECTED,
    SECURED,
    WORD,
    Workspace,
    canaries,
    disguises,
    secret,
    undated,
)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Workspace(tmp_path)


# The tests would pass if they looked in vain.


def test_canaries_are_found_where_they_are(workspace, monkeypatch):
    monkeypatch.setenv("FEEDHUB_RENDER_COMPRESS", "gzip,br")
    workspace.write("secret.md", secret())
    assert workspace.render() == 0
    found = workspace.leaks()
    assert {"catalog/catalog.sqlite", "out/all.rss", "out/all.atom", "out/all.json"} <= set(found)
    assert {"out/all.rss.gz", "out/all.json.br", "out/feeds.opml.br"} <= set(found)
    assert {"out/index.html", "out/index.html.gz", "out/index.html.br"} <= set(found)
    assert {"out/all/index.html", "out/topics/index.html", "out/sitemap.xml.br"} <= set(found)
    assert [where for where in found if where.startswith("name out/topics/topic-")]


@pytest.mark.parametrize(
    "disguise",
    [
        str.encode,
        lambda text: text.upper().encode(),
        lambda text: base64.b64encode(f"{text}.".encode()),
        lambda text: base64.b64encode(f".{text}.".encode()),
        lambda text: base64.b64encode(f"..{text}.".encode()),
        lambda text: gzip.compress(text.encode()),
        lambda text: brotli.compress(text.encode() * 9),
        lambda text: json.dumps({"a": f"\\u{ord(text[0]):04x}"}).replace("\\\\", "\\").encode(),
        lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
        lambda text: "".join(f"&#{ord(char)};" for char in text).encode(),
    ],
)
def test_a_canary_is_found_in_a_disguise(disguise):
    body = disguise(WORD)
    if b"\\u" in body:
        body = body.replace(b'"}', WORD[1:].encode() + b'"}')
    assert any(map(CANARY.search, disguises(body)))


# Hidden from the first.


@pytest.mark.parametrize("hidden", [*HIDES.values(), *REJECTED.values()], ids=[*HIDES, *REJECTED])
def test_a_hidden_article_leaves_no_trace(workspace, hidden):
    workspace.write("secret.md", secret(hidden))
    assert workspace.render() in (0, 1), workspace.printed
    workspace.print_all()
    assert workspace.leaks() == []
    assert len(json.loads((workspace.out / "all.json").read_bytes())["items"]) == 3


@pytest.mark.parametrize("name", ["undated.md", "undated.html", "undated.yml"])
def test_an_undated_article_leaves_no_trace(workspace, name):
    workspace.write(name, undated())
    workspace.render()
    workspace.print_all()
    assert workspace.leaks() == []


@pytest.mark.parametrize(
    "name",
    ["_drafts/2020-06-09-a.md", ".hidden/a.md", ".a.md", "node_modules/a.md", "a.rst", "a.md~"],
)
def test_a_file_that_is_no_article_leaves_no_trace(workspace, name):
    workspace.write(name, secret())
    workspace.render()
    workspace.print_all()
    assert workspace.leaks() == []


@pytest.mark.parametrize(
    "text",
    [
        canaries("No front matter: CANARY"),
        secret().replace("\n---\n", "\n"),
        secret().encode() + b"\xff",
        secret().encode("utf-16"),
        secret().encode()[:200],
        secret().replace("---\n", "---\n\ufeff", 1),
    ],
    ids=["plain", "unclosed", "not-utf-8", "utf-16", "cut", "inner-mark"],
)
def test_a_file_that_cannot_be_read_leaves_no_trace(workspace, text):
    workspace.write("secret.md", text)
    workspace.render()
    workspace.print_all()
    assert workspace.leaks() == []


# Shown once, then withdrawn.


def withdraw(workspace: Workspace, shown: str, text: str | None) -> None:
    """Publish an article, change or remove its file, and publish again."""
    workspace.write("secret.md", shown)
    assert workspace.render() == 0
    assert "out/all.rss" in workspace.leaks()
    workspace.printed = ""
    if text is None:
        (workspace.source / "secret.md").unlink()
    else:
        workspace.write("secret.md", text)
    workspace.render()


@pytest.mark.parametrize("hidden", HIDES.values(), ids=HIDES)
def test_a_withdrawn_article_leaves_no_trace(workspace, hidden):
    shown, withdrawn = secret(labels=PUBLIC_LABELS), secret(hidden, labels=PUBLIC_LABELS)
    withdraw(workspace, shown, withdrawn)
    assert workspace.leaks() == []


@pytest.mark.parametrize(
    "text",
    [None, undated(), SECURED.replace("CANARY", "x")],
    ids=["deleted", "undated", "rewritten"],
)
def test_an_article_that_is_gone_leaves_no_trace(workspace, text):
    withdraw(workspace, secret(labels=PUBLIC_LABELS), text)
    assert workspace.leaks() == []


def test_only_the_names_of_its_feeds_stay(workspace):
    """A subscriber finds the feed empty, not gone."""
    names = re.sub("(category|Provider|Author|Topic|Tag) CANARY", r"\1 kept", LABELS)
    assert "CANARY" in names
    withdraw(workspace, secret(labels=names), secret("published: false", labels=names))
    assert workspace.leaks() == []
    assert json.loads((workspace.out / "topics/topic-kept.json").read_bytes())["items"] == []


def test_a_withdrawn_article_leaves_the_open_catalog(workspace):
    """Another process may hold the catalog open, and its log with it."""
    from feedhub.catalog.database import Database

    workspace.write("secret.md", secret(labels=PUBLIC_LABELS))
    workspace.render()
    reader = Database.open(workspace.catalog)
    reader.fetch_one("SELECT count(*) FROM articles")
    try:
        workspace.write("secret.md", secret("published: false", labels=PUBLIC_LABELS))
        workspace.render()
        assert (workspace.catalog.parent / "catalog.sqlite-shm").exists()
        workspace.run("check", workspace.source)
        assert [where for where in workspace.leaks() if "catalog" in where] == []
    finally:
        reader.close()


# The catalog of a server, which keeps more: earlier documents, notes, dates of lists.


# What only a render, a hub, a probe or a withdrawal fills.
_EMPTY = ("links", "tombstones", "outputs", "changes", "images", "image_facts")


def test_canaries_are_found_in_every_table_of_a_catalog(workspace):
    workspace.write("secret.md", secret())
    assert workspace.sync() == 0
    assert workspace.leaks() == ["catalog/catalog.sqlite", "catalog/catalog.sqlite.ledger"]
    with sqlite3.connect(workspace.catalog) as raw:
        rows = {
            name: repr(raw.execute(f"SELECT * FROM {name}").fetchall())  # noqa: S608 - our own names
            for name in TABLES
        }
    raw.close()
    found = {name for name, text in rows.items() if CANARY.search(text.encode())}
    assert found == {
        "articles",
        "records",
        "feeds",
        "labels",
        "history",
        "search_entries",
        "search_index",
    }
    assert all(rows[name] != "[]" for name in TABLES if name not in _EMPTY)


@pytest.mark.parametrize("hidden", [*HIDES.values(), *REJECTED.values()], ids=[*HIDES, *REJECTED])
def test_a_hidden_article_leaves_no_trace_in_the_catalog_of_a_server(workspace, hidden):
    workspace.write("secret.md", secret(hidden))
    assert workspace.sync() in (0, 1)
    workspace.sync("--json")
    assert workspace.leaks() == []


@pytest.mark.parametrize("hidden", [*HIDES.values(), None], ids=[*HIDES, "deleted"])
def test_a_withdrawn_article_leaves_no_trace_in_the_catalog_of_a_server(workspace, hidden):
    workspace.write("secret.md", secret(labels=PUBLIC_LABELS))
    for number in range(3):  # as many documents that hold it are remembered
        workspace.write("public-0.md", SECURED.replace("NUMBER", f"edited {number}"))
        assert workspace.sync() == 0
    assert "catalog/catalog.sqlite" in workspace.leaks()
    workspace.printed = ""
    if hidden is None:
        (workspace.source / "secret.md").unlink()
    else:
        workspace.write("secret.md", secret(hidden, labels=PUBLIC_LABELS))
    assert workspace.sync() in (0, 1)
    assert workspace.leaks() == []
    with closing(sqlite3.connect(workspace.catalog)) as raw:
        assert raw.execute("SELECT count(*) FROM tombstones").fetchone() == (1,)


@pytest.mark.parametrize("hidden", [*HIDES.values(), *REJECTED.values()], ids=[*HIDES, *REJECTED])
def test_why_a_sync_was_refused_says_nothing_of_the_articles(workspace, hidden):
    for number in range(3):
        workspace.write(f"public-{number}.md", secret(hidden))
    assert workspace.sync() == 3
    with closing(Catalog(workspace.catalog)) as catalog:
        assert catalog.read(SyncReport).problem.startswith("none of 3 files can be published")
    assert workspace.leaks() == []


@pytest.mark.parametrize("catalog", [[], ["--catalog"]], ids=["default", "named"])
def test_a_preview_of_drafts_leaves_no_trace(workspace, catalog):
    flags = [*catalog, *([workspace.catalog] if catalog else [])]
    workspace.write("secret.md", secret("published: false"))
    assert workspace.run("render", workspace.source, workspace.out, "--drafts", *flags) == 0
    assert "out/all.rss" in workspace.leaks()
    workspace.printed = ""
    assert workspace.run("render", workspace.source, workspace.out, *flags) == 0
    found = [
        where
        for where in workspace.leaks()
        if catalog or not where.startswith(("cache", "name cache"))
    ]
    assert found == []


def test_a_public_sync_leaves_no_trace_of_a_preview_in_the_catalog(workspace):
    """The index for searches only marks what is deleted."""
    workspace.write("secret.md", secret("published: false"))
    assert workspace.sync("--drafts") == 0
    assert "catalog/catalog.sqlite" in workspace.leaks()
    assert workspace.sync() == 0
    assert workspace.leaks() == []


@pytest.mark.parametrize(
    "hidden", ["removed", "future", "expired", "text", "twice", "removed-text"]
)
def test_drafts_show_no_article_that_is_hidden_otherwise(workspace, hidden):
    workspace.write("secret.md", secret(HIDES[hidden]))
    workspace.render("--drafts")
    assert workspace.leaks() == []


# Any way of hiding, any flags.


FLAGS = st.lists(
    st.sampled_from(
        [
            ("--json",),
            ("--allow-shrink",),
            ("--formats", "rss"),
            ("--formats", "json,atom"),
            ("--base-url", "https://feeds.example.org/x"),
        ]
    ),
    unique_by=lambda flag: flag[0],
)
CONFIGS = st.fixed_dictionaries(
    {
        "kinds": st.lists(
            st.sampled_from(["all", "topic", "provider", "category", "author"]),
            min_size=1,
            unique=True,
        ),
        "archives": st.booleans(),
        "limit": st.integers(1, 3),
        "days": st.integers(0, 3),
    }
)
ANY_HIDDEN = st.dictionaries(
    st.sampled_from(["a", "b/c", "_posts/2020-06-09-d", "news/e"]),
    st.sampled_from([*HIDES.values(), *REJECTED.values()]),
    min_size=1,
)


@settings(max_examples=settings().max_examples // 5)
@given(hidden=ANY_HIDDEN, flags=FLAGS, config=CONFIGS)
def test_no_flags_let_anything_out(hidden, flags, config):
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        for name, lines in hidden.items():
            workspace.write(f"{name}.md", secret(lines))
        settings = workspace.root / "feedhub.toml"
        lines = [f"{key} = {json.dumps(value)}" for key, value in config.items()]
        settings.write_text("\n".join(["[feeds]", *lines, ""]))
        assert workspace.render("--config", str(settings), *itertools.chain(*flags)) in (0, 1)
        workspace.run("check", workspace.source, "--config", settings)
        workspace.run("feeds", workspace.source, "--config", settings)
        assert workspace.leaks() == []
