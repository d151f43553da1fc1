"""A folder of article files: which there are, and how to open one without being led astray."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from feedhub.errors import ArticleError, Problem
from feedhub.sources.place import generator_of
from feedhub.sources.records import ReadOptions, ReadResult, SourceFile
from feedhub.text import NOT_SHOWN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

SUFFIXES = (".md", ".markdown", ".html", ".txt", ".yml", ".yaml")

# A write within this time before the scan may be followed by another that moves no stamp (git calls
# such a file racy), so its stamp is not believed next time.
_RACY_NS = 2_000_000_000
# Room for most files; to ask for room for the longest takes longer than to read.
_PIECE = 64 * 1024
# Raise it when the same bytes are read differently by newer code: the catalog then reads every
# file again.
_READER = 1


class _Seen(NamedTuple):
    """Something a folder holds: a file, or, with `/` at the end of its path, a folder."""

    path: str
    entry: os.DirEntry[str]


class Directory:
    """The article files below one folder.

    Hidden files and folders, the ignored folders and every other kind of file are passed over; a
    symbolic link counts only where it leads to a file inside the folder.
    """

    def __init__(self, place: Path, options: ReadOptions) -> None:
        self._place = place
        self._root = os.path.realpath(place)
        self._name = os.path.basename(self._root)  # noqa: PTH119
        self._generator = generator_of(Path(self._root))
        self._options = options

    @property
    def signature(self) -> str:
        """Return what changes when the same bytes would be read differently."""
        return f"{_READER} {self._root} {self._generator} {self._options!r}"

    def locate(self, path: str) -> str:
        """Return how a person would name the file at `path` below the folder."""
        return os.path.join(self._place, path)  # noqa: PTH118 - keeps `./` as it was typed

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every article file in order of path, and a Problem for each not to be looked at."""
        racy = time.time_ns() - _RACY_NS
        waiting = self._list("")
        while waiting:
            item = waiting.pop()
            if isinstance(item, Problem):
                yield item
            elif item.path.endswith("/"):
                waiting += self._list(item.path)
            else:
                yield from self._found(item.entry, item.path, racy)

    def _list(self, folder: str) -> list[_Seen | Problem]:
        """Return what the folder holds that is worth a look, the last first."""
        try:
            with os.scandir(os.path.join(self._root, folder)) as entries:  # noqa: PTH118
                found = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            return [_unreadable(folder or ".", error)]
        looks = (self._look(entry, folder) for entry in found if not entry.name.startswith("."))
        return [seen for seen in looks if seen]

    def _look(self, entry: os.DirEntry[str], folder: str) -> _Seen | Problem | None:
        path = folder + entry.name
        if entry.is_dir(follow_symlinks=False):
            if entry.name in self._options.ignore or _is_output(entry.path):
                return None
            return _bad_name(path) or _Seen(f"{path}/", entry)
        if entry.name.lower().endswith(SUFFIXES):
            return _bad_name(path) or _Seen(path, entry)
        return None

    def _found(
        self, entry: os.DirEntry[str], path: str, racy: int
    ) -> Iterator[SourceFile | Problem]:
        try:
            status = entry.stat()
        except OSError as error:
            if entry.is_symlink() or not isinstance(error, FileNotFoundError):
                yield _unreadable(path, error)
            return  # it has gone since the folder was listed
        if entry.is_symlink() and not self._is_inside(entry.path):
            yield _outside(path)
        elif max(status.st_mtime_ns, status.st_ctime_ns) >= racy:
            yield SourceFile(path, "")
        else:
            stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            yield SourceFile(path, " ".join(map(str, stamp)))

    def _is_inside(self, path: str) -> bool:
        return os.path.realpath(path).startswith(self._root + os.sep)

    def _real_path(self, path: str) -> str:
        """Return where the file at `path` is, or "" if a link or `..` leads out of the folder."""
        whole = os.path.join(self._root, path)  # noqa: PTH118
        if _is_direct(self._root, path):
            return whole
        whole = os.path.realpath(whole)
        # Resolved once more: a circle of links can leave others unresolved.
        return whole if self._is_inside(whole) else ""

    def read(self, path: str, now: datetime) -> ReadResult:
        """Read one file; a bad one is a rejected Reading, never an exception."""
        from feedhub.sources.reading import read_article  # parsers: most runs read nothing

        try:
            whole = self._real_path(path)
            if not whole:
                return _rejected(_outside(path))
            return read_article(
                path,
                _read_bytes(whole),
                root=self._name,
                generator=self._generator,
                options=self._options,
                now=now,
            )
        except ArticleError as error:
            return _rejected(error.at(path), withdraws=error.withdraws)
        except OSError as error:
            return _rejected(_unreadable(path, error))
        except Exception as error:  # one bad file must never stop the others
            message = f"the file cannot be read ({type(error).__name__}): please report it"
            return _rejected(Problem(path=path, code="unexpected", message=message))


def _is_direct(root: str, path: str) -> bool:
    """Say whether no link, and no `..`, lies on the way from the root to the file."""
    way = root
    for step in path.split("/"):
        way = f"{way}/{step}"
        if step in ("", ".", "..") or os.path.islink(way):  # noqa: PTH114
            return False
    return True


def _rejected(problem: Problem, *, withdraws: bool = False) -> ReadResult:
    return ReadResult(state="rejected", problems=(problem,), withdraws=withdraws)


def _unreadable(path: str, error: OSError) -> Problem:
    reason = error.strerror or type(error).__name__
    return Problem(path=path, code="unreadable", message=f"cannot be read: {reason}")


def _outside(path: str) -> Problem:
    message = "the link leads out of the folder: copy the file here instead"
    return Problem(path=path, level="warning", code="link-outside", message=message)


def _is_output(folder: str) -> bool:
    """What a render wrote into the source is no article."""
    return os.path.lexists(os.path.join(folder, ".feedhub", "manifest.json"))  # noqa: PTH118


def _bad_name(path: str) -> Problem | None:
    if not NOT_SHOWN.search(path):
        return None
    message = "the name holds characters that cannot be shown: rename it"
    return Problem(path=ascii(path)[1:-1], code="bad-name", message=message)


def _read_bytes(path: str) -> bytes:
    """Read a regular file, or at least one byte more than an article may have.

    A pipe or device put in its place neither blocks nor floods.
    """
    from feedhub.sources.frontmatter import MAX_BYTES  # loaded by now

    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ArticleError("not-a-file", "this is not a regular file: remove it or rename it")
        data = b""
        while len(data) <= MAX_BYTES and (piece := os.read(descriptor, _PIECE)):
            data += piece
        return data
    finally:
        os.close(descriptor)
