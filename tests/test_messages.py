"""The catalogs of messages, and what stands in documents where one does not have a message."""

from __future__ import annotations

import gettext
import io
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import langcodes
import pytest
from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.localedata import locale_identifiers
from babel.messages.plurals import get_plural
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from feedhub.messages import _English as English
from feedhub.messages import catalog_of, direction_of, is_missing, messages_of
from feedhub.messages.tags import (
    NAMES,
    known_names,
    language_or_none,
    own_name,
    parse_language,
    without_region,
)
from tests import catalogs
from tests.conftest import ROOT

LANGUAGES = sorted(path.stem for path in catalogs.FOLDER.glob("*.po"))
PLACEHOLDERS = re.compile(r"\{\w*(?::\d+)?\}|%\(\w+\)s|<[^>]*>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_compiled_catalog_has_the_messages_of_its_po_file(language):
    compiled = (catalogs.FOLDER / f"{language}.mo").read_bytes()
    assert compiled == catalogs.mo_bytes(catalogs.read(language)), "run `make messages`"


def test_all_languages_of_the_documents_have_every_message():
    page = (ROOT / "docs/pages.md").read_text(encoding="utf-8")
    named = re.findall(
        r"[A-Z][a-z]+", page.partition("if there is a translation: ")[2].split(".")[0]
    )
    tags = {parse_language(name) for name in named}
    assert tags == {tag.partition("-")[0] for tag in LANGUAGES} | {"en"}
    for language in LANGUAGES:
        catalog = catalogs.updated(language, catalogs.read(language))
        assert not catalogs.missing(catalog), f"{language}: run `make messages`, and translate"
        assert (catalogs.FOLDER / f"{language}.po").read_bytes() == catalogs.po_bytes(catalog)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_and_elements_of_its_message(language):
    for message in catalogs.read(language):
        if message.id and catalogs.is_translated(message):
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            texts = [message.string] if isinstance(message.string, str) else message.string or ()
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


def registered() -> dict[str, set[str]]:
    """Return the subtags of the registry of IANA by type, as langcodes has it."""
    path = Path(langcodes.__file__).parent / "data/language-subtag-registry.txt"
    found: dict[str, set[str]] = {}
    for record in path.read_text(encoding="utf-8").split("%%\n"):
        fields = dict(re.findall(r"^([A-Z][a-z]+): (.*)$", record, re.MULTILINE))
        found.setdefault(fields.get("Type", ""), set()).add(fields.get("Subtag", ""))
    return found


def test_the_names_of_languages_are_those_of_the_cldr_and_registered():
    assert NAMES.read_text(encoding="utf-8") == catalogs.names_tsv(), "run `make messages`"
    names, registry = known_names(), registered()
    # Registered since: Toki Pona, Interslavic, Sark.
    assert {tag.partition("-")[0] for tag in names.own} - registry["language"] == {"isv", "tok"}
    assert names.regions - registry["region"] == {"CQ"}


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de", "de"),
        ("en-us", "en-us"),
        ("en_US", "en-US"),
        (" de_DE.UTF-8 ", "de-DE"),
        ("english", "en"),
        ("German", "de"),
        ("FRANÇAIS", "fr"),
        ("Brazilian  Portuguese", "pt-BR"),
        ("português", "pt"),
        ("中文", "zh"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("de-1996", "de-1996"),
        ("en-UK", "en-GB"),
        ("iw", "he"),
        ("deu", "de"),
        ("art-x-ours", "art-x-ours"),
    ],
)
def test_a_language_is_read_from_its_tag_or_its_name(text, tag):
    assert parse_language(text) == language_or_none(text) == tag


@pytest.mark.parametrize("text", ["", "klingonish", "xx", "en-QQQQ", "de-Abcd", "e", "en-", "a b"])
def test_what_is_not_registered_is_no_language(text):
    with pytest.raises(ValueError, match=r"it is no tag|not registered"):
        parse_language(text)
    assert language_or_none(text) == ""


@given(st.sampled_from(sorted(known_names().own)))
def test_a_name_is_read_back(tag):
    own = own_name(tag)
    assert own
    assert without_region(parse_language(own)).partition("-")[0] != ""


def test_the_direction_of_a_language_is_that_of_the_cldr():
    for name in locale_identifiers():
        locale = Locale.parse(name)
        wanted = "rtl" if locale.character_order == "right-to-left" else "ltr"
        if locale.language != "root":
            assert direction_of(name.replace("_", "-")) == wanted, name


@pytest.mark.parametrize(
    ("tag", "catalog"),
    [
        ("de-AT", "de"),
        ("en-GB", "en"),
        ("zh", "zh-Hans"),
        ("zh-CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-Hans-HK", "zh-Hans"),
        ("sv", ""),
        ("xx", ""),
    ],
)
def test_a_variety_of_a_language_has_its_catalog(tag, catalog):
    assert catalog_of(tag) == (catalog if catalog in (*LANGUAGES, "en") else "")


def test_neither_babel_nor_langcodes_is_imported_for_common_languages(tmp_path):
    program = """
import sys
from feedhub.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
assert not {"babel", "langcodes"} & sys.modules.keys()
"""
    shutil.copytree(ROOT / "seeds", tmp_path / "articles")
    (tmp_path / "feedhub.toml").write_text('[site]\nlanguage = "de-AT"\n', encoding="utf-8")
    for arguments in (["--version"], ["render", "articles", "out"], ["render", "articles", "out"]):
        command = [sys.executable, "-c", program, *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def test_a_counted_message_with_a_context_falls_back_to_english_that_is_marked():
    texts = [English().npgettext("size", "{n} page", "{n} pages", count) for count in (1, 2)]
    assert texts == ["{n} page", "{n} pages"]
    assert all(map(is_missing, texts))
