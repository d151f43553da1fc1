"""Markdown with what generators add to GitHub's, read by markdown-it-py with rules of our own.

Those are footnotes, definition lists, attributes, TeX, and Markdown behind a block of HTML.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from feedhub.sources.bodies import markdown_attributes, markdown_html, markdown_math

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_DEFINITION = re.compile(r"\n[ \t>]*[:~][ \t]")

# Hostile bodies. The parser looks for the end of each bracket and declaration to the end of the
# block, makes all rows of a table as wide as its head, and drops the rest of the text where it is
# nested deeper than allowed.
_MARKS = b"][*_~`<>|&#\\!\n-"
MAX_MARKS = 40_000
_UNCLOSED = re.compile(r"\[(?![^\[\]\n]*\])|<[!?]")
MAX_UNCLOSED = 1_000
MAX_CELLS = 60_000
MAX_NESTING = 30


def is_needed(raw: str) -> bool:
    """Return whether Markdown may hold anything that GitHub's does not have."""
    return (
        markdown_attributes.may_hold(raw)
        or markdown_math.may_hold(raw)
        or ("[^" in raw and "]:" in raw)
        or bool(_DEFINITION.search(raw))
        or markdown_html.may_hold(raw)
    )


def to_html(raw: str) -> str | None:
    """Return HTML, or None where it would take too long or the text is nested too deep."""
    if is_too_dense(raw):
        return None
    parser = markdown_parser()
    env: dict[str, object] = {}
    tokens = parser.parse(raw, env)
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return None
    return str(parser.renderer.render(tokens, parser.options, env))


def is_too_dense(raw: str) -> bool:
    """Return whether Markdown would take its parser too long: too many signs or table cells."""
    rows = [line.count("|") for line in raw.split("\n") if "|" in line]
    data = raw.encode()
    return (
        len(data) - len(data.translate(None, _MARKS)) > MAX_MARKS
        or len(_UNCLOSED.findall(raw)) > MAX_UNCLOSED
        or len(rows) * max(rows, default=0) > MAX_CELLS
    )


@functools.cache
def markdown_parser() -> MarkdownIt:
    """Return the parser that all bodies share."""
    from markdown_it import MarkdownIt  # 60 ms, and most folders never need it
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    options = {"maxNesting": MAX_NESTING, "tasklists": True, "alerts": True}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.use(footnote_plugin, inline=False).use(deflist_plugin)
    parser.use(markdown_attributes.plugin).use(markdown_math.plugin).use(markdown_html.plugin)
    # As on GitHub; the parser says s.
    parser.add_render_rule("s_open", lambda *_: "<del>")
    parser.add_render_rule("s_close", lambda *_: "</del>")
    return parser
