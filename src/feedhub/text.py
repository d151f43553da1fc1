"""Plain text as every format can carry it: legal, decoded once, on one line."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from html.entities import html5

# XML 1.0, 2.2 (Char), and the C1 controls, which validators reject.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# HTML, 13.2.5.80: a C1 control was written by a program that took Windows-1252 for Latin-1.
_WINDOWS = {chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}
# Bidi overrides and isolates can turn a line around; zero-width marks hide text. The joiners stay:
# emoji and Persian need them.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# Controls, surrogates (a file name that is not UTF-8), line and direction marks: they can forge
# lines of a log.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
    "\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_SPACE = re.compile(r"\s+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_SYMBOLS = str.maketrans({"&": " ", "'": "", "\u2019": "", "\u02bc": ""})
# A name in a file system has at most 255 bytes; suffixes and a hash are added to slugs.
MAX_SLUG_BYTES = 120
# Most file names are slugs, but for underscores.
_NEARLY_SLUG = re.compile(r"[a-z0-9]++(?:[-_][a-z0-9]++)*+")


def legal(text: str) -> str:
    """Return text without the characters that XML 1.0 forbids; line ends stay.

    C1 controls are read as Windows-1252, as HTML reads references to them.
    """
    return _ILLEGAL.sub(lambda match: _WINDOWS.get(match[0], ""), text)


def unescape_once(text: str) -> str:
    """Decode HTML entities once, only known ones with a semicolon: `?a=1&copy=2` has none."""
    if "&" not in text:
        return text
    return _ENTITY.sub(_decode_entity, text)


def printable(text: str) -> str:
    """Return text for a terminal or a log, with unprintable characters escaped as in Python."""
    return UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return legal text without invisible marks, white space collapsed to single spaces."""
    # What Python calls printable has no control, mark or white space in it but the blank.
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _collapse(text)


def plain_text(text: str) -> str:
    """Return `text` as a title or summary: entities decoded, legal, on one line.

    An entity that is left is decoded too: exporters of HTML write `&amp;quot;`.
    """
    return one_line(unescape_once(unescape_once(text)) if "&" in text else text)


def cut(text: str, limit: int) -> str:
    """Shorten to at most `limit` characters, between words if possible, never in a grapheme."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    space = head.rfind(" ")
    if space > limit // 2:
        return head[:space].rstrip(" ,;:") + "…"
    import regex  # only texts without spaces need Unicode's grapheme rules (UAX 29)

    ends = (cluster.end() for cluster in regex.finditer(r"\X", text[: limit + 32]))
    return text[: max((end for end in ends if end < limit), default=0)] + "…"


def label_key(label: str) -> str:
    """Return the form by which spellings of a label are compared: NFKC, casefolded, one line."""
    if not label.isascii():
        label = unicodedata.normalize("NFKC", label)
    return one_line(label.casefold())


def same_label(one: str, other: str) -> bool:
    """Return whether two texts of one line are spellings of one label, as `label_key` has it."""
    # ASCII before ASCII is its own NFKC: that tells nearly all texts apart without the work.
    if one[:9].isascii() and other[:9].isascii() and one[:8].lower() != other[:8].lower():
        return False
    return label_key(one) == label_key(other)


def slugify(label: str) -> str:
    """Return a readable path segment: letters and digits of any script, joined by single hyphens.

    May be empty; never holds a dot or a slash. `C#` and `C++` keep their names apart from `C`.
    """
    if len(label) <= MAX_SLUG_BYTES and _NEARLY_SLUG.fullmatch(label):
        return label.replace("_", "-")
    return _build_slug(label)


def short_hash(text: str) -> str:
    """Return eight hexadecimal digits that depend on nothing but `text`."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _collapse(text: str) -> str:
    return _SPACE.sub(" ", _INVISIBLE.sub("", legal(text))).strip()


def _decode_entity(entity: re.Match[str]) -> str:
    # html.unescape alone would read `&notice;` as a sign and `ice;`.
    whole = entity[0]
    return html.unescape(whole) if whole[1] == "#" else html5.get(whole[1:], whole)


def _build_slug(label: str) -> str:
    text = label_key(label).translate(_SYMBOLS)
    text = re.sub(r"(?<=\w)#", "-sharp-", re.sub(r"(?<=[\w+])\+", "-plus-", text))
    # Combining marks are letters' vowels in many scripts.
    text = "".join(
        char if char.isalnum() or unicodedata.category(char)[0] == "M" else "-" for char in text
    )
    slug = unicodedata.normalize("NFC", re.sub("-+", "-", text).strip("-"))
    if len(slug.encode()) <= MAX_SLUG_BYTES:
        return slug
    head = slug.encode()[: MAX_SLUG_BYTES - 9].decode("utf-8", "ignore").rstrip("-")
    return f"{head}-{short_hash(slug)}"
