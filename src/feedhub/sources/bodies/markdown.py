"""Markdown as Jekyll, Hugo, Eleventy, Pelican and GitHub read it, turned into HTML.

CommonMark with GitHub's tables, strikethrough, task lists, notices, footnotes and bare addresses,
definition lists, attributes, and TeX left as it stands.
"""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from feedhub.sources.bodies import markdown_attributes, markdown_math

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.parser_block import RuleFuncBlockType
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock

_DOCUMENT = re.compile(r"\s*(?:<!doctype|<html)\b", re.IGNORECASE)
# CommonMark 0.31, 4.6, start condition 6: such a block is HTML as it stands, unless it is indented.
_BLOCKS = (
    r"address|article|aside|blockquote|center|details|div|d[dlt]|fieldset|figure|footer|form|h[1-6r]|header"
    r"|iframe|li|main|nav|ol|p|section|table|t(?:body|d|foot|h|head|r)|ul"
)
_BLOCK_TAG = re.compile(rf"\s*</?(?:{_BLOCKS})(?=[\s/>])", re.IGNORECASE)
_BLOCK_NAME = re.compile(_BLOCKS)
_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n)+")

# Hostile bodies. The parser looks for the end of each bracket and declaration to the end of the
# block, makes all rows of a table as wide as its head, and drops the rest of the text where it is
# nested deeper than allowed.
_MARKS = b"][*_~`<>|&#\\!\n-"
MAX_MARKS = 40_000
_UNCLOSED = re.compile(r"\[(?![^\[\]\n]*\])|<[!?]")
MAX_UNCLOSED = 1_000
MAX_CELLS = 60_000
MAX_NESTING = 30


def to_html(raw: str) -> str | None:
    """Return Markdown as HTML, or None where its parser would take too long or lose text.

    A body that is a whole HTML document, or whose blocks are all HTML, stays as it is: there
    indentation means nothing.
    """
    if is_html(raw):
        return raw
    return None if is_too_dense(raw) else render(raw)


def is_html(raw: str) -> bool:
    """Return whether a body holds no Markdown."""
    if _DOCUMENT.match(raw):
        return True
    blocks = [block for block in _BLANK_LINES.split(raw.strip()) if block]
    return all(_BLOCK_TAG.match(block) and markdown_line(block) is None for block in blocks)


def is_too_dense(raw: str) -> bool:
    """Return whether Markdown would take its parser too long: too many signs or table cells."""
    rows = [line.count("|") for line in raw.split("\n") if "|" in line]
    data = raw.encode()
    return (
        len(data) - len(data.translate(None, _MARKS)) > MAX_MARKS
        or len(_UNCLOSED.findall(raw)) > MAX_UNCLOSED
        or len(rows) * max(rows, default=0) > MAX_CELLS
    )


def render(raw: str) -> str | None:
    """Return HTML, or None where the Markdown is nested too deep to be read to its end."""
    parser = markdown_parser()
    env: dict[str, object] = {}
    tokens = parser.parse(raw, env)
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return None
    return str(parser.renderer.render(tokens, parser.options, env))


@functools.cache
def markdown_parser() -> MarkdownIt:
    """Return the parser that all bodies share."""
    from markdown_it import MarkdownIt  # 60 ms, and a folder of HTML never needs it
    from markdown_it.rules_block.html_block import html_block as read_block
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    from feedhub.sources.bodies import markdown_links

    options = {"maxNesting": MAX_NESTING, "tasklists": True, "alerts": True}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    parser.use(footnote_plugin, inline=False).use(deflist_plugin)
    parser.use(markdown_attributes.plugin).use(markdown_math.plugin).use(markdown_links.plugin)
    before_paragraphs: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    rule = functools.partial(html_block, read_block)
    parser.block.ruler.at("html_block", rule, before_paragraphs)
    return parser


def html_block(
    read_block: RuleFuncBlockType, state: StateBlock, start: int, end: int, silent: bool
) -> bool:
    """Read a block of HTML; Markdown goes on where a line closes all elements of the block.

    CommonMark waits for a blank line; kramdown and Python-Markdown, and so the posts written for
    them, do not.
    """
    position = state.bMarks[start] + state.tShift[start]
    if state.src[position : position + 1] != "<" or not read_block(state, start, end, silent):
        return False
    if not silent and state.line > start + 1:
        token = state.tokens[-1]
        line = markdown_line(token.content)
        if line is not None:
            state.line = start + line
            token.map = [start, state.line]
            token.content = state.getLines(start, state.line, state.blkIndent, True)
    return True


def markdown_line(block: str) -> int | None:
    """Return the number of the line at which a block of HTML is over and text follows, or None."""
    if not _BLOCK_TAG.match(block):
        return None
    lines = block.split("\n")
    elements = OpenElements()
    for number, line in enumerate(lines[:-1], 1):
        elements.feed(line + "\n")
        following = lines[number]
        if (
            elements.depth <= 0
            and line.rstrip().endswith(">")
            and following[:1].strip()
            and following[0] != "<"
        ):
            return number
    return None


class OpenElements(HTMLParser):
    """Counts the blocks of HTML that are open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Count an element that has an end."""
        self.depth += (bool(_BLOCK_NAME.fullmatch(tag)) and tag != "hr") or tag == "pre"

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Count an element whatever slash it ends with, as HTML does."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Count the end of an element."""
        self.depth -= (bool(_BLOCK_NAME.fullmatch(tag)) and tag != "hr") or tag == "pre"
