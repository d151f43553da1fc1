"""Where a file lies in its site, and what that says to the generator the site was made for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from feedhub.sources.dates import date_in_name

# The configuration files that tell a site's generator. Hugo needs none: its rules are the default.
_SIGNS = {
    "_config.yml": "jekyll",
    "_config.yaml": "jekyll",
    "_config.toml": "jekyll",
    ".eleventy.js": "eleventy",
    "eleventy.config.js": "eleventy",
    "eleventy.config.mjs": "eleventy",
    "eleventy.config.cjs": "eleventy",
    "pelicanconf.py": "pelican",
}
# Folders that hold a site's content without being part of its addresses.
_CONTENT = ("content", "src", "source")
_POSTS = "_posts"


def generator_of(root: Path) -> str:
    """Return what the site is made with, or ""; `root` is its folder, or its content folder."""
    folders = [root, root.parent] if root.name in (*_CONTENT, _POSTS) else [root]
    for folder in folders:
        for sign, generator in _SIGNS.items():
            if os.path.isfile(folder / sign):  # noqa: PTH113 - no error, whatever the rights
                return generator
    return ""


class Place(NamedTuple):
    """The place of one file: its `folders` below the source's `root`, and its name, cut at a dot.

    `generator` is what the site is made with, or "".
    """

    root: str
    generator: str
    folders: tuple[str, ...]
    stem: str
    suffix: str

    @property
    def is_list(self) -> bool:
        """Whether it is Hugo's page of a section, which lists articles and is none."""
        return self.stem.partition(".")[0] == "_index"

    @property
    def is_index(self) -> bool:
        """Whether the file stands for the folder it lies in: Hugo calls that a page bundle."""
        return self.stem == "index"

    @property
    def is_post(self) -> bool:
        """Whether Jekyll's rules for posts hold."""
        return _POSTS in (self.root, *self.folders) and self.generator in ("", "jekyll")

    @property
    def is_draft(self) -> bool:
        """Whether it lies in Jekyll's folder of drafts."""
        return "_drafts" in (self.root, *self.folders)

    @property
    def sections(self) -> tuple[str, ...]:
        """The folders without the one that holds the site's content."""
        return self.folders[1:] if self.folders and self.folders[0] in _CONTENT else self.folders

    @property
    def post_categories(self) -> tuple[str, ...]:
        """The folders that Jekyll takes for categories: those above `_posts`."""
        return self.sections[: self.sections.index(_POSTS)] if _POSTS in self.sections else ()

    @property
    def name(self) -> str:
        """The stem, or, where the file stands for its folder, that folder's name."""
        return self.sections[-1] if self.is_index and self.sections else self.stem

    @property
    def undated_name(self) -> str:
        """The name without a date before it."""
        named = date_in_name(self.name)
        return named[1] if named else self.name

    @property
    def collection(self) -> str:
        """The name of the folder it lies in, without leading underscores (`_posts` -> `posts`)."""
        bundle = self.name != self.stem
        folders = self.folders[:-1] if bundle else self.folders
        return (folders[-1] if folders else self.root).lstrip("_") or "articles"


def place_of(path: str, root: str, generator: str) -> Place:
    """Return the place of the file at `path` below the root; its suffix is in lower case."""
    *folders, name = path.split("/")
    stem, _, suffix = name.rpartition(".")
    return Place(root, generator, tuple(folders), stem, suffix.lower())
