"""The words of a text as they are searched: what is folded away is what nobody types."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SIGNS = str.maketrans("“”„«»\u2018\u2019\u201a\u2013—…·•", " " * 13)
# Scripts that write no spaces between words: Thai, Lao, Khmer, kana and the ideographs.
_UNSPACED = (
    "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
# In scripts of India and its east marks are vowels, not accents, and belong to the letter before.
_VOWELS = "".join(c for c in map(chr, range(0x900, 0x1800)) if unicodedata.category(c) in "Mn Mc")
_LETTER = rf"(?![{_UNSPACED}])[^\W_]"
_WORD = re.compile(rf"(?=[{_UNSPACED}])[^\W_][{_VOWELS}]*|{_LETTER}(?:{_LETTER}|[{_VOWELS}])*")
_PLAIN_WORD = re.compile("[a-z0-9]+")


def tokenize(text: str) -> list[str]:
    """Return the words of a text as they are searched: without case, accents and punctuation.

    Where a script has no spaces, each character is a word, so that what stands side by side is
    found as a phrase.
    """
    if not text.isascii():
        text = text.translate(_SIGNS)  # after which most texts are
    if text.isascii():
        return _PLAIN_WORD.findall(text.lower())
    return _WORD.findall(_folded(_folded(text)))


@lru_cache(4_096)
def _folded_character(char: str) -> str:
    marks = unicodedata.normalize("NFKD", char)
    bare = "".join(part for part in marks if not _is_accent(part))
    return unicodedata.normalize("NFKC", bare.casefold())


def _is_accent(char: str) -> bool:
    """The marks of kana make another letter of one, so they stay too."""
    return unicodedata.category(char) == "Mn" and char not in _VOWELS + "\u3099\u309a"


def _folded(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    return "".join(c if c < "\x80" else _folded_character(c) for c in composed).lower()
