"""A document as it leaves: its address, its bytes and what may stand beside them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: `path` below the base with `/`, not percent-encoded; `body` in UTF-8."""

    path: str
    media_type: str
    body: bytes


class Coding(NamedTuple):
    """A content coding (RFC 9110, 8.4.1): the ending of a file in it, and how to make one."""

    suffix: str
    encode: Callable[[bytes], bytes]


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)  # no clock: equal bodies give equal bytes


def _brotli(body: bytes) -> bytes:
    import brotli  # only where asked for: the wheel is large

    coded: bytes = brotli.compress(body, quality=5, mode=brotli.MODE_TEXT)
    return coded


CODINGS = {"gzip": Coding(".gz", _gzip), "br": Coding(".br", _brotli)}
