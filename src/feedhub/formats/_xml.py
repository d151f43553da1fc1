"""The XML of entries, character for character as lxml writes it with indentation."""

from __future__ import annotations

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


def element(name: str, attributes: Mapping[str, str], content: str | None = None) -> str:
    """Return one element with character data; without `content` an empty one."""
    pairs = "".join([f' {key}="{attribute(value)}"' for key, value in attributes.items()])
    return f"<{name}{pairs}/>" if content is None else f"<{name}{pairs}>{text(content)}</{name}>"


def lines(indent: str, elements: Iterable[str]) -> str:
    """Return elements one a line, each behind the indentation of their depth."""
    return "".join([f"{indent}{one}\n" for one in elements])


def insert(document: bytes, closing: bytes, entries: Iterable[str]) -> bytes:
    """Return a document without entries with them before the line of its `closing` tag."""
    head, found, tail = document.rpartition(closing)
    return head + "".join(entries).encode() + found + tail
