"""The source that is a folder of article files: list it, read from it safely, watch it."""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path

from feedhub.errors import ArticleError, ConfigError, Problem
from feedhub.sources import ReadOptions, ReadResult, SourceFile
from feedhub.sources.adopted_ids import AdoptedIds
from feedhub.sources.file_rules import (
    bad_name,
    ending_of,
    is_asset,
    link_outside,
    signature_of,
    suffixes_of,
)
from feedhub.sources.folder_scan import OPEN_FOLDER, FolderScan, stamp_of
from feedhub.sources.generators import CONFIG_FILES, find_generator

# Pictures, audio and video are copied in pieces of this size.
PIECE_BYTES = 1024 * 1024
# A checkout deletes a file before it writes it again. What is deleted for good is withdrawn within
# three seconds in a watch all the same.
SETTLE_SECONDS = 1.75
# Git is given this long to end what it has begun. An older lock was left by one that crashed.
MAX_LOCK_SECONDS, LOCK_POLL_SECONDS = 10.0, 0.05
# Between two writes of one who writes in place, a file looks whole. So one is read when it has been
# at rest for this long, which on a busy machine is longer than such a writer waits for its turn.
QUIET_NS = 100_000_000
MAX_READS = 4

# What opening a link says where none may be followed: Linux has one for files and one for folders.
LINK_ERRORS = (errno.ELOOP, errno.ENOTDIR)
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FilesSource:
    """The article files below one folder.

    Hidden files and folders, the ignored folders and every other kind of file are passed over; a
    symbolic link counts only where it leads to a file inside the folder.
    """

    def __init__(self, folder: Path, options: ReadOptions) -> None:
        self._folder = folder
        self._root = os.path.realpath(folder)
        self._name = os.path.basename(self._root)  # noqa: PTH119
        self._generator = find_generator(self._has)
        # A link keeps its own name in ids: it may be led to another folder, as a deployment does.
        named = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119
        if not options.collection and named != self._name:
            options = replace(options, collection=named)
        self._options = options
        self._suffixes = suffixes_of(options)

    def _has(self, path: str) -> bool:
        return os.path.lexists(f"{self._root}/{path}")

    @property
    def key(self) -> str:
        """Return the real path of the folder."""
        return self._root

    @property
    def collection(self) -> str:
        """Return the configured name of the collection, else that of the folder."""
        return self._options.collection or self._name

    @property
    def adopted(self) -> AdoptedIds:
        """Return the ids of an earlier feed."""
        return self._options.adopted

    @property
    def signature(self) -> str:
        """Return a text that changes when the same bytes would be read differently."""
        root = os.fsencode(self._root)
        return signature_of(self._options, root=root, generator=self._generator.name)

    def check(self) -> None:
        """Raise ConfigError where there is no folder."""
        if not self._folder.is_dir():
            reason = "is not a folder" if self._folder.exists() else "does not exist"
            raise ConfigError(f"{self._folder}: {reason}; SOURCE is the folder of article files")

    def locate(self, path: str) -> str:
        """Return the path of a file as it continues the path of the folder."""
        whole = os.path.join(self._folder, path)  # noqa: PTH118 - 2 µs instead of 10
        return os.path.normpath(whole) if path.startswith("../") else whole

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every article file in order of path, and a Problem for each that cannot be opened.

        A Problem whose path is "." or ends with a slash stands for all files below.
        """
        return self.compare({})

    def compare(
        self,
        known: dict[str, bytes],
        paths: Collection[str] | None = None,
        on_progress: Callable[[], object] = lambda: None,
    ) -> Iterator[SourceFile | Problem]:
        """Yield the files whose stamp is not that in `known`, and Problems, in order of path.

        Each file that is there is taken out of `known`. With `paths` only these files are looked
        at. `on_progress` is called for each unchanged one.
        """
        if self._generator:
            yield self._generator.problem
        yield from FolderScan(
            self._root,
            suffixes=self._suffixes,
            ignore=self._options.ignore,
            real_path=self.real_path,
            known=known,
            on_progress=on_progress,
        ).run(paths)

    def real_path(self, path: str) -> str:
        """Return where the file at `path` is below the root, or "" if it is outside."""
        whole = os.path.realpath(os.path.join(self._root, path))  # noqa: PTH118
        # Resolved once more: a circle of links can leave others unresolved.
        inside = os.path.realpath(whole).startswith(self._root + os.sep)
        return whole.removeprefix(self._root + os.sep) if inside else ""

    def open_file(self, path: str) -> int:
        """Return a descriptor of the file at `path`, or -1 if a link or `..` leads out of the root.

        A link to a file inside is followed. What its path was found to be, and every other path, is
        opened without one, so a link that is put in the place of a folder meanwhile leads nowhere.
        """
        try:
            return open_below(self._root, path)
        except OSError as error:
            if error.errno not in LINK_ERRORS:
                raise
            real = self.real_path(path)
            if not real:
                return -1
        return open_below(self._root, real)

    def settle(self) -> None:
        """Wait until a checkout that is under way has ended, and what it moves is there again."""
        time.sleep(SETTLE_SECONDS)
        root, end = Path(self._root), time.time() + MAX_LOCK_SECONDS
        for lock in (above / ".git/index.lock" for above in (root, *root.parents)):
            with suppress(OSError):  # there is none, or no longer
                while time.time() < min(end, lock.stat().st_mtime + MAX_LOCK_SECONDS):
                    time.sleep(LOCK_POLL_SECONDS)

    def read(self, path: str, now: datetime) -> ReadResult:
        """Read one file; a bad file is a rejected ReadResult, never an exception."""
        return ReadResult(state="asset") if is_asset(path) else self._read_article(path, now=now)

    @cached_property
    def _read_article(self) -> Callable[..., ReadResult]:
        # Imported here, and once, because it loads the parsers, and most runs need none.
        from feedhub.sources.assets import place_finder
        from feedhub.sources.frontmatter import MAX_BYTES
        from feedhub.sources.reading import read_file

        def load(path: str) -> bytes | Problem:
            descriptor = self.open_file(path)
            return link_outside(path) if descriptor < 0 else read_bytes(descriptor, MAX_BYTES)

        return partial(
            read_file,
            load=load,
            root=self._name,  # whatever the collection is called: in `_drafts` all are drafts
            generator=self._generator.name,
            options=self._options,
            place_of=place_finder(self._options, self.has, self.read_asset),
        )

    def read_asset(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a picture, audio or video file in pieces.

        Raises OSError and ArticleError.
        """
        descriptor = self.open_file(path)
        if descriptor < 0:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        yield from read_pieces(descriptor)

    def has(self, path: str) -> bool:
        """Return whether there is a file below the folder that is not empty."""
        try:
            descriptor = self.open_file(path)
        except (OSError, ValueError):  # a name that no file can have
            return False
        if descriptor < 0:
            return False
        status = os.fstat(descriptor)
        os.close(descriptor)
        return stat.S_ISREG(status.st_mode) and status.st_size > 0

    def watch(self, stop: threading.Event, output: Path | None = None) -> Iterator[set[str] | None]:
        """Yield, several times a second until `stop` is set, the paths of the files that changed.

        None stands for anything. A link or a new folder in the place of the old one is followed.
        """
        return self.watch_all(stop, output, self._kind_of)

    def watch_all(
        self, stop: threading.Event, output: Path | None, kind_of: Callable[[str], str]
    ) -> Iterator[set[str] | None]:
        """Yield what `watch` does, of the files of which `kind_of` says that they count."""
        from feedhub.sources.folder_watch import watch_folder  # most commands do not watch

        ignore = self._options.ignore
        return watch_folder(self._folder, stop, ignore=ignore, output=output, kind_of=kind_of)

    def _kind_of(self, path: str) -> str:
        """Return what depends on a file, as FolderWatch wants to know it."""
        if path.lower().endswith(self._suffixes):
            return "file" if bad_name(path) is None else "other"
        return "other" if path in CONFIG_FILES or ending_of(path) else ""


def open_below(root: str, path: str) -> int:
    """Open a file for reading, folder by folder below `root`; raises OSError if one is a link."""
    *folders, name = path.split("/")
    if not {"", ".", ".."}.isdisjoint((*folders, name)):
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not folders:
        return os.open(f"{root}/{name}", _OPEN_FILE)
    parent = os.open(f"{root}/{folders[0]}", OPEN_FOLDER)
    try:
        for folder in folders[1:]:
            child = os.open(folder, OPEN_FOLDER, dir_fd=parent)
            os.close(parent)
            parent = child
        return os.open(name, _OPEN_FILE, dir_fd=parent)
    finally:
        os.close(parent)


def read_bytes(descriptor: int, max_bytes: int) -> bytes:
    """Read and close a regular file: all of it, or at least a byte more than `max_bytes`.

    A pipe or device put in the file's place neither blocks nor floods. What is written meanwhile is
    read again; raises ArticleError where that does not end.
    """
    try:
        for _ in range(MAX_READS):
            before, data = os.fstat(descriptor), b""
            if not stat.S_ISREG(before.st_mode):
                raise not_a_file()
            size = min(before.st_size, max_bytes + 1)
            while len(data) < size and (chunk := os.read(descriptor, size - len(data))):
                data += chunk
            if _is_at_rest(before) and stamp_of(before) == stamp_of(os.fstat(descriptor)):
                return data
            time.sleep(QUIET_NS / 1e9)
            os.lseek(descriptor, 0, os.SEEK_SET)
        message = "it is being written again and again; the last good version stays until it is not"
        raise ArticleError("being-written", message)
    finally:
        os.close(descriptor)


def read_pieces(descriptor: int) -> Iterator[bytes]:
    """Yield the bytes of a regular file in pieces, and close it.

    Raises ArticleError where it is being written: a file may be too large to read it again.
    """
    with open(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise not_a_file()
        if not _is_at_rest(before):
            time.sleep(QUIET_NS / 1e9)
        while chunk := file.read(PIECE_BYTES):
            yield chunk
        if stamp_of(before) != stamp_of(os.fstat(descriptor)):
            raise ArticleError("being-written", "it is being written: the next run copies it")


def not_a_file() -> ArticleError:
    """Return the error of a pipe or device."""
    return ArticleError("not-a-file", "this is not a regular file: remove it or rename it")


def _is_at_rest(status: os.stat_result) -> bool:
    return not 0 <= time.time_ns() - status.st_mtime_ns < QUIET_NS
