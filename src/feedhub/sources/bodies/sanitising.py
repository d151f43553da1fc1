"""What may stand in a body: the tags and attributes that nh3 lets through, and why others differ.

The tables of docs/formats.md are made from these.
"""

from __future__ import annotations

import functools
import re

import nh3

from feedhub.sources.bodies.tree import words

#: Tags that nh3 does not let through by default, with the reason why they are kept.
ADDED_TAGS = {
    "address": "a block: its words must not run into the next block's",
    "audio": "a sound of the article",
    "main": "a block",
    "rb": "the base of a ruby",
    "section": "a block",
    "source": "the address of a sound or video",
    "tfoot": "a part of a table, as thead and tbody are",
    "video": "a video of the article",
}
#: Tags that nh3 lets through, and the reason why they are dropped; their text stays.
LEFT_OUT_TAGS = {
    "area": "a part of an image map, which needs scripts or ids",
    "map": "an image map",
    "strike": "obsolete: it becomes s",
}
TAGS = (nh3.ALLOWED_TAGS | ADDED_TAGS.keys()) - LEFT_OUT_TAGS.keys()

#: Elements that are dropped with all they contain: programs, styles, forms, other languages.
DROPPED = words(
    "applet button canvas datalist embed frame frameset iframe input math meter noembed "
    "noframes noscript object optgroup option progress script select style svg template "
    "textarea title"
)

_NUMBER, _ANY_TEXT = re.compile(r"[0-9]{1,5}"), re.compile(r".*", re.DOTALL)
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_ALIGN = re.compile(r"left|right|center|justify")
_TIME = re.compile(r"[0-9A-Za-z:.+ -]{1,40}")
_SPANS = {"colspan": _NUMBER, "rowspan": _NUMBER}
#: The allowed values of each attribute; addresses and ids have rules of their own.
ATTRIBUTES: dict[str, dict[str, re.Pattern[str]]] = {
    "*": {
        "dir": re.compile(r"ltr|rtl|auto"),
        "lang": re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*"),
    },
    "a": {"title": _ANY_TEXT},
    "abbr": {"title": _ANY_TEXT},
    "acronym": {"title": _ANY_TEXT},
    "audio": {"controls": _ANY_TEXT},
    "col": {"span": _NUMBER, "align": _ALIGN},
    "colgroup": {"span": _NUMBER, "align": _ALIGN},
    "data": {"value": _ANY_TEXT},
    "del": {"datetime": _TIME},
    "details": {"open": _ANY_TEXT},
    "dfn": {"title": _ANY_TEXT},
    "img": {"alt": _ANY_TEXT, "title": _ANY_TEXT, "width": _NUMBER, "height": _NUMBER},
    "ins": {"datetime": _TIME},
    "li": {"value": _INTEGER},
    "ol": {"start": _INTEGER, "reversed": _ANY_TEXT, "type": re.compile(r"[1aAiI]")},
    "td": {"align": _ALIGN, **_SPANS},
    "th": {"align": _ALIGN, "scope": re.compile(r"(row|col)(group)?"), **_SPANS},
    "time": {"datetime": _TIME},
    "tr": {"align": _ALIGN},
    "video": {"controls": _ANY_TEXT},
}
#: Attributes whose value is an address.
URL_ATTRIBUTES: dict[str, frozenset[str]] = {
    "a": frozenset({"href"}),
    "audio": frozenset({"src"}),
    "blockquote": frozenset({"cite"}),
    "del": frozenset({"cite"}),
    "img": frozenset({"src"}),
    "ins": frozenset({"cite"}),
    "q": frozenset({"cite"}),
    "source": frozenset({"src"}),
    "video": frozenset({"src", "poster"}),
}
#: The schemes of addresses; pictures and sounds have http and https only.
SCHEMES = frozenset({"http", "https", "mailto", "tel"})


def clean(html: str) -> str:
    """Return HTML with nothing but the allowed tags, attributes and schemes."""
    return _cleaner().clean(html)


@functools.cache
def _cleaner() -> nh3.Cleaner:
    """Return the sanitiser that all bodies share. It does not rely on what was repaired before."""
    attributes = {
        tag: {*ATTRIBUTES.get(tag, ()), *URL_ATTRIBUTES.get(tag, ())}
        for tag in ATTRIBUTES.keys() | URL_ATTRIBUTES.keys()
    }
    attributes["*"].add("id")
    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(DROPPED),
        attributes=attributes,
        link_rel=None,
        url_schemes=set(SCHEMES),
        # A link within the body, such as to a footnote, is the only address that stays relative.
        url_relative=lambda url: url if url.startswith("#") else None,
    )
