"""The seal of a catalog: a checksum behind its last page, where SQLite reads nothing.

A writer removes the seal first: a file without one was not closed in order, or is being written.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

APPLICATION_ID = 0x66656564  # "feed", at offset 68 of the file
PAGE_SIZE = 4096
MARK = b"feedhub\n"
SEAL_SIZE = len(MARK) + 4
CHUNK_SIZE = 1 << 20
# From this size on the checksum of isal, a fifth of the work, is worth its import.
ISAL_SIZE = 24 << 20
SQLITE_HEAD, SQLITE_FRACTIONS = b"SQLite format 3\0", b"\x40\x20\x20"  # at offsets 0 and 21


def has_broken_seal(file: int) -> bool | None:
    """Return whether an open catalog differs from its seal, or None if it has none."""
    found = _measure(file)
    # What another process writes meanwhile differs the second time.
    return found and found[0] != found[1] and _measure(file) == found


def seal(file: int) -> None:
    """Seal an open file, unless the disk is full; no other process may write meanwhile."""
    size = os.fstat(file).st_size
    if size % PAGE_SIZE == 0 and os.pwrite(file, _seal_of(file, size), size) != SEAL_SIZE:
        break_seal(file)


def break_seal(file: int) -> None:
    """Remove the seal of an open file, if it has one."""
    size = os.fstat(file).st_size
    if size % PAGE_SIZE:
        os.ftruncate(file, size - size % PAGE_SIZE)


def is_catalog(file: int) -> bool:
    """Return whether an open file is a catalog, maybe a damaged one, or holds nothing at all."""
    size = os.fstat(file).st_size
    head, tail = os.pread(file, 100, 0), os.pread(file, SEAL_SIZE, max(0, size - SEAL_SIZE))
    known = head.startswith(SQLITE_HEAD) or head[21:24] == SQLITE_FRACTIONS
    marked = known and int.from_bytes(head[68:72], "big") == APPLICATION_ID
    is_stump = len(head) < 100 and head.startswith(SQLITE_HEAD[: len(head)])
    if marked or is_stump or tail.startswith(MARK):
        return True
    return not any(chunk.strip(b"\0") for chunk in _chunks(file, size))


def remove_catalog(path: Path, file: int) -> None:
    """Remove the catalog at `path` if it is still the open file, not one that was made since."""
    fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
    if path.exists() and os.path.samestat(os.fstat(file), path.stat()):
        for suffix in ("-wal", "-shm", ""):  # the log goes first: a new catalog must not find it
            Path(os.path.realpath(path) + suffix).unlink(missing_ok=True)


def _measure(file: int) -> tuple[bytes, bytes] | None:
    size = os.fstat(file).st_size
    pages = size - size % PAGE_SIZE
    return (os.pread(file, PAGE_SIZE, pages), _seal_of(file, pages)) if size > pages else None


def _seal_of(file: int, size: int) -> bytes:
    crc32, checksum = zlib.crc32, 0
    if size >= ISAL_SIZE:
        from isal.isal_zlib import crc32
    for chunk in _chunks(file, size):
        checksum = crc32(chunk, checksum)
    return MARK + checksum.to_bytes(4, "big")


def _chunks(file: int, size: int) -> Iterator[bytes]:
    for offset in range(0, size, CHUNK_SIZE):
        yield os.pread(file, min(CHUNK_SIZE, size - offset), offset)
