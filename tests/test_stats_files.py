"""Log files: packed, broken, endless, standard input."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedhub.errors import ConfigError
from feedhub.stats import files
from feedhub.stats.files import PIECE, TOO_LONG, Piece, pieces

LINES = b"".join(b"line %d of some\n" % number for number in range(40_000))
DAMAGED = "the file ends too early or is damaged; what stands before was counted"


def bz(data: bytes) -> bytes:
    return bz2.compress(data, 1)


def xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def joined(found: list[Piece]) -> bytes:
    return b"".join(piece.lines for piece in found)


def assert_numbered(found: list[Piece]) -> None:
    number = 1
    for piece in found:
        assert piece.number == number
        number += piece.lines.count(b"\n") or 1


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, xz])
def test_a_file_is_unpacked_whatever_it_is_called(tmp_path: Path, pack):
    place = tmp_path / "access.log.1"
    place.write_bytes(pack(LINES))
    read: list[int] = []
    found = list(pieces(str(place), read.append))
    assert joined(found) == LINES
    assert len(found) > 1
    assert all(piece.lines.endswith(b"\n") and not piece.problem for piece in found)
    assert sum(read) == place.stat().st_size
    assert_numbered(found)


def test_parts_of_gzip_may_stand_one_after_another(tmp_path: Path):
    place = tmp_path / "a.gz"
    place.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\nthree"))
    assert [piece.lines for piece in pieces(str(place))] == [b"one\n", b"two\n", b"three"]


@pytest.mark.parametrize("pack", [gzip.compress, bz, xz])
def test_what_stands_before_the_damage_is_read(tmp_path: Path, pack):
    chance = random.Random(1)
    lines = b"".join(b"%x\n" % chance.getrandbits(400) for _ in range(12_000))
    packed = pack(lines)
    part = packed[: len(packed) * 2 // 3]
    place = tmp_path / "a.gz"
    for damaged in (part, part + b"\0" * 9_000):
        place.write_bytes(damaged)
        found = list(pieces(str(place)))
        assert found[-1].problem == DAMAGED
        assert joined(found)[: len(lines) // 4] == lines[: len(lines) // 4]
        assert_numbered(found)


def test_garbage_behind_a_packed_file_is_told(tmp_path: Path):
    place = tmp_path / "a.gz"
    place.write_bytes(gzip.compress(b"one\n") + b"garbage")
    assert list(pieces(str(place))) == [Piece(1, b"one\n"), Piece(2, b"", DAMAGED)]


@pytest.mark.parametrize("data", [b"", b"x", b"\n", b"a\nb", b"\x1f", b"\x1f\x8b"])
def test_short_files(tmp_path: Path, data: bytes):
    place = tmp_path / "a.log"
    place.write_bytes(data)
    found = list(pieces(str(place)))
    assert joined(found) == (b"" if data == b"\x1f\x8b" else data)
    assert any(piece.problem for piece in found) is (data == b"\x1f\x8b")


def test_zstandard_says_how_to_unpack_it(tmp_path: Path):
    place = tmp_path / "a.zst"
    place.write_bytes(b"\x28\xb5\x2f\xfdxxxx")
    with pytest.raises(ConfigError, match=r"zstdcat .*a\.zst \| feedhub stats -$"):
        list(pieces(str(place)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.log", r"none\.log: cannot be read: No such file or directory"),
        ("", r"cannot be read: Is a directory"),
        ("a\0b", r"a\\x00b: cannot be read: this is no name of a file"),
    ],
)
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str, message: str):
    with pytest.raises(ConfigError, match=message):
        list(pieces(f"{tmp_path}/{name}"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, pack):
    stdin = io.TextIOWrapper(io.BytesIO(pack(LINES)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert joined(list(pieces("-"))) == LINES
    assert not stdin.closed


def test_a_line_of_10_megabytes_is_one_line_and_takes_no_memory(tmp_path: Path):
    place = tmp_path / "a.log"
    place.write_bytes(b"one\n" + b"x" * 10_000_000 + b"\nthree\nfour")
    found = list(pieces(str(place)))
    assert max(len(piece.lines) for piece in found) < 3 * PIECE
    assert [(p.number, p.lines) for p in found if not p.problem] == [
        (1, b"one\n"), (3, b"three\n"), (4, b"four"),
    ]  # fmt: skip
    assert [(p.number, p.problem) for p in found if p.problem] == [(2, TOO_LONG)]


def test_a_long_line_without_an_end(tmp_path: Path):
    place = tmp_path / "a.log"
    place.write_bytes(b"x" * 3 * PIECE)
    assert list(pieces(str(place))) == [Piece(1, b"", TOO_LONG)]


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_lines_stay_whole_wherever_the_file_is_cut(parts):
    data = b"".join(parts)
    found = list(files._whole_lines(iter([part for part in parts if part])))
    assert joined(found) == data
    assert all(piece.lines.endswith(b"\n") for piece in found[:-1])
    assert_numbered(found)
