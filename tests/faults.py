"""What goes wrong beneath a render: calls that fail, processes that die, and what is left then."""

from __future__ import annotations

import errno
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kit import NOW, article_text, files_below, make_bench
from tests.renders import render_bench

CALLS = ("write", "replace", "mkdir", "unlink", "fsync", "rmdir")


@dataclass
class Generations:
    """One source in two states, and what a clean render makes of each."""

    root: Path
    sources: tuple[dict[str, str], ...]
    clean: list[dict[str, bytes]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.root / "public"

    @property
    def arguments(self) -> list[str]:
        """The command that brings the output up to the source."""
        catalog = self.root / "catalog.sqlite"
        places = [str(self.root / "articles"), str(self.out), "--catalog", str(catalog)]
        return ["render", *places, "--base-url", "https://feeds.example.org"]

    def switch(self, number: int) -> None:
        """Make the source that of one generation; every file of it appears at once."""
        folder, wanted = self.root / "articles", self.sources[number]
        folder.mkdir(exist_ok=True)
        for name, text in wanted.items():
            (folder / ".new").write_text(text, encoding="utf-8")
            (folder / ".new").replace(folder / name)
        for place in folder.iterdir():
            if place.name not in wanted:
                place.unlink()

    def is_whole(self, path: str, body: bytes) -> bool:
        """Tell whether a file's bytes are those of one generation or the other."""
        return body in (self.clean[0].get(path), self.clean[1].get(path))

    def torn(self) -> list[str]:
        """Return what is neither old nor new, and what is missing though both have it."""
        found = self.standing()
        both = self.clean[0].keys() & self.clean[1].keys()
        wrong = [path for path, body in found.items() if not self.is_whole(path, body)]
        return wrong + [path for path in both if path not in found]

    def standing(self) -> dict[str, bytes]:
        """Return every file of the output but feedhub's own."""
        return public(files_below(self.out))


def public(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave feedhub's own files out."""
    return {path: body for path, body in files.items() if not path.startswith(".feedhub/")}


def make_generations(root: Path, **overrides: Any) -> Generations:
    """Return two states that differ in edits, a new article, a withdrawn one and archives."""
    one = {f"{n}.md": _text(f"Title {n}", n, ["AI"]) for n in range(4)}
    two = {f"{n}.md": _text(f"Title {n} again", n, ["AI"]) for n in range(1, 4)}
    two["9.md"] = _text("Title 9", 9, ["AI"])
    generations = Generations(root, (one, two))
    for number in (0, 1):
        folder = root / f"clean{number}"
        bench = make_bench(folder, **overrides)
        for name, text in generations.sources[number].items():
            bench.write(name, text)
        render_bench(bench, folder / "public", NOW)
        generations.clean.append(public(files_below(folder / "public")))
        bench.catalog.close()
    return generations


def _text(title: str, number: int, topics: list[str]) -> str:
    day = f"20{10 + number}-01-01T00:00:00Z"
    return article_text(
        title, publishedDateTime=day, updatedDateTime=f"2026-01-0{number + 1}", topics=topics
    )


# Calls that fail, or at which the process dies


class Fault:
    """Lets calls of one kind pass until the `at`-th, then does `strike`; `struck` tells whether."""

    def __init__(self, at: int, strike: Callable[[], object]) -> None:
        self._left = at
        self._strike = strike
        self.struck = False

    def pass_(self) -> None:
        """Count one call."""
        self._left -= 1
        if self._left == 0:
            self.struck = True
            self._strike()


@contextmanager
def fault(call: str, at: int, strike: Callable[[], object]) -> Iterator[Fault]:
    """Strike at the `at`-th call of one kind within; a write is half done by then."""
    counted = Fault(at, strike)
    owner: Any = pathlib.Path if call == "write" else os
    name = "write_bytes" if call == "write" else call
    real = getattr(owner, name)

    def counting(*arguments: Any, **options: Any) -> Any:
        if call == "write":
            real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        counted.pass_()
        return real(*arguments, **options)

    setattr(owner, name, counting)
    try:
        yield counted
    finally:
        setattr(owner, name, real)


def failing(code: int) -> Callable[[], object]:
    """Return a strike that raises what the system would."""

    def strike() -> None:
        raise OSError(code, os.strerror(code), "somewhere")

    return strike


def dying() -> None:
    """Die as of a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


CODES = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT)


def unmeasured() -> dict[str, str]:
    """Return the environment without what makes coverage measure a process, and write in it."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


_NURSERY = """
import os, sys
from feedhub.cli import main, render as _
from feedhub.formats import atom, jsonfeed, opml, rss
from feedhub.sources import reading
from feedhub import render
from tests.faults import dying, fault
import brotli, markdown_it
sys.stdout = open(os.devnull, "w")
for line in sys.stdin:
    call, at, *arguments = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if not child:
        with fault(call, int(at), dying):
            code = main(arguments)
        os._exit(code)
    os.write(3, b"%d\\n" % child)
    os.write(3, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


class Nursery:
    """A process that has everything loaded and forks a child for each command, to be killed."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        command = f"import os; os.dup2({writing}, 3)\n{_NURSERY}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", command],
            stdin=subprocess.PIPE,
            text=True,
            pass_fds=[writing],
            env=unmeasured(),
            cwd=Path(__file__).parent.parent,
        )
        os.close(writing)
        self._answers = os.fdopen(reading)

    def start(self, arguments: list[str], call: str = "write", at: int = 0) -> int:
        """Start a command that dies at the `at`-th call, 0 for never; return its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write("\t".join([call, str(at), *arguments]) + "\n")
        self._process.stdin.flush()
        return int(self._answers.readline())

    def wait(self) -> int:
        """Return the exit code of the command, negative for a signal."""
        return int(self._answers.readline())

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._answers.close()
