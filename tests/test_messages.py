"""The catalogs of messages, and what stands in documents where one does not have a message."""

from __future__ import annotations

import gettext
import io
import re
from datetime import UTC, datetime

import pytest
from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.messages.plurals import get_plural
from babel.numbers import format_decimal

from feedhub.messages import messages_of
from tests import catalogs

LANGUAGES = sorted(path.stem for path in catalogs.FOLDER.glob("*.po"))
PLACEHOLDERS = re.compile(r"\{\w*(?::\d+)?\}|%\(\w+\)s|<[^>]*>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_compiled_catalog_has_the_messages_of_its_po_file(language):
    compiled = (catalogs.FOLDER / f"{language}.mo").read_bytes()
    assert compiled == catalogs.mo_bytes(catalogs.read(language)), "run `make messages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_and_elements_of_its_message(language):
    for message in catalogs.read(language):
        if message.id and message.string:
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            texts = [message.string] if isinstance(message.string, str) else message.string
            for text in texts:
                wanted = sorted(PLACEHOLDERS.findall(ids[-1]))
                found = sorted(form.replace(":02", "") for form in PLACEHOLDERS.findall(text))
                assert found == wanted, f"{language}: {ids[0]}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plural_forms_are_those_of_the_cldr(language):
    locale = Locale.parse(language, sep="-")
    body = (catalogs.FOLDER / f"{language}.mo").read_bytes()
    compiled = gettext.GNUTranslations(io.BytesIO(body))
    forms = gettext.c2py(get_plural(locale).plural_expr)
    for number in (*range(200), 1000, 1_000_000, 1_000_001):
        form = locale.plural_form(number)
        same = [n for n in (*range(200), 1_000_000) if locale.plural_form(n) == form]
        assert compiled.plural(number) == forms(number)  # type: ignore[attr-defined] # by gettext
        assert {compiled.plural(n) for n in same} == {forms(number)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_and_numbers_are_those_of_the_cldr(language):
    words, locale = messages_of(language), Locale.parse(language, sep="-")
    for month in range(1, 13):
        moment = datetime(2021, month, 9, 12, tzinfo=UTC)
        assert words.day(moment) == format_date(moment, "long", locale)
        assert words.short_day(moment) == format_skeleton("yMMMd", moment, locale=locale)
        assert words.month(f"2021-{month:02}") == format_skeleton("yMMMM", moment, locale=locale)
    assert words.number(1_234_567) == format_decimal(1_234_567, "#,##0", locale)
