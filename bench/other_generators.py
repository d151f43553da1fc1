"""Other generators of feeds: feedgen, Pelican, Jekyll, Eleventy.

They do not do the same work, so their feeds and entries are counted: Jekyll writes Atom only,
Pelican no JSON; Jekyll and Eleventy also write a page of every article.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bench.articles import as_html, as_post, read_articles, slug
from bench.environment import cache_folder, install_package
from bench.generators import Generator, NotInstalledError
from bench.machine import ROOT, first_line

SITES = ROOT / "bench" / "sites"
ELEVENTY_PACKAGE = "node_modules/@11ty/eleventy/package.json"


class JekyllGenerator(Generator):
    """Debian's Jekyll with jekyll-feed: Atom for all articles, by tag, by configured category."""

    name = "Jekyll"
    formats = (".atom",)

    def __init__(self, folder: Path, articles: Path) -> None:
        super().__init__(folder, folder / "jekyll-site" / "_posts")
        self.articles.mkdir(parents=True)
        providers = set()
        for article in read_articles(articles):
            # jekyll-feed writes feeds only for tags of word characters.
            tags = [slug(topic).replace("-", "_") for topic in article.topics]
            providers.add(slug(article.provider))
            labels = {"tags": tags, "categories": [slug(article.provider)]}
            text = as_post(article, description=article.summary, **labels)
            path = self.articles / f"{article.date[:10]}-{article.stem}.html"
            path.write_text(text, encoding="utf-8")
        self._config = self.articles.parent / "categories.yml"
        settings = (SITES / "jekyll" / "_config.yml").read_text(encoding="utf-8")
        names = json.dumps(sorted(providers))
        self._config.write_text(f"{settings}  categories: {names}\n", encoding="utf-8")

    def command(self, number: int) -> list[object]:
        source, output = self.articles.parent, self.output(number)
        arguments = ["jekyll", "build", "--quiet", "--disable-disk-cache", "--config", self._config]
        return [*arguments, "--source", source, "--destination", output]

    def feed_name(self, path: str) -> str:
        folder, _, name = path.rpartition("/")
        if path == "all.atom":
            return path
        feed = name.removesuffix(".xml").replace("_", "-") + ".atom"
        return {"topics": f"topics/{feed}", "feed": f"providers/{feed}"}.get(folder, "")

    @classmethod
    def version(cls) -> str:
        if not shutil.which("jekyll"):
            raise NotInstalledError(
                "apt-get install --no-install-recommends jekyll ruby-jekyll-feed"
            )
        query = ["dpkg-query", "--show", "--showformat", "${Version}", "ruby-jekyll-feed"]
        return f"{first_line(['jekyll', '--version']).split()[-1]}, feed {first_line(query)}"


class PelicanGenerator(Generator):
    """Pelican from PyPI: RSS and Atom for all articles, by tag and by category."""

    name = "Pelican"
    formats = (".rss", ".atom")
    title_prefix = "<title>"

    def __init__(self, folder: Path, articles: Path) -> None:
        super().__init__(folder, folder / "pelican-content")
        self.articles.mkdir()
        for article in read_articles(articles):
            path = self.articles / f"{article.stem}.html"
            path.write_text(as_html(article), encoding="utf-8")

    def command(self, number: int) -> list[object]:
        arguments = [pelican_program(), self.articles, "--output", self.output(number), "--quiet"]
        arguments += ["--settings", SITES / "pelican" / "pelicanconf.py"]
        return [*arguments, "--extra-settings", f'CACHE_PATH="{self._cache(number)}"']

    def extra_files(self, number: int) -> list[Path]:
        return [self._cache(number)]

    @classmethod
    def version(cls) -> str:
        try:
            return first_line([pelican_program(), "--version"])
        except subprocess.CalledProcessError:
            raise NotInstalledError("python -m pip install pelican") from None

    def _cache(self, number: int) -> Path:
        return self.folder / f"pelican-cache-{number}"


class EleventyGenerator(Generator):
    """Eleventy from npm with its RSS plugin, which is configured once for every feed."""

    name = "Eleventy"

    def __init__(self, folder: Path, articles: Path) -> None:
        self._site = shutil.copytree(SITES / "eleventy", folder / "eleventy-site")
        (self._site / "node_modules").symlink_to(eleventy_folder() / "node_modules")
        super().__init__(folder, self._site / "articles")
        self.cwd = self._site
        self.articles.mkdir()
        feeds = {"all": "article"}
        for article in read_articles(articles):
            labels = {f"topics/{slug(topic)}" for topic in article.topics}
            labels.add(f"providers/{slug(article.provider)}")
            # Names of collections must be JavaScript identifiers.
            names = {label: label.replace("/", "_").replace("-", "_") for label in sorted(labels)}
            feeds |= names
            # No summary: the plugin would write it in a namespace that it does not declare.
            text = as_post(article, tags=["article", *names.values()])
            (self.articles / f"{article.stem}.html").write_text(text, encoding="utf-8")
        (self._site / "feeds.json").write_text(json.dumps(feeds), encoding="utf-8")

    def command(self, number: int) -> list[object]:
        arguments = ["node", "node_modules/@11ty/eleventy/cmd.cjs", "--quiet"]
        return [*arguments, "--input", "articles", "--output", self.output(number)]

    @classmethod
    def version(cls) -> str:
        package = json.loads((eleventy_folder() / ELEVENTY_PACKAGE).read_text(encoding="utf-8"))
        return str(package["version"])


class FeedgenBaseline(Generator):
    """PyYAML and feedgen in a hundred lines: what feedhub would be without its own code."""

    name = "feedgen"
    cwd = ROOT

    def __init__(self, folder: Path, articles: Path) -> None:
        super().__init__(folder, shutil.copytree(articles, folder / "baseline"))

    def command(self, number: int) -> list[object]:
        return [sys.executable, "-m", "bench.feedgen_baseline", self.articles, self.output(number)]

    @classmethod
    def version(cls) -> str:
        return version("feedgen")


OTHER_GENERATORS: tuple[type[Generator], ...] = (
    FeedgenBaseline,
    PelicanGenerator,
    JekyllGenerator,
    EleventyGenerator,
)


def pelican_program() -> Path:
    """Return the path of Pelican, installed once."""
    return install_package("pelican") / "bin" / "pelican"


def eleventy_folder() -> Path:
    """Return the folder whose `node_modules` has Eleventy, installed once for each version."""
    folder = cache_folder() / "eleventy"
    wanted = (SITES / "eleventy" / "package.json").read_bytes()
    installed = folder / "package.json"
    if (
        installed.exists()
        and installed.read_bytes() == wanted
        and (folder / ELEVENTY_PACKAGE).exists()
    ):
        return folder
    if not shutil.which("npm"):
        raise NotInstalledError("apt-get install nodejs npm")
    folder.mkdir(parents=True, exist_ok=True)
    installed.write_bytes(wanted)
    install_all = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    if subprocess.run(install_all, cwd=folder, check=False).returncode:
        raise NotInstalledError(f"npm --prefix {folder} install")
    return folder
