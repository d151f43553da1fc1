"""The words of feeds and pages in the languages that have a catalog, and what is English else.

A catalog is `xx.po`, which people translate, and `xx.mo`, compiled from it, which is read here.
`make messages` writes both; dates and numbers in them are those of the Unicode CLDR.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import Any

from feedhub.dates import MONTHS, SHORT_MONTHS
from feedhub.messages.tags import without_region

# What dates and numbers are made of, as messages: `make messages` takes them from the CLDR.
DAYS = tuple(f"{{day}} {month} {{year}}" for month in MONTHS)
SHORT_DAYS = tuple(f"{{day}} {month} {{year}}" for month in SHORT_MONTHS)
MONTHS_OF_YEARS = tuple(f"{month} {{year}}" for month in MONTHS)
NUMBER = "12,345"
# The contexts of these messages: some languages have another form of a month for each.
DAY, SHORT_DAY, MONTH, NUMBERS = "day", "short day", "month", "number"

SOURCE_LANGUAGE = "en"
FOLDER = Path(__file__).parent
# The languages and scripts that are written from right to left (CLDR, characterOrder).
_RIGHT_TO_LEFT = {
    *("apc", "ar", "arc", "ary", "bal", "bgn", "bqi", "brh", "ckb", "dv", "fa", "glk", "he", "khw"),
    *("ks", "lrc", "mzn", "nqo", "ps", "rhg", "sd", "sdh", "skr", "syr", "trw", "ug", "ur", "yi"),
    *("adlm", "arab", "aran", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa"),
}


class _Untranslated(str):
    """A text that is English because the catalog does not have it."""

    __slots__ = ()


def is_missing(text: str) -> bool:
    """Return whether a text is English because the catalog of the language does not have it."""
    return isinstance(text, _Untranslated)


class _English(NullTranslations):
    """What a catalog falls back to: each text is known to be English."""

    def gettext(self, message: str) -> str:
        return _Untranslated(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return _Untranslated(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return _Untranslated(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return _Untranslated(msgid1 if n == 1 else msgid2)


class Messages:
    """The messages of one language, which is a tag such as `de` or `zh-Hant`."""

    def __init__(self, language: str, translations: NullTranslations) -> None:
        self.language = language
        self.direction = direction_of(language)
        self.gettext = translations.gettext
        self.ngettext = translations.ngettext
        self.pgettext = translations.pgettext
        self.npgettext = translations.npgettext
        pgettext = translations.pgettext
        self._days = tuple(pgettext(DAY, text) for text in DAYS)
        self._short_days = tuple(pgettext(SHORT_DAY, text) for text in SHORT_DAYS)
        self._months = tuple(pgettext(MONTH, text) for text in MONTHS_OF_YEARS)
        self._separator = pgettext(NUMBERS, NUMBER)[2:-3]

    def day(self, moment: datetime) -> str:
        """Return a day as people read it, such as `2 June 2020`."""
        return _fill(self._days[moment.month - 1], day=moment.day, year=moment.year)

    def short_day(self, moment: datetime) -> str:
        """Return a day in short, such as `2 Jun 2020`."""
        return _fill(self._short_days[moment.month - 1], day=moment.day, year=moment.year)

    def month(self, period: str) -> str:
        """Return a month such as `2020-06` as people read it, such as `June 2020`."""
        year, month = period.split("-")
        return _fill(self._months[int(month) - 1], year=int(year))

    def number(self, number: int) -> str:
        """Return a whole number with the separators of the language."""
        return f"{number:,}".replace(",", self._separator)

    def is_of(self, language: str) -> bool:
        """Return whether a text of these messages is in this language or a variety of it."""
        return catalog_of(language) == self.language

    def mark(self, text: str, around: str) -> str:
        """Return the attributes of an element with a text of these messages, within `around`.

        They begin with a blank, and are "" where the text is in the language around it.
        """
        language = self.language_of(text)
        return "" if catalog_of(around) == language else attributes_of(language)

    def language_of(self, text: str) -> str:
        """Return the language of a text of these messages."""
        return SOURCE_LANGUAGE if is_missing(text) else self.language


def messages_of(*languages: str) -> Messages:
    """Return the messages of the first of these languages that has a catalog, else English."""
    found = next(filter(None, map(catalog_of, languages)), SOURCE_LANGUAGE)
    return _load(found)


@lru_cache(64)
def catalog_of(language: str) -> str:
    """Return the tag of the catalog for a language or a variety of it, or "" (RFC 4647, 3.4)."""
    for name in (tag := without_region(language), tag.partition("-")[0]):
        if name == SOURCE_LANGUAGE or name in languages():
            return name
    return ""


@lru_cache(1)
def languages() -> tuple[str, ...]:
    """Return the tags of the languages that have a catalog, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.mo")))


@lru_cache(32)
def translation_digest(language: str) -> str:
    """Return what stands for the messages in a language: another translation has another.

    English has none: its messages are those of the templates and writers, which have a version.
    """
    catalog = catalog_of(language)
    if catalog in ("", SOURCE_LANGUAGE):
        return ""
    return blake2b((FOLDER / f"{catalog}.mo").read_bytes(), digest_size=16).hexdigest()


@lru_cache(64)
def direction_of(language: str) -> str:
    """Return the direction of a language's script, as HTML names it: ltr or rtl."""
    parts = language.lower().split("-")
    script = next((part for part in parts[1:] if len(part) == 4 and part.isalpha()), "")
    return "rtl" if (script or parts[0]) in _RIGHT_TO_LEFT else "ltr"


def attributes_of(language: str) -> str:
    """Return the attributes that say the language and direction of an element's text."""
    return f' lang="{escape(language)}" dir="{direction_of(language)}"'


@lru_cache(32)
def _load(language: str) -> Messages:
    """Return the messages of a language that has a catalog, or of the source language."""
    if language == SOURCE_LANGUAGE:
        return Messages(language, NullTranslations())
    with (FOLDER / f"{language}.mo").open("rb") as file:
        translations = GNUTranslations(file)
    translations.add_fallback(_English())
    return Messages(language, translations)


def _fill(text: str, **values: Any) -> str:
    """Return a text with values in its placeholders, as English as the text is."""
    return type(text)(text.format(**values))
