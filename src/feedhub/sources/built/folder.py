"""The files of a built site, opened safely: no link out of it, no pipe, nothing too large."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from feedhub.sources import ReadOptions
from feedhub.sources.files import FilesSource
from feedhub.sources.folder_scan import stamp_of

MAX_PAGE_BYTES = 8 * 1024 * 1024
# A generator empties the folder first, and writes for a while.
QUIET_SECONDS, MAX_WAIT_SECONDS, POLL_SECONDS = 2.0, 60.0, 0.25
# Looking at more files than this, again and again, would take longer than the pauses between.
MAX_FILES_TO_WATCH = 50_000


class SiteFolder:
    """The folder `root`, a real path. Paths are relative to it, with slashes."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._files = FilesSource(Path(root), ReadOptions())
        # A render may write its output into the site: it holds no pages and no feed of the site.
        self._is_output = lru_cache(maxsize=None)(
            lambda folder: os.path.lexists(f"{root}/{folder}.feedhub/manifest.json")
        )

    def forget(self) -> None:
        """Look again where the output of a render is."""
        self._is_output.cache_clear()

    def status(self, path: str) -> os.stat_result | None:
        """Return the status of a file of the site, or None where there is none."""
        try:
            with self._open(path) as file:
                return os.fstat(file.fileno())
        except OSError:
            return None

    def _open(self, path: str) -> BinaryIO:
        """Open a regular file of the site; raises OSError where there is none."""
        folders = path.split("/")[:-1]
        parents = ["/".join(folders[:end]) + "/" for end in range(1, len(folders) + 1)]
        if not is_plain(path) or any(map(self._is_output, parents)):
            raise no_file(path)
        descriptor = self._files.open_file(path)
        if descriptor < 0:  # a link leads out of the site
            raise no_file(path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise no_file(path)
        return os.fdopen(descriptor, "rb")

    def read(self, path: str, limit: int = MAX_PAGE_BYTES) -> bytes:
        """Return the first `limit` bytes of a file; raises OSError where it cannot be read."""
        with self._open(path) as file:
            return file.read(limit)

    def read_or_nothing(self, path: str) -> bytes:
        """Return the bytes of a page, none if it has gone meanwhile."""
        try:
            return self.read(path)
        except OSError:
            return b""

    def find(self, address: str, prefix: str = "") -> str:
        """Return the path of the file at an address, or "".

        Scheme, host and the path `prefix` count for nothing: a site may be built for anywhere.
        """
        return next(filter(self.status, file_names(address, prefix)), "")

    def folders(self) -> list[str]:
        """Return the names of the folders directly in the site, in order."""
        try:
            with os.scandir(self.root) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        return sorted(name for name in names if is_plain(name) and not self._is_output(f"{name}/"))

    def walk(self) -> Iterator[os.DirEntry[str]]:
        """Yield every file and folder of the site but hidden ones and those of an output."""
        stack = [""]
        while stack:
            folder = stack.pop()
            try:
                with os.scandir(f"{self.root}/{folder}") as entries:
                    found = list(entries)
            except OSError:
                continue
            for entry in found:
                path = f"{folder}{entry.name}/"
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if self._is_output(path):
                        continue
                    stack.append(path)
                yield entry

    def wait_until_quiet(self) -> None:
        """Return when nothing in the site has changed for two seconds, or after a minute."""
        end = time.monotonic() + MAX_WAIT_SECONDS
        while time.time() - self._last_change() < QUIET_SECONDS and time.monotonic() < end:
            time.sleep(POLL_SECONDS)
        self.forget()

    def _last_change(self) -> float:
        """Return when a file or folder last changed, as far as its status tells."""
        last = _changed_at(self.root)
        for count, entry in enumerate(self.walk()):
            if count == MAX_FILES_TO_WATCH:
                break
            last = max(last, _changed_at(entry.path))
        return last


def no_file(path: str) -> FileNotFoundError:
    """Return the error that the system gives where there is no file."""
    return FileNotFoundError(errno.ENOENT, "there is no such file", path)


def trusted_stamp(status: os.stat_result | None) -> str:
    """Return a text that changes when a file is written, or "" for one written just now.

    That write may be followed by another that changes no status.
    """
    is_young = status is None or time.time() - status.st_mtime < QUIET_SECONDS
    return "" if status is None or is_young else stamp_of(status).hex()


def _changed_at(path: str) -> float:
    try:
        status = os.lstat(path)
    except OSError:
        return time.time()  # it has gone since the folder was listed
    return max(status.st_mtime, status.st_ctime)


def is_plain(path: str) -> bool:
    """Return whether no part of a path is empty, hidden or leads up."""
    return not any(part == "" or part.startswith(".") or "\0" in part for part in path.split("/"))


def path_of(address: str) -> str:
    """Return the path of an address, decoded, without the slash at its beginning."""
    try:
        return unquote(urlsplit(address).path).lstrip("/")
    except ValueError:
        return "?"  # no file has such a name, and no path holds it


def file_names(address: str, prefix: str) -> list[str]:
    """Return the paths at which a web server would look for the file at an address."""
    path = path_of(address)
    if prefix and f"{path}/".startswith(f"{prefix}/"):
        path = path[len(prefix) :].lstrip("/")
    folder = path.rstrip("/")
    if not folder:
        return ["index.html"]
    own = [path] if path == folder else []
    return [*own, f"{folder}/index.html", f"{folder}.html", f"{folder}/index.htm"]
