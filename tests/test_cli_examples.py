"""Every example of every --help, typed into a shell as it stands."""

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

# Places of a real machine, and what stands for them here.
ELSEWHERE = {
    "/var/lib/feedhub/": "var/",
    "/var/log/nginx/": "var/",
    "/run/feedhub/": "run/",
    "127.0.0.1:9100": "127.0.0.1:0",
}


def all_examples() -> list[str]:
    parser = build_parser()
    parsers = [parser, *parser.commands().values()]
    return list(dict.fromkeys(line for one in parsers for line in examples(one)))


def endless(line: str) -> bool:
    return line.startswith("feedhub serve") or "--watch" in line


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the files that the examples speak of, and a shell that knows feedhub."""
    monkeypatch.chdir(tmp_path)
    for place in ("articles", "bin", "site", "var", "run", ".zfunc"):
        Path(place).mkdir()
    for place in ("access.log", "var/feedhub.log", "var/feedhub.log.1"):
        Path(place).write_text(LINE, encoding="utf-8")
    with gzip.open("var/feedhub.log.2.gz", "wt", encoding="utf-8") as packed:
        packed.write(LINE)
    for place in (".local/share/bash-completion/completions", ".config/fish/completions"):
        Path(place).mkdir(parents=True)
    text = article_text("Good", topics=["AI", "Machine Learning"])
    Path("articles/good.md").write_text(text, encoding="utf-8")
    program = Path("bin/feedhub")
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m feedhub "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


LINE = (
    '192.0.2.1 - - [20/Nov/2026:10:00:00 +0000] "GET /all.rss HTTP/1.1" 200 1000 "-" "Reader/1.0"\n'
)


def prepare(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what a command finds that looks at what others have made."""
    if line.startswith("feedhub ping"):
        monkeypatch.setenv("FEEDHUB_WEBSUB_HUB", "https://hub.example/")
    if line.split()[1] in ("ping", "probe", "stats"):
        assert main(["render", "articles", "public"]) == 0
        assert main(["sync", "articles", "--catalog", "var/catalog.sqlite"]) == 0


def here(line: str) -> str:
    for place, own in ELSEWHERE.items():
        line = line.replace(place, own)
    return line


@pytest.mark.parametrize("line", [line for line in all_examples() if not endless(line)])
def test_an_example_works_as_it_is_typed(line: str, monkeypatch: pytest.MonkeyPatch):
    prepare(line, monkeypatch)
    shell = ["sh", "-c", here(line)]
    ran = subprocess.run(shell, input=LINE, capture_output=True, text=True, check=False)
    assert (ran.returncode, "Traceback" in ran.stderr) == (0, False), ran.stderr


@pytest.mark.parametrize("line", [line for line in all_examples() if endless(line)])
def test_an_example_that_goes_on_goes_on_until_it_is_ended(
    folder: Path, line: str, monkeypatch: pytest.MonkeyPatch
):
    prepare(line, monkeypatch)
    more = " --port 0" if "serve" in line and "--uds" not in line else ""
    with launch(folder, ["sh", "-c", f"exec {here(line)}{more}"], {}) as running:
        until(lambda: works(running), lambda: f"nothing is told\n{running.stderr()}")
        assert running.process.poll() is None
        # What talks to a hub keeps all it knows at every moment, and ends by the signal itself.
        assert running.stop() in ((0, -signal.SIGTERM) if "ping" in line else (0,))


def works(running: Server) -> bool:
    """Tell whether a command says that it is at work, or, where it says nothing, looks."""
    if "published" in running.stdout() or "listening on" in running.stderr():
        return True
    files = Path(f"/proc/{running.process.pid}/fd")
    opened = [str(place.readlink()) for place in files.iterdir()] if files.is_dir() else []
    return any(name.endswith("var/catalog.sqlite-wal") for name in opened)
