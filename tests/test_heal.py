"""A damaged catalog: it is noticed, made anew, and no document is wrong."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import pytest

from feedhub.catalog import Catalog, seal
from feedhub.catalog.sqlite import CHECKED, SqliteDatabase
from feedhub.errors import CatalogError, DamagedError
from tests.command_line import BASE, is_one_line, runner, write
from tests.kit import article_text, files_below

# How many damaged catalogs are rendered from; CATALOG_DAMAGES=2000 is the long form.
DAMAGES = int(os.environ.get("CATALOG_DAMAGES", "16"))
ANEW = "feedhub: c.sqlite: the catalog was damaged and is made anew\n"
ARTICLES = 24


@pytest.fixture
def run(capsys) -> Callable:
    return runner(capsys)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """A folder with articles, the output and a catalog, as the first render left them.

    Every article says when it was updated, so no date stands in the catalog alone: a render from a
    new catalog gives the same bytes.
    """
    folder = tmp_path_factory.mktemp("rendered")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number in range(ARTICLES):
            text = article_text(
                f"Title {number}",
                f"Text {number}. " * 40,
                topics=["Law" if number % 3 else "ML", f"Topic {number % 7}"],
                provider={"name": f"News {number % 5}", "domain": f"n{number % 5}.example"},
                publishedDateTime=f"2020-0{1 + number % 6}-09T11:{number:02d}:00Z",
                updatedDateTime=f"2020-07-09T11:{number:02d}:00Z",
                images=[{"url": f"https://images.example/{number}.png"}],
            )
            write(f"{number:02}.md", text)
        time.sleep(2.1)  # so old, the files are trusted and not read again
        command = [sys.executable, "-m", "feedhub", *RENDER]
        subprocess.run(command, check=True, capture_output=True)
    return folder


RENDER = ("render", "articles", "public", "--catalog", "c.sqlite", "--workers", "1", *BASE)


@pytest.fixture
def folder(rendered, tmp_path, monkeypatch) -> Path:
    """A copy of the folder with the same articles, as the current one."""
    shutil.copytree(rendered, tmp_path / "copy", ignore=lambda *_: ["articles"])
    (tmp_path / "copy/articles").symlink_to(rendered / "articles")
    monkeypatch.chdir(tmp_path / "copy")
    CHECKED.clear()
    return tmp_path / "copy"


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Return the bytes with a bit flipped, a part cut off, or a block overwritten."""
    at = chance.randrange(len(data))
    kind = chance.choice(["flip", "flip", "cut", "pages", "noise", "zeros", "blank"])
    size = chance.choice([1, 16, 512, 4096, 20_000])
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    if kind == "cut":
        return data[: at + 1]
    if kind == "pages":
        return data[: max(1, at // 4096) * 4096]
    if kind == "blank":
        return bytes(len(data) if at % 2 else at + 1)
    block = bytes(size) if kind == "zeros" else chance.randbytes(size)
    return data[:at] + block[: len(data) - at] + data[at + len(block) :]


def many(number: int) -> Iterator[random.Random]:
    yield from (random.Random(f"damage {index}") for index in range(number))


def documents(folder: Path) -> dict[str, bytes]:
    """Return every published file."""
    return {path: body for path, body in files_below(folder).items() if ".feedhub" not in path}


def test_every_damage_is_noticed_when_the_catalog_is_opened(rendered, tmp_path):
    data, path = (rendered / "c.sqlite").read_bytes(), tmp_path / "c.sqlite"
    for chance in many(150):
        found = damaged(data, chance)
        if found == data:
            continue
        path.write_bytes(found)
        CHECKED.clear()
        told = Mock()
        with closing(Catalog(path, on_damage=told)) as catalog:
            # What a cut has taken off may be no more than the seal.
            whole = found == data[: len(data) - seal.SEAL_SIZE]
            assert (told.call_count, catalog.count()) == ((0, ARTICLES) if whole else (1, 0))


def test_a_render_from_a_damaged_catalog_gives_the_right_documents(folder, run):
    data, expected = Path("c.sqlite").read_bytes(), documents(folder / "public")
    for chance in many(DAMAGES):
        found = damaged(data, chance)
        Path("c.sqlite").write_bytes(found)
        CHECKED.clear()
        if chance.random() < 0.5:
            shutil.rmtree("public")
        ran = run(*RENDER, "--quiet")
        assert (ran.code, ran.out) == (0, "")
        assert ran.err in (("", ANEW) if data.startswith(found) else (ANEW,))
        assert documents(folder / "public") == expected
        before = {path: path.stat().st_mtime_ns for path in Path("public").rglob("*")}
        ran = run(*RENDER)
        assert (ran.code, ran.err) == (0, "")
        assert f"{ARTICLES} found, " in ran.out
        assert "documents: 0 written" in ran.out
        assert {path: path.stat().st_mtime_ns for path in Path("public").rglob("*")} == before


@pytest.mark.parametrize("command", [RENDER, ("sync", "articles", "--catalog", "c.sqlite", *BASE)])
def test_the_command_line_says_in_one_line_what_it_did(folder, command):
    expected = documents(folder / "public")
    data = bytearray(Path("c.sqlite").read_bytes())
    data[data.index(b"Title 7")] ^= 1
    Path("c.sqlite").write_bytes(data)
    ran = subprocess.run(
        [sys.executable, "-m", "feedhub", *command], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, ANEW)
    assert documents(folder / "public") == expected


@pytest.mark.parametrize(
    "column",
    [
        "records.record",
        "catalog_state.record",
        "articles.state",
        "articles.published",
        "feeds.slug",
        "states.fingerprint",
        "labels.id",
        "outputs.fingerprint",
    ],
)
def test_a_change_behind_the_back_of_a_writer_is_damage(folder, run, column):
    """A program that writes the same file, and leaves the seal, stands for a bit in this column."""
    expected, size = documents(folder / "public"), Path("c.sqlite").stat().st_size
    tail = Path("c.sqlite").read_bytes()[-seal.SEAL_SIZE :]
    table, _, name = column.partition(".")
    with closing(sqlite3.connect("c.sqlite", isolation_level=None)) as other:
        where = "rowid = 1" if table in ("records", "articles", "feeds") else "TRUE"
        other.execute(f"UPDATE {table} SET {name} = {name} || 'x' WHERE {where}")  # noqa: S608
    with Path("c.sqlite").open("r+b") as file:
        file.truncate(size - seal.SEAL_SIZE)
        file.seek(0, os.SEEK_END)
        file.write(tail)
    assert run(*RENDER, "--quiet") == (0, "", ANEW)
    assert documents(folder / "public") == expected


@pytest.mark.parametrize("place", ["records.record", "catalog_state.record"])
def test_damage_that_nothing_vouches_for_is_found_when_it_is_read(folder, run, place):
    expected = documents(folder / "public")
    table, _, name = place.partition(".")
    with closing(sqlite3.connect("c.sqlite")) as other:
        other.execute(f"UPDATE {table} SET {name} = CAST('no value' AS BLOB)")  # noqa: S608
        other.commit()
    shutil.rmtree("public")
    assert run(*RENDER, "--quiet") == (0, "", ANEW)
    assert documents(folder / "public") == expected


def test_an_unsealed_catalog_with_broken_pages_is_made_anew(folder, run):
    data = bytearray(Path("c.sqlite").read_bytes()[: -seal.SEAL_SIZE])
    data[8192:40_000] = b"\xa5" * (40_000 - 8192)
    Path("c.sqlite").write_bytes(data)
    assert run(*RENDER, "--quiet") == (0, "", ANEW)


def test_the_old_output_stays_until_the_new_one_is_whole(folder, run, monkeypatch):
    expected = documents(folder / "public")
    data = bytearray(Path("c.sqlite").read_bytes())
    data[5000] ^= 1
    Path("c.sqlite").write_bytes(data)
    Path("articles").unlink()
    Path("articles").mkdir()
    ran = run(*RENDER)
    assert ran.code == 3
    assert ran.err.startswith(ANEW)
    assert documents(folder / "public") == expected


@pytest.mark.parametrize("other", ["text", "database", "marked", "zip"])
def test_what_is_no_catalog_stays(tmp_path, monkeypatch, run, other):
    monkeypatch.chdir(tmp_path)
    write("one.md", article_text("One"))
    path = Path("c.sqlite")
    if other in ("database", "marked"):
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE precious (x)")
            if other == "marked":
                database.execute("PRAGMA application_id = 5")
            database.commit()
    else:
        start = b"text, as it was. " if other == "text" else b"PK\3\4" + bytes(60)
        path.write_bytes(start * 99 + b"feed" * 100)
    before = path.read_bytes()
    ran = run(*RENDER)
    assert (ran.code, is_one_line(ran.err)) == (2, True)
    assert path.read_bytes() == before


def test_two_that_find_the_damage_make_one_new_catalog(folder):
    data = bytearray(Path("c.sqlite").read_bytes())
    data[5000] ^= 1
    for _ in range(2):
        Path("c.sqlite").write_bytes(data)
        command = [sys.executable, "-m", "feedhub", "sync", "articles", "--catalog", "c.sqlite"]
        both = [
            subprocess.Popen([*command, *BASE, "--quiet"], stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        printed = [process.communicate()[1] for process in both]
        assert [process.returncode for process in both] == [0, 0]
        assert ANEW in printed
        with closing(Catalog.open_existing(Path("c.sqlite"), read_only=True)) as catalog:
            assert catalog.count() == ARTICLES


def test_a_reader_refuses_what_it_must_not_repair(folder):
    path = Path("c.sqlite")
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match="the next sync or render makes it anew"):
        Catalog.open_existing(path, read_only=True)
    assert path.read_bytes() == data


def test_a_catalog_is_sealed_when_it_is_closed_and_open_while_it_is_written(folder):
    path = Path("c.sqlite")

    def is_sealed() -> bool:
        return path.stat().st_size % seal.PAGE_SIZE == seal.SEAL_SIZE

    before = path.read_bytes()
    with closing(Catalog(path)) as catalog:
        assert catalog.count() == ARTICLES
        catalog.clear_changes_of_others([])  # changes nothing
    assert path.read_bytes() == before
    with closing(Catalog(path)) as catalog:
        catalog.changes("hub").enqueue(["a.rss"], 1, 0.0)
        assert not is_sealed()
    assert is_sealed()
    with closing(Catalog(path)) as catalog, closing(Catalog(path)) as other:
        other.clear_changes_of_others([])
        with catalog.snapshot():
            catalog.count()
            other.close()  # a reader keeps the log from being emptied
    assert is_sealed()


def test_a_reader_beside_a_writer_never_sees_damage(folder):
    """The checksum of a file that changes while it is read says nothing."""
    path = Path("c.sqlite").absolute()
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom feedhub.catalog import Catalog\n"
        "for number in range(50):\n"
        "    catalog = Catalog(Path(sys.argv[1]), on_damage=lambda: sys.exit(9))\n"
        "    catalog.changes('hub').enqueue([f'{number}.rss'], number, 0.0)\n"
        "    catalog.close()\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)])
    looks = 0
    while writer.poll() is None:
        Catalog.open_existing(path, read_only=True).close()
        looks += 1
    assert (writer.returncode, looks > 5) == (0, True)
    with closing(Catalog(path)) as catalog:
        assert len(list(catalog._database.iterate("SELECT * FROM changes"))) == 50


def test_a_full_disk_leaves_no_half_seal(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(bytes(4096))
    file = os.open(path, os.O_RDWR)
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: real(file, data[:5], at))
    seal.seal(file)
    assert path.stat().st_size == 4096
    os.close(file)


def test_large_and_small_files_have_the_same_seal(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(8192))
    file = os.open(path, os.O_RDWR)
    seal.seal(file)
    assert path.read_bytes()[8192 + len(seal.MARK) :] == zlib.crc32(
        path.read_bytes()[:8192]
    ).to_bytes(4, "big")
    monkeypatch.setattr(seal, "ISAL_SIZE", 0)
    assert seal.has_broken_seal(file) is False
    os.pwrite(file, bytes(100), 4000)
    assert seal.has_broken_seal(file) is True
    os.close(file)


def test_an_error_of_the_disk_is_no_damage(folder, monkeypatch, run):
    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    before = Path("c.sqlite").read_bytes()
    monkeypatch.setattr(SqliteDatabase, "_prepare", full)
    with pytest.raises(CatalogError, match="disk is full"):
        Catalog(Path("c.sqlite"))
    assert Path("c.sqlite").read_bytes() == before
