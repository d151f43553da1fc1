"""Images of 40 by 30 pixels in every format."""

from __future__ import annotations

import struct
import zlib
from base64 import b64decode


def png(width: int = 40, height: int = 30) -> bytes:
    """Return a whole image, all black."""
    rows = zlib.compress((b"\0" + b"\0" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


# As Pillow writes them, the JPEG without its scans. Its Exif data rotates it by a quarter.
ROTATED_JPEG = b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDAFA3PEY8MlBG"
    "QUZaVVBfeMiCeG5uePWvuZHI////////////////////////////////////////////////////2wBDAVVaWnhpeOuC"
    "guv/////////////////////////////////////////////////////////////////////////wAARCAAeACgDASIA"
    "AhEBAxEB"
)
GIF = b64decode(
    "R0lGODdhKAAeAIEAAMgeHgAAAAAAAAAAACwAAAAAKAAeAEAIOgABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsaLFixgzatzI"
    "saPHjyBDihxJsqTJkyhTqlzJsqXLlzAxBgQAOw=="
)
WEBP = b64decode(
    "UklGRkIAAABXRUJQVlA4IDYAAAAwAwCdASooAB4AP3G202G0ryqmJWgCkC4JZwDRgA8KmggAAP7fgC5u9pr/bb34eavg"
    "Lfk20AA="
)
AVIF = b64decode(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAA"
    "AAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAKAAAAChpaW5mAAAAAAABAAAA"
    "GmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAKAAAAB4AAAAQcGl4aQAA"
    "AAADCAgIAAAADGF2MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAMG1kYXQS"
    "AAoJGBUn60QENBoQMhkex4eFWd///+LAAADcqMEFWzAxenfdHGxQ"
)
SVG = b'<?xml version="1.0"?>\n<!-- > -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'


def jpeg() -> bytes:
    """Return the JPEG without its Exif data."""
    start = ROTATED_JPEG.index(b"\xff\xe1")
    length = struct.unpack(">H", ROTATED_JPEG[start + 2 : start + 4])[0]
    return ROTATED_JPEG[:start] + ROTATED_JPEG[start + 2 + length :]


def boxes(*metadata: bytes) -> bytes:
    """Return an AVIF with these boxes of its metadata, and nothing else."""
    return box(b"ftyp", b"avif\0\0\0\0avifmif1") + box(b"meta", bytes(4) + b"".join(metadata))


def box(name: bytes, body: bytes) -> bytes:
    """Return one box (ISO 14496-12, 4.2)."""
    return struct.pack(">I", 8 + len(body)) + name + body
