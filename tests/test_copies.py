"""Pictures, audio and video beside an article are copied beside the feeds, and served."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from feedhub import limits
from feedhub.cli import main
from feedhub.errors import ArticleError, CatalogError, OutputError, Problem
from feedhub.render import render
from feedhub.render.folder import OutputFolder, StagedFile
from feedhub.site import source_of
from feedhub.sources.files import read_pieces
from feedhub.sources.urls import ASSET_SUFFIXES, asset_type
from tests.fronts import bench_on_disk, front_of
from tests.kit import NOW, Bench, article_text, files_below, make_bench
from tests.renders import render_bench
from tests.repositories import make_repository

BASE = "https://feeds.example.org/site"
PNG, CANARY = b"\x89PNG\r\n", b"canary-7391"
WEB = "https://news.example/a"


def place(data: bytes, name: str = "pic.png") -> str:
    return f"assets/{hashlib.sha256(data).hexdigest()[:32]}/{name}"


def copies(out: Path) -> dict[str, bytes]:
    return {path: data for path, data in files_below(out).items() if path.startswith("assets/")}


def write_file(bench: Bench, path: str, data: bytes) -> None:
    """Write a file, or a new one in the place of the old."""
    file = bench.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_bytes(data)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("feedhub.sources.files.QUIET_NS", 0)
    monkeypatch.setattr("feedhub.sources.files.SETTLE_SECONDS", 0)


@pytest.fixture
def bench(tmp_path) -> Bench:
    bench = bench_on_disk(tmp_path, source__assets="copy", site__base_url=BASE)
    write_file(bench, "posts/pic.png", PNG)
    bench.write("posts/a.md", article_text("A", "![to](pic.png)", webUrl=WEB))
    return bench


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out"


def sync_copies(bench: Bench, now=NOW) -> list[str]:
    """Sync as the command does, with the copies of a server; return the codes of problems."""
    source = bench.source()
    found: list[Problem] = []
    changes = bench.site.sync(
        source, now, accept=lambda *_: found.extend(bench.catalog.assets.copy_from(source))
    )
    bench.catalog.assets.prune()
    return [problem.code for problem in (*changes.problems, *found) if problem.level != "info"]


# Which files have a copy, and where


def test_every_way_to_show_a_file_leads_to_its_copy(bench, out):
    for path in ("posts/Größe (1).JPG", "talk.mp3", "posts/-.gif"):
        write_file(bench, path, path.encode())
    body = (
        '![to](pic.png) <img src="Gr%C3%B6%C3%9Fe%20(1).JPG" alt="x"> [listen](../talk.mp3)'
        " ![y](./-.gif?w=1)"
    )
    front = {"image": "pic.png", "audio": "../talk.mp3", "webUrl": WEB}
    bench.write("posts/a.md", article_text("A", body, **front))
    report = render_bench(bench, out)
    assert [found for found in report.changes.problems if found.level != "info"] == []
    expected = {
        place(PNG): PNG,
        place("posts/Größe (1).JPG".encode(), "Gr-e-1.jpg"): "posts/Größe (1).JPG".encode(),
        place(b"talk.mp3", "talk.mp3"): b"talk.mp3",
        place(b"posts/-.gif", "file.gif"): b"posts/-.gif",
    }
    assert copies(out) == expected  # with no .gz beside them
    article = dict(bench.catalog.articles())["posts/a.md"]
    assert [image.url for image in article.images] == [f"{BASE}/{place(PNG)}"]
    assert [file.url for file in article.media] == [f"{BASE}/{place(b'talk.mp3', 'talk.mp3')}"]
    for path in expected:
        assert f'"{BASE}/{path}"' in article.content_html
    assert (out / "all.json").read_bytes().count(f"{BASE}/{place(PNG)}".encode()) >= 2


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("gone.png", "no-such-file"),
        ("drawing.svg", "not-copied"),
        ("big.mp4", "not-copied"),
        ("link.png", "no-such-file"),
        ("../.hidden/pic.png", "no-such-file"),
        ("fifo.png", "no-such-file"),
        ("page.html", ""),
        ("/posts/pic.png", ""),
        ("https://other.example/pic.png", ""),
    ],
)
def test_what_has_no_copy_keeps_its_address(bench, out, tmp_path, monkeypatch, link, code):
    monkeypatch.setattr("feedhub.sources.assets.MAX_ASSET_BYTES", 100)
    (tmp_path / "secret.png").write_bytes(CANARY)
    (bench.root / "posts/link.png").symlink_to(tmp_path / "secret.png")
    os.mkfifo(bench.root / "posts/fifo.png")
    for path in (".hidden/pic.png", "posts/drawing.svg", "posts/page.html"):
        write_file(bench, path, CANARY)
    write_file(bench, "posts/big.mp4", CANARY * 10)
    text = article_text("A", f"[a]({link}) ![b]({link})", webUrl=WEB, image=link)
    bench.write("posts/a.md", text)
    report = render_bench(bench, out)
    codes = {found.code for found in report.changes.problems if found.level == "warning"}
    assert codes == ({code} if code else set())
    assert copies(out) == {}
    assert "/assets/" not in dict(bench.catalog.articles())["posts/a.md"].content_html
    assert all(CANARY not in data for data in files_below(out).values())


def test_the_bound_is_2_gib():
    assert limits.MAX_ASSET_BYTES == 2 * 1024**3


def test_a_long_recording_is_copied_and_never_held_whole(bench, out):
    length, long = 160 * 1024**2, bench.root / "posts/talk.mp3"
    long.touch()
    os.truncate(long, length)  # it takes no room on the disk
    bench.write("posts/a.md", article_text("A", "[hear](talk.mp3)", webUrl=WEB, audio="talk.mp3"))
    code = (
        "import resource, sys\n"
        "from feedhub.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_DATA, (120 << 20, 120 << 20))\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = ["render", bench.root, out, "--base-url", BASE, "--workers", "1"]
    environ = os.environ | {"FEEDHUB_SOURCE_ASSETS": "copy"}
    subprocess.run(
        [sys.executable, "-c", code, *map(str, command)], env=environ, check=True, timeout=60
    )
    (copy,) = (out / "assets").rglob("*.mp3")
    assert copy.stat().st_size == length
    (entry,) = json.loads((out / "all.json").read_bytes())["items"]
    (file,) = entry["attachments"]
    assert file["url"] == f"{BASE}/{copy.relative_to(out)}"


def test_a_picture_that_the_feed_leaves_out_has_no_copy(bench, out):
    write_file(bench, "posts/secret.png", CANARY)
    hidden = '<div hidden><img src="secret.png"></div> <img src="secret.png" width="1" height="1">'
    body = f"Text. {hidden} ![to](pic.png)"
    bench.write("posts/a.md", article_text("A", body, webUrl=WEB))
    render_bench(bench, out)
    assert copies(out) == {place(PNG): PNG}


def test_an_article_that_gives_way_to_another_has_no_copies(bench, out):
    render_bench(bench, out)
    write_file(bench, "secret.png", CANARY)
    bench.write("b.md", article_text("B", "![to](secret.png)", webUrl=WEB))
    report = render_bench(bench, out)
    assert report.changes.states == {"shown": 1, "repeated": 1}
    assert copies(out) == {place(PNG): PNG}
    sync_copies(bench)
    assert stored(bench) == {place(PNG): PNG}


@pytest.mark.parametrize(
    ("error", "code"),
    [(ArticleError("being-written", "it is"), "being-written"), (OSError(5, "x"), "no-such-file")],
)
def test_a_file_that_cannot_be_read_to_its_end_has_no_copy(bench, out, monkeypatch, error, code):
    def broken(*_: object) -> Iterator[bytes]:
        yield b"first piece"
        raise error

    monkeypatch.setattr("feedhub.sources.files.FilesSource.read_asset", broken)
    report = render_bench(bench, out)
    assert [found.code for found in report.changes.problems] == [code]
    assert copies(out) == {}


def test_a_file_that_is_written_while_it_is_read_is_refused_at_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr("feedhub.sources.files.QUIET_NS", 1_000_000_000)
    monkeypatch.setattr("feedhub.sources.files.time.sleep", lambda seconds: slept.append(seconds))
    slept: list[float] = []
    file = tmp_path / "pic.png"
    file.write_bytes(b"first")
    pieces = read_pieces(os.open(file, os.O_RDONLY))
    assert (next(pieces), slept) == (b"first", [1.0])
    os.utime(file, (1, 1))
    with pytest.raises(ArticleError, match="being written"):
        next(pieces)
    assert b"".join(read_pieces(os.open(file, os.O_RDONLY))) == b"first"
    assert slept == [1.0]  # it is at rest
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ArticleError, match="not a regular file"):
        next(read_pieces(os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)))


@pytest.mark.parametrize("damage", [None, b"damaged", "link"])
def test_a_copy_that_is_there_is_kept_without_its_catalog(bench, out, damage, monkeypatch):
    render_bench(bench, out)
    copy = out / place(PNG)
    if damage == "link":
        copy.rename(out / "other.png")
        copy.symlink_to(out / "other.png")
    elif damage:
        copy.write_bytes(damage)
    second = bench_on_disk(bench.root.parent, source__assets="copy", site__base_url=BASE)
    second.catalog.remember_outputs(os.path.realpath(out), {})
    staged: list[str] = []
    take = OutputFolder.take

    def noted(folder: OutputFolder, file: StagedFile) -> None:
        staged.append(file.path)
        take(folder, file)

    monkeypatch.setattr(OutputFolder, "take", noted)
    report = render_bench(second, out)
    assert report.changes.problems == ()
    assert (place(PNG) in staged) == (damage is not None)
    assert (copy.read_bytes(), copy.is_symlink()) == (PNG, False)


def test_the_same_bytes_have_one_copy(bench, out):
    write_file(bench, "pic.png", PNG)
    bench.write("b.md", article_text("B", "![to](pic.png) ![to](posts/pic.png)", webUrl=f"{WEB}b"))
    render_bench(bench, out)
    assert copies(out) == {place(PNG): PNG}


# What changes, and what goes


def test_a_render_without_changes_reads_and_writes_nothing(bench, out, monkeypatch):
    monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", 0)
    first = render_bench(bench, out)
    monkeypatch.setattr("feedhub.render.write_copy", pytest.fail)
    second = render_bench(bench, out)
    assert (second.written, second.removed) == (0, 0)
    assert second.unchanged == first.written


def test_a_replaced_picture_has_a_new_address_and_the_old_copy_goes(bench, out):
    render_bench(bench, out)
    write_file(bench, "posts/pic.png", b"new")
    render_bench(bench, out, now=NOW + timedelta(hours=1))
    assert copies(out) == {place(b"new"): b"new"}
    assert place(b"new").encode() in (out / "all.json").read_bytes()
    assert place(PNG).encode() not in (out / "all.json").read_bytes()


@pytest.mark.parametrize("how", ["hidden", "deleted", "scheduled"])
def test_the_picture_of_a_withdrawn_article_leaves(bench, out, how):
    write_file(bench, "posts/secret.png", CANARY)
    bench.write("posts/b.md", article_text("B", "![to](secret.png)", webUrl=f"{WEB}b"))
    render_bench(bench, out)
    assert CANARY in copies(out).values()
    if how == "deleted":
        (bench.root / "posts/b.md").unlink()
    else:
        flag = {"published": False} if how == "hidden" else {"publishedDateTime": "2099-01-01"}
        text = article_text("B", "![to](secret.png)", **{"webUrl": f"{WEB}b"} | flag)
        bench.write("posts/b.md", text)
    render_bench(bench, out, now=NOW + timedelta(hours=1))
    assert copies(out) == {place(PNG): PNG}
    assert all(CANARY not in data for data in files_below(out).values())


def test_hidden_articles_have_no_copies(bench, out):
    write_file(bench, "posts/secret.png", CANARY)
    for name, flag in (("b", {"published": False}), ("c", {"publishedDateTime": "2099-01-01"})):
        body = "![to](secret.png)"
        bench.write(f"{name}.md", article_text(name, body, image="posts/secret.png", **flag))
    render_bench(bench, out)
    sync_copies(bench)
    assert copies(out) == {place(PNG): PNG}
    everything = files_below(bench.root.parent)
    assert [path for path, data in everything.items() if CANARY in data] == [
        "articles/posts/secret.png"
    ]


def test_a_picture_that_changes_after_its_article_was_read_is_copied_next_time(
    bench, out, monkeypatch
):
    def render_while_it_changes(data: bytes, now) -> list[str]:
        source = bench.source()
        site = bench.site
        real = site.sync

        def sync(*args, **options):
            changes = real(*args, **options)
            write_file(bench, "posts/pic.png", data)
            return changes

        monkeypatch.setattr(site, "sync", sync)
        report = render(site, bench.catalog, source, out, now=now)
        return [found.code for found in report.changes.problems if found.level != "info"]

    assert render_while_it_changes(b"second", NOW) == ["not-copied"]
    assert copies(out) == {}
    assert render_while_it_changes(b"second", NOW + timedelta(hours=1)) == []
    assert copies(out) == {place(b"second"): b"second"}
    # The copy of what it was stays as long as the article shows it.
    (out / place(b"second")).touch()
    assert render_while_it_changes(b"third", NOW + timedelta(hours=2)) == []
    assert copies(out) == {place(b"second"): b"second"}
    assert sync_copies(bench) == []
    render_bench(bench, out, now=NOW + timedelta(hours=3))
    assert copies(out) == {place(b"third"): b"third"}


def test_a_link_in_the_place_of_a_folder_copies_nothing(bench, out, tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/pic.png").write_bytes(CANARY)
    source = bench.source()
    bench.site.sync(source, NOW)
    (bench.root / "posts").rename(tmp_path / "posts")
    (bench.root / "posts").symlink_to(tmp_path / "other")
    (problem,) = bench.catalog.assets.copy_from(source)
    assert problem.code == "not-copied"
    assert all(CANARY not in data for data in stored(bench).values())


def test_a_repository_has_copies_too(tmp_path, out):
    repository = make_repository(tmp_path / "articles.git")
    text = article_text("A", "![to](pic.png)", webUrl=WEB)
    bench = make_bench(tmp_path, source__assets="copy", site__base_url=BASE)
    for data in (b"first", b"second"):
        repository.commit({"posts/a.md": text, "posts/pic.png": data.decode()})
        source = source_of(repository.address(path="posts"), bench.config)
        render(bench.site, bench.catalog, source, out, now=NOW)
        assert copies(out) == {place(data): data}


def test_a_catalog_in_memory_has_no_folder_of_copies(tmp_path):
    bench = make_bench(tmp_path, source__assets="copy")
    write_file(bench, "pic.png", PNG)
    bench.write("a.md", article_text("A", "![to](pic.png)", webUrl=WEB))
    assert sync_copies(bench) == []
    (only,) = bench.catalog.assets.shown()
    assert bench.catalog.assets.file(only) is None


def test_nginx_gives_a_copy_the_type_that_a_server_gives_it():
    conf = Path(__file__).parents[1].joinpath("deploy/nginx/static.conf").read_text()
    lines = re.findall(r"^        ((?:image|audio|video)/\S+) +([a-z0-9 ]+);$", conf, re.MULTILINE)
    types = {f".{ending}": name for name, endings in lines for ending in endings.split()}
    assert types == {suffix: asset_type(suffix) for suffix in ASSET_SUFFIXES}


# The copies of a server


def stored(bench: Bench) -> dict[str, bytes]:
    folder = bench.root.parent / "catalog.sqlite.assets"
    return {f"assets/{path}": data for path, data in files_below(folder).items()}


def test_a_sync_keeps_the_copies_that_are_shown(bench):
    for _ in range(2):
        assert sync_copies(bench) == []
        assert stored(bench) == {place(PNG): PNG}
    write_file(bench, "posts/pic.png", b"new")
    assert sync_copies(bench, NOW + timedelta(hours=1)) == []
    assert stored(bench) == {place(b"new"): b"new"}
    (bench.root / "posts/a.md").unlink()
    sync_copies(bench, NOW + timedelta(hours=2))
    assert not (bench.root.parent / "catalog.sqlite.assets").exists()


def test_a_folder_that_cannot_be_written_publishes_nothing(bench):
    (bench.root.parent / "catalog.sqlite.assets").write_bytes(b"")
    with pytest.raises(OutputError):
        sync_copies(bench)
    assert bench.catalog.count() == 0


def test_the_command_copies_and_says_what_it_could_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("articles").mkdir()
    Path("articles/pic.png").write_bytes(PNG)
    Path("articles/a.md").write_text(article_text("A", "![to](pic.png)", webUrl=WEB))
    Path("feedhub.toml").write_text('[source]\nassets = "copy"\n')
    command = ["sync", "articles", "--catalog", "c.sqlite"]
    assert main(command) == 0
    assert list(files_below(Path("c.sqlite.assets")).values()) == [PNG]
    Path("articles/pic.png").write_bytes(b"other")
    monkeypatch.setattr("feedhub.catalog.assets.write_copy", lambda *_: "")
    assert main(command) == 1
    assert "articles/pic.png:1: it has changed" in capsys.readouterr().err
    assert not Path("c.sqlite.assets").exists()


def test_a_server_sends_a_copy_that_is_cached_as_an_archive(bench):
    sync_copies(bench)
    with front_of(bench) as front:
        target = f"/site/{place(PNG)}"
        answer = front.get(target)
        etag = f'"{place(PNG).split("/")[1]}"'
        assert (answer.status, answer.body) == (200, PNG)
        for name, value in {
            "content-type": "image/png",
            "content-length": str(len(PNG)),
            "etag": etag,
            "cache-control": "public, max-age=86400, stale-while-revalidate=300, "
            "stale-if-error=3600",
            "x-content-type-options": "nosniff",
            "content-security-policy": "default-src 'none'; sandbox",
            "access-control-allow-origin": "*",
        }.items():
            assert answer.fields[name] == value, name
        head = front.get(target, "HEAD")
        assert (head.status, head.body, head.fields["etag"]) == (200, b"", etag)
        same = front.get(target, **{"if-none-match": etag})
        assert (same.status, same.body, same.fields["etag"]) == (304, b"", etag)
        assert front.get(target, **{"if-match": '"x"'}).status == 412
        part = front.get(target, range="bytes=1-3")
        assert (part.status, part.body) == (206, PNG[1:4])
        assert front.get(target, "OPTIONS").status == 204
        assert front.get(target, "POST").status == 405
        for wrong in ("/x", ".gz", "%2f"):
            assert front.get(target + wrong).status == 404
        assert front.get(target.replace("/pic", "%2fpic")).status == 404
        assert front.get("/site/assets/../catalog.sqlite").status == 404
        assert front.get(f"/{place(PNG)}").status == 404


def test_a_server_forgets_the_picture_of_a_withdrawn_article(bench):
    sync_copies(bench)
    target = f"/site/{place(PNG)}"
    with front_of(bench) as front:
        assert front.get(target).status == 200
        bench.write("posts/a.md", article_text("A", "![to](pic.png)", published=False))
        bench.sync(NOW + timedelta(hours=1))
        assert stored(bench), "the copy is there, and yet"
        assert front.get(target).status == 404
        sync_copies(bench, NOW + timedelta(hours=2))
        assert front.get(target).status == 404


def test_a_server_whose_copy_or_catalog_is_lost(bench, monkeypatch):
    sync_copies(bench)
    with front_of(bench) as front:
        target = f"/site/{place(PNG)}"
        copy = bench.root.parent / "catalog.sqlite.assets" / place(PNG).removeprefix("assets/")
        copy.unlink()
        assert front.get(target).status == 404

        def fail(place: str) -> None:
            raise CatalogError("damaged")

        monkeypatch.setattr(front.builder.reader, "asset", fail)
        assert front.get(target).status == 503


def test_previews_are_not_cached(tmp_path):
    bench = bench_on_disk(tmp_path, source__assets="copy", site__base_url=BASE)
    bench.drafts = True
    write_file(bench, "pic.png", PNG)
    bench.write("a.md", article_text("A", "![to](pic.png)", webUrl=WEB, draft=True))
    sync_copies(bench)
    with front_of(bench) as front:
        answer = front.get(f"/site/{place(PNG)}")
        assert (answer.status, answer.fields["cache-control"]) == (200, "private, no-store")
