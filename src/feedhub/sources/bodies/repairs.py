"""Repairs of a body's tree, so that it says in HTML what only a browser would hide or load."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from feedhub.sources.bodies import markdown_links, pictures, players, tree, words
from feedhub.sources.bodies.sanitising import ATTRIBUTES, DROPPED, TAGS, URL_ATTRIBUTES
from feedhub.sources.urls import UrlError, absolute_url, contact_url, is_normal
from feedhub.text import label_key

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

#: Elements that become others: obsolete ones, and blocks that readers do not know.
RENAMED = {
    "big": "span",
    "dialog": "div",
    "dir": "ul",
    "fieldset": "div",
    "form": "div",
    "legend": "div",
    "listing": "pre",
    "menu": "ul",
    "plaintext": "pre",
    "search": "div",
    "strike": "s",
    "xmp": "pre",
}
_UNSEEN = ", ".join(sorted(DROPPED - {"input"}))
_HIDDEN = "[hidden], dialog:not([open])"
_HIDING_STYLES = {
    "display": ("none",),
    "visibility": ("hidden", "collapse"),
    "mso-hide": ("all",),
}
_CELLS = frozenset({"td", "th", "tr", "col", "colgroup"})
# What stands in a line of text.
_TEXTS = words.INLINE | {"-text", "img"}
# An id that an earlier reading made.
_OWN_ID = re.compile(r"r[0-9a-f]{8}-\S+")


class BodyContext(NamedTuple):
    """What a body is read for: the `base` of its addresses, the `key` before its ids, a `title`.

    `link_of` returns the address of another article of the source for a link to its file, "" where
    there is none, and None for every other link. `asset_of` returns the address of a picture,
    audio or video of the source, or "". Bare addresses are those of Markdown.
    """

    base: str
    key: str
    title: str
    link_of: Callable[[str], str | None] = lambda link: None
    asset_of: Callable[[str], str] = lambda link: ""
    links_bare: bool = False

    def address(self, value: str | None) -> str:
        """Return an http(s) address of the body as an absolute one, or "" if it cannot be used."""
        value = value or ""
        if url := self.asset_of(value) if value else "":
            return url
        # The parser has decoded the entities already.
        try:
            return (
                value if is_normal(value) else absolute_url(value.replace("&", "&amp;"), self.base)
            )
        except UrlError:
            return ""

    def frame_address(self, value: str | None) -> str:
        """Return the address of a frame: https, as browsers want it."""
        url = self.address(value)
        return f"https:{url[5:]}" if url.startswith("http:") else url


def repair(root: Node, page: BodyContext) -> str:
    """Change a tree so that it says by itself what a browser shows; return the text before `more`.

    Afterwards it holds only elements and attributes that the sanitiser lets through.
    """
    remove_hidden(root)
    # Most bodies hold little that needs a repair.
    tags = {node.tag for node in root.css("*")}
    if not tags.isdisjoint(pictures.TAGS):
        pictures.repair(root, page)
    if not tags.isdisjoint(players.TAGS):
        players.repair(root, page)
    if not tags.isdisjoint(DROPPED):
        repair_tasks(root)
        for node in root.css(_UNSEEN):
            node.remove()
    remove_title(root, page)
    if page.links_bare:
        markdown_links.link_bare_addresses(root)
    repair_notices(root)
    name_targets(root, page)
    for node in root.css("*"):
        repair_element(node, page)
    opening = take_comments(root)
    remove_empty_paragraphs(root)
    return opening


def remove_title(root: Node, page: BodyContext) -> None:
    """Remove the title that begins a body: every feed and page has it above the text."""
    heading = words.first_heading(root)
    if heading is not None and page.title and label_key(words.all_text(heading)) == page.title:
        heading.remove()


def remove_hidden(root: Node) -> None:
    """Remove what no browser would show."""
    for node in root.css(_HIDDEN):
        node.remove()
    for node in root.css("[style]"):
        styles = tree.styles(node)
        if any(styles.get(name) in values for name, values in _HIDING_STYLES.items()):
            node.remove()


def repair_tasks(root: Node) -> None:
    """Put a ballot box in the place of each check box of a list; other fields go."""
    for node in root.css("input"):
        is_task = node.attributes.get("type") == "checkbox" and tree.is_within(node, "li")
        if is_task:
            node.insert_before("\u2611" if "checked" in node.attributes else "\u2610")
        node.remove()


def repair_notices(root: Node) -> None:
    """Turn GitHub's notes and warnings, which only a style sheet would frame, into quotations."""
    for node in root.css("div.markdown-alert"):
        title = node.css_first("p.markdown-alert-title")
        if title is not None:
            strong = tree.create(title, "strong")
            for child in tree.children(title):
                strong.insert_child(child, move=True)
            title.insert_child(strong, move=True)
        tree.replace(node, "blockquote")


def name_targets(root: Node, page: BodyContext) -> None:
    """Keep the ids to which a link of the body leads, each as the only one of its feed.

    A link to another id leads to the article's page, which has it.
    """
    links = root.css('a[href^="#"]')
    wanted = {unquote(link.attributes["href"] or "")[1:] for link in links}
    wanted.discard("")
    found: dict[str, str] = {}
    for node in root.css("[id], a[name]"):
        attributes = node.attributes
        name = attributes.get("id") or (attributes.get("name") if node.tag == "a" else "") or ""
        if name not in wanted or name in found or any(map(str.isspace, name)):
            if "id" in attributes:
                del node.attrs["id"]
            continue
        found[name] = name if _OWN_ID.fullmatch(name) else page.key + name
        node.attrs["id"] = found[name]
    for link in links:
        target = found.get(unquote(link.attributes["href"] or "")[1:])
        if target is not None:
            link.attrs["href"] = "#" + quote(target, safe="!$&'()*+,;=:@/?-._~")


def repair_element(node: Node, page: BodyContext) -> None:
    """Give an element the name and the attributes that it may have; unwrap it if it may not be."""
    tag = node.tag or ""
    if tag in RENAMED:
        node = tree.replace(node, RENAMED[tag])
        tag = RENAMED[tag]
    elif tag not in TAGS:
        node.unwrap(delete_empty=True)
        return
    attributes = node.attributes
    if attributes:
        align = tree.styles(node).get("text-align") if tag in _CELLS else None
        if align:
            node.attrs["align"] = attributes["align"] = align
        keep_attributes(node, tag, attributes, page)
    if tag == "a":
        unwrap_useless_link(node)
    elif tag == "pre":
        strip_first_lines(node)


def keep_attributes(
    node: Node, tag: str, attributes: dict[str, str | None], page: BodyContext
) -> None:
    """Drop the attributes of an element that it may not have, and make addresses absolute."""
    rules, urls = ATTRIBUTES.get(tag, {}), URL_ATTRIBUTES.get(tag, ())
    for name, value in attributes.items():
        if name == "id":
            continue
        if name in urls:
            url = link_address(value, page) if tag == "a" else page.address(value)
            if url != value:
                set_or_delete(node, name, url)
            continue
        rule = rules.get(name) or ATTRIBUTES["*"].get(name)
        if rule is None or not rule.fullmatch(value or ""):
            del node.attrs[name]
    if tag == "img" and page.title and label_key(attributes.get("alt") or "") == page.title:
        node.attrs["alt"] = ""


def link_address(value: str | None, page: BodyContext) -> str:
    """Return the address of a link: within the body, of a page, a mailbox or a telephone, or ""."""
    value = value or ""
    article = page.link_of(value)
    if article is not None:
        return article
    if _OWN_ID.fullmatch(unquote(value[1:])) and value.startswith("#"):
        return value
    return contact_url(value) or page.address(value)


def set_or_delete(node: Node, name: str, value: str) -> None:
    """Set an attribute, or delete it where there is no value."""
    if value:
        node.attrs[name] = value
    else:
        del node.attrs[name]


def unwrap_useless_link(link: Node) -> None:
    """Leave only the words of a link that leads nowhere and to which nothing leads."""
    attributes = link.attributes
    if "href" not in attributes and "id" not in attributes:
        link.unwrap(delete_empty=True)


def strip_first_lines(block: Node) -> None:
    """Drop the empty lines at the start of a code block: each parser drops one more of them."""
    first = block.first_child
    text = first.text_content or "" if first is not None and first.is_text_node else ""
    if first is not None and text.startswith("\n"):
        if rest := text.lstrip("\n"):
            first.replace_with(rest)
        else:
            first.remove()


def remove_empty_paragraphs(root: Node) -> None:
    """Remove paragraphs without anything in them; one that divides two texts is a line break."""
    for node in root.css("p:empty"):
        neighbours = (node.prev, node.next)
        if all(near is not None and near.tag in _TEXTS for near in neighbours):
            tree.create(node, "br")
        node.remove()


def take_comments(root: Node) -> str:
    """Remove all comments; return the text before the first that says `more`, or ""."""
    comments = [node for node in root.traverse(include_text=True) if node.is_comment_node]
    opening = words.text_before_more(root) if any(map(words.is_more, comments)) else ""
    for node in comments:
        node.remove()
    return opening
