"""Bare addresses in Markdown become links, as on GitHub and in Hugo, Hexo and Astro."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedhub.sources.bodies import tree
from feedhub.sources.bodies.tree import words

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

_SIGNS = ("://", "www.", "@")
_BARE = re.compile(
    r"(?<![^\s*_~(])(?:(?:https?://(?=\w)|www\.(?=[\w-]++\.[^\W_]))[^\s<]++"
    r"|[\w.+-]{1,64}@(?=[^\W_])[\w-]++(?:\.[\w-]++)++(?<![_-]))",
    re.IGNORECASE,
)
# GitHub Flavored Markdown, 6.9: what ends a sentence ends no address, nor does an entity.
_TRAILING = re.compile(r"""(?:[?!.,:;*_~'"\]\[]|&[A-Za-z0-9]{1,31};)\Z""")


# Text in these is a link already, or is to be read letter by letter.
_LITERAL = words("a code pre")


def link_bare_addresses(root: Node) -> None:
    """Make a link of each bare address that is in no link yet."""
    text = root.text()
    if not any(sign in text for sign in _SIGNS):
        return
    texts = [
        node
        for node in root.traverse(include_text=True)
        if node.is_text_node and _BARE.search(node.text_content or "")
    ]
    for node in texts:
        if not any(tree.is_within(node, tag) for tag in _LITERAL):
            link_in(node)


def link_in(node: Node) -> None:
    """Put texts and links in the place of a text."""
    text = node.text_content or ""
    end = 0
    for match in _BARE.finditer(text):
        address = without_trailing(match[0])
        if before := text[end : match.start()]:
            node.insert_before(before)
        link = tree.create(node, "a")
        link.attrs["href"] = whole_address(address)
        link.insert_child(address)
        end = match.start() + len(address)
    if rest := text[end:]:
        node.insert_before(rest)
    node.remove()


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


def whole_address(address: str) -> str:
    """Return an address with its scheme: one without is of https or a mailbox."""
    if "://" in address:
        return address
    return ("https://" if address[:4].lower() == "www." else "mailto:") + address
