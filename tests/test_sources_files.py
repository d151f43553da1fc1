"""The folder as a source: which files it lists, and what it must not open."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from feedhub.errors import ConfigError, Problem
from feedhub.sources import ReadOptions, ReadResult, SourceFile, open_source
from feedhub.sources.adopted_ids import AdoptedId, AdoptedIds
from feedhub.sources.files import FilesSource
from feedhub.sources.frontmatter import MAX_BYTES
from tests.kit import NOW, article_text
from tests.readings import AUTHORITY, BASE

OLD = time.time() - 3600
UNPRIVILEGED = 65534
# How often a folder is read while another process exchanges it with a link; the long form has more.
EXCHANGES = int(os.environ.get("EXCHANGES", "300"))


@pytest.fixture(autouse=True)
def _time_limit() -> Iterator[None]:
    """Stop a test that waits for a pipe or runs in circles."""

    def stop(*_: object) -> None:
        raise TimeoutError("this takes too long")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(20 + EXCHANGES // 20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder named `root`."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def _source(root: Path, **options: object) -> FilesSource:
    values = {"authority": AUTHORITY, "base_url": BASE, "ignore": ("node_modules",)} | options
    source = open_source(root, ReadOptions(**values))  # type: ignore[arg-type]
    assert isinstance(source, FilesSource)
    return source


def _write(root: Path, name: str = "a.md", text: str = "") -> Path:
    """Write an article that was last changed an hour ago, as far as its modification time says."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text or article_text())
    os.utime(path, (OLD, OLD))
    return path


def _paths(root: Path, **options: object) -> list[str]:
    return [item.path for item in _source(root, **options).scan() if isinstance(item, SourceFile)]


def _problems(root: Path) -> list[tuple[str, str, str]]:
    problems = (item for item in _source(root).scan() if isinstance(item, Problem))
    return [(problem.path, problem.level, problem.code) for problem in problems]


def _read(root: Path, path: str = "a.md") -> ReadResult:
    return _source(root).read(path, NOW)


def _code(result: ReadResult) -> str:
    assert result.state == "rejected"
    [problem] = result.problems
    return problem.code


@contextmanager
def _exchanging(one: Path, other: Path) -> Iterator[None]:
    """Let another process exchange what two paths name, again and again."""
    code = f"""
import ctypes, time
exchange = ctypes.CDLL(None).renameat2
while True:
    exchange(-100, {os.fsencode(one)!r}, -100, {os.fsencode(other)!r}, 2)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            start = one.lstat().st_ino
            while one.lstat().st_ino == start:
                time.sleep(0.001)
            yield
        finally:
            process.kill()


@contextmanager
def _nested(root: Path, name: str, depth: int) -> Iterator[str]:
    """Hold folders within folders, an article in the last; deeper perhaps than the system's paths.

    Yields the path of the article.
    """
    here = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    with os.fdopen(os.open("a.md", os.O_CREAT | os.O_WRONLY, dir_fd=here), "w") as file:
        file.write(article_text())
    os.close(here)
    yield f"{name}/" * depth + "a.md"
    subprocess.run(["rm", "-r", root], check=True)  # shutil.rmtree would recurse


class TestWhichFiles:
    def test_suffixes_count_in_any_case(self, root):
        names = ["a.md", "b.MARKDOWN", "c.Html", "d.txt", "e.yml", "f.yaml"]
        for name in [*names, "g.rst", "h.md.bak", "md", "i.htm", "j.md~"]:
            _write(root, name)
        assert _paths(root) == names

    def test_files_come_in_order_of_path(self, root):
        for name in ["b/a.md", "a.md", "B.md", "a/z.md", "a-b.md", "a/b/c.md"]:
            _write(root, name)
        assert _paths(root) == ["B.md", "a/b/c.md", "a/z.md", "a-b.md", "a.md", "b/a.md"]

    def test_hidden_and_ignored_files_are_left_out(self, root):
        for name in [".a.md", ".git/b.md", "node_modules/c.md", "d/node_modules/e.md", "f/.g/h.md"]:
            _write(root, name)
        _write(root, "node_modules.md")
        assert _paths(root) == ["node_modules.md"]
        assert _problems(root) == []

    def test_a_folder_with_the_suffix_of_an_article_is_a_folder(self, root):
        _write(root, "folder.md/a.md")
        assert _paths(root) == ["folder.md/a.md"]

    def test_empty_folder(self, root):
        assert _paths(root) == []

    def test_the_longest_name_is_read(self, root):
        name = "x" * 252 + ".md"
        _write(root, name)
        assert _paths(root) == [name]
        assert _read(root, name).article is not None

    @pytest.mark.parametrize(("name", "depth"), [("d", 1_500), ("d" * 250, 17)])
    def test_folders_deeper_than_python_can_recurse_or_a_path_be_long(self, root, name, depth):
        with _nested(root, name, depth) as path:
            assert _paths(root) == [path]
            assert _read(root, path).article is not None
            assert _problems(root) == []

    def test_more_folders_in_each_other_than_may_be_open_are_a_problem(self, root):
        _write(root, "z.md")
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with _nested(root, "d", 150):
            before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
            resource.setrlimit(resource.RLIMIT_NOFILE, (before + 100, hard))
            try:
                assert [problem[1:] for problem in _problems(root)] == [("error", "unreadable")]
                assert _paths(root) == ["z.md"]
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    @pytest.mark.parametrize(
        "name", ["记事\u3000一.md", "hard\u00a0blank.md", "👩\u200d👧.md", "می\u200cخواهم.md"]
    )
    def test_names_of_all_scripts(self, root, name):
        _write(root, name)
        assert _paths(root) == [name]
        assert _read(root, name).article is not None

    @pytest.mark.parametrize(
        ("name", "escaped"),
        [
            (b"new\nline.md", "new\\nline.md"),
            (b"esc\x1b[2J.md", "esc\\x1b[2J.md"),
            (b"latin\xe9.md", "latin\\udce9.md"),
            ("turned\u202edm.md".encode(), "turned\\u202edm.md"),
        ],
    )
    def test_names_that_could_forge_a_message_are_problems(self, root, name, escaped):
        descriptor = os.open(os.fsencode(root) + b"/" + name, os.O_CREAT | os.O_WRONLY)
        os.close(descriptor)
        assert _paths(root) == []
        assert _problems(root) == [(escaped, "error", "bad-name")]

    def test_folders_with_such_names_are_problems_but_not_other_files(self, root):
        os.mkdir(os.fsencode(root) + b"/bad\xff")  # noqa: PTH102
        (root / "bad\nname.png").touch()
        assert _problems(root) == [("bad\\udcff", "error", "bad-name")]

    def test_a_deleted_source_is_one_problem(self, root):
        root.rmdir()
        assert _problems(root) == [(".", "error", "unreadable")]

    def test_a_file_deleted_during_the_scan_is_left_out(self, root):
        _write(root, "a.md")
        _write(root, "b.md")
        scan = _source(root).scan()
        first = next(scan)
        (root / "b.md").unlink()
        assert isinstance(first, SourceFile)
        assert list(scan) == []


class TestComparing:
    """What a scan yields of files that it knows, all of them or some."""

    @pytest.fixture(autouse=True)
    def _later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("feedhub.sources.folder_scan.RACY_NS", -(10**15))  # trust every stamp

    @pytest.fixture
    def known(self, root: Path, tmp_path: Path) -> dict[str, bytes]:
        """The stamps of the files in a folder that has changed since."""
        for name in ("a.md", "b/c.md", "b/d.md", "gone.md", "z.md"):
            _write(root, name)
        (root / "in.md").symlink_to("a.md")
        items = _source(root).scan()
        known = {item.path: item.stamp for item in items if isinstance(item, SourceFile)}
        _write(root, "b/c.md", article_text("Another title"))
        (root / "gone.md").unlink()
        for name in ("new.md", ".hidden.md", "b/node_modules/e.md", "z.md.bak", "x.rst"):
            _write(root, name)
        (root / "out.md").symlink_to(_write(tmp_path, "secret.md"))
        return known

    def test_unchanged_files_are_taken_out_and_counted(self, root, known):
        unchanged = []
        items = _source(root).compare(known, on_progress=lambda: unchanged.append(1))
        assert [item.path for item in items] == ["b/c.md", "new.md", "out.md", "x.rst"]
        assert list(known) == ["gone.md"]
        assert len(unchanged) == 4

    def test_with_paths_the_others_are_not_looked_at(self, root, known):
        paths = ["z.md", "new.md", "gone.md", "b/c.md", "b/gone/e.md", "in.md", "b", "out.md"]
        paths += [".hidden.md", "b/node_modules/e.md", "z.md.bak", "x.rst"]
        (root / "a.md").unlink()
        (root / "a.md").symlink_to(_write(root, "b/d.md", article_text("Another title")))
        items = list(_source(root).compare(known, paths))
        assert [item.path for item in items] == ["b/c.md", "in.md", "new.md", "out.md"]
        assert sorted(known) == ["a.md", "b/d.md", "gone.md"]

    def test_a_scan_that_is_not_taken_to_its_end_leaves_no_folder_open(self, root, known):
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        scan = _source(root).scan()
        assert isinstance(scan, Generator)
        while next(scan).path != "b/c.md":
            pass
        assert len(os.listdir("/proc/self/fd")) == before + 2  # noqa: PTH208
        scan.close()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    def test_a_file_where_a_folder_was_is_nothing(self, root, known):
        (root / "z.md").unlink()
        _write(root, "z.md/a.md")
        assert list(_source(root).compare(known, ["z.md", "a.md/a.md"])) == []
        assert "z.md" in known

    def test_a_file_that_vanishes_meanwhile_is_no_problem(self, root, known, monkeypatch):
        look = os.stat

        def lose(name: str, **options: object) -> os.stat_result:
            if name == "z.md":
                (root / "z.md").unlink(missing_ok=True)
            return look(name, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "stat", lose)
        list(_source(root).compare(known))
        assert sorted(known) == ["gone.md", "z.md"]

    def test_a_failing_disk_is_a_problem_of_articles_alone(self, root, known, monkeypatch):
        for name in ("a.png", "b/a.png"):
            _write(root, name)
        (root / "in.png").symlink_to("a.png")

        def fail(*_: object, **__: object) -> os.stat_result:
            raise OSError(5, "Input/output error")

        scan = _source(root, assets="https://news.example/").compare(known)
        monkeypatch.setattr("feedhub.sources.folder_scan.is_output", lambda *_: False)
        monkeypatch.setattr(os, "stat", fail)
        problems = [item.path for item in scan if isinstance(item, Problem)]
        assert problems == [
            "a.md",
            "b/c.md",
            "b/d.md",
            "in.md",
            "new.md",
            "out.md",
            "z.md",
            "x.rst",
        ]
        monkeypatch.undo()
        assert list(_source(root).compare(known, [])) == []


class TestLinks:
    def test_a_link_inside_the_folder_is_read(self, root):
        _write(root, "folder/a.md")
        (root / "b.md").symlink_to("folder/a.md")
        assert _paths(root) == ["b.md", "folder/a.md"]
        assert _read(root, "b.md").article is not None

    def test_a_link_out_of_the_folder_is_a_problem(self, root, tmp_path):
        secret = _write(tmp_path, "secret.md")
        (root / "a.md").symlink_to(secret)
        assert _paths(root) == []
        assert _problems(root) == [("a.md", "warning", "link-outside")]
        assert _code(_read(root)) == "link-outside"

    def test_a_link_to_a_neighbour_whose_name_begins_the_same_is_a_problem(self, root, tmp_path):
        (root / "a.md").symlink_to(_write(tmp_path, "root-too/a.md"))
        assert _problems(root) == [("a.md", "warning", "link-outside")]

    def test_a_circle_of_links_is_unreadable(self, root):
        (root / "a.md").symlink_to("b.md")
        (root / "b.md").symlink_to("a.md")
        assert _paths(root) == []
        assert _problems(root) == [("a.md", "error", "unreadable"), ("b.md", "error", "unreadable")]
        assert _code(_read(root)) == "unreadable"

    def test_a_dangling_link_is_unreadable(self, root):
        (root / "a.md").symlink_to("gone.md")
        assert _problems(root) == [("a.md", "error", "unreadable")]
        assert _code(_read(root)) == "unreadable"

    def test_links_to_folders_are_not_followed(self, root, tmp_path):
        _write(tmp_path, "outside/a.md")
        (root / "in").symlink_to(tmp_path / "outside")
        (root / "circle").symlink_to(root)
        assert _paths(root) == []
        assert _problems(root) == []

    def test_a_link_to_a_folder_is_not_a_file(self, root):
        (root / "folder").mkdir()
        (root / "a.md").symlink_to("folder")
        assert _code(_read(root)) == "not-a-file"

    def test_the_source_may_be_a_link(self, root, tmp_path):
        _write(root, "a.md")
        (tmp_path / "link").symlink_to(root)
        assert _paths(tmp_path / "link") == ["a.md"]
        result = _read(tmp_path / "link")
        assert result.article is not None
        # The link may lead to another folder tomorrow, as a deployment does.
        assert result.article.id == f"tag:{AUTHORITY}:link/a"

    def test_a_link_to_a_folder_of_drafts_publishes_none(self, root, tmp_path):
        _write(tmp_path, "_drafts/a.md")
        (tmp_path / "link").symlink_to("_drafts")
        assert _read(tmp_path / "link").article is None

    @pytest.mark.parametrize("path", ["../secret.md", "in/../../secret.md", "/secret.md", "."])
    def test_a_path_that_leaves_the_folder_is_refused(self, root, tmp_path, path):
        _write(tmp_path, "secret.md")
        assert _code(_read(root, path)) in ("link-outside", "unreadable")

    def test_a_link_to_a_file_in_a_linked_folder_inside_is_read(self, root):
        _write(root, "folder/a.md")
        (root / "short").symlink_to("folder")
        (root / "b.md").symlink_to(root / "short/a.md")
        assert _paths(root) == ["b.md", "folder/a.md"]
        assert _read(root, "b.md").article is not None

    @pytest.mark.parametrize("path", ["folder/a.md", "folder/below/b.md", "link.md"])
    def test_a_folder_exchanged_with_a_link_while_it_is_read(self, root, tmp_path, path):
        """The folder below is a link to one outside, half of the time and at any moment."""
        for name in ("a.md", "below/b.md"):
            _write(root / "folder", name, article_text("Ours"))
            _write(tmp_path / "outside", name, article_text("Secret"))
        (root / "link.md").symlink_to("folder/a.md")
        (root / "swapped").symlink_to(tmp_path / "outside")
        source, met, reads = _source(root), set[str](), 0
        with _exchanging(root / "folder", root / "swapped"):
            while reads < EXCHANGES or len(met) < 2:
                result, reads = source.read(path, NOW), reads + 1
                if result.article:
                    assert result.article.title == "Ours"
                else:
                    assert _code(result) in ("link-outside", "unreadable")
                    assert result.retry
                met.add(result.state)

    def test_a_folder_exchanged_with_a_link_while_it_is_listed(self, root, tmp_path):
        _write(root, "folder/below/ours.md")
        _write(tmp_path, "outside/below/secret.md")
        _write(tmp_path, "outside/secret.md")
        (root / "swapped").symlink_to(tmp_path / "outside")
        ours = {"folder/below/ours.md", "swapped/below/ours.md"}
        met: set[str] = set()
        with _exchanging(root / "folder", root / "swapped"):
            scans = 0
            while scans < EXCHANGES or met < ours:
                met.update(_paths(root))
                assert met <= ours
                scans += 1


class TestSpecialFiles:
    def test_a_pipe_does_not_block(self, root):
        os.mkfifo(root / "a.md")
        assert _code(_read(root)) == "not-a-file"

    def test_a_pipe_with_a_writer_does_not_block(self, root):
        os.mkfifo(root / "a.md")
        reader = os.open(root / "a.md", os.O_RDONLY | os.O_NONBLOCK)
        writer = os.open(root / "a.md", os.O_WRONLY)
        os.write(writer, article_text().encode())
        assert _code(_read(root)) == "not-a-file"
        os.close(reader)
        os.close(writer)

    def test_a_socket_is_refused(self, root, monkeypatch):
        monkeypatch.chdir(root)  # the path of a socket must be short
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("a.md")
            assert _code(_read(root)) == "unreadable"

    def test_a_device_is_refused(self, root):
        try:
            os.mknod(root / "a.md", 0o600 | 0o020000, os.makedev(1, 3))
        except PermissionError:
            (root / "a.md").symlink_to("/dev/null")
        assert _code(_read(root)) in {"not-a-file", "link-outside", "unreadable"}

    def test_no_descriptor_is_left_open(self, root):
        os.mkfifo(root / "pipe.md")
        (root / "folder.md").mkdir()
        _write(root, "good.md")
        _write(root, "bad.md", "---\n*alias\n---\n")
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for name in ("pipe.md", "folder.md", "good.md", "bad.md", "gone.md"):
            _read(root, name)
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


class TestReading:
    def test_an_article_is_read(self, root):
        _write(root, "news/a.md", article_text("Hello"))
        result = _read(root, "news/a.md")
        assert result.article is not None
        assert result.article.title == "Hello"

    def test_an_empty_file_is_no_article(self, root):
        (root / "a.md").touch()
        assert _read(root).state == "plain"

    def test_a_file_of_the_maximum_size_is_read_and_a_larger_one_rejected(self, root):
        head = article_text()
        _write(root, "a.md", head + "x" * (MAX_BYTES - len(head)))
        assert _read(root).state == "shown"
        _write(root, "a.md", head + "x" * (MAX_BYTES - len(head) + 1))
        assert _code(_read(root)) == "too-large"

    def test_large_file_without_front_matter_is_no_article(self, root):
        _write(root, "a.md", "x" * (2 * MAX_BYTES))
        assert _read(root).state == "plain"

    def test_a_rejection_has_line_and_column(self, root):
        _write(root, "a.md", "---\ntitle: A\npublished: maybe\n---\n")
        result = _read(root)
        [problem] = result.problems
        assert str(problem).startswith("a.md:3:12: error not-boolean ")
        assert result.withdraws

    def test_a_missing_file_is_rejected(self, root):
        result = _read(root)
        assert _code(result) == "unreadable"
        assert result.problems[0].message == "cannot be read: No such file or directory"
        assert not result.withdraws

    def test_an_unexpected_error_is_reported_without_its_text(self, root, monkeypatch):
        def fail(*_: object, **__: object) -> ReadResult:
            raise KeyError("secret words")

        _write(root)
        monkeypatch.setattr("feedhub.sources.reading.read_article", fail)
        result = _read(root)
        assert _code(result) == "unexpected"
        assert "KeyError" in result.problems[0].message
        assert "secret" not in result.problems[0].message

    def test_an_error_of_the_system_without_a_message(self, root, monkeypatch):
        def fail(*_: object) -> bytes:
            raise TimeoutError

        _write(root)
        monkeypatch.setattr("feedhub.sources.files.read_bytes", fail)
        assert _read(root).problems[0].message == "cannot be read: TimeoutError"


def _without_rights(ask: Callable[[], object]) -> object:
    """Return what a child without rights answers; it never comes back to the tests."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork, where there are threads
        child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(UNPRIVILEGED)
                os.setuid(UNPRIVILEGED)
            os.write(writer, json.dumps(ask()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


class TestRights:
    @pytest.fixture
    def root(self) -> Iterator[Path]:
        """A folder whose parents all users may enter."""
        with tempfile.TemporaryDirectory() as path:
            folder = Path(path)
            folder.chmod(0o755)
            yield folder

    def test_a_file_without_permission_is_rejected(self, root):
        _write(root).chmod(0)
        assert _without_rights(lambda: _code(_read(root))) == "unreadable"
        assert _without_rights(lambda: _problems(root)) == []

    def test_a_folder_without_permission_is_one_problem(self, root):
        _write(root, "shut/a.md")
        _write(root, "z.md")
        (root / "shut").chmod(0)
        problems = _without_rights(lambda: [*_problems(root), *_paths(root)])
        (root / "shut").chmod(0o755)
        assert problems == [["shut/", "error", "unreadable"], "z.md"]

    def test_a_source_without_permission_is_one_problem(self, root):
        shut = root / "content"
        _write(shut)
        shut.chmod(0)
        problems = _without_rights(lambda: _problems(shut))
        shut.chmod(0o755)
        assert problems == [[".", "error", "unreadable"]]

    def test_files_of_a_folder_that_cannot_be_entered_are_problems(self, root):
        _write(root, "shut/a.md")
        (root / "shut").chmod(0o444)
        problems = _without_rights(lambda: _problems(root))
        (root / "shut").chmod(0o755)
        assert problems == [["shut/a.md", "error", "unreadable"]]


class TestStamps:
    @pytest.fixture(autouse=True)
    def _later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let an hour pass between writing and looking; the change time cannot be set back."""
        now = time.time_ns
        monkeypatch.setattr("feedhub.sources.files.time.time_ns", lambda: now() + 3_600_000_000_000)

    def _stamp(self, root: Path) -> bytes:
        [file] = _source(root).scan()
        assert isinstance(file, SourceFile)
        return file.stamp

    def test_an_unchanged_file_keeps_its_stamp(self, root):
        _write(root)
        assert self._stamp(root) == self._stamp(root) != b""

    @pytest.mark.parametrize(
        "change",
        [
            lambda path: path.write_text(article_text("Another title")),
            lambda path: os.utime(path, (OLD - 1, OLD - 1)),
            lambda path: path.replace(path.with_name("x")) and _write(path.parent),
            lambda path: path.chmod(0o600),
        ],
        ids=["content", "mtime", "another file", "ctime"],
    )
    def test_stamp_changes_with_the_file(self, root, change):
        path = _write(root)
        before = self._stamp(root)
        time.sleep(0.02)
        change(path)
        assert self._stamp(root) != before

    def test_the_stamp_of_a_link_is_that_of_its_target(self, root):
        _write(root, ".hidden.md")
        (root / "a.md").symlink_to(".hidden.md")
        before = self._stamp(root)
        _write(root, ".hidden.md", article_text("Another title"))
        assert self._stamp(root) != before


def test_file_written_a_moment_ago_has_no_stamp(root):
    path = _write(root)
    os.utime(path)
    assert [item.stamp for item in _source(root).scan() if isinstance(item, SourceFile)] == [b""]


def test_signature_changes_with_folder_generator_and_drafts(root, tmp_path):
    plain = _source(root).signature
    assert _source(root).signature == plain
    assert _source(root, drafts=True).signature != plain
    assert _source(tmp_path).signature != plain
    (root / "_config.yml").touch()
    assert _source(root).signature != plain


def test_locate_continues_the_path_as_it_was_typed(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    assert _source(Path("root")).locate("news/a.md") == "root/news/a.md"


def test_key_is_the_same_for_every_way_to_the_folder(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(root)
    keys = {open_source(address).key for address in ("root", "./root/", root, "link")}
    assert keys == {os.path.realpath(root)}


def test_check_reports_an_unusable_folder(root, tmp_path):
    open_source(root).check()
    _write(tmp_path, "file.md")
    for name, reason in (("gone", "does not exist"), ("file.md", "is not a folder")):
        with pytest.raises(ConfigError, match=f"{name}: {reason}; SOURCE is the folder"):
            open_source(tmp_path / name).check()


def test_signature_names_every_option(root):
    """An option that is missing there would leave articles as they were read before."""
    options = {"permalinks": (("", "/:slug/"),), "ignore": (), "zone": ZoneInfo("Asia/Tokyo")}
    others = {"authority": "b", "base_url": "https://b.example", "collection": "b", "drafts": True}
    others |= {"unknown_keys": True, "assets": "https://b.example/", "copies": True}
    others["adopted"] = AdoptedIds((AdoptedId(id="1", url="https://b.example/"),))
    changed = options | others
    not_for_files = {"kind", "built"}
    assert set(changed) | not_for_files == {field.name for field in fields(ReadOptions)}
    signatures = {_source(root, **{name: value}).signature for name, value in changed.items()}
    assert len(signatures | {_source(root).signature}) == len(changed) + 1
