"""Conditional requests: the preconditions of RFC 9110, 13, evaluated in the order of 13.2.2."""

from __future__ import annotations

import re
from collections.abc import Mapping

from feedhub.dates import parse_http_date

# An entity tag (8.8.3), or a word between commas: some clients lose the quotes of a tag.
_TAG = re.compile(r'(W/)?"([^"]*)"|([^\s,"]+)')


def evaluate(conditions: Mapping[str, str], etag: str, last_modified: int) -> int:
    """Return the status of a GET or HEAD: 200, 304 or 412.

    `conditions` are the request's header fields by name in lower case, several lines of one name
    joined by commas; `etag` is the strong entity tag of the selected representation with its
    quotes, `last_modified` its Unix time. A field whose date is invalid is ignored (13.1.3,
    13.1.4).
    """
    if "if-match" in conditions:
        if not matches(conditions["if-match"], etag, strong=True):
            return 412
    elif "if-unmodified-since" in conditions:
        date = parse_http_date(conditions["if-unmodified-since"])
        if date is not None and last_modified > date:
            return 412
    if "if-none-match" in conditions:  # then If-Modified-Since is ignored (13.1.3)
        return 304 if matches(conditions["if-none-match"], etag, strong=False) else 200
    if "if-modified-since" in conditions:
        date = parse_http_date(conditions["if-modified-since"])
        return 304 if date is not None and last_modified <= date else 200
    return 200


def matches(text: str, etag: str, *, strong: bool) -> bool:
    """Return whether a list of tags has one (8.8.3.2); strong comparison matches no weak tag."""
    if text == etag or text.strip() == "*":  # the first nearly always
        return True
    wanted = etag.strip('"')
    if not strong:
        return wanted in tags_of(text)
    return any((quoted or word) == wanted and not weak for weak, quoted, word in _TAG.findall(text))


def tags_of(text: str) -> set[str]:
    """Return the opaque parts of the tags that If-None-Match lists, without quotes or `W/`."""
    return {quoted or word for _, quoted, word in _TAG.findall(text)}
