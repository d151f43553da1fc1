"""The output folder: what is ours in it, and how new files take the place of old ones all at once.

Documents are first written beside the old ones, in `.feedhub/stage`, and flushed once; then the
manifest says what is about to be ours, and only then are they renamed into place. A run that dies
at any point leaves whole files, and the next run knows which are ours.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from feedhub.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_SECOND = 1_000_000_000
_OWN = ".feedhub"


class Manifest(NamedTuple):
    """What feedhub wrote into a folder: how many articles, and each file's SHA-256 by path."""

    published: int
    files: dict[str, str]


class Staged(NamedTuple):
    """A file that waits beside its place: its path, SHA-256 and name there, "" where it stands."""

    path: str
    digest: str
    name: str


class OutputFolder:
    """An output folder held by this process alone; use it inside `locked`. Raises OutputError."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._own = root / _OWN
        self._stage = self._own / "stage"
        self._manifest = self._own / "manifest.json"
        self._staged: dict[str, Path] = {}
        self.manifest = Manifest(0, {})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other render out; sweep what an interrupted one left."""
        with _told(self._own):
            self._own.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._hold(lock)
            try:
                self._sweep()
                self.manifest = self._read_manifest()
                yield
            finally:
                self._sweep()
        finally:
            os.close(lock)

    def _hold(self, lock: int) -> None:
        with _told(self._own / "lock"):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = "another render is writing here; wait for it"
                raise OutputError(f"{self.root}: {message}") from None

    def _sweep(self) -> None:
        shutil.rmtree(self._stage, ignore_errors=True)
        with suppress(OSError):
            self._fresh_manifest.unlink(missing_ok=True)

    @property
    def _fresh_manifest(self) -> Path:
        return self._manifest.with_suffix(".new")

    def _read_manifest(self) -> Manifest:
        try:
            return _parsed_manifest(self._manifest.read_bytes())
        except FileNotFoundError:
            return Manifest(0, {})
        except OSError as error:
            raise OutputError(f"{self._manifest}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            advice = f"delete it and the feeds in {self.root}, then render again"
            message = f"{self._manifest}: the list of written files is damaged; {advice}"
            raise OutputError(message) from None

    def stamp(self, path: str) -> str:
        """Return what moves when anybody touches the file at `path`; "" where there is none."""
        try:
            status = os.lstat(self.root / path)
        except OSError:
            return ""
        return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"

    def holds(self, path: str, body: bytes) -> bool:
        """Tell whether a plain file with these bytes stands at `path` already."""
        place = self.root / path
        try:
            return not place.is_symlink() and place.read_bytes() == body
        except OSError:
            return False

    def check_ours(self, path: str) -> None:
        """Raise OutputError where something that is not ours stands at `path`, or in its way."""
        place = self.root / path
        foreign = os.path.lexists(place) and path not in self.manifest.files
        if foreign or (place.is_dir() and not place.is_symlink()):
            raise _foreign(place)
        for folder in place.parents[: path.count("/")]:
            if os.path.lexists(folder) and not folder.is_dir():
                raise _foreign(folder)

    def stage(self, path: str, body: bytes, *, like: str = "") -> Staged:
        """Write a file beside its place; what is returned can be taken in another process.

        It has the time of that at `like`, else one that is new: servers tell versions by it.
        """
        self.check_ours(path)
        name = f"{os.getpid()}-{len(self._staged)}"
        place = self._stage / name
        with _told(self.root / path):
            self._stage.mkdir(exist_ok=True)
            place.write_bytes(body)
            if like:
                status = (self._staged.get(like) or self.root / like).stat()
                os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
            else:
                _date_after(place, self.root / path)
        staged = Staged(path, digest_of(body), name)
        self.take(staged)
        return staged

    @contextmanager
    def spool(self) -> Iterator[BinaryIO]:
        """Give a file on this disk for what documents are made of; it has no name, and vanishes."""
        with _told(self._stage):
            self._stage.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self._stage) as file:
                yield file

    def take(self, staged: Staged) -> None:
        """Have a staged file put in its place at the end."""
        self._staged[staged.path] = self._stage / staged.name

    def commit(self, manifest: Manifest) -> int:
        """Put every staged file in its place and remove what `manifest` no longer names.

        Returns how many were removed. Nothing is touched where nothing differs.
        """
        old = self.manifest
        gone = sorted(old.files.keys() - manifest.files.keys())
        if not self._staged and not gone and manifest == old:
            return 0
        with _told(self.root):
            if self._staged:
                _flush(self._own)
            self._write_manifest(Manifest(old.published, old.files | manifest.files))
            self._publish()
            self._remove(gone)
            self._write_manifest(manifest)
        return len(gone)

    def _publish(self) -> None:
        for path, staged in self._staged.items():
            place = self.root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(place)
        self._staged.clear()

    def _remove(self, paths: Iterable[str]) -> None:
        """Remove files and the folders they leave empty, also where a dying run had begun to."""
        for path in paths:
            place = self.root / path
            if place.is_symlink() or not place.is_dir():  # a folder put there since is not ours
                with suppress(FileNotFoundError, NotADirectoryError):
                    place.unlink()
            for folder in place.parents[: path.count("/")]:
                with suppress(OSError):  # a folder with anything left in it stays
                    folder.rmdir()

    def _write_manifest(self, manifest: Manifest) -> None:
        content = {"published": manifest.published, "files": dict(sorted(manifest.files.items()))}
        with self._fresh_manifest.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=0)
            file.flush()
            os.fsync(file.fileno())
        self._fresh_manifest.replace(self._manifest)
        self.manifest = manifest


def _date_after(fresh: Path, old: Path) -> None:
    """Give a file another whole second than the one it replaces: web servers see no less."""
    with suppress(FileNotFoundError):
        earliest = os.lstat(old).st_mtime_ns // _SECOND + 1
        if os.lstat(fresh).st_mtime_ns < earliest * _SECOND:
            os.utime(fresh, ns=(earliest * _SECOND, earliest * _SECOND))


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of a file's bytes, as the manifest keeps it."""
    return hashlib.sha256(body).hexdigest()


def _parsed_manifest(text: bytes) -> Manifest:
    """Return what a manifest says; whatever it says, no file outside the folder is ever ours."""
    content = json.loads(text)
    files = {str(path): str(digest) for path, digest in content["files"].items()}
    for path in map(PurePosixPath, files):
        if path.is_absolute() or ".." in path.parts or path.parts[:1] in ((), (_OWN,)):
            raise ValueError("a path leads out of the folder")
    return Manifest(int(content["published"]), files)


def _foreign(place: Path) -> OutputError:
    advice = "move it away or choose another folder"
    if place.name == "index.html":  # a site has one nearly always
        advice += ", or leave html out of the formats"
    if place.name.partition(".")[0] in ("robots", "sitemap"):
        advice += ", or set site.discovery to false"
    return OutputError(f"{place}: was not written by feedhub and is left alone; {advice}")


@contextmanager
def _told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or place
        raise OutputError(f"{where}: cannot be written: {error.strerror}") from error


def _flush(folder: Path) -> None:
    """Make every staged file durable with one call: one for each takes three times as long."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
    finally:
        os.close(descriptor)
