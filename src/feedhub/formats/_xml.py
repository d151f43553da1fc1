"""The XML of entries, character for character as lxml writes it with indentation."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def text(value: str) -> str:
    """Return character data (XML 1.0, 2.4)."""
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return value.replace("\r", "&#13;") if "\r" in value else value


def attribute(value: str) -> str:
    """Return the inside of an attribute in double quotes (XML 1.0, 3.3.3)."""
    value = text(value).replace('"', "&quot;")
    return value.replace("\n", "&#10;").replace("\t", "&#9;")


def elements(rows: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """Return empty elements, given by name and attributes."""
    return [
        _shape(name, *attributes) % tuple(map(attribute, attributes.values()))
        for name, attributes in rows
    ]


@lru_cache(64)
def _shape(name: str, *attributes: str) -> str:
    """Return an element with `%s` for each value."""
    return "".join([f"<{name}", *[f' {key}="%s"' for key in attributes], "/>"])


def block(indent: str, opening: str, inside: Iterable[str], closing: str) -> bytes:
    """Return an element with others inside, each on a line of its own, `indent` deep, in UTF-8."""
    lines = f"\n{indent}  ".join([opening, *inside])
    return f"{indent}{lines}\n{indent}{closing}\n".encode()


def insert(document: bytes, closing: bytes, entries: Iterable[bytes]) -> bytes:
    """Return a document without entries with them before the line of its `closing` tag."""
    head, found, tail = document.rpartition(closing)
    return b"".join([head, *entries, found, tail])
