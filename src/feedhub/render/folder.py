"""The output folder: which files in it are ours, and how new files replace old ones all at once.

Documents are first written to `.feedhub/stage`, and flushed once; then the ledger learns what
readers are about to be told, then the manifest names the files that are about to be ours, and only
then are they renamed into place. A run that dies at any point leaves complete files, and the next
run knows which are ours.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from feedhub.errors import OutputError, output_errors

NANOSECONDS = 1_000_000_000
OWN_FOLDER = ".feedhub"


class Manifest(NamedTuple):
    """What feedhub wrote into a folder: how many articles, and each file's SHA-256 by path."""

    published: int
    files: dict[str, str]


class StagedFile(NamedTuple):
    """A file that waits for the commit: its path, SHA-256, and name in the stage.

    The name is "" if the folder has these bytes at this path already.
    """

    path: str
    digest: str
    name: str


class OutputFolder:
    """An output folder held by this process alone; use it inside `locked`. Raises OutputError."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest = Manifest(0, {})
        self._own = root / OWN_FOLDER
        self._stage = self._own / "stage"
        self._manifest = self._own / "manifest.json"
        self._new_manifest = self._own / "manifest.new"
        self.ledger = self._own / "ledger"
        self._staged: dict[str, Path] = {}
        self._free_folders: set[str] = set()
        # A render looks at tens of thousands of paths, and a Path takes ten times as long.
        self._prefix = f"{root}/"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other render out; remove what an interrupted one left."""
        with output_errors(self._own):
            self._own.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._own / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            with output_errors(self._own / "lock"):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    message = "another render is writing here; wait for it"
                    raise OutputError(f"{self.root}: {message}") from None
            try:
                self._clean()
                self.manifest = self._read_manifest()
                yield
            finally:
                self._clean()
        finally:
            os.close(lock)

    def _clean(self) -> None:
        shutil.rmtree(self._stage, ignore_errors=True)
        for unfinished in (self._new_manifest, self.ledger.with_name("ledger.new")):
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _read_manifest(self) -> Manifest:
        try:
            return parse_manifest(self._manifest.read_bytes())
        except FileNotFoundError:
            return Manifest(0, {})
        except OSError as error:
            raise OutputError(f"{self._manifest}: cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            advice = f"delete it and the feeds in {self.root}, then render again"
            message = f"{self._manifest}: the list of written files is damaged; {advice}"
            raise OutputError(message) from None

    def stamp(self, path: str) -> str:
        """Return size, time and inode of the file at `path`, as a text; "" if there is none."""
        try:
            status = os.lstat(self._prefix + path)
        except OSError:
            return ""
        return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"

    def holds(self, path: str, body: bytes) -> bool:
        """Return whether there is a plain file with these bytes at `path` already."""
        try:
            status = os.lstat(self._prefix + path)
            if not stat.S_ISREG(status.st_mode) or status.st_size != len(body):
                return False
            with open(self._prefix + path, "rb", buffering=0) as file:  # noqa: PTH123
                return file.read() == body
        except OSError:
            return False

    def check_ours(self, path: str) -> None:
        """Raise OutputError if something that is not ours is at `path`, or in its way."""
        with suppress(OSError):
            mode = os.lstat(self._prefix + path).st_mode
            if path not in self.manifest.files or stat.S_ISDIR(mode):
                raise not_ours(self.root / path)
        folder = path.rpartition("/")[0]
        if folder not in self._free_folders:
            for parent in (self.root / path).parents[: path.count("/")]:
                if os.path.lexists(parent) and not parent.is_dir():
                    raise not_ours(parent)
            self._free_folders.add(folder)

    def stage(self, path: str, body: bytes, *, like: str = "") -> StagedFile:
        """Write a file to the stage; what is returned can be taken by another process.

        It gets the time of the file at `like`, else a new one: web servers tell versions by it.
        """
        new = self._new_file(path)
        with output_errors(self._prefix + path):
            new.write_bytes(body)
            if like:
                status = (self._staged.get(like) or self.root / like).stat()
                os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
            else:
                date_after(new, self._prefix + path)
        return self._staged_file(path, digest_of(body), new)

    def stage_copy(self, path: str, write: Callable[[BinaryIO], str]) -> StagedFile | None:
        """Stage what `write` writes; it returns the SHA-256, or "" where there is nothing to stage.

        Other bytes have another path, so what stands there already is not read from the source.
        """
        digest = self._digest_at(path)
        if digest and digest == self.manifest.files.get(path):
            return StagedFile(path, digest, "")
        new = self._new_file(path)
        with output_errors(self._prefix + path), new.open("wb") as file:
            digest = write(file)
            date_after(new, self._prefix + path)
        return self._staged_file(path, digest, new) if digest else None

    def _digest_at(self, path: str) -> str:
        """Return the SHA-256 of the file at `path`, "" if there is no plain one."""
        with suppress(OSError):
            descriptor = os.open(self._prefix + path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123
                return hashlib.file_digest(file, "sha256").hexdigest()
        return ""

    def _new_file(self, path: str) -> Path:
        """Return where a new file for `path` is to be written."""
        self.check_ours(path)
        with output_errors(self._stage):
            self._stage.mkdir(exist_ok=True)
        return self._stage / f"{os.getpid()}-{len(self._staged)}"

    def _staged_file(self, path: str, digest: str, new: Path) -> StagedFile:
        staged = StagedFile(path, digest, new.name)
        self.take(staged)
        return staged

    @contextmanager
    def temporary_file(self) -> Iterator[BinaryIO]:
        """Open a file without a name, on the disk of the folder, that vanishes when closed."""
        with output_errors(self._stage):
            self._stage.mkdir(exist_ok=True)
            import tempfile  # a render without changes needs none

            with tempfile.TemporaryFile(dir=self._stage) as file:
                yield file

    def take(self, staged: StagedFile) -> None:
        """Let the next commit publish a staged file."""
        self._staged[staged.path] = self._stage / staged.name

    def flush(self) -> None:
        """Make every staged file durable; call it before `commit`."""
        if self._staged:
            with output_errors(self.root):
                flush_disk(self._own)

    def commit(self, manifest: Manifest) -> int:
        """Publish every staged file and remove those that `manifest` no longer names.

        Returns how many were removed. If nothing differs, nothing is touched.
        """
        old = self.manifest
        gone = sorted(old.files.keys() - manifest.files.keys())
        if not self._staged and not gone and manifest == old:
            return 0
        with output_errors(self.root):
            # If this run dies from here on, the next one knows both old and new files as ours.
            self._write_manifest(Manifest(old.published, old.files | manifest.files))
            self._publish()
            self._remove(gone)
            self._write_manifest(manifest)
        return len(gone)

    def _publish(self) -> None:
        folders = {path.rpartition("/")[0] for path in self._staged}
        for folder in sorted(folders):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for path, staged in self._staged.items():
            os.replace(staged, self._prefix + path)  # noqa: PTH105
        self._staged.clear()

    def _remove(self, paths: Iterable[str]) -> None:
        """Remove files and the folders they leave empty, also where a dying run had begun to."""
        for path in paths:
            file = self.root / path
            if file.is_symlink() or not file.is_dir():  # a folder put there since is not ours
                with suppress(FileNotFoundError, NotADirectoryError):
                    file.unlink()
            for folder in file.parents[: path.count("/")]:
                with suppress(OSError):  # a folder with anything left in it stays
                    folder.rmdir()

    def _write_manifest(self, manifest: Manifest) -> None:
        content = {"published": manifest.published, "files": dict(sorted(manifest.files.items()))}
        with self._new_manifest.open("w", encoding="utf-8") as file:
            json.dump(content, file, ensure_ascii=False, indent=0)
            # Before the rename, which must not be on the disk earlier than the content.
            file.flush()
            os.fsync(file.fileno())
        self._new_manifest.replace(self._manifest)
        self.manifest = manifest


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of a file's bytes, as manifests have it."""
    return hashlib.sha256(body).hexdigest()


def date_after(new: Path, old: str) -> None:
    """Give a file another whole second than the one it replaces: web servers see no less."""
    with suppress(FileNotFoundError):
        # Last-Modified has whole seconds.
        earliest = os.lstat(old).st_mtime_ns // NANOSECONDS + 1
        if os.lstat(new).st_mtime_ns < earliest * NANOSECONDS:
            os.utime(new, ns=(earliest * NANOSECONDS, earliest * NANOSECONDS))


def parse_manifest(text: bytes) -> Manifest:
    """Return what a manifest says; raises ValueError if it names a file outside the folder."""
    content = json.loads(text)
    files = {str(path): str(digest) for path, digest in content["files"].items()}
    for path in map(PurePosixPath, files):
        if path.is_absolute() or ".." in path.parts or path.parts[:1] in ((), (OWN_FOLDER,)):
            raise ValueError("a path leads out of the folder")
    return Manifest(int(content["published"]), files)


def not_ours(path: Path) -> OutputError:
    """Return the error that says that a file of somebody else is in the way."""
    advice = "move it away or choose another folder"
    if path.name == "index.html":  # a site has one nearly always
        advice += ", or leave html out of the formats"
    if path.name.partition(".")[0] in ("robots", "sitemap"):
        advice += ", or set site.discovery to false"
    return OutputError(f"{path}: was not written by feedhub and is left alone; {advice}")


def flush_disk(folder: Path) -> None:
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
