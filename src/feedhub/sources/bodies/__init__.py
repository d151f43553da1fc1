"""Article bodies: from Markdown or HTML to a safe fragment that stands for itself in a feed.

A body is parsed once, by a parser of the HTML standard. On its tree, repairs make visible what only
a browser would show, addresses become absolute and hidden parts go; then nh3 sanitises the result.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from typing import NamedTuple

from feedhub.sources.bodies import markdown, sanitising, tree, words
from feedhub.sources.bodies.players import page_of as player_page
from feedhub.sources.bodies.repairs import BodyContext, repair
from feedhub.text import cut, label_key, legal, one_line, short_hash

# How often a body is cleaned again until cleaning changes nothing; more rounds mean an attack.
MAX_ROUNDS = 6
# How long a summary that is the first paragraph may be.
MAX_FIRST_TEXT = 300
# Tags beside which words go on, and all others.
_INLINE_TAG = re.compile(rf"</?(?:{'|'.join(sorted(words.INLINE))})(?=[\s>])[^<>]*>")
_TAG = re.compile(r"<[^<>]*>")
# What holds text that is not read: how words are pronounced, numbers of notes, players.
_UNREAD = ("<rp", "<rt", 'href="#', "<audio", "<video")

__all__ = (
    "Body",
    "all_text",
    "first_heading",
    "first_text",
    "frame_url",
    "html_body",
    "markdown_body",
    "picture_addresses",
    "player_page",
    "read_body",
)


class Body(NamedTuple):
    """A body as `html`, the text before its `more` sign, "" without one, and its `first_text`."""

    html: str
    opening: str = ""
    first_text: str = ""


def read_body(
    raw: str,
    *,
    base: str,
    is_markdown: bool,
    key: str = "",
    title: str = "",
    link_of: Callable[[str], str | None] = lambda link: None,
    asset_of: Callable[[str], str] = lambda link: "",
) -> Body:
    """Return `raw` as a balanced HTML fragment of allowed tags with absolute addresses.

    Relative addresses are resolved on `base`; those that cannot be are dropped, and so are scripts,
    styles, forms, comments and tracking pixels. A player becomes a link to what it shows. Ids begin
    with a hash of `key`, so that those of two articles differ. Reading the result again changes
    nothing. The `title` of the article is no heading of its
    body, and a picture that repeats it says nothing. `link_of` and
    `asset_of` are those of BodyContext. A body nested too deep keeps its text alone.
    """
    page = BodyContext(
        base=base,
        key=f"r{short_hash(key or base)}-",
        title=label_key(title),
        link_of=link_of,
        asset_of=asset_of,
        links_bare=is_markdown and not markdown.is_html(legal(raw)),
    )
    body, settled = clean_once(to_html(raw, is_markdown=is_markdown), page)
    opening = body.opening
    for _ in range(MAX_ROUNDS):
        if settled:
            return body._replace(opening=opening)
        again, settled = clean_once(body.html, page)
        settled = settled or again.html == body.html
        body = again
    return clean_once(text_paragraphs(body.html), page)[0]._replace(opening=opening)


def to_html(raw: str, *, is_markdown: bool) -> str:
    """Return a body as HTML that is not clean yet."""
    raw = legal(raw)
    if not is_markdown or markdown.is_html(raw):
        return raw
    html = markdown.to_html(raw)
    return text_paragraphs(raw) if html is None else legal(html)


def html_body(raw: str, *, base: str) -> str:
    """Return HTML as `read_body` does."""
    return read_body(raw, base=base, is_markdown=False).html


def markdown_body(raw: str, *, base: str) -> str:
    """Return Markdown as `read_body` does."""
    return read_body(raw, base=base, is_markdown=True).html


def clean_once(raw: str, page: BodyContext) -> tuple[Body, bool]:
    """Return a safe body, and whether reading it again changes nothing."""
    if tree.is_too_deep(raw):
        raw = text_paragraphs(raw)
    root = tree.parse(raw)
    opening = repair(root, page)
    repaired = (root.inner_html or "").strip()
    html = legal(sanitising.clean(repaired)).strip()
    # The sanitiser parses what the tree wrote. What it writes alike, both will read alike again.
    settled = html == repaired
    first = words.first_text(root if settled else tree.parse(html))
    return Body(html, opening, cut(first, MAX_FIRST_TEXT)), settled


def first_text(html: str, limit: int = MAX_FIRST_TEXT) -> str:
    """Return the first text of sanitised `html`, on one line of at most `limit` characters."""
    return cut(words.first_text(tree.parse(html)), limit) if html else ""


def all_text(html: str) -> str:
    """Return every word of sanitised `html`, for an index; only blocks divide words."""
    # Unless an attribute holds a sign of tags, or not all text is read, a tree would tell no more.
    if html.count("<") != html.count(">") or any(sign in html for sign in _UNREAD):
        return words.all_text(tree.parse(html))
    return one_line(unescape(_TAG.sub(" ", _INLINE_TAG.sub("", html))))


def first_heading(raw: str, *, is_markdown: bool) -> str:
    """Return the text of the heading of the first level that begins a body, or ""."""
    html = to_html(raw, is_markdown=is_markdown)
    if tree.is_too_deep(html):
        return ""
    heading = words.first_heading(tree.parse(html))
    return "" if heading is None else all_text(html_body(heading.html or "", base=""))


def picture_addresses(html: str) -> list[str]:
    """Return the addresses of the pictures in sanitised `html`."""
    if "<img" not in html:
        return []
    return [image.attributes["src"] or "" for image in tree.parse(html).css("img[src]")]


def frame_url(html: str) -> str:
    """Return the https address of the first frame in raw `html` that has a usable one, or ""."""
    if tree.is_too_deep(html):
        return ""
    page = BodyContext(base="", key="", title="")
    for frame in tree.parse(legal(html)).css("iframe"):
        if url := page.frame_address(frame.attributes.get("src")):
            return url
    return ""


def text_paragraphs(body: str) -> str:
    """Return the text of HTML or Markdown as paragraphs without any other tag."""
    lines = tree.strip_tags(legal(body)).split("\n")
    paragraphs: list[list[str]] = [[]]
    for line in map(one_line, lines):
        if line:
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n".join(f"<p>{escape(' '.join(lines))}</p>" for lines in paragraphs if lines)
