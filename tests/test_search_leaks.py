"""Searches find nothing hidden, and the search index has no word of it."""

from __future__ import annotations

import json
import re
from contextlib import closing

import pytest

from feedhub.catalog import Catalog
from feedhub.formats import FORMATS
from feedhub.selection import Selection, parse_query
from feedhub.site import Site, config_of_catalog
from tests.canaries import HIDES, PUBLIC_LABELS, REJECTED, WORD, Workspace, secret
from tests.kit import NOW, make_bench

QUERIES = (
    f"q={WORD}*",
    "q=a*&limit=200",
    f"q=-{WORD}*",
    "since=1970-01-01",
    "min_quality=1",
    "topic=ai",
    f"topic=topic-{WORD}013",
    f"not_topic={WORD}",
    "provider=public&author=ann&all=1",
)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.write("public-0.md", secret(labels=PUBLIC_LABELS).replace(WORD, "innocent"))
    return workspace


def answers(workspace: Workspace) -> str:
    """Return all that searches and stories say, and what stands in the names of stories."""
    with closing(Catalog.open_existing(workspace.catalog, read_only=True)) as catalog:
        site = Site(catalog, config_of_catalog(catalog))
        said = []
        with site.snapshot():
            asked: list[Selection | str] = [parse_query(query.encode()) for query in QUERIES]
            for wanted in [*asked, *catalog.story_slugs()]:
                for row in FORMATS.values():
                    planned = site.on_demand(wanted, row)
                    assert planned
                    said.append(site.document(planned).body.decode())
                    said.append(repr(planned))
        return "\n".join(said)


def hits(workspace: Workspace, query: str) -> int:
    with closing(Catalog.open_existing(workspace.catalog, read_only=True)) as catalog:
        site = Site(catalog, config_of_catalog(catalog))
        planned = site.on_demand(parse_query(query.encode()), FORMATS["json"])
        assert planned
        return len(json.loads(site.document(planned).body)["items"])


def test_searches_would_find_a_canary(workspace):
    workspace.write("secret.md", secret("quality: 5"))
    assert workspace.sync() == 0
    assert hits(workspace, f"q={WORD}*") == 1
    assert WORD in answers(workspace)
    assert "catalog/catalog.sqlite" in workspace.leaks()


@pytest.mark.parametrize("hidden", [*HIDES.values(), *REJECTED.values()], ids=[*HIDES, *REJECTED])
def test_a_hidden_article_is_never_found(workspace, hidden):
    workspace.write("secret.md", secret(f"{hidden}\nquality: 5"))
    assert workspace.sync() in (0, 1)
    # The query itself stands in what answers it.
    assert hits(workspace, f"q={WORD}*") == 0
    said = answers(workspace).replace(f"topic-{WORD}013", "").replace(f"Topic-{WORD}013", "")
    assert not re.search(rf"{WORD}\d", said)
    assert workspace.leaks() == []


@pytest.mark.parametrize(
    "text",
    [secret("published: false", labels=PUBLIC_LABELS), None, secret().replace(WORD, "harmless")],
    ids=["withdrawn", "deleted", "rewritten"],
)
@pytest.mark.parametrize("later", [0, 1, 2])
def test_the_words_of_a_withdrawn_article_leave_the_catalog(workspace, text, later):
    """FTS5 marks words as deleted, and forgets them when it next merges so many segments."""
    for number in range(9):
        workspace.write(
            f"{number}.md", secret(labels=PUBLIC_LABELS).replace(WORD, f"plain{number}x")
        )
    assert workspace.sync() == 0
    workspace.write("secret.md", secret(labels=PUBLIC_LABELS))
    assert workspace.sync() == 0
    for number in range(later):
        workspace.write("other.md", secret(labels=PUBLIC_LABELS).replace(WORD, f"later{number}x"))
        assert workspace.sync() == 0
    assert "catalog/catalog.sqlite" in workspace.leaks()
    workspace.printed = ""
    if text is None:
        (workspace.source / "secret.md").unlink()
    else:
        workspace.write("secret.md", text)
    assert workspace.sync() == 0
    assert workspace.leaks() == []
    assert hits(workspace, "q=plain7x*") == 1


def test_the_words_of_a_duplicate_are_not_found(workspace):
    """Of two files with one id the first is published."""
    first = secret().replace(WORD, "first")
    workspace.write("a.md", first)
    assert workspace.sync() == 0
    workspace.write("b.md", first.replace("Title first", f"Title {WORD}"))
    assert workspace.sync() == 1
    assert hits(workspace, f"q={WORD}*") == 0
    (workspace.source / "a.md").unlink()
    assert workspace.sync() == 0
    assert hits(workspace, f"q={WORD}*") == 1


def test_without_search_no_words_are_stored(workspace, monkeypatch):
    assert workspace.sync() == 0
    assert hits(workspace, "q=innocent*") == 1
    monkeypatch.setenv("FEEDHUB_FEEDS_SEARCH", "no")
    monkeypatch.setenv("FEEDHUB_FEEDS_STORIES", "no")
    assert workspace.sync() == 0
    with closing(Catalog(workspace.catalog)) as catalog:
        for table in ("search_index", "search_entries"):
            count = catalog._database.fetch_value(f"SELECT count(*) FROM {table}")  # noqa: S608
            assert count == 0
    for path in workspace.catalog.parent.iterdir():
        # The title stands in the record as it was written, not as it is searched.
        assert b"title innocent" not in path.read_bytes()


def test_words_of_an_edit_leave_with_the_next_look_at_everything(tmp_path, monkeypatch):
    """Those of a withdrawn article leave at once, though only its file is looked at."""
    monkeypatch.setattr("feedhub.sources.files.QUIET_NS", 0)
    bench = make_bench(tmp_path, feeds__search="yes")

    def words() -> set[bytes]:
        blocks = bench.catalog._database.fetch_all("SELECT block FROM search_index_data")
        return {
            word for word in (b"first", b"second", b"other") for row in blocks if word in row[0]
        }

    bench.write("a.md", title="First")
    bench.write("b.md", title="Other")
    bench.sync()
    bench.write("a.md", title="Second")
    bench.site.sync(bench.source(), NOW, paths={"a.md"})
    assert words() == {b"first", b"second", b"other"}
    bench.sync()
    assert words() == {b"second", b"other"}
    bench.write("a.md", title="First")
    bench.write("b.md", title="Other", published=False)
    bench.site.sync(bench.source(), NOW, paths={"a.md", "b.md"})
    assert words() == {b"first"}
