"""Where the pictures, audio and video that lie beside the articles stand for readers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

from feedhub.errors import ArticleError
from feedhub.limits import MAX_ASSET_BYTES
from feedhub.sources import ReadOptions

#: The folder of copies, below the address of the feeds.
COPIES = "assets"
# How much of a file's SHA-256, and of its name, the address of its copy has.
HASH_DIGITS, MAX_NAME = 32, 80
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def place_finder(
    options: ReadOptions, has: Callable[[str], bool], read: Callable[[str], Iterable[bytes]]
) -> Callable[[str], str]:
    """Return a function that says where a file stands below `options.assets`, "" if it is missing.

    `has` tells whether there is such a file, and `read` yields its bytes; it may raise OSError and
    ArticleError. What is returned raises ArticleError for a file that may not be copied.
    """

    def place_of(path: str) -> str:
        if not has(path):
            return ""
        if not options.copies:
            return quote(path)
        if path.lower().endswith(".svg"):
            message = "an SVG may hold a script and is not copied: save it as PNG or WebP"
            raise ArticleError("not-copied", message)
        hashed = hashlib.sha256()
        try:
            for piece in bounded(read(path)):
                hashed.update(piece)
        except OSError:
            return ""
        return copy_place(path, hashed.hexdigest())

    return place_of


def bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a file; raises ArticleError where they are more than may be copied."""
    left = MAX_ASSET_BYTES
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            most = f"{MAX_ASSET_BYTES >> 30} GiB"
            message = f"a file of more than {most} is not copied: give the address that it has"
            raise ArticleError("not-copied", message)
        yield piece


def copy_place(path: str, digest: str) -> str:
    """Return the place of a file's copy: a part of its SHA-256, and its name.

    So other bytes have another address: no reader shows an old picture in a new article.
    """
    stem, _, ending = path.rpartition("/")[2].rpartition(".")
    name = _UNSAFE.sub("-", stem)[:MAX_NAME].strip("-") or "file"
    return f"{digest[:HASH_DIGITS]}/{name}.{ending.lower()}"
