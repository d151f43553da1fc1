"""Where the pictures, audio and video that lie beside the articles stand for readers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
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
    options: ReadOptions, has: Callable[[str], bool], read: Callable[[str], bytes]
) -> Callable[[str], str]:
    """Return a function that says where a file stands below `options.assets`, "" if it is missing.

    `has` tells whether there is such a file, and `read` returns its bytes; it may raise OSError and
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
        try:
            data = read(path)
        except (OSError, ArticleError):
            return ""
        if len(data) > MAX_ASSET_BYTES:
            most = f"{MAX_ASSET_BYTES >> 20} MiB"
            message = f"a file of more than {most} is not copied: give the address that it has"
            raise ArticleError("not-copied", message)
        return copy_place(path, data)

    return place_of


def copy_place(path: str, data: bytes) -> str:
    """Return the place of a file's copy: a hash of its bytes, and its name.

    So other bytes have another address: no reader shows an old picture in a new article.
    """
    stem, _, ending = path.rpartition("/")[2].rpartition(".")
    name = _UNSAFE.sub("-", stem)[:MAX_NAME].strip("-") or "file"
    return f"{hashlib.sha256(data).hexdigest()[:HASH_DIGITS]}/{name}.{ending.lower()}"
