"""Output on a terminal and in a pipe: colours, tables, --quiet and --verbose."""

from __future__ import annotations

import io
import json
import re
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from feedhub.cli import console, main
from feedhub.cli.console import progress
from tests.kit import article_text
from tests.servers import request, start, until
from tests.terminals import on_terminal

BASE = ("--base-url", "https://feeds.example.org")
UNTITLED = "---\nwebUrl: https://news.example/x\ndate: 2020-06-09\nexcerpt: Words.\n---\n"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with a folder `articles` of one good article."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    write("good.md", article_text("Good", topics=["AI"]))
    return tmp_path


@pytest.fixture(autouse=True)
def _default_verbosity():
    yield
    console.set_verbosity(Namespace(quiet=False, verbose=False))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process; return its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        return main(arguments), *capsys.readouterr()

    return run


def write(name: str, text: str) -> None:
    path = Path("articles") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# Colours


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "env", "colours"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"CLICOLOR_FORCE": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": "0", "CLICOLOR_FORCE": ""}, False),
        (io.StringIO(), {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        (Terminal(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (Terminal(), {"CLICOLOR": "0"}, False),
        (Terminal(), {"CLICOLOR": "1"}, True),
        (io.StringIO(), {"CLICOLOR": "1"}, False),
        (io.StringIO(), {"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, True),
    ],
)
def test_colours_are_used_on_terminals_unless_the_environment_says_otherwise(
    monkeypatch, stream, env: dict[str, str], colours: bool
):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert console.use_colours(stream) is colours
    assert (console.paint("word", console.RED, stream) != "word") is colours
    assert console.paint("", console.RED, stream) == ""


def test_a_terminal_gets_colours_and_columns():
    write("more.md", article_text("More", topics=["Machine Learning"]))
    code, shown = on_terminal("feeds", "articles", *BASE)
    assert code == 0
    lines = shown.splitlines()
    assert lines[0].startswith("\x1b[1mKIND")
    plain = [COLOUR.sub("", line) for line in lines]
    assert [line.split()[0] for line in plain] == ["KIND", "all", "topic", "topic"]
    assert len({line.index("http") for line in plain[1:]} | {plain[0].index("ADDRESS")}) == 1
    assert {line.split()[-3] for line in plain[1:]} == {"1", "2"}
    assert "\t" not in shown


def test_a_terminal_without_colours_gets_columns_too():
    code, shown = on_terminal("feeds", "articles", *BASE, NO_COLOR="1")
    assert (code, shown.split()[0], "\x1b" in shown) == (0, "KIND", False)


def test_errors_are_coloured_on_a_terminal_only(run):
    write("bad.md", "---\ntitle: Bad\npublished: perhaps\n---\n")
    output = run("check", "articles")[1] + run("feeds", "articles")[2]
    assert "\x1b" not in output
    _, shown = on_terminal("check", "articles")
    assert re.match(r"\x1b\[1marticles/bad\.md:3:\d+:\x1b\[0m \x1b\[31merror\x1b\[0m ", shown)
    assert COLOUR.sub("", shown) == run("check", "articles")[1]
    assert on_terminal("feeds", "none") == (
        2,
        "\x1b[31mfeedhub:\x1b[0m none: does not exist; SOURCE is the folder of article files\n",
    )
    code, shown = on_terminal("feds")
    assert (code, shown.startswith("\x1b[31mfeedhub:\x1b[0m argument COMMAND: ")) == (2, True)


def test_forced_colours_go_into_a_pipe_but_columns_do_not(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run("feeds", "articles", *BASE)[1].startswith("all\t\t1\t")
    assert run("feeds", "none")[2].startswith("\x1b[31mfeedhub:\x1b[0m none: ")


@pytest.mark.parametrize("command", [("feeds", "articles"), ("render", "articles", "public")])
def test_a_file_name_cannot_move_the_cursor(run, command):
    write("\x1b[2J\x1b[1mevil.md", "---\npublished: perhaps\n---\n")
    code, _, err = run(*command, *BASE)
    assert (code, "\x1b" in err) == (1, False)
    assert err.startswith(r"articles/\x1b[2J\x1b[1mevil.md:1: ")


def test_an_argument_cannot_move_the_cursor_or_make_a_second_line(run):
    code, _, err = run("feeds", "no\x1b[2J\nne", *BASE)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(r"feedhub: no\x1b[2J\nne: does not exist")


def test_check_on_a_terminal_escapes_file_names():
    write("\x1b[2Jevil.md", "---\npublished: perhaps\n---\n")
    assert "\x1b[2J" not in on_terminal("check", "articles")[1]


# Tables


def rows_of(*labels: str) -> list[list[str]]:
    return [
        ["topic", label, str(number), f"https://x/{number}"] for number, label in enumerate(labels)
    ]


HEAD = ["KIND", "FEED", "N", "ADDRESS"]


def test_columns_are_as_wide_as_their_cells_on_a_terminal():
    rows = rows_of("e\u0301t\u00e9", "機械学習", "🇩🇪", "plain")
    shown = COLOUR.sub("", console.align_columns(HEAD, rows, {2}, 1, 80)).splitlines()
    assert shown == [
        "KIND   FEED      N  ADDRESS",
        "topic  e\u0301t\u00e9       0  https://x/0",
        "topic  機械学習  1  https://x/1",
        "topic  🇩🇪        2  https://x/2",
        "topic  plain     3  https://x/3",
    ]


def test_a_narrow_terminal_cuts_one_column_but_not_the_address():
    rows = rows_of("a" * 50, "機械学習" * 4, "short")
    shown = COLOUR.sub("", console.align_columns(HEAD, rows, {2}, 1, 45)).splitlines()
    assert shown[1] == f"topic  {'a' * 21}…  0  https://x/0"
    assert shown[2] == f"topic  {'機械学習' * 2}機械…   1  https://x/1"
    assert shown[3] == f"topic  short{' ' * 17}  2  https://x/2"


def test_control_characters_in_cells_are_escaped():
    assert console.format_table(HEAD, rows_of("a\x1b[2J\tb"), numeric=(), cut=1) == (
        "topic\ta\\x1b[2J\\tb\t0\thttps://x/0\n"
    )


def test_a_cut_column_keeps_a_minimum_width():
    shown = console.align_columns(HEAD, rows_of("a" * 50), {2}, 1, 10).splitlines()
    assert shown[1] == f"topic  {'a' * 11}…  0  https://x/0"
    short = console.align_columns(HEAD, rows_of("ab"), {2}, 1, 10).splitlines()
    assert short[1] == "topic  ab    0  https://x/0"


# Quiet and verbose


def test_quiet_prints_only_results(run):
    write("warned.md", UNTITLED)
    assert run("render", "articles", "public", "--quiet") == (0, "", "")
    assert run("sync", "articles", "--catalog", "c.sqlite", "-q") == (0, "", "")
    assert run("init", "-q") == (0, "", "")
    assert run("feeds", "articles", "-q", *BASE)[1].startswith("all\t")
    assert json.loads(run("render", "articles", "public", "-q", "--json")[1])
    assert json.loads(run("sync", "articles", "--catalog", "c.sqlite", "-q", "--json")[1])


def test_quiet_prints_errors(run):
    write("bad.md", "---\ntitle: Bad\npublished: perhaps\n---\n")
    code, out, err = run("render", "articles", "public", "--quiet")
    assert (code, out) == (1, "")
    assert re.fullmatch(r"articles/bad\.md:3: \S.+\n", err)
    assert run("render", "none", "public", "-q")[0] == 2


def test_quiet_before_the_command_holds_for_one_command(run):
    assert run("--quiet", "render", "articles", "public") == (0, "", "")
    assert "published" in run("render", "articles", "public", *BASE)[1]


def test_quiet_shows_no_progress_bar(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "tqdm", None)
    console.set_verbosity(Namespace(quiet=True, verbose=False))
    with progress() as on_progress:
        on_progress()
    console.set_verbosity(Namespace(quiet=False, verbose=False))
    with pytest.raises(ImportError), progress():
        pass


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_a_progress_bar_needs_a_terminal(monkeypatch: pytest.MonkeyPatch, term: str):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", term)
    assert console.shows_progress() is (term == "xterm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not console.shows_progress()


def test_verbose_prints_the_inputs_and_every_warning(run, monkeypatch: pytest.MonkeyPatch):
    write("warned.md", UNTITLED)
    code, out, err = run("render", "articles", "public", "--catalog", "c.sqlite", "-v", *BASE)
    assert (code, "published" in out) == (0, True)
    assert err.splitlines() == [
        "feedhub: configuration: defaults, no feedhub.toml",
        "feedhub: base URL: https://feeds.example.org",
        "feedhub: catalog: c.sqlite",
        "articles/warned.md:2: warning: there is no title; the file's name stands in: add a title",
    ]


def test_verbose_prints_the_configuration_and_variables(run, monkeypatch: pytest.MonkeyPatch):
    Path("my.toml").write_text('[site]\ntitle = "Mine"\n', encoding="utf-8")
    monkeypatch.setenv("FEEDHUB_SITE_TITLE", "Secret, perhaps")
    monkeypatch.setenv("FEEDHUB_SITE_BASE_URL", "https://v.example")
    err = run("--verbose", "feeds", "articles", "--config", "my.toml")[2]
    assert err.splitlines() == [
        "feedhub: configuration: my.toml",
        "feedhub: variables: FEEDHUB_SITE_BASE_URL, FEEDHUB_SITE_TITLE",
        "feedhub: base URL: https://v.example",
    ]


def test_quiet_and_verbose_exclude_each_other(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main(["feeds", "articles", "-q", "-v"])
    assert capsys.readouterr().err.startswith(
        "feedhub feeds: argument --verbose/-v: not allowed with argument"
    )


def test_a_quiet_server_writes_no_access_log_and_its_sync_is_quiet(folder: Path):
    write("warned.md", UNTITLED)
    arguments = ["serve", "articles", "--port", "0", "--quiet", "--workers", "1"]
    with start(folder, arguments) as server:
        until(lambda: request(server, "GET", "/all.rss").status == 200, "the feed")
        assert server.stop() == 0
    assert server.stdout() == ""
    assert "every address begins" not in server.stderr()
    assert "warning" not in server.stderr()


def test_a_closed_standard_error_is_no_crash(monkeypatch: pytest.MonkeyPatch):
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Gone())
    assert main(["feeds", "none"]) == 2
