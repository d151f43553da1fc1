"""A file that is missing for a moment, or half-written, changes nothing; dates survive absences."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feedhub.catalog import claims
from feedhub.errors import ArticleError
from feedhub.sources import ReadOptions, files
from feedhub.sources.files import FilesSource, read_bytes
from feedhub.sources.frontmatter import MAX_BYTES
from tests.kit import NOW, Bench, article_text, make_bench

QUIET_NS = files.QUIET_NS  # as it is outside of tests
EDITED = NOW + timedelta(hours=1)


def later(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with articles A and B; B was edited at EDITED."""
    bench = make_bench(tmp_path)
    bench.write("a.md", title="A", topics=["AI"])
    bench.write("b.md", title="B")
    bench.sync()
    bench.write("b.md", title="B", excerpt="Another.")
    bench.sync(EDITED)
    return bench


def updates(bench: Bench) -> dict[str, datetime]:
    """Return when each published article was updated, by its title."""
    return {article.title: article.updated for _, article in bench.catalog.articles()}


def feed_date(bench: Bench, kind: str = "all", slug: str = "") -> datetime:
    (state,) = (s for s in bench.site.states() if (s.kind, s.slug) == (kind, slug))
    return state.updated


def on_settle(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[int]:
    """Act while a sync waits for a missing file; return a list that grows with each wait."""
    waits: list[int] = []

    def settle(_: FilesSource) -> None:
        waits.append(1)
        act()

    monkeypatch.setattr(FilesSource, "settle", settle)
    return waits


class TestMissingFiles:
    def test_one_that_is_back_at_the_second_look_never_left(self, bench, monkeypatch, tmp_path):
        (bench.root / "b.md").rename(tmp_path / "away")
        waits = on_settle(monkeypatch, lambda: (tmp_path / "away").rename(bench.root / "b.md"))
        before = bench.site.states()
        assert bench.sync(later(2)).changed == 0
        assert bench.site.states() == before
        assert len(waits) == 1

    def test_one_that_is_edited_meanwhile_is_read_as_it_is_then(self, bench, monkeypatch):
        (bench.root / "b.md").unlink()
        on_settle(monkeypatch, lambda: bench.write("b.md", title="B", excerpt="A third."))
        bench.sync(later(2))
        assert updates(bench)["B"] == later(2)

    def test_a_whole_folder(self, bench, monkeypatch, tmp_path):
        for number in range(5):
            bench.write(f"deep/er/{number}.md", title=f"Number {number}")
        bench.sync(later(2))
        (bench.root / "deep").rename(tmp_path / "away")
        on_settle(monkeypatch, lambda: (tmp_path / "away").rename(bench.root / "deep"))
        assert bench.sync(later(3)).changed == 0

    def test_what_only_the_second_look_misses_stays_until_the_next(
        self, bench, monkeypatch, tmp_path
    ):
        (bench.root / "a.md").rename(tmp_path / "away")

        def move_on() -> None:
            (tmp_path / "away").rename(bench.root / "a.md")
            (bench.root / "b.md").unlink()

        on_settle(monkeypatch, move_on)
        assert bench.sync(later(2)).changed == 0
        on_settle(monkeypatch, lambda: None)
        bench.sync(later(3))
        assert bench.titles() == ["A"]

    def test_one_that_is_missing_twice_is_gone(self, bench, monkeypatch):
        (bench.root / "b.md").unlink()
        waits = on_settle(monkeypatch, lambda: None)
        bench.sync(later(2))
        assert bench.titles() == ["A"]
        bench.sync(later(3))
        assert len(waits) == 1

    @pytest.mark.parametrize(
        "change",
        [
            lambda bench: None,
            lambda bench: bench.write("c.md", title="C"),
            lambda bench: bench.write("b.md", title="B", published=False),
            lambda bench: bench.write("b.md", "no front matter"),
            lambda bench: (bench.root / "hidden.md").unlink(),
        ],
        ids=["nothing", "new", "withdrawn", "torn", "a hidden file goes"],
    )
    def test_other_changes_wait_for_nothing(self, bench, monkeypatch, change):
        bench.write("hidden.md", title="H", published=False)
        bench.sync(later(2))
        waits = on_settle(monkeypatch, lambda: None)
        change(bench)
        bench.sync(later(3))
        assert waits == []

    def test_a_renamed_article_with_an_id_is_the_same_article(self, bench):
        path = bench.write("c.md", title="C", id="tag:x,2026:c", slug="c")
        bench.sync(later(2))
        bench.write("c.md", title="C", id="tag:x,2026:c", slug="c", excerpt="Another.")
        bench.sync(later(3))
        before = updates(bench)
        for name in ("zz.md", "0.md", "deep/c.md", "c.md"):
            (bench.root / name).parent.mkdir(exist_ok=True)
            path = path.rename(bench.root / name)
            assert bench.sync(later(4)).changed == 0
            assert updates(bench) == before

    def test_a_renamed_and_edited_article_is_updated_now(self, bench):
        bench.write("c.md", title="C", id="tag:x,2026:c")
        bench.sync(later(2))
        (bench.root / "c.md").unlink()
        stated = "2021-01-01T00:00:00Z"
        bench.write("d.md", title="D", id="tag:x,2026:c", updatedDateTime=stated)
        bench.sync(later(3))
        assert updates(bench)["D"] == datetime(2021, 1, 1, tzinfo=UTC), "as it states"

    def test_another_file_that_takes_over_an_id_never_goes_back(self, bench):
        """The file that takes over was a duplicate, and is not read again."""
        for name in ("c.md", "d.md", "e.md"):
            bench.write(name, title=name, id="tag:x,2026:c", updatedDateTime="2021-01-01T00:00:00Z")
        bench.sync(later(2))
        bench.write("c.md", title="e.md", id="tag:x,2026:c")
        bench.sync(later(3))
        (bench.root / "c.md").unlink()
        bench.sync(later(4))
        assert updates(bench)["d.md"] == later(4), "another text under this id"
        (bench.root / "d.md").unlink()
        bench.sync(NOW)
        assert updates(bench)["e.md"] == later(4) + timedelta(seconds=1)


class TestTombstones:
    @pytest.fixture(params=["published: false", "removed", "deleted", "expired", "another id"])
    def hide(self, request, bench: Bench) -> Callable[[], object]:
        fields: dict[str, dict[str, Any]] = {
            "published: false": {"published": False},
            "removed": {"removed": True},
            "expired": {"expiryDate": "2021-01-01"},
            "another id": {"id": "tag:x,2026:other"},
        }
        if request.param == "deleted":
            return lambda: (bench.root / "b.md").unlink()
        hidden = fields[request.param]
        return lambda: bench.write("b.md", title="B", excerpt="Another.", **hidden)

    def test_what_returns_unchanged_has_the_date_that_readers_have(self, bench, hide):
        for hour in (2, 4):
            hide()
            bench.sync(later(hour))
            bench.sync(later(hour + 0.5))
            bench.write("b.md", title="B", excerpt="Another.")
            bench.sync(later(hour + 1))
            assert updates(bench)["B"] == EDITED
            assert feed_date(bench) == later(hour + 1)

    def test_what_returns_changed_was_updated_when_it_returned(self, bench, hide):
        hide()
        bench.sync(later(2))
        bench.write("b.md", title="B", excerpt="A third.")
        bench.sync(later(3))
        assert updates(bench)["B"] == later(3)

    def test_never_earlier_than_readers_have_though_the_clock_went_back(self, bench, hide):
        hide()
        bench.sync(later(-2))
        bench.write("b.md", title="B", excerpt="A third.")
        bench.sync(later(-1))
        assert updates(bench)["B"] == EDITED + timedelta(seconds=1)

    def test_a_stated_date_does_not_go_back_either(self, bench, hide):
        hide()
        bench.sync(later(2))
        bench.write("b.md", title="B", updatedDateTime="2021-01-01T00:00:00Z")
        bench.sync(later(3))
        assert updates(bench)["B"] == EDITED

    def test_it_holds_neither_id_nor_text_and_goes_when_the_article_returns(self, bench):
        bench.write("b.md", title="B", id="CANARY")
        bench.sync(later(2))
        bench.write("b.md", title="B", id="CANARY", published=False)
        bench.sync(later(3))
        rows = tombstones(bench)
        assert len(rows) == 2  # under its earlier id too
        assert "CANARY" not in repr(rows)
        bench.write("b.md", title="B", id="CANARY")
        bench.sync(later(4))
        assert len(tombstones(bench)) == 1

    def test_the_oldest_go(self, bench, monkeypatch):
        monkeypatch.setattr(claims, "MAX_TOMBSTONES", 2)
        for number in range(4):
            bench.write(f"{number}.md", title=f"N{number}")
        bench.sync(later(2))
        for number in range(4):
            (bench.root / f"{number}.md").unlink()
            bench.sync(later(3 + number))
        kept = tombstones(bench)
        assert len(kept) == 2
        assert {row[0] for row in kept} == {3, 4}

    def test_a_hidden_article_that_was_never_published_has_none(self, bench):
        bench.write("c.md", title="C", published=False)
        bench.sync(later(2))
        (bench.root / "c.md").unlink()
        bench.sync(later(3))
        assert tombstones(bench) == []


def tombstones(bench: Bench) -> list[tuple[object, ...]]:
    return bench.catalog._database.fetch_all("SELECT * FROM tombstones ORDER BY number")


class TestFeedDates:
    def test_an_older_article_moves_it(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("1.md", title="One", publishedDateTime="2026-01-01T00:00:00Z")
        bench.write("3.md", title="Three", publishedDateTime="2026-01-03T00:00:00Z")
        bench.sync()
        assert feed_date(bench) == datetime(2026, 1, 3, tzinfo=UTC), "a function of the articles"
        bench.write("2.md", title="Two", publishedDateTime="2026-01-02T00:00:00Z")
        bench.sync(later(1))
        assert feed_date(bench) == later(1)
        assert b"<lastBuildDate>Mon, 01 Jun 2026 13:00:00" in bench.documents()["all.rss"].body

    def test_a_withdrawal_of_the_newest_moves_it_forward(self, bench):
        bench.write("b.md", title="B", published=False)
        bench.sync(later(2))
        assert feed_date(bench) == later(2)

    def test_the_clock_may_go_back(self, bench):
        bench.write("b.md", title="B", published=False)
        bench.sync(NOW)
        assert feed_date(bench) == EDITED + timedelta(seconds=1)

    def test_a_newer_article_gives_its_date_which_every_catalog_knows(self, tmp_path):
        bench = make_bench(tmp_path)
        bench.write("1.md", title="One", publishedDateTime="2026-01-01T00:00:00Z")
        bench.sync()
        bench.write("3.md", title="Three", publishedDateTime="2026-01-03T00:00:00Z")
        bench.sync(later(1))
        assert feed_date(bench) == datetime(2026, 1, 3, tzinfo=UTC)

    def test_only_the_feeds_that_changed_move(self, bench):
        before = feed_date(bench, "topic", "ai")
        bench.write("b.md", title="B", published=False)
        bench.sync(later(2))
        assert feed_date(bench, "topic", "ai") == before

    def test_an_archive_that_comes_back_has_no_earlier_date(self, tmp_path):
        bench = make_bench(tmp_path, feeds__limit=1, feeds__days=0)
        for name, date in (("old", "2026-01-02"), ("older", "2026-01-01"), ("new", "2026-02-02")):
            bench.write(f"{name}.md", title=name, publishedDateTime=date)
        bench.sync()

        def archive_dates() -> list[datetime]:
            return [s.updated for s in bench.catalog.feeds(("all",)) if s.period]

        for hour, name, dates in ((1, "older", [later(1)]), (2, "old", [])):
            (bench.root / f"{name}.md").unlink()
            bench.sync(later(hour))
            assert archive_dates() == dates
        bench.write("old.md", title="old", publishedDateTime="2026-01-02")
        bench.sync(later(3))
        assert archive_dates() == [later(3)]


class TestGit:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        (tmp_path / ".git").mkdir()
        return tmp_path

    def settle(self, folder: Path) -> float:
        """Return how many seconds it takes to settle."""
        start = time.monotonic()
        FilesSource(folder / "content/posts", ReadOptions()).settle()
        return time.monotonic() - start

    def test_it_waits_until_a_checkout_has_ended(self, repository):
        lock = repository / ".git/index.lock"
        lock.touch()
        threading.Timer(0.5, lock.unlink).start()
        assert 0.4 < self.settle(repository) < 5

    def test_it_does_not_wait_for_a_git_that_crashed(self, repository):
        lock = repository / ".git/index.lock"
        lock.touch()
        os.utime(lock, (1, 1))
        assert self.settle(repository) < 0.4

    def test_it_waits_so_long_and_no_longer(self, repository, monkeypatch):
        monkeypatch.setattr(files, "MAX_LOCK_SECONDS", 0.6)
        lock = repository / ".git/index.lock"
        lock.touch()
        in_an_hour = time.time() + 3600
        os.utime(lock, (in_an_hour, in_an_hour))
        assert 0.5 < self.settle(repository) < 5


WRITER = """
import itertools, sys, time
path, pause = sys.argv[1], float(sys.argv[2])
for letter in itertools.cycle("ABC"):
    with open(path, "w") as file:
        for _ in range(30):
            file.write(letter * 4096)
            file.flush()
            time.sleep(0.005)
    time.sleep(pause)
"""


@contextmanager
def writing(path: Path, pause: float) -> Iterator[None]:
    """Let a process write a file of one letter anew, in place, again and again."""
    path.write_text("A" * 122_880)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(pause)]) as process:
        try:
            yield
        finally:
            process.kill()


class TestWritingInPlace:
    def test_no_reading_is_cut_or_mixed(self, tmp_path, monkeypatch):
        monkeypatch.setattr(files, "QUIET_NS", QUIET_NS)
        path, read = tmp_path / "a.md", 0
        with writing(path, 0.3):
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                with suppress(ArticleError):
                    # An empty file is no article: the last good version stays.
                    if data := read_bytes(os.open(path, os.O_RDONLY), MAX_BYTES):
                        assert (len(data), len(set(data))) == (122_880, 1)
                        read += 1
        assert read > 2

    def test_a_file_that_is_never_at_rest_keeps_its_last_version(self, bench, monkeypatch):
        before = bench.site.states()
        real = os.read

        def interfere(descriptor: int, size: int) -> bytes:
            data = real(descriptor, size)
            bench.write("b.md", title="B", excerpt=f"{time.monotonic()}")
            return data

        monkeypatch.setattr(os, "read", interfere)
        changes = bench.sync(later(2))
        assert (changes.rejected, changes.changed) == (1, 0)
        assert {problem.code for problem in changes.problems} == {"being-written"}
        assert bench.site.states() == before
        monkeypatch.setattr(os, "read", real)
        changes = bench.sync(later(3))
        assert (changes.rejected, changes.problems) == (0, ())
        assert updates(bench)["B"] == later(3)

    def test_a_file_of_another_day_is_read_once(self, tmp_path, monkeypatch):
        path = tmp_path / "a.md"
        for age in (1000, -1000):  # the clock of a file server may be ahead
            path.write_text(article_text())
            os.utime(path, (time.time() - age,) * 2)
            monkeypatch.setattr(time, "sleep", pytest.fail)
            assert read_bytes(os.open(path, os.O_RDONLY), MAX_BYTES) == path.read_bytes()
