"""A document as it leaves feedhub: its path, its bytes, and the content codings of its copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

GZIP = 31  # the parameter of zlib for a whole gzip file


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: `path` below the base with `/`, not percent-encoded; `body` in UTF-8."""

    path: str
    media_type: str
    body: bytes


class Coding(NamedTuple):
    """A content coding (RFC 9110, 8.4.1): the suffix of encoded files, and the encoder."""

    suffix: str
    encode: Callable[[bytes], bytes]


def encode_gzip(body: bytes) -> bytes:
    """Return a body in gzip; without the time of day, so that equal bodies give equal bytes."""
    from isal import isal_zlib  # most renders make no compressed copies

    return isal_zlib.compress(body, level=3, wbits=GZIP)


def encode_brotli(body: bytes) -> bytes:
    """Return a body in brotli."""
    import brotli  # a large library, which a site without brotli copies does not need

    encoded: bytes = brotli.compress(body, quality=5, mode=brotli.MODE_TEXT)
    return encoded


CODINGS = {"gzip": Coding(".gz", encode_gzip), "br": Coding(".br", encode_brotli)}
