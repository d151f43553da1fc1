"""Players of other sites: a feed reader runs none of them, so each becomes a link."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from feedhub.sources.bodies import tree
from feedhub.sources.bodies.tree import words
from feedhub.text import one_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

    from feedhub.sources.bodies.repairs import BodyContext

#: What a player's address becomes, so that the link leads to the page of what it plays.
_PAGES = (
    (
        re.compile(
            r"https://(?:www\.)?youtube(?:-nocookie)?\.com/(?:embed|v)/(?!videoseries)"
            r"([A-Za-z0-9_-]{11})(?:[?#/&].*)?"
        ),
        r"https://www.youtube.com/watch?v=\1",
    ),
    (re.compile(r"https://player\.vimeo\.com/video/([0-9]+)(?:[?#/].*)?"), r"https://vimeo.com/\1"),
    (
        re.compile(r"https://(?:www\.)?dailymotion\.com/embed/video/([a-z0-9]+)(?:[?#/].*)?"),
        r"https://www.dailymotion.com/video/\1",
    ),
    (
        re.compile(r"https://gist\.github\.com/([\w-]+/[0-9a-f]+)\.js(?:\?.*)?"),
        r"https://gist.github.com/\1",
    ),
    (re.compile(r"https://asciinema\.org/a/(\w+)\.js"), r"https://asciinema.org/a/\1"),
    (
        re.compile(r"https://jsfiddle\.net/([\w/-]+?)/embed/(?:.*)"),
        r"https://jsfiddle.net/\1/",
    ),
)
_SCRIPTS = re.compile(r"(?:https:)?//(?:gist\.github\.com|asciinema\.org/a|jsfiddle\.net)/.+")


class Element(NamedTuple):
    """An element of a web component: the attribute with an id, and the address of what it shows."""

    attribute: str
    address: str


#: Elements that scripts turn into players.
ELEMENTS = {
    "amp-dailymotion": Element("data-videoid", "https://www.dailymotion.com/video/"),
    "amp-vimeo": Element("data-videoid", "https://vimeo.com/"),
    "amp-youtube": Element("data-videoid", "https://www.youtube.com/watch?v="),
    "lite-vimeo": Element("videoid", "https://vimeo.com/"),
    "lite-youtube": Element("videoid", "https://www.youtube.com/watch?v="),
    "youtube-video": Element("videoid", "https://www.youtube.com/watch?v="),
}
#: All elements that may be players.
TAGS = ELEMENTS.keys() | words("amp-iframe embed frame iframe object script")
_VIDEO_ID = re.compile(r"[\w-]{1,40}", re.ASCII)
_ELEMENTS = ", ".join(ELEMENTS)
_FRAME_SOURCES = ("src", "data-src", "data-lazy-src", "data-original")


def repair(root: Node, page: BodyContext) -> None:
    """Put a link in the place of every player, with the player's title or the name of its site."""
    for node in root.css("iframe, frame, amp-iframe"):
        sources = map(node.attributes.get, _FRAME_SOURCES)
        put_link(node, next(filter(None, map(page.frame_address, sources)), ""))
    for node in root.css(_ELEMENTS):
        element = ELEMENTS[node.tag or ""]
        video = node.attributes.get(element.attribute) or ""
        put_link(node, element.address + video if _VIDEO_ID.fullmatch(video) else "")
    for node in root.css("object, embed"):
        if node.parent is not None:  # one inside another went with it
            put_link(node, object_address(node, page))
    for node in root.css("script[src]"):
        if _SCRIPTS.fullmatch(node.attributes.get("src") or ""):
            put_link(node, page.frame_address(node.attributes.get("src")))


def page_of(address: str) -> str:
    """Return the address of the page that shows what a player plays, or of the player itself."""
    for pattern, page in _PAGES:
        if match := pattern.fullmatch(address):
            return match.expand(page)
    return address


def object_address(node: Node, page: BodyContext) -> str:
    """Return the address of what an `object` or `embed` shows, or ""."""
    values = [node.attributes.get("data"), node.attributes.get("src")]
    values += [
        param.attributes.get("value")
        for param in node.css("param")
        if (param.attributes.get("name") or "").lower() in ("movie", "src", "filename", "url")
    ]
    values += [embed.attributes.get("src") for embed in node.css("embed")]
    return next(filter(None, map(page.frame_address, values)), "")


def put_link(node: Node, address: str) -> None:
    """Put a paragraph with a link in the place of a player; remove a player without an address."""
    if address:
        address = page_of(address)
        attributes = node.attributes
        title = attributes.get("title") or attributes.get("playlabel") or ""
        paragraph = tree.create(node, "p")
        link = tree.create(node, "a")
        link.attrs["href"] = address
        link.insert_child(one_line(title) or urlsplit(address).hostname or address)
        paragraph.insert_child(link, move=True)
    node.remove()
