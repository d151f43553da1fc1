"""The command line: exit codes, messages, and what each command prints."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import feedhub
from feedhub.catalog import Catalog
from feedhub.check import as_github
from feedhub.cli import feeds, init, main, options, sync
from feedhub.cli.registry import build_parser
from feedhub.config import load_config
from feedhub.errors import Problem
from feedhub.render.folder import OutputFolder
from tests.kit import article_text, files_below

BASE = ("--base-url", "https://feeds.example.org")
COMMANDS = tuple(build_parser().commands())
UNTITLED = "---\nwebUrl: https://news.example/x\ndate: 2020-06-09\nexcerpt: Words.\n---\n"


class Ran(NamedTuple):
    """What one command returned and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process."""

    def run(*arguments: object) -> Ran:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with a folder `articles` of one good article."""
    monkeypatch.chdir(tmp_path)
    write("good.md", article_text("Good", topics=["AI"]))
    return tmp_path


def write(name: str, text: str) -> None:
    place = Path("articles") / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and text.endswith("\n")


# Exit codes and messages of every command


def test_render_says_what_it_did(run):
    write("draft.md", article_text("Draft", published=False))
    write("page.md", "Only text.\n")
    ran = run("render", "articles", "public", *BASE)
    assert (ran.code, ran.err) == (0, "")
    told = re.fullmatch(
        r"articles: 3 found, 3 read, 1 published, "
        r"2 hidden \(1 unpublished, 1 without front matter\), 0 rejected\n"
        r"documents: [1-9]\d written, 0 unchanged, 0 files removed\n"
        r"\d+\.\d\d seconds\n",
        ran.out,
    )
    assert told, ran.out
    assert Path("public/all.rss").is_file()


def test_render_says_it_as_json(run):
    write("draft.md", article_text("Draft", published=False))
    ran = run("render", "articles", "public", "--json", *BASE)
    told = json.loads(ran.out)
    assert one_line(ran.out)
    assert isinstance(told.pop("seconds"), float)
    written = sum(
        not place.startswith(".") and not place.endswith((".gz", ".br"))
        for place in files_below(Path("public"))
    )
    assert told == {
        "articles": {
            "found": 2,
            "read": 2,
            "published": 1,
            "hidden": {"unpublished": 1},
            "rejected": 0,
        },
        "documents": {"written": written, "unchanged": 0, "removed_files": 0},
    }


def test_rejected_articles_are_told_and_the_rest_is_published(run):
    write("bad.md", "---\ntitle: Bad\npublished: perhaps\n---\n")
    ran = run("render", "articles", "public", *BASE)
    assert ran.code == 1
    assert re.fullmatch(r"articles/bad\.md:3: \S.+\n", ran.err)
    assert "1 published" in ran.out
    assert "1 rejected" in ran.out
    assert Path("public/all.rss").is_file()


@pytest.mark.parametrize("command", ["render", "feeds"])
def test_warnings_are_counted(run, command: str):
    write("warned.md", UNTITLED)
    given = ["public"] if command == "render" else []
    ran = run(command, "articles", *given, *BASE)
    assert (ran.code, ran.err) == (0, "1 warning: run feedhub check articles to see it\n")


def test_nothing_publishable_is_code_3_and_tells_why(run):
    run("render", "articles", "public", *BASE)
    before = files_below(Path("public"))
    write("good.md", "---\npublished: perhaps\n---\n")
    ran = run("render", "articles", "public", *BASE)
    assert (ran.code, ran.out) == (3, "")
    problem, refusal = ran.err.splitlines()
    assert problem.startswith("articles/good.md:2: ")
    assert refusal.startswith("feedhub: none of 1 files can be published; the old output stays")
    assert files_below(Path("public")) == before
    assert run("render", "articles", "public", "--allow-shrink", *BASE).code == 1


def test_the_default_address_is_told(run):
    ran = run("render", "articles", "public")
    assert ran.code == 0
    assert ran.err == (
        "feedhub: every address begins with http://127.0.0.1:8000: "
        "set site.base_url or give --base-url\n"
    )
    assert b"http://127.0.0.1:8000/all.rss" in Path("public/all.rss").read_bytes()


def test_another_render_at_once_is_code_2(run):
    with OutputFolder(Path("public")).locked():
        ran = run("render", "articles", "public", *BASE)
    assert ran.code == 2
    assert ran.err == "feedhub: public: another render is writing here; wait for it\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("render missing public", "missing: does not exist; SOURCE is the folder of article files"),
        ("check missing", "missing: does not exist; SOURCE is the folder of article files"),
        ("feeds articles/good.md", "articles/good.md: is not a folder; SOURCE is the folder of"),
        ("render articles articles", "articles: this is SOURCE; choose another folder"),
        ("render articles ./articles/.", "articles: this is SOURCE; choose another folder"),
        ("render articles same", "same: this is SOURCE; choose another folder to write to"),
        (
            "render articles public --catalog public/x/c.sqlite",
            "public/x/c.sqlite: the catalog must not be in the output folder",
        ),
        ("render articles public --catalog articles", "articles: the catalog cannot be opened"),
        ("render articles public --formats rss,xml", "feeds.formats: 'xml' is not known; choose"),
        ("render articles public --formats=", "feeds.formats must be a list of names: a name is"),
        ("render articles public --base-url example.org", "site.base_url must be an absolute"),
        ("render articles public --config none.toml", "none.toml: cannot be read: No such file"),
        ("render articles loop", "loop/.feedhub: cannot be written: Too many levels of symbolic"),
        ("render articles public --formats html", "feeds.formats: html shows people the feeds;"),
        ("serve", "give SOURCE or --catalog PATH"),
        ("serve missing", "missing: does not exist; SOURCE is the folder of article files"),
        (
            "serve --catalog c.db --admin 9100",
            "--admin 9100: give HOST:PORT such as 127.0.0.1:9100, or a path",
        ),
        (
            "serve --catalog c.db --admin h:70000",
            "--admin h:70000: give HOST:PORT such as 127.0.0.1:9100, or a",
        ),
        ("serve --catalog c.db --fd 9999", "--fd 9999: not a socket: Bad file descriptor"),
        ("serve --catalog c.db --uds articles", "articles: cannot listen: Address already in use"),
        ("sync missing --catalog c.db", "missing: does not exist; SOURCE is the folder of"),
        ("sync articles --catalog articles", "articles: the catalog cannot be opened"),
        ("sync articles --catalog c.db --config x", "x: cannot be read: No such file"),
        ("init articles/good.md", "articles/good.md: already exists and was not changed"),
        ("init none/feedhub.toml", "none/feedhub.toml: cannot be written: No such file"),
    ],
)
def test_usage_is_code_2_and_one_line(run, arguments: str, message: str):
    Path("loop").symlink_to("loop")
    Path("same").symlink_to("articles")
    wants_base = not arguments.startswith("init") and "--base-url" not in arguments
    ran = run(*arguments.split(), *(BASE if wants_base else ()))
    assert (ran.code, ran.out) == (2, "")
    assert one_line(ran.err), ran.err
    assert f"feedhub: {message}" in ran.err


def test_a_catalog_may_lie_beside_the_output_and_be_called_like_it(run):
    assert run("render", "articles", "public", "--catalog", "public.sqlite", *BASE).code == 0
    assert Path("public.sqlite").is_file()


def test_the_default_catalog_may_not_lie_in_the_output(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("public/cache").resolve()))
    ran = run("render", "articles", "public", *BASE)
    assert (ran.code, Path("public").exists()) == (2, False)
    assert "the catalog must not be in the output folder" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "feedhub: the following arguments are required: COMMAND"),
        ("rendr articles", "invalid choice: 'rendr'; did you mean render?; see feedhub --help"),
        (
            "publish",
            "invalid choice: 'publish'; choose from render, serve, sync, check, feeds, init, "
            "completion, ping, probe, stats; see feedhub --help",
        ),
        ("it's", 'invalid choice: "it\'s"; choose from render, '),
        ("--verison", "feedhub: unknown argument '--verison'; did you mean --version?"),
        ("-x", "feedhub: unknown argument '-x'; see feedhub --help"),
        ("--json feeds a", "unknown argument '--json'; give it after the command; see feedhub"),
        ("sync a --catlog=c", "unknown argument '--catlog=c'; did you mean --catalog?"),
        ("render a -x", "feedhub render: unknown argument '-x'"),
        ("render articles", "feedhub render: the following arguments are required: OUT"),
        (
            "render a b --formts=x",
            "feedhub render: unknown argument '--formts=x'; did you mean --formats?",
        ),
        ("render a b c", "feedhub render: unknown argument 'c'; see feedhub render --help"),
        ("render a b --form rss", "unknown argument '--form'; did you mean --format"),
        ("feeds a --catalog x", "feedhub feeds: unknown argument '--catalog'; see"),
        ("sync a", "feedhub sync: the following arguments are required: --catalog"),
        ("serve a --log xml", "invalid choice: 'xml'; choose from text, json; see feedhub serve"),
        ("serve a --formats rss", "feedhub serve: unknown argument '--formats'"),
        ("check a --format gitub", "invalid choice: 'gitub'; did you mean github?"),
        ("check a --format", "argument --format: expected one argument"),
        ("completion zs", "invalid choice: 'zs'; did you mean zsh?"),
        ("--verbose", "feedhub: the following arguments are required: COMMAND"),
    ],
)
def test_a_misspelled_word_gets_one_line_with_the_nearest(run, arguments: str, message: str):
    ran = run(*arguments.split())
    assert (ran.code, ran.out) == (2, "")
    assert one_line(ran.err), ran.err
    assert message in ran.err


def test_words_with_blanks_and_behind_dashes_are_values(run):
    ran = run("feeds", "articles", "--only", "-a b", *BASE)
    assert ran == Ran(
        2, "", "feedhub: there is no feed '-a b'; run feedhub feeds SOURCE to list all feeds\n"
    )
    ran = run("feeds", "--", "-x")
    assert ran.err == "feedhub: -x: does not exist; SOURCE is the folder of article files\n"


@pytest.mark.parametrize(
    "arguments",
    ["render . @", "render @ public", "render . p --catalog @", "check . --config @", "init @"],
)
def test_an_empty_path_is_no_place(run, folder: Path, arguments: str):
    before = files_below(folder)
    ran = run(*(word.replace("@", "") for word in arguments.split()))
    assert (ran.code, ran.out, one_line(ran.err)) == (2, "", True)
    assert ": the path is empty: give a file or folder; see feedhub " in ran.err
    assert files_below(folder) == before


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("serve a --workers 1001", "from 1 to 1000"),
        ("stats a --top 1000001", "from 0 to 1000000"),
    ],
)
def test_a_number_that_is_too_large_is_told_what_it_may_be(run, given: str, what: str):
    ran = run(*given.split())
    assert (ran.code, f"' is not a whole number {what}; see" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "given",
    ["--port 70000", "--port http", "--workers 0", "--workers two", "--workers ½", "--fd three"],
)
def test_a_number_that_cannot_be_is_told_in_words(run, given: str):
    option, value = given.split()
    ran = run("serve", "articles", option, value)
    assert (ran.code, ran.out, one_line(ran.err)) == (2, "", True)
    assert f"argument {option}: " in ran.err
    assert value in ran.err
    assert " is not a " in ran.err, "the name of a function says nothing to a person"


def test_a_line_end_in_an_argument_stays_in_one_line(run):
    assert one_line(run("render", "a", "b", "--x\ny\x1b[31m").err)
    assert "\x1b" not in run("re\x1b[31mnder").err


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FEEDHUB_SITE_BASE_URL", "ftp://x", "FEEDHUB_SITE_BASE_URL: site.base_url must be"),
        ("FEEDHUB_SITE_TITEL", "x", "is not a known variable; did you mean FEEDHUB_SITE_TITLE?"),
        ("FEEDHUB_FEEDS_LIMIT", "many", "FEEDHUB_FEEDS_LIMIT: feeds.limit must be a whole number"),
    ],
)
def test_a_wrong_variable_is_code_2(run, monkeypatch, name: str, value: str, message: str):
    monkeypatch.setenv(name, value)
    ran = run("feeds", "articles")
    assert (ran.code, ran.out) == (2, "")
    assert message in ran.err
    assert one_line(ran.err)


def test_a_wrong_key_is_told_with_its_line(run):
    Path("feedhub.toml").write_text('[site]\ntitle = "T"\nbase_ulr = "x"\n', encoding="utf-8")
    ran = run("check", "articles")
    assert (ran.code, one_line(ran.err)) == (2, True)
    assert ran.err.startswith("feedhub: feedhub.toml:3: ")
    assert "did you mean site.base_url?" in ran.err


def test_flags_win_over_variables_and_these_over_the_file(run, monkeypatch: pytest.MonkeyPatch):
    Path("feedhub.toml").write_text('[site]\nbase_url = "https://file.example"\n', encoding="utf-8")
    assert "https://file.example/all.rss" in run("feeds", "articles").out
    monkeypatch.setenv("FEEDHUB_SITE_BASE_URL", "https://variable.example")
    assert "https://variable.example/all.rss" in run("feeds", "articles").out
    assert "https://feeds.example.org/all.rss" in run("feeds", "articles", *BASE).out


def test_ctrl_c_is_code_130(run, monkeypatch: pytest.MonkeyPatch):
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(feeds, "run", interrupt)
    assert run("feeds", "articles") == Ran(130, "", "")


def test_a_fault_of_our_own_is_code_2(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeds, "run", lambda _: 1 // 0)
    ran = run("feeds", "articles")
    assert ran.code == 2
    assert "ZeroDivisionError" in ran.err
    assert ran.err.endswith("feedhub: this is a bug in feedhub: please report the lines above\n")


def test_an_error_of_the_system_is_one_line(run, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: object) -> int:
        raise PermissionError(13, "Permission denied", "articles")

    monkeypatch.setattr(feeds, "run", refuse)
    assert run("feeds", "articles") == Ran(2, "", "feedhub: articles: Permission denied\n")


def test_a_folder_that_is_gone_under_us_is_told(run, folder: Path, monkeypatch):
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    (folder / "gone").rmdir()
    told = "feedhub: the current folder no longer exists: change to another one\n"
    assert run("check", ".") == Ran(2, "", told)


def test_a_locale_that_cannot_name_a_file_is_told(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeds, "run", lambda _: "\xfc".encode("ascii"))
    assert "bug in feedhub" in run("feeds", "articles").err
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    told = "feedhub: this locale cannot represent every file name: set LC_ALL=C.UTF-8\n"
    assert run("feeds", "articles") == Ran(2, "", told)


def test_who_closes_every_stream_gets_the_work_done(folder: Path):
    command = [sys.executable, "-m", "feedhub", "render", "articles", "public"]
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
    assert subprocess.run(shell, check=False).returncode == 0
    assert Path("public/all.rss").is_file()
    shell[2:] = ['exec "$@" <&- 2>&1', "sh", *command[:3], "stats", "-"]
    ran = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (ran.returncode, "no line could be read" in ran.stdout) == (0, True)


def with_full(stream: str, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with one of its streams on a device that is always full."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no device that is always full")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "feedhub", *arguments.split()]
    with Path("/dev/full").open("w") as full:
        out = full if stream == "stdout" else subprocess.PIPE
        err = full if stream == "stderr" else subprocess.PIPE
        return subprocess.run(command, stdout=out, stderr=err, text=True, check=False, env=env)


@pytest.mark.parametrize(
    ("arguments", "code"), [("render articles public", 0), ("feeds none", 2), ("rendr", 2)]
)
def test_a_remark_that_cannot_be_written_changes_nothing(arguments: str, code: int):
    ran = with_full("stderr", arguments)
    assert (ran.returncode, "1 published" in ran.stdout) == (code, code == 0)


@pytest.mark.parametrize("arguments", ["--help", "completion bash"])
def test_output_that_cannot_be_written_is_code_2(arguments: str):
    ran = with_full("stdout", arguments)
    told = "feedhub: the output cannot be written: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (2, told)


def test_main_may_print_to_anything():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        assert main(["feeds", "articles"]) == 0
    assert text.getvalue().startswith("all\t")


def test_a_sync_that_watches_tells_bad_articles_once(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("feedhub.cli.sync.time.sleep", lambda _: None)
    args = build_parser().parse_args(["sync", "articles", "--catalog", "c.sqlite", "--watch"])
    syncer = sync.Syncer(args, options.config_of(args))
    told = []
    for name in ("bad.md", "bad.md", "worse.md"):
        write(name, "---\npublished: perhaps\n---\n")
        assert syncer.sync()[0] == 1
        told.append(re.findall(r"^articles/(\w+)", capsys.readouterr().err, re.MULTILINE))
    assert told == [["bad"], [], ["bad", "worse"]]


# Help and version


def test_the_version_is_that_of_the_package(run):
    assert run("--version") == Ran(0, f"feedhub {feedhub.__version__}\n", "")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_shows_examples_that_parse(run, command: str):
    ran = run(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    examples = re.findall(r"^  feedhub (.*)$", ran.out.partition("examples:")[2], re.MULTILINE)
    assert examples
    for example in examples:
        arguments = example.partition(" > ")[0].split()
        assert build_parser().parse_args(arguments).command == (command or arguments[0])


def test_help_names_every_exit_code(run):
    text = run("--help").out
    assert re.findall(r"^  (\d)  \w", text, re.MULTILINE) == ["0", "1", "2", "3"]


# check

BAD_SOURCE = {
    "alias.md": "---\ntitle: &a One\nexcerpt: *a\n---\n",
    "flag.md": "---\ntitle: Flag\npublished: perhaps\n---\n",
    "fence.md": "---\ntitle: Fence\n",
    "one.md": article_text("One", topics=["C&A"], publishedDateTime="2020-01-01T00:00:00Z"),
    "two.md": article_text("Two", topics=["C A"], webUrl="https://news.example/one"),
    "three.md": article_text("Three", topics=["!!!"]),
    "untitled.md": UNTITLED,
}


@pytest.fixture
def bad_source() -> None:
    for name, text in BAD_SOURCE.items():
        write(name, text)


@pytest.mark.usefixtures("bad_source")
def test_check_tells_every_problem_with_its_place(run):
    ran = run("check", "articles", *BASE)
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    for line in lines:
        assert re.match(r"articles/\w+\.md:\d+:\d+: (error|warning|info) [a-z-]+ \w.+", line), line
    codes = {line.split()[2]: line for line in lines}
    assert codes["duplicate-url"].startswith("articles/two.md:1:1: warning")
    assert "articles/one.md" in codes["duplicate-url"]
    assert {"slug-collision", "no-title"} <= codes.keys()
    assert {line.split(":")[0] for line in lines if ": error " in line} == {
        f"articles/{name}.md" for name in ("alias", "fence", "flag")
    }
    assert lines == sorted(lines)


@pytest.mark.usefixtures("bad_source")
def test_check_tells_where_labels_collide(run):
    found = [line for line in run("check", "articles", *BASE).out.splitlines() if "slug" in line]
    assert len(found) == 2
    assert re.fullmatch(
        r"articles/three\.md:1:1: warning slug-collision the topic '!!!' has no letter or digit, "
        r"so its feed is https://feeds\.example\.org/topics/label-[0-9a-f]{8}\.rss: rename it",
        found[0],
    )
    assert re.fullmatch(
        r"articles/two\.md:1:1: warning slug-collision the topic 'C A' is too similar to 'C&A', so "
        r"its feed is https://feeds\.example\.org/topics/c-a-[0-9a-f]{8}\.rss: "
        r"rename one of the two",
        found[1],
    )


@pytest.mark.usefixtures("bad_source")
def test_check_as_json_holds_the_same(run):
    text = run("check", "articles").out
    ran = run("check", "articles", "--format", "json")
    rows = json.loads(ran.out)
    assert ran.code == 1
    assert set(rows[0]) == {"path", "line", "column", "level", "code", "message"}
    assert "".join(f"{Problem(**row)}\n" for row in rows) == text


@pytest.mark.usefixtures("bad_source")
def test_check_as_github_gives_workflow_commands(run):
    lines = run("check", "articles", "--format", "github").out.splitlines()
    rows = json.loads(run("check", "articles", "--format", "json").out)
    form = r"::(error|warning|notice) file=([^,:]+),line=(\d+),col=(\d+),title=([a-z-]+)::(\S.*)"
    found = [re.fullmatch(form, line) for line in lines]
    assert [match[2] for match in found if match] == [row["path"] for row in rows]
    assert [match[6] for match in found if match] == [row["message"] for row in rows]


def test_workflow_commands_escape_what_would_end_them():
    problem = Problem(path="a,b:c%.md", level="info", code="x", message="50%\r\nnot: so, bad")
    assert as_github([problem]) == (
        "::notice file=a%2Cb%3Ac%25.md,line=1,col=1,title=x::50%25%0D%0Anot: so, bad\n"
    )


def test_check_of_a_good_source_is_silent(run):
    assert run("check", "articles") == Ran(0, "", "")
    assert run("check", "articles", "--format", "json") == Ran(0, "[]\n", "")
    assert run("check", "articles", "--format", "github") == Ran(0, "", "")


def test_warnings_alone_are_code_0(run):
    write("untitled.md", UNTITLED)
    assert run("check", "articles").code == 0


def test_check_tells_what_the_configuration_names_in_vain(run):
    Path("feedhub.toml").write_text(CONFIG, encoding="utf-8")
    write("more.md", article_text("More", topics=["Computer Vision"], category="news"))
    ran = run("check", "articles")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "feedhub.toml:10:1: warning unknown-name feeds.custom 'eyes': no article has the topic "
        "'Computr Vision'; did you mean computer vision?",
        "feedhub.toml:11:1: warning unknown-name feeds.custom 'eyes': no article has the category "
        "'sport'",
        "feedhub.toml:3:1: warning unknown-name feeds.moved: 'topics/eyes' leads to "
        "'topics/computer-visions', which is not a feed; did you mean topics/computer-vision?",
    ]


def test_check_of_a_label_that_is_like_a_retired_one(run):
    Path("feedhub.toml").write_text("[feeds]\ngone = ['topics/c-sharp']\n", encoding="utf-8")
    write("old.md", article_text("Old", topics=["C#"], publishedDateTime="2019-01-01"))
    write("new.md", article_text("New", topics=["C sharp"]))
    ran = run("check", "articles")
    assert (ran.code, ran.err) == (0, "")
    assert "the topic 'C sharp' is too similar to that of a retired feed, so its feed is" in ran.out


def test_check_names_the_line_where_a_name_stands_alone(run):
    text = "[[feeds.custom]]\nname = 'tea'\ntitle = \"Tea's\"\nq = 'Tea'\n"
    Path("feedhub.toml").write_text(f"{text}topic = ['AI', 'Tea time']\n", encoding="utf-8")
    assert run("check", "articles").out.startswith("feedhub.toml:5:1: warning unknown-name")
    Path("feedhub.toml").write_text(
        f"[feeds]\ngone = ['old/tea-set']\nmoved = ['a->tea']\n{text}", encoding="utf-8"
    )
    assert run("check", "articles").out.startswith("feedhub.toml:3:1: warning unknown-name")


CONFIG = """\
[feeds]
moved = [
    "topics/eyes -> topics/computer-visions",
    "topics/sight -> topics/computer-vision",
    "topics/everything -> all",
]

[[feeds.custom]]
name = "eyes"
topic = ["AI", "computer-vision", "Computr Vision"]
not_category = ["sport", "News"]
"""


def test_check_looks_at_drafts_where_asked(run):
    write("draft.md", UNTITLED.replace("---\nw", "---\npublished: false\nw", 1))
    assert run("check", "articles").out == ""
    assert "no-title" in run("check", "articles", "--drafts").out


# feeds


def test_feeds_lists_every_feed(run):
    write("more.md", article_text("More", topics=["AI", "Law"], category="news"))
    ran = run("feeds", "articles", *BASE)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "all\t\t2\t2020-06-09\thttps://feeds.example.org/all.rss\n"
        "topic\tAI\t2\t2020-06-09\thttps://feeds.example.org/topics/ai.rss\n"
        "topic\tLaw\t1\t2020-06-09\thttps://feeds.example.org/topics/law.rss\n"
        "category\tnews\t1\t2020-06-09\thttps://feeds.example.org/categories/news.rss\n"
    )


@pytest.mark.parametrize("name", ["law", "LAW", "topics/law", "Topics/Law"])
def test_feeds_lists_the_one_that_is_asked_for(run, name: str):
    write("more.md", article_text("More", topics=["Law"]))
    ran = run("feeds", "articles", "--only", name, *BASE)
    assert ran == Ran(
        0, "topic\tLaw\t1\t2020-06-09\thttps://feeds.example.org/topics/law.rss\n", ""
    )


def test_feeds_of_several_names_stand_in_the_usual_order_and_one_name_may_be_two_feeds(run):
    write("more.md", article_text("More", topics=["Law", "News"], category="news"))
    ran = run("feeds", "articles", "--only", "news", "--only", "all", "--only", "topics/news")
    assert [line.split("\t")[:2] for line in ran.out.splitlines()] == [
        ["all", ""],
        ["topic", "News"],
        ["category", "news"],
    ]


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("Lwa", "did you mean Law?"),
        ("topic/law", "did you mean topics/law?"),
        ("COMPUTER VISON", "did you mean Computer Vision?"),
        ("entirely else", "run feedhub feeds SOURCE to list all feeds"),
    ],
)
def test_a_feed_that_is_not_there_is_told_with_the_nearest(run, name: str, advice: str):
    write("more.md", article_text("More", topics=["Law", "Computer Vision"]))
    ran = run("feeds", "articles", "--only", name, *BASE)
    assert ran == Ran(2, "", f"feedhub: there is no feed '{name}'; {advice}\n")


def test_feeds_as_json(run):
    rows = json.loads(run("feeds", "articles", "--json", "--formats", "json", *BASE).out)
    assert rows[1] == {
        "kind": "topic",
        "label": "AI",
        "count": 1,
        "newest": "2020-06-09T11:00:00Z",
        "address": "https://feeds.example.org/topics/ai.json",
    }


def test_feeds_of_nothing_is_the_site_feed(run):
    Path("articles/good.md").unlink()
    assert run("feeds", "articles").out.split() == [
        "all",
        "0",
        "-",
        "http://127.0.0.1:8000/all.rss",
    ]
    assert json.loads(run("feeds", "articles", "--json").out)[0]["newest"] is None


def test_feeds_tells_rejected_articles(run):
    write("bad.md", "---\npublished: perhaps\n---\n")
    ran = run("feeds", "articles")
    assert ran.code == 1
    assert ran.err.startswith("articles/bad.md:2: ")


def test_feeds_lets_drafts_in(run):
    write("draft.md", article_text("Draft", topics=["New"], published=False))
    assert "New" not in run("feeds", "articles").out
    assert "New" in run("feeds", "articles", "--drafts").out


# init


def test_init_writes_a_file_that_works(run):
    ran = run("init")
    assert ran == Ran(0, "feedhub.toml was written. Set site.base_url first.\n", "")
    assert load_config(Path("feedhub.toml"), {}) == load_config(None, {})
    assert run("render", "articles", "public").code == 0


def test_init_leaves_a_file_alone(run):
    Path("feedhub.toml").write_text("mine", encoding="utf-8")
    ran = run("init")
    assert ran == Ran(2, "", "feedhub: feedhub.toml: already exists and was not changed\n")
    assert Path("feedhub.toml").read_text(encoding="utf-8") == "mine"
    assert run("init", "other.toml").code == 0


def test_init_that_cannot_write_leaves_nothing(run, monkeypatch: pytest.MonkeyPatch):
    def full() -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(init, "starter_toml", full)
    told = "feedhub: feedhub.toml: cannot be written: No space left on device\n"
    assert run("init") == Ran(2, "", told)
    assert not Path("feedhub.toml").exists()


# The default place of the catalog


@pytest.mark.parametrize("place", ["articles", "/"])
def test_a_folder_is_no_catalog_and_gets_nothing_beside_it(run, folder: Path, place: str):
    before = files_below(folder)
    ran = run("sync", "articles", "--catalog", place, *BASE)
    told = f"feedhub: {place}: the catalog cannot be opened: unable to open database file\n"
    assert ran == Ran(2, "", told)
    assert files_below(folder) == before


def test_a_catalog_where_no_folder_can_be_made_is_told_what_to_do(run):
    ran = run("render", "articles", "public", "--catalog", "articles/good.md/c.sqlite", *BASE)
    assert (ran.code, one_line(ran.err)) == (2, True)
    assert ran.err.endswith("the catalog cannot be opened: File exists; choose another path\n")


@pytest.mark.parametrize("command", ["ping", "probe"])
def test_what_looks_outside_before_a_render_is_told_what_to_do(run, command: str):
    ran = run(command, "articles", *BASE)
    assert (ran.code, one_line(ran.err)) == (2, True)
    told = ": there is no catalog yet; feedhub render or sync makes it\n"
    assert ran.err.endswith(told)


def test_the_catalog_lies_in_the_cache_and_each_site_has_its_own(run, monkeypatch):
    cache = Path("cache").resolve()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    for more in ((), BASE, ("--drafts",)):
        run("render", "articles", "public", "--allow-shrink", *more)
        run("render", "articles", "public", "--allow-shrink", *more)
    assert len(list(cache.glob("feedhub/*.sqlite"))) == 3


def test_a_server_has_a_catalog_of_its_own_and_others_find_that_of_the_render():
    def place(line: str) -> Path:
        args = build_parser().parse_args(line.split())
        return options.catalog_path(args, options.config_of(args))

    render = place("render articles public")
    found = {line: place(line) for line in ("ping articles", "probe articles", "serve articles")}
    found["stats"] = place("stats access.log --source articles")
    assert [line for line, catalog in found.items() if catalog != render] == ["serve articles"]


@pytest.mark.parametrize(
    ("search", "command", "builder"),
    [
        ("no", "serve", "no"),
        ("auto", "serve", "yes"),
        ("auto", "feeds", "no"),
        ("yes", "feeds", "yes"),
    ],
)
def test_feeds_can_be_combined_where_searches_are_answered(monkeypatch, search, command, builder):
    monkeypatch.setenv("FEEDHUB_FEEDS_SEARCH", search)
    args = build_parser().parse_args([command, "articles"])
    assert options.config_of(args).feeds.builder == builder


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(sys, "platform", "linux")
    assert options.cache_folder() == Path("/home/somebody/.cache")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert options.cache_folder() == Path("/home/somebody/Library/Caches")


def test_a_catalog_of_ones_own_choice_is_used(run):
    run("render", "articles", "public", "--catalog", "my/catalog.sqlite", *BASE)
    catalog = Catalog(Path("my/catalog.sqlite"))
    assert catalog.count() == 1
    catalog.close()
