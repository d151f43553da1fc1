"""Media type of an audio or video file, read from its first bytes."""

from __future__ import annotations

import re

# MIME Sniffing, 6.2, and what podcasts use besides. Ogg says within its first page what it holds.
_SIGNS = (
    (rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", "audio/mpeg"),
    (rb"\xff[\xf0\xf1\xf8\xf9]", "audio/aac"),
    (rb"OggS.{20,100}(?:theora|video)", "video/ogg"),
    (rb"OggS\0", "audio/ogg"),
    (rb"fLaC", "audio/flac"),
    (rb"RIFF.{4}WAVE", "audio/wav"),
    (rb".{4}ftypM4[AB]", "audio/x-m4a"),
    (rb".{4}ftypM4V", "video/x-m4v"),
    (rb".{4}ftypqt", "video/quicktime"),
    (rb".{4}ftyp(?:iso|mp4|avc|dash|MSNV|3gp)", "video/mp4"),
    (rb"\x1aE\xdf\xa3.{0,60}webm", "video/webm"),
    (rb"\x1aE\xdf\xa3.{0,60}matroska", "video/x-matroska"),
)
_TYPES = tuple((re.compile(sign, re.DOTALL).match, media_type) for sign, media_type in _SIGNS)


def media_type_of(start: bytes) -> str:
    """Return the media type that the first bytes of a file show, or ""."""
    return next((name for matches, name in _TYPES if matches(start)), "")
