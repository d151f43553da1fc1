"""Looking at the files of a folder: which of them are there, and which are not as they were.

A folder may hold hundreds of thousands of files, so nothing is kept of one that has not changed.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from feedhub.errors import Problem
from feedhub.sources import SourceFile
from feedhub.sources.file_rules import (
    MANIFEST,
    PassedOver,
    bad_name,
    is_asset,
    link_outside,
    unreadable,
)

# A write within this time before the scan may be followed by another that changes no stamp (git
# calls such a file racy), so its stamp is not trusted next time.
RACY_NS = 2_000_000_000
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Size, both times and inode: 32 bytes, for all of them are in memory at once.
_STAMP = struct.Struct("<qqqQ")


class OpenFolder(NamedTuple):
    """A folder on the way down: its path, "" or with a slash at the end, and what it holds.

    `names` are in order, the next one last. `special` tells of each folder and link whether it is a
    folder.
    """

    path: str
    descriptor: int
    names: list[str]
    special: dict[str, bool]


class FolderScan:
    """One look at the folder `root`, or at some paths below it.

    `real_path` returns where the file at a path is below the root, "" for outside. What is there is
    taken out of `known`, the stamps by path. `on_progress` is called for each unchanged file.
    """

    def __init__(
        self,
        root: str,
        *,
        suffixes: tuple[str, ...],
        ignore: Collection[str],
        real_path: Callable[[str], str],
        known: dict[str, bytes],
        on_progress: Callable[[], object],
    ) -> None:
        self._root = root
        self._suffixes = suffixes
        self._ignore = ignore
        self._real_path = real_path
        self._known = known
        self._on_progress = on_progress
        self._passed_over = PassedOver()
        self._wanted: dict[str, list[str]] | None = None
        self._racy_since = time.time_ns() - RACY_NS

    def run(self, paths: Iterable[str] | None = None) -> Iterator[SourceFile | Problem]:
        """Yield every file that is not as it was, in order of path, and a Problem for each bad one.

        A Problem whose path is "." or ends with a slash stands for all files below. With `paths`
        only these are looked at.
        """
        self._wanted = None if paths is None else names_by_folder(paths)
        # The open folders from the root down. Each is opened in the one above, so nothing outside
        # is listed if a link takes the place of a folder.
        chain: list[OpenFolder] = []
        try:
            yield from self._enter("", chain)
            while chain:
                below = yield from self._compare(chain[-1])
                if below is None:
                    os.close(chain.pop().descriptor)
                else:
                    yield from self._enter(f"{chain[-1].path}{below}/", chain)
        finally:
            for folder in chain:
                os.close(folder.descriptor)
        if paths is None:
            yield from self._passed_over.problems()

    def _enter(self, path: str, chain: list[OpenFolder]) -> Iterator[Problem]:
        """Open a folder, in the last one of `chain`, and add it; yield why it cannot be listed."""
        try:
            if chain:
                name = path[:-1].rpartition("/")[2]
                descriptor = os.open(name, OPEN_FOLDER, dir_fd=chain[-1].descriptor)
            else:
                descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            yield unreadable(path or ".", error)
            return
        folder = OpenFolder(path, descriptor, [], {})
        chain.append(folder)
        try:
            if self._wanted is None:
                self._list(folder)
            else:
                self._find(self._wanted.get(path, ()), folder)
        except OSError as error:
            folder.names.clear()
            yield unreadable(path or ".", error)
        folder.names.sort(reverse=True)

    def _list(self, folder: OpenFolder) -> None:
        """Add everything in a folder that counts to its names."""
        names, suffixes = folder.names, self._suffixes
        with os.scandir(folder.descriptor) as entries:
            for entry in entries:
                name = entry.name
                # Nearly all are plain articles: of each of them little may be asked.
                if (
                    name[0] != "."
                    and name.endswith(suffixes)
                    and entry.is_file(follow_symlinks=False)
                ):
                    names.append(name)
                else:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    self._add(name, folder, is_folder=is_folder, is_link=entry.is_symlink())

    def _find(self, wanted: Iterable[str], folder: OpenFolder) -> None:
        """Add these names, if they are in a folder and count, to its names."""
        for name in wanted:
            with suppress(FileNotFoundError):
                mode = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False).st_mode
                is_folder, is_link = stat.S_ISDIR(mode), stat.S_ISLNK(mode)
                self._add(name, folder, is_folder=is_folder, is_link=is_link)

    def _add(self, name: str, folder: OpenFolder, *, is_folder: bool, is_link: bool) -> None:
        if self._counts(name, folder, is_folder=is_folder):
            folder.names.append(name)
            if is_folder or is_link:
                folder.special[name] = is_folder

    def _counts(self, name: str, folder: OpenFolder, *, is_folder: bool) -> bool:
        """Return whether a name is that of an article, or of a folder that may hold some."""
        if name.startswith("."):
            return False
        if is_folder:
            return name not in self._ignore and not is_output(name, folder.descriptor)
        if name.endswith(self._suffixes) or name.lower().endswith(self._suffixes):
            return True
        self._passed_over.add(folder.path + name)
        return False

    def _compare(self, folder: OpenFolder) -> Generator[SourceFile | Problem, None, str | None]:
        """Yield what is not as it was up to the next folder, and return the name of that."""
        path, descriptor, names, special = folder
        known, racy_since, pack, look = self._known, self._racy_since, _STAMP.pack, os.stat
        while names:
            name = names.pop()
            # Nearly all names are printable, and this takes a tenth of the time.
            bad = None if name.isprintable() else bad_name(path + name)
            if bad is not None:
                if not is_asset(name):  # an article that shows an asset says what is wrong with it
                    yield bad
                continue
            if special and name in special:
                if special[name]:
                    return name
                yield from self._compare_link(path + name, name, descriptor)
                continue
            try:
                status = look(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:  # it has gone since the folder was listed
                continue
            except OSError as error:
                if not is_asset(name):
                    yield unreadable(path + name, error)
                continue
            written, changed = status.st_mtime_ns, status.st_ctime_ns
            if written >= racy_since or changed >= racy_since:
                known.pop(path + name, None)
                yield SourceFile(path + name, b"")
                continue
            stamp = pack(status.st_size, written, changed, status.st_ino)
            if known.pop(path + name, None) == stamp:
                self._on_progress()
            else:
                yield SourceFile(path + name, stamp)
        return None

    def _compare_link(
        self, path: str, name: str, descriptor: int
    ) -> Iterator[SourceFile | Problem]:
        """Yield a link if its target is not as it was, or why it is not read."""
        found: SourceFile | Problem
        try:
            status = os.stat(name, dir_fd=descriptor)
            is_young = max(status.st_mtime_ns, status.st_ctime_ns) >= self._racy_since
            found = SourceFile(path, b"" if is_young else stamp_of(status))
            if not self._real_path(path):
                found = link_outside(path)
        except OSError as error:
            found = unreadable(path, error)
        if isinstance(found, Problem):
            if not is_asset(path):
                yield found
        elif self._known.pop(path, None) == found.stamp != b"":
            self._on_progress()
        else:
            yield found


def names_by_folder(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the names that lead to these paths, by the path of their folder."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        folder = ""
        for name in path.split("/"):
            names[folder].add(name)
            folder += f"{name}/"
    return {folder: list(wanted) for folder, wanted in names.items()}


def stamp_of(status: os.stat_result) -> bytes:
    """Return what changes when a file is written or another takes its place."""
    return _STAMP.pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def is_output(folder: str, parent: int | None = None) -> bool:
    """Return whether a folder is the output of a render, which may be in the source: no articles.

    `parent` is a descriptor of the folder above, unless the path is whole.
    """
    try:
        os.stat(f"{folder}/{MANIFEST}", dir_fd=parent, follow_symlinks=False)
    except OSError:
        return False
    return True
