"""docs/cli.md as a manual page: the same text in the language of man(7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from feedhub import __version__

PATH = Path(__file__).parent.parent / "docs/feedhub.1"
HEAD = f"""\
.\\" Made of docs/cli.md by make docs.
.TH FEEDHUB 1 "" "feedhub {__version__}"
.SH NAME
feedhub \\- a folder of article files in, feeds out: RSS 2.0, Atom 1.0 and JSON Feed 1.1
.SH SYNOPSIS
"""
CODE, STRONG = ("\\fB", "\\fR"), ("\\fI", "\\fR")
FONTS = {"strong_open": STRONG[0], "strong_close": STRONG[1]}
FONTS |= {"em_open": STRONG[0], "em_close": STRONG[1]}


def page(markdown: str) -> str:
    """Return the manual page; the first heading, the title, is left out."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    text = HEAD + "".join(f"{line}\n" for line in _lines(tokens[3:]))
    return re.sub(r"^(\.SH .*\n)\.PP\n", r"\1", text, flags=re.MULTILINE)


def _lines(tokens: Sequence[Token]) -> Iterator[str]:
    rows = iter(tokens)
    for token in rows:
        if token.type == "heading_open":
            yield f".SH {_inline(next(rows)).upper()}"
        elif token.type == "paragraph_open":
            yield ".PP"
            yield _inline(next(rows))
        elif token.type in ("code_block", "fence"):
            yield from (".PP", ".RS 4", ".EX")
            yield from (_text(line) for line in token.content.rstrip("\n").split("\n"))
            yield from (".EE", ".RE")
        elif token.type == "tr_open":
            yield from _row(rows)


def _row(rows: Iterator[Token]) -> Iterator[str]:
    """Yield a row of a table as a term and its description."""
    row = takewhile(lambda token: token.type != "tr_close", rows)
    term, *description = [_inline(token) for token in row if token.type == "inline"]
    if description[0]:  # it is empty in the head of a table of options
        yield from (".TP", term, *description)


def _inline(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or ():
        first = parts[-1:] in ([], ["\n"])
        if child.type == "code_inline":
            parts.append(f"{CODE[0]}{_text(child.content, first=first)}{CODE[1]}")
        elif child.type == "softbreak":
            parts.append("\n")
        else:
            parts.append(FONTS.get(child.type, _text(child.content, first=first)))
    return "".join(parts)


def _text(text: str, *, first: bool = True) -> str:
    """Return text with the special characters of troff escaped."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    escaped = escaped.replace("`", "\\(ga").replace("~", "\\(ti").replace("^", "\\(ha")
    return re.sub(r"^([.'])", r"\\&\1", escaped) if first else escaped
