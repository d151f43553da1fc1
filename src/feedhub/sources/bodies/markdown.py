"""Markdown as Jekyll, Hugo, Eleventy, Pelican and GitHub read it, turned into HTML.

Comrak reads CommonMark with GitHub's tables, strikethrough, task lists and notices, in a twentieth
of the time of a parser in Python. A body that may hold more is for `markdown_extended`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from feedhub.sources.bodies import markdown_extended
from feedhub.sources.bodies.markdown_html import BLOCK_TAG, markdown_line

_DOCUMENT = re.compile(r"\s*(?:<!doctype|<html)\b", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n)+")

# Hostile bodies. Comrak takes time with the square of the depth of quotations, and makes all rows
# of a table as wide as its head.
MAX_CELLS = 60_000
MAX_DEPTH = 60
_DEEP_LINE = re.compile(
    rf"^(?:[ \t>]|[-+*](?=[ \t])|[0-9]{{1,9}}[.)](?=[ \t])){{{MAX_DEPTH}}}", re.MULTILINE
)
# GitHub reads one tilde as two; nobody else does.
_ONE_TILDE = re.compile(r"(?<!~)~(?![~\s])(?:(?!\n\n)[^~])*+(?<!\s)~(?!~)")


def to_html(raw: str) -> str | None:
    """Return Markdown as HTML, or None where its parser would take too long or lose text."""
    html = None if markdown_extended.is_needed(raw) or is_unsuited(raw) else comrak_parser()(raw)
    return markdown_extended.to_html(raw) if html is None else html


def is_html(raw: str) -> bool:
    """Return whether a body is an HTML document, or all its blocks are HTML.

    There indentation means nothing.
    """
    if _DOCUMENT.match(raw):
        return True
    text = raw.strip()
    if text and not BLOCK_TAG.match(text):
        return False
    blocks = [block for block in _BLANK_LINES.split(text) if block]
    return all(BLOCK_TAG.match(block) and markdown_line(block) is None for block in blocks)


def is_unsuited(raw: str) -> bool:
    """Return whether comrak would take too long, or read what only GitHub does."""
    lines = raw.split("\n")
    return (
        ("|" in raw and len(lines) * max(line.count("|") for line in lines) > MAX_CELLS)
        or (raw.count(">") > MAX_DEPTH and bool(_DEEP_LINE.search(raw)))
        or ("~" in raw and bool(_ONE_TILDE.search(raw)))
    )


@functools.cache
def comrak_parser() -> Callable[[str], str | None]:
    """Return a function that turns GitHub's Markdown into HTML."""
    import comrak  # a folder of HTML never needs it

    additions, output = comrak.ExtensionOptions(), comrak.RenderOptions()
    additions.table = additions.strikethrough = additions.tasklist = additions.alerts = True
    output.unsafe_ = True  # what is unsafe goes when the body is sanitised
    reading = comrak.ParseOptions()

    def render(raw: str) -> str | None:
        try:
            return comrak.render_markdown(raw, additions, reading, output)
        except BaseException as error:
            # A bug in Rust raises what is no Exception; one file must not stop all others.
            if type(error).__name__ != "PanicException":
                raise
            return None

    return render
