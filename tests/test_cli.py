"""The command line: exit codes, messages, help, and what render and sync print."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import feedhub
from feedhub.cli import feeds, main, options, sync
from feedhub.cli.registry import COMMANDS, build_parser
from feedhub.cli.render import SMALLER, describe_size
from feedhub.cli.watch import Round
from feedhub.config.tables import KEYS
from feedhub.render.folder import OutputFolder
from feedhub.render.size import OutputSize
from tests.command_line import BASE, UNTITLED, Result, is_one_line, runner, write
from tests.kit import article_text, files_below


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process."""
    return runner(capsys)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with a folder `articles` of one good article."""
    monkeypatch.chdir(tmp_path)
    write("good.md", article_text("Good", topics=["AI"]))
    return tmp_path


# Exit codes and messages of every command


def test_render_prints_a_summary(run):
    write("draft.md", article_text("Draft", published=False))
    write("page.md", "Only text.\n")
    ran = run("render", "articles", "public", *BASE)
    assert (ran.code, ran.err) == (0, "")
    assert re.fullmatch(
        r"articles: 3 found, 3 read, 1 published, "
        r"2 hidden \(1 unpublished, 1 without front matter\), 0 rejected\n"
        r"documents: [1-9]\d written, 0 unchanged, 0 files removed\n"
        r"files: ([1-9]\d) written \(([1-9]\d\d kB)\), \1 in the folder \(\2\)\n"
        r"\d+\.\d\d seconds\n",
        ran.out,
    ), ran.out
    assert Path("public/all.rss").is_file()


def test_render_prints_the_summary_as_json(run):
    write("draft.md", article_text("Draft", published=False))
    ran = run("render", "articles", "public", "--json", *BASE)
    summary = json.loads(ran.out)
    assert is_one_line(ran.out)
    assert isinstance(summary.pop("seconds"), float)
    sizes = [len(body) for path, body in files_below(Path("public")).items() if path[0] != "."]
    written, total = len(sizes), sum(sizes)
    assert summary == {
        "articles": {
            "found": 2,
            "read": 2,
            "published": 1,
            "hidden": {"unpublished": 1},
            "rejected": 0,
            "without_address": 0,
        },
        "documents": {"written": written, "unchanged": 0, "removed_files": 0},
        "files": {
            "written": written,
            "written_bytes": total,
            "total": written,
            "bytes": total,
        },
    }


def test_the_summary_says_what_would_make_a_large_folder_smaller():
    parts = {"feeds": 90_000_000, "archives": 400_000_000, "pages": 20_000_000}
    size = OutputSize(files=9, bytes=510_000_000, parts=parts)
    assert describe_size(size) == (
        "files: 0 written (0 kB), 9 in the folder (510.0 MB)\n"
        "the folder is large; keys of the configuration that make it smaller:\n"
        "  400.0 MB are archives: feeds.archive_from, feeds.archives or feeds.formats\n"
        "  90.0 MB are feeds: feeds.formats, feeds.kinds or feeds.limit\n"
    )
    for _, advice in SMALLER.values():
        for name in re.findall(r"[a-z]+\.[a-z_]+", advice):
            assert name in KEYS


def test_a_render_says_when_compressed_copies_are_removed(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FEEDHUB_RENDER_COMPRESS", "gzip")
    assert run("render", "articles", "public", *BASE).err == ""
    monkeypatch.delenv("FEEDHUB_RENDER_COMPRESS")
    assert run("render", "articles", "public", *BASE).err == (
        "feedhub: public: the compressed copies were removed; if your web server sends such files, "
        'set render.compress to ["gzip"]\n'
    )
    assert run("render", "articles", "public", *BASE).err == ""


def test_rejected_articles_are_reported_and_the_rest_is_published(run):
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
    out = ["public"] if command == "render" else []
    ran = run(command, "articles", *out, *BASE)
    assert (ran.code, ran.err) == (0, "1 warning: run feedhub check articles to see it\n")


def test_nothing_to_publish_is_code_3_with_the_reason(run):
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


def test_the_default_base_url_gives_a_warning(run):
    ran = run("render", "articles", "public")
    assert ran.code == 0
    assert ran.err == (
        "feedhub: every address begins with http://127.0.0.1:8000: "
        "set site.base_url or give --base-url\n"
    )
    assert b"http://127.0.0.1:8000/all.rss" in Path("public/all.rss").read_bytes()


def test_a_second_render_of_the_same_folder_is_code_2(run):
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
        ("render articles public --formats html", "feeds.formats: html shows feeds;"),
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
        (
            "init articles/good.md",
            "articles/good.md: already exists and was not changed; give another FILE",
        ),
        ("init none/feedhub.toml", "none/feedhub.toml: cannot be written: No such file"),
    ],
)
def test_wrong_arguments_are_code_2_and_one_line(run, arguments: str, message: str):
    Path("loop").symlink_to("loop")
    Path("same").symlink_to("articles")
    wants_base = not arguments.startswith("init") and "--base-url" not in arguments
    ran = run(*arguments.split(), *(BASE if wants_base else ()))
    assert (ran.code, ran.out) == (2, "")
    assert is_one_line(ran.err), ran.err
    assert f"feedhub: {message}" in ran.err


def test_the_catalog_may_be_next_to_the_output_with_its_name(run):
    assert run("render", "articles", "public", "--catalog", "public.sqlite", *BASE).code == 0
    assert Path("public.sqlite").is_file()


def test_the_default_catalog_must_not_be_in_the_output(run, monkeypatch: pytest.MonkeyPatch):
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
            "invalid choice: 'publish'; choose from render, serve, sync, check, feeds, adopt, "
            "init, completion, ping, probe, stats; see feedhub --help",
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
def test_a_misspelled_word_gets_one_line_with_a_suggestion(run, arguments: str, message: str):
    ran = run(*arguments.split())
    assert (ran.code, ran.out) == (2, "")
    assert is_one_line(ran.err), ran.err
    assert message in ran.err


def test_words_with_spaces_and_words_after_dashes_are_values(run):
    ran = run("feeds", "articles", "--only", "-a b", *BASE)
    assert ran == Result(
        2, "", "feedhub: there is no feed '-a b'; run feedhub feeds SOURCE to list all feeds\n"
    )
    ran = run("feeds", "--", "-x")
    assert ran.err == "feedhub: -x: does not exist; SOURCE is the folder of article files\n"


@pytest.mark.parametrize(
    "arguments",
    ["render . @", "render @ public", "render . p --catalog @", "check . --config @", "init @"],
)
def test_an_empty_path_is_refused(run, folder: Path, arguments: str):
    before = files_below(folder)
    ran = run(*(word.replace("@", "") for word in arguments.split()))
    assert (ran.code, ran.out, is_one_line(ran.err)) == (2, "", True)
    assert ": the path is empty: give a file or folder; see feedhub " in ran.err
    assert files_below(folder) == before


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ("serve a --workers 1001", "from 1 to 1000"),
        ("stats a --top 1000001", "from 0 to 1000000"),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_range(run, arguments: str, what: str):
    ran = run(*arguments.split())
    assert (ran.code, f"' is not a whole number {what}; see" in ran.err) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    ["--port 70000", "--port http", "--workers 0", "--workers two", "--workers ½", "--fd three"],
)
def test_a_bad_number_is_refused_in_words(run, arguments: str):
    option, value = arguments.split()
    ran = run("serve", "articles", option, value)
    assert (ran.code, ran.out, is_one_line(ran.err)) == (2, "", True)
    assert f"argument {option}: " in ran.err
    assert value in ran.err
    assert " is not a " in ran.err, "not the name of a function"


def test_a_line_feed_in_an_argument_is_escaped(run):
    assert is_one_line(run("render", "a", "b", "--x\ny\x1b[31m").err)
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
    assert is_one_line(ran.err)


def test_a_wrong_key_is_reported_with_its_line(run):
    Path("feedhub.toml").write_text('[site]\ntitle = "T"\nbase_ulr = "x"\n', encoding="utf-8")
    ran = run("check", "articles")
    assert (ran.code, is_one_line(ran.err)) == (2, True)
    assert ran.err.startswith("feedhub: feedhub.toml:3: ")
    assert "did you mean site.base_url?" in ran.err


def test_options_override_variables_and_variables_the_file(run, monkeypatch: pytest.MonkeyPatch):
    Path("feedhub.toml").write_text('[site]\nbase_url = "https://file.example"\n', encoding="utf-8")
    assert "https://file.example/all.rss" in run("feeds", "articles").out
    monkeypatch.setenv("FEEDHUB_SITE_BASE_URL", "https://variable.example")
    assert "https://variable.example/all.rss" in run("feeds", "articles").out
    assert "https://feeds.example.org/all.rss" in run("feeds", "articles", *BASE).out


def test_ctrl_c_is_code_130(run, monkeypatch: pytest.MonkeyPatch):
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(feeds, "run", interrupt)
    assert run("feeds", "articles") == Result(130, "", "")


def test_a_bug_is_code_2(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feeds, "run", lambda _: 1 // 0)
    ran = run("feeds", "articles")
    assert ran.code == 2
    assert "ZeroDivisionError" in ran.err
    assert ran.err.endswith("feedhub: this is a bug in feedhub: please report the lines above\n")


def test_a_module_that_is_gone_is_one_line(run, monkeypatch: pytest.MonkeyPatch):
    """An update of the installed program may happen while a command runs."""

    def import_it(_: object) -> int:
        raise ModuleNotFoundError("No module named 'feedhub.gone'", name="feedhub.gone")

    monkeypatch.setattr(feeds, "run", import_it)
    advice = "feedhub was changed meanwhile? Install it anew"
    message = f"feedhub: feedhub.gone cannot be imported: {advice}\n"
    assert run("feeds", "articles") == Result(2, "", message)


def test_an_error_of_the_system_is_is_one_line(run, monkeypatch: pytest.MonkeyPatch):
    def refuse(_: object) -> int:
        raise PermissionError(13, "Permission denied", "articles")

    monkeypatch.setattr(feeds, "run", refuse)
    assert run("feeds", "articles") == Result(2, "", "feedhub: articles: Permission denied\n")


def test_a_deleted_current_folder_is_reported(run, folder: Path, monkeypatch):
    Path("gone").mkdir()
    monkeypatch.chdir("gone")
    (folder / "gone").rmdir()
    message = "feedhub: the current folder no longer exists: change to another one\n"
    assert run("check", ".") == Result(2, "", message)


def test_a_locale_without_the_letters_of_a_file_name_is_reported(
    run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feeds, "run", lambda _: "\xfc".encode("ascii"))
    assert "bug in feedhub" in run("feeds", "articles").err
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    message = "feedhub: this locale cannot represent every file name: set LC_ALL=C.UTF-8\n"
    assert run("feeds", "articles") == Result(2, "", message)


def test_a_command_works_with_all_streams_closed(folder: Path):
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
def test_a_message_that_cannot_be_written_is_ignored(arguments: str, code: int):
    ran = with_full("stderr", arguments)
    assert (ran.returncode, "1 published" in ran.stdout) == (code, code == 0)


@pytest.mark.parametrize("arguments", ["--help", "completion bash"])
def test_output_that_cannot_be_written_is_code_2(arguments: str):
    ran = with_full("stdout", arguments)
    message = "feedhub: the output cannot be written: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (2, message)


def test_main_prints_to_any_stream():
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        assert main(["feeds", "articles"]) == 0
    assert text.getvalue().startswith("all\t")


def test_sync_watch_reports_bad_articles_once(capsys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("feedhub.cli.sync.time.sleep", lambda _: None)
    args = build_parser().parse_args(["sync", "articles", "--catalog", "c.sqlite", "--watch"])
    syncer = sync.Syncer(args, options.config_of(args), threading.Event())
    reported = []
    for name in ("bad.md", "bad.md", "worse.md"):
        write(name, "---\npublished: perhaps\n---\n")
        assert syncer.sync(Round())[0] == 1
        reported.append(re.findall(r"^articles/(\w+)", capsys.readouterr().err, re.MULTILINE))
    assert reported == [["bad"], [], ["bad", "worse"]]


# Help and version


def test_the_version_is_that_of_the_package(run):
    assert run("--version") == Result(0, f"feedhub {feedhub.__version__}\n", "")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_the_examples_of_help_can_be_parsed(run, command: str):
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


def test_a_command_imports_only_its_own_module(folder: Path):
    program = """
import sys
from feedhub.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*(name for name in sys.modules if name.startswith("feedhub.")), file=sys.stderr)
"""

    def imported(*arguments: str) -> set[str]:
        command = [sys.executable, "-c", program, *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        return set(ran.stderr.split())

    commands = {f"feedhub.cli.{name}" for name in COMMANDS}
    for arguments in (["--version"], ["--help"], ["rendr"]):
        assert "feedhub.config" not in (modules := imported(*arguments))
        assert not modules & commands
    assert imported("feeds", "articles") & commands == {"feedhub.cli.feeds"}
    assert imported("render", "--help") & commands == {"feedhub.cli.render"}
