"""Of several files that claim one id or address the published one stays, as a model of it says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhub.catalog import Catalog
from feedhub.catalog.records import address_digest
from tests.kit import NOW, Bench, article_text, make_bench
from tests.renders import render_bench

NAMES = ("a", "b", "c", "d")
IDS = ("", "tag:feeds.example.org,2026:articles/a", "urn:x:1", "urn:x:2")
ADDRESSES = tuple(f"https://news.example/{number}" for number in range(3))
# Each writing has a time of its own, however fast one follows the other.
_MOMENTS = count(1)
DATES = ("2020-01-01", "2021-01-01")


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@dataclass(frozen=True)
class File:
    """An article file, as the model knows it; `edition` is any text of it."""

    id: str
    address: str
    date: str
    edition: int = 0

    def id_of(self, name: str) -> str:
        return self.id or f"tag:feeds.example.org,2026:articles/{name}"

    def write(self, bench: Bench, name: str) -> None:
        text = article_text(
            name,
            excerpt=f"Edition {self.edition}.",
            id=self.id or None,
            webUrl=self.address,
            publishedDateTime=f"{self.date}T00:00:00Z",
        )
        path = bench.write(f"{name}.md", text)
        moment = next(_MOMENTS)
        os.utime(path, ns=(moment, moment))


class Model:
    """What is published, from what was and from the files that there are now."""

    def __init__(self, *, unique: bool = True) -> None:
        self.unique = unique
        self.holders: dict[str, str] = {}  # names by id
        self.shown: set[tuple[str, str]] = set()  # ids and addresses
        self.known: dict[str, tuple[str, File]] = {}  # what readers have, by id

    def sync(self, files: Mapping[str, File]) -> tuple[list[str], set[tuple[str, str]]]:
        """Return the names that are published, and the names that are not with the reason."""
        problems = set()
        holders: dict[str, str] = {}
        for name, file in sorted(
            files.items(),
            key=lambda item: (
                self.holders.get(item[1].id_of(item[0])) != item[0],
                self.known.get(item[1].id_of(item[0])) != item,
                # An own id that is what the name gives anyway is no sign of a copy.
                item[1].id not in ("", f"tag:feeds.example.org,2026:articles/{item[0]}"),
                item[1].date,
                item[0],
            ),
        ):
            if holders.setdefault(file.id_of(name), name) != name:
                problems.add((name, "duplicate-id"))
        at: dict[str, str] = {}
        shown = []
        for identity, name in sorted(
            holders.items(),
            key=lambda item: (
                (item[0], files[item[1]].address) not in self.shown,
                item[0] not in self.known,
                files[item[1]].date,
                item[1],
            ),
        ):
            if at.setdefault(files[name].address, name) == name or not self.unique:
                shown.append((identity, name))
            else:
                problems.add((name, "duplicate-url"))
        self.holders = holders
        self.known |= {identity: (name, files[name]) for identity, name in shown}
        self.shown = {(identity, files[name].address) for identity, name in shown}
        return sorted(name for _, name in shown), problems


FILES = st.builds(
    File,
    st.sampled_from(IDS),
    st.sampled_from(ADDRESSES),
    st.sampled_from(DATES),
    st.integers(0, 2),
)
STATES = st.dictionaries(st.sampled_from(NAMES), FILES, min_size=1)


def problems_of(bench: Bench, moment: datetime) -> set[tuple[str, str]]:
    return {(Path(p.path).stem, p.code) for p in bench.sync(moment).problems}


@settings(max_examples=30)
@given(st.lists(STATES, min_size=1, max_size=5), st.booleans())
def test_whatever_the_order_of_arrival_it_is_as_the_model_says(states, unique):
    updated: dict[str, datetime] = {}
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        # What has not changed is not read again: then a file may come first without being read.
        patch.setattr("feedhub.sources.folder_scan.RACY_NS", 0)
        choice = "first" if unique else "all"
        bench = make_bench(Path(folder), feeds__duplicates=choice)
        model = Model(unique=unique)
        before: dict[str, File] = {}
        for step, files in enumerate(states):
            for name in before.keys() - files.keys():
                (bench.root / f"{name}.md").unlink()
            for name, file in files.items():
                if before.get(name) != file:
                    file.write(bench, name)
            before = files
            expected, problems = model.sync(files)
            assert problems_of(bench, later(step * 60)) == problems
            assert sorted(bench.titles()) == expected
            for _, article in bench.catalog.articles():
                assert article.updated >= updated.get(article.id, article.updated)
                updated[article.id] = article.updated
            # Nothing changed: nothing moves.
            changes = bench.sync(later(step * 60 + 30))
            assert (changes.changed, len(changes.problems)) == (0, len(problems))
        # A fresh catalog is a function of the files alone.
        fresh = make_bench(Path(folder) / "fresh", feeds__duplicates=choice)
        fresh = replace(fresh, root=bench.root)
        expected, problems = Model(unique=unique).sync(before)
        assert problems_of(fresh, NOW) == problems
        assert sorted(fresh.titles()) == expected


class TestIds:
    def test_a_copy_that_sorts_first_takes_nothing(self, tmp_path):
        bench = make_bench(tmp_path)
        old = bench.write("b.md", title="Published", id="urn:x:1")
        bench.sync()
        new = bench.write("a.md", title="Copy", id="urn:x:1", publishedDateTime="2019-01-01")
        changes = bench.sync(later(60))
        assert bench.titles() == ["Published"]
        (problem,) = changes.problems
        assert (problem.path, problem.level, problem.code) == (str(new), "error", "duplicate-id")
        assert f"the id is that of {old}, which stays" in problem.message
        assert (changes.rejected, changes.states) == (1, {"shown": 1, "duplicate": 1})

    @pytest.mark.parametrize(
        ("fields", "published"),
        [
            ({"a": {"id": "tag:feeds.example.org,2026:articles/b"}, "b": {}}, "b"),
            ({"a": {"guid": "tag:feeds.example.org,2026:articles/b"}, "b": {}}, "b"),
            ({"a": {"id": "x"}, "b": {"id": "x", "publishedDateTime": "2019-01-01"}}, "b"),
            ({"a": {"id": "x"}, "b": {"id": "x"}}, "a"),
        ],
        ids=["own id", "guid", "older", "path"],
    )
    def test_in_a_fresh_catalog(self, tmp_path, fields, published):
        for number, names in enumerate((("a", "b"), ("b", "a"))):
            bench = make_bench(tmp_path / str(number))
            for name in names:
                bench.write(f"{name}.md", title=name, **fields[name])
            bench.sync()
            assert bench.titles() == [published]

    def test_the_warnings_of_a_duplicate_stay(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("a.md", title="A", id="urn:x:1")
        bench.write("b.md", title="B", id="urn:x:1", quality="much")
        for _ in range(2):
            codes = [problem.code for problem in bench.sync().problems]
            assert sorted(codes) == ["duplicate-id", "not-a-number"]


class TestAddresses:
    @pytest.fixture(autouse=True)
    def _trust_stamps(self, monkeypatch) -> None:
        """Read no file again that has not changed."""
        monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", 0)

    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        """A bench with a story, and the same story in a newer file."""
        bench = make_bench(tmp_path)
        bench.write("b.md", title="Story", publishedDateTime="2020-01-01T00:00:00Z")
        bench.write("a.md", title="Story", publishedDateTime="2020-01-02T00:00:00Z")
        return bench

    def test_the_first_stays_and_the_other_is_a_warning(self, bench):
        changes = bench.sync()
        assert bench.ids("all.json") == ["tag:feeds.example.org,2026:articles/b"]
        (problem,) = changes.problems
        assert problem.path == str(bench.root / "a.md")
        assert (problem.level, problem.code) == ("warning", "duplicate-url")
        assert f"the address is that of {bench.root / 'b.md'}, which stays" in problem.message
        assert (changes.rejected, changes.states) == (0, {"shown": 1, "repeated": 1})

    def test_the_one_that_was_published_stays_though_the_other_is_older(self, bench):
        (bench.root / "b.md").unlink()
        bench.sync()
        bench.write("b.md", title="Story", publishedDateTime="2020-01-01T00:00:00Z")
        bench.sync(later(60))
        assert bench.ids("all.json") == ["tag:feeds.example.org,2026:articles/a"]

    def test_the_other_takes_its_place_and_no_date_goes_back(self, bench):
        bench.sync()
        dates = [bench.site.states()[0].updated]
        (bench.root / "b.md").unlink()
        bench.sync(later(60))
        assert bench.ids("all.json") == ["tag:feeds.example.org,2026:articles/a"]
        dates.append(bench.site.states()[0].updated)
        bench.write("b.md", title="Story", publishedDateTime="2020-01-01T00:00:00Z")
        assert bench.sync(later(120)).changed == 0, "it came too late"
        (bench.root / "a.md").unlink()
        bench.sync(later(180))
        assert bench.ids("all.json") == ["tag:feeds.example.org,2026:articles/b"]
        dates.append(bench.site.states()[0].updated)
        assert dates == sorted(set(dates))

    def test_what_is_edited_while_it_is_left_out_has_a_later_date(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("a.md", title="A")
        bench.write("b.md", title="B")
        bench.sync()
        bench.write("b.md", title="B", excerpt="Edited.")
        bench.sync(later(60))
        bench.write("b.md", title="B", webUrl="https://news.example/a")
        bench.sync(later(120))
        assert bench.titles() == ["A"]
        bench.write("b.md", title="B", webUrl="https://news.example/a", excerpt="Again.")
        bench.sync(later(180))
        (bench.root / "a.md").unlink()
        bench.sync(NOW)  # a clock that was set back
        ((_, article),) = bench.catalog.articles()
        assert article.updated > later(60), "which readers have"

    def test_who_is_left_out_holds_its_id(self, bench):
        bench.write("a.md", title="Story", id="urn:x:1", publishedDateTime="2020-01-02T00:00:00Z")
        bench.sync()
        bench.write("0.md", title="Copy", id="urn:x:1", publishedDateTime="2019-01-01T00:00:00Z")
        codes = {(Path(p.path).name, p.code) for p in bench.sync(later(60)).problems}
        assert codes == {("0.md", "duplicate-id"), ("a.md", "duplicate-url")}

    def test_its_earlier_date_is_kept_though_others_come_and_go(self, tmp_path):
        bench = make_bench(tmp_path)
        for name in "ab":
            bench.write(f"{name}.md", title=name)
        bench.sync()
        bench.write("b.md", title="b", excerpt="Edited.")
        bench.sync(later(60))
        bench.write("b.md", title="b", webUrl="https://news.example/a")
        bench.sync(later(120))
        bench.write("c.md", title="c", webUrl="https://news.example/a")
        bench.sync(later(180))
        (bench.root / "a.md").unlink()
        bench.write("b.md", title="b", webUrl="https://news.example/a", excerpt="Edited again.")
        bench.sync(NOW)
        assert bench.titles() == ["b"]
        ((_, article),) = bench.catalog.articles()
        assert article.updated > later(60), "which readers have"

    def test_another_text_under_an_id_has_a_later_date_though_it_was_left_out(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("a.md", title="a", id="urn:x:1", updatedDateTime="2026-01-01T00:00:00Z")
        bench.write("b.md", title="b", id="urn:x:1", webUrl="https://news.example/c")
        bench.write("c.md", title="c", publishedDateTime="2019-01-01T00:00:00Z")
        bench.sync()
        (bench.root / "a.md").unlink()
        bench.sync(later(60))
        assert bench.titles() == ["c"]
        (bench.root / "c.md").unlink()
        bench.sync(later(120))
        ((_, article),) = bench.catalog.articles()
        assert (article.title, article.updated > datetime(2026, 1, 1, tzinfo=UTC)) == ("b", True)

    def test_a_change_of_the_key_is_a_change_of_the_feeds(self, bench):
        bench.write("hidden.md", title="Hidden", published=False)
        bench.sync()
        config = make_bench(bench.root.parent, feeds__duplicates="all").config
        everything = replace(bench, config=config)
        changes = everything.sync(later(60))
        assert (len(everything.ids("all.json")), changes.problems) == (2, ())
        bench.sync(later(120))
        assert bench.ids("all.json") == ["tag:feeds.example.org,2026:articles/b"]

    def test_a_renamed_file_is_still_the_published_one(self, bench):
        date = "2020-01-03T00:00:00Z"
        bench.write("b.md", title="Story", id="urn:x:1", slug="story", publishedDateTime=date)
        (bench.root / "a.md").unlink()
        bench.sync()
        bench.write("a.md", title="Story")
        (bench.root / "b.md").rename(bench.root / "c.md")
        assert bench.sync(later(60)).changed == 0
        assert bench.ids("all.json") == ["urn:x:1"]

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            ("https://a.example/x", "http://a.example/x", True),
            ("https://a.example/x", "https://a.example/x/", True),
            ("https://a.example/x?a=1", "http://a.example/x/?a=1", True),
            ("https://a.example/", "https://a.example/x", False),
            ("https://a.example/x", "https://b.example/x", False),
            ("https://a.example/x", "https://a.example/X", False),
            ("https://a.example/x?a=1", "https://a.example/x?a=2", False),
            ("https://a.example/x#one", "https://a.example/x#two", False),
            ("https://a.example/x#one", "https://a.example/x", False),
            ("https://a.example/x?a=/", "https://a.example/x?a=", False),
            ("https://a.example/x#/", "https://a.example/x#", False),
        ],
    )
    def test_which_addresses_are_the_same(self, one, other, same):
        assert (address_digest(one) == address_digest(other)) == same


class TestLostCatalog:
    """The output remembers what readers know."""

    @pytest.fixture
    def lose(self, tmp_path: Path) -> Callable[[Bench], Bench]:
        def lose(bench: Bench) -> Bench:
            render_bench(bench, tmp_path / "public")
            found = replace(bench, catalog=Catalog(None))
            render_bench(found, tmp_path / "public", later(60))
            return found

        return lose

    def test_the_published_one_of_two_with_one_id_stays(self, tmp_path, lose):
        bench = make_bench(tmp_path)
        bench.write("b.md", title="Published", id="urn:x:1")
        bench.sync()
        bench.write("a.md", title="Copy", id="urn:x:1")
        assert lose(bench).titles() == ["Published"]

    def test_the_published_one_of_two_with_one_address_stays(self, tmp_path, lose):
        bench = make_bench(tmp_path)
        bench.write("b.md", title="Story")
        bench.sync()
        bench.write("a.md", title="Story", publishedDateTime="2019-01-01")
        assert lose(bench).ids("all.json") == ["tag:feeds.example.org,2026:articles/b"]


class TestGuid:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"guid": "https://old.example/?p=12"}, "https://old.example/?p=12"),
            ({"guid": "12"}, "tag:feeds.example.org,2026:12"),
            ({"guid": "urn:x:2", "id": "urn:x:1"}, "urn:x:1"),
            ({"guid": "urn:x:2", "id": ""}, "urn:x:2"),
        ],
    )
    def test_it_is_an_id(self, tmp_path, fields, expected):
        bench = make_bench(tmp_path)
        bench.write("a.md", title="A", **fields)
        bench.sync()
        assert bench.ids("all.json") == [expected]

    def test_a_list_is_rejected(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("a.md", title="A", guid=["urn:x:2"])
        assert [problem.code for problem in bench.sync().problems] == ["wrong-type"]


def test_dates_are_those_of_the_files_where_nothing_was_published(tmp_path):
    """Three claim one id: whichever comes first has its own date in a fresh catalog."""
    bench = make_bench(tmp_path)
    for name in "abc":
        bench.write(f"{name}.md", title=name, id="urn:x:1")
    bench.sync()
    ((_, article),) = bench.catalog.articles()
    assert article.updated == datetime(2020, 6, 9, 11, tzinfo=UTC)
