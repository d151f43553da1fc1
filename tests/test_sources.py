"""The `Source` protocol is all that commands need: they work with a source that is no folder."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from feedhub.cli import main
from feedhub.errors import ConfigError, Problem
from feedhub.sources import ReadOptions, ReadResult, Source, SourceFile, open_source
from feedhub.sources.reading import read_article
from tests.kit import article_text

ADDRESS = "memory://articles"
FILES = {
    "a.md": article_text("First"),
    "b.md": article_text("Second"),
    "c.md": "---\n*alias\n---\n",
}


class MemorySource:
    """A source of texts in memory."""

    key = signature = ADDRESS
    collection = ""

    def __init__(self, address: Path, options: ReadOptions) -> None:
        self._options = options
        self._exists = address.name == "articles"

    def check(self) -> None:
        """Know one address."""
        if not self._exists:
            raise ConfigError("there is no such memory")

    def locate(self, path: str) -> str:
        """Return an address."""
        return f"{ADDRESS}/{path}"

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every text."""
        for path in FILES:
            yield SourceFile(path, b"1")

    def settle(self) -> None:
        """Return at once."""

    def read(self, path: str, now: datetime) -> ReadResult:
        """Read a text."""
        data = FILES[path].encode()
        if path == "c.md":
            return ReadResult(
                state="rejected", problems=(Problem(path=path, code="x", message="y"),)
            )
        return read_article(path, data, root="", generator="", options=self._options, now=now)

    def watch(self, stop: threading.Event, output: Path | None = None) -> Iterator[set[str] | None]:
        """Report twice, the second time that anything may have changed."""
        yield from (set(), None)


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let `open_source` return a MemorySource, as another branch of it would."""
    monkeypatch.setattr("feedhub.sources.files.FilesSource", MemorySource)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the watching commands set handlers
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_class_with_the_methods_of_source_is_a_source():
    source: Source = open_source(ADDRESS)
    assert source.key == ADDRESS


@pytest.mark.parametrize("flags", [[], ["--watch"]])
def test_render_reads_any_source(
    flags: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    assert main(["render", ADDRESS, "out", *flags]) == (0 if flags else 1)
    items = json.loads((tmp_path / "out" / "all.json").read_bytes())["items"]
    assert {item["title"] for item in items} == {"First", "Second"}
    assert f"{ADDRESS}/c.md:1: y\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["check"], ["feeds"], ["sync", "--catalog", "c.sqlite"]])
def test_every_command_locates_a_bad_file_of_any_source(
    command: list[str], capsys: pytest.CaptureFixture[str]
):
    assert main([*command, ADDRESS]) == 1
    captured = capsys.readouterr()
    assert f"{ADDRESS}/c.md:1:" in captured.out + captured.err


@pytest.mark.parametrize(
    "command", [["render", "memory://gone", "out"], ["check", "memory://gone"]]
)
def test_a_missing_source_is_exit_code_2(command: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(command) == 2
    assert "there is no such memory" in capsys.readouterr().err
