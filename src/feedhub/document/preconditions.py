"""Conditional requests: the preconditions of RFC 9110, 13, evaluated in the order of 13.2.2."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedhub.dates import parse_http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

# An entity tag (8.8.3), or a word between commas: some clients lose the quotes of a tag.
_TAG = re.compile(r'(W/)?"([^"]*)"|([^\s,"]+)')


def evaluate(conditions: Mapping[str, str], etag: str, last_modified: int) -> int:
    """Return what GET or HEAD is answered: 200, 304 or 412.

    `conditions` are the request's header fields by name in lower case, several lines of one name
    joined by commas; `etag` is the strong entity tag of the selected representation with its
    quotes, `last_modified` its Unix time. A date that is none is ignored (13.1.3, 13.1.4).
    """
    if "if-match" in conditions:
        if not _matches(conditions["if-match"], etag, strong=True):
            return 412
    elif "if-unmodified-since" in conditions:
        date = parse_http_date(conditions["if-unmodified-since"])
        if date is not None and last_modified > date:
            return 412
    return 304 if _not_modified(conditions, etag, last_modified) else 200


def tags_of(text: str) -> set[str]:
    """Return the opaque parts of the tags that If-None-Match lists, without quotes or `W/`."""
    return {quoted or word for _, quoted, word in _TAG.findall(text)}


def _not_modified(conditions: Mapping[str, str], etag: str, last_modified: int) -> bool:
    if "if-none-match" in conditions:  # then If-Modified-Since counts for nothing (13.1.3)
        return _matches(conditions["if-none-match"], etag, strong=False)
    if "if-modified-since" in conditions:
        date = parse_http_date(conditions["if-modified-since"])
        return date is not None and last_modified <= date
    return False


def _matches(text: str, etag: str, *, strong: bool) -> bool:
    """Compare a list of tags with one (8.8.3.2); strong comparison matches no weak tag."""
    if text == etag:  # nearly always
        return True
    if text.strip() == "*":
        return True
    wanted = etag.strip('"')
    if not strong:
        return wanted in tags_of(text)
    return any((quoted or word) == wanted and not weak for weak, quoted, word in _TAG.findall(text))
