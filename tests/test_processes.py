"""feedhub in its own process: pipes, terminals, signals, and the modules it loads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults import without_coverage
from tests.kit import article_text
from tests.terminals import read_all, terminal

BASE = ("--base-url", "https://feeds.example.org")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new current folder, with a folder `articles` of one good article."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    Path("articles").mkdir()
    write("good.md", article_text("Good", topics=["AI"]))
    return tmp_path


def write(name: str, text: str) -> None:
    (Path("articles") / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("arguments", ["feeds articles", "check articles"])
def test_a_closed_pipe_is_no_error(arguments: str):
    write("bad.md", "---\npublished: perhaps\n---\n")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        ran = subprocess.run(
            [sys.executable, "-m", "feedhub", *arguments.split()],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert "Broken" not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.returncode == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_one_line():
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "feedhub", "feeds", "articles"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (
        2,
        "feedhub: the output cannot be written: No space left on device\n",
    )


def test_non_ascii_labels_print_in_any_encoding():
    write("ka.md", article_text("Ka", topics=["日本"]))
    ran = subprocess.run(
        [sys.executable, "-m", "feedhub", "feeds", "articles"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert r"\u65e5\u672c" in ran.stdout


@pytest.mark.usefixtures("default_sigint")
def test_ctrl_c_ends_a_process_quietly():
    with subprocess.Popen(
        [sys.executable, "-c", SLOW_FEEDS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


def test_the_tests_pass_where_sigint_is_ignored():
    """A shell ignores it for background jobs, such as `make test &`."""
    test = f"{__file__}::{test_ctrl_c_ends_a_process_quietly.__name__}"
    command = f"trap '' INT; exec {sys.executable} -m pytest -q -p no:cacheprovider {test}"
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT,
        env=without_coverage(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, "1 passed" in ran.stdout) == (0, True), ran.stdout


SLOW_FEEDS = """
import sys, time
from feedhub.cli import feeds, main
def slow(options):
    print("begun", flush=True)
    time.sleep(30)
feeds.run = slow
sys.exit(main(["feeds", "articles"]))
"""

SLOW_BAR = """
import time
from feedhub.cli.console import progress
with progress() as step:
    for _ in range(8):
        time.sleep(0.1)
        step()
"""


def test_the_progress_bar_shows_on_a_terminal():
    main_end, screen = terminal()
    with subprocess.Popen([sys.executable, "-c", SLOW_BAR], stderr=screen) as process:
        os.close(screen)
        shown = read_all(main_end)
    assert process.returncode == 0
    assert "files" in shown


def test_there_is_no_progress_bar_in_a_pipe():
    ran = subprocess.run([sys.executable, "-c", SLOW_BAR], capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"", b"")


def test_quick_work_shows_no_progress_bar():
    main_end, screen = terminal()
    quick = SLOW_BAR.replace("0.1", "0")
    with subprocess.Popen([sys.executable, "-c", quick], stderr=screen) as process:
        os.close(screen)
        assert read_all(main_end) == ""
    assert process.returncode == 0


def test_two_renders_at_once_succeed_or_are_refused():
    arguments = [sys.executable, "-m", "feedhub", "render", "articles", "public", *BASE]
    pair = [subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[1] for process in pair]
    assert 0 in {process.returncode for process in pair}
    for process, text in zip(pair, outputs, strict=True):
        assert process.returncode in {0, 2}
        assert text == ("" if process.returncode == 0 else ANOTHER)
    assert subprocess.run(arguments, check=True).returncode == 0


ANOTHER = "feedhub: public: another render is writing here; wait for it\n"


# What is imported

LOADED = """
import sys
from feedhub.cli import main
try:
    code = main(sys.argv[1:])
except SystemExit as left:
    code = left.code
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def loaded_by(*arguments: str) -> set[str]:
    """Return the top-level modules that a command loads."""
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=without_coverage(),
    )
    return set(ran.stderr.split())


# What single commands need, or a terminal.
FOR_SOME = {"httpx", "httpcore", "imagesize", "shtab", "wcwidth"}


def test_the_version_needs_no_library():
    libraries = {"lxml", "yaml", "msgspec", "sqlite3", "feedgen", "markdown_it", "nh3", "regex"}
    libraries |= {"comrak"} | FOR_SOME
    assert not loaded_by("--version") & libraries


def test_a_render_without_changes_needs_no_parser_and_no_writer():
    libraries = {"lxml", "feedgen", "jinja2", "markdown_it", "yaml", "nh3", "brotli", "tqdm"}
    libraries |= {"cachetools", "comrak", "email", "tempfile", "inotify_simple"} | FOR_SOME
    old = time.time() - 3600
    os.utime("articles/good.md", (old, old))
    arguments = ("render", "articles", "public", *BASE)
    assert libraries & loaded_by(*arguments), "the first render loads some"
    time.sleep(2.1)  # until the first reading is old enough to be believed
    loaded_by(*arguments)
    assert not loaded_by(*arguments) & libraries
