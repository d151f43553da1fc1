"""Every example of every --help, run in a shell as it is written."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from feedhub.cli import main
from feedhub.cli.registry import build_parser
from tests.kit import article_text
from tests.launching import launch
from tests.manual import examples
from tests.servers import Server, until

# Paths and addresses of a real machine, and those of the test.
TEST_PATHS = {
    "/var/lib/feedhub/": "var/",
    "/var/log/nginx/": "var/",
    "/run/feedhub/": "run/",
    "127.0.0.1:9100": "127.0.0.1:0",
}


def all_examples() -> list[str]:
    parser = build_parser()
    parsers = [parser, *parser.commands().values()]
    return list(dict.fromkeys(line for one in parsers for line in examples(one)))


def keeps_running(line: str) -> bool:
    return line.startswith("feedhub serve") or "--watch" in line


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with the files of the examples, and `feedhub` on the PATH."""
    monkeypatch.chdir(tmp_path)
    for path in ("articles", "bin", "site", "var", "run", ".zfunc"):
        Path(path).mkdir()
    for path in ("access.log", "var/feedhub.log", "var/feedhub.log.1"):
        Path(path).write_text(LINE, encoding="utf-8")
    with gzip.open("var/feedhub.log.2.gz", "wt", encoding="utf-8") as packed:
        packed.write(LINE)
    for path in (".local/share/bash-completion/completions", ".config/fish/completions"):
        Path(path).mkdir(parents=True)
    text = article_text("Good", topics=["AI", "Machine Learning"])
    Path("articles/good.md").write_text(text, encoding="utf-8")
    Path("old").mkdir()
    Path("old/feed.xml").write_text(OLD_FEED, encoding="utf-8")
    program = Path("bin/feedhub")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m feedhub "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


OLD_FEED = """<rss version="2.0"><channel><title>Old</title>
<link xmlns="http://www.w3.org/2005/Atom" rel="self" href="https://news.example/feed.xml"/><item>
<title>Good</title><link>https://news.example/good</link><guid>1</guid>
</item></channel></rss>"""
LINE = (
    '192.0.2.1 - - [20/Nov/2026:10:00:00 +0000] "GET /all.rss HTTP/1.1" 200 1000 "-" "Reader/1.0"\n'
)


def prepare(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the catalogs that other commands would have written."""
    if line.startswith("feedhub ping"):
        monkeypatch.setenv("FEEDHUB_WEBSUB_HUB", "https://hub.example/")
    if line.split()[1] in ("ping", "probe", "stats"):
        assert main(["render", "articles", "public"]) == 0
        assert main(["sync", "articles", "--catalog", "var/catalog.db"]) == 0


def with_test_paths(line: str) -> str:
    for path, own in TEST_PATHS.items():
        line = line.replace(path, own)
    return line


@pytest.mark.parametrize("line", [line for line in all_examples() if not keeps_running(line)])
def test_an_example_works_as_it_is_written(line: str, monkeypatch: pytest.MonkeyPatch):
    prepare(line, monkeypatch)
    shell = ["sh", "-c", with_test_paths(line)]
    ran = subprocess.run(shell, input=LINE, capture_output=True, text=True, check=False)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr


@pytest.mark.parametrize("line", [line for line in all_examples() if keeps_running(line)])
def test_an_example_that_keeps_running_ends_by_a_signal(
    folder: Path, line: str, monkeypatch: pytest.MonkeyPatch
):
    prepare(line, monkeypatch)
    more = " --port 0" if "serve" in line and "--uds" not in line else ""
    with launch(folder, ["sh", "-c", f"exec {with_test_paths(line)}{more}"], {}) as running:
        until(lambda: is_running(running), lambda: f"there is no output\n{running.stderr()}")
        assert running.process.poll() is None
        # `ping` has no handler for the signal: its queue is in the catalog at every moment.
        assert running.stop() in ((0, -signal.SIGTERM) if "ping" in line else (0,))


def is_running(running: Server) -> bool:
    """Tell whether a command has printed that it works, or has opened its catalog."""
    if "published" in running.stdout() or "listening on" in running.stderr():
        return True
    files = Path(f"/proc/{running.process.pid}/fd")
    opened = [str(path.readlink()) for path in files.iterdir()] if files.is_dir() else []
    return any(name.endswith("var/catalog.db-wal") for name in opened)
