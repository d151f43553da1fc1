"""The ids that readers know do not change: a sync that would change them is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from feedhub.catalog import Identity
from feedhub.config import load_config
from feedhub.errors import NewIdsError
from feedhub.sources.adopted_ids import AdoptedId, encode_adopted_ids
from tests.command_line import BASE, is_one_line, runner, write
from tests.kit import NOW, Bench, article_text, files_below, make_bench

AUTHORITY = "feeds.example.org,2026"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench whose article A lies directly in the source, and B in a folder."""
    bench = make_bench(tmp_path)
    bench.write("a.md", title="A")
    bench.write("posts/b.md", title="B")
    bench.sync()
    return bench


def moved_to(bench: Bench, name: str) -> Bench:
    """Return the bench with another name of its source folder."""
    return replace(bench, root=bench.root.rename(bench.root.with_name(name)))


def at(bench: Bench, base_url: str, **keys: str) -> Bench:
    """Return the bench with another address of the site; `keys` are keys of the configuration."""
    config = load_config(None, {}, {"site.base_url": base_url} | keys)
    return replace(bench, config=config)


RENAMED: dict[str, Callable[[Bench], Bench]] = {
    'source.collection = "articles"': lambda bench: moved_to(bench, "texts"),
    f'site.authority = "{AUTHORITY}"': lambda bench: at(bench, "https://new.example"),
    f'site.authority = "{AUTHORITY}" and source.collection = "articles"': lambda bench: at(
        moved_to(bench, "texts"), "https://new.example"
    ),
}


class TestRefusal:
    @pytest.mark.parametrize("keys", RENAMED)
    def test_it_names_the_keys_that_keep_the_ids_and_changes_nothing(self, bench, keys):
        before, states = bench.ids("all.json"), bench.site.states()
        renamed = RENAMED[keys](bench)
        for _ in range(2):
            with pytest.raises(NewIdsError) as refused:
                renamed.sync()
            assert f"set {keys} to keep the ids, or give --accept-new-ids" in str(refused.value)
            assert "\n" not in str(refused.value)
            assert (bench.ids("all.json"), bench.site.states()) == (before, states)
        assert refused.value.exit_code == 3

    def test_the_keys_keep_the_ids(self, bench):
        before = bench.ids("all.json")
        keys = {"site.authority": AUTHORITY, "source.collection": "articles"}
        kept = at(moved_to(bench, "texts"), "https://new.example", **keys)
        kept.sync()
        assert kept.ids("all.json") == before

    @pytest.mark.parametrize("keys", RENAMED)
    def test_accepted_ones_are_those_that_readers_know(self, bench, keys):
        renamed = RENAMED[keys](bench)
        before = bench.ids("all.json")
        renamed.site.sync(renamed.source(), NOW, accept_new_ids=True)
        assert renamed.ids("all.json") != before
        renamed.sync()

    def test_a_name_that_is_in_no_id_may_change(self, bench):
        (bench.root / "a.md").unlink()
        bench.sync()
        before = bench.ids("all.json")
        renamed = moved_to(bench, "texts")
        renamed.sync()
        assert renamed.ids("all.json") == before

    def test_an_authority_that_is_in_no_id_may_change(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("a.md", title="A", guid="https://old.example/?p=1")
        bench.sync()
        moved_to(at(bench, "https://new.example"), "texts").sync()
        assert bench.ids("all.json") == ["https://old.example/?p=1"]

    def test_what_was_published_counts_after_it_was_withdrawn(self, bench):
        known = bench.catalog.read(Identity)
        for path in bench.root.rglob("*.md"):
            path.unlink()
        bench.sync()
        assert bench.catalog.read(Identity) == known

    def test_the_folder_may_be_renamed_as_long_as_nothing_is_published(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("a.md", title="A", published=False)
        bench.sync()
        bench = moved_to(at(bench, "https://new.example"), "texts")
        bench.write("a.md", title="A")
        bench.sync()
        assert bench.ids("all.json") == ["tag:new.example,2026:texts/a"]

    @pytest.mark.parametrize("trial", ["http://127.0.0.1:8000", "http://localhost"])
    def test_a_trial_is_not_remembered(self, tmp_path, trial):
        bench = make_bench(tmp_path, site__base_url=trial)
        bench.write("a.md", title="A")
        bench.sync()
        assert bench.catalog.read(Identity) == Identity()
        moved_to(at(bench, "https://new.example"), "texts").sync()

    def test_a_preview_and_the_public_site_have_the_same_ids(self, bench):
        """A catalog is emptied between them."""
        before = bench.catalog.read(Identity)
        assert before == Identity(authority=AUTHORITY, collection="articles")
        preview = replace(bench, drafts=True)
        with pytest.raises(NewIdsError):
            at(preview, "https://new.example").sync()
        preview.sync()
        assert bench.catalog.read(Identity) == before


class TestAdoptedIds:
    """Those of an earlier feed stand in a file that may be lost, or cut."""

    @pytest.fixture
    def adopting(self, tmp_path: Path) -> Bench:
        """A bench with four articles; three ids are adopted, one of them by no article."""
        bench = make_bench(tmp_path, source__ids=str(tmp_path / "ids.jsonl"))
        for name in "abc":
            bench.write(f"{name}.md", title=name)
        adopt(bench, "a", "b", "waiting")
        bench.sync()
        return bench

    @pytest.mark.parametrize(
        ("left", "lacks"), [(["a", "waiting"], "1 id"), (["waiting"], "2 ids"), (None, "2 ids")]
    )
    def test_a_sync_without_some_of_them_is_refused(self, adopting, left, lacks):
        before = adopting.ids("all.json")
        adopt(adopting, *left or ()) if left else Path(adopting.config.source.ids).unlink()
        for _ in range(2):
            with pytest.raises(NewIdsError) as refused:
                adopting.sync()
            assert str(refused.value).endswith(
                "show them all as new: restore the file of source.ids, "
                f"which lacks {lacks} of the earlier feed, or give --accept-new-ids"
            )
        assert adopting.ids("all.json") == before
        adopting.site.sync(adopting.source(), NOW, accept_new_ids=True)
        assert adopting.ids("all.json") != before
        adopting.sync()

    def test_what_no_published_article_has_may_go(self, adopting):
        (adopting.root / "b.md").unlink()
        adopting.sync()
        adopt(adopting, "a")
        adopting.sync()
        assert len(adopting.catalog.read(Identity).adopted) == 8

    def test_all_that_keeps_the_ids_is_named(self, adopting):
        Path(adopting.config.source.ids).unlink()
        config = replace(adopting.config.source, ids="")
        renamed = moved_to(replace(adopting, config=replace(adopting.config, source=config)), "x")
        with pytest.raises(NewIdsError) as refused:
            renamed.sync()
        advice = 'set source.collection = "articles" to keep the ids, and restore the file of '
        assert advice in str(refused.value)

    def test_articles_that_have_the_ids_themselves_need_no_file(self, adopting):
        adopting.write("d.md", title="d")
        rows = (row("a"), row("b"), AdoptedId(id="urn:x:d", url="https://news.example/d"))
        file = Path(adopting.config.source.ids)
        file.write_bytes(encode_adopted_ids(rows))
        adopting.sync()
        adopting.write("d.md", title="d", id="urn:x:d")
        file.write_bytes(encode_adopted_ids(rows[:2]))
        adopting.sync()
        assert "urn:x:d" in adopting.ids("all.json")

    def test_what_was_published_with_its_own_id_keeps_it(self, adopting):
        before = adopting.ids("all.json")
        adopt(adopting, "a", "b", "c", "waiting")
        for _ in range(2):
            with pytest.raises(NewIdsError) as refused:
                adopting.sync()
            assert str(refused.value).endswith(
                "show them all as new: take the id of 1 article out of the file of source.ids, "
                "which feedhub has published with another, or give --accept-new-ids"
            )
        assert adopting.ids("all.json") == before
        adopting.site.sync(adopting.source(), NOW, accept_new_ids=True)
        assert "earlier c" in adopting.ids("all.json")
        adopting.write("c.md", title="Another title", webUrl="https://news.example/c")
        adopting.sync()
        assert "earlier c" in adopting.ids("all.json")

    def test_what_is_new_gets_its_earlier_id(self, adopting):
        adopting.write("waiting.md", title="waiting")
        adopting.sync()
        assert "earlier waiting" in adopting.ids("all.json")

    @pytest.mark.parametrize("trial", ["http://127.0.0.1:8000", "http://localhost"])
    def test_a_trial_may_adopt_late(self, tmp_path, trial):
        ids = str(tmp_path / "ids.jsonl")
        bench = make_bench(tmp_path, site__base_url=trial, source__ids=ids)
        bench.write("a.md", title="a")
        bench.sync()
        adopt(bench, "a")
        bench.sync()
        assert bench.ids("all.json") == ["earlier a"]

    def test_the_output_remembers_too(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        run, catalog = runner(capsys), ("--catalog", "c.db", "--quiet")
        render = ("render", "articles", "public", *BASE, *catalog)
        write("a.md", article_text("a"))
        Path("ids.jsonl").write_bytes(encode_adopted_ids((row("a"),)))
        assert run(*render).code == 0
        Path("ids.jsonl").unlink()
        Path("c.db").unlink()
        ran = run(*render)
        assert (ran.code, "which lacks 1 id of" in ran.err) == (3, True)
        assert is_one_line(ran.err)

    @pytest.mark.parametrize("keeps_catalog", [True, False])
    def test_it_remembers_what_was_published_before(
        self, tmp_path, monkeypatch, capsys, keeps_catalog
    ):
        monkeypatch.chdir(tmp_path)
        run, catalog = runner(capsys), ("--catalog", "c.db", "--quiet")
        render = ("render", "articles", "public", *BASE, *catalog)
        write("a.md", article_text("a"))
        write("b.md", article_text("b", published=False))
        assert run(*render).code == 0
        Path("ids.jsonl").write_bytes(encode_adopted_ids((row("a"), row("b"))))
        for _ in range(2):
            if not keeps_catalog:
                Path("c.db").unlink(missing_ok=True)
            ran = run(*render)
            assert (ran.code, "take the id of 1 article out of" in ran.err) == (3, True), ran.err
        assert run(*render, "--accept-new-ids").code == 0
        Path("c.db").unlink()
        assert run(*render).code == 0
        assert b"earlier a" in Path("public/all.json").read_bytes()


def row(name: str) -> AdoptedId:
    return AdoptedId(id=f"earlier {name}", url=f"https://news.example/{name}")


def adopt(bench: Bench, *names: str) -> None:
    """Write the file of adopted ids for the articles with these titles."""
    Path(bench.config.source.ids).write_bytes(encode_adopted_ids(tuple(map(row, names))))


def test_the_source_may_begin_with_an_underscore(tmp_path):
    bench = moved_to(make_bench(tmp_path), "_news")
    bench.write("2024/a.md", title="A")
    bench.sync()
    assert bench.ids("all.json") == ["tag:feeds.example.org,2026:news/2024/a"]
    assert bench.catalog.read(Identity).collection == "_news"
    renamed = moved_to(bench, "news")
    with pytest.raises(NewIdsError, match=r'set source.collection = "_news" to keep'):
        renamed.sync()


def test_the_output_remembers_too(tmp_path, monkeypatch, capsys):
    """With the name of its folder a source has another default catalog, which is new."""
    monkeypatch.chdir(tmp_path)
    run = runner(capsys)
    write("a.md", article_text("A"))
    assert run("render", "articles", "public", *BASE).code == 0
    before = files_below(Path("public"))
    Path("articles").rename("texts")
    ran = run("render", "texts", "public", *BASE)
    assert (ran.code, ran.out) == (3, "")
    assert 'set source.collection = "articles" to keep the ids' in ran.err
    assert is_one_line(ran.err)
    assert files_below(Path("public")) == before
    assert run("render", "texts", "public", *BASE, "--accept-new-ids").code == 0
    assert b"texts/a" in Path("public/all.json").read_bytes()
    assert run("render", "texts", "public", *BASE).code == 0
