"""The disk of the catalog is full, in bytes or in inodes: a sync says so in one line."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from feedhub.catalog import Catalog
from feedhub.cli import main
from tests.kit import article_text
from tests.test_render_faults import may_mount, used

ROUNDS = 30


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    if not may_mount():
        pytest.skip("mounting a small disk needs root with CAP_SYS_ADMIN")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def write(folder: Path, count: int, word: str) -> None:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        text = article_text(f"{word} {number}", f"{word} text of {number}. " * 400, topics=["AI"])
        (folder / f"{number}.md").write_text(text)


def titles(path: Path) -> set[str]:
    """Return the first words of the titles; who may write leaves one file alone behind."""
    with closing(Catalog.open_existing(path, read_only=False)) as catalog:
        return {article.title.split()[0] for _, article in catalog.articles()}


@pytest.mark.parametrize("scarce", ["size", "nr_inodes"])
def test_a_full_disk_leaves_the_catalog_as_it_was(
    tmp_path: Path, disk: Path, scarce: str, capsys: pytest.CaptureFixture[str]
):
    articles, catalog, failed = tmp_path / "articles", disk / "catalog", 0
    place = ["--catalog", str(catalog), "--base-url", "https://feeds.example.org"]
    write(articles, 60, "Old")
    assert main(["sync", str(articles), *place]) == 0
    for step in range(ROUNDS):
        word = f"New{step}"
        before = titles(catalog)
        write(articles, 60 + step, word)
        size, inodes = used(disk)
        room = {"size": size + step * 8192, "nr_inodes": inodes + step % 3}[scarce]
        options = f"remount,{scarce}={room}"
        subprocess.run(["mount", "-o", options, disk], check=True, capture_output=True)
        capsys.readouterr()
        code = main(["sync", str(articles), *place])
        printed = capsys.readouterr().err
        subprocess.run(["mount", "-o", "remount,size=32m,nr_inodes=1000", disk], check=True)
        if code:
            failed += 1
            assert (code, printed.count("\n")) == (2, 1), printed
            assert titles(catalog) == before
            assert main(["sync", str(articles), *place]) == 0
        assert capsys.readouterr().err == "" or code == 0
        assert titles(catalog) == {word}
    assert failed > 3
