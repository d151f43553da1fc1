"""Blocks of HTML in Markdown, behind which Markdown goes on without a blank line.

CommonMark waits for one; kramdown and Python-Markdown, and so the posts written for them, do not.
"""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.parser_block import RuleFuncBlockType
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock

# CommonMark 0.31, 4.6, start condition 6: such a block is HTML as it stands, unless it is indented.
_BLOCKS = (
    r"address|article|aside|blockquote|center|details|div|d[dlt]|fieldset|figure|footer|form|h[1-6r]|header"
    r"|iframe|li|main|nav|ol|p|section|table|t(?:body|d|foot|h|head|r)|ul"
)
_TAG = rf"</?(?:{_BLOCKS})(?=[\s/>])"
BLOCK_TAG = re.compile(rf"\s*{_TAG}", re.IGNORECASE)
_ANY_BLOCK_TAG = re.compile(_TAG, re.IGNORECASE)
_BLOCK_NAME = re.compile(_BLOCKS)
# A tag at the end of a line, and text on the next, perhaps in a list or quotation.
_TEXT_BEHIND_TAG = re.compile(r">[ \t\r]*\n[ \t>]*[^\s<>]")


def may_hold(raw: str) -> bool:
    """Return whether Markdown may go on behind a block of HTML."""
    return bool(_ANY_BLOCK_TAG.search(raw) and _TEXT_BEHIND_TAG.search(raw))


def plugin(parser: MarkdownIt) -> None:
    """Add the rule to a parser."""
    from markdown_it.rules_block.html_block import html_block as read_block

    before_paragraphs: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote"]}
    rule = functools.partial(html_block, read_block)
    parser.block.ruler.at("html_block", rule, before_paragraphs)


def html_block(
    read_block: RuleFuncBlockType, state: StateBlock, start: int, end: int, silent: bool
) -> bool:
    """Read a block of HTML; Markdown goes on where a line closes all elements of the block."""
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
    if not BLOCK_TAG.match(block):
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
