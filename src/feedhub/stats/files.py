"""Log files, packed or not, and standard input, as whole lines in pieces that fit in memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from feedhub.errors import ConfigError
from feedhub.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STANDARD_INPUT = "-"
# How much is read at once. A line may be about as long; no web server writes a longer one.
PIECE = 1 << 19
TOO_LONG = "this line is too long to be one of a log"

_MAGIC: tuple[tuple[bytes, Callable[[Any], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
)
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError)


class Piece(NamedTuple):
    """Whole lines of a file, the number of the first one, and what is wrong with what is left."""

    number: int
    lines: bytes
    problem: str = ""


def check(place: str) -> None:
    """Raise ConfigError where a file cannot be opened, without reading what can be read once."""
    if place != STANDARD_INPUT and (not os.access(place, os.R_OK) or Path(place).is_dir()):
        next(pieces(place), None)


def pieces(place: str, on_progress: Callable[[int], object] = lambda size: None) -> Iterator[Piece]:
    """Yield the lines of a file, or of standard input for `-`, in order.

    What is packed is known by its first bytes. Where it ends too early or is damaged, the last
    piece says so. `on_progress` is told how many bytes of the file were read. Raises ConfigError
    where the file cannot be opened.
    """
    with _opened(place, on_progress) as raw:
        yield from _whole_lines(_unpacked(place, raw))


@contextmanager
def _opened(place: str, on_progress: Callable[[int], object]) -> Iterator[_Watched]:
    if place == STANDARD_INPUT:
        yield _Watched(sys.stdin.buffer, on_progress)
        return
    try:
        file = open(place, "rb")  # noqa: SIM115, PTH123 - closed below; `place` may be any text
        watched = _Watched(file, on_progress)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "this is no name of a file"
        raise ConfigError(f"{printable(place)}: cannot be read: {why}") from None
    with file:
        yield watched


class _Watched(io.RawIOBase):
    """A file that tells how much of it was read, and shows its first bytes."""

    def __init__(self, raw: BinaryIO, on_progress: Callable[[int], object]) -> None:
        self._raw = raw
        self._on_progress = on_progress
        self.begun = raw.read(8)

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(cast("bytearray", target)).cast("B")
        data, self.begun = self.begun, b""
        data = data[: len(view)] or self._raw.read(len(view))
        self._on_progress(len(data))
        view[: len(data)] = data
        return len(data)


def _unpacked(place: str, raw: _Watched) -> Iterator[bytes | str]:
    """Yield bytes, and a text at the end where something is wrong."""
    if raw.begun.startswith(_ZSTANDARD):
        advice = f"unpack it on the way: zstdcat {printable(place)} | feedhub stats -"
        raise ConfigError(f"{printable(place)}: zstandard cannot be read; {advice}")
    packed = next((kind for magic, kind in _MAGIC if raw.begun.startswith(magic)), None)
    buffered = io.BufferedReader(raw, PIECE)
    file: io.BufferedIOBase = packed(buffered) if packed else buffered
    try:
        while data := file.read1(PIECE):
            yield data
    except _DAMAGED:
        yield "the file ends too early or is damaged; what stands before was counted"


def _whole_lines(parts: Iterator[bytes | str]) -> Iterator[Piece]:
    number, rest, skipping, problem = 1, b"", False, ""
    for part in parts:
        if isinstance(part, str):
            problem = part
            break
        if skipping:
            _, end, part = part.partition(b"\n")
            skipping = not end
        whole, end, rest = (rest + part).rpartition(b"\n")
        if end:
            yield Piece(number, whole + end)
            number += whole.count(b"\n") + 1
        if len(rest) > PIECE:
            yield Piece(number, b"", TOO_LONG)
            number, rest, skipping = number + 1, b"", True
    if rest or problem:
        yield Piece(number, rest, problem)
