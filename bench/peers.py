"""Other generators of feeds, each by its own means: not the same work, so all of it is counted.

What one of them cannot do is left out: Jekyll writes Atom only, Pelican no JSON. Jekyll and
Eleventy make a page of every article besides.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bench.machine import ROOT, first_line
from bench.places import cache, install
from bench.prepared import as_page, as_post, prepared, slug
from bench.sides import MissingError, Side

_SITES = ROOT / "bench" / "sites"
_PACKAGE = "node_modules/@11ty/eleventy/package.json"


class Jekyll(Side):
    """Debian's Jekyll with jekyll-feed: Atom for the whole, for tags and for listed categories."""

    name = "Jekyll"
    formats = (".atom",)

    def __init__(self, folder: Path, articles: Path) -> None:
        super().__init__(folder, folder / "jekyll-site" / "_posts")
        self.articles.mkdir(parents=True)
        providers = set()
        for article in prepared(articles):
            # It makes feeds of plain words only.
            tags = [slug(topic).replace("-", "_") for topic in article.topics]
            providers.add(slug(article.provider))
            labels = {"tags": tags, "categories": [slug(article.provider)]}
            text = as_post(article, description=article.summary, **labels)
            place = self.articles / f"{article.date[:10]}-{article.stem}.html"
            place.write_text(text, encoding="utf-8")
        self._config = self.articles.parent / "categories.yml"
        settings = (_SITES / "jekyll" / "_config.yml").read_text(encoding="utf-8")
        listed = json.dumps(sorted(providers))
        self._config.write_text(f"{settings}  categories: {listed}\n", encoding="utf-8")

    def command(self, number: int) -> list[object]:
        source, out = self.articles.parent, self.out(number)
        words = ["jekyll", "build", "--quiet", "--disable-disk-cache", "--config", self._config]
        return [*words, "--source", source, "--destination", out]

    def named(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        if path == "all.atom":
            return path
        feed = name.removesuffix(".xml").replace("_", "-") + ".atom"
        return {"topics": f"topics/{feed}", "feed": f"providers/{feed}"}.get(folder, "")

    @classmethod
    def version(cls) -> str:
        if not shutil.which("jekyll"):
            raise MissingError("apt-get install --no-install-recommends jekyll ruby-jekyll-feed")
        query = ["dpkg-query", "--show", "--showformat", "${Version}", "ruby-jekyll-feed"]
        return f"{first_line(['jekyll', '--version']).split()[-1]}, feed {first_line(query)}"


class Pelican(Side):
    """Pelican from PyPI: RSS and Atom for the whole, for tags and categories."""

    name = "Pelican"
    formats = (".rss", ".atom")
    title = "<title>"

    def __init__(self, folder: Path, articles: Path) -> None:
        super().__init__(folder, folder / "pelican-content")
        self.articles.mkdir()
        for article in prepared(articles):
            place = self.articles / f"{article.stem}.html"
            place.write_text(as_page(article), encoding="utf-8")

    def command(self, number: int) -> list[object]:
        words = [_pelican(), self.articles, "--output", self.out(number), "--quiet"]
        words += ["--settings", _SITES / "pelican" / "pelicanconf.py"]
        return [*words, "--extra-settings", f'CACHE_PATH="{self._cache(number)}"']

    def kept(self, number: int) -> list[Path]:
        return [self._cache(number)]

    @classmethod
    def version(cls) -> str:
        try:
            return first_line([_pelican(), "--version"])
        except subprocess.CalledProcessError:
            raise MissingError("python -m pip install pelican") from None

    def _cache(self, number: int) -> Path:
        return self.folder / f"pelican-cache-{number}"


class Eleventy(Side):
    """Eleventy from npm with its RSS plugin, which is added once a feed."""

    name = "Eleventy"

    def __init__(self, folder: Path, articles: Path) -> None:
        self._site = shutil.copytree(_SITES / "eleventy", folder / "eleventy-site")
        (self._site / "node_modules").symlink_to(_eleventy() / "node_modules")
        super().__init__(folder, self._site / "articles")
        self.cwd = self._site
        self.articles.mkdir()
        feeds = {"all": "article"}
        for article in prepared(articles):
            labels = {f"topics/{slug(topic)}" for topic in article.topics}
            labels.add(f"providers/{slug(article.provider)}")
            # A collection's name is a name of JavaScript.
            names = {label: label.replace("/", "_").replace("-", "_") for label in sorted(labels)}
            feeds |= names
            # With a summary its RSS has an element of a namespace that it does not declare.
            text = as_post(article, tags=["article", *names.values()])
            (self.articles / f"{article.stem}.html").write_text(text, encoding="utf-8")
        (self._site / "feeds.json").write_text(json.dumps(feeds), encoding="utf-8")

    def command(self, number: int) -> list[object]:
        words = ["node", "node_modules/@11ty/eleventy/cmd.cjs", "--quiet"]
        return [*words, "--input", "articles", "--output", self.out(number)]

    @classmethod
    def version(cls) -> str:
        package = json.loads((_eleventy() / _PACKAGE).read_text(encoding="utf-8"))
        return str(package["version"])


class Straight(Side):
    """PyYAML and feedgen in forty lines, which is what feedhub would be without its own ways."""

    name = "feedgen"
    cwd = ROOT

    def __init__(self, folder: Path, articles: Path) -> None:
        super().__init__(folder, shutil.copytree(articles, folder / "straight"))

    def command(self, number: int) -> list[object]:
        return [sys.executable, "-m", "bench.straight", self.articles, self.out(number)]

    @classmethod
    def version(cls) -> str:
        return version("feedgen")


PEERS: tuple[type[Side], ...] = (Straight, Pelican, Jekyll, Eleventy)


def _pelican() -> Path:
    return install("pelican") / "bin" / "pelican"


def _eleventy() -> Path:
    """Return the folder with Eleventy in `node_modules`, installed once for each version."""
    folder = cache() / "eleventy"
    wanted = (_SITES / "eleventy" / "package.json").read_bytes()
    kept = folder / "package.json"
    if kept.exists() and kept.read_bytes() == wanted and (folder / _PACKAGE).exists():
        return folder
    if not shutil.which("npm"):
        raise MissingError("apt-get install nodejs npm")
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(wanted)
    install_all = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    if subprocess.run(install_all, cwd=folder, check=False).returncode:
        raise MissingError(f"npm --prefix {folder} install")
    return folder
