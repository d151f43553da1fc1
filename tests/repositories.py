"""Git repositories for tests: commits of any files, with or without a working tree."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest


class Entry(NamedTuple):
    """A file of a commit with another mode than usual: a link, a submodule, a program."""

    mode: str
    text: str


Files = Mapping[str, "str | bytes | Entry | None"]
LINK, SUBMODULE, PROGRAM = "120000", "160000", "100755"
# No configuration of the person who runs the tests counts.
ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}


def git(folder: Path, *arguments: str, data: bytes | None = None) -> str:
    """Run a command of git in a folder and return what it prints; skip without git."""
    if shutil.which("git") is None:
        pytest.skip("git is missing: apt-get install git")
    environ = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    ran = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        input=data,
        env=environ | ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 0, (arguments, ran.stderr.decode())
    return ran.stdout.decode().strip()


def quoted(path: str) -> bytes:
    """Return a path as git fast-import reads it, whatever is in it."""
    data = os.fsencode(path)
    return b'"%s"' % b"".join(b"\\%03o" % byte for byte in data)


def import_commits(folder: Path, commits: Sequence[Files], branch: str, *, anew: bool) -> None:
    """Add commits to a branch, all at once; each changes some files, or deletes those of None."""
    lines: list[bytes] = []
    for number, files in enumerate(commits):
        lines.append(b"commit refs/heads/%s" % branch.encode())
        lines.append(b"committer T <t@example.org> %d +0000" % (1_600_000_000 + number))
        lines.append(b"data 0")
        if number == 0 and not anew:
            lines.append(b"from refs/heads/%s^0" % branch.encode())
        for path, content in files.items():
            if content is None:
                lines.append(b"D %s" % quoted(path))
                continue
            entry = content if isinstance(content, Entry) else None
            mode = entry.mode if entry else "100644"
            if mode == SUBMODULE and entry:
                lines.append(b"M %s %s %s" % (mode.encode(), entry.text.encode(), quoted(path)))
                continue
            text = entry.text if entry else content
            data = text if isinstance(text, bytes) else str(text).encode()
            lines.append(b"M %s inline %s" % (mode.encode(), quoted(path)))
            lines.append(b"data %d\n%s" % (len(data), data))
    lines.append(b"done\n")
    git(folder, "fast-import", "--quiet", "--done", "--force", data=b"\n".join(lines))


@dataclass
class Repository:
    """A bare repository."""

    folder: Path

    def address(self, **query: str) -> str:
        """Return its address as a source."""
        parts = "&".join(f"{name}={value}" for name, value in query.items())
        return f"git+file://{self.folder}" + (f"?{parts}" if parts else "")

    def git(self, *arguments: str) -> str:
        """Run a command in it."""
        return git(self.folder, *arguments)

    def commit(self, files: Files, branch: str = "main", *, anew: bool = False) -> str:
        """Add a commit to a branch, or one without parents, and return its id."""
        exists = self.git("for-each-ref", f"refs/heads/{branch}") != ""
        import_commits(self.folder, [files], branch, anew=anew or not exists)
        return self.git("rev-parse", branch)


def make_repository(folder: Path) -> Repository:
    """Return a new bare repository at a folder."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", ".")
    # Each object is a file of its own, which a test can delete.
    git(folder, "config", "fastimport.unpackLimit", "1000000")
    return Repository(folder)
