"""Split a text into words as searches compare them: without case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PUNCTUATION = re.compile("[“”„«»\u2018\u2019\u201a\u2013—…·•]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
# Scripts that write no spaces between words: Thai, Lao, Khmer, kana and the ideographs.
_UNSPACED = (
    "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
# In scripts of India and its east marks are vowels, not accents, and belong to the letter before.
_VOWELS = "".join(c for c in map(chr, range(0x900, 0x1800)) if unicodedata.category(c) in "Mn Mc")
# Marks that make another letter: vowels, and the voiced sounds of kana.
_LETTER_MARKS = frozenset(_VOWELS + "\u3099\u309a")
_LETTER = rf"(?![{_UNSPACED}])[^\W_]"
_WORD = re.compile(rf"(?=[{_UNSPACED}])[^\W_][{_VOWELS}]*|{_LETTER}(?:{_LETTER}|[{_VOWELS}])*")
_ASCII_WORD = re.compile("[a-z0-9]+")


def tokenize(text: str) -> list[str]:
    """Return the words of a text in their order, in the form in which searches compare them.

    In a script without spaces each character is a word, so that neighbouring characters are found
    as a phrase.
    """
    if not text.isascii():
        text = _PUNCTUATION.sub(" ", text)  # after which most texts are ASCII
    if not text.isascii():
        # Twice, so that a second call changes nothing: what one fold leaves can compose anew.
        text = fold(fold(text))
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(text)


def fold(text: str) -> str:
    """Return a text in lower case, without accents and compatibility forms."""
    composed = unicodedata.normalize("NFC", text)
    return _BEYOND_ASCII.sub(lambda run: "".join(map(fold_character, run[0])), composed).lower()


@lru_cache(4_096)
def fold_character(char: str) -> str:
    """Return a character without accents, in lower case; it may become several."""
    bare = "".join(
        part
        for part in unicodedata.normalize("NFKD", char)
        if unicodedata.category(part) != "Mn" or part in _LETTER_MARKS
    )
    return unicodedata.normalize("NFKC", bare.casefold())
