"""The commit of a repository as a source: the same articles as in a folder, and no program runs."""

from __future__ import annotations

import gc
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from feedhub.errors import ConfigError, Problem
from feedhub.fork_map import fork_map
from feedhub.site import source_of
from feedhub.sources import ReadOptions, ReadResult, SourceFile, git, open_source
from feedhub.sources.frontmatter import MAX_BYTES
from feedhub.sources.git import parse_address
from tests.canaries import HIDES, REJECTED, Workspace, secret
from tests.kit import NOW, article_text, make_bench
from tests.readings import AUTHORITY, BASE
from tests.repositories import LINK, PROGRAM, SUBMODULE, Entry, Files, Repository, make_repository
from tests.repositories import git as run_git
from tests.servers import children, until

A = article_text("A")
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with an article `a.md`."""
    found = make_repository(tmp_path / "articles.git")
    found.commit({"a.md": A})
    return found


def source_at(address: str | Path, **options: Any) -> Any:
    values = {"authority": AUTHORITY, "base_url": BASE, "ignore": ("node_modules",)} | options
    return open_source(address, ReadOptions(**values))


def listed(source: Any) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the paths of the articles, and the problems, of a source."""
    items = list(source.scan())
    files = [item.path for item in items if isinstance(item, SourceFile)]
    problems = (item for item in items if isinstance(item, Problem))
    return files, [(problem.path, problem.level, problem.code) for problem in problems]


def read(source: Any, path: str = "a.md") -> ReadResult:
    list(source.scan())
    result = source.read(path, NOW)
    assert isinstance(result, ReadResult)
    return result


def code_of(result: ReadResult) -> str:
    assert result.state == "rejected"
    [problem] = result.problems
    return problem.code


def lose(repository: Repository, name: str) -> None:
    """Delete one object of a repository."""
    lost = repository.git("rev-parse", name)
    (repository.folder / "objects" / lost[:2] / lost[2:]).unlink()


class TestAddress:
    @pytest.mark.parametrize(
        ("address", "parts"),
        [
            ("git+file:///srv/a.git", (Path("/srv/a.git"), "HEAD", "")),
            ("git+file:/srv/a.git?path=", (Path("/srv/a.git"), "HEAD", "")),
            ("git+file://localhost/a?ref=v1", (Path("/a"), "v1", "")),
            ("git+file:///a%20b?ref=x%2Fy+z&path=/c/./d/", (Path("/a b"), "x/y+z", "c/d")),
        ],
    )
    def test_parts(self, address, parts):
        assert parse_address(address) == parts

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            (
                "git+https://user:secret@example.org/a.git",
                "^git.[a-z]+: feedhub reads no repo.*; clone it",
            ),
            ("git+ssh://git@example.org/a.git", "^git.[a-z]+: feedhub reads no repo.*; clone it"),
            ("git+file://articles.git", "write the whole path"),
            ("git+file:articles.git", "write the whole path"),
            ("git+file:///a#b", "write %23"),
            ("git+file:///a?reff=main", "'reff' is not known; did you mean ref"),
            ("git+file:///a?zzz=main", "'zzz' is not known; write ref or path"),
            ("git+file:///a?ref=", "ref must be"),
            ("git+file:///a?ref=--help", "ref must be"),
            ("git+file:///a?ref=main~1", "ref must be"),
            ("git+file:///a?ref=a%0Ab", "ref must be"),
            ("git+file:///a?path=../b", "path must be"),
            ("git+file:///a?path=b/../../c", "path must be"),
            ("git+file:///a?path=b%00", "path must be"),
        ],
    )
    def test_what_is_wrong(self, address, words):
        with pytest.raises(ConfigError, match=words):
            open_source(address)

    def test_key_is_the_same_for_every_way_to_the_repository(self, tmp_path):
        run_git(tmp_path, "init", "--quiet", "site")
        (tmp_path / "link").symlink_to("site")
        keys = {
            source_at(f"git+file://{tmp_path}/{way}").key
            for way in ("site", "site/", "site/.git", "link", "link/.git?ref=HEAD", "site?path=/")
        }
        assert keys == {f"git+file://{tmp_path}/site?ref=HEAD&path="}
        assert source_at(f"git+file://{tmp_path}/site?path=a%20b").key.endswith("&path=a%20b")


TREE: Files = {
    "B.md": article_text("B"),
    "a/z.md": article_text("Z"),
    "a/b/c.markdown": article_text("C"),
    "a-b.md": article_text("A-B"),
    "a.md": A,
    "folder.md/a.HTML": article_text("D"),
    "记事\u3000一.md": article_text("E"),
    "run.md": Entry(PROGRAM, article_text("F")),
    "g.rst": A,
    ".a.md": A,
    ".github/b.md": A,
    "a/.hidden/c.md": A,
    "node_modules/c.md": A,
    "a/node_modules/c.md": A,
    "node_modules.md": A,
    "out/.feedhub/manifest.json": "{}",
    "out/index.html": A,
    "out/topics/index.html": A,
    "out-of.md": A,
    "new\nline.md": A,
    "esc\x1b[2J.md": A,
    "latin\udce9.md": A,
    'quote".md': A,
}


class TestListing:
    def test_it_is_that_of_a_folder_with_the_same_files(self, repository, tmp_path):
        repository.commit(TREE)
        run_git(tmp_path, "clone", "--quiet", "articles.git", "articles")
        folder = source_at(tmp_path / "articles")
        assert listed(source_at(repository.address())) == listed(folder)
        assert len(listed(folder)[0]) == 11
        assert [problem[0] for problem in listed(folder)[1]] == [
            "esc\\x1b[2J.md",
            "latin\\udce9.md",
            "new\\nline.md",
            "g.rst",
        ]

    def test_links_are_problems_and_submodules_are_not_listed(self, repository):
        commit = repository.commit({"b.md": Entry(LINK, "a.md"), "folder": Entry(LINK, "/etc")})
        repository.commit({"c.md": Entry(SUBMODULE, commit), "themes": Entry(SUBMODULE, commit)})
        problems = [("b.md", "warning", "link-ignored")]
        assert listed(source_at(repository.address())) == (["a.md"], problems)

    def test_a_folder_of_the_repository(self, repository):
        repository.commit({"content/posts/b.md": A, "content/c.md": A})
        source = source_at(repository.address(path="content"))
        assert listed(source) == (["c.md", "posts/b.md"], [])
        assert source.locate("posts/b.md") == "HEAD:content/posts/b.md"
        assert read(source, "posts/b.md").state == "shown"

    def test_stamps_are_the_ids_of_blobs(self, repository):
        [file] = source_at(repository.address()).scan()
        repository.commit({"a.md": A, "b.md": A}, anew=True)
        files = list(source_at(repository.address()).scan())
        assert files == [file, SourceFile("b.md", file.stamp)]
        assert file.stamp.decode() == repository.git("rev-parse", "main:a.md")

    def test_a_source_is_of_one_commit(self, repository):
        source = source_at(repository.address())
        source.check()
        repository.commit({"a.md": None, "b.md": A})
        source.settle()
        assert listed(source) == (["a.md"], [])
        assert read(source).state == "shown"

    @pytest.mark.parametrize("kind", ["branch", "tag", "annotated", "commit", "remote"])
    def test_any_ref(self, repository, kind):
        commit = repository.git("rev-parse", "main")
        repository.git("branch", "fix/c++", commit)
        repository.git("tag", "v1", commit)
        repository.git("tag", "--annotate", "--message", "m", "v2", commit)
        repository.git("update-ref", "refs/remotes/origin/live", commit)
        repository.commit({"b.md": A})
        refs = {"branch": "fix/c++", "tag": "v1", "annotated": "v2", "remote": "origin/live"}
        source = source_at(repository.address(ref=refs.get(kind, commit)))
        assert listed(source) == (["a.md"], [])

    def test_shallow_and_working_clones(self, repository, tmp_path):
        repository.commit({"b.md": A})
        repository.commit({"a.md": None})
        run_git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository.folder}", "clone")
        (tmp_path / "clone/c.md").write_text(A)
        for way in ("clone", "clone/.git"):
            assert listed(source_at(f"git+file://{tmp_path}/{way}")) == (["b.md"], [])

    def test_a_working_tree_of_another_clone(self, repository, tmp_path):
        run_git(tmp_path, "clone", "--quiet", "articles.git", "clone")
        run_git(tmp_path / "clone", "worktree", "add", "--quiet", "../live")
        run_git(tmp_path / "live", "commit", "--quiet", "--allow-empty", "--message", "m")
        assert listed(source_at(f"git+file://{tmp_path}/live")) == (["a.md"], [])

    def test_a_tree_that_cannot_be_listed_is_a_problem_of_all_files(self, repository):
        repository.commit({"b/c.md": A})
        lose(repository, "main:b")
        source = source_at(repository.address())
        assert listed(source) == ([], [(".", "error", "unreadable")])


class TestUnusable:
    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("gone", "gone: does not exist"),
            ("file", r"file: git cannot read it: cannot change to"),
            ("folder", r"folder: is not a git repository; give a folder as it is"),
            ("empty.git", "empty.git: there is no commit in it yet"),
            ("articles.git/objects", "objects: is not a git repository"),
            (
                "articles.git?ref=mian",
                "no branch, tag or commit 'mian'; did you mean main",
            ),
            ("articles.git?ref=zzz", r"'zzz'; give one of main as \?ref="),
            ("articles.git?ref=main:a.md", "ref must be"),
            ("articles.git?path=b", "HEAD:b/: there is no such folder in [0-9a-f]{40}"),
            ("articles.git?path=a.md", "HEAD:a.md/: there is no such folder"),
        ],
    )
    def test_it_is_told_in_one_line(self, repository, tmp_path, address, words):
        (tmp_path / "file").touch()
        (tmp_path / "folder").mkdir()
        make_repository(tmp_path / "empty.git")
        with pytest.raises(ConfigError, match=words) as error:
            source_at(f"git+file://{tmp_path}/{address}").check()
        assert "\n" not in str(error.value)

    def test_a_branch_that_is_head_only(self, repository):
        repository.git("symbolic-ref", "HEAD", "refs/heads/master")
        with pytest.raises(ConfigError, match=r"'HEAD'; give one of main as \?ref="):
            source_at(repository.address()).check()

    def test_a_folder_of_a_repository_is_none(self, repository, tmp_path):
        run_git(tmp_path, "clone", "--quiet", "articles.git", "clone")
        (tmp_path / "clone/content").mkdir()
        with pytest.raises(ConfigError, match="is not a git repository"):
            source_at(f"git+file://{tmp_path}/clone/content").check()

    def test_without_git(self, repository, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(ConfigError, match="git is needed to read a repository: install it"):
            source_at(repository.address()).check()
        (tmp_path / "git").touch(mode=0o755)
        (tmp_path / "git").write_text("no program")
        with pytest.raises(ConfigError, match="git cannot be started: Exec format error"):
            source_at(repository.address()).check()

    def test_a_repository_of_another_user(self, repository, tmp_path, monkeypatch):
        real = shutil.which("git")
        wrap(tmp_path, f'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"', monkeypatch)
        with pytest.raises(ConfigError, match="another user; allow it with: git config --system"):
            source_at(repository.address()).check()

    def test_git_that_fails_without_a_word(self, repository, tmp_path, monkeypatch):
        wrap(tmp_path, "exit 3", monkeypatch)
        with pytest.raises(ConfigError, match="git cannot read it: the command failed"):
            source_at(repository.address()).check()


def wrap(folder: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a shell command be the git that is found first."""
    script = folder / "bin/git"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")


class TestReading:
    def test_it_is_that_of_a_folder(self, repository, tmp_path):
        files: Files = {
            "_news/2020-01-01-a.md": article_text("A", "Text\r\n\r\nMore").replace("\n", "\r\n"),
            "hidden.md": article_text("H", published=False),
            "plain.md": "no front matter",
            "torn.md": A[:60],
            "bad.md": "---\n*alias\n---\n",
            "withdrawn.md": "---\npublished: maybe\n---\n",
            "utf16.md": "---\n".encode("utf-16"),
            "lfs.md": LFS,
            "empty.md": "",
        }
        repository.commit(files)
        run_git(tmp_path, "clone", "--quiet", "articles.git", "articles")
        source, folder = source_at(repository.address()), source_at(tmp_path / "articles")
        assert source.collection == folder.collection == "articles"
        for path in listed(folder)[0]:
            assert read(source, path) == folder.read(path, NOW), path

    @pytest.mark.parametrize(
        ("name", "collection", "state", "id_path"),
        [("_drafts", "posts", "unpublished", ""), ("posts", "_drafts", "shown", "drafts/a")],
    )
    def test_the_own_name_of_the_folder_hides_drafts_and_the_collection_makes_ids(
        self, repository, tmp_path, name, collection, state, id_path
    ):
        repository.commit({f"{name}/a.md": A})
        run_git(tmp_path, "clone", "--quiet", "articles.git", "clone")
        for address in (repository.address(path=name), tmp_path / "clone" / name):
            source = source_at(address, authority="example.org,2026", collection=collection)
            result = read(source, "a.md")
            assert result.state == state
            if result.article:
                assert result.article.id == f"tag:example.org,2026:{id_path}"

    @pytest.mark.parametrize("path", ["", "content"])
    def test_the_source_of_a_site_is_recognised(self, repository, path):
        post = f"{path}/_posts/2020-01-01-a.md".lstrip("/")
        repository.commit({post: article_text("A", "{{ x }}"), "_config.yml": ""})
        source = source_at(repository.address(path=path))
        [warning] = [item for item in source.scan() if isinstance(item, Problem)]
        assert source.locate(warning.path) == "HEAD:_config.yml"
        assert "source of a Jekyll site" in warning.message
        problems = read(source, "_posts/2020-01-01-a.md").problems
        assert [problem.code for problem in problems] == ["template-tag"]

    def test_a_file_of_the_maximum_size_is_read_and_a_larger_one_rejected(self, repository):
        whole = A + "x" * (MAX_BYTES - len(A))
        large = "x" * 20 * MAX_BYTES
        repository.commit({"b.md": whole, "c.md": whole + "x", "d.md": large, "e.md": A + large})
        source = source_at(repository.address())
        assert read(source, "b.md").state == "shown"
        assert code_of(read(source, "c.md")) == "too-large"
        assert read(source, "d.md").state == "plain"
        assert code_of(read(source, "e.md")) == "too-large"
        assert read(source).state == "shown"

    def test_pointers_of_lfs_are_told(self, repository):
        repository.commit({"b.md": LFS})
        result = read(source_at(repository.address()), "b.md")
        assert code_of(result) == "lfs-pointer"
        assert not result.withdraws

    def test_an_object_that_is_missing_is_read_again_later(self, repository):
        lose(repository, "main:a.md")
        result = read(source_at(repository.address()))
        assert code_of(result) == "unreadable"
        assert result.problems[0].message == "cannot be read: the repository lacks the object"
        assert result.retry

    def test_a_git_that_dies_is_started_again(self, repository):
        repository.commit({"b.md": A})
        source = source_at(repository.address())
        assert read(source).state == "shown"
        source._reader._process.kill()
        assert read(source, "b.md").state == "shown"

    @pytest.mark.parametrize(
        "does", ["exit", 'read id; echo "$id blob 9"', "read id; echo 1 blob 0"]
    )
    def test_a_git_that_always_dies_is_told(self, repository, tmp_path, monkeypatch, does):
        source = source_at(repository.address())
        list(source.scan())
        wrap(tmp_path, does, monkeypatch)
        result = source.read("a.md", NOW)
        assert code_of(result) == "unreadable"
        assert result.problems[0].message == "cannot be read: git ends when it reads the object"
        assert result.retry

    def test_a_read_that_is_given_up_leaves_nothing_for_the_next(self, repository, monkeypatch):
        """The limit of CPU time ends it anywhere."""

        class GivenUpError(BaseException):
            pass

        repository.commit({"b.md": article_text("B")})
        source = source_at(repository.address())
        assert read(source).state == "shown"

        def give_up(*_: object) -> None:
            raise GivenUpError

        with monkeypatch.context() as patch:
            patch.setattr(git, "int", give_up, raising=False)
            with pytest.raises(GivenUpError):
                source.read("a.md", NOW)
        article = source.read("b.md", NOW).article
        assert article.title == "B"

    def test_forked_processes_read_what_is_asked_for(self, repository):
        files = {f"{number}.md": article_text(f"N{number}") for number in range(100)}
        repository.commit(files)
        source = source_at(repository.address())
        paths = [path for path in listed(source)[0] if path != "a.md"]
        results = fork_map(lambda path: source.read(path, NOW), paths, 2)
        titles = [result.article.title for result in results if result.article]
        assert titles == [f"N{path.removesuffix('.md')}" for path in paths]

    def test_no_process_is_left(self, repository):
        before = set(children(os.getpid()))
        source = source_at(repository.address())
        assert read(source).state == "shown"
        [git_process] = set(children(os.getpid())) - before
        del source
        gc.collect()
        assert git_process not in children(os.getpid())


class TestNothingElseCounts:
    def test_the_environment(self, repository, tmp_path, monkeypatch):
        other = make_repository(tmp_path / "other.git")
        for name in ("GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_WORK_TREE"):
            monkeypatch.setenv(name, str(other.folder))
        monkeypatch.setenv("GIT_NAMESPACE", "other")
        monkeypatch.setenv("GIT_CONFIG_COUNT", "x")
        monkeypatch.setenv("GIT_TRACE", "2")
        assert read(source_at(repository.address())).state == "shown"

    def test_replaced_objects(self, repository):
        blob = repository.git("rev-parse", "main:a.md")
        repository.commit({"a.md": article_text("Other")}, "other")
        repository.git("replace", blob, repository.git("rev-parse", "other:a.md"))
        article = read(source_at(repository.address())).article
        assert article is not None
        assert article.title == "A"

    def test_no_program_of_the_repository_runs(self, repository, tmp_path):
        attributes = "*.md filter=evil diff=evil working-tree-encoding=UTF-16 text eol=crlf\n"
        repository.commit({".gitattributes": attributes})
        (repository.folder / "info").mkdir(exist_ok=True)
        (repository.folder / "info/attributes").write_text(attributes)
        evil = f"touch {tmp_path}/evil; cat"
        for key in (
            "filter.evil.smudge",
            "filter.evil.process",
            "diff.evil.textconv",
            "diff.external",
            "core.fsmonitor",
            "core.pager",
            "pager.cat-file",
            "alias.cat-file",
            "core.alternateRefsCommand",
            "core.editor",
            "remote.origin.uploadpack",
        ):
            repository.git("config", key, evil)
        repository.git("config", "filter.evil.required", "true")
        repository.git("config", "remote.origin.url", f"ext::sh -c touch% {tmp_path}/evil")
        for hook in ("post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"):
            (repository.folder / "hooks").mkdir(exist_ok=True)
            (repository.folder / "hooks" / hook).write_text(f"#!/bin/sh\n{evil}\n")
            (repository.folder / "hooks" / hook).chmod(0o755)
        source = source_at(repository.address())
        source.check()
        assert read(source).state == "shown"
        next(source.watch(threading.Event()))
        assert not (tmp_path / "evil").exists()

    def test_what_a_partial_clone_lacks_is_not_fetched(self, repository, tmp_path):
        repository.git("config", "uploadpack.allowFilter", "true")
        options = ["--quiet", "--bare", "--filter=blob:none", f"file://{repository.folder}"]
        run_git(tmp_path, "clone", *options, "clone.git")
        result = read(source_at(f"git+file://{tmp_path}/clone.git"))
        assert code_of(result) == "unreadable"
        assert result.retry


class TestSignature:
    def test_it_is_not_that_of_a_folder(self, repository, tmp_path):
        run_git(tmp_path, "clone", "--quiet", "articles.git", "articles")
        folder = source_at(tmp_path / "articles").signature
        assert source_at(f"git+file://{tmp_path}/articles").signature != folder

    def test_neither_ref_nor_place_count(self, repository, tmp_path):
        repository.git("branch", "live")
        shutil.copytree(repository.folder, tmp_path / "moved/articles.git")
        signatures = {
            source_at(repository.address()).signature,
            source_at(repository.address(ref="live")).signature,
            source_at(f"git+file://{tmp_path}/moved/articles.git").signature,
        }
        assert len(signatures) == 1

    def test_name_generator_and_options_do(self, repository, tmp_path):
        shutil.copytree(repository.folder, tmp_path / "others.git")
        repository.commit({"_config.yml": ""}, "jekyll")
        signatures = {
            source_at(repository.address(ref="main")).signature,
            source_at(repository.address(ref="jekyll")).signature,
            source_at(f"git+file://{tmp_path}/others.git").signature,
            source_at(repository.address(), drafts=True).signature,
        }
        assert len(signatures) == 4


class TestSync:
    @pytest.fixture
    def sync(self, repository: Repository, tmp_path: Path) -> Callable:
        bench = make_bench(tmp_path)

        def run(hours: float = 0, **query: str) -> Any:
            source = source_of(repository.address(**query), bench.config)
            changes = bench.site.sync(source, NOW + timedelta(hours=hours))
            return changes, sorted(bench.titles())

        return run

    def test_an_unchanged_blob_is_not_read_again_not_even_after_a_rebase(self, repository, sync):
        files = {f"{number}.md": article_text(f"N{number}") for number in range(5)}
        repository.commit(files)
        assert sync()[0].read == 6
        assert sync(1)[0].read == 0
        repository.commit(files | {"a.md": A, "new.md": article_text("New")}, anew=True)
        assert sync(2)[0].read == 1
        repository.commit({"a.md": article_text("A again")}, "live", anew=True)
        changes, titles = sync(3, ref="live")
        assert (changes.read, titles) == (1, ["A again"])

    def test_a_withdrawal_waits_for_nothing(self, repository, sync, monkeypatch):
        monkeypatch.setattr("feedhub.sources.files.SETTLE_SECONDS", 1_000)
        repository.commit({"b.md": article_text("B")})
        sync()
        repository.commit({"a.md": None})
        assert sync(1)[1] == ["B"]

    @pytest.mark.parametrize("what", ["main:b/c.md", "main:b"])
    def test_what_a_repository_lost_stays_and_is_read_when_it_is_back(
        self, repository, sync, tmp_path, what
    ):
        repository.commit({"b/c.md": article_text("C")})
        sync()
        repository.commit({"b/c.md": article_text("C again")})
        saved = shutil.copytree(repository.folder / "objects", tmp_path / "saved")
        lose(repository, what)
        changes, titles = sync(1)
        assert titles == ["A", "C"]
        [problem] = changes.problems
        assert problem.code == "unreadable"
        shutil.copytree(saved, repository.folder / "objects", dirs_exist_ok=True)
        assert sync(2)[1] == ["A", "C again"]

    def test_switching_to_a_folder_and_back_changes_nothing(self, repository, tmp_path):
        bench = make_bench(tmp_path / "bench")
        repository.commit({"_news/b.md": article_text("B"), "c.md": article_text("C")})
        run_git(tmp_path, "clone", "--quiet", "articles.git", "articles")
        addresses = [repository.address(), tmp_path / "articles", repository.address()]
        seen = []
        for hour, address in enumerate(addresses):
            changes = bench.site.sync(source_of(address, bench.config), NOW + timedelta(hours=hour))
            assert changes.read == 3
            seen.append({path: document.body for path, document in bench.documents().items()})
        assert seen[0] == seen[1] == seen[2]

    def test_nothing_of_a_hidden_article_leaves(self, repository, tmp_path, monkeypatch):
        space = Workspace(tmp_path / "space")
        hidden = {f"hidden-{name}.md": secret(line) for name, line in HIDES.items()}
        rejected = {f"rejected-{name}.md": secret(line) for name, line in REJECTED.items()}
        public = {path.name: path.read_text() for path in space.source.iterdir()}
        repository.commit({**hidden, **rejected, **public})
        address = repository.address()
        monkeypatch.chdir(tmp_path)
        options = ("--catalog", space.catalog, "--base-url", BASE, "--verbose")
        assert space.run("render", address, space.out, *options) == 1
        assert space.run("check", address) == 1
        assert space.run("feeds", address) == 1
        assert b"Public 1" in (space.out / "all.json").read_bytes()
        assert "HEAD:rejected-alias.md:" in space.printed
        assert space.leaks() == []


class TestWatch:
    @pytest.fixture(autouse=True)
    def _often(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(git, "POLL_SECONDS", 0.001)
        monkeypatch.setattr(git, "ASK_SECONDS", 1_000)

    def watch(self, repository: Repository, **query: str) -> Iterator[bool]:
        """Return whether something was reported: a commit is looked at as a whole."""
        reports = source_at(repository.address(**query)).watch(threading.Event())
        assert next(reports) == set()
        return (changed is None for changed in reports)

    def test_a_commit_is_reported_once(self, repository):
        watcher = self.watch(repository)
        assert not any(next(watcher) for _ in range(3))
        repository.commit({"b.md": A})
        assert next(watcher) is True
        assert not any(next(watcher) for _ in range(3))

    @pytest.mark.parametrize(
        "change",
        [
            lambda repository: repository.commit({"a.md": A, "b.md": A}, anew=True),
            lambda repository: repository.git("symbolic-ref", "HEAD", "refs/heads/other"),
            lambda repository: repository.git("update-ref", "-d", "refs/heads/main"),
            lambda repository: shutil.rmtree(repository.folder),
        ],
        ids=["rewritten history", "another branch", "deleted branch", "no repository"],
    )
    def test_what_else_is_reported(self, repository, change):
        repository.commit({"b.md": A}, "other")
        watcher = self.watch(repository)
        change(repository)
        assert next(watcher) is True

    def test_what_is_not_reported(self, repository):
        watcher = self.watch(repository, ref="main")
        repository.commit({"b.md": A}, "other")
        repository.git("gc", "--quiet")
        repository.git("pack-refs", "--all")
        assert not any(next(watcher) for _ in range(3))

    def test_a_commit_to_a_packed_ref(self, repository):
        repository.git("pack-refs", "--all")
        watcher = self.watch(repository)
        repository.commit({"b.md": A})
        assert next(watcher) is True

    def test_a_repository_that_comes_back(self, repository):
        watcher = self.watch(repository)
        repository.folder.rename(repository.folder.with_name("away"))
        assert next(watcher) is True
        repository.folder.with_name("away").rename(repository.folder)
        git.ASK_SECONDS = 0
        assert until(lambda: next(watcher), "it is not reported")

    def test_it_ends(self, repository):
        stop = threading.Event()
        watcher = source_at(repository.address()).watch(stop)
        next(watcher)
        stop.set()
        assert list(watcher) == []
