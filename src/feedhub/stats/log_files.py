"""Log files, compressed or not, and standard input, read as chunks of whole lines."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from feedhub.errors import ConfigError
from feedhub.text import printable

STANDARD_INPUT = "-"
# Bytes read at once, and the longest line that is kept; no web server writes a longer one.
CHUNK_BYTES = 1 << 19
LINE_TOO_LONG = "this line is too long to be one of a log"
DAMAGED = "the file ends too early or is damaged; the lines before this one were counted"

# Compressed files are recognized by their first bytes: rotated logs have any suffix.
_DECOMPRESSORS: tuple[tuple[bytes, Callable[[Any], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
# Python has no decompressor for it before 3.14.
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


class Chunk(NamedTuple):
    """Whole lines of a file, the number of the first one, and why the line after them is bad."""

    number: int
    lines: bytes
    problem: str = ""


class ProgressReader(io.RawIOBase):
    """A file that reports how many bytes were read, and whose first bytes can be peeked at."""

    def __init__(self, raw: BinaryIO, on_progress: Callable[[int], object]) -> None:
        self._raw = raw
        self._on_progress = on_progress
        self.first_bytes = raw.read(8)

    def readable(self) -> bool:
        """Return True: the file is open for reading."""
        return True

    def readinto(self, target: object) -> int:
        """Read into a buffer and return the number of bytes (io.RawIOBase)."""
        view = memoryview(cast("bytearray", target)).cast("B")
        data, self.first_bytes = self.first_bytes, b""
        data = data[: len(view)] or self._raw.read(len(view))
        self._on_progress(len(data))
        view[: len(data)] = data
        return len(data)


def check_readable(path: str) -> None:
    """Raise ConfigError if a file cannot be opened; read nothing, for a pipe is read only once."""
    if path != STANDARD_INPUT and (not os.access(path, os.R_OK) or Path(path).is_dir()):
        next(read_chunks(path), None)


def read_chunks(
    path: str, on_progress: Callable[[int], object] = lambda size: None
) -> Iterator[Chunk]:
    """Yield the lines of a file, or of standard input for `-`, in order, decompressed.

    If the file is truncated or damaged, the last chunk says so. Calls `on_progress` with the number
    of bytes read from the file. Raises ConfigError if the file cannot be opened.
    """
    with open_log(path, on_progress) as raw:
        yield from split_lines(decompress(path, raw))


@contextmanager
def open_log(path: str, on_progress: Callable[[int], object]) -> Iterator[ProgressReader]:
    """Open a file, or standard input, which stays open afterwards."""
    if path == STANDARD_INPUT:
        yield ProgressReader(sys.stdin.buffer, on_progress)
        return
    try:
        file = open(path, "rb")  # noqa: SIM115, PTH123 - closed below; `path` may be any text
        reader = ProgressReader(file, on_progress)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "this is no valid file name"
        raise ConfigError(f"{printable(path)}: cannot be read: {reason}") from None
    with file:
        yield reader


def decompress(path: str, raw: ProgressReader) -> Iterator[bytes | str]:
    """Yield the bytes of a file, and a message at the end if it is damaged."""
    if raw.first_bytes.startswith(_ZSTANDARD):
        advice = f"decompress it in a pipe: zstdcat {printable(path)} | feedhub stats -"
        raise ConfigError(f"{printable(path)}: zstandard cannot be read; {advice}")
    decompressor = next(
        (opener for magic, opener in _DECOMPRESSORS if raw.first_bytes.startswith(magic)), None
    )
    buffered = io.BufferedReader(raw, CHUNK_BYTES)
    file: io.BufferedIOBase = decompressor(buffered) if decompressor else buffered
    try:
        while data := file.read1(CHUNK_BYTES):
            yield data
    # gzip, bz2 and xz each raise errors of their own.
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        yield DAMAGED


def split_lines(parts: Iterator[bytes | str]) -> Iterator[Chunk]:
    """Yield chunks of whole lines from parts that end anywhere; a str is a message at the end.

    A line longer than CHUNK_BYTES is dropped, so that memory has a bound.
    """
    number, rest, skipping, problem = 1, b"", False, ""
    for part in parts:
        if isinstance(part, str):
            problem = part
            break
        if skipping:  # the remainder of a line that was too long
            _, end, part = part.partition(b"\n")
            skipping = not end
        whole, end, rest = (rest + part).rpartition(b"\n")
        if end:
            yield Chunk(number, whole + end)
            number += whole.count(b"\n") + 1
        if len(rest) > CHUNK_BYTES:
            yield Chunk(number, b"", LINE_TOO_LONG)
            number, rest, skipping = number + 1, b"", True
    if rest or problem:
        yield Chunk(number, rest, problem)
