"""The options that several commands share: the catalog's path, and the values of `auto`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from feedhub.catalog import Catalog, CatalogAddress
from feedhub.cli import options
from feedhub.cli.registry import build_parser
from tests.command_line import BASE, Result, is_one_line, runner, write
from tests.kit import article_text, files_below


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run a command in this process."""
    return runner(capsys)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own current folder, with a folder `articles` of one good article."""
    monkeypatch.chdir(tmp_path)
    write("good.md", article_text("Good", topics=["AI"]))
    return tmp_path


@pytest.mark.parametrize("path", ["articles", "/"])
def test_a_folder_as_catalog_is_refused_without_writing_anything(run, folder: Path, path: str):
    before = files_below(folder)
    ran = run("sync", "articles", "--catalog", path, *BASE)
    message = (
        f"feedhub: {path}: the catalog cannot be opened: Is a directory; choose another path\n"
    )
    assert ran == Result(2, "", message)
    assert files_below(folder) == before


def test_a_catalog_whose_folder_cannot_be_made_gets_advice(run):
    ran = run("render", "articles", "public", "--catalog", "articles/good.md/c.sqlite", *BASE)
    assert (ran.code, is_one_line(ran.err)) == (2, True)
    assert ran.err.endswith("the catalog cannot be opened: File exists; choose another path\n")


@pytest.mark.parametrize("command", ["ping", "probe"])
def test_ping_and_probe_before_a_render_get_advice(run, command: str):
    ran = run(command, "articles", *BASE)
    assert (ran.code, is_one_line(ran.err)) == (2, True)
    message = ": there is no catalog yet; feedhub render or sync makes it\n"
    assert ran.err.endswith(message)


def test_the_default_catalog_is_in_the_cache_one_for_each_site(run, monkeypatch):
    cache = Path("cache").resolve()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    for more in ((), BASE, ("--drafts",)):
        run("render", "articles", "public", "--allow-shrink", *more)
        run("render", "articles", "public", "--allow-shrink", *more)
    assert len(list(cache.glob("feedhub/*.sqlite"))) == 3


def test_a_server_has_its_own_catalog_and_other_commands_use_that_of_render():
    def catalog_of(line: str) -> CatalogAddress:
        args = build_parser().parse_args(line.split())
        return options.catalog_path(args, options.config_of(args))

    render = catalog_of("render articles public")
    catalogs = {
        line: catalog_of(line) for line in ("ping articles", "probe articles", "serve articles")
    }
    catalogs["stats"] = catalog_of("stats access.log --source articles")
    assert [line for line, catalog in catalogs.items() if catalog != render] == ["serve articles"]


@pytest.mark.parametrize(
    ("search", "command", "builder"),
    [
        ("no", "serve", "no"),
        ("auto", "serve", "yes"),
        ("auto", "feeds", "no"),
        ("yes", "feeds", "yes"),
    ],
)
def test_builder_auto_follows_search(monkeypatch, search, command, builder):
    monkeypatch.setenv("FEEDHUB_FEEDS_SEARCH", search)
    args = build_parser().parse_args([command, "articles"])
    assert options.config_of(args).feeds.builder == builder


def test_a_relative_cache_folder_is_ignored(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr(sys, "platform", "linux")
    assert options.cache_folder() == Path("/home/somebody/.cache")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert options.cache_folder() == Path("/home/somebody/Library/Caches")


def test_the_given_catalog_is_used(run):
    run("render", "articles", "public", "--catalog", "my/catalog.sqlite", *BASE)
    catalog = Catalog(Path("my/catalog.sqlite"))
    assert catalog.count() == 1
    catalog.close()
