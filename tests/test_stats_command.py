"""`feedhub stats` as people call it: files, messages, tables, JSON, the page, a terminal."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from feedhub.cli import main
from feedhub.cli import stats as command
from feedhub.errors import ConfigError
from feedhub.stats import Addresses, statistics
from tests.kit import article_text
from tests.made_log import FORMATS, made_log, written
from tests.terminals import on_terminal
from tests.test_stats_counts import answer

HIDDEN = "198.51.100.77"


class Ran(NamedTuple):
    """What one command returned and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run `feedhub stats` in this process."""

    def run(*arguments: object) -> Ran:
        try:
            code = main(["stats", *map(str, arguments)])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with the log of one reader of /all.rss."""
    monkeypatch.chdir(tmp_path)
    write("access.log", [answer(address=HIDDEN)])
    return tmp_path


def write(name: str, records, form: str = "combined", more: bytes = b"") -> None:
    data = "".join(written(record, form) for record in records).encode() + more
    Path(name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def render(*more: str) -> None:
    Path("articles").mkdir(exist_ok=True)
    text = article_text("Good", topics=["AI", "Law"])
    (Path("articles") / "good.md").write_text(text, encoding="utf-8")
    assert (
        main(["render", "articles", "public", "--base-url", "https://a.example/f", "-q", *more])
        == 0
    )


def test_rotated_files_of_any_format_and_order_are_one_log(run):
    records = made_log(2).records
    parts = [records[place :: len(FORMATS)] for place in range(len(FORMATS))]
    names = [f"access.log.{place}.gz" for place in range(len(FORMATS))]
    for name, part, form in zip(names, parts, FORMATS, strict=True):
        write(name, part, form)
    write("whole.log", records)
    split, whole = run(*reversed(names), "--json"), run("whole.log", "--json")
    assert (split.code, split.err) == (0, "")
    assert json.loads(split.out) == json.loads(whole.out)
    assert json.loads(split.out)["answers"] == len(records)


def test_standard_input(run, monkeypatch: pytest.MonkeyPatch):
    data = Path("access.log").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert json.loads(run("-", "--json").out)["subscriptions"] == 1


def test_the_table(run):
    ran = run("access.log")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "1 subscription (0 told by services, 1 single reader; last 7 days)\n"
        "1 request for a feed (2026-11-01)\n"
        "100% answered with 304 (nothing new had to be sent 1 time)\n"
        "0 bytes saved by 304s (0 bytes were sent; 1 cannot be priced)\n"
        "1 answer, 1 of feeds, 0 of archives, 0 of anything else.\n"
        "Which feeds nobody reads is told with --source or --catalog.\n"
        "\n"
        "Feeds\n"
        "SUBSCRIBERS  TOLD  SINGLE  REQUESTS  304S     SENT    SAVED  FEED\n"
        "          1     0       1         1  100%  0 bytes  0 bytes  all, rss\n"
        "\n"
        "Readers\n"
        "KIND     SUBSCRIBERS  TOLD  SINGLE  REQUESTS  304S     SENT  READER\n"
        "program            1     0       1         1  100%  0 bytes  Miniflux\n"
        "\n"
        "Days\n"
        "REQUESTS  304S  SHARE OF 304S  DAY\n"
        "       1     1           100%  2026-11-01\n"
    )


def test_tables_have_as_many_rows_as_wanted(run):
    records = [answer(path=f"t{n}.{form}") for n in range(5) for form in ("rss", "atom")]
    write("many.log", records)
    assert "and 3 more: --top 0 shows all\n" in run("many.log", "--top", 2).out
    assert "t2" not in run("many.log", "--top", 2).out
    assert " more" not in run("many.log", "--top", 0).out
    assert "t4" in run("many.log", "--top", 0).out


def test_words_of_strangers_move_no_cursor(run):
    write("odd.log", [answer(n, path="\x1b[2J.rss", status=404) for n in range(4)], "nginx")
    assert "\x1b" not in run("odd.log").out
    assert "/\\x1b[2J.rss" in run("odd.log").out


def test_the_days_of_the_window(run):
    write("two.log", [answer(0, address="192.0.2.1"), answer(9 * 86_400)])
    assert json.loads(run("two.log", "--json").out)["audience"]["single"] == 1
    assert json.loads(run("two.log", "--days", 10, "--json").out)["audience"]["single"] == 2


# Which feeds there are


@pytest.mark.parametrize(
    "by", ["--source articles", "--catalog c.sqlite --base-url https://b.example/f"]
)
def test_feeds_nobody_reads_are_told_from_the_catalog(run, by: str):
    base = ("--base-url", "https://a.example/f")
    render(*(["--catalog", "c.sqlite"] if "c.sqlite" in by else []))
    write("access.log", [answer(target="/f/topics/ai.rss"), answer(target="/topics/law.rss")])
    told = json.loads(
        run("access.log", *by.split(), *(base if "source" in by else ()), "--json").out
    )
    assert [(feed["feed"], feed["title"]) for feed in told["feeds"]] == [("topics/ai", "AI")]
    assert told["unread"] == ["all", "topics/law"]
    assert told["others"] == 1


def test_a_catalog_says_where_the_feeds_lie(run):
    render("--catalog", "c.sqlite")
    write("access.log", [answer(target="/f/topics/ai.rss")])
    assert json.loads(run("access.log", "--catalog", "c.sqlite", "--json").out)["unread"] == [
        "all",
        "topics/law",
    ]


def test_where_no_feed_is_found_it_says_where_it_looked(run):
    ran = run("access.log", "--base-url", "https://a.example/f")
    assert (ran.code, ran.err.count("\n")) == (0, 1)
    assert "no answer is one of a feed below /f/: --base-url says" in ran.err


def test_feeds_that_have_moved_are_counted_where_they_are_now(run):
    Path("feedhub.toml").write_text(
        '[feeds]\nmoved = ["topics/ml -> topics/machine-learning"]\n', encoding="utf-8"
    )
    write("access.log", [answer(path="topics/ml.rss"), answer(path="topics/machine-learning.rss")])
    (feed,) = json.loads(run("access.log", "--json").out)["feeds"]
    assert (feed["feed"], feed["served"]["requests"]) == ("topics/machine-learning", 2)


# Lines that cannot be read


def test_the_first_lines_that_cannot_be_read_are_told(run):
    bad = f"{HIDDEN} secret\n".encode() * 9 + f"{HIDDEN} - - [01/Nov/2026:10".encode()
    write("access.log", [answer(address=HIDDEN)], more=bad)
    ran = run("access.log")
    assert ran.code == 0
    what = "this is no line of an access log in the combined format or in JSON"
    lines = [*(f"access.log:{n}: {what}" for n in (2, 3, 4)), ""]
    assert ran.err == "\n".join(lines) + "feedhub: access.log: 7 more lines cannot be read\n"
    assert "; 10 lines could not be read." in ran.out
    assert "secret" not in ran.out
    assert HIDDEN not in ran.out + ran.err
    assert run("access.log", "--quiet").err == ""


def test_one_more_line_is_one_line(run):
    write("access.log", [answer()], more=b"secret\n" * 4)
    assert run("access.log").err.endswith("feedhub: access.log: 1 more line cannot be read\n")


def test_what_is_not_there_is_told_before_anything_is_read(run):
    read: list[int] = []
    with pytest.raises(ConfigError, match=r"none\.log: cannot be read"):
        statistics(["access.log", "none.log"], Addresses(), on_progress=read.append)
    assert read == []
    assert "no/r.html: cannot be written" in run("none.log", "--html", "no/r.html").err


def test_a_named_pipe_is_read_once(run, folder: Path):
    data = Path("access.log").read_bytes()
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(Path("pipe").write_bytes, data)
        assert json.loads(run("pipe", "--json").out)["answers"] == 1
        assert written.result() == len(data)


def test_a_packed_file_that_ends_too_early_is_told(run):
    write("whole.gz", made_log(1).records)
    Path("cut.gz").write_bytes(Path("whole.gz").read_bytes()[:4_000])
    ran = run("cut.gz", "--json")
    assert ran.code == 0
    assert "the file ends too early or is damaged; what stands before was counted\n" in ran.err
    assert json.loads(ran.out)["answers"] > 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("none.log", "none.log: cannot be read: No such file or directory"),
        ("odd\x1b.log", "odd\\x1b.log: cannot be read: No such file or directory"),
        ("access.log .", ".: cannot be read: Is a directory"),
        ("- -", "standard input can be read only once"),
        ("garbage", "no line could be read: write the log in the combined format or in JSON"),
        ("access.log --html no/r.html", "no/r.html: cannot be written: there is no such folder"),
        ("access.log --html .", ".: cannot be written: Is a directory"),
        ("access.log --catalog none", "none: there is no catalog; feedhub render or sync makes it"),
        (
            "access.log --catalog garbage",
            "garbage: the catalog cannot be read: file is not a database",
        ),
        ("access.log --source none", "none: does not exist; SOURCE is the folder of article files"),
        ("access.log --config none", "none: cannot be read: No such file or directory"),
    ],
)
def test_what_stops_it_is_one_line_and_code_2(run, arguments: str, message: str):
    Path("garbage").write_text("garbage\n" * 3, encoding="utf-8")
    ran = run(*arguments.split(" "), "-q")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"feedhub: {message}")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("given", ["--days 0", "--top -1", "--days x"])
def test_numbers_are_checked(run, given: str):
    ran = run("access.log", *given.split())
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert given.split()[0] in ran.err


# The page


def test_the_page_is_written_beside_the_table(run):
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


def test_a_log_may_come_by_a_pipe(folder: Path):
    data = Path("access.log").read_bytes() * 3
    command = [sys.executable, "-m", "feedhub", "stats", "-", "--json"]
    ran = subprocess.run(command, check=True, input=data, capture_output=True)
    assert ran.stderr == b""
    assert json.loads(ran.stdout)["answers"] == 3


def test_on_a_terminal_heads_stand_out():
    code, shown = on_terminal("stats", "access.log")
    assert code == 0
    assert "\x1b[1mFeeds\x1b[0m" in shown
    assert HIDDEN not in shown


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_shows_how_much_was_read(monkeypatch: pytest.MonkeyPatch):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    Path("rotated.log").touch()
    with command._progress(["access.log", "rotated.log"]) as step:
        step(5)
        bar = step.__self__  # type: ignore[attr-defined]
        assert (bar.n, bar.total) == (5, Path("access.log").stat().st_size)
    with command._progress(["access.log", "-"]) as step:
        assert step.__self__.total is None  # type: ignore[attr-defined]
