"""The catalog: what is published, in which feeds, since when, and that only what changed moves."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedhub.catalog import Catalog
from feedhub.catalog.database import Database
from feedhub.errors import CatalogError
from feedhub.feed import slug_for
from tests.kit import NOW, make_bench


@pytest.fixture
def bench(tmp_path):
    return make_bench(tmp_path, tmp_path / "catalog.sqlite")


def state_of(bench, slug="", kind="all", period=""):
    """Return one feed's state."""
    states = bench.catalog.feeds(("all", "topic", "provider", "category", "author"))
    return next(s for s in states if (s.kind, s.slug, s.period) == (kind, slug, period))


def update_of(bench, title: str) -> datetime:
    """Return when an article was updated, as subscribers see it."""
    numbers = bench.catalog.entries(state_of(bench))
    (article,) = (a for a in map(bench.catalog.article, numbers) if a.title == title)
    return article.updated


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def rewrite(path: Path, old: str, new: str) -> None:
    """Replace some text of a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def trust_stamps(monkeypatch) -> None:
    """Have the scan trust every stamp, as if all files had been written long ago."""
    real = time.time_ns
    monkeypatch.setattr("time.time_ns", lambda: real() + 10_000_000_000)


def test_order_is_newest_first_with_ties_by_id(bench):
    bench.write("b.md", title="B", publishedDateTime="2020-01-01T00:00:00Z")
    bench.write("a.md", title="A", publishedDateTime="2020-01-01T00:00:00Z")
    bench.write("c.md", title="C", publishedDateTime="2020-01-02T00:00:00Z")
    bench.sync()

    assert bench.titles() == ["C", "A", "B"]


def test_an_edit_sets_updated_and_changed_at_to_the_time_of_the_sync(bench):
    path = bench.write("a.md", title="Old title", topics=["AI"])
    bench.write("b.md", title="Other", topics=["Robots"])
    bench.sync()
    before = state_of(bench), state_of(bench, "robots", "topic")
    rewrite(path, "Old title", "New title")
    bench.sync(later(60))
    after = state_of(bench), state_of(bench, "robots", "topic")

    assert after[0].updated == after[0].changed_at == later(60)
    assert after[0].fingerprint != before[0].fingerprint
    assert after[1] == before[1]


def test_an_update_that_the_file_states_wins_over_the_time_of_the_sync(bench):
    path = bench.write("a.md", title="T", updatedDateTime="2021-01-01T00:00:00Z")
    bench.sync()
    assert state_of(bench).updated == datetime(2021, 1, 1, tzinfo=UTC)
    rewrite(path, "2021-01-01", "2021-02-02")
    bench.sync(later(60))

    assert update_of(bench, "T") == datetime(2021, 2, 2, tzinfo=UTC)
    rewrite(path, "2021-02-02", "2020-12-24")
    bench.sync(later(120))
    assert update_of(bench, "T") == datetime(2021, 2, 2, tzinfo=UTC), "it never goes back"


def test_an_update_below_the_newest_still_changes_the_feed(bench):
    path = bench.write("a.md", title="A", updatedDateTime="2021-01-01T00:00:00Z")
    bench.write("b.md", title="B", updatedDateTime="2022-01-01T00:00:00Z")
    bench.sync()
    before = state_of(bench)
    rewrite(path, "2021-01-01", "2021-06-06")
    bench.sync(later(60))

    assert state_of(bench).updated == later(60)
    assert state_of(bench).fingerprint != before.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("secured: AAAA", "secured: BBBB"),
        ("heat: 5", "heat: 500"),
        ("quality: 7", "quality: 70"),
        ("\n", "\r\n"),
        ("title: T\nexcerpt: A summary.\n", "excerpt: A summary.\ntitle: T\n"),
    ],
)
def test_a_change_that_no_subscriber_sees_changes_no_fingerprint(bench, old, new):
    path = bench.write("a.md", title="T", secured="AAAA", heat=5, quality=7)
    bench.sync()
    before = state_of(bench)
    text = path.read_bytes().decode()
    path.write_bytes(text.replace(old, new).encode())
    assert path.read_bytes().decode() != text
    changes = bench.sync(later(60))

    assert changes.read == 1
    assert changes.changed == 0
    assert state_of(bench) == before


def test_touching_a_file_changes_nothing(bench):
    path = bench.write("a.md")
    bench.sync()
    before = state_of(bench)
    os.utime(path, (1, 1))

    assert bench.sync(later(60)).changed == 0
    assert state_of(bench) == before


def test_unchanged_files_are_not_read_again(bench, monkeypatch):
    bench.write("a.md")
    trust_stamps(monkeypatch)
    assert bench.sync().read == 1
    assert bench.sync().read == 0


def test_a_file_changed_just_before_the_scan_is_read_again(bench):
    bench.write("a.md")

    assert bench.sync().read == 1
    assert bench.sync().read == 1


def test_changed_at_moves_by_a_second_at_least(bench):
    path = bench.write("a.md", title="One")
    bench.sync()
    times = [state_of(bench).changed_at]
    for old, new in (("One", "Two"), ("Two", "Three")):
        rewrite(path, old, new)
        bench.sync(NOW)
        times.append(state_of(bench).changed_at)

    assert times[1] == NOW
    assert times[2] == later(1)


def test_a_fresh_catalog_starts_at_the_newest_entry(bench):
    bench.write("a.md", publishedDateTime="2020-01-01T00:00:00Z")
    bench.write("b.md", title="B", publishedDateTime="2019-01-01T00:00:00Z")
    bench.sync()

    assert state_of(bench).changed_at == datetime(2020, 1, 1, tzinfo=UTC)


def test_a_backfilled_article_changes_exactly_its_feeds(bench):
    bench.write("new.md", title="New", topics=["AI"], publishedDateTime="2021-01-01T00:00:00Z")
    bench.write("other.md", title="Other", topics=["Robots"])
    bench.sync()
    before = {(s.kind, s.slug): s for s in bench.catalog.feeds(("all", "topic"))}
    bench.write("old.md", title="Old", topics=["AI"], publishedDateTime="2010-01-01T00:00:00Z")
    bench.sync(later(60))
    after = {(s.kind, s.slug): s for s in bench.catalog.feeds(("all", "topic"))}

    changed = {key for key in before if before[key] != after[key]}
    assert changed == {("all", ""), ("topic", "ai")}
    assert after["topic", "ai"].changed_at == later(60)
    assert after["topic", "ai"].updated == later(60)


def test_a_withdrawn_article_leaves_and_its_feed_stays_empty(bench):
    path = bench.write("a.md", title="Gone", topics=["AI"])
    bench.write("b.md", title="Stays")
    bench.sync()
    rewrite(path, "title: Gone", "title: Gone\npublished: false")
    changes = bench.sync(later(60))

    assert changes.states == {"shown": 1, "unpublished": 1}
    assert bench.titles() == ["Stays"]
    assert bench.titles("topics/ai.json") == []
    assert state_of(bench, "ai", "topic").changed_at == later(60)


def test_a_deleted_file_is_a_withdrawn_article(bench):
    path = bench.write("a.md", title="Gone")
    bench.write("b.md", title="Stays")
    bench.sync()
    path.unlink()
    changes = bench.sync(later(60))

    assert changes.states == {"shown": 1}
    assert bench.titles() == ["Stays"]


def test_a_hidden_file_can_be_deleted_too(bench):
    path = bench.write("a.md", title="Hidden", published=False)
    bench.write("b.md", title="Stays")
    bench.sync()
    path.unlink()

    assert bench.sync(later(60)).states == {"shown": 1}


def test_a_moved_article_changes_its_feeds(bench):
    path = bench.write("a.md", title="T", topics=["AI"])
    bench.sync()
    rewrite(path, "- AI", "- Robots")
    bench.sync(later(60))

    assert bench.titles("topics/ai.json") == []
    assert bench.titles("topics/robots.json") == ["T"]


@pytest.mark.parametrize("torn", ["", "---\n", "---\ntitle: T\npublished: tr", "title: T\n"])
def test_the_last_good_article_of_a_half_written_file_stays(bench, torn):
    path = bench.write("a.md", title="Good")
    bench.sync()
    good = path.read_text()
    before = state_of(bench)
    path.write_text(torn)
    changes = bench.sync(later(60))
    assert bench.titles() == ["Good"]
    assert changes.rejected == 1
    assert [problem.level for problem in changes.problems] == ["error"]
    path.write_text(good)
    changes = bench.sync(later(120))

    assert (changes.rejected, changes.changed) == (0, 0)
    assert state_of(bench) == before


@pytest.mark.parametrize(
    "flag", ["published: 'false'", "published: no", "draft: 1", "status: in progress"]
)
def test_an_article_with_an_invalid_flag_is_withdrawn(bench, flag):
    path = bench.write("a.md", title="Was good")
    bench.write("b.md", title="Stays")
    bench.sync()
    rewrite(path, "title: Was good", f"title: Was good\n{flag}")
    changes = bench.sync(later(60))

    assert bench.titles() == ["Stays"]
    assert changes.rejected == 1


def test_problems_of_unchanged_files_are_reported_again(bench, monkeypatch):
    bench.write("bad.md", "---\ntitle: [\n---\n")
    trust_stamps(monkeypatch)
    first, second = bench.sync(), bench.sync()

    assert second.read == 0
    assert second.problems == first.problems != ()
    assert first.problems[0].path == str(bench.root / "bad.md")


def test_a_scheduled_article_is_published_when_it_is_due(bench, monkeypatch):
    bench.write("a.md", title="Now")
    bench.write("b.md", title="Soon", publishedDateTime=later(3600).isoformat())
    trust_stamps(monkeypatch)
    assert bench.sync().states == {"scheduled": 1, "shown": 1}
    assert bench.catalog.next_due() == later(3600)
    assert bench.sync(later(3599)).read == 0
    changes = bench.sync(later(3600))

    assert (changes.read, changes.states) == (1, {"shown": 2})
    assert bench.titles() == ["Soon", "Now"]
    assert bench.catalog.next_due() is None


def test_an_expiring_article_is_withdrawn_when_it_is_due(bench):
    bench.write("a.md", title="Stays")
    bench.write("b.md", title="Goes", expiryDate=later(60).isoformat())
    bench.sync()
    assert sorted(bench.titles()) == ["Goes", "Stays"]
    bench.sync(later(60))

    assert bench.titles() == ["Stays"]


def test_a_half_written_file_expires_too(bench):
    path = bench.write("a.md", title="T", expiryDate=later(60).isoformat())
    bench.sync()
    path.write_text("---\ntorn")
    bench.sync(later(30))
    assert bench.titles() == ["T"]
    bench.sync(later(60))

    assert bench.titles() == []


def test_an_update_in_the_future_counts_from_then_on(bench):
    bench.write("a.md", title="T", updatedDateTime=later(60).isoformat())
    bench.sync()
    assert state_of(bench).updated == datetime(2020, 6, 9, 11, tzinfo=UTC)
    bench.sync(later(60))

    assert state_of(bench).updated == later(60)


def test_of_two_files_with_one_id_the_first_stays(bench, monkeypatch):
    trust_stamps(monkeypatch)
    second = bench.write("b.md", title="Second", id="tag:x,2026:1")
    first = bench.write("a.md", title="First", id="tag:x,2026:1")
    changes = bench.sync()
    assert bench.titles() == ["First"]
    assert [(p.path, p.code) for p in changes.problems] == [(str(second), "duplicate-id")]
    assert str(first) in changes.problems[0].message
    first.unlink()
    changes = bench.sync(later(60))

    assert bench.titles() == ["Second"]
    assert (changes.rejected, changes.problems) == (0, ())


def test_two_files_may_swap_their_ids(bench):
    bench.write("a.md", title="One", id="tag:x,2026:1", topics=["AI"])
    bench.write("b.md", title="Two", id="tag:x,2026:2", topics=["ML"])
    bench.sync()
    bench.write("a.md", title="One", id="tag:x,2026:2", topics=["AI"])
    bench.write("b.md", title="Two", id="tag:x,2026:1", topics=["ML"])
    assert bench.sync(later(60)).problems == ()

    assert bench.ids("topics/ai.json") == ["tag:x,2026:2"]
    assert bench.ids("topics/ml.json") == ["tag:x,2026:1"]
    assert sorted(bench.titles()) == ["One", "Two"]


def test_articles_in_a_folder_that_cannot_be_read_stay(bench, monkeypatch):
    bench.write("news/a.md", title="A")
    bench.write("b.md", title="B")
    bench.sync()
    real = os.open

    def fail(path, *arguments, **options):
        if path == "news":
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    monkeypatch.setattr("os.open", fail)
    changes = bench.sync(later(60))

    assert sorted(bench.titles()) == ["A", "B"]
    assert [problem.code for problem in changes.problems] == ["unreadable"]


@pytest.mark.parametrize("known", [True, False])
def test_a_file_that_the_system_did_not_let_us_read_is_read_again(bench, monkeypatch, known):
    """Or an edit that hides would wait for the next edit, after one error of the disk."""
    monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", -(10**15))  # trust every stamp
    if known:
        bench.write("a.md", title="A")
        bench.sync()
    bench.write("a.md", title="New")
    real = os.read

    def fail(descriptor, size):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.read", fail)
    changes = bench.sync(later(60))
    assert [problem.code for problem in changes.problems] == ["unreadable"]
    assert bench.catalog.count() == known
    monkeypatch.setattr("os.read", real)
    changes = bench.sync(later(61))
    assert (changes.read, changes.problems) == (1, ())
    assert bench.titles() == ["New"]
    assert bench.sync(later(62)).read == 0


def test_labels_that_differ_only_in_spelling_are_one_feed(bench):
    bench.write("a.md", title="A", topics=["Computer Vision"])
    bench.write("b.md", title="B", topics=["computer  vision", "ＣＯＭＰＵＴＥＲ vision"])
    bench.sync()

    assert sorted(bench.titles("topics/computer-vision.json")) == ["A", "B"]
    assert state_of(bench, "computer-vision", "topic").label == "Computer Vision"


def test_two_labels_with_one_slug_never_move_an_address(bench):
    bench.write("a.md", title="A", topics=["AT T"], publishedDateTime="2020-01-02T00:00:00Z")
    bench.sync()
    bench.write("b.md", title="B", topics=["AT/T"], publishedDateTime="2010-01-01T00:00:00Z")
    bench.sync(later(60))
    late = slug_for("at/t", {"at-t"})

    assert bench.titles("topics/at-t.json") == ["A"]
    assert bench.titles(f"topics/{late}.json") == ["B"]


def test_in_a_fresh_catalog_the_label_of_the_oldest_article_has_the_plain_slug(tmp_path):
    for order in (("a.md", "b.md"), ("b.md", "a.md")):
        bench = make_bench(tmp_path / order[0])
        bench.write(order[0], title="Young", topics=["AT T"], publishedDateTime="2020-01-02")
        bench.write(order[1], title="Old", topics=["AT/T"], publishedDateTime="2010-01-01")
        bench.sync()

        assert bench.titles("topics/at-t.json") == ["Old"]


def test_the_window_has_the_newest_n_and_all_of_the_last_days(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=3, feeds__days=2)
    for day in range(1, 10):
        bench.write(f"{day}.md", title=f"T{day}", publishedDateTime=f"2020-01-{day:02}T00:00:00Z")
    for hour in range(5):
        name = f"x{hour}"
        bench.write(f"{name}.md", title=name, publishedDateTime=f"2020-01-09T{hour:02}:30:00Z")
    bench.sync()

    assert bench.titles() == ["x4", "x3", "x2", "x1", "x0", "T9", "T8"]


def test_the_window_ends_where_the_document_would_be_too_large(tmp_path):
    bench = make_bench(tmp_path, feeds__max_bytes=100_000)
    for day in range(1, 6):
        body = "word " * 10_000
        date = f"2020-01-{day:02}T00:00:00Z"
        bench.write(f"{day}.md", title=f"T{day}", body=body, publishedDateTime=date)
    bench.sync()

    assert bench.titles() == ["T5"]
    assert bench.titles("all/2020-01.json") == ["T4", "T3", "T2", "T1"]


def monthly(bench, months, per_month=3):
    for month in months:
        for day in range(1, per_month + 1):
            date = f"{month}-{day:02}T00:00:00Z"
            bench.write(f"{month}-{day}.md", title=f"{month}-{day}", publishedDateTime=date)


def test_archives_have_every_article_that_the_feed_has_no_more(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=4, feeds__days=0)
    monthly(bench, ["2020-01", "2020-03", "2020-04"])
    bench.sync()
    states = {s.period: s for s in bench.catalog.feeds(("all",))}

    assert {p: (s.older, s.newer, s.count) for p, s in states.items()} == {
        "": ("2020-03", "", 4),
        "2020-03": ("2020-01", "", 2),
        "2020-01": ("", "2020-03", 3),
    }
    assert bench.titles("all.json")[-1] == "2020-03-3"
    assert bench.titles("all/2020-03.json") == ["2020-03-2", "2020-03-1"]


def test_a_label_has_archives_from_a_number_of_articles_on(tmp_path):
    bench = make_bench(
        tmp_path,
        feeds__limit=1,
        feeds__days=0,
        feeds__archive_from=3,
        feeds__custom=[{"name": "ai", "topic": ["AI"]}],
    )

    def write(month):
        date = f"2020-{month:02}-01T00:00:00Z"
        bench.write(f"{month}.md", title=f"Of {month}", topics=["AI"], publishedDateTime=date)

    def archives():
        states = bench.catalog.feeds(("all", "topic", "custom"))
        return {kind: [s.period for s in states if s.kind == kind if s.period] for kind in kinds}

    kinds = ("all", "topic", "custom")
    write(1)
    write(2)
    bench.sync()
    assert archives() == {"all": ["2020-01"], "topic": [], "custom": ["2020-01"]}
    [topic] = bench.catalog.feeds(("topic",))
    assert (topic.older, topic.count) == ("", 1)

    write(3)
    bench.sync(later(60))
    assert archives()["topic"] == ["2020-01", "2020-02"]
    assert bench.titles("topics/ai/2020-02.json") == ["Of 2"]
    assert b"topics/ai/2020-02.rss" in bench.documents()["topics/ai.rss"].body

    (bench.root / "1.md").unlink()
    bench.sync(later(120))
    assert archives() == {"all": ["2020-02"], "topic": [], "custom": ["2020-02"]}
    assert bench.titles("topics/ai.json") == ["Of 3"]


def test_a_kind_with_pages_of_months_has_archives(tmp_path):
    bench = make_bench(
        tmp_path,
        feeds__limit=1,
        feeds__days=0,
        feeds__month_pages=["all", "topic"],
        feeds__archive_from=500,
    )
    for month in (1, 2):
        date = f"2020-{month:02}-01T00:00:00Z"
        bench.write(
            f"{month}.md",
            title=f"Of {month}",
            topics=["AI"],
            categories=["News"],
            publishedDateTime=date,
        )
    bench.sync()
    states = bench.catalog.feeds(("topic", "category"))
    assert [(s.kind, s.period) for s in states if s.period] == [("topic", "2020-01")]


def test_the_newest_archive_always_ends_where_the_feed_begins(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=4, feeds__days=0)
    monthly(bench, ["2020-01", "2020-03", "2020-04"])
    bench.sync()

    def walk():
        states = {s.period: s for s in bench.catalog.feeds(("all",))}
        order = ["", *sorted(filter(None, states), reverse=True)]
        return [title for period in order for title in bench.titles(path_of(period))]

    def path_of(period):
        return f"all/{period}.json" if period else "all.json"

    every = [f"2020-{month}-{day}" for month in ("04", "03", "01") for day in (3, 2, 1)]
    assert walk() == every
    bench.write("new.md", title="new", publishedDateTime="2020-04-20T00:00:00Z")
    bench.sync(later(60))
    assert walk() == ["new", *every]
    for name in ("new.md", "2020-04-3.md", "2020-04-2.md"):
        (bench.root / name).unlink()
    bench.sync(later(120))
    assert walk() == every[2:]


def test_a_new_article_leaves_old_archives_alone(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=2, feeds__days=0)
    monthly(bench, ["2020-01", "2020-02", "2020-03", "2020-04"])
    bench.sync()
    before = {s.period: s for s in bench.catalog.feeds(("all",))}
    bench.write("new.md", title="new", publishedDateTime="2020-04-20T00:00:00Z")
    bench.sync(later(60))
    after = {s.period: s for s in bench.catalog.feeds(("all",))}

    assert {p for p in after if after[p] != before.get(p)} == {"", "2020-04"}
    assert (before["2020-04"].count, after["2020-04"].count) == (1, 2)


def test_a_backfill_changes_its_month_and_the_neighbours_of_a_new_month(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=2, feeds__days=0)
    monthly(bench, ["2020-01", "2020-03", "2020-05", "2020-07"])
    bench.sync()
    before = {s.period: s for s in bench.catalog.feeds(("all",))}
    bench.write("old.md", title="old", publishedDateTime="2020-04-20T00:00:00Z")
    bench.sync(later(60))
    after = {s.period: s for s in bench.catalog.feeds(("all",))}

    assert {p for p in after if after[p] != before.get(p)} == {"2020-03", "2020-04", "2020-05"}


def test_an_archive_that_is_no_longer_needed_goes(tmp_path):
    bench = make_bench(tmp_path, feeds__limit=3, feeds__days=0)
    monthly(bench, ["2020-01", "2020-02"])
    bench.sync()
    assert "all/2020-01.json" in bench.site.plan()
    for path in bench.root.glob("2020-02*"):
        path.unlink()
    bench.sync(later(60))

    assert "all/2020-01.json" not in bench.site.plan()


def test_another_configuration_changes_every_fingerprint_but_no_update(tmp_path):
    path = tmp_path / "catalog.sqlite"
    bench = make_bench(tmp_path, path)
    bench.write("a.md", title="A", images=["/picture.png"])
    bench.sync()
    before = state_of(bench)
    bench.catalog.close()
    again = make_bench(tmp_path, path, site__title="New", source__base_url="https://e.example/b")
    again.sync(later(60))
    after = state_of(again)

    assert after.fingerprint != before.fingerprint
    assert after.updated == before.updated
    assert after.changed_at == later(60)


def test_an_old_and_a_fresh_catalog_agree_where_nothing_was_edited(tmp_path):
    kept = make_bench(tmp_path, feeds__limit=2, feeds__days=0)
    monthly(kept, ["2020-01"])
    kept.sync()
    monthly(kept, ["2020-02", "2020-03", "2020-04"])
    kept.sync(later(60))
    fresh = make_bench(tmp_path, feeds__limit=2, feeds__days=0)
    fresh.sync(later(120))

    def prints(bench):
        return {(s.kind, s.slug, s.period): s.fingerprint for s in bench.catalog.feeds(("all",))}

    assert prints(kept) == prints(fresh)


def test_drafts_and_the_public_never_share_a_catalog(tmp_path):
    path = tmp_path / "catalog.sqlite"
    public = make_bench(tmp_path, path)
    public.write("a.md", title="Open")
    public.write("b.md", title="Closed", published=False, topics=["Hush"])
    public.sync()
    private = make_bench(tmp_path, path)
    private.drafts = True
    private.sync()
    assert sorted(private.titles()) == ["Closed", "Open"]
    public.sync()

    assert public.titles() == ["Open"]
    assert "topics/hush.json" not in public.site.plan()


def test_a_withdrawn_article_leaves_no_trace_in_the_file(bench, tmp_path):
    canary = "CANARYcanary"
    path = bench.write("a.md", title=canary, excerpt=canary * 500, topics=[canary])
    bench.write("b.md", title="Stays")
    bench.sync()
    rewrite(path, f"title: {canary}", f"published: false\ntitle: {canary}")
    bench.sync(later(60))
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("catalog.sqlite*"))

    # The topic was public, and its feed stays, empty; the article's own texts are gone.
    assert stored.lower().count(canary.lower().encode()) <= 8
    assert (canary * 2).encode() not in stored


def test_another_programs_database_is_left_alone(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE precious (x)")
    other.close()

    with pytest.raises(CatalogError, match="another program's"):
        Catalog(path)
    with sqlite3.connect(tmp_path / "marked.sqlite") as marked:
        marked.execute("PRAGMA application_id = 5")
    marked.close()
    with pytest.raises(CatalogError, match="not a feedhub catalog"):
        Catalog(tmp_path / "marked.sqlite")
    path.write_text("not a database at all, but long enough to look at" * 30)
    with pytest.raises(CatalogError, match="cannot be opened"):
        Catalog(path)
    assert path.read_text().startswith("not a database")


def test_a_catalog_of_another_version_is_made_again(tmp_path):
    path = tmp_path / "catalog.sqlite"
    bench = make_bench(tmp_path, path)
    bench.write("a.md", title="A")
    bench.sync()
    bench.catalog.close()
    with sqlite3.connect(path) as old:
        old.execute("PRAGMA user_version = 77")
        old.execute("CREATE TABLE surplus (x)")
    old.close()
    again = make_bench(tmp_path, path)
    again.sync()

    assert again.titles() == ["A"]


def test_a_damaged_catalog_is_made_anew(tmp_path):
    path = tmp_path / "catalog.sqlite"
    bench = make_bench(tmp_path, path)
    for number in range(200):
        bench.write(f"{number}.md", title=f"T{number}")
    bench.sync()
    bench.catalog.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)

    again = make_bench(tmp_path, path)
    assert again.catalog.count() == 0
    again.sync()
    assert again.catalog.count() == 200


def test_a_writer_that_never_ends_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setattr("feedhub.catalog.sqlite.BUSY_TIMEOUT", 0.05)
    bench = make_bench(tmp_path, tmp_path / "catalog.sqlite")
    other = sqlite3.connect(tmp_path / "catalog.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CatalogError, match="cannot be used: database is locked"):
        bench.sync()
    other.close()


def test_a_catalog_that_another_process_creates_meanwhile_is_used(tmp_path, monkeypatch):
    transaction = Database.transaction

    @contextmanager
    def slower(database):
        with transaction(database):
            database._create_tables()
            yield

    monkeypatch.setattr(Database, "transaction", slower)
    Catalog(tmp_path / "catalog.sqlite").close()
    monkeypatch.undo()
    bench = make_bench(tmp_path, tmp_path / "catalog.sqlite")
    bench.write("a.md", title="A")
    bench.sync()

    assert bench.titles() == ["A"]


def test_a_failed_sync_leaves_the_catalog_as_it_was(bench, monkeypatch):
    bench.write("a.md", title="A")
    bench.sync()
    bench.write("b.md", title="B")
    monkeypatch.setattr("feedhub.catalog.feeds.FeedSync.refresh", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bench.sync(later(60))
    monkeypatch.undo()

    assert bench.titles() == ["A"]
    bench.sync(later(60))
    assert sorted(bench.titles()) == ["A", "B"]


def _sync_again(folder: Path, times: int) -> None:
    for round_ in range(times):
        bench = make_bench(folder, folder / "catalog.sqlite")
        bench.sync(later(round_))
        bench.catalog.close()


def test_two_processes_at_once_are_safe(tmp_path):
    bench = make_bench(tmp_path, tmp_path / "catalog.sqlite")
    for number in range(40):
        bench.write(f"{number}.md", title=f"T{number}", topics=[f"Topic {number % 5}"])
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_sync_again, args=(tmp_path, 8)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0]
    bench.sync(later(100))
    assert len(bench.titles()) == 40


def test_a_snapshot_shows_one_state_while_another_process_writes(bench, tmp_path):
    bench.write("a.md", title="A")
    bench.sync()
    with bench.catalog.snapshot():
        assert bench.catalog.count() == 1
        other = make_bench(tmp_path, tmp_path / "catalog.sqlite")
        other.write("b.md", title="B")
        other.sync(later(60))
        assert bench.catalog.count() == 1
    assert bench.catalog.count() == 2
