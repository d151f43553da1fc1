"""Pictures that a script of the page would load later, and those that nobody is meant to see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedhub.sources.bodies import tree
from feedhub.sources.bodies.tree import words

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

    from feedhub.sources.bodies.repairs import BodyContext

#: Elements that may need a repair.
TAGS = words("amp-anim amp-img img noscript object source")
# Where scripts find the picture that they load, the surest first.
_SURE = ("data-src", "data-lazy-src")
_LAZY = (*_SURE, "data-original", "data-lazy", "data-actualsrc", "data-image-src")
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "srcset")
# File names of what is shown until then.
_STAND_IN = re.compile(
    r"(?:^|[_.-])(?:1x1|blank|clear|dot|empty|grey|lazy|lazyload|loader|loading|pixel|placeholder"
    r"|spacer|spinner|trans|transparent)[_.-]",
    re.IGNORECASE,
)
_ENDINGS = (".gif", ".png", ".svg", ".jpg", ".jpeg", ".webp")
_CANDIDATE = re.compile(r"[\s,]*([^\s,](?:\S*[^\s,])?)(?:\s+([0-9.]+)([wx]))?[^,]*")
# No reader needs a wider picture.
_WIDEST = 2_048
_PIXELS = re.compile(r"\s*([0-9]{1,9})")


def repair(root: Node, page: BodyContext) -> None:
    """Give every picture the address of what it shows; remove those without one, and pixels."""
    for node in root.css("amp-img, amp-anim"):
        rename_keeping_attributes(node, "img")
    for node in root.css("noscript"):
        repair_noscript(node, page)
    for node in root.css('object[type^="image/"][data]'):
        image = tree.create(node, "img")
        image.attrs["src"] = node.attributes["data"]
        image.attrs["alt"] = node.text(strip=True)
        node.remove()
    for node in root.css("img"):
        url = picture_address(node, page)
        if not url or is_pixel(node):
            node.remove()
        elif url != node.attributes.get("src"):
            node.attrs["src"] = url
    for node in root.css("source"):
        is_playable = node.parent is not None and node.parent.tag in ("audio", "video")
        if not is_playable or not page.address(node.attributes.get("src")):
            node.remove()


def picture_address(image: Node, page: BodyContext) -> str:
    """Return the address of the picture that a browser with scripts would show, or ""."""
    attributes = image.attributes
    plain = page.address(attributes.get("src"))
    is_stand_in = not plain or names_stand_in(plain)
    if plain and len(attributes) <= 2 and not is_stand_in:
        return plain
    for name in _LAZY if is_stand_in else _SURE:
        if url := page.address(attributes.get(name)):
            return url
    if not is_stand_in:
        return plain
    sets = [attributes.get(name) or "" for name in _LAZY_SETS]
    if image.parent is not None and image.parent.tag == "picture":
        for source in image.parent.css("source"):
            sets += [source.attributes.get(name) or "" for name in _LAZY_SETS]
    for candidates in sets:
        if url := page.address(best_candidate(candidates)):
            return url
    return plain


def best_candidate(candidates: str) -> str:
    """Return the address of the widest picture of a `srcset` that is not wider than needed."""
    best, address = -1.0, ""
    for url, size, unit in _CANDIDATE.findall(candidates):
        width = float(size) if size.replace(".", "", 1).isdigit() else 1.0
        width *= 1 if unit == "w" else 1_000
        rank = width if width <= _WIDEST else 1 / width
        if rank > best:
            best, address = rank, url
    return address


def repair_noscript(node: Node, page: BodyContext) -> None:
    """Take the picture for browsers without scripts where the one beside it has no address."""
    image = node.css_first("img")
    if image is None or not picture_address(image, page):
        return
    other = image_beside(node)
    if other is None:
        node.insert_before(image)
    elif not picture_address(other, page) or is_stand_in_only(other, page):
        other.replace_with(image)


def image_beside(node: Node) -> Node | None:
    """Return the picture right before an element or right after it, blanks aside."""
    before, after = node.prev, node.next
    while before is not None and is_blank(before):
        before = before.prev
    while after is not None and is_blank(after):
        after = after.next
    for beside in (before, after):
        if beside is not None and beside.is_element_node and beside.tag != "noscript":
            image = beside if beside.tag == "img" else beside.css_first("img")
            if image is not None:
                return image
    return None


def is_blank(node: Node) -> bool:
    """Return whether a node is white space, or a comment."""
    return bool(node.is_comment_node) or (node.tag == "-text" and not node.text(strip=True))


def is_stand_in_only(image: Node, page: BodyContext) -> bool:
    """Return whether the best address of a picture is still that of a stand-in."""
    return names_stand_in(picture_address(image, page))


def names_stand_in(address: str) -> bool:
    """Return whether an address is that of what stands for a picture until a script loads it."""
    name = address.partition("?")[0].rpartition("/")[2]
    return name.lower().endswith(_ENDINGS) and bool(_STAND_IN.search(name))


def is_pixel(image: Node) -> bool:
    """Return whether a picture is there to be counted, not to be seen: one pixel or none."""
    styles = tree.styles(image) if "style" in image.attributes else {}
    sizes = [
        _PIXELS.match(image.attributes.get(name) or styles.get(name) or "")
        for name in ("width", "height")
    ]
    return all(match is not None and int(match[1]) <= 1 for match in sizes)


def rename_keeping_attributes(node: Node, tag: str) -> None:
    """Replace an element by an empty one of another name with the same attributes."""
    element = tree.create(node, tag)
    for name, value in node.attributes.items():
        element.attrs[name] = value or ""
    node.remove()
