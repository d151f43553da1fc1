"""Attributes in Markdown, as kramdown (`{: .class}`), Goldmark and Pandoc (`{#id}`) write them.

They are taken away, but for the ids of headings. The plugin of mdit-py-plugins reads neither
kramdown's colon nor the ends of headings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline

_ONE = r"""(?:[.#][\w:.-]+|[\w-]+=(?:"[^"{}\n]*"|'[^'{}\n]*'|[^\s"'{}]+))"""
_LIST = re.compile(rf"\{{:?[ \t]*{_ONE}(?:[ \t]+{_ONE})*+[ \t]*\}}")
_KRAMDOWN_LINE = re.compile(r"[ \t]*\{:[^{}\n]{0,500}\}[ \t]*")
_ID = re.compile(r"#([\w:.-]+)")
_INLINE_ENDS = frozenset({"link_close", "image", "code_inline"})
_DELIMITERS = frozenset("*_~")


def may_hold(raw: str) -> bool:
    """Return whether Markdown may hold attributes."""
    return "{" in raw and ("{:" in raw or bool(_LIST.search(raw)))


def plugin(parser: MarkdownIt) -> None:
    """Add the rules to a parser."""
    parser.core.ruler.after("block", "block_attributes", take_from_blocks)
    parser.inline.ruler.before("link", "inline_attributes", take_from_inlines)


def take_from_blocks(state: StateCore) -> None:
    """Take attributes away at the ends of headings, and lines that are nothing else."""
    gone: set[int] = set()
    for index, token in enumerate(state.tokens):
        if token.type != "inline" or "{" not in token.content:
            continue
        before = state.tokens[index - 1]
        if before.type == "heading_open":
            text, identifier = split_heading(token.content)
            token.content = text
            if identifier:
                before.attrSet("id", identifier)
            continue
        lines = token.content.split("\n")
        kept = [line for line in lines if not is_attribute_line(line)]
        if len(kept) == len(lines):
            continue
        token.content = "\n".join(kept)
        if before.type == "paragraph_open" and not kept:
            gone.update((index - 1, index, index + 1))
        elif before.type == "td_open" and state.tokens[index - 2].type == "tr_open":
            gone.update(row_at(state, index - 2))
    if gone:
        state.tokens = [token for index, token in enumerate(state.tokens) if index not in gone]


def is_attribute_line(line: str) -> bool:
    """Return whether a line holds nothing but attributes."""
    return bool(_KRAMDOWN_LINE.fullmatch(line) or _LIST.fullmatch(line.strip()))


def split_heading(content: str) -> tuple[str, str]:
    """Return the text of a heading, and the id at its end or ""."""
    start = content.rfind("{")
    match = _LIST.fullmatch(content[start:].rstrip())
    if not match:
        return content, ""
    identifier = _ID.search(match[0])
    return content[:start].rstrip(), identifier[1] if identifier else ""


def row_at(state: StateCore, start: int) -> range:
    """Return the indexes of the table row that begins at `start`."""
    end = start
    while state.tokens[end].type != "tr_close":
        end += 1
    return range(start, end + 1)


def take_from_inlines(state: StateInline, silent: bool) -> bool:
    """Take attributes away right behind a link, a picture, code or emphasis."""
    if state.src[state.pos] != "{" or silent or state.pending or not state.tokens:
        return False
    last = state.tokens[-1]
    is_after = last.type in _INLINE_ENDS or (
        last.type == "text" and last.content[:1] in _DELIMITERS
    )
    match = _LIST.match(state.src, state.pos) if is_after else None
    if not match:
        return False
    state.pos = match.end()
    return True
