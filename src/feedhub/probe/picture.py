"""What the first bytes of a file tell of the picture in it."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import imagesize

_SVG = "image/svg+xml"
# MIME Sniffing, 6.1, and the formats that came later.
_SIGNS = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"RIFF.{4}WEBPVP", "image/webp"),
    (rb".{4}ftyp(?:m[is]f1.{4}(?:.{4}){0,8}?)?avi[fs]", "image/avif"),
    (rb".{4}ftyp(?:hei[cx]|hev[cx]|mif1|msf1)", "image/heic"),
    (rb"(?:\0\0\0\x0cJXL \r\n\x87\n|\xff\x0a)", "image/jxl"),
    (rb"BM.{4}\0{4}", "image/bmp"),
    (rb"\0\0[\1\2]\0", "image/vnd.microsoft.icon"),
    (rb"(?:II\*\0|MM\0\*)", "image/tiff"),
    (rb"(?:\xef\xbb\xbf)?(?>\s|<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE svg[^>]*>)*+<svg[\s>]", _SVG),
)
_TYPES = tuple((re.compile(sign, re.DOTALL), media_type) for sign, media_type in _SIGNS)
# A page where a picture should be: an error that is called 200.
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype html|<html|<head|<body|\{)", re.IGNORECASE)
# Formats made of boxes, and the box that turns a picture by quarters (ISO 23008-12, 6.5.10).
_BOXED, _TURN = ("image/avif", "image/heic"), re.compile(rb"(\0\0\0\x09)irot([\0-\3])")
# A drawing has no pixels; of the others nobody tells the size from the first bytes.
_UNSIZED = (_SVG, "image/jxl", "image/vnd.microsoft.icon")
_MOST_PIXELS = 1_000_000


class Picture(NamedTuple):
    """The media type, "" where the bytes do not tell it, and the size in pixels, or None."""

    media_type: str = ""
    width: int | None = None
    height: int | None = None


def picture_of(start: bytes) -> Picture:
    """Return what the first bytes of a file tell; nothing of them can make it fail."""
    media_type = next((name for sign, name in _TYPES if sign.match(start)), "")
    if not media_type or media_type in _UNSIZED:
        return Picture(media_type)
    width, height = _size(start, boxed=media_type in _BOXED)
    if 0 < width < _MOST_PIXELS and 0 < height < _MOST_PIXELS:
        return Picture(media_type, int(width), int(height))
    return Picture(media_type)


def _size(start: bytes, *, boxed: bool) -> tuple[int, int]:
    """Return the size as it is shown: turned as the camera says.

    Of boxes imagesize is not asked for that: 64 KB can tell it to make a list of gigabytes. Nor is
    it shown the box that turns, which it takes for a longer one.
    """
    shown = _TURN.sub(rb"\1free\2", start) if boxed else start
    width, height = imagesize.get(io.BytesIO(shown), exif_rotation=not boxed)
    turn = _TURN.search(start) if boxed else None
    return (height, width) if turn and turn[2] in b"\1\3" else (width, height)


def is_page(start: bytes) -> bool:
    """Tell whether the bytes begin a page or an object, which no picture does."""
    return _PAGE.match(start) is not None


def tells_all(start: bytes) -> bool:
    """Tell whether more bytes would tell nothing more."""
    media_type, width, _ = picture_of(start)
    return width is not None or media_type in _UNSIZED or is_page(start)
