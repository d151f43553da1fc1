"""Running commands in this process, and the files they read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from feedhub.cli import main

BASE = ("--base-url", "https://feeds.example.org")
UNTITLED = "---\nwebUrl: https://news.example/x\ndate: 2020-06-09\nexcerpt: Words.\n---\n"


class Result(NamedTuple):
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str


def runner(capsys: pytest.CaptureFixture[str], *prefix: str) -> Callable[..., Result]:
    """Return a function that runs a command line, behind the words of `prefix`."""

    def run(*arguments: object) -> Result:
        try:
            code = main([*prefix, *map(str, arguments)])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        return Result(code, *capsys.readouterr())

    return run


def write(name: str, text: str) -> None:
    """Write a file below the folder `articles`."""
    path = Path("articles") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def is_one_line(text: str) -> bool:
    """Tell whether text is one complete line."""
    return text.count("\n") == 1 and text.endswith("\n")
