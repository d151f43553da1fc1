"""Posts as their authors write them, for generators of sites."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CANARY = "canary-of-a-hidden-page"
BASE = "https://blog.example"
NODE = HERE / "node_modules" / ".bin"
PYTHON = HERE / ".venv" / "bin"
LANGUAGES = ("en", "de")
# What a shortcode, a component or a directive of the generator stands in the text for.
COMPONENT = "THE-COMPONENT"
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
# When files that state no date were written.
CHANGED_AT = 1_709_290_800


@dataclass(frozen=True)
class Source:
    """A post as its author writes it; `word` stands in the text of no other."""

    name: str
    language: str
    title: str
    body: str
    date: str
    tags: tuple[str, ...] = ()
    state: str = ""

    @property
    def word(self) -> str:
        """Return the word by which the post is found."""
        return word_of(self.language, self.name)


def word_of(language: str, name: str) -> str:
    """Return the word of a post in a language."""
    return f"marker{language}{'cjk' if name.startswith('文') else name}"


def sources() -> list[Source]:
    """Return twelve posts in each language, of which three may not be published."""
    return [post for language in LANGUAGES for post in posts_in(language)]


def posts_in(language: str) -> list[Source]:
    """Return the twelve posts in a language; their names are the same in both."""
    month = LANGUAGES.index(language) + 1

    def post(name: str, day: int, text: str, **more: object) -> Source:
        body = f"{word_of(language, name)} {text}"
        values = {"title": f"Title {name} {language}", "date": f"2024-{month:02}-{day:02} 10:00:09"}
        return Source(name, language, body=body, **(values | more))  # type: ignore[arg-type]

    hidden = {"title": CANARY}
    title = f'AT&T <b> "x" {language}'
    return [
        post("plain", 1, "Text with **weight**, [a link](/about/)."),
        post("second", 2, "More text."),
        post("amp", 3, "Text & more.", title=title, tags=("R&D", "C++")),
        post("文章-é", 4, "中文。"),
        post("picture", 5, "![alt](pic.png) and `code < 1`."),
        post("note", 6, "A note[^1].\n\n[^1]: The foot."),
        post("component", 7, f"Before.\n\n{COMPONENT}\n\nAfter."),
        post("untitled", 8, "A post without a title.", title=""),
        post("undated", 9, "A post without a date.", date=""),
        post("draft", 10, CANARY, state="draft", **hidden),
        post("hidden", 11, CANARY, state="hidden", **hidden),
        post("future", 12, "Later.", date=f"2031-{month:02}-07 00:00:07"),
    ]


def write(path: Path, text: str) -> None:
    """Write a file and its folders; one that is the same is not touched."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        os.utime(path, (CHANGED_AT, CHANGED_AT))
    elif path.read_text(encoding="utf-8") != text:
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
    title = json.dumps(post.title, ensure_ascii=False) if post.title else ""
    lines = {"title": title, "date": post.date, **more}
    if post.tags:
        lines["tags"] = json.dumps(post.tags)
    return "---\n" + "".join(f"{key}: {text}\n" for key, text in lines.items() if text) + "---\n"


def body_of(post: Source, component: str) -> str:
    """Return the text of a post, with a component as the generator writes it."""
    return post.body.replace(COMPONENT, component)
