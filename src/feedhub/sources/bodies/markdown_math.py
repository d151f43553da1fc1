r"""TeX in Markdown: text between `$$`, `\(` or `\[`, or of a LaTeX environment, as it stands.

A reader may typeset it; read as Markdown it would lose backslashes and gain emphasis. The plugins
of mdit-py-plugins take a pair of dollars in a text about prices for TeX, and write no delimiters.
"""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.ruler import RuleOptionsType
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

_CLOSINGS = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
_ENVIRONMENT = re.compile(r"\\begin\{([a-zA-Z]{1,20}\*?)\}")
# Signs that TeX has and prose has not: converters escape brackets too.
_TEX = re.compile(r"[\\^_{}=+<>]")
_SURE_SIGN = re.compile(r"\\(?:[(\[]|begin\{)")
MAX_FORMULA = 2_000


def may_hold(raw: str) -> bool:
    """Return whether Markdown may hold TeX."""
    if "$$" in raw or _SURE_SIGN.search(raw):
        return True
    pieces = raw.split("$")
    return any(
        "\n\n" not in inside and is_formula("$", inside, after[:1])
        for inside, after in pairwise(pieces[1:])
    )


def plugin(parser: MarkdownIt) -> None:
    """Add the rules to a parser."""
    parser.inline.ruler.before("escape", "math", inline_math)
    before: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    parser.block.ruler.before("fence", "math_block", block_math, before)


def inline_math(state: StateInline, silent: bool) -> bool:
    """Leave a formula within a text as it stands."""
    start, text = state.pos, state.src
    opening = text[start : start + 2]
    if opening not in _CLOSINGS:
        opening = opening[:1]
        if opening not in _CLOSINGS:
            return False
    first = start + len(opening)
    end = text.find(_CLOSINGS[opening], first, first + MAX_FORMULA)
    if end < 0 or not is_formula(opening, text[first:end], text[end + 1 : end + 2]):
        return False
    end += len(opening)
    if not silent:
        state.pending += text[start:end]
    state.pos = end
    return True


def is_formula(opening: str, inside: str, following: str) -> bool:
    """Return whether what stands between two delimiters is meant as TeX."""
    if opening == "$$":
        return bool(inside.strip())
    if opening == "$" and (inside[:1].isspace() or inside[-1:].isspace() or following.isdigit()):
        return False
    has_words = any(map(str.isalnum, inside))
    return has_words and bool(_TEX.search(inside)) and "](" not in inside and "`" not in inside


def block_math(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Leave a formula on lines of its own as it stands."""
    position = state.bMarks[start] + state.tShift[start]
    if state.src[position : position + 1] not in ("$", "\\") or state.is_code_block(start):
        return False
    first = line_at(state, start)
    if first[:2] in ("$$", "\\["):
        opening, closing = first[:2], _CLOSINGS[first[:2]]
    elif match := _ENVIRONMENT.match(first):
        opening, closing = match[0], f"\\end{{{match[1]}}}"
    else:
        return False
    size = 0
    for number in range(start, end):
        line = line_at(state, number)
        size += len(line)
        if not line or size > MAX_FORMULA or state.sCount[number] < state.blkIndent:
            return False
        inside = line[len(opening) :] if number == start else line
        if inside.endswith(closing):
            break
        if closing in inside:
            return False
    else:
        return False
    if opening == "\\[" and not _TEX.search(formula_at(state, start, number + 1)[2:-2]):
        return False
    if not silent:
        state.line = number + 1
        token = state.push("html_block", "", 0)
        token.map = [start, state.line]
        text = formula_at(state, start, state.line)
        token.content = f"<p>{escape(text, quote=False)}</p>\n"
    return True


def formula_at(state: StateBlock, start: int, end: int) -> str:
    """Return the lines of a formula without their indentation."""
    return state.getLines(start, end, state.blkIndent, False).strip()


def line_at(state: StateBlock, number: int) -> str:
    """Return a line without the blanks around it."""
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].strip()
