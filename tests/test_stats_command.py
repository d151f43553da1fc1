"""The command `feedhub stats`: files, messages, tables, JSON, the page, a terminal."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from feedhub.cli import console, main, stats
from feedhub.errors import ConfigError
from feedhub.stats import SiteFeeds, analyze_logs
from tests.access_logs import FORMATS, format_line, generate_log, poll
from tests.command_line import runner
from tests.kit import article_text
from tests.terminals import on_terminal

HIDDEN = "198.51.100.77"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run `feedhub stats` in this process."""
    return runner(capsys, "stats")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with the log of one reader of /all.rss."""
    monkeypatch.chdir(tmp_path)
    write("access.log", [poll(address=HIDDEN)])
    return tmp_path


def write(name: str, requests, form: str = "combined", more: bytes = b"") -> None:
    data = "".join(format_line(request, form) for request in requests).encode() + more
    Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def render(*more: str) -> None:
    Path("articles").mkdir(exist_ok=True)
    text = article_text("Good", topics=["AI", "Law"])
    (Path("articles") / "good.md").write_text(text, encoding="utf-8")
    assert (
        main(["render", "articles", "public", "--base-url", "https://a.example/f", "-q", *more])
        == 0
    )


def test_rotated_files_of_any_format_and_order_count_as_one_log(run):
    requests = generate_log(2).requests
    parts = [requests[number :: len(FORMATS)] for number in range(len(FORMATS))]
    names = [f"access.log.{number}.gz" for number in range(len(FORMATS))]
    for name, part, form in zip(names, parts, FORMATS, strict=True):
        write(name, part, form)
    write("whole.log", requests)
    split, whole = run(*reversed(names), "--json"), run("whole.log", "--json")
    assert (split.code, split.err) == (0, "")
    assert json.loads(split.out) == json.loads(whole.out)
    assert json.loads(split.out)["requests"] == len(requests)


def test_standard_input(run, monkeypatch: pytest.MonkeyPatch):
    data = Path("access.log").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert json.loads(run("-", "--json").out)["subscriptions"] == 1


def test_tables(run):
    ran = run("access.log")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "1 subscription (0 reported by services, 1 individual; last 7 days)\n"
        "1 request for a feed (2026-11-01)\n"
        "100% answered with 304 (nothing new to send 1 time)\n"
        "0 bytes saved by 304s (0 bytes were sent; the savings of 1 are unknown)\n"
        "1 request, 1 for feeds, 0 for archives, 0 for anything else.\n"
        "Give --source or --catalog to list the feeds without readers.\n"
        "\n"
        "Feeds\n"
        "SUBSCRIBERS  REPORTED  INDIVIDUALS  REQUESTS  304S     SENT    SAVED  FEED\n"
        "          1         0            1         1  100%  0 bytes  0 bytes  all, rss\n"
        "\n"
        "Readers\n"
        "KIND     SUBSCRIBERS  REPORTED  INDIVIDUALS  REQUESTS  304S     SENT  READER\n"
        "program            1         0            1         1  100%  0 bytes  Miniflux\n"
        "\n"
        "Days\n"
        "REQUESTS  304S  SHARE OF 304S  DAY\n"
        "       1     1           100%  2026-11-01\n"
    )


def test_top_limits_the_rows_of_tables(run):
    requests = [poll(path=f"t{n}.{form}") for n in range(5) for form in ("rss", "atom")]
    write("many.log", requests)
    assert "and 3 more: --top 0 shows all\n" in run("many.log", "--top", 2).out
    assert "t2" not in run("many.log", "--top", 2).out
    assert " more" not in run("many.log", "--top", 0).out
    assert "t4" in run("many.log", "--top", 0).out


def test_control_characters_of_clients_are_escaped(run):
    write("odd.log", [poll(n, path="\x1b[2J.rss", status=404) for n in range(4)], "nginx")
    assert "\x1b" not in run("odd.log").out
    assert "/\\x1b[2J.rss" in run("odd.log").out


def test_days_sets_the_window(run):
    write("two.log", [poll(0, address="192.0.2.1"), poll(9 * 86_400)])
    assert json.loads(run("two.log", "--json").out)["audience"]["individuals"] == 1
    assert json.loads(run("two.log", "--days", 10, "--json").out)["audience"]["individuals"] == 2


# The feeds of the site


@pytest.mark.parametrize(
    "by", ["--source articles", "--catalog c.sqlite --base-url https://b.example/f"]
)
def test_feeds_without_readers_come_from_the_catalog(run, by: str):
    base = ("--base-url", "https://a.example/f")
    render(*(["--catalog", "c.sqlite"] if "c.sqlite" in by else []))
    write("access.log", [poll(target="/f/topics/ai.rss"), poll(target="/topics/law.rss")])
    report = json.loads(
        run("access.log", *by.split(), *(base if "source" in by else ()), "--json").out
    )
    assert [(feed["feed"], feed["title"]) for feed in report["feeds"]] == [("topics/ai", "AI")]
    assert report["feeds_without_readers"] == ["all", "topics/law"]
    assert report["other_requests"] == 1


def test_the_base_url_comes_from_the_catalog(run):
    render("--catalog", "c.sqlite")
    write("access.log", [poll(target="/f/topics/ai.rss")])
    assert json.loads(run("access.log", "--catalog", "c.sqlite", "--json").out)[
        "feeds_without_readers"
    ] == [
        "all",
        "topics/law",
    ]


def test_a_log_without_requests_for_feeds_is_reported_with_the_path(run):
    ran = run("access.log", "--base-url", "https://a.example/f")
    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert "no request is for a feed below /f/: set --base-url to" in ran.err


def test_moved_feeds_count_at_their_new_path(run):
    Path("feedhub.toml").write_text(
        '[feeds]\nmoved = ["topics/ml -> topics/machine-learning"]\n', encoding="utf-8"
    )
    write("access.log", [poll(path="topics/ml.rss"), poll(path="topics/machine-learning.rss")])
    (feed,) = json.loads(run("access.log", "--json").out)["feeds"]
    assert (feed["feed"], feed["traffic"]["requests"]) == ("topics/machine-learning", 2)


# Unreadable lines and files


def test_the_first_unreadable_lines_are_listed(run):
    bad = f"{HIDDEN} secret\n".encode() * 9 + f"{HIDDEN} - - [01/Nov/2026:10".encode()
    write("access.log", [poll(address=HIDDEN)], more=bad)
    ran = run("access.log")
    assert ran.code == 0
    what = "this is no line of an access log in the combined format or in JSON"
    lines = [*(f"access.log:{n}: {what}" for n in (2, 3, 4)), ""]
    assert ran.err == "\n".join(lines) + "feedhub: access.log: 7 more lines cannot be read\n"
    assert "; 10 lines could not be read." in ran.out
    assert "secret" not in ran.out
    assert HIDDEN not in ran.out + ran.err
    assert run("access.log", "--quiet").err == ""


def test_one_more_unreadable_line_is_singular(run):
    write("access.log", [poll()], more=b"secret\n" * 4)
    assert run("access.log").err.endswith("feedhub: access.log: 1 more line cannot be read\n")


def test_a_missing_file_is_reported_before_anything_is_read(run):
    read: list[int] = []
    with pytest.raises(ConfigError, match=r"none\.log: cannot be read"):
        analyze_logs(["access.log", "none.log"], SiteFeeds(), on_progress=read.append)
    assert read == []
    assert "no/r.html: cannot be written" in run("none.log", "--html", "no/r.html").err


def test_a_named_pipe_is_read_once(run, folder: Path):
    data = Path("access.log").read_bytes()
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(Path("pipe").write_bytes, data)
        assert json.loads(run("pipe", "--json").out)["requests"] == 1
        assert written.result() == len(data)


def test_a_truncated_compressed_file_is_reported(run):
    write("whole.gz", generate_log(1).requests)
    Path("cut.gz").write_bytes(Path("whole.gz").read_bytes()[:4_000])
    ran = run("cut.gz", "--json")
    assert ran.code == 0
    assert (
        "the file ends too early or is damaged; the lines before this one were counted\n" in ran.err
    )
    assert json.loads(ran.out)["requests"] > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("none.log", "none.log: cannot be read: No such file or directory"),
        ("odd\x1b.log", "odd\\x1b.log: cannot be read: No such file or directory"),
        ("access.log .", ".: cannot be read: Is a directory"),
        ("- -", "standard input can be read only once"),
        ("garbage", "no line could be read: the log must be in the combined format or JSON"),
        ("access.log --html no/r.html", "no/r.html: cannot be written: the folder does not exist"),
        ("access.log --html .", ".: cannot be written: Is a directory"),
        (
            "access.log --catalog none",
            "none: there is no catalog yet",
        ),
        (
            "access.log --catalog garbage",
            "garbage: the catalog cannot be read: file is not a database",
        ),
        ("access.log --source none", "none: does not exist; SOURCE is the folder of article files"),
        ("access.log --config none", "none: cannot be read: No such file or directory"),
    ],
)
def test_errors_are_one_line_with_exit_code_2(run, arguments: str, message: str):
    Path("garbage").write_text("garbage\n" * 3, encoding="utf-8")
    ran = run(*arguments.split(" "), "-q")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"feedhub: {message}")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--days 0", "--top -1", "--days x"])
def test_numbers_out_of_range_are_refused(run, option: str):
    ran = run("access.log", *option.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert option.split()[0] in ran.err


# The page


def test_the_page_is_written_in_addition_to_the_tables(run):
    ran = run("access.log", "--html", "r.html")
    page = Path("r.html").read_text(encoding="utf-8")
    assert ran.code == 0
    assert "Miniflux" in ran.out
    assert page.startswith("<!DOCTYPE html>")
    assert "Miniflux" in page
    assert HIDDEN not in page


# As a process


def feedhub(*arguments: str, **more):
    return subprocess.run(
        [sys.executable, "-m", "feedhub", "stats", *arguments], check=True, **more
    )


def test_a_log_is_read_from_a_pipe(folder: Path):
    data = Path("access.log").read_bytes() * 3
    command = [sys.executable, "-m", "feedhub", "stats", "-", "--json"]
    ran = subprocess.run(command, check=True, input=data, capture_output=True)
    assert ran.stderr == b""
    assert json.loads(ran.stdout)["requests"] == 3


def test_headings_are_bold_on_a_terminal():
    code, shown = on_terminal("stats", "access.log")
    assert code == 0
    assert "\x1b[1mFeeds\x1b[0m" in shown
    assert HIDDEN not in shown


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_progress_bar_is_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    Path("rotated.log").touch()
    logs = ["access.log", "rotated.log"]
    with console.progress("B", stats.total_size(logs)) as on_progress:
        on_progress(5)
        bar = on_progress.__self__  # type: ignore[attr-defined]
        assert (bar.n, bar.total) == (5, Path("access.log").stat().st_size)
    assert stats.total_size(["access.log", "-"]) is None
    with console.progress("B", None) as on_progress:
        assert on_progress.__self__.total is None  # type: ignore[attr-defined]
