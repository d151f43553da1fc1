"""Plain text as every format can carry it: legal, decoded once, on one line."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from html.entities import html5

# XML 1.0, 2.2 (Char), and the C1 controls, which validators complain of. NEL is white space and
# stays.
_ILLEGAL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# Bidi overrides and isolates can turn a line around; zero-width marks hide text. The joiners stay:
# emoji and Persian need them.
_INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# Controls, surrogates (a name that is not UTF-8), line and direction marks: they can forge lines.
NOT_SHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
    "\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_SPACE = re.compile(r"\s+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_SYMBOLS = str.maketrans({"&": " ", "'": "", "\u2019": "", "\u02bc": ""})
_SLUG_MAX_BYTES = 120
# Most names of files are slugs, but for underscores.
_NEARLY_SLUG = re.compile(r"[a-z0-9]++(?:[-_][a-z0-9]++)*+")


def legal(text: str) -> str:
    """Drop every character that XML 1.0 forbids, lone surrogates among them; keep line ends."""
    return _ILLEGAL.sub("", text)


def unescape_once(text: str) -> str:
    """Decode HTML entities once, only known ones with a semicolon: `?a=1&copy=2` is no sign."""
    if "&" not in text:
        return text
    return _ENTITY.sub(_character, text)


def printable(text: str) -> str:
    """Return text for a terminal or a log: what cannot be shown is escaped as Python does."""
    return NOT_SHOWN.sub(lambda match: ascii(match[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return legal text without invisible marks, white space collapsed to single spaces."""
    # What Python calls printable has no control, mark or white space in it but the blank.
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _one_line(text)


def plain_text(text: str) -> str:
    """Return `text` as a title or summary: entities decoded once, legal, on one line."""
    return one_line(unescape_once(text) if "&" in text else text)


def cut(text: str, limit: int) -> str:
    """Shorten to at most `limit` characters, between words where it can, never in a grapheme."""
    if len(text) <= limit:
        return text
    room = text[:limit]
    space = room.rfind(" ")
    if space > limit // 2:
        return room[:space].rstrip(" ,;:") + "…"
    import regex  # only texts without spaces need Unicode's grapheme rules (UAX 29)

    ends = (cluster.end() for cluster in regex.finditer(r"\X", text[: limit + 32]))
    kept = max((end for end in ends if end < limit), default=0)
    return text[:kept] + "…"


def label_key(label: str) -> str:
    """Return what makes two spellings of a label the same: NFKC, casefolded, one line."""
    if not label.isascii():
        label = unicodedata.normalize("NFKC", label)
    return one_line(label.casefold())


def slugify(label: str) -> str:
    """Return a readable path segment: letters and digits of any script, joined by single hyphens.

    May be empty; never holds a dot or a slash. `C#` and `C++` keep their names apart from `C`.
    """
    if len(label) <= _SLUG_MAX_BYTES and _NEARLY_SLUG.fullmatch(label):
        return label.replace("_", "-")
    return _slugified(label)


def short_hash(text: str) -> str:
    """Return eight hexadecimal digits that depend on nothing but `text`."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _one_line(text: str) -> str:
    return _SPACE.sub(" ", _INVISIBLE.sub("", legal(text))).strip()


def _slugified(label: str) -> str:
    text = label_key(label).translate(_SYMBOLS)
    text = re.sub(r"(?<=\w)#", "-sharp-", re.sub(r"(?<=[\w+])\+", "-plus-", text))
    kept = "".join(char if char.isalnum() or _is_mark(char) else "-" for char in text)
    slug = re.sub("-+", "-", kept).strip("-")
    return _bounded(unicodedata.normalize("NFC", slug))


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"


def _character(entity: re.Match[str]) -> str:
    # html.unescape alone would read `&notice;` as a sign and `ice;`.
    whole = entity[0]
    return html.unescape(whole) if whole[1] == "#" else html5.get(whole[1:], whole)


def _bounded(slug: str) -> str:
    if len(slug.encode()) <= _SLUG_MAX_BYTES:
        return slug
    head = slug.encode()[: _SLUG_MAX_BYTES - 9].decode("utf-8", "ignore").rstrip("-")
    return f"{head}-{short_hash(slug)}"
