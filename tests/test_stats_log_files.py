"""Log files: compressed, damaged, with lines of any length; standard input."""

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
from feedhub.stats.log_files import (
    CHUNK_BYTES,
    DAMAGED,
    LINE_TOO_LONG,
    Chunk,
    read_chunks,
    split_lines,
)

LINES = b"".join(b"line %d of some\n" % number for number in range(40_000))


def bz(data: bytes) -> bytes:
    return bz2.compress(data, 1)


def xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def joined(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.lines for chunk in chunks)


def assert_numbered(chunks: list[Chunk]) -> None:
    number = 1
    for chunk in chunks:
        assert chunk.number == number
        number += chunk.lines.count(b"\n") or 1


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress, xz])
def test_a_file_of_any_name_is_decompressed(tmp_path: Path, compress):
    path = tmp_path / "access.log.1"
    path.write_bytes(compress(LINES))
    read: list[int] = []
    chunks = list(read_chunks(str(path), read.append))
    assert joined(chunks) == LINES
    assert len(chunks) > 1
    assert all(chunk.lines.endswith(b"\n") and not chunk.problem for chunk in chunks)
    assert sum(read) == path.stat().st_size
    assert_numbered(chunks)


def test_concatenated_gzip_members_are_read(tmp_path: Path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\nthree"))
    assert [chunk.lines for chunk in read_chunks(str(path))] == [b"one\n", b"two\n", b"three"]


@pytest.mark.parametrize("compress", [gzip.compress, bz, xz])
def test_the_lines_before_the_damage_are_read(tmp_path: Path, compress):
    chance = random.Random(1)
    lines = b"".join(b"%x\n" % chance.getrandbits(400) for _ in range(12_000))
    compressed = compress(lines)
    part = compressed[: len(compressed) * 2 // 3]
    path = tmp_path / "a.gz"
    for damaged in (part, part + b"\0" * 9_000):
        path.write_bytes(damaged)
        chunks = list(read_chunks(str(path)))
        assert chunks[-1].problem == DAMAGED
        assert joined(chunks)[: len(lines) // 4] == lines[: len(lines) // 4]
        assert_numbered(chunks)


def test_garbage_after_a_compressed_file_is_reported(tmp_path: Path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"one\n") + b"garbage")
    assert list(read_chunks(str(path))) == [Chunk(1, b"one\n"), Chunk(2, b"", DAMAGED)]


@pytest.mark.parametrize("data", [b"", b"x", b"\n", b"a\nb", b"\x1f", b"\x1f\x8b"])
def test_short_files(tmp_path: Path, data: bytes):
    path = tmp_path / "a.log"
    path.write_bytes(data)
    chunks = list(read_chunks(str(path)))
    assert joined(chunks) == (b"" if data == b"\x1f\x8b" else data)
    assert any(chunk.problem for chunk in chunks) is (data == b"\x1f\x8b")


def test_the_error_for_zstandard_names_a_pipe(tmp_path: Path):
    path = tmp_path / "a.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfdxxxx")
    with pytest.raises(ConfigError, match=r"zstdcat .*a\.zst \| feedhub stats -$"):
        list(read_chunks(str(path)))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.log", r"none\.log: cannot be read: No such file or directory"),
        ("", r"cannot be read: Is a directory"),
        ("a\0b", r"a\\x00b: cannot be read: this is no valid file name"),
    ],
)
def test_a_file_that_cannot_be_opened(tmp_path: Path, name: str, message: str):
    with pytest.raises(ConfigError, match=message):
        list(read_chunks(f"{tmp_path}/{name}"))


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, compress):
    stdin = io.TextIOWrapper(io.BytesIO(compress(LINES)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert joined(list(read_chunks("-"))) == LINES
    assert not stdin.closed


def test_a_line_of_10_megabytes_is_dropped_as_one_line(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n" + b"x" * 10_000_000 + b"\nthree\nfour")
    chunks = list(read_chunks(str(path)))
    assert max(len(chunk.lines) for chunk in chunks) < 3 * CHUNK_BYTES
    assert [(p.number, p.lines) for p in chunks if not p.problem] == [
        (1, b"one\n"), (3, b"three\n"), (4, b"four"),
    ]  # fmt: skip
    assert [(p.number, p.problem) for p in chunks if p.problem] == [(2, LINE_TOO_LONG)]


def test_a_long_line_without_a_newline(tmp_path: Path):
    path = tmp_path / "a.log"
    path.write_bytes(b"x" * 3 * CHUNK_BYTES)
    assert list(read_chunks(str(path))) == [Chunk(1, b"", LINE_TOO_LONG)]


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_lines_stay_whole_wherever_reads_end(parts):
    data = b"".join(parts)
    chunks = list(split_lines(iter([part for part in parts if part])))
    assert joined(chunks) == data
    assert all(chunk.lines.endswith(b"\n") for chunk in chunks[:-1])
    assert_numbered(chunks)
