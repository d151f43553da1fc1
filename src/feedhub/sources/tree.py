"""The tree that YAML and TOML are read into: text as it is written, with line and column."""

from __future__ import annotations

import math
import re
from collections import abc
from typing import NamedTuple, TypeAlias

from feedhub import limits
from feedhub.errors import ArticleError

MAX_DEPTH = 16
MAX_NODES = 20_000
# Values of this key are dropped while they are read: publishers put private fields below it.
SECURED = "secured"
# What YAML refuses of the characters that UTF-8 can carry (YAML 1.2.2, 5.1); TOML shares the rule.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# The keys that decide whether an article is shown; one that appears twice cannot be trusted.
_VISIBILITY_KEYS = frozenset(
    {"published", "removed", "draft", "status", "eleventyexcludefromcollections"}
)
# What a message may show of a file that may be hidden: a key, and no text that reads like one.
_WORD = re.compile(r"[\w-]{1,40}")
_INT = re.compile(r"[-+]?[0-9]{1,15}")
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]{1,20}|[0-9]{1,20}(?:\.[0-9]{0,20})?)(?:[eE][-+]?[0-9]{1,3})?"
)


class Scalar(NamedTuple):
    """One value: its text as written, where it begins in the file from 1, and if it is unquoted.

    Only `plain` (unquoted) text may mean null, a boolean or a number (YAML 1.2.2, 10.3).
    """

    text: str
    line: int
    column: int
    plain: bool


class Sequence(NamedTuple):
    """A list; `line` and `column` are where it begins in the file, from 1."""

    items: tuple[Node, ...]
    line: int
    column: int


class Mapping(NamedTuple):
    """Values by key, as written and in order; no two that are read differ only in case.

    None is `secured`. `line` and `column` are where it begins in the file, from 1.
    """

    entries: abc.Mapping[str, Node]
    line: int
    column: int


Node: TypeAlias = Scalar | Sequence | Mapping


def field_at(entries: abc.Mapping[str, Node], line: int, column: int) -> str:
    """Return the name of the field whose value begins at a position, such as `provider.name`.

    Returns "" if none does.
    """
    for key, node in entries.items():
        if (node.line, node.column) == (line, column) and key.isprintable():
            return key
        inner = node.items if isinstance(node, Sequence) else (node,)
        for part in inner:
            if isinstance(part, Mapping) and (name := field_at(part.entries, line, column)):
                return f"{key}.{name}"
            if (part.line, part.column) == (line, column):
                return key
    return ""


def is_null(node: Node) -> bool:
    """Return whether `node` is YAML's null: nothing at all, `~` or an unquoted `null`."""
    return type(node) is Scalar and node.plain and node.text in NULLS


def as_text(node: Node, limit: int = 0) -> str | None:
    """Return a scalar's text as written, so that `5G` and `no` stay themselves; None for null.

    It is cut after MAX_TEXT characters. Raises ArticleError `too-long` where it has more than a
    `limit`, and `wrong-type` for a list or a mapping.
    """
    if type(node) is not Scalar:
        raise node_error(node, "wrong-type", "a list or a table stands here; write text instead")
    if limit and len(node.text) > limit:
        raise node_error(node, "too-long", f"this has more than {limit} characters; shorten it")
    return None if node.plain and node.text in NULLS else node.text[: limits.MAX_TEXT]


def as_bool(node: Node) -> bool:
    """Return true or false, which must stand unquoted (YAML 1.2.2, 10.3.2); a flag is not guessed.

    Raises ArticleError `not-boolean`, which withdraws the article, for all else.
    """
    if type(node) is Scalar and node.plain and node.text in _BOOLS:
        return _BOOLS[node.text]
    message = "this flag is neither true nor false; write one of the two, without quotes"
    raise node_error(node, "not-boolean", message, withdraws=True)


def as_int(node: Node) -> int | None:
    """Return a whole number of at most 15 decimal digits, unquoted; None for null.

    A leading zero means nothing (YAML 1.2.2, 10.3.2); the octal and hexadecimal forms are refused.
    Raises ArticleError `not-a-number` for all else.
    """
    if is_null(node):
        return None
    if type(node) is Scalar and node.plain and _INT.fullmatch(node.text):
        return int(node.text)
    message = "this is not a whole number; write at most 15 digits, without quotes"
    raise node_error(node, "not-a-number", message)


def as_number(node: Node) -> float | None:
    """Return a finite number, unquoted; None for null.

    Raises ArticleError `not-a-number` for all else, `.inf` and `.nan` among it.
    """
    if is_null(node):
        return None
    if type(node) is Scalar and node.plain and _NUMBER.fullmatch(node.text):
        number = float(node.text)
        if math.isfinite(number):
            return number
    message = "this is not a finite number; write it in digits, without quotes"
    raise node_error(node, "not-a-number", message)


def node_error(node: Node, code: str, message: str, *, withdraws: bool = False) -> ArticleError:
    """Return the error `code` at the line and column of `node`."""
    return ArticleError(code, message, line=node.line, column=node.column, withdraws=withdraws)


def key_error(folded: str, taken: set[str], depth: int, line: int, column: int) -> ArticleError:
    """Return the error for a key that its mapping has already (`taken`), or that is not printable.

    A doubled key of the article's own mapping (depth 1) that hides or shows it withdraws it.
    """
    if folded not in taken:
        message = "a key holds an invisible character; type the key again"
        return ArticleError("invisible-character", message, line=line, column=column)
    name = f"the key {folded}" if _WORD.fullmatch(folded) else "a key"
    message = f"{name} appears twice (upper and lower case count as one); keep one of them"
    flag = depth == 1 and folded in _VISIBILITY_KEYS
    return ArticleError("duplicate-key", message, line=line, column=column, withdraws=flag)


def position_at(text: str, index: int) -> tuple[int, int]:
    """Return line and column, from 1, of the character `index` of a whole file's `text`."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def error_at(text: str, index: int, code: str, message: str) -> ArticleError:
    """Return the error `code` at the character `index` of a whole file's `text`."""
    line, column = position_at(text, index)
    return ArticleError(code, message, line=line, column=column)


def too_deep(line: int, column: int) -> ArticleError:
    """Return the error for collections nested deeper than MAX_DEPTH."""
    message = f"lists and tables are nested deeper than {MAX_DEPTH} levels; make them flatter"
    return ArticleError("too-deep", message, line=line, column=column)


def too_many(line: int, column: int) -> ArticleError:
    """Return the error for more than MAX_NODES values, or events of the YAML parser."""
    message = f"the front matter has more than {MAX_NODES} parts; shorten it"
    return ArticleError("too-many-nodes", message, line=line, column=column)
