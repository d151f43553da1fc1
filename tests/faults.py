"""Make system calls of a render fail, or its process die, and look at what is left."""

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
from typing import IO, Any

from tests.kit import NOW, article_text, files_below, make_bench, without_feed_dates
from tests.renders import render_bench

CALLS = ("write", "replace", "mkdir", "unlink", "fsync", "rmdir")


@dataclass
class TwoStates:
    """One source in two states, and the files that an undisturbed render writes of each."""

    root: Path
    sources: tuple[dict[str, str], ...]
    clean: list[dict[str, bytes]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.root / "public"

    @property
    def arguments(self) -> list[str]:
        """The command line that renders the source."""
        catalog = self.root / "catalog.sqlite"
        paths = [str(self.root / "articles"), str(self.out), "--catalog", str(catalog)]
        return ["render", *paths, "--base-url", "https://feeds.example.org"]

    def switch(self, number: int) -> None:
        """Bring the source into one of the states; each file is replaced atomically."""
        folder, wanted = self.root / "articles", self.sources[number]
        folder.mkdir(exist_ok=True)
        for name, text in wanted.items():
            (folder / ".new").write_text(text, encoding="utf-8")
            (folder / ".new").replace(folder / name)
        for path in folder.iterdir():
            if path.name not in wanted:
                path.unlink()

    def incomplete(self) -> list[str]:
        """Return the paths of files that are of neither state, or missing though both have them."""
        found = self.output()
        old, new = self.clean
        wrong = [path for path, body in found.items() if body not in (old.get(path), new.get(path))]
        return wrong + [path for path in old.keys() & new.keys() if path not in found]

    def output(self) -> dict[str, bytes]:
        """Return the published files of the output, by path."""
        return public(files_below(self.out))


def public(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return files without those that feedhub keeps for itself, and without the dates of feeds."""
    return {
        path: without_feed_dates(path, body)
        for path, body in files.items()
        if not path.startswith(".feedhub/")
    }


def make_states(root: Path, **overrides: Any) -> TwoStates:
    """Return two states that differ in edits, a new article, a withdrawn one and archives."""
    one = {f"{n}.md": _text(f"Title {n}", n, ["AI"]) for n in range(4)}
    two = {f"{n}.md": _text(f"Title {n} again", n, ["AI"]) for n in range(1, 4)}
    two["9.md"] = _text("Title 9", 9, ["AI"])
    states = TwoStates(root, (one, two))
    for number in (0, 1):
        folder = root / f"clean{number}"
        bench = make_bench(folder, **overrides)
        for name, text in states.sources[number].items():
            bench.write(name, text)
        render_bench(bench, folder / "public", NOW)
        states.clean.append(public(files_below(folder / "public")))
        bench.catalog.close()
    return states


def _text(title: str, number: int, topics: list[str]) -> str:
    day = f"20{10 + number}-01-01T00:00:00Z"
    return article_text(
        title, publishedDateTime=day, updatedDateTime=f"2026-01-0{number + 1}", topics=topics
    )


class Fault:
    """Counts calls and runs `action` at the `at`-th; `triggered` is true from then on."""

    def __init__(self, at: int, action: Callable[[], object]) -> None:
        self._left = at
        self._action = action
        self.triggered = False

    def count_call(self) -> None:
        """Count one call."""
        self._left -= 1
        if self._left == 0:
            self.triggered = True
            self._action()


@contextmanager
def fault(call: str, at: int, action: Callable[[], object]) -> Iterator[Fault]:
    """Run `action` at the `at`-th call of one kind within; of a write, half is done by then."""
    counted = Fault(at, action)
    owner: Any = pathlib.Path if call == "write" else os
    name = "write_bytes" if call == "write" else call
    real = getattr(owner, name)

    def counting(*arguments: Any, **options: Any) -> Any:
        if call == "write":
            real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        counted.count_call()
        return real(*arguments, **options)

    setattr(owner, name, counting)
    try:
        yield counted
    finally:
        setattr(owner, name, real)


def os_error(code: int) -> Callable[[], object]:
    """Return an action that raises the OSError of a number."""

    def action() -> None:
        raise OSError(code, os.strerror(code), "somewhere")

    return action


def kill_this_process() -> None:
    """End this process at once, as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


CODES = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT)


def without_coverage() -> dict[str, str]:
    """Return the environment for a process that coverage must not measure."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


FORK_SERVER = """
import os, signal, sys
from feedhub.cli import main
from feedhub.sources import files
from tests.patterns import modules
modules()
files.SETTLE_SECONDS = files.QUIET_NS = 0
from tests.faults import kill_this_process, fault
import brotli, comrak, markdown_it
sys.stdout = open(os.devnull, "w")
for line in sys.stdin:
    call, at, *arguments = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if not child and call == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(main(arguments))
    if not child:
        with fault(call, int(at), kill_this_process):
            code = main(arguments)
        os._exit(code)
    os.write(3, b"%d\\n" % child)
    os.write(3, b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


class ForkServer:
    """A process that has imported everything and forks a child for each command, to be killed."""

    def __init__(self, stderr: IO[bytes] | None = None) -> None:
        """Start the process; `stderr` is where the commands write errors."""
        reading, writing = os.pipe()
        command = f"import os; os.dup2({writing}, 3)\n{FORK_SERVER}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", command],
            stdin=subprocess.PIPE,
            stderr=stderr,
            text=True,
            pass_fds=[writing],
            env=without_coverage(),
            cwd=Path(__file__).parent.parent,
        )
        os.close(writing)
        self._answers = os.fdopen(reading)

    def start(self, arguments: list[str], call: str = "write", at: int = 0) -> int:
        """Start a command that dies at the `at`-th call, 0 for never; return its process id.

        The call "stop" stops it before it begins; SIGCONT lets it go on.
        """
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
