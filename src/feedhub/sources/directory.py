"""A folder of article files: which files there are, and how to open one without being led astray."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from feedhub.errors import ArticleError, Problem
from feedhub.sources.frontmatter import MAX_BYTES
from feedhub.sources.reading import read_article
from feedhub.sources.records import Found, Reading, ReadOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

SUFFIXES = (".md", ".markdown", ".html", ".txt", ".yml", ".yaml")

# A write within this time before the scan may be followed by another that moves no stamp (git calls such a
# file racy), so its stamp is not believed next time.
_RACY_NS = 2_000_000_000
# Raise it when the same bytes are read differently by newer code: the catalog then reads every file again.
_READER = 1


class Directory:
    """The article files below one folder.

    Hidden files and folders, the ignored folders and every other kind of file are passed over; a symbolic link
    counts only where it leads to a file inside the folder.
    """

    def __init__(self, place: Path, options: ReadOptions) -> None:
        self._place = place
        self._root = os.path.realpath(place)
        self._options = options

    @property
    def signature(self) -> str:
        """Return what changes when the same bytes would be read differently."""
        return f"{_READER} {self._root} {self._options!r}"

    def locate(self, path: str) -> str:
        """Return how a person would name the file at `path` below the folder."""
        return os.path.join(self._place, path)  # noqa: PTH118 - keeps `./` as it was typed

    def scan(self) -> Iterator[Found | Problem]:
        """Yield every article file in order of path, and a Problem for each that cannot be looked at."""
        yield from self._scan("", time.time_ns() - _RACY_NS)

    def _scan(self, below: str, racy: int) -> Iterator[Found | Problem]:
        try:
            with os.scandir(os.path.join(self._root, below)) as entries:  # noqa: PTH118
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield _unreadable(below or ".", error)
            return
        for entry in found:
            if not entry.name.startswith("."):
                yield from self._look(entry, below + entry.name, racy)

    def _look(self, entry: os.DirEntry[str], path: str, racy: int) -> Iterator[Found | Problem]:
        if not path.isprintable():
            message = "the name holds characters that cannot be shown: rename the file"
            yield Problem(path=ascii(path)[1:-1], code="bad-name", message=message)
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in self._options.ignore:
                yield from self._scan(f"{path}/", racy)
        elif entry.name.lower().endswith(SUFFIXES):
            yield self._found(entry, path, racy)

    def _found(self, entry: os.DirEntry[str], path: str, racy: int) -> Found | Problem:
        try:
            status = entry.stat()
            if entry.is_symlink() and not self._is_inside(entry.path):
                message = "the link leads out of the folder: copy the file here instead"
                return Problem(path=path, level="warning", code="link-outside", message=message)
        except OSError as error:
            return _unreadable(path, error)
        if max(status.st_mtime_ns, status.st_ctime_ns) >= racy:
            return Found(path, "")
        return Found(path, f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}")

    def _is_inside(self, path: str) -> bool:
        return os.path.realpath(path).startswith(self._root + os.sep)

    def read(self, path: str, now: datetime) -> Reading:
        """Read one file; a bad one is a rejected Reading, never an exception."""
        try:
            data = _read_bytes(os.path.realpath(os.path.join(self._root, path)))  # noqa: PTH118
            name = os.path.basename(self._root)  # noqa: PTH119
            return read_article(path, data, root=name, options=self._options, now=now)
        except ArticleError as error:
            return _rejected(error.at(path), withdraws=error.withdraws)
        except OSError as error:
            return _rejected(_unreadable(path, error))
        except Exception as error:  # one bad file must never stop the others
            message = f"the file cannot be read ({type(error).__name__}): please report it"
            return _rejected(Problem(path=path, code="unexpected", message=message))


def _rejected(problem: Problem, *, withdraws: bool = False) -> Reading:
    return Reading(state="rejected", problems=(problem,), withdraws=withdraws)


def _unreadable(path: str, error: OSError) -> Problem:
    reason = error.strerror or type(error).__name__
    return Problem(path=path, code="unreadable", message=f"cannot be read: {reason}")


def _read_bytes(path: str) -> bytes:
    """Read a regular file of bounded size; a pipe or device put in its place neither blocks nor floods."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ArticleError("not-a-file", "this is not a regular file: remove it or rename it")
        if status.st_size > MAX_BYTES:
            message = f"the file is larger than {MAX_BYTES // 1024} KiB: shorten it"
            raise ArticleError("too-large", message)
        return file.read(MAX_BYTES + 1) or b""
