"""Posts as their authors write them, for generators of sites."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CANARY = "canary-of-a-hidden-page"
BASE = "https://blog.example"
NODE = HERE / "node_modules" / ".bin"
PYTHON = HERE / ".venv" / "bin"


@dataclass(frozen=True)
class Source:
    """A post as its author writes it."""

    name: str
    title: str
    body: str
    date: str = "2024-01-02 03:04:05"
    tags: tuple[str, ...] = ()
    state: str = ""


def sources() -> list[Source]:
    """Return twelve posts, of which four may not be published."""
    posts = [
        Source(
            f"post-{n}",
            f"Post {n}",
            f"Text of **{n}**, [a link](/about/).",
            f"2024-01-{n:02} 10:00:0{n}",
        )
        for n in range(1, 6)
    ]
    return [
        *posts,
        Source("amp", 'AT&T <b> "x"', "Text & more.", "2024-02-01 00:00:01", ("R&D", "C++")),
        Source("文章-é", "文章", "中文。", "2024-02-02 00:00:02"),
        Source("picture", "Picture", "![alt](pic.png) and `code < 1`.", "2024-02-03 00:00:03"),
        Source("note", "Note", "A note[^1].\n\n[^1]: The foot.", "2024-02-04 00:00:04"),
        Source("draft", CANARY, CANARY, "2024-02-05 00:00:05", state="draft"),
        Source("hidden", CANARY, CANARY, "2024-02-06 00:00:06", state="hidden"),
        Source("future", "Future", "Later.", "2031-02-07 00:00:07"),
    ]


def write(path: Path, text: str) -> None:
    """Write a file and its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def installed(name: str) -> Path:
    """Return the path of a program that a distribution installs; skip the test without it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(
            f"{name} is missing: apt-get install hugo jekyll ruby-jekyll-feed jekyll-theme-minima"
        )
    return Path(found)


def link_modules(folder: Path) -> None:
    """Let a project find the packages of npm."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules").exists() and NODE.exists():
        (folder / "node_modules").symlink_to(HERE / "node_modules")


def run(command: list[str | Path], folder: Path) -> None:
    """Run a generator; it must succeed."""
    if not Path(command[0]).exists():
        pytest.skip(f"{command[0]} is missing: make generators")
    environ = os.environ | {"NO_UPDATE_NOTIFIER": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    environ |= {"ASTRO_TELEMETRY_DISABLED": "1", "DOCUSAURUS_NO_UPDATE_NOTIFIER": "1"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def matter(post: Source, **more: str) -> str:
    """Return front matter in YAML."""
    lines = {"title": json.dumps(post.title, ensure_ascii=False), "date": post.date, **more}
    if post.tags:
        lines["tags"] = json.dumps(post.tags)
    return "---\n" + "".join(f"{key}: {value}\n" for key, value in lines.items()) + "---\n"
