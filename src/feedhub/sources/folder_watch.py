"""Watching a folder: which files of it have changed, as the system tells.

inotify names the folder and the file of each event, and says when it has lost some. watchfiles, and
the library below it, keep that to themselves.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from inotify_simple import Event, INotify, flags

from feedhub.sources.folder_scan import is_output

# How long a change waits for others that belong to it, how long they may go on, and how often the
# watch reports.
DEBOUNCE_MS, MAX_DEBOUNCE_SECONDS, POLL_MS = 100, 1.5, 250
# Where the system cannot watch files, every so many seconds count as a change, but no more than a
# tenth of the time is spent on looking.
UNWATCHED_SECONDS, UNWATCHED_SHARE = 5.0, 0.1
# To look at so many files takes about as long as to look at all of 100,000.
MAX_PATHS = 2_000
_EVENTS = (
    flags.CREATE
    | flags.MODIFY
    | flags.CLOSE_WRITE
    | flags.ATTRIB
    | flags.DELETE
    | flags.MOVED_FROM
    | flags.MOVED_TO
    | flags.DELETE_SELF
    | flags.MOVE_SELF
    | flags.ONLYDIR
    | flags.DONT_FOLLOW
)
_LOST = flags.Q_OVERFLOW | flags.UNMOUNT
# Where other machines, or the system around a container, change files without an event.
_REMOTE = (
    *("nfs", "cifs", "smb", "9p", "ceph", "afs", "lustre", "gfs2", "ocfs2", "glusterfs"),
    *("fuse.", "virtiofs", "fakeowner", "vboxsf", "vmhgfs", "prl_fs"),
)
_MOUNTS = "/proc/self/mountinfo"


def watch_folder(
    folder: Path,
    stop: threading.Event,
    *,
    ignore: Collection[str],
    output: Path | None,
    kind_of: Callable[[str], str],
) -> Iterator[set[str] | None]:
    """Yield, several times a second until `stop` is set, the paths of the files that changed.

    None stands for anything. A link or a new folder in the place of the old one is followed. What
    counts as a change is as in FolderWatch.
    """
    last = _identity(folder)
    while not stop.is_set():
        watched, root = _identity(folder), os.path.realpath(folder)
        # An output folder around the source excludes nothing of it.
        own = os.path.relpath(os.path.realpath(output), root) if output else ""
        next_look = time.monotonic() if is_remote(root) else math.inf
        try:
            with FolderWatch(root, ignore=ignore, output=own, kind_of=kind_of) as watch:
                changed = watch.read(0)
                while not stop.is_set():
                    now = _identity(folder)
                    if now != watched:
                        break  # reported when the folder that is there now is watched
                    began = time.monotonic()
                    anything = changed is None or now != last or began >= next_look
                    last = now
                    yield None if anything else changed
                    if began >= next_look:
                        next_look = time.monotonic() + pause_after(time.monotonic() - began)
                    changed = watch.read(POLL_MS)
        except FileNotFoundError:
            now = _identity(folder)
            moved, last = now != last, now
            yield None if moved else set()
            stop.wait(POLL_MS / 1000)
        except OSError:  # no more watches to be had, or a system that has none
            began = time.monotonic()
            yield None
            stop.wait(pause_after(time.monotonic() - began))


def pause_after(seconds: float) -> float:
    """Return how long to wait after a look that took so many seconds."""
    return max(UNWATCHED_SECONDS, seconds / UNWATCHED_SHARE)


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return what changes when another folder takes the place of this one."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


class FolderWatch:
    """Watches the folder `root` while it is entered; raises OSError where the system cannot.

    The folders named in `ignore`, hidden ones and `output` do not count. `kind_of` returns "file"
    for the path of a file that is read, "other" if everything must be looked at when it changes,
    and "" if nothing depends on it.
    """

    def __init__(
        self, root: str, *, ignore: Collection[str], output: str, kind_of: Callable[[str], str]
    ) -> None:
        self._root = root
        self._ignore = ignore
        self._output = output
        self._kind_of = kind_of
        self._folders: dict[int, str] = {}  # by watch descriptor, with a slash at the end
        self._has_links = False

    def __enter__(self) -> FolderWatch:
        if sys.platform != "linux":
            raise OSError("only Linux has inotify")
        with ExitStack() as on_error:
            self._inotify = on_error.enter_context(INotify())
            self._add("")
            on_error.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._inotify.close()

    def read(self, timeout_ms: int) -> set[str] | None:
        """Wait for changes and return the paths of the files, None where anything may have changed.

        Returns none after the timeout.
        """
        changed: set[str] | None = set()
        events = self._inotify.read(timeout_ms)
        end = time.monotonic() + MAX_DEBOUNCE_SECONDS
        while events:
            for event in events:
                paths = self._paths_of(event)
                changed = None if paths is None or changed is None else changed | paths
            events = self._inotify.read(DEBOUNCE_MS) if time.monotonic() < end else []
        return None if changed and len(changed) > MAX_PATHS else changed

    def _paths_of(self, event: Event) -> set[str] | None:
        """Return the paths that an event is about, None where anything may have changed."""
        if event.mask & _LOST:
            return None
        folder = self._folders.get(event.wd)
        if folder is None or event.mask & flags.IGNORED:
            self._folders.pop(event.wd, None)
            return set()
        path, is_folder = folder + event.name, event.mask & flags.ISDIR
        if event.name and not self._counts(path, event.name):
            return set()
        if is_folder or not event.name:  # an event without a name is about the folder itself
            self._follow(path, event)
            return None
        kind = self._kind_of(path)
        if kind == "file" and event.mask & (flags.CREATE | flags.MOVED_TO):
            self._has_links = self._has_links or Path(self._root, path).is_symlink()
        # A link may lead to any file.
        return None if kind == "other" or self._has_links else {path} if kind else set()

    def _counts(self, path: str, name: str) -> bool:
        return not (name.startswith(".") or name in self._ignore or path == self._output)

    def _follow(self, path: str, event: Event) -> None:
        """Watch a folder that has come, and no longer one that has gone."""
        if event.mask & (flags.MOVED_FROM | flags.DELETE):
            for number, folder in [*self._folders.items()]:
                if folder.startswith(f"{path}/"):
                    del self._folders[number]
                    with suppress(OSError):  # the folder has gone, and the watch with it
                        self._inotify.rm_watch(number)
        elif event.name:
            self._add(f"{path}/")

    def _add(self, folder: str) -> None:
        """Watch a folder and all below it; one that vanishes or may not be read is left out."""
        waiting = [folder]
        while waiting:
            path = waiting.pop()
            try:
                number = self._inotify.add_watch(f"{self._root}/{path}", _EVENTS)
                with os.scandir(f"{self._root}/{path}") as entries:
                    waiting += self._below(path, entries)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                if not path:
                    raise
            else:
                self._folders[number] = path

    def _below(self, path: str, entries: Iterator[os.DirEntry[str]]) -> Iterator[str]:
        """Yield the folders in a folder; note whether there is a link that is read."""
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if self._counts(path + entry.name, entry.name) and not is_output(entry.path):
                    yield f"{path}{entry.name}/"
            elif entry.is_symlink() and self._kind_of(path + entry.name) == "file":
                self._has_links = True


def is_remote(folder: str) -> bool:
    """Return whether other machines may change the files of a folder, of which none tells us."""
    with suppress(OSError), open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as mounts:  # noqa: PTH123
        kinds = {}
        for line in mounts:
            before, _, after = line.partition(" - ")
            kinds[before.split()[4].replace("\\040", " ").rstrip("/")] = after.split()[0]
        above = folder.rstrip("/")
        while above and above not in kinds:
            above = above.rpartition("/")[0]
        return kinds.get(above, "").startswith(_REMOTE)
    return False
