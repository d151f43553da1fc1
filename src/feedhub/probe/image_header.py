"""Media type and size of an image, read from the first bytes of its file."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

import imagesize

_SVG = "image/svg+xml"
# MIME Sniffing, 6.1, and newer formats.
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
_TYPES = tuple((re.compile(sign, re.DOTALL).match, media_type) for sign, media_type in _SIGNS)
# A page where an image should be: many servers send their errors with a status of 200.
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!doctype html|<html|<head|<body|\{)", re.IGNORECASE)
# Formats made of boxes, and the box that rotates by quarters (ISO 23008-12, 6.5.10).
_BOXED, _ROTATION = ("image/avif", "image/heic"), re.compile(rb"(\0\0\0\x09)irot([\0-\3])")
# A drawing has no pixels; of the others imagesize does not know the size.
_UNSIZED = (_SVG, "image/jxl", "image/vnd.microsoft.icon")
_MAX_PIXELS = 1_000_000  # a side of more is a broken file


class ImageHeader(NamedTuple):
    """The media type, "" where the bytes do not show it, and the size in pixels, or None."""

    media_type: str = ""
    width: int | None = None
    height: int | None = None


def read_image_header(start: bytes) -> ImageHeader:
    """Return what the first bytes of a file show; no bytes make it fail."""
    media_type = next((name for matches, name in _TYPES if matches(start)), "")
    if not media_type or media_type in _UNSIZED:
        return ImageHeader(media_type)
    boxed = media_type in _BOXED
    # imagesize must not look for the rotation of boxes: 64 KB can have it make a list of gigabytes.
    # And it takes the box that rotates for a longer one, so it is not shown that.
    shown = _ROTATION.sub(rb"\1free\2", start) if boxed else start
    width, height = imagesize.get(io.BytesIO(shown), exif_rotation=not boxed)
    rotation = _ROTATION.search(start) if boxed else None
    if rotation and rotation[2] in b"\1\3":
        width, height = height, width
    if 0 < width < _MAX_PIXELS and 0 < height < _MAX_PIXELS:
        return ImageHeader(media_type, int(width), int(height))
    return ImageHeader(media_type)


def is_page(start: bytes) -> bool:
    """Return whether the bytes begin an HTML page or a JSON object, which no image does."""
    return _PAGE.match(start) is not None


def needs_no_more(start: bytes) -> bool:
    """Return whether further bytes would add nothing."""
    media_type, width, _ = read_image_header(start)
    return width is not None or media_type in _UNSIZED or is_page(start)
