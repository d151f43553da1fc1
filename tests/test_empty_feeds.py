"""A feed without articles is on no list, stays for a while at its address, and is then retired."""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedhub.catalog.database import Database
from feedhub.catalog.feed_names import FeedNames, find_or_add_feed
from feedhub.feed import Label, feed_path
from feedhub.kinds import PER_LABEL_KINDS
from tests.canaries import Workspace, secret
from tests.fronts import bench_on_disk, front_of
from tests.kit import NOW, Bench, connection_of, make_bench
from tests.renders import render_bench
from tests.sites import configure, later, state_of

DAY = 86_400
NAME = "Jane Whistleblower"
PATH = "authors/jane-whistleblower"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Two articles, one of them by an author of her own, one of whose archives she has too."""
    bench = bench_on_disk(tmp_path, feeds__limit=1, feeds__days=0, feeds__stories="yes")
    bench.write("a.md", title="Stays", topics=["AI"])
    for month in (1, 2):
        write_hers(bench, month)
    bench.sync()
    yield bench
    bench.catalog.close()


def write_hers(bench: Bench, month: int = 2, **fields: Any) -> Path:
    date = f"2020-0{month}-01T00:00:00Z"
    return bench.write(
        f"hers-{month}.md", title=f"Hers {month}", authors=[NAME], publishedDateTime=date, **fields
    )


def publish_hers(bench: Bench, seconds: float = 0, **fields: Any) -> None:
    """Write her articles, and sync."""
    for month in (1, 2):
        write_hers(bench, month, **fields)
    bench.sync(later(seconds))


def withdraw(bench: Bench, seconds: float = 0) -> None:
    """Hide her articles, and sync."""
    publish_hers(bench, seconds, published=False)


def naming(bench: Bench, name: str = "whistleblower") -> set[str]:
    """Return the paths of the documents that say a name, in bytes or in their path."""
    documents = bench.documents()
    return {
        path
        for path, document in documents.items()
        if name in path or name.encode() in document.body.lower()
    }


def catalog_bytes(bench: Bench) -> bytes:
    """Return all bytes of a catalog on the disk, with its log."""
    files = (bench.root.parent / f"catalog.sqlite{suffix}" for suffix in ("", "-wal"))
    return b"".join(file.read_bytes() for file in files if file.exists())


# On no list


def test_only_its_own_documents_name_it(bench):
    assert {"feeds.opml", "index.html", "authors/index.html", "sitemap.xml"} <= naming(bench)
    withdraw(bench)
    assert naming(bench) == {
        f"{PATH}.rss",
        f"{PATH}.atom",
        f"{PATH}.json",
        f"{PATH}/index.html",
    }
    assert json.loads(bench.documents()[f"{PATH}.json"].body)["items"] == []
    assert NAME not in [state.label for state in bench.site.states()]


@pytest.mark.parametrize(
    "fields",
    [{"published": False}, {"draft": True}, {"expiryDate": "2020-06-10"}, {"authors": ["Ann"]}],
)
def test_it_does_not_matter_why_it_is_empty(bench, fields):
    for month in (1, 2):
        write_hers(bench, month, **fields) if "authors" not in fields else bench.write(
            f"hers-{month}.md", **fields
        )
    bench.sync(later(60))
    assert all(path.startswith(PATH) for path in naming(bench))


def test_a_deleted_file_empties_it_too(bench):
    for month in (1, 2):
        (bench.root / f"hers-{month}.md").unlink()
    bench.sync(later(60))
    assert all(path.startswith(PATH) for path in naming(bench))


def test_the_page_of_an_empty_feed_leads_to_no_list_that_is_gone(bench):
    withdraw(bench)
    documents = bench.documents()
    assert "authors/index.html" not in documents
    page = documents[f"{PATH}/index.html"].body.decode()
    assert 'href="https://feeds.example.org/authors/"' not in page
    assert '<meta name="robots" content="noindex">' in page


def test_an_empty_selection_stays_on_the_lists(tmp_path):
    custom = [{"name": "ai", "title": "Only AI", "topic": ["AI"]}]
    bench = make_bench(tmp_path, feeds__custom=custom)
    bench.write("a.md", title="Tea")
    bench.sync()
    page = bench.documents()["custom/ai/index.html"].body.decode()
    assert {"feeds.opml", "index.html", "custom/index.html"} <= naming(bench, "only ai")
    assert 'href="https://feeds.example.org/custom/"' in page


def test_the_title_of_a_search_does_not_name_it(bench):
    configure(bench, "feeds", search="yes")
    bench.sync(later(60))
    with front_of(bench) as front:
        assert NAME in front.get("/search.json?author=jane-whistleblower").body.decode()
        before = front.get("/search.json?author=jane-whistleblower").fields["etag"]
        withdraw(bench, 120)
        front.refresh()
        reply = front.get("/search.json?author=jane-whistleblower", if_none_match=before)
        assert reply.status == 200
        assert json.loads(reply.body)["title"].startswith("Search: by jane-whistleblower")


def test_coverage_has_no_link_to_the_page_of_its_publisher(bench):
    """A feed that is retired, or never was, has no page."""
    coverage = {"title": "More", "webUrl": "https://r.example/", "provider": {"name": "Paper"}}
    bench.write("a.md", title="Stays", topics=["AI"], related=[coverage])
    bench.sync(later(60))
    (page,) = (d for p, d in bench.documents().items() if re.match(r"stories/.*\.html", p))
    assert b"Paper" in page.body
    assert b"/topics/ai/" in page.body
    assert b"/providers/paper/" not in page.body


# For a while, then no more


def test_it_is_retired_when_it_is_due_and_nothing_else_has_changed(bench, tmp_path):
    withdraw(bench)
    assert bench.catalog.next_due() == later(30 * DAY)
    before = {p: s for p, s in bench.site.plan().items() if not p.startswith("authors")}
    assert bench.sync(later(30 * DAY - 1)).changed == 0
    generation = bench.catalog.generation()
    assert bench.sync(later(30 * DAY)).changed == 1
    assert bench.catalog.generation() == generation + 1, "servers see it"
    assert bench.catalog.next_due() is None
    assert bench.site.plan() == before
    assert b"whistleblower" not in catalog_bytes(bench).lower()
    assert bench.sync(later(60 * DAY)).changed == 0


def test_a_render_removes_its_files(bench, tmp_path):
    out = tmp_path / "out"
    bench.write("b.md", title="Stays too")
    bench.write("c.md", title="Stays as well")
    render_bench(bench, out)
    for month in (1, 2):
        write_hers(bench, month, published=False)
    render_bench(bench, out, later(60))
    assert (out / f"{PATH}.atom").exists()
    report = render_bench(bench, out, later(60 + 30 * DAY))
    assert (report.written, report.removed) == (0, 4)
    assert [path for path in out.rglob("*") if "whistle" in path.name] == []
    assert b"whistleblower" not in catalog_bytes(bench).lower()


def test_what_another_output_has_of_it_is_not_remembered(bench, tmp_path):
    render_bench(bench, tmp_path / "other")
    render_bench(bench, tmp_path / "out")
    withdraw(bench)
    bench.sync(later(31 * DAY))
    assert b"whistleblower" not in catalog_bytes(bench).lower()
    assert "all.atom" in bench.catalog.outputs(str(tmp_path / "other"))


def test_its_pings_are_dropped(bench):
    configure(bench, "websub", hub="https://hub.example/")
    bench.sync(later(60))
    withdraw(bench, 120)
    bench.catalog.release_changes(0)
    assert f"{PATH}.atom" in [ping.path for ping in bench.catalog.changes("hub").due(None)]
    others = [f"{PATH}-2.atom", f"{PATH}2.atom", "all.atom", "authors/jane.atom"]
    bench.catalog.changes("hub").enqueue_released(others, 1, 0)
    bench.sync(later(31 * DAY))
    assert sorted(ping.path for ping in bench.catalog.changes("hub").due(None)) == sorted(others)


def test_without_a_time_to_keep_it_is_retired_at_once(bench):
    configure(bench, "feeds", keep_empty=0)
    configure(bench, "websub", hub="https://hub.example/")
    bench.sync(later(60))
    withdraw(bench, 120)
    assert naming(bench) == set()
    assert b"whistleblower" not in catalog_bytes(bench).lower()
    bench.catalog.release_changes(0)
    assert bench.catalog.changes("hub").due(None) == [], "nothing is left to fetch"


def test_servers_see_that_a_feed_has_returned_as_it_was(bench):
    configure(bench, "feeds", keep_empty=0, kinds=("author",), stories="no")
    bench.sync(later(60))
    with front_of(bench) as front:
        for publish, status in ((withdraw, 410), (publish_hers, 200)):
            publish(bench, 120)
            front.refresh()
            assert front.get(f"/{PATH}.rss").status == status


def test_no_hub_learns_of_a_feed_that_is_retired_at_once(tmp_path):
    bench = make_bench(tmp_path, feeds__keep_empty=0, websub__hub="https://hub.example/")
    bench.write("a.md", title="Stays", publishedDateTime="2019-01-01")
    publish_hers(bench)
    withdraw(bench, 60)
    bench.catalog.release_changes(0)
    paths = {ping.path for ping in bench.catalog.changes("hub").due(None)}
    assert paths == {"all.atom", "all.json", "all.rss"}


def test_a_label_that_returns_in_time_stays(bench):
    withdraw(bench)
    write_hers(bench)
    bench.sync(later(DAY))
    assert bench.catalog.next_due() is None
    bench.sync(later(99 * DAY))
    assert "feeds.opml" in naming(bench)


def test_another_time_to_keep_counts_from_when_it_was_emptied(bench):
    withdraw(bench)
    configure(bench, "feeds", keep_empty=3)
    bench.sync(later(2 * DAY))
    assert bench.catalog.next_due() == later(3 * DAY)
    configure(bench, "feeds", keep_empty=1)
    bench.sync(later(2 * DAY + 1))
    assert naming(bench) == set()


def test_labels_of_kinds_without_feeds_are_forgotten_too(tmp_path):
    """Searches need them."""
    bench = bench_on_disk(tmp_path, feeds__kinds=["all"], feeds__search="yes")
    write_hers(bench)
    bench.sync()
    assert b"whistleblower" in catalog_bytes(bench).lower()
    withdraw(bench)
    bench.sync(later(30 * DAY))
    assert b"whistleblower" not in catalog_bytes(bench).lower()
    slug = PATH.partition("/")[2]
    assert bench.catalog.is_retired("author", slug)
    assert not bench.site.is_retired("author", slug), "there never was such a feed"
    bench.catalog.close()


def test_a_server_answers_200_then_410_then_200_again(bench):
    targets = [f"/{PATH}{suffix}" for suffix in (".rss", ".atom", ".json", "/")]
    with front_of(bench) as front:

        def statuses() -> set[int]:
            front.refresh()
            return {front.get(target).status for target in targets}

        first = front.get(targets[0])
        assert "x-robots-tag" not in first.fields
        withdraw(bench)
        assert statuses() == {200}
        reply = front.get(targets[0], if_none_match=first.fields["etag"])
        assert (reply.status, reply.fields["x-robots-tag"]) == (200, "noindex")
        assert feedparser.parse(reply.body).entries == []
        bench.sync(later(30 * DAY))
        assert statuses() == {410}
        others = ("", "/index.html", "/2020-01.atom", "/2019-01.rss")
        assert {front.get(f"/{PATH}{suffix}").status for suffix in others} == {410}
        near = ("/authors/jane.rss", "/topics/jane-whistleblower.rss", "/jane-whistleblower.rss")
        assert {front.get(target).status for target in near} == {404}
        assert front.get(targets[0]).body == b"410 Gone\n"
        write_hers(bench)
        bench.sync(later(31 * DAY))
        assert statuses() == {200}
        again = front.get(targets[0])
        assert feedparser.parse(again.body).feed.title == f"{NAME} (author) · Feeds"
        assert again.fields["etag"] != first.fields["etag"]


def test_a_move_that_is_configured_comes_before_410(bench):
    withdraw(bench)
    configure(bench, "feeds", moved=((PATH, "all"),))
    bench.sync(later(31 * DAY))
    with front_of(bench) as front:
        assert front.get(f"/{PATH}.rss").status == 301


def test_when_the_label_returns_no_date_goes_back(bench):
    before = {s.period: s for s in bench.catalog.feeds(("author",))}
    assert set(before) == {"", "2020-01"}
    withdraw(bench)
    emptied = state_of(bench, "author", "jane-whistleblower")
    bench.sync(later(30 * DAY))
    for month in (1, 2):
        write_hers(bench, month)
    bench.sync(later(30 * DAY + 60))
    after = {s.period: s for s in bench.catalog.feeds(("author",))}
    assert set(after) == {"", "2020-01"}
    assert after[""].updated > emptied.updated > before[""].updated
    assert after[""].changed_at > emptied.changed_at
    assert after["2020-01"].changed_at > before["2020-01"].changed_at
    assert after["2020-01"].updated >= before["2020-01"].updated


@pytest.mark.parametrize("first", ["AT T", "AT/T"])
def test_a_slug_never_becomes_another_labels(tmp_path, first):
    bench = make_bench(tmp_path)
    other = {"AT T": "AT/T", "AT/T": "AT T"}[first]
    bench.write("z.md", title="Stays")
    bench.write("a.md", title="A", topics=[first])
    bench.sync()
    bench.write("a.md", title="A")
    bench.sync(later(60))
    bench.sync(later(31 * DAY))
    bench.write("b.md", title="B", topics=[other])
    bench.sync(later(32 * DAY))
    (late,) = bench.catalog.feeds(("topic",))
    assert late.slug.startswith("at-t-")
    bench.write("a.md", title="A", topics=[first])
    bench.sync(later(33 * DAY))
    assert bench.titles("topics/at-t.json") == ["A"]
    assert bench.titles(f"topics/{late.slug}.json") == ["B"]
    bench.write("b.md", title="B")
    bench.sync(later(34 * DAY))
    bench.sync(later(99 * DAY))
    bench.write("b.md", title="B", topics=[other])
    bench.sync(later(100 * DAY))
    assert bench.titles(f"topics/{late.slug}.json") == ["B"]


def test_a_label_that_comes_and_goes_in_one_sync_is_not_stored():
    """Two files claim one id: the first that was read has it for a moment."""
    database = Database.open_in_memory()
    label = Label("author", "jane", "Jane")

    def come_and_go() -> list[tuple[Any, ...]]:
        names = FeedNames(database, NOW, 1, keep_empty=0)
        feed = find_or_add_feed(database, label)
        touched = {feed: {"2020-01"}}
        assert names.update(touched, None) == set()
        assert touched == {}
        names.name_new_feeds()
        return database.fetch_all("SELECT * FROM feeds WHERE kind = 'author'")

    assert come_and_go() == []
    feed = find_or_add_feed(database, label)
    FeedNames(database, NOW, 1, keep_empty=1).name_new_feeds()
    for seconds in (0, 60):  # the second time it is empty already
        names = FeedNames(database, later(seconds), 1, keep_empty=1)
        names.update({feed: set()}, None)
    assert FeedNames(database, later(DAY - 1), 1, keep_empty=1).retire_due({}, anew=False) == []
    assert FeedNames(database, later(DAY), 1, keep_empty=1).retire_due({}, anew=False) == [
        ("author", "jane")
    ]
    retired = database.fetch_all("SELECT * FROM feeds WHERE kind = 'author'")
    assert "Jane" not in repr(retired)
    assert come_and_go() == retired
    assert find_or_add_feed(database, label) == feed
    database.close()


def test_only_so_many_retired_feeds_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr("feedhub.catalog.feed_names.MAX_RETIRED", 2)
    bench = make_bench(tmp_path, feeds__keep_empty=0, feeds__kinds=["all", "topic"])
    for number in range(4):
        bench.write("a.md", title="A", topics=[f"Topic {number}"])
        bench.sync(later(number))
    retired = [bench.site.is_retired("topic", f"topic-{number}") for number in range(4)]
    assert retired == [False, True, True, False]
    bench.write("a.md", title="A", topics=["Topic 0"])
    bench.sync(later(9))
    assert bench.titles("topics/topic-0.json") == ["A"]


@pytest.mark.parametrize("hidden", ["published: false", "removed: true", None])
def test_nothing_of_a_withdrawn_article_stays_not_even_its_labels(tmp_path, monkeypatch, hidden):
    monkeypatch.setenv("FEEDHUB_FEEDS_KEEP_EMPTY", "0")
    workspace = Workspace(tmp_path)
    workspace.write("secret.md", secret())
    assert workspace.render() == 0
    assert "out/all.rss" in workspace.leaks()
    workspace.printed = ""
    if hidden is None:
        (workspace.source / "secret.md").unlink()
    else:
        workspace.write("secret.md", secret(hidden))
    workspace.render()
    workspace.print_all()
    assert workspace.leaks() == []


# Any sequence


# Labels, each with a word that stands nowhere else; two share a slug. Three letters would stand in
# some digest of a catalog by chance.
# All articles are in one language.
KINDS = tuple(kind for kind in PER_LABEL_KINDS if kind != "language")
ONES: dict[tuple[str, str], str] = {
    ("topic", "Kaanarik Topic"): "kaanarik",
    ("topic", "Kaanarik/Topic"): "kaanarik",
    ("author", "Ann Kccnarik"): "kccnarik",
    ("provider", "Kddnarik Paper"): "kddnarik",
}
FILES = st.sampled_from("ab")
STEP = st.one_of(
    st.tuples(FILES, st.lists(st.sampled_from(list(ONES)), unique=True, max_size=2)),
    st.tuples(FILES, st.sampled_from(["hide", "delete"])),
    st.tuples(st.just("wait"), st.sampled_from([1, 4])),
    st.tuples(st.just("keep"), st.sampled_from([0, 3, 3])),
)


class Model:
    """Which labels are listed, kept or retired, as the documentation says it."""

    def __init__(self) -> None:
        self.articles: dict[str, list[tuple[str, str]]] = {}
        self.keep = 3
        self.emptied: dict[tuple[str, str], datetime] = {}  # of those that were ever published
        self.retired: set[tuple[str, str]] = set()
        self.listed: set[tuple[str, str]] = set()

    @property
    def kept(self) -> set[tuple[str, str]]:
        return self.emptied.keys() - self.retired

    def sync(self, now: datetime) -> None:
        before, self.listed = self.listed, {one for ones in self.articles.values() for one in ones}
        for one in before - self.listed:
            self.emptied[one] = now
        for one in self.listed:
            self.emptied.pop(one, None)
        self.retired -= self.listed
        due = {one for one, at in self.emptied.items() if at + timedelta(days=self.keep) <= now}
        self.retired |= due

    def next_due(self) -> datetime | None:
        dues = [self.emptied[one] + timedelta(days=self.keep) for one in self.kept]
        return min(dues, default=None)


def apply(step: tuple[str, Any], bench: Bench, model: Model) -> int:
    """Do a step; return how many days it takes."""
    what, value = step
    if what == "wait":
        return int(value)
    if what == "keep":
        configure(bench, "feeds", keep_empty=value)
        model.keep = value
    elif isinstance(value, list):
        fields: dict[str, Any] = {
            "topics": [label for kind, label in value if kind == "topic"],
            "authors": [label for kind, label in value if kind == "author"],
        }
        papers = [{"name": label} for kind, label in value if kind == "provider"]
        bench.write(f"{what}.md", title=what, provider=papers[0] if papers else None, **fields)
        model.articles[what] = value
    elif value == "hide":
        bench.write(f"{what}.md", title=what, topics=["Kzznarik"], published=False)
        model.articles.pop(what, None)
    else:
        (bench.root / f"{what}.md").unlink(missing_ok=True)
        model.articles.pop(what, None)
    return 0


@settings(max_examples=settings().max_examples // 5)
@given(st.lists(STEP, min_size=8, max_size=14))
def test_any_sequence(steps):
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(":memory:")) as copy:
        bench = make_bench(
            Path(folder),
            feeds__keep_empty=3,
            feeds__formats=["json", "html"],
            feeds__kinds=list(KINDS),
        )
        model, now, slugs, dates = Model(), NOW, dict[Any, str](), dict[str, str]()
        for step in steps:
            now += timedelta(days=apply(step, bench, model), seconds=1)
            model.sync(now)
            bench.sync(now)
            check(bench, model, slugs, dates)
            assert bench.catalog.next_due() == model.next_due()
            connection_of(bench.catalog).backup(copy)
            stored = copy.serialize().lower()
            for one in model.retired:
                same_word = {other for other in ONES if ONES[other] == ONES[one]}
                assert same_word - model.retired & same_word or ONES[one].encode() not in stored
        assert b"kzznarik" not in stored


def check(bench: Bench, model: Model, slugs: dict[Any, str], dates: dict[str, str]) -> None:
    """Compare every document with the model; `slugs` (and bytes) and `dates` are those before."""
    site, states = bench.site, bench.catalog.feeds(KINDS)
    for state in states:
        assert slugs.setdefault((state.kind, state.label), state.slug) == state.slug
    assert {(state.kind, state.label) for state in states} == model.listed | model.kept
    for kind, label in ONES:
        slug = slugs.get((kind, label), "")
        assert site.is_retired(kind, slug) == ((kind, label) in model.retired)
    for path, planned in site.plan().items():
        body = site.document(planned).body.decode(errors="replace").lower()
        assert slugs.setdefault((path, planned.fingerprint), body) == body
        own = {one for one in model.kept if is_of(path, one[0], slugs[one])}
        allowed = {ONES[one] for one in model.listed | own}
        assert {word for word in ONES.values() if word in body} <= allowed, path
        assert "kzznarik" not in body
        seen = {path: planned.changed_at.isoformat()}
        if planned.state:
            seen[f"{path} itself"] = planned.state.updated.isoformat()
        for when, date in dates_in(body).items():
            seen[f"{path} {when}"] = date
        for when, date in seen.items():
            assert date >= dates.get(when, ""), f"a date of {when} went back"
        dates |= seen
        for address in re.findall(r"<loc>https://feeds.example.org/(.*?)</loc>", body):
            assert f"{address}index.html" in site.plan()
    opml = site.document(site.plan()["feeds.opml"]).body.decode()
    assert all(f'"{label}' in opml for _, label in model.listed)


def dates_in(body: str) -> dict[str, str]:
    """Return the dates that a list has, by what they are of."""
    pages = re.findall(r"<loc>(.*?)</loc>\s*<lastmod>(.*?)</lastmod>", body)
    own = re.findall(r"<(datemodified)>(.*?)</", body)
    return dict(pages) | {name: parsedate_to_datetime(date).isoformat() for name, date in own}


def is_of(path: str, kind: str, slug: str) -> bool:
    feed = feed_path(kind, slug)
    return path.startswith(feed) and path[len(feed)] in "./"
