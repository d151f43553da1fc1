"""The ledger: where the output is kept, a lost catalog costs a slow run and moves no date."""

from __future__ import annotations

import gzip
import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from feedhub.catalog import Catalog
from feedhub.catalog.database import SCHEMA_VERSION
from feedhub.catalog.images import ImageFacts, ImageRecord
from feedhub.catalog.ledger import VERSION, Ledger, decode_ledger, encode_ledger
from feedhub.errors import OutputError, ShrinkError
from feedhub.sources import folder_scan
from tests.command_line import BASE, runner, write
from tests.kit import NOW, Bench, article_text, files_below, make_bench
from tests.renders import render_bench, stamps

LEDGER = ".feedhub/ledger"
# Compressed copies and pages take most of the time, and tell nothing more about dates.
SETTINGS: dict[str, object] = {
    "feeds__limit": 3,
    "feeds__days": 0,
    "feeds__formats": ("rss", "atom", "json"),
    "render__compress": (),
}


def later(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


@pytest.fixture
def run(capsys) -> Callable:
    return runner(capsys)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A site with a history of edits, withdrawals and returns; its output is in `public`."""
    bench = make_bench(tmp_path, None, **SETTINGS)
    out = tmp_path / "public"
    image = "https://images.example/1.png"
    for number in range(9):
        topics = ["AI", f"Topic {number % 3}"]
        date = f"2020-0{1 + number}-01T00:00:00Z"
        bench.write(f"{number}.md", title=f"N{number}", topics=topics, publishedDateTime=date)
    bench.write("c.md", title="C", topics=["A-B"], images=[{"url": image}])
    render_bench(bench, out)
    # The label that came first has its slug, though the other gets an older article.
    bench.write("cc.md", title="C2", topics=["A B"], publishedDateTime="2019-01-01T00:00:00Z")
    bench.write("8.md", title="N8", topics=["AI"], excerpt="Edited.")
    render_bench(bench, out, later(1))
    bench.write("0.md", title="N0", topics=["AI"], excerpt="Edited.", updatedDateTime="2021-01-01")
    bench.write("7.md", title="N7", published=False)
    bench.write("6.md", title="N6", topics=["AI"])
    bench.write("only.md", title="Only", topics=["Soon empty"])
    facts = ImageFacts("image/png", 1234, 10, 20)
    bench.catalog.images.put([ImageRecord(image, "known", 1, 2, 0, facts)])
    render_bench(bench, out, later(2))
    (bench.root / "only.md").unlink()
    (bench.root / "5.md").unlink()
    bench.write("7.md", title="N7", topics=["AI"], publishedDateTime="2020-08-01T00:00:00Z")
    bench.write("0.md", title="N0", topics=["AI"], updatedDateTime="2020-06-01")
    render_bench(bench, out, later(3))
    return bench


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "public"


def lose_catalog(bench: Bench) -> None:
    bench.catalog.close()
    bench.catalog = Catalog(None)


def updates(bench: Bench) -> dict[str, datetime]:
    """Return when each published article was updated, by its title."""
    return {article.title: article.updated for _, article in bench.catalog.articles()}


class TestLostCatalog:
    def test_nothing_is_written_anew(self, bench, out):
        before, dates = stamps(out), [(s, s.changed_at) for s in bench.site.states()]
        shown, retired_at = updates(bench), bench.catalog.next_due()
        lose_catalog(bench)
        report = render_bench(bench, out, later(9))
        assert bench.catalog.next_due() == retired_at, "the empty feed is no younger"
        assert (report.written, report.removed) == (0, 0)
        assert stamps(out) == before, "not even the ledger"
        assert [(s, s.changed_at) for s in bench.site.states()] == dates
        assert updates(bench) == shown
        assert report.changes.changed_feeds == (), "no hub hears of it"
        assert render_bench(bench, out, later(10)).unchanged == report.unchanged

    def test_it_goes_on_as_if_it_had_not_been_lost(self, bench, out, tmp_path):
        """Each later step gives the bytes that it gives where the catalog is kept."""
        (tmp_path / "other").mkdir()
        other = make_bench(tmp_path / "other", None, **SETTINGS)
        other.root.rmdir()
        other.root.symlink_to(bench.root)
        shutil.copytree(out, tmp_path / "copy")
        steps: list[Callable[[], object]] = [
            lambda: bench.write("1.md", title="N1", topics=["AI"], excerpt="Edited."),
            lambda: bench.write("5.md", title="N5", topics=["AI", "Topic 2"]),
            lambda: bench.write("c3.md", title="C3", topics=["A B", "A-B", "Soon empty"]),
            lambda: (bench.root / "8.md").unlink(),
            lambda: bench.write("2.md", title="N2", published=False),
        ]
        for hour, step in enumerate(steps, 4):
            step()
            render_bench(bench, out, later(hour))
            lose_catalog(other)
            render_bench(other, tmp_path / "copy", later(hour))
            assert published(tmp_path / "copy") == published(out)

    def test_what_happened_meanwhile_is_seen_now(self, bench, out):
        before, was = published(out), updates(bench)
        bench.write("1.md", title="N1", topics=["Topic 1"], excerpt="Edited.")
        for name in ("2.md", "8.md", "c.md"):
            (bench.root / name).unlink()
        lose_catalog(bench)
        render_bench(bench, out, later(9))
        now = updates(bench)
        assert now.pop("N1") == later(9)
        assert now.items() <= was.items()
        feeds = {
            state.label: state for state in bench.catalog.feeds(("topic",)) if not state.period
        }
        assert (feeds["A-B"].count, feeds["A-B"].updated) == (0, later(9))
        assert feeds["Soon empty"].updated == later(3), "it was empty before"
        assert published(out).keys() >= {path for path in before if "/20" not in path}

    def test_the_date_of_what_returns_later_does_not_go_back(self, bench, out):
        bench.write("8.md", title="N8", published=False)
        render_bench(bench, out, later(4))
        lose_catalog(bench)
        render_bench(bench, out, later(-99))
        bench.write("8.md", title="N8", topics=["AI"], excerpt="Edited.")
        render_bench(bench, out, later(-98))
        assert updates(bench)["N8"] == later(1)

    def test_a_retired_feed_has_its_address_for_ever(self, bench, out):
        """Though the ledger has no more than digests of its name."""
        (bench.root / "c.md").unlink()
        render_bench(bench, out, later(4))
        render_bench(bench, out, later(24 * 40))
        assert b"A-B" not in gzip.decompress((out / LEDGER).read_bytes())
        lose_catalog(bench)
        bench.write("c.md", title="C", topics=["A-B"])
        render_bench(bench, out, later(24 * 41))
        (state,) = (s for s in bench.site.states() if s.label == "A-B")
        assert (state.slug, state.updated) == ("a-b", later(24 * 41))

    def test_without_a_ledger_dates_go_back(self, bench, out):
        """So the tests above see something."""
        (out / LEDGER).unlink()
        lose_catalog(bench)
        report = render_bench(bench, out, later(9))
        assert report.written > 10
        assert report.removed > 5
        assert updates(bench)["N8"] < later(1)

    def test_a_refused_render_takes_nothing_over(self, bench, out):
        lose_catalog(bench)
        for path in bench.root.iterdir():
            path.rename(path.with_suffix(".away"))
        with pytest.raises(ShrinkError, match="can be published"):
            render_bench(bench, out, later(4))
        assert bench.catalog.generation() == 0
        for path in bench.root.iterdir():
            path.rename(path.with_suffix(".md"))
        assert render_bench(bench, out, later(5)).written == 0

    def test_a_preview_takes_over_nothing_public(self, bench, out):
        """And leaves nothing of its own to the public site."""
        bench.write("draft.md", title="Draft", topics=["Secret"], published=False)
        preview = Bench(bench.root, Catalog(None), bench.config, drafts=True)
        render_bench(preview, out, later(4), allow_shrink=True)
        assert updates(preview)["N8"] < later(1)
        lose_catalog(bench)
        render_bench(bench, out, later(5), allow_shrink=True)
        assert b"Secret" not in gzip.decompress((out / LEDGER).read_bytes())

    def test_other_settings_change_documents_and_no_date_of_an_entry(self, bench, out):
        was = updates(bench)
        lose_catalog(bench)
        changed = SETTINGS | {"site__title": "Another"}
        bench.config = make_bench(bench.root.parent, None, **changed).config
        assert render_bench(bench, out, later(9)).written > 10
        assert updates(bench) == was


def published(out: Path) -> dict[str, bytes]:
    return {path: body for path, body in files_below(out).items() if ".feedhub" not in path}


class TestFile:
    def test_it_is_read_only_by_a_new_catalog(self, bench, out):
        (out / LEDGER).write_bytes(b"damaged")
        told = Mock()
        render_bench(bench, out, later(4), on_damaged_ledger=told)
        told.assert_not_called()
        assert decode_ledger((out / LEDGER).read_bytes()), "it was made anew"

    def test_every_damage_is_told_and_ignored(self, bench, out):
        data = (out / LEDGER).read_bytes()
        chance, whole = random.Random(5), decode_ledger(data)
        assert decode_ledger(b"") is None
        for _ in range(300):
            at = chance.randrange(10, len(data))
            flipped = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
            # The last bits before the checksum may stand for nothing.
            assert decode_ledger(flipped) in (None, whole)
            assert decode_ledger(data[:at]) is None
        (out / LEDGER).write_bytes(data[:-1])
        lose_catalog(bench)
        told = Mock()
        render_bench(bench, out, later(9), on_damaged_ledger=told)
        told.assert_called_once_with(out / LEDGER)
        assert decode_ledger((out / LEDGER).read_bytes())

    def test_other_versions(self, bench, out):
        rows = msgspec.msgpack.decode(gzip.decompress((out / LEDGER).read_bytes()))

        def decoded(**changes: object) -> Ledger | None:
            return decode_ledger(gzip.compress(msgspec.msgpack.encode(rows | changes)))

        assert decoded(version=VERSION + 1) is None
        assert decoded(feeds=[["topic"]]) is None
        extended = decoded(feeds=[[*row, "new"] for row in rows["feeds"]], another=[1])
        assert extended == decoded(), "a version that adds fields can be taken back"
        assert decode_ledger(gzip.compress(b"\xc1")) is None

    def test_it_has_digests_of_articles_and_no_text(self, bench, out):
        text = gzip.decompress((out / LEDGER).read_bytes())
        assert b"Soon empty" in text, "its feed is published, without an entry"
        for secret in (b"N5", b"N8", b"Only", b"tag:"):
            assert secret not in text

    def test_it_is_written_when_something_in_it_has_changed(self, bench, out, monkeypatch):
        before = stamps(out)[LEDGER]
        monkeypatch.setattr(folder_scan, "RACY_NS", 0)
        for path in bench.root.iterdir():
            path.touch()
        render_bench(bench, out, later(4))
        assert stamps(out)[LEDGER] == before
        encode = Mock(wraps=encode_ledger)
        monkeypatch.setattr("feedhub.catalog.ledger.encode_ledger", encode)
        render_bench(bench, out, later(5))
        assert encode.call_count == 0
        # Of this article no document holds anything, but readers have it.
        changed = SETTINGS | {"feeds__archives": False, "feeds__limit": 1}
        bench.config = make_bench(bench.root.parent, None, **changed).config
        render_bench(bench, out, later(6))
        encode.reset_mock()
        written = (out / LEDGER).read_bytes()
        bench.write("1.md", title="N1", topics=["AI"], excerpt="Again.")
        render_bench(bench, out, later(7))
        assert encode.call_count == 0
        assert (out / LEDGER).read_bytes().startswith(written), "one article is appended"
        assert stamps(out)[LEDGER] != before
        (out / LEDGER).unlink()
        render_bench(bench, out, later(8))
        assert (out / LEDGER).is_file()

    def test_one_that_cannot_be_read_or_written_stops_the_render(self, bench, out):
        before = published(out)
        (out / LEDGER).unlink()
        (out / LEDGER).mkdir()
        bench.write("1.md", title="N1", topics=["AI"], excerpt="Edited.")
        with pytest.raises(OutputError, match=r"ledger: cannot be read: Is a directory"):
            render_bench(bench, out, later(4))
        (out / LEDGER).rmdir()
        (out / f"{LEDGER}.new").mkdir()
        with pytest.raises(OutputError, match=r"ledger.new: cannot be written: Is a directory"):
            render_bench(bench, out, later(5))
        assert published(out) == before


class TestSync:
    """Without an output, the ledger lies beside the catalog."""

    COMMAND = ("sync", "articles", "--catalog", "c.db", "--quiet", *BASE)

    @pytest.fixture(autouse=True)
    def synced(self, tmp_path, monkeypatch, run):
        monkeypatch.chdir(tmp_path)
        write("a.md", article_text("A"))
        assert run(*self.COMMAND).code == 0
        write("a.md", article_text("A", excerpt="Edited."))
        assert run(*self.COMMAND).code == 0

    def states(self) -> list[object]:
        catalog = Catalog.open_existing(Path("c.db"), read_only=True)
        try:
            return [catalog.feeds(("all", "topic")), [a for _, a in catalog.articles()]]
        finally:
            catalog.close()

    @pytest.mark.parametrize("how", ["deleted", "damaged", "of another version"])
    def test_a_catalog_that_is_made_anew_loses_no_date(self, run, how):
        before = self.states()
        if how == "deleted":
            Path("c.db").unlink()
        elif how == "damaged":
            data = Path("c.db").read_bytes()
            Path("c.db").write_bytes(data[:5000] + b"\xff" + data[5001:])
        else:
            catalog = Catalog(Path("c.db"))
            catalog._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
            catalog.changes("hub").enqueue(["a"], 1, 0)  # so that the seal is broken
            catalog.close()
        ran = run(*self.COMMAND)
        assert (ran.code, ran.err.count("\n")) == (0, how == "damaged")
        assert self.states() == before

    def test_a_damaged_ledger_is_told_in_one_line(self, run):
        before = self.states()
        Path("c.db").unlink()
        Path("c.db.ledger").write_bytes(b"damaged")
        message = "the ledger is damaged and is made anew; dates that it knew are lost"
        assert run(*self.COMMAND) == (0, "", f"feedhub: c.db.ledger: {message}\n")
        assert self.states() != before
        Path("c.db").unlink()
        assert run(*self.COMMAND) == (0, "", "")


class TestAppending:
    """What one article changes is appended, as long as no name changes."""

    def edit(self, bench: Bench, out: Path, number: int, topic: str = "AI", **fields: Any) -> bytes:
        """Edit an article, render, and return the ledger before."""
        before = (out / LEDGER).read_bytes()
        fields = {"excerpt": f"Edit {number}."} | fields
        date = f"2020-0{3 + number % 5}-01T00:00:00Z"
        bench.write(
            f"{2 + number % 5}.md", title="N", topics=[topic], publishedDateTime=date, **fields
        )
        render_bench(bench, out, later(10 + number))
        return before

    def says(self, bench: Bench, data: bytes) -> bool:
        """Tell whether a ledger says what one written anew would."""
        ledger, anew = decode_ledger(data), decode_ledger(encode_ledger(bench.catalog._database))
        assert ledger is not None
        assert anew is not None
        known = {(entry.id, entry.digest, entry.updated) for entry in ledger.articles}
        wanted = {(entry.id, entry.digest, entry.updated) for entry in anew.articles}
        rest = (ledger.sync, ledger.identity, ledger.feeds, ledger.states, ledger.indexes)
        return known == wanted and rest == (
            *(anew.sync, anew.identity, anew.feeds, anew.states, anew.indexes),
        )

    def test_it_says_what_one_written_anew_says(self, bench, out):
        kept = 0
        for number in range(12):
            before = self.edit(bench, out, number, published=number != 7)
            now = (out / LEDGER).read_bytes()
            assert self.says(bench, now)
            kept += now.startswith(before)
            assert len(now) < 2 * len(encode_ledger(bench.catalog._database)) + 100
        assert 1 < kept < 12, "it is written anew when it has doubled"

    def test_a_run_that_dies_while_it_appends(self, bench, out):
        before, data = b"another", b""
        for number in range(12):
            if not data.startswith(before):
                before = self.edit(bench, out, number)
                data = (out / LEDGER).read_bytes()
        assert len(data) > len(before)
        for end in range(len(before), len(data)):
            assert decode_ledger(data[:end]) == decode_ledger(before)
        (out / LEDGER).write_bytes(data[:-1])
        self.edit(bench, out, 13)
        assert self.says(bench, (out / LEDGER).read_bytes()), "another file is not appended to"

    def test_very_many_changes_are_not_appended(self, bench, out, monkeypatch):
        self.edit(bench, out, 0)
        monkeypatch.setattr("feedhub.catalog.sync.MAX_IDS", 0)
        before = self.edit(bench, out, 1)
        assert not (out / LEDGER).read_bytes().startswith(before)
        assert self.says(bench, (out / LEDGER).read_bytes())

    def test_a_name_that_leaves_is_in_no_part_of_it(self, bench, out):
        self.edit(bench, out, 0, topic="Secret")
        assert b"Secret" in decompressed(out)
        self.edit(bench, out, 0)
        for hour in (0, 31 * 24):
            render_bench(bench, out, later(20 + hour))
        assert b"Secret" not in decompressed(out)

    def test_another_process_may_have_synced_meanwhile(self, bench, out, tmp_path):
        self.edit(bench, out, 0)
        bench.write("2.md", title="N", topics=["AI"], excerpt="Unknown to the other.")
        bench.sync(later(30))
        bench.catalog._not_in_ledger = None  # as in a process that begins now
        before = self.edit(bench, out, 1)
        assert not (out / LEDGER).read_bytes().startswith(before)
        assert self.says(bench, (out / LEDGER).read_bytes())


def decompressed(out: Path) -> bytes:
    """Return all parts of the ledger."""
    return gzip.decompress((out / LEDGER).read_bytes())
