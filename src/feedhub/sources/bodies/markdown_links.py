"""Bare addresses in Markdown become links, as on GitHub and in Hugo, Hexo and Astro.

The plugin of mdit-py-plugins takes time that grows with the square of the colons of a text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markdown_it.token import Token

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

_SIGNS = ("://", "www.", "@")
_BARE = re.compile(
    r"(?<![^\s*_~(])(?:(?:https?://(?=\w)|www\.(?=[\w-]++\.[^\W_]))[^\s<]++"
    r"|[\w.+-]{1,64}@(?=[^\W_])[\w-]++(?:\.[\w-]++)++(?<![_-]))",
    re.IGNORECASE,
)
# GitHub Flavored Markdown, 6.9: what ends a sentence ends no address, nor does an entity.
_TRAILING = re.compile(r"""(?:[?!.,:;*_~'"\]\[]|&[A-Za-z0-9]{1,31};)\Z""")


def plugin(parser: MarkdownIt) -> None:
    """Add the rule to a parser, behind all others."""
    parser.core.ruler.push("bare_links", link_bare_addresses)


def link_bare_addresses(state: StateCore) -> None:
    """Make a link of each bare address that is in no link yet."""
    for block in state.tokens:
        if block.children and any(sign in block.content for sign in _SIGNS):
            block.children = link_in(block.children)


def link_in(tokens: list[Token]) -> list[Token]:
    """Return the tokens of a block with links for the bare addresses in their texts."""
    linked: list[Token] = []
    depth = 0
    for token in tokens:
        tag = token.content[:3].lower() if token.type == "html_inline" else ""
        if token.type == "link_open" or tag in ("<a ", "<a\n", "<a>"):
            depth += 1
        elif token.type == "link_close" or tag == "</a":
            depth -= 1
        if token.type == "text" and depth <= 0:
            linked.extend(split_text(token.content))
        else:
            linked.append(token)
    return linked


def split_text(text: str) -> list[Token]:
    """Return a text as tokens: texts and links."""
    tokens = []
    end = 0
    for match in _BARE.finditer(text):
        address = without_trailing(match[0])
        tokens += [text_token(text[end : match.start()]), *link_tokens(address)]
        end = match.start() + len(address)
    return [*tokens, text_token(text[end:])]


def without_trailing(address: str) -> str:
    """Return an address without the signs behind it that belong to the sentence."""
    unclosed = address.count(")") - address.count("(")
    while True:
        if address.endswith(")") and unclosed > 0:
            address = address[:-1]
            unclosed -= 1
        elif match := _TRAILING.search(address[-34:]):
            address = address[: -len(match[0])]
        else:
            return address


def link_tokens(address: str) -> tuple[Token, Token, Token]:
    """Return the tokens of a link; an address without a scheme is of https or a mailbox."""
    is_page = "://" in address or address[:4].lower() == "www."
    scheme = "" if "://" in address else "https://" if is_page else "mailto:"
    opening = Token("link_open", "a", 1, attrs={"href": scheme + address})
    return opening, text_token(address), Token("link_close", "a", -1)


def text_token(text: str) -> Token:
    """Return the token of a text."""
    return Token("text", "", 0, content=text)
