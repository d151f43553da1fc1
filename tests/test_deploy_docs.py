"""docs/hosting.md says what is in deploy/, and its commands and numbers are true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from feedhub.cli.registry import parse
from feedhub.config import load_config

ROOT = Path(__file__).parent.parent
HOSTING, OPERATING, README = (
    (ROOT / name).read_text(encoding="utf-8").partition("## Messages")[0]
    for name in ("docs/hosting.md", "docs/operating.md", "README.md")
)
HTTP = load_config(None, {}, {"site.base_url": "https://feeds.example.org"}).http
NAMED = set(re.findall(r"deploy/[\w./-]*[\w]", HOSTING + OPERATING))


def quick_start(page: str) -> str:
    """Return the lines of a page that set everything up."""
    (found,) = re.findall(r"(?:^    .+\n)+", page[page.index("    NAME=") :], re.MULTILINE)[:1]
    return found.replace("\n    ", "\n").removeprefix("    ")


def commands() -> list[list[str]]:
    """Return the arguments of every feedhub command that the page shows."""
    shown = re.findall(
        r"(?:^    /opt/feedhub/bin/|`)feedhub ([^`\n]+)", HOSTING + OPERATING, re.MULTILINE
    )
    return [shlex.split(line) for line in shown if len(line.split()) > 1]


def format_duration(seconds: int) -> str:
    hours, minutes = divmod(seconds // 60, 60)
    if hours < 20:
        return f"{seconds // 60} minutes"
    return f"{hours} hours" + (f" and {minutes} minutes" if minutes else "")


def test_every_file_that_is_named_is_there():
    assert len(NAMED) > 10
    missing = [name for name in NAMED if not (ROOT / name).exists()]
    assert [name for name in missing if name != "deploy/systemd/feedhub"] == []


def test_every_file_of_deploy_is_named():
    every = {f"deploy/{path.relative_to(ROOT / 'deploy')}" for path in (ROOT / "deploy").rglob("*")}
    files = {name for name in every if (ROOT / name).is_file()}
    assert files - NAMED == set()


def test_every_file_of_deploy_begins_with_what_to_change():
    for path in (ROOT / "deploy").rglob("*"):
        if path.is_file():
            head = path.read_text(encoding="utf-8").splitlines()[:6]
            assert head[0].startswith("# ") or path.suffix == ".json", path
            if path.name not in {"feedhub-admin.socket", "feedhub.sysusers", "_redirects"}:
                assert any("Change: " in line for line in head), path


def test_every_command_is_one_that_feedhub_has():
    assert len(commands()) >= 3
    for arguments in commands():
        parse(arguments)


def test_the_two_recipes_are_one():
    assert quick_start(README) == quick_start(HOSTING)
    assert len(quick_start(HOSTING).splitlines()) == 13


def test_the_hosting_page_adds_up_how_long_a_withdrawn_article_stays_visible():
    ages = (HTTP.max_age, HTTP.archive_max_age)
    for age, kind in zip(ages, ("max_age", "archive_max_age"), strict=True):
        for stale in ("stale_while_revalidate", "stale_if_error"):
            seconds = age + getattr(HTTP, stale)
            assert f"`{kind}` + `{stale}`: {format_duration(seconds)}" in HOSTING
