"""The source that is a git repository: the article files of the commit that a ref names.

It reads objects, never a working tree: so it sees all of a commit or nothing of it, and bare
repositories too. Git's plumbing is asked for names, objects and trees only, which runs no hook, no
filter and no program that the repository names.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path
from typing import IO, NamedTuple, cast
from urllib.parse import quote, unquote, urlsplit

from feedhub.errors import ConfigError, Problem, did_you_mean
from feedhub.sources import ReadOptions, ReadResult, SourceFile
from feedhub.sources.adopted_ids import AdoptedIds
from feedhub.sources.file_rules import (
    MANIFEST,
    PassedOver,
    bad_name,
    is_asset,
    signature_of,
    suffixes_of,
)
from feedhub.sources.generators import Generator, find_generator
from feedhub.text import UNPRINTABLE

SCHEME = "git+file"
# How the mode of a file begins in a tree, and the mode of a link; submodules have another.
FILE_MODE, LINK_MODE = "100", "120000"
# How often the files are looked at that change with a ref, and how often git itself is asked.
POLL_SECONDS, ASK_SECONDS = 0.1, 5.0
# What git may allocate at once. A delta of a huge file is not worth the memory of the machine.
MAX_ALLOCATION = 128 * 1024 * 1024
# Larger objects are read as a stream, of which we take the beginning.
STREAM_BYTES = 1024 * 1024
# What git check-ref-format allows: no expression, and nothing that git may take for an option.
_REF = re.compile(r"(?!-)(?:(?!\.\.|@\{)[^~^:?*\[\\ ])+")
_ENVIRONMENT = {
    "LC_ALL": "C",  # messages are recognized
    "GIT_ALLOC_LIMIT": str(MAX_ALLOCATION),
    # Objects that a partial clone lacks are not fetched, whatever program its configuration names:
    # an old git knows only the first of the two.
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    # The id of an object must stand for its bytes.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
}


class GitAddress(NamedTuple):
    """The parts of `git+file:///repository?ref=REF&path=FOLDER`."""

    repository: Path
    ref: str
    folder: str


def parse_address(address: str) -> GitAddress:
    """Return the parts of an address; raises ConfigError."""
    parts = urlsplit(address)
    values = {"ref": "HEAD", "path": ""}
    if parts.scheme != SCHEME:
        # The address may hold a password.
        advice = f"clone it, keep it up to date with git fetch, and give {SCHEME}:///CLONE"
        raise ConfigError(f"{parts.scheme}: feedhub reads no repository elsewhere; {advice}")
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        message = f"write the whole path of the repository, as in {SCHEME}:///srv/articles.git"
        raise ConfigError(f"{address}: {message}")
    if parts.fragment:
        raise ConfigError(f"{address}: write %23 for # in a path or a ref")
    for part in filter(None, parts.query.split("&")):
        name, _, value = part.partition("=")
        if name not in values:
            hint = did_you_mean(name, values) or "; write ref or path"
            raise ConfigError(f"{address}: {name!r} is not known{hint}")
        values[name] = unquote(value)
    ref, folder = values["ref"], posixpath.normpath(values["path"].strip("/") or ".")
    if not _REF.fullmatch(ref) or UNPRINTABLE.search(ref):
        raise ConfigError(f"{address}: ref must be a branch, a tag or a commit")
    if folder.split("/")[0] == ".." or UNPRINTABLE.search(folder):
        raise ConfigError(f"{address}: path must be a folder of the repository")
    repository = Path(unquote(parts.path, errors="surrogateescape"))
    return GitAddress(repository, ref, "" if folder == "." else folder)


class Repository:
    """A repository on this machine, asked by git's own commands.

    Nothing of the environment steers them, and no folder above is taken for the repository.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.real_path = os.path.realpath(folder).removesuffix("/.git")
        self.name = os.path.basename(self.real_path).removesuffix(".git")  # noqa: PTH119

    def start(self, *arguments: str, stderr: int) -> subprocess.Popen[bytes]:
        """Start a command of git with pipes; raises OSError."""
        environ = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
        above = os.path.dirname(self.real_path)  # noqa: PTH120
        options = ["-C", self.real_path, "-c", f"core.bigFileThreshold={STREAM_BYTES}"]
        return subprocess.Popen(  # noqa: S603 - no shell, and no argument is an option
            ["git", *options, *arguments],  # noqa: S607 - wherever it is installed
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environ | _ENVIRONMENT | {"GIT_CEILING_DIRECTORIES": above},
        )

    def ask(self, *arguments: str) -> bytes:
        """Return what a command of git prints; raises ConfigError with its reason."""
        try:
            process = self.start(*arguments, stderr=subprocess.PIPE)
        except FileNotFoundError:
            message = "git is needed to read a repository: install it (apt-get install git)"
            raise ConfigError(message) from None
        except OSError as error:
            raise ConfigError(f"git cannot be started: {error.strerror}") from None
        out, err = process.communicate()
        if process.returncode:
            raise ConfigError(self._reason(err.decode(errors="replace")))
        return out

    def _reason(self, message: str) -> str:
        """Return what is wrong in a line for the user."""
        folder = self._folder
        if not os.path.lexists(folder):
            return f"{folder}: does not exist"
        if "safe.directory" in message:
            advice = f"git config --system --add safe.directory {self.real_path}"
            return f"{folder}: git refuses a repository of another user; allow it with: {advice}"
        if "not a git repository" in message:
            advice = f"give a folder as it is, or {SCHEME}:///REPOSITORY?path=FOLDER"
            return f"{folder}: is not a git repository; {advice}"
        lines = [line for line in message.splitlines() if line.startswith(("fatal:", "error:"))]
        reason = lines[0].partition(":")[2].strip() if lines else "the command failed"
        return f"{folder}: git cannot read it: {reason}"

    def commit(self, ref: str) -> str:
        """Return the id of the commit that `ref` names; raises ConfigError if there is none."""
        query = ("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        with suppress(ConfigError):
            return self.ask(*query).decode().strip()
        # Why: what is wrong with the repository comes first.
        listed = self.ask("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags")
        names = listed.decode(errors="replace").split("\n")[:-1]
        if not names:
            raise ConfigError(f"{self._folder}: there is no commit in it yet")
        hint = did_you_mean(ref, names) or f"; give one of {', '.join(names[:5])} as ?ref="
        raise ConfigError(f"{self._folder}: there is no branch, tag or commit {ref!r}{hint}")

    def ref_files(self, ref: str) -> list[str]:
        """Return the files of which one changes when `ref` does."""
        query = ("rev-parse", "--git-dir", "--git-common-dir", "--symbolic-full-name", ref)
        own, common, *names = self.ask(*query).decode(errors="surrogateescape").splitlines()
        own, common = (os.path.join(self.real_path, path) for path in (own, common))  # noqa: PTH118
        below = ["packed-refs", "reftable/tables.list", *filter(None, names)]
        return [f"{own}/HEAD", *(f"{common}/{name}" for name in below)]


class BlobReader:
    """Reads objects through one `git cat-file`, which runs until the reader is collected.

    A forked process gets one of its own, and one that died is started again.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def read(self, blob: str, max_bytes: int) -> bytes:
        """Return the bytes of a blob, or the first `max_bytes`; raises OSError."""
        with suppress(BrokenPipeError, EOFError):
            return b"".join(self._pieces(blob, max_bytes))
        return b"".join(self.pieces(blob, max_bytes))

    def pieces(self, blob: str, max_bytes: int = sys.maxsize) -> Iterator[bytes]:
        """Yield the same in pieces; raises OSError."""
        try:
            yield from self._pieces(blob, max_bytes)
        except (BrokenPipeError, EOFError):
            raise OSError(errno.EIO, "git ends when it reads the object") from None

    def _pieces(self, blob: str, max_bytes: int) -> Iterator[bytes]:
        process = self._running()
        requests, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        is_whole = False
        try:
            requests.write(f"{blob}\n".encode())
            requests.flush()
            head = answers.readline().split()
            if head[1:] == [b"missing"]:
                is_whole = True
                raise OSError(errno.ENOENT, "the repository lacks the object")
            if len(head) != 3 or head[0] != blob.encode():
                raise EOFError
            size = int(head[2])
            left = min(size, max_bytes)
            while left:
                piece = answers.read(min(left, STREAM_BYTES))
                if not piece:
                    raise EOFError
                left -= len(piece)
                yield piece
            is_whole = size <= max_bytes and answers.read(1) == b"\n"
        finally:
            # The next answer would begin in the middle of one that was not read to its end.
            if not is_whole:
                self._process = None
                end_process(process)

    def _running(self) -> subprocess.Popen[bytes]:
        """Return the running process, or start one."""
        if self._process is None or self._owner != os.getpid():
            self._process = self._repository.start("cat-file", "--batch", stderr=subprocess.DEVNULL)
            self._owner = os.getpid()
            weakref.finalize(self, end_process, self._process)
        return self._process


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process and close its pipes; a second time does nothing."""
    process.kill()
    with suppress(BrokenPipeError), process:
        pass


class RefState(NamedTuple):
    """The commit that a ref names, or "", and the files that change when the ref does."""

    commit: str
    files: list[str]
    stamps: list[tuple[int, int, int] | None]


class GitSource:
    """The article files below a folder of one commit: that which the ref names at first.

    Open it again to see a newer one. Files count as in a folder, but links and submodules do not.
    """

    def __init__(self, address: str, options: ReadOptions) -> None:
        folder, self._ref, self._folder = parse_address(address)
        self._repository = Repository(folder)
        self._reader = BlobReader(self._repository)
        self._name = posixpath.basename(self._folder) or self._repository.name
        self._options = options
        self._blobs: dict[str, str] = {}

    @property
    def key(self) -> str:
        """Return the address with the real path of the repository."""
        path, ref, folder = map(quote, (self._repository.real_path, self._ref, self._folder))
        return f"{SCHEME}://{path}?ref={ref}&path={folder}"

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
        """Return a text that changes when the same bytes would be read differently.

        The ref and the place of the repository do not count: a blob has the same id in all.
        """
        return signature_of(self._options, root=f"git {self._name}", generator=self._generator.name)

    @cached_property
    def _commit(self) -> str:
        return self._repository.commit(self._ref)

    @cached_property
    def _generator(self) -> Generator:
        @cache
        def names(folder: str) -> list[bytes]:
            with suppress(ConfigError):  # there is no such folder
                return self._names(folder)
            return []

        def has(path: str) -> bool:
            whole = posixpath.normpath(posixpath.join(self._folder, path))
            folder, _, name = whole.rpartition("/")
            return not whole.startswith("..") and name.encode() in names(folder)

        return find_generator(has)

    def _names(self, folder: str) -> list[bytes]:
        """Return the names in a folder of the commit; raises ConfigError if there is none."""
        tree = f"{self._commit}:{folder}"
        return self._repository.ask("ls-tree", "-z", "--name-only", "--full-tree", tree).split(
            b"\0"
        )

    def check(self) -> None:
        """Raise ConfigError where there is no repository, no commit or no folder in it."""
        commit = self._commit
        try:
            self._names(self._folder)
        except ConfigError:
            raise ConfigError(f"{self.locate('')}: there is no such folder in {commit}") from None

    def locate(self, path: str) -> str:
        """Return the name that git has for a file, as in `git show main:content/a.md`."""
        whole = posixpath.join(self._folder, path)
        return f"{self._ref}:{posixpath.normpath(whole) if path.startswith('../') else whole}"

    def scan(self) -> Iterator[SourceFile | Problem]:
        """Yield every article file in order of path, and a Problem for each that is not read."""
        try:
            tree = f"{self._commit}:{self._folder}"
            listed = self._repository.ask("ls-tree", "-r", "-z", "--full-tree", tree)
        except ConfigError as error:
            yield Problem(path=".", code="unreadable", message=str(error))
            return
        items = list_articles(listed, set(self._options.ignore), suffixes_of(self._options))
        if self._generator:
            yield self._generator.problem
        self._blobs = {
            item.path: item.stamp.decode() for item in items if isinstance(item, SourceFile)
        }
        yield from items

    def settle(self) -> None:
        """Return at once: what a commit lacks does not come back by itself."""

    def read(self, path: str, now: datetime) -> ReadResult:
        """Read one file; a bad file is a rejected ReadResult, never an exception."""
        # Imported here because they load the parsers, and most runs need none.
        from feedhub.sources.assets import place_finder
        from feedhub.sources.frontmatter import MAX_BYTES
        from feedhub.sources.reading import read_file

        def load(path: str) -> bytes:
            return self._reader.read(self._blobs[path], MAX_BYTES + 1)

        if is_asset(path):
            return ReadResult(state="asset")
        place = (self._name, self._generator.name)
        place_of = place_finder(self._options, self._blobs.__contains__, self.read_asset)
        return read_file(path, load, *place, self._options, now, place_of)

    def read_asset(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a picture, audio or video file in pieces.

        Raises OSError; the file must be one that the last scan has found.
        """
        yield from self._reader.pieces(self._blobs[path])

    def watch(self, stop: threading.Event, output: Path | None = None) -> Iterator[set[str] | None]:
        """Yield, several times a second until `stop` is set, None if the ref names another commit.

        Git is asked when one of the files changes that change with a ref, and every few seconds.
        """
        state, asked = self._look(), time.monotonic()
        yield set()
        while not stop.wait(POLL_SECONDS):
            last = state
            is_old = time.monotonic() > asked + ASK_SECONDS
            if is_old or state.stamps != list(map(stamp_of, state.files)):
                state, asked = self._look(), time.monotonic()
            yield None if state.commit != last.commit else set()

    def _look(self) -> RefState:
        """Return what the ref names now."""
        with suppress(ConfigError):
            files = self._repository.ref_files(self._ref)
            # Taken first: what changes after that is seen next time.
            stamps = list(map(stamp_of, files))
            return RefState(self._repository.commit(self._ref), files, stamps)
        return RefState("", [], [])


def stamp_of(path: str) -> tuple[int, int, int] | None:
    """Return what changes when a file is written or another takes its place; None without one."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def list_articles(
    listed: bytes, ignore: set[str], suffixes: tuple[str, ...]
) -> list[SourceFile | Problem]:
    """Return the files of a tree that count, in order of path, as `git ls-tree -r -z` lists it.

    The order is that of a folder's files: names are compared folder by folder.
    """
    found: dict[str, SourceFile | Problem] = {}
    outputs, passed_over = [], PassedOver()
    for entry in listed.split(b"\0")[:-1]:
        head, _, name = entry.partition(b"\t")
        path = os.fsdecode(name)
        if path.endswith("/" + MANIFEST):
            outputs.append(path.removesuffix(MANIFEST))
        parts = path.split("/")
        if path.startswith(".") or "/." in path or not ignore.isdisjoint(parts[:-1]):
            continue
        if not path.lower().endswith(suffixes):
            passed_over.add(path)
            continue
        mode, _, blob = head.decode().split(" ")
        if mode.startswith(FILE_MODE):
            item = bad_name(path) or SourceFile(path, blob.encode())
        elif mode == LINK_MODE:
            item = bad_name(path) or link_ignored(path)
        else:
            continue
        # An article that shows an asset says what is wrong with it.
        if isinstance(item, SourceFile) or not is_asset(path):
            found[path] = item
    for path in [path for path in found if path.startswith(tuple(outputs))]:
        del found[path]
    ordered = sorted(found, key=lambda path: path.replace("/", "\0"))
    return [*(found[path] for path in ordered), *passed_over.problems()]


def link_ignored(path: str) -> Problem:
    """Return the problem of a link, which may lead anywhere."""
    message = "links are not followed in a repository: copy the file here instead"
    return Problem(path=path, level="warning", code="link-ignored", message=message)
