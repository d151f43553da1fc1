"""The catalogs of messages: what the code says, put into each `.po` file, and their `.mo` files.

After a change of words, or to begin a language, run this, translate what it lists, run it again:

    make messages [NEW=sv]
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import parse_pattern
from babel.localedata import locale_identifiers
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po
from babel.numbers import format_decimal

from feedhub import messages
from feedhub.kinds import KINDS
from feedhub.messages.tags import NAMES

SOURCE = Path(messages.__file__).parent.parent
FOLDER = SOURCE / "messages"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "labelled": (2,),
    "named": None,
}
OPTIONS = {"jinja2": {"extensions": "jinja2.ext.i18n", "trimmed": "true", "silent": "false"}}
# What is said to people who read feeds; the command line and its reports are English.
METHODS = [("formats/pages/**.j2", "jinja2"), ("**.py", "python")]


class Bare(Catalog):
    """A catalog whose header says no more than how to read it: no clock, no names to fill in."""

    def __iter__(self) -> Iterator[Message]:
        """Yield the header and all messages."""
        kept = ("Language", "Plural-Forms", "Content-Type")
        for message in super().__iter__():
            if not message.id:
                lines = [f"{name}: {text}\n" for name, text in self.mime_headers if name in kept]
                message = Message("", "".join(lines))
            yield message


@cache
def template() -> Catalog:
    """Return all messages, each with the files that use it, without translations."""
    catalog = Catalog(project="feedhub", charset="utf-8")
    for file, _, text, comments, context in extract_from_dir(
        SOURCE, METHODS, OPTIONS, KEYWORDS, ("Translators:",), strip_comment_tags=True
    ):
        catalog.add(text, locations=[(file, 0)], auto_comments=comments, context=context)
    for kind in KINDS.values():
        for text in (kind.heading, kind.noun, kind.title, kind.description, kind.criterion):
            # What has no word is the same in all languages.
            if any(map(str.isalpha, re.sub(r"{\w+}", "", text))):
                catalog.add(text, locations=[("kinds.py", 0)])
    for context, text in dates_and_numbers(Locale("en")):
        catalog.add(text, locations=[("messages/__init__.py", 0)], context=context)
    return catalog


def dates_and_numbers(locale: Locale) -> dict[tuple[str, str], str]:
    """Return what the CLDR says in a language, by context and message."""
    texts: dict[tuple[str, str], str] = {}
    for month in range(12):
        day = date(2020, month + 1, 1)
        texts[messages.DAY, messages.DAYS[month]] = date_text("yMMMMd", day, locale)
        texts[messages.SHORT_DAY, messages.SHORT_DAYS[month]] = date_text("yMMMd", day, locale)
        texts[messages.MONTH, messages.MONTHS_OF_YEARS[month]] = date_text("yMMMM", day, locale)
    separator = format_decimal(12345678, "#,##0", locale)[2:-7]
    texts[messages.NUMBERS, messages.NUMBER] = f"12{separator}345"
    return texts


def date_text(skeleton: str, day: date, locale: Locale) -> str:
    """Return how a language writes a date of a month, with placeholders for day and year."""
    long = skeleton == "yMMMMd"
    pattern = str(locale.date_formats["long"] if long else locale.datetime_skeletons[skeleton])
    form = str(parse_pattern(pattern).format)
    fields = {"d": "{day}", "dd": "{day:02}", "y": "{year}"}
    for name in re.findall(r"%\((\w+)\)s", form):
        fields.setdefault(name, str(parse_pattern(name).apply(day, locale)))
    return form % fields


def updated(language: str, known: Catalog) -> Catalog:
    """Return the catalog of a language with every message; `known` has the translations so far."""
    locale = Locale.parse(language, sep="-")
    catalog = Bare(locale=locale, charset="utf-8", fuzzy=False)
    catalog.header_comment = f"# {locale.get_display_name('en')} for feedhub."
    forms = get_plural(locale)
    written = dates_and_numbers(locale)
    for message in template():
        if not message.id:
            continue
        before = known.get(
            message.id if isinstance(message.id, str) else message.id[0], message.context
        )
        text = before.string if before and before.id == message.id else ""
        if isinstance(message.id, str):
            text = written.get((message.context or "", message.id), text)
        elif not text or len(text) != forms.num_plurals:
            text = ""
        catalog.add(
            message.id,
            text,
            locations=message.locations,
            auto_comments=message.auto_comments,
            flags=message.flags,
            context=message.context,
        )
    return catalog


def missing(catalog: Catalog) -> list[str]:
    """Return the messages that a catalog does not have."""
    return [
        message.id if isinstance(message.id, str) else message.id[0]
        for message in catalog
        if message.id and not is_translated(message)
    ]


def is_translated(message: Message) -> bool:
    """Return whether a message has a translation, in all its plural forms."""
    texts = (message.string,) if isinstance(message.string, str) else message.string
    return bool(texts) and all(texts or ())


def read(language: str) -> Catalog:
    """Return the catalog in the `.po` file of a language, empty if there is none yet."""
    path = FOLDER / f"{language}.po"
    locale = Locale.parse(language, sep="-")
    if not path.exists():
        return Catalog(locale=locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale, abort_invalid=True)


def po_bytes(catalog: Catalog) -> bytes:
    """Return a catalog for translators, in the order of the files."""
    file = io.BytesIO()
    write_po(file, catalog, width=100, sort_by_file=True, include_lineno=False)
    return file.getvalue()


def mo_bytes(catalog: Catalog) -> bytes:
    """Return a catalog as it is read at run time, without what is not translated."""
    bare, file = Bare(locale=catalog.locale, charset="utf-8", fuzzy=False), io.BytesIO()
    for message in catalog:
        if message.id and is_translated(message):
            bare.add(message.id, message.string, context=message.context)
    write_mo(file, bare)
    return file.getvalue()


def names_tsv() -> str:
    """Return the languages of the CLDR as `feedhub.messages.tags` reads them."""
    english = Locale("en")
    codes = [code for code in map(str, english.territories) if re.fullmatch("[A-Z]{2}", code)]
    # Not in the registry of IANA: quasi-regions of the CLDR.
    regions = sorted(set(codes) - {"EZ", "UN", "XA", "XB", "XK", "QO"})
    lines = [" ".join(regions)]
    bases = {name.partition("_")[0] for name in locale_identifiers()} - {"root"}
    scripts = {name for name in locale_identifiers() if re.fullmatch("[a-z]+_[A-Z][a-z]{3}", name)}
    for code in sorted(bases | scripts | set(english.languages)):
        base = code.partition("_")[0]
        if base not in bases or code.count("_") > 1:
            continue
        name, own = english.languages.get(code, ""), own_name(code)
        if own or name:
            lines.append(f"{code.replace('_', '-')}\t{name}\t{own}")
    return "\n".join(lines) + "\n"


def own_name(code: str) -> str:
    """Return the name of a language in itself, as a list shows it, or ""."""
    try:
        names = Locale.parse(code).languages
    except UnknownLocaleError:
        return ""
    base = code if re.search("_[A-Z0-9]{2,3}$", code) else code.partition("_")[0]
    own = str(names.get(code) or names.get(base) or "")
    return own[:1].title() + own[1:]


def main(new: list[str]) -> None:
    """Write the catalogs of all languages, and those of new ones; print what is missing."""
    NAMES.write_text(names_tsv(), encoding="utf-8")
    known = {path.stem for path in FOLDER.glob("*.po")}
    for language in sorted(known | set(new)):
        catalog = updated(language, read(language))
        (FOLDER / f"{language}.po").write_bytes(po_bytes(catalog))
        (FOLDER / f"{language}.mo").write_bytes(mo_bytes(catalog))
        for text in missing(catalog):
            print(f"{language}.po: not translated: {text}")


if __name__ == "__main__":
    main(sys.argv[1:])
