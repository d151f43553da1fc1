"""No word of feedhub stands in a document of another language without a mark that says so.

The site, its articles and labels are in Greek, which has no catalog; what feedhub says is told
apart by its letters. Greek is tried with a catalog of nothing but marks, with an empty catalog, and
without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from gettext import NullTranslations
from typing import Any

import pytest
from lxml import etree, html

from feedhub import messages, site
from feedhub.catalog import feeds
from feedhub.formats import FORMATS, entry_words, pages
from feedhub.messages import Messages, direction_of
from feedhub.selection import parse_query
from feedhub.site import settings
from tests.kit import make_bench

GREEK = "el"
OPEN, CLOSE = "⟦", "⟧"
# What is the same in every language: addresses, files, formats, readers, keys.
NAMES = re.compile(
    r"https?://\S+|\S+\.example\b|(?:\b(?:RSS|Atom|JSON Feed|OPML|Feedly|Inoreader|NewsBlur|Feedbin"
    r"|The Old Reader|Ctrl|C)\b)"
)
SCRIPTS = {
    "en": re.compile("[A-Za-z]"),
    GREEK: re.compile("[\u0370-\u03ff]"),
    "he": re.compile("[א-ת]"),
}
# Attributes that people read or hear.
SPOKEN = ("alt", "aria-label", "placeholder", "title", "label")
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class Marks(NullTranslations):
    """A catalog that has every message: the message itself, between marks."""

    def gettext(self, message: str) -> str:
        return f"{OPEN}{message}{CLOSE}"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return message if context == messages.NUMBERS else self.gettext(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self.ngettext(msgid1, msgid2, n)


@pytest.fixture(params=["marks", "empty", "none"])
def documents(request, tmp_path, monkeypatch) -> Iterator[dict[str, bytes]]:
    """Build a site in Greek with articles of every kind, one in English and one in Hebrew."""
    load, known = messages._load, messages.languages()
    if request.param != "none":
        translations = Marks() if request.param == "marks" else messages._English()
        greek = Messages(GREEK, translations)
        monkeypatch.setattr(messages, "languages", lambda: (*known, GREEK))
        for module in (feeds, site, settings):
            monkeypatch.setattr(module, "translation_digest", lambda tag: tag)
        monkeypatch.setattr(messages, "_load", lambda tag: greek if tag == GREEK else load(tag))
    caches = (messages.catalog_of, entry_words._entry_words, pages._environment)
    for cache in caches:
        cache.cache_clear()
    yield build(tmp_path)
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


def build(folder) -> dict[str, bytes]:
    bench = make_bench(
        folder,
        site__title="24/7",
        site__description="Όλα τα νέα",
        site__language=GREEK,
        feeds__search="yes",
        feeds__builder="yes",
        feeds__stories="yes",
    )
    related = [
        {
            "title": f"Άρθρο {number}",
            "url": f"https://b.example/{number}",
            "publishedAt": "2020-06-08",
            "provider": {"name": "Πηγή"},
        }
        for number in range(15)
    ]
    media = [
        {"url": "https://a.example/a.mp3"},
        {"url": "https://a.example/a.mp4", "title": "Όνομα"},
    ]
    texts: dict[str, tuple[str, dict[str, Any]]] = {
        "": ("Τίτλος", {"relatedArticles": related}),
        "audio": ("Ήχος", {"media": media}),
        "course": ("Μάθημα", {"provider": None}),
        "video": ("Ταινία", {"playerUrl": "https://v.example/1", "duration": "2:05"}),
    }
    for number, (kind, (title, fields)) in enumerate(texts.items()):
        given = {"provider": {"name": "Εκδότης"}, "type": kind or None} | fields
        bench.write(
            f"{number}.md",
            title=title,
            excerpt="Περίληψη.",
            webUrl=f"https://a.example/{number}",
            topics=["Θέμα", "Άλλο"],
            categories=["Κατηγορία"],
            authors=["Συγγραφέας"],
            **given,
        )
    for language, title in (("en", "A title"), ("he", "כותרת")):
        bench.write(
            f"{language}.md",
            title=title,
            excerpt=title,
            lang=language,
            webUrl=f"https://a.example/{language}",
            topics=["Θέμα"],
            relatedArticles=related[:1],
        )
    bench.sync()
    site = bench.site
    found = {path: document.body for path, document in bench.documents().items()}
    for name, query in (("search", "topic=θέμα&not_topic=άλλο&limit=9"), ("nothing", "q=ωωω")):
        planned = site.on_demand(parse_query(query.encode()), FORMATS["html"])
        assert planned is not None
        found[f"{name}.html"] = site.document(planned).body
    return found


class Reader:
    """Reads texts one after the other, for a mark may close in a later one than it opens."""

    def __init__(self) -> None:
        self.depth = 0

    def complaints(self, text: str, language: str) -> list[str]:
        """Return the scripts of a text outside of marks that are of another language."""
        bare = ""
        for letter in text:
            self.depth += (letter == OPEN) - (letter == CLOSE)
            bare += letter if self.depth == 0 else " "
        bare = NAMES.sub(" ", bare)
        wrong = [name for name, letters in SCRIPTS.items() if letters.search(bare)]
        return [f"{name} in {language}: {bare.strip()}" for name in wrong if name != language]


def page_complaints(root: Any, language: str) -> Iterator[str]:
    """Yield what is wrong in a page, or in a piece of one within a text of this language."""
    reader = Reader()
    for event, element in etree.iterwalk(root, ("start", "end")):
        if not isinstance(element.tag, str):
            continue
        silent = element.tag in ("script", "style", "code")
        if event == "end":
            if element is not root:
                outer = own_language(element.getparent(), language)
                yield from reader.complaints(element.tail or "", outer)
            continue
        spoken = own_language(element, language)
        marked = next((e for e in (element, *element.iterancestors()) if e.get("lang")), None)
        if marked is not None and marked.get("dir") not in ("auto", direction_of(spoken), None):
            yield f"{marked.get('lang')} runs {marked.get('dir')}"
        # The title of a link to a feed is that feed's.
        for name in () if element.tag == "link" else SPOKEN:
            yield from Reader().complaints(element.get(name, ""), spoken)
        yield from reader.complaints("" if silent else element.text or "", spoken)


def own_language(element: Any, language: str) -> str:
    """Return the language of an element without a region, by its nearest `lang`."""
    while element is not None:
        if element.get("lang"):
            return str(element.get("lang")).partition("-")[0]
        element = element.getparent()
    return language


def feed_complaints(body: bytes) -> Iterator[str]:
    """Yield what is wrong in a feed in RSS or Atom, or in a list of feeds."""
    root = etree.fromstring(body)
    for element in root.iter(etree.Element):
        language, name = GREEK, etree.QName(element).localname
        for ancestor in (element, *element.iterancestors()):
            stated = (
                ancestor.get(XML_LANG)
                or ancestor.findtext("{http://purl.org/dc/elements/1.1/}language")
                or ancestor.findtext("language")
            )
            if stated:
                language = stated.partition("-")[0]
                break
        language = element.get("language", language)  # of an outline
        for attribute in ("title", "text", "description"):
            yield from Reader().complaints(element.get(attribute, ""), language)
        if element.get("type") == "html" or name == "encoded":
            yield from page_complaints(html.fragment_fromstring(element.text, "div"), language)
        elif name in ("title", "subtitle", "description", "summary", "name"):
            yield from Reader().complaints(element.text or "", language)


def test_every_word_is_translated_or_marked(documents):
    found = [
        f"{path}: {complaint}"
        for path, body in documents.items()
        for complaint in (
            page_complaints(html.document_fromstring(body.decode()), GREEK)
            if path.endswith(".html")
            else feed_complaints(body)
            if path.endswith((".rss", ".atom", ".opml"))
            else ()
        )
    ]
    assert not found, "\n".join(dict.fromkeys(found))
