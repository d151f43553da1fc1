"""The commands of docs/generators.md work as they are written, with small sites for generators."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from feedhub.cli import main
from tests.built_sites import BuiltSite, posts
from tests.kit import article_text

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/generators.md").read_text(encoding="utf-8")
# What each generator writes: the folder and its feed.
SITES = {
    "Hugo": ("public", "index.xml"),
    "Jekyll": ("_site", "feed.xml"),
    "Eleventy": ("_site", "feed/feed.xml"),
    "Astro": ("dist", "rss.xml"),
    "Docusaurus": ("build", "blog/rss.xml"),
    "Hexo": ("public", "atom.xml"),
    "Pelican": ("output", "feeds/all.atom.xml"),
    "Nikola": ("output", "rss.xml"),
    "ABlog": ("_website", "blog/atom.xml"),
    "MkDocs Material": ("site", "feed_rss_created.xml"),
    "Zensical": ("site", "feed_rss.xml"),
    "WordPress": ("export", "feed/index.html"),
}
# Stands for each generator: puts there what it would build.
GENERATOR = '#!/bin/sh\nrm -rf "$SITE" && cp -R "$SITE.built" "$SITE"\n'


def sections() -> dict[str, str]:
    """Return the sections of the page by their heading."""
    parts = re.split(r"^## (.*)\n", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(section: str) -> list[str]:
    """Return the command lines of a section."""
    return re.findall(r"^    (\S.*)$", sections()[section], re.MULTILINE)


def run(lines: list[str], environ: dict[str, str]) -> None:
    """Run the lines in order; feedhub's in this process, which is quicker."""
    for line in lines:
        words = shlex.split(line)
        if words[0] == "feedhub":
            assert main(words[1:]) == 0, line
        else:
            subprocess.run(["sh", "-c", line], env=os.environ | environ, check=True)


def test_every_generator_has_a_section():
    assert [*sections()] == [*SITES, "A folder of article files", "Deploy"]


@pytest.mark.parametrize("name", SITES)
def test_the_commands_of_a_generator_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder, feed = SITES[name]
    lines = commands(name)
    built = tmp_path / (folder if name == "WordPress" else f"{folder}.built")
    BuiltSite(built, posts(), feed=feed, announce=False).build()
    monkeypatch.chdir(tmp_path)
    for line in lines[:-2]:
        program = tmp_path / "bin" / line.split()[0]
        program.parent.mkdir(exist_ok=True)
        program.write_text(GENERATOR)
        program.chmod(0o755)
    environ = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "SITE": folder}
    run(lines, environ)
    out = lines[-2].split()[3]
    assert f"{folder} {out} --base-url https://blog.example.org/{out}" in lines[-2]
    first = (tmp_path / folder / out / "all.atom").read_bytes()
    assert first.count(b"<entry>") == 3
    run(lines, environ)  # the next build, whether the generator empties its folder or not
    assert (tmp_path / folder / out / "all.atom").read_bytes() == first


def test_a_folder_of_articles_and_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles/a.md").write_text(article_text("A title"))
    run(commands("A folder of article files"), {})
    assert (tmp_path / "feeds/all.atom").is_file()
    (upload,) = commands("Deploy")
    assert shlex.split(upload) == [
        *("rsync", "-a", "--delete", "--exclude=.feedhub"),
        *("public/", "www.example.org:/srv/blog/"),
    ]


def test_the_workflow_renders_what_it_builds():
    text = (ROOT / "deploy/github/built-site.yml").read_text(encoding="utf-8")
    whole = yaml.safe_load(text)
    scripts = [step.get("run", "") for step in whole["jobs"]["render"]["steps"]]
    (build,) = [place for place, script in enumerate(scripts) if "hugo --destination" in script]
    (render,) = [
        place
        for place, script in enumerate(scripts)
        if "feedhub render" in script or 'feedhub" render "$SITE" feeds' in script
    ]
    assert build < render
    assert whole["env"]["BASE_URL"].endswith("/feeds")
    assert whole["env"]["SITE"] == SITES["Hugo"][0]
