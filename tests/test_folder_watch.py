"""Watching a folder: what the system tells of each change, and what it cannot tell."""

from __future__ import annotations

import errno
import itertools
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inotify_simple import Event, INotify, flags

from feedhub.sources import ReadOptions, folder_watch, open_source
from feedhub.sources.files import FilesSource
from tests.kit import NOW, article_text, make_bench
from tests.repositories import git

Changed = set[str] | None


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_watch, "POLL_MS", 60)
    monkeypatch.setattr(folder_watch, "DEBOUNCE_MS", 10)
    monkeypatch.setattr(folder_watch, "UNWATCHED_SECONDS", 0.01)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with an article, a folder below it and an ignored one."""
    folder = tmp_path / "root"
    for name in ("a.md", "below/b.md", "node_modules/c.md", ".git/d.md"):
        _write(folder, name)
    return folder


def _write(root: Path, name: str = "a.md", title: str = "A title") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(article_text(title))
    return path


def _watch(folder: Path, output: Path | None = None, **options: object) -> Iterator[Changed]:
    """Begin to watch; the first report says that nothing has changed."""
    values = {"ignore": ("node_modules",)} | options
    reports = open_source(folder, ReadOptions(**values)).watch(  # type: ignore[arg-type]
        threading.Event(), output
    )
    assert next(reports) == set()
    return reports


def _next(reports: Iterator[Changed]) -> Changed:
    """Return the next report of a change, on a busy machine too; none after a while."""
    for changed in itertools.islice(reports, 50):
        if changed != set():
            return changed
    return set()


def _quiet(reports: Iterator[Changed]) -> bool:
    return [next(reports) for _ in range(3)] == [set()] * 3


class TestFiles:
    def test_each_change_of_a_file_names_it(self, root, tmp_path):
        reports = _watch(root)
        new = _write(root, "new.md")
        assert _next(reports) == {"new.md"}
        _write(root, "below/b.md", "Another")
        assert _next(reports) == {"below/b.md"}
        new.chmod(0o600)
        assert _next(reports) == {"new.md"}
        os.utime(new)
        assert _next(reports) == {"new.md"}
        os.truncate(new, 10)
        assert _next(reports) == {"new.md"}
        new.rename(root / "below/other.md")
        assert _next(reports) == {"new.md", "below/other.md"}
        (root / "below/other.md").rename(tmp_path / "away")
        assert _next(reports) == {"below/other.md"}
        (root / "a.md").unlink()
        assert _next(reports) == {"a.md"}
        assert _quiet(reports)

    def test_an_editor_that_saves_by_renaming_names_the_file_alone(self, root):
        reports = _watch(root)
        (root / "4913").touch()
        (root / "4913").unlink()
        (root / "a.md").rename(root / "a.md~")
        _write(root, ".a.md.swp").rename(root / "a.md")
        (root / "a.md~").unlink()
        assert _next(reports) == {"a.md"}

    def test_a_file_that_comes_and_goes_at_once(self, root):
        reports = _watch(root)
        _write(root, "new.md").unlink()
        assert _next(reports) == {"new.md"}

    def test_changes_in_quick_succession_come_together(self, root, monkeypatch):
        monkeypatch.setattr(folder_watch, "DEBOUNCE_MS", 1_000)
        reports = _watch(root)
        thread = threading.Timer(0.2, _write, (root, "second.md"))
        _write(root, "first.md")
        thread.start()
        assert _next(reports) == {"first.md", "second.md"}
        thread.join()

    def test_changes_without_an_end_are_reported_all_the_same(self, root, monkeypatch):
        monkeypatch.setattr(folder_watch, "MAX_DEBOUNCE_SECONDS", 0.0)
        monkeypatch.setattr(folder_watch, "DEBOUNCE_MS", 60_000)
        reports = _watch(root)
        _write(root)
        assert _next(reports) == {"a.md"}

    def test_what_nothing_depends_on_does_not_count(self, root):
        (root / "out").mkdir()
        reports = _watch(root, root / "out")
        for name in (
            ".hidden.md",
            "out/all.md",
            "node_modules/c.md",
            ".git/d.md",
            "x.swx",
            "x.png",
        ):
            _write(root, name)
        shutil.rmtree(root / "out")
        _write(root, "out/all.md")
        assert _quiet(reports)

    def test_an_output_around_the_source_excludes_nothing(self, root, tmp_path):
        reports = _watch(root, tmp_path)
        _write(root)
        assert _next(reports) == {"a.md"}

    def test_another_output_in_the_source_is_not_watched(self, root):
        _write(root, "old/.feedhub/manifest.json")
        reports = _watch(root)
        _write(root, "old/all.md")
        assert _quiet(reports)

    def test_pictures_count_if_they_have_addresses(self, root):
        reports = _watch(root, assets="https://news.example/")
        _write(root, "a.png")
        assert _next(reports) == {"a.png"}


class TestAnything:
    """Where a change is not that of one article, all of them are looked at."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda root: (root / "new").mkdir(),
            lambda root: (root / "below").rename(root / "moved"),
            lambda root: (root / "below").rename(root.parent / "away"),
            lambda root: (root.parent / "full").rename(root / "full"),
            lambda root: shutil.rmtree(root / "below"),
            lambda root: (root / "below").chmod(0o700),
            lambda root: root.chmod(0o700),
            lambda root: (root / "hugo.toml").touch(),
            lambda root: (root / "a.rst").touch(),
            lambda root: (root / "bad\nname.md").touch(),
        ],
        ids=[
            *(
                "new folder",
                "folder moved",
                "folder moved out",
                "folder moved in",
                "folder removed",
            ),
            *("rights of a folder", "rights of the root", "generator", "other ending", "bad name"),
        ],
    )
    def test_it_is_not_one_article(self, root, change):
        _write(root.parent / "full", "deep/e.md")
        reports = _watch(root)
        change(root)
        assert _next(reports) is None

    def test_what_is_in_a_new_or_moved_folder_is_watched(self, root):
        reports = _watch(root)
        _write(root, "x/y/new.md")
        assert _next(reports) is None
        _write(root, "x/y/new.md", "Again")
        assert _next(reports) == {"x/y/new.md"}
        (root / "x").rename(root / "z")
        assert _next(reports) is None
        _write(root, "z/y/new.md", "Again")
        assert _next(reports) == {"z/y/new.md"}

    def test_a_folder_that_left_is_watched_no_longer(self, root, tmp_path):
        reports = _watch(root)
        (root / "below").rename(tmp_path / "away")
        assert _next(reports) is None
        _write(tmp_path, "away/b.md")
        assert _quiet(reports)

    def test_a_link_may_lead_to_any_file(self, root):
        _write(root, "data.bin")
        reports = _watch(root)
        _write(root, "data.bin")
        assert _quiet(reports)
        (root / "link.md").symlink_to("data.bin")
        assert _next(reports) is None
        _write(root, "data.bin")
        assert _next(reports) is None
        reports = _watch(root)
        _write(root, "data.bin")
        assert _next(reports) is None

    def test_more_changes_than_a_queue_holds(self, root):
        """As when this process gets no time for a while: the kernel drops what comes then."""
        reports = _watch(root)
        size = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        a, b = root / "a.md", root / "below/b.md"
        for _ in range(size // 2 + 1):  # equal events that follow each other are one
            os.utime(a)
            os.utime(b)
        _write(root, "lost.md")
        assert _next(reports) is None

    def test_a_checkout_of_many_files(self, tmp_path, monkeypatch):
        """All of them are looked at, in one pass."""
        monkeypatch.setattr(folder_watch, "MAX_PATHS", 300)
        root = tmp_path / "repository"
        for state in ("one", "two"):
            for number in range(400):
                (root / str(number % 7)).mkdir(parents=True, exist_ok=True)
                (root / str(number % 7) / f"{number}.md").write_text(state)
            if state == "one":
                git(root, "init", "-q")
            git(root, "add", ".")
            git(root, "commit", "-qm", state)
        reports = _watch(root)
        git(root, "checkout", "-q", "HEAD~1")
        found = [changed for changed in itertools.islice(reports, 8) if changed != set()]
        assert None in found

    def test_a_built_site_is_looked_at_as_a_whole(self, root):
        _write(root, "index.html")
        reports = open_source(root, ReadOptions(kind="built")).watch(threading.Event())
        assert next(reports) == set()
        _write(root, "picture.png")
        assert _next(reports) is None


class TestRoot:
    def test_a_link_with_a_new_target_is_followed(self, root, tmp_path):
        link, other = tmp_path / "link", tmp_path / "other"
        link.symlink_to(root)
        other.mkdir()
        reports = _watch(link)
        link.unlink()
        link.symlink_to(other)
        assert _next(reports) is None
        _write(other)
        assert _next(reports) == {"a.md"}

    def test_a_folder_that_comes_back_is_watched_again(self, root):
        shutil.rmtree(root)
        reports = _watch(root)
        assert next(reports) == set()
        _write(root)
        assert _next(reports) is None
        _write(root)
        assert _next(reports) == {"a.md"}

    def test_it_ends_when_it_is_stopped(self, root):
        stop = threading.Event()
        reports = open_source(root).watch(stop)
        assert next(reports) == set()
        stop.set()
        assert len(list(reports)) <= 1

    def test_no_descriptor_is_left_open(self, root):
        before = os.listdir("/proc/self/fd")  # noqa: PTH208
        reports = open_source(root).watch(threading.Event())
        next(reports)
        reports.close()  # type: ignore[attr-defined]
        assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


class TestWithoutEvents:
    def _polls(self, root: Path) -> list[Changed]:
        stop = threading.Event()
        reports = open_source(root).watch(stop)
        found = [next(reports), next(reports)]
        stop.set()
        assert len(list(reports)) <= 1
        return found

    def test_no_more_watches_are_to_be_had(self, root, monkeypatch):
        def refuse(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(INotify, "add_watch", refuse)
        assert self._polls(root) == [None, None]

    def test_no_more_watches_for_a_folder_that_comes_later(self, root, monkeypatch):
        reports = _watch(root)
        real = INotify.add_watch

        def refuse(self: INotify, path: str, mask: int) -> int:
            if path.endswith("new/"):
                raise OSError(errno.ENOSPC, "No space left on device")
            return int(real(self, path, mask))

        monkeypatch.setattr(INotify, "add_watch", refuse)
        (root / "new").mkdir()
        assert [_next(reports), _next(reports)] == [None, None]

    def test_more_watches_than_the_system_allows(self, root):
        """Really: each user has a limit, and another user namespace one of its own."""
        script = (
            "import sys, threading\nfrom pathlib import Path\n"
            "from feedhub.sources import folder_watch, open_source\n"
            "Path('/proc/sys/user/max_inotify_watches').write_text('1')\n"
            "folder_watch.UNWATCHED_SECONDS = 0.01\n"
            "reports = open_source(Path(sys.argv[1])).watch(threading.Event())\n"
            "print(next(reports), next(reports))\n"
        )
        command = ["unshare", "--user", "--map-root-user", sys.executable]
        done = subprocess.run([*command, "-c", script, root], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no user namespace here: {done.stderr.splitlines()[-1:]}")
        assert done.stdout == "None None\n"

    def test_a_system_without_inotify(self, root, monkeypatch):
        monkeypatch.setattr(sys, "platform", "darwin")
        assert self._polls(root) == [None, None]

    def test_looking_takes_a_tenth_of_the_time_at_most(self, monkeypatch):
        monkeypatch.setattr(folder_watch, "UNWATCHED_SECONDS", 5.0)
        assert folder_watch.pause_after(0.1) == 5
        assert folder_watch.pause_after(2) == 20

    def test_a_folder_that_vanishes_while_it_is_added(self, root, monkeypatch):
        real = INotify.add_watch

        def lose(self: INotify, path: str, mask: int) -> int:
            if path.endswith("below/"):
                shutil.rmtree(path)
            return int(real(self, path, mask))

        monkeypatch.setattr(INotify, "add_watch", lose)
        reports = open_source(root).watch(threading.Event())
        assert next(reports) is None
        _write(root, "a.md")
        assert _next(reports) == {"a.md"}

    def test_an_event_of_a_folder_that_is_not_watched_any_more(self, root):
        source = open_source(root)
        assert isinstance(source, FilesSource)
        watch = folder_watch.FolderWatch(
            str(root), ignore=(), output="", kind_of=lambda path: "file"
        )
        with watch:
            assert watch._paths_of(Event(99, flags.MODIFY, 0, "a.md")) == set()
            assert watch._paths_of(Event(1, flags.UNMOUNT, 0, "")) is None

    @pytest.mark.parametrize(
        ("kind", "remote"),
        [("nfs4", True), ("cifs", True), ("fuse.sshfs", True), ("ext4", False), ("fuseblk", False)],
    )
    def test_other_machines_tell_nothing(self, root, tmp_path, monkeypatch, kind, remote):
        mounts = tmp_path / "mountinfo"
        line = "{} 1 0:1 / {} rw shared:1 - {} server:/x rw\n"
        with_blank = str(tmp_path).replace(" ", "\\040")
        mounts.write_text(line.format(1, "/", "ext4") + line.format(2, with_blank, kind))
        monkeypatch.setattr(folder_watch, "_MOUNTS", str(mounts))
        assert folder_watch.is_remote(str(root)) is remote
        stop = threading.Event()
        reports = open_source(root).watch(stop)
        found = [next(reports) for _ in range(3)]
        assert [changed is None for changed in found] == [remote] * 3
        monkeypatch.setattr(folder_watch, "UNWATCHED_SECONDS", 60.0)
        assert next(reports) in (None, set())
        assert next(reports) == set()

    def test_without_a_list_of_mounts_all_are_taken_for_local(self, root, monkeypatch):
        monkeypatch.setattr(folder_watch, "_MOUNTS", "/nowhere")
        assert not folder_watch.is_remote(str(root))


NAMES = ("a.md", "b.md", "c.txt", "d.png", ".e.md", "x.rst", "f.yml")
FOLDERS = ("", "one/", "one/two/", "three.md/", ".git/", "_config.yml/")


def _operate(root: Path, chance: random.Random, number: int) -> None:
    """Do one thing to a folder that editors, generators or git may do."""

    def some() -> Path:
        return root / (chance.choice(FOLDERS) + chance.choice(NAMES))

    path, other = some(), some()
    choices: list[dict[str, Any]] = [{}, {"published": False}, {"id": "same"}]
    fields = chance.choice([*choices, {"webUrl": "https://news.example/same"}])
    text = article_text(
        f"T{number % 5}", f"[to](b.md) {number}", topics=[f"t{number % 3}"], **fields
    )
    try:
        match chance.randrange(10):
            case 0 | 1 | 2 | 3:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(chance.choice([text, text, text, "no article", "---\nbroken"]))
            case 4:
                path.unlink()
            case 5:
                path.replace(other)
            case 6:
                path.parent.rename(other.parent) if path.parent != root else path.unlink()
            case 7:
                shutil.rmtree(path.parent) if path.parent != root else path.chmod(0o600)
            case 8:
                path.symlink_to(chance.choice(["a.md", "b.md", "/etc/passwd"]))
            case 9:
                os.utime(path)
    except OSError:  # there is nothing, or something else, at that path
        pass


def _state(bench) -> list[object]:
    """Return all that readers and the next sync can see of a catalog."""
    database = bench.catalog._database
    queries = (
        "SELECT path, state, id, digest, published, address, rejected, problems FROM articles",
        "SELECT path, kind, key, labels.published, labels.id, spelling FROM labels"
        " JOIN feeds ON feeds.number = feed JOIN articles ON articles.number = article",
        "SELECT path, search_entries.digest, quality, story, c0, c3 FROM search_entries"
        " JOIN articles USING (number) JOIN search_index_content AS words ON words.id = number",
        "SELECT target, path, place FROM links JOIN articles ON articles.number = article",
        "SELECT kind, slug, label, period, count, newest FROM feeds JOIN states"
        " ON feed = number WHERE count > 0",
    )
    return [sorted(database.fetch_all(query), key=repr) for query in queries]


@pytest.mark.parametrize("seed", range(int(os.environ.get("WATCH_SEEDS", "3"))))
def test_any_changes_handed_over_give_what_a_whole_scan_gives(tmp_path, monkeypatch, seed):
    """The state after each of a hundred batches of changes is that of a catalog that sees all."""
    monkeypatch.setattr("feedhub.sources.files.SETTLE_SECONDS", 0.0)
    monkeypatch.setattr("feedhub.sources.files.QUIET_NS", 0)
    chance = random.Random(seed)
    watched = make_bench(tmp_path / "watched", feeds__search="yes")
    whole = make_bench(tmp_path / "whole", feeds__search="yes")
    whole.root = watched.root
    _operate(watched.root, chance, 0)
    source = watched.source()
    assert isinstance(source, FilesSource)
    named = 0
    with folder_watch.FolderWatch(
        source.key, ignore=(), output="", kind_of=source._kind_of
    ) as watch:
        for number in range(40):
            for step in range(chance.choice([1, 1, 1, 2, 5])):
                _operate(watched.root, chance, number * 10 + step)
            paths: Changed = watch.read(0) if number else None
            named += paths is not None
            seen = watched.site.sync(watched.source(), NOW, paths=paths)
            expected = whole.site.sync(whole.source(), NOW)
            assert seen.states == expected.states
            assert seen.problems == expected.problems
            assert _state(watched) == _state(whole)
    assert named > 3
