"""The HTML tree of a body, parsed as the HTML standard says (lexbor), and what it may cost."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


# Hostile bodies. An HTML parser walks the open elements at each tag, opens formatting elements
# again in each block and compares the attributes of a tag in pairs.
_VOID_OR_CLOSED = words(
    "area base br col colgroup dd dt embed hr img input li link meta option p param source "
    "tbody td tfoot th thead tr track wbr"
)
_FORMATTING = words("a b big code em font i nobr s small strike strong tt u")
_FORMATTING_WEIGHT = 20
MIN_TAGS_TO_WEIGH, MAX_TAG_WORK = 500, 3_000_000
MAX_ATTRIBUTES = 15_000
_SPACES = " \t\r\n\f"


def parse(raw: str) -> Node:
    """Return an element whose children are the nodes of the fragment `raw`."""
    from selectolax.lexbor import LexborHTMLParser  # 60 ms, and a warm render never needs it

    (root,) = LexborHTMLParser("<div></div>").css("div")
    root.inner_html = raw
    return root


def replace(node: Node, tag: str) -> Node:
    """Put an element `tag` with the same children in the place of `node`, and return it."""
    element = create(node, tag)
    for child in list(node.iter(include_text=True)):
        element.insert_child(child, move=True)
    node.remove()
    return element


def create(before: Node, tag: str) -> Node:
    """Put a new element `tag` before a node, and return it."""
    element = before.parser.create_node(tag)
    before.insert_before(element, move=True)
    return element


def children(node: Node) -> Iterator[Node]:
    """Yield the children of a node, texts and comments too."""
    child = node.first_child
    while child is not None:
        following = child.next
        yield child
        child = following


def is_within(node: Node, tag: str) -> bool:
    """Return whether an element lies inside one named `tag`."""
    parent = node.parent
    while parent is not None:
        if parent.tag == tag:
            return True
        parent = parent.parent
    return False


def styles(node: Node) -> dict[str, str]:
    """Return the declarations of the `style` attribute, names and values in lower case."""
    found = {}
    for declaration in (node.attributes.get("style") or "").lower().split(";"):
        name, _, value = declaration.partition(":")
        found[name.strip()] = value.replace("!important", "").strip()
    return found


def strip_tags(raw: str) -> str:
    """Return the text of HTML or Markdown without building a tree, whatever its nesting."""
    first, *pieces = raw.split("<")
    texts = [first]
    for piece in pieces:
        _, end, text = piece.partition(">")
        is_tag = end and (piece[0].isalpha() or piece[0] in "/!?")
        texts.append(f" {text}" if is_tag else f"<{piece}")
    return html.unescape("".join(texts))


def is_too_deep(raw: str) -> bool:
    """Return whether HTML would take its parser too long: huge tags, or many inside one another."""
    if len(raw) > MAX_ATTRIBUTES:
        attributes = max(len(piece.split()) + piece.count("/") for piece in raw.split(">"))
        if attributes > MAX_ATTRIBUTES:
            return True
    return raw.count("<") > MIN_TAGS_TO_WEIGH and tag_work(raw) > MAX_TAG_WORK


def tag_work(raw: str) -> int:
    """Return how many open elements the HTML parser may have to look at, at most."""
    opened: Counter[str] = Counter()
    depth = work = 0
    for piece in raw.lower().split("<")[1:]:
        head = piece.partition(">")[0]
        name = head.lstrip("/").partition("/")[0].split(None, 1)
        if not name or not name[0][0].isalpha():
            continue
        tag = name[0]
        work += depth
        if tag in _VOID_OR_CLOSED:
            continue
        weight = _FORMATTING_WEIGHT if tag in _FORMATTING else 1
        if not head.startswith("/"):
            opened[tag] += 1
            depth += weight
        elif opened[tag]:
            opened[tag] -= 1
            depth -= weight
    return work
