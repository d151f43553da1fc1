"""Which site generator a folder is the source of, told by its configuration file.

Nothing is read by a generator's rules: feedhub only says that the site should be built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from feedhub.errors import Problem


class Generator(NamedTuple):
    """A generator, the folder it builds into, and the file that told it; false if there is none."""

    name: str
    output: str
    file: str = ""

    def __bool__(self) -> bool:
        return bool(self.name)

    @property
    def problem(self) -> Problem:
        """The problem of a folder from which the generator builds a site."""
        message = (
            f"this is the source of a {self.name} site: build it, and give feedhub the folder"
            f" {self.output} that {self.name} writes"
        )
        return Problem(path=self.file, level="warning", code="site-source", message=message)


NO_GENERATOR = Generator("", "")


# Files that must all be there, generator, its default output. The first row that fits counts:
# some generators share the name of a file.
_ROWS = """
_config.yml scaffolds | Hexo | public
_config.yml | Jekyll | _site
_config.yaml | Jekyll | _site
_config.toml | Jekyll | _site
hugo.toml | Hugo | public
hugo.yaml | Hugo | public
hugo.yml | Hugo | public
hugo.json | Hugo | public
config/_default | Hugo | public
config.toml archetypes | Hugo | public
config.yaml archetypes | Hugo | public
config.toml layouts | Hugo | public
config.toml templates | Zola | public
zola.toml | Zola | public
.eleventy.js | Eleventy | _site
eleventy.config.js | Eleventy | _site
eleventy.config.mjs | Eleventy | _site
eleventy.config.cjs | Eleventy | _site
eleventy.config.ts | Eleventy | _site
pelicanconf.py | Pelican | output
astro.config.mjs | Astro | dist
astro.config.js | Astro | dist
astro.config.ts | Astro | dist
gatsby-config.js | Gatsby | public
gatsby-config.ts | Gatsby | public
docusaurus.config.js | Docusaurus | build
docusaurus.config.ts | Docusaurus | build
.vitepress | VitePress | .vitepress/dist
mkdocs.yml | MkDocs | site
conf.py posts | Nikola | output
nanoc.yaml | Nanoc | output
_quarto.yml | Quarto | _site
book.toml | mdBook | book
_config.ts | Lume | _site
""".strip().splitlines()
GENERATORS = tuple(
    (tuple(files.split()), Generator(*names.split(" | ")))
    for files, _, names in (row.partition(" | ") for row in _ROWS)
)
CONFIG_FILES = frozenset(file for files, _ in GENERATORS for file in files)
# A site's repository is no deeper than this above its folder of articles.
_MAX_LEVELS = 3


def find_generator(has: Callable[[str], bool]) -> Generator:
    """Return the generator whose configuration lies in a folder or near above it, if one does.

    `has` tells whether there is something at a path below the folder, or above it (`../`). The
    search ends at the top of a repository.
    """
    for level in range(_MAX_LEVELS + 1):
        above = "../" * level
        for files, generator in GENERATORS:
            if all(has(above + name) for name in files):
                return generator._replace(file=above + files[0])
        if has(f"{above}.git"):
            break
    return NO_GENERATOR
