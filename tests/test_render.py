"""What a render writes, leaves, restores, removes and refuses."""

from __future__ import annotations

import fcntl
import gzip
import itertools
import json
import os
import re
import shutil
import time
from datetime import timedelta
from pathlib import Path

import brotli
import pytest

from feedhub.catalog import Catalog
from feedhub.errors import OutputError, ShrinkError
from feedhub.render.folder import OutputFolder
from tests import kit
from tests.kit import NOW, Bench, files_below, parse, without_feed_dates
from tests.renders import published, render_bench, stamps

FEEDS = ("all", "topics/ibm-ai", "topics/ai", "providers/pc-magazine", "categories/news")
DOCUMENTS = {f"{feed}.{suffix}" for feed in FEEDS for suffix in ("rss", "atom", "json")}
KINDS = {"topics", "providers", "categories"}
PAGES = {f"{feed}/index.html" for feed in (*FEEDS, *KINDS)}
ICONS = {"favicon.svg", "favicon.ico", "apple-touch-icon.png"}
LISTS = {"feeds.opml", "index.html", "404.html", "robots.txt", "sitemap.xml", *ICONS, *PAGES}
FOLDERS = {*KINDS, *FEEDS}
# All of the bench: three feeds with their pages, the page of topics, and what lists the site.
ALL = 3 * 4 + 1 + 8


def make_bench(folder: Path, **overrides: object) -> Bench:
    """Return a bench that writes compressed copies."""
    return kit.make_bench(folder, None, **{"render__compress": ["gzip", "br"]} | overrides)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "public"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Three articles on two topics."""
    bench = make_bench(tmp_path)
    bench.write("one.md", title="One", topics=["AI"], updatedDateTime="2020-06-10T00:00:00Z")
    bench.write("two.md", title="Two", topics=["AI", "Law"])
    bench.write("three.md", title="Three", topics=["Law"])
    return bench


@pytest.fixture
def seed_bench(tmp_path: Path, seeds: Path) -> Bench:
    bench = make_bench(tmp_path)
    shutil.copytree(seeds, bench.root, dirs_exist_ok=True)
    return bench


def with_codings(paths: set[str]) -> set[str]:
    return {path + coding for path in paths for coding in ("", ".gz", ".br")}


# What is written


def test_the_seeds_publish_one_article_in_all_its_feeds(seed_bench: Bench, out: Path):
    report = render_bench(seed_bench, out)
    assert published(out) == with_codings(DOCUMENTS | LISTS) | FOLDERS
    assert (report.published, report.changes.states) == (1, {"shown": 1, "unpublished": 4})
    assert (report.written, report.unchanged, report.removed) == (len(DOCUMENTS | LISTS), 0, 0)
    for path in DOCUMENTS:
        assert entry_count(out / path) == 1, path


def entry_count(file: Path) -> int:
    if file.suffix == ".json":
        return len(json.loads(file.read_bytes())["items"])
    return len(parse(file.read_bytes()).entries)


def test_drafts_publish_all_five_and_mark_every_title(seed_bench: Bench, out: Path):
    seed_bench.drafts = True
    assert render_bench(seed_bench, out).published == 5
    assert entry_count(out / "all.json") == 5
    for file in [*out.rglob("*.rss"), *out.rglob("*.atom")]:
        assert parse(file.read_bytes()).feed.title.startswith("[drafts] "), file
    for file in out.rglob("*.json"):
        if ".feedhub" not in file.parts:
            assert json.loads(file.read_bytes())["title"].startswith("[drafts] "), file


def test_no_draft_is_left_after_a_preview_in_the_same_folder(seed_bench: Bench, out: Path):
    seed_bench.drafts = True
    render_bench(seed_bench, out)
    seed_bench.drafts = False
    assert render_bench(seed_bench, out).published == 1, "a preview is no measure for the guard"
    assert published(out) == with_codings(DOCUMENTS | LISTS) | FOLDERS
    assert b"[drafts]" not in b"".join(files_below(out).values())


def test_a_preview_does_not_forget_what_was_published(bench: Bench, out: Path):
    render_bench(bench, out)
    bench.drafts = True
    render_bench(bench, out)
    bench.drafts = False
    (bench.root / "one.md").unlink()
    (bench.root / "two.md").unlink()
    with pytest.raises(ShrinkError, match="only 1 of 3"):
        render_bench(bench, out)


def test_compressed_copies_decode_to_the_document_and_share_its_time(bench: Bench, out: Path):
    render_bench(bench, out)
    for file in map(out.joinpath, published(out)):
        if file.suffix in {".rss", ".atom", ".json", ".opml", ".html"}:
            zipped, brotlied = Path(f"{file}.gz"), Path(f"{file}.br")
            assert gzip.decompress(zipped.read_bytes()) == file.read_bytes()
            assert brotli.decompress(brotlied.read_bytes()) == file.read_bytes()
            times = {path.stat().st_mtime_ns for path in (file, zipped, brotlied)}
            assert len(times) == 1, file


def test_there_are_no_compressed_copies_unless_the_configuration_asks(bench: Bench, out: Path):
    render_bench(bench, out)
    bench.config = kit.make_bench(bench.root.parent).config
    report = render_bench(bench, out)
    assert not [path for path in published(out) if path.endswith((".gz", ".br"))]
    assert (report.lost_codings, report.removed) == (("gzip", "br"), 2 * ALL)
    assert (report.written, report.size.written_files, report.size.files) == (0, 0, ALL)
    assert render_bench(bench, out).lost_codings == ()


def test_the_size_is_that_of_the_files(bench: Bench, out: Path):
    bench.config = make_bench(bench.root.parent, feeds__limit=1, feeds__days=0).config
    bench.write("old.md", title="Old", publishedDateTime="2019-01-02T03:04:05Z")
    size = render_bench(bench, out).size
    sizes = {path: len(body) for path, body in files_below(out).items() if path[0] != "."}
    assert (size.files, size.bytes) == (len(sizes), sum(sizes.values()))
    assert (size.written_files, size.written_bytes) == (size.files, size.bytes)
    parts = dict.fromkeys(("feeds", "archives", "pages", "compressed"), 0)
    for path, count in sizes.items():
        place = Path(path)
        if place.suffix in (".gz", ".br"):
            parts["compressed"] += count
        elif place.suffix in (".rss", ".atom", ".json"):
            parts["archives" if place.stem[:2] == "20" else "feeds"] += count
        else:
            parts["pages"] += count
    assert size.parts == parts
    bench.write("one.md", title="One again", topics=["AI"])
    changed = render_bench(bench, out, NOW + timedelta(days=1)).size
    assert 0 < changed.written_files < changed.files
    assert 0 < changed.written_bytes < changed.bytes


def test_a_restored_copy_takes_the_time_of_its_document(bench: Bench, out: Path):
    render_bench(bench, out)
    (out / "all.rss.gz").unlink()
    (out / "topics/ai.atom.br").write_bytes(b"torn")
    lists = [path for path in LISTS if (out / path).exists()]
    for path in lists:
        (out / path).unlink()
    render_bench(bench, out)
    for document in ("all.rss", "topics/ai.atom", *lists):
        copies = [out / f"{document}{coding}" for coding in ("", ".gz", ".br")]
        assert len({file.stat().st_mtime_ns for file in copies}) == 1, document


def test_documents_are_the_bytes_of_the_site(bench: Bench, out: Path):
    render_bench(bench, out)
    for path, document in bench.documents().items():
        assert (out / path).read_bytes() == document.body


def test_a_slug_of_other_letters_names_the_file(bench: Bench, out: Path):
    bench.write("ka.md", title="Ka", topics=["日本 語", "Ökonomie & Recht", "ไทย"])
    render_bench(bench, out)
    assert {"topics/日本-語.rss", "topics/ökonomie-recht.atom", "topics/ไทย.json"} <= published(out)
    render_bench(bench, out)
    bench.write("ka.md", title="Ka")
    (out / ".feedhub/ledger").unlink()
    assert render_bench(make_bench(out.parent), out).removed == 3 * 12


# What is left alone


def test_a_second_render_touches_no_file(bench: Bench, out: Path):
    render_bench(bench, out)
    before = stamps(out)
    report = render_bench(bench, out, NOW + timedelta(days=1))
    assert (report.written, report.unchanged, report.removed) == (0, ALL, 0)
    assert stamps(out) == before


def test_an_edit_rewrites_only_the_feeds_of_the_article(bench: Bench, out: Path):
    render_bench(bench, out)
    before = stamps(out)
    bench.write("three.md", title="Three again", topics=["Law"])
    render_bench(bench, out, NOW + timedelta(days=1))
    after = stamps(out)
    moved = {path for path in published(out) if after[path] != before.get(path)}
    law = {path for path in published(out) if re.fullmatch(r"(all|topics/law)\.[a-z]+", path)}
    pages = {"index.html", "all/index.html", "topics/law/index.html"}
    folders = {"topics", "all", "topics/law"}
    assert moved - folders == with_codings(law | pages | {"feeds.opml", "sitemap.xml"})


@pytest.mark.parametrize("harm", ["edit", "delete", "empty", "replace by a link"])
@pytest.mark.parametrize("path", ["all.rss", "topics/ai.json.gz", "feeds.opml", "index.html.br"])
def test_files_changed_by_hand_are_restored(bench: Bench, out: Path, path: str, harm: str):
    render_bench(bench, out)
    before, file = files_below(out), out / path
    elsewhere = out.parent / "elsewhere"
    elsewhere.write_bytes(before[path])
    if harm == "edit":
        file.write_bytes(before[path][:-1] + b"!")
    elif harm == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    if harm == "replace by a link":
        file.symlink_to(elsewhere)
    render_bench(bench, out)
    assert files_below(out) == before
    assert not file.is_symlink()
    assert elsewhere.read_bytes() == before[path]


def test_a_whole_folder_removed_by_hand_is_restored(bench: Bench, out: Path):
    render_bench(bench, out)
    before = files_below(out)
    shutil.rmtree(out / "topics")
    render_bench(bench, out)
    assert files_below(out) == before


def test_two_folders_get_the_same_tree(bench: Bench, out: Path, tmp_path: Path):
    render_bench(bench, out)
    render_bench(bench, tmp_path / "other")
    assert files_below(out) == files_below(tmp_path / "other")


def test_a_new_catalog_and_an_old_one_give_the_same_tree(bench: Bench, tmp_path: Path):
    render_bench(bench, tmp_path / "old")
    newest = "2021-01-01T00:00:00Z"
    bench.write("four.md", title="Four", topics=["AI"], publishedDateTime=newest)
    render_bench(bench, tmp_path / "old", NOW + timedelta(days=1))
    render_bench(make_bench(tmp_path), tmp_path / "fresh", NOW + timedelta(days=9))
    old, fresh = files_below(tmp_path / "old"), files_below(tmp_path / "fresh")
    # It has the dates of HTTP too, which are when each catalog saw a change.
    assert old.pop(".feedhub/ledger") != fresh.pop(".feedhub/ledger")
    assert old == fresh


def test_only_the_dates_of_feeds_tell_a_backfill(bench: Bench, tmp_path: Path):
    render_bench(bench, tmp_path / "old")
    bench.write("four.md", title="Four", topics=["AI"], publishedDateTime="2010-01-01T00:00:00Z")
    render_bench(bench, tmp_path / "old", NOW + timedelta(days=1))
    render_bench(make_bench(tmp_path), tmp_path / "fresh", NOW + timedelta(days=9))
    old, fresh = files_below(tmp_path / "old"), files_below(tmp_path / "fresh")
    assert old.keys() == fresh.keys()
    assert old["all.rss"] != fresh["all.rss"]
    for path in old.keys() - {path for path in old if path.startswith(".feedhub/")}:
        assert without_feed_dates(path, old[path]) == without_feed_dates(path, fresh[path])


def test_a_lost_catalog_rewrites_nothing(bench: Bench, out: Path, tmp_path: Path):
    render_bench(bench, out)
    before = stamps(out)
    report = render_bench(make_bench(tmp_path), out, NOW + timedelta(days=1))
    assert (report.written, report.unchanged) == (0, ALL)
    assert stamps(out) == before


def test_without_a_manifest_identical_files_are_adopted(bench: Bench, out: Path):
    render_bench(bench, out)
    before = stamps(out)
    (out / ".feedhub/manifest.json").unlink()
    assert render_bench(bench, out).written == 0
    own = {path for path in before if not path or path.startswith(".feedhub") or path == "."}
    assert {p: s for p, s in stamps(out).items() if p not in own} == {
        p: s for p, s in before.items() if p not in own
    }


# Files that are not ours


def test_a_foreign_file_stops_the_render_and_nothing_changes(bench: Bench, out: Path):
    (out / "topics").mkdir(parents=True)
    (out / "topics/law.atom").write_text("mine")
    with pytest.raises(OutputError, match=r"topics/law\.atom: was not written by feedhub"):
        render_bench(bench, out)
    assert published(out) == {"topics", "topics/law.atom"}
    assert (out / "topics/law.atom").read_text() == "mine"
    assert sorted(path.name for path in (out / ".feedhub").iterdir()) == ["lock"]


@pytest.mark.parametrize("path", ["topics", "all.rss"])
def test_a_foreign_file_or_folder_in_the_way_is_named(bench: Bench, out: Path, path: str):
    out.mkdir()
    if path == "topics":
        (out / path).write_text("mine")
    else:
        (out / path).mkdir()
    with pytest.raises(OutputError, match=f"{path}: was not written by feedhub"):
        render_bench(bench, out)
    assert published(out) == {path}


def test_a_foreign_link_is_not_followed(bench: Bench, out: Path):
    render_bench(bench, out.with_name("model"))
    out.mkdir()
    (out / "all.rss").symlink_to(out.with_name("model") / "all.rss")
    with pytest.raises(OutputError, match=r"all\.rss: was not written"):
        render_bench(bench, out)


def test_a_dangling_link_in_the_way_is_named(bench: Bench, out: Path):
    out.mkdir()
    (out / "all.json").symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"all\.json: was not written"):
        render_bench(bench, out)


def test_an_identical_foreign_file_is_adopted(bench: Bench, out: Path):
    render_bench(bench, out.with_name("model"))
    out.mkdir()
    shutil.copy(out.with_name("model") / "all.rss", out / "all.rss")
    stamp = stamps(out)["all.rss"]
    assert render_bench(bench, out).written == ALL - 1
    assert stamps(out)["all.rss"] == stamp
    bench.write("three.md", title="Three again", topics=["Law"])
    render_bench(bench, out)
    assert b"Three again" in (out / "all.rss").read_bytes()


def test_other_files_stay_as_they_are(bench: Bench, out: Path):
    (out / "topics/ai").mkdir(parents=True)
    mine = {"index.html": "page", "topics/mine.rss": "feed", "topics/ai/note.txt": "note"}
    bench.config = make_bench(bench.root.parent, feeds__formats=["rss", "atom", "json"]).config
    for path, text in mine.items():
        (out / path).write_text(text)
    before = {path: stamps(out)[path] for path in mine}
    render_bench(bench, out)
    (bench.root / "one.md").unlink()
    render_bench(bench, out)
    assert {path: stamps(out)[path] for path in mine} == before


@pytest.mark.parametrize("path", ["index.html", "index.html.gz"])
def test_a_page_of_ones_own_is_named_and_left_alone(bench: Bench, out: Path, path: str):
    out.mkdir()
    (out / path).write_text("mine")
    before = stamps(out)[path]
    with pytest.raises(OutputError, match=f"{path}: was not written by feedhub and is left alone"):
        render_bench(bench, out)
    assert (published(out), stamps(out)[path]) == ({path}, before)
    assert (out / path).read_text() == "mine"


def test_the_error_about_a_foreign_robots_txt_says_how_to_keep_it(bench: Bench, out: Path):
    out.mkdir()
    (out / "robots.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"robots\.txt: .* or set site\.discovery to false"):
        render_bench(bench, out)
    bench.config = make_bench(bench.root.parent, site__discovery=False).config
    render_bench(bench, out)
    assert (out / "robots.txt").read_text() == "mine"


def test_without_html_a_page_of_ones_own_can_take_its_path(bench: Bench, out: Path):
    render_bench(bench, out)
    bench.config = make_bench(bench.root.parent, feeds__formats=["rss", "atom", "json"]).config
    assert render_bench(bench, out).removed == 3 * (ALL - 10)
    (out / "index.html").write_text("mine")
    render_bench(bench, out)
    assert (out / "index.html").read_text() == "mine"


# The time of a file, by which web servers tell versions: some see whole seconds only


def test_a_file_that_is_replaced_gets_a_later_second(bench: Bench, out: Path):
    render_bench(bench, out)
    seconds = [mtimes(out)]
    for number in range(3):
        bench.write("three.md", title=f"Title {number}", topics=["Law"])
        render_bench(bench, out, NOW + timedelta(days=1 + number))
        seconds.append(mtimes(out))
    for before, after in itertools.pairwise(seconds):
        assert len(before) == len(after) == ALL
        for path in ("all.rss", "topics/law.json"):
            assert after[path] >= before[path] + 1, path
        for path in ("topics/ai.rss", "topics/ai.json"):
            assert after[path] == before[path], path


def mtimes(out: Path) -> dict[str, int]:
    """Return the whole second of each document's time, which its copies share to the last bit."""
    found: dict[str, int] = {}
    for path in published(out):
        document = path.removesuffix(".gz").removesuffix(".br")
        if (out / path).is_file():
            times = {(out / f"{document}{coding}").stat().st_mtime_ns for coding in ("", ".gz")}
            assert times == {(out / path).stat().st_mtime_ns}, path
            found[document] = times.pop() // 1_000_000_000
    return found


@pytest.mark.parametrize("ahead", [0, 100])
def test_a_file_from_the_future_is_replaced_by_one_later_still(bench: Bench, out: Path, ahead: int):
    render_bench(bench, out)
    now = int(time.time())
    for path in published(out):
        os.utime(out / path, (now, now + ahead + 0.999_999))
    bench.write("three.md", title="Three again", topics=["Law"])
    render_bench(bench, out)
    assert mtimes(out)["all.rss"] > now + ahead
    assert mtimes(out)["topics/ai.rss"] == now + ahead


def test_a_file_that_replaces_an_old_one_has_the_time_of_its_writing(bench: Bench, out: Path):
    render_bench(bench, out)
    for path in published(out):
        os.utime(out / path, (1, 1))
    before = time.time() - 1
    bench.write("three.md", title="Three again", topics=["Law"])
    render_bench(bench, out)
    assert before < mtimes(out)["all.rss"] <= time.time()


# What is removed


def test_dropped_formats_are_removed_with_their_empty_folders(bench: Bench, out: Path):
    bench.config = make_bench(bench.root.parent, render__compress=["gzip"]).config
    render_bench(bench, out)
    (out / "topics/mine.txt").write_text("mine")
    bench.config = make_bench(
        bench.root.parent, feeds__formats=["json"], feeds__kinds=["all"], render__compress=[]
    ).config
    report = render_bench(bench, out)
    assert published(out) == {"all.json", "feeds.opml", "topics", "topics/mine.txt"}
    assert report.removed == 2 * ALL - 2
    (out / "topics/mine.txt").unlink()
    assert render_bench(bench, out).removed == 0


def test_a_folder_that_is_left_empty_is_removed(bench: Bench, out: Path):
    render_bench(bench, out)
    bench.config = make_bench(bench.root.parent, feeds__kinds=["all"]).config
    render_bench(bench, out)
    assert not (out / "topics").exists()


def test_a_folder_at_the_path_of_a_dropped_file_is_left_alone(bench: Bench, out: Path):
    render_bench(bench, out)
    shutil.rmtree(out / "topics")
    (out / "topics").write_text("mine")
    (out / "all.rss").unlink()
    (out / "all.rss").mkdir()
    (out / "all.rss/page").write_text("mine")
    bench.config = make_bench(
        bench.root.parent, feeds__kinds=["all"], feeds__formats=["json"]
    ).config
    render_bench(bench, out)
    assert (out / "topics").read_text() == (out / "all.rss/page").read_text() == "mine"


def test_a_withdrawn_topic_keeps_its_address(bench: Bench, out: Path):
    render_bench(bench, out)
    bench.write("two.md", title="Two")
    bench.write("three.md", title="Three")
    report = render_bench(bench, out, NOW + timedelta(days=1))
    assert (report.published, report.removed) == (3, 0)
    assert entry_count(out / "topics/law.atom") == entry_count(out / "topics/law.json") == 0
    assert parse((out / "topics/law.rss").read_bytes()).feed.title == "Law · Feeds"


def test_archives_come_and_go(bench: Bench, out: Path):
    small = make_bench(bench.root.parent, feeds__limit=1, feeds__days=0).config
    large, bench.config = bench.config, small
    bench.write("old.md", title="Old", publishedDateTime="2019-01-02T03:04:05Z")
    render_bench(bench, out)
    assert {"all/2019-01.rss", "all/2019-01.atom.br"} <= published(out)
    bench.config = large
    render_bench(bench, out)
    assert {path for path in published(out) if path.startswith("all/")} == with_codings(
        {"all/index.html"}
    )


# The guard against shrinking


def test_nothing_publishable_is_refused_and_the_old_output_stays(bench: Bench, out: Path):
    render_bench(bench, out)
    before = stamps(out)
    shutil.rmtree(bench.root)
    bench.root.mkdir()
    with pytest.raises(ShrinkError, match="none of 0 files can be published") as caught:
        render_bench(bench, out)
    assert (stamps(out), caught.value.exit_code) == (before, 3)
    report = render_bench(bench, out, allow_shrink=True)
    assert report.published == 0
    assert entry_count(out / "all.atom") == entry_count(out / "topics/ai.json") == 0


@pytest.mark.parametrize(("left", "refused"), [(4, True), (5, False)])
def test_less_than_half_is_refused(tmp_path: Path, out: Path, left: int, refused: bool):
    bench = make_bench(tmp_path)
    for number in range(10):
        bench.write(f"{number}.md", title=f"Title {number}")
    render_bench(bench, out)
    before = files_below(out)
    for number in range(left, 10):
        (bench.root / f"{number}.md").unlink()
    if refused:
        with pytest.raises(ShrinkError, match="only 4 of 10 articles are left"):
            render_bench(bench, out)
        assert files_below(out) == before
    assert render_bench(bench, out, allow_shrink=refused).published == left
    assert entry_count(out / "all.rss") == left


def test_a_refusal_gives_the_reason(bench: Bench, out: Path):
    for file in bench.root.iterdir():
        file.write_text("---\npublished: nonsense\n---\n")
    with pytest.raises(ShrinkError) as caught:
        render_bench(bench, out)
    assert len(caught.value.problems) == 3


def test_after_a_refusal_the_next_render_publishes(bench: Bench, out: Path):
    render_bench(bench, out)
    before = stamps(out)
    shutil.move(bench.root, out.with_name("away"))
    bench.root.mkdir()
    with pytest.raises(ShrinkError):
        render_bench(bench, out)
    bench.root.rmdir()
    shutil.move(out.with_name("away"), bench.root)
    assert render_bench(bench, out).written == 0
    assert stamps(out) == before


# The manifest and the lock


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"published": 1}',
        '{"published": "many", "files": {}}',
        '{"published": 1, "files": []}',
        '{"published": 1, "files": {"../escape": ""}}',
        '{"published": 1, "files": {"/etc/motd": ""}}',
        '{"published": 1, "files": {"": ""}}',
        '{"published": 1, "files": {".feedhub/lock": ""}}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_a_damaged_manifest_is_a_clear_error(bench: Bench, out: Path, text: str):
    render_bench(bench, out)
    (out / ".feedhub/manifest.json").write_bytes(text.encode("latin-1"))
    before = files_below(out)
    with pytest.raises(OutputError, match=r"manifest\.json: the list of written files is damaged"):
        render_bench(bench, out)
    assert files_below(out) == before


def test_an_unreadable_manifest_is_a_clear_error(bench: Bench, out: Path):
    (out / ".feedhub/manifest.json").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"manifest\.json: cannot be read: Is a directory"):
        render_bench(bench, out)


def test_a_second_render_at_once_is_refused(bench: Bench, out: Path):
    with OutputFolder(out).locked(), pytest.raises(OutputError, match="another render"):
        render_bench(bench, out)
    render_bench(bench, out)


def test_a_folder_without_locks_is_a_clear_error(
    bench: Bench, out: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OutputError, match="lock: cannot be written: No locks available"):
        render_bench(bench, out)


def test_files_of_an_interrupted_render_are_removed(bench: Bench, out: Path):
    render_bench(bench, out)
    before, swept = files_below(out), list[bool]()
    (out / ".feedhub/stage").mkdir()
    (out / ".feedhub/stage/0").write_text("half")
    (out / ".feedhub/manifest.new").write_text("half")
    (out / ".feedhub/ledger.new").write_text("half")
    bench.write("four.md", title="Four", topics=["AI"])
    render_bench(
        bench, out, on_progress=lambda: swept.append(not (out / ".feedhub/stage/0").exists())
    )
    assert swept[0], "before anything new needs its room"
    (bench.root / "four.md").unlink()
    render_bench(bench, out)
    assert files_below(out).keys() == before.keys()


def test_a_removal_that_was_interrupted_is_finished(bench: Bench, out: Path):
    bench.write("old.md", title="Old", publishedDateTime="2019-01-02T03:04:05Z", topics=["AI"])
    bench.config = make_bench(bench.root.parent, feeds__limit=1, feeds__days=0).config
    render_bench(bench, out)
    assert (out / "topics/ai/2019-01.rss").is_file()
    shutil.rmtree(out / "topics")
    (out / "topics").mkdir()
    bench.config = make_bench(bench.root.parent, feeds__kinds=["all"]).config
    render_bench(bench, out)
    assert not (out / "topics").exists()


# Where the output lies


def test_a_linked_folder_is_written_through(bench: Bench, out: Path):
    out.with_name("real").mkdir()
    out.symlink_to("real")
    render_bench(bench, out)
    assert out.is_symlink()
    assert (out.with_name("real") / "all.rss").is_file()
    before = stamps(out.with_name("real"))
    assert render_bench(bench, out.with_name("real")).written == 0
    assert stamps(out.with_name("real")) == before


def test_the_folder_may_lie_inside_the_source(bench: Bench):
    out = bench.root / "public"
    first = render_bench(bench, out)
    second = render_bench(bench, out)
    assert (first.published, second.published, second.changes.articles) == (3, 3, 3)
    assert second.written == 0


def test_the_folder_is_made_with_its_parents(bench: Bench, tmp_path: Path):
    render_bench(bench, tmp_path / "a/b/c")
    assert (tmp_path / "a/b/c/all.rss").is_file()


def test_a_file_in_the_place_of_the_folder_is_a_clear_error(bench: Bench, out: Path):
    out.write_text("mine")
    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        render_bench(bench, out)


def test_files_are_readable_as_the_umask_says(bench: Bench, out: Path):
    umask = os.umask(0o022)
    try:
        render_bench(bench, out)
    finally:
        os.umask(umask)
    assert {file.stat().st_mode & 0o777 for file in out.rglob("*.rss*")} == {0o644}


def test_a_file_of_last_time_is_never_in_the_future(bench: Bench, out: Path):
    render_bench(bench, out)
    assert max(time_ns for time_ns, _ in stamps(out).values()) <= time.time_ns()


def test_scheduled_articles_are_published_at_their_time(bench: Bench, out: Path):
    bench.write("later.md", title="Later", publishedDateTime="2026-06-02T00:00:00Z")
    assert render_bench(bench, out).published == 3
    assert render_bench(bench, out, NOW + timedelta(days=1)).published == 4
    assert b"Later" in (out / "all.rss").read_bytes()


def test_the_catalog_may_serve_two_folders(bench: Bench, tmp_path: Path):
    bench.catalog = Catalog(tmp_path / "catalog.sqlite")
    render_bench(bench, tmp_path / "a")
    render_bench(bench, tmp_path / "b")
    bench.write("four.md", title="Four")
    assert render_bench(bench, tmp_path / "a").written > 0
    assert render_bench(bench, tmp_path / "b").written > 0
    assert files_below(tmp_path / "a") == files_below(tmp_path / "b")
    bench.catalog.close()
