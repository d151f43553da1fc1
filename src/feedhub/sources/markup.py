"""Article bodies as safe HTML: allowed tags and absolute addresses only, always the same bytes."""

from __future__ import annotations

import functools
import html
import re
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import nh3

from feedhub.sources.urls import UrlError, absolute_url
from feedhub.text import cut, legal, one_line

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(text.split())


_TAGS = words(
    "a abbr audio b blockquote br caption cite code col colgroup dd del details div dl dt em "
    "figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small source "
    "span strong sub summary sup table tbody td tfoot th thead time tr u ul var video"
)
_DROPPED_WITH_CONTENT = words(
    "applet button canvas datalist embed frameset input math meter noembed noframes noscript "
    "object optgroup option progress script select style svg template textarea title"
)
_NUMBER, _ANY_TEXT = re.compile(r"[0-9]{1,5}"), re.compile(r".*", re.DOTALL)
# The allowed values of each attribute; addresses have a rule of their own.
_ATTRIBUTES: dict[str, dict[str, re.Pattern[str]]] = {
    "*": {
        "dir": re.compile(r"ltr|rtl|auto"),
        "lang": re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*"),
    },
    "a": {"title": _ANY_TEXT},
    "img": {"alt": _ANY_TEXT, "title": _ANY_TEXT, "width": _NUMBER, "height": _NUMBER},
    "audio": {"controls": _ANY_TEXT},
    "video": {"controls": _ANY_TEXT},
    "ol": {"start": re.compile(r"-?[0-9]{1,9}")},
    "td": {"colspan": _NUMBER, "rowspan": _NUMBER},
    "th": {"colspan": _NUMBER, "rowspan": _NUMBER},
    "time": {"datetime": re.compile(r"[0-9A-Za-z:.+ -]{1,40}")},
    "iframe": {"title": _ANY_TEXT},
}
_URL_ATTRIBUTES = {
    "a": {"href"},
    "video": {"src", "poster"},
    **{tag: {"src"} for tag in ("audio", "iframe", "img", "source")},
}
_ALLOWED = {
    tag: {*_ATTRIBUTES.get(tag, ()), *_URL_ATTRIBUTES.get(tag, ())}
    for tag in _ATTRIBUTES.keys() | _URL_ATTRIBUTES.keys()
}

# These read what nh3 wrote, never raw HTML: there `<` always starts a tag and `"` ends a value. A
# frame that is not closed would run to the end, so that no search begins inside it.
_PAIRS = r'(?: [a-z]+="[^"]*")*'
_REWRITTEN = re.compile(
    rf"<iframe(?P<iframe>{_PAIRS})>(?:[^<]|<(?!/iframe>))*+(?:</iframe>)?"
    rf"|<(?:img|source)(?P<void>{_PAIRS})>|<p></p>|(?P<pre><pre{_PAIRS}>)\n+"
)
_PAIR = re.compile(r' ([a-z]+)="([^"]*)"')
_PARAGRAPH_EDGE = re.compile(rf"(<p{_PAIRS}>|</p>)")
_TAG = re.compile(r"</?([A-Za-z][^\s/<>]*+)[^<>]*+>")
_INLINE = words(
    "a abbr b cite code del em i ins kbd mark q s samp small span strong sub sup time u var"
)
_YOUTUBE = re.compile(
    r"https://(?:www\.)?youtube(?:-nocookie)?\.com/embed/(?!videoseries)([A-Za-z0-9_-]{11})(?:[?#/].*)?"
)
_DOCUMENT = re.compile(r"\s*(?:<!doctype|<html)\b", re.IGNORECASE)
# CommonMark 0.31, 4.6, start condition 6: such a block is HTML as it stands, unless it is indented.
_BLOCK_TAG = re.compile(
    r"\s*</?(?:address|article|blockquote|center|div|d[dlt]|figure|footer|h[1-6r]|header|iframe|li"
    r"|main|nav|ol|p|section|table|t(?:body|d|foot|h|head|r)|ul)(?=[\s/>])",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n)+")

# Hostile bodies. The HTML parser walks the open elements at each tag, opens formatting elements
# again in each block and compares the attributes of a tag in pairs. The Markdown parser looks for
# the end of each bracket and declaration to the end of the block, makes all rows of a table as
# wide as its head, and drops the rest of the text where it is nested deeper than allowed.
_OPENING = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
_VOID_OR_CLOSED = words(
    "area base br col colgroup dd dt embed hr img input li link meta option p param source tbody "
    "td tfoot th thead tr track wbr"
)
_FORMATTING = words("a b big code em font i nobr s small strike strong tt u")
_FORMATTING_WEIGHT = 20
MIN_TAGS_TO_WEIGH, MAX_TAG_WORK = 500, 3_000_000
MAX_ATTRIBUTES = 15_000
_MARKS = re.compile(r"[][*_~`<>|&#\\!\n-]")
MAX_MARKS = 40_000
_UNCLOSED = re.compile(r"\[(?![^\[\]\n]*\])|<[!?]")
MAX_UNCLOSED = 1_000
MAX_CELLS = 60_000
MAX_NESTING = 30
# How often a body is cleaned again until cleaning changes nothing; more rounds mean an attack.
MAX_ROUNDS = 6


def html_body(raw: str, *, base: str) -> str:
    """Return `raw` as a balanced HTML fragment of allowed tags with absolute http(s) addresses.

    Relative addresses are resolved on `base`; those that cannot be are dropped, and so are scripts,
    styles, forms, comments and tracking pixels. A frame becomes a link to what it shows. Cleaning
    the result again changes nothing. A body nested too deep keeps its text alone.
    """
    body = clean_once(legal(raw), base)
    for _ in range(MAX_ROUNDS):
        again = clean_once(body, base)
        if again == body:
            return body
        body = again
    return clean_once(text_paragraphs(body), base)


def markdown_body(raw: str, *, base: str) -> str:
    """Return Markdown (CommonMark, tables, strikethrough, raw HTML) as `html_body` does.

    A body that is a whole HTML document, or whose blocks are all HTML, is taken for HTML: there
    indentation means nothing.
    """
    blocks = filter(None, _BLANK_LINES.split(raw.strip()))
    if _DOCUMENT.match(raw) or all(_BLOCK_TAG.match(block) for block in blocks):
        return html_body(raw, base=base)
    rendered = None if is_too_dense(raw) else render_markdown(legal(raw))
    return html_body(text_paragraphs(raw) if rendered is None else rendered, base=base)


def first_text(html: str, limit: int = 300) -> str:
    """Return the plain text of the first paragraph of sanitised `html` with any, else of all.

    At most `limit` characters on one line, cut between words or graphemes.
    """
    _, *pieces = _PARAGRAPH_EDGE.split(html)
    edges, inners = pieces[::2], pieces[1::2]
    texts = (strip_tags(text) for edge, text in zip(edges, inners, strict=True) if edge != "</p>")
    return cut(next(filter(None, texts), "") or strip_tags(html), limit)


def frame_url(html: str) -> str:
    """Return the https address of the first frame in raw `html` that has a usable one, or ""."""
    frames = nh3.clean(
        "" if is_too_deep(html) else legal(html),
        tags={"iframe"},
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes={"iframe": {"src"}},
        attribute_filter=functools.partial(filter_attribute, ""),
        link_rel=None,
        url_schemes={"http", "https"},
    )
    for match in _REWRITTEN.finditer(frames):
        if source := attribute_values(match["iframe"]).get("src"):
            return source
    return ""


def strip_tags(body: str) -> str:
    """Return the text of HTML on one line; tags of blocks part words."""
    spaced = _TAG.sub(lambda match: "" if match[1] in _INLINE else " ", body)
    return one_line(html.unescape(spaced))


def text_paragraphs(body: str) -> str:
    """Return the text of HTML or Markdown as paragraphs without any other tag."""
    text = html.unescape(_TAG.sub(" ", body))
    paragraphs = (one_line(part) for part in _BLANK_LINES.split(text))
    return "\n".join(f"<p>{html.escape(part)}</p>" for part in paragraphs if part)


def clean_once(raw: str, base: str) -> str:
    """Return HTML that is safe, but that may still change when it is parsed again."""
    if is_too_deep(raw):
        raw = text_paragraphs(raw)
    clean = make_cleaner(base, {"iframe"}).clean(raw)
    rewritten = _REWRITTEN.sub(rewrite_element, clean)
    if rewritten != clean:
        rewritten = make_cleaner(base, set()).clean(rewritten)
    return legal(rewritten).strip()


def make_cleaner(base: str, more_tags: set[str]) -> nh3.Cleaner:
    """Return a cleaner that keeps allowed tags and `more_tags` and resolves addresses on `base`."""
    return nh3.Cleaner(
        tags=_TAGS | more_tags,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ALLOWED,
        attribute_filter=functools.partial(filter_attribute, base),
        link_rel=None,
        url_schemes={"http", "https"},
    )


def filter_attribute(base: str, tag: str, name: str, value: str) -> str | None:
    """Return the value of an attribute, None to drop it; nh3 calls this for dropped tags too."""
    if name in _URL_ATTRIBUTES.get(tag, ()):
        try:
            # nh3 has decoded the entities already.
            url = absolute_url(value.replace("&", "&amp;"), base)
        except UrlError:
            return None
        return re.sub(r"^http:", "https:", url) if tag == "iframe" else url
    rule = _ATTRIBUTES.get(tag, {}).get(name) or _ATTRIBUTES["*"].get(name)
    return value if rule and rule.fullmatch(value) else None


def attribute_values(pairs: str) -> dict[str, str]:
    """Return the attributes of a tag that nh3 wrote, decoded, by name."""
    return {name: html.unescape(value) for name, value in _PAIR.findall(pairs)}


def rewrite_element(match: re.Match[str]) -> str:
    """Return what replaces a match of `_REWRITTEN`: a link for a frame, nothing for a pixel."""
    if match["iframe"] is not None:
        values = attribute_values(match["iframe"])
        source = values.get("src", "")
        if not source:
            return ""
        target = _YOUTUBE.sub(r"https://www.youtube.com/watch?v=\1", source)
        title = one_line(values.get("title", "")) or urlsplit(target).hostname or target
        return f'<p><a href="{html.escape(target)}">{html.escape(title)}</a></p>'
    if match["void"] is not None:
        values = attribute_values(match["void"])
        sizes = [int(values[name]) for name in ("width", "height") if name in values]
        is_pixel = len(sizes) == 2 and max(sizes) <= 1
        return match[0] if "src" in values and not is_pixel else ""
    return match["pre"] or ""


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
    for slash, tag in _OPENING.findall(raw.lower()):
        work += depth
        if tag in _VOID_OR_CLOSED:
            continue
        weight = _FORMATTING_WEIGHT if tag in _FORMATTING else 1
        if not slash:
            opened[tag] += 1
            depth += weight
        elif opened[tag]:
            opened[tag] -= 1
            depth -= weight
    return work


def is_too_dense(raw: str) -> bool:
    """Return whether Markdown would take its parser too long: too many signs or table cells."""
    rows = [line.count("|") for line in raw.split("\n") if "|" in line]
    return (
        len(_MARKS.findall(raw)) > MAX_MARKS
        or len(_UNCLOSED.findall(raw)) > MAX_UNCLOSED
        or len(rows) * max(rows, default=0) > MAX_CELLS
    )


def render_markdown(markdown: str) -> str | None:
    """Return HTML, or None where the Markdown is nested too deep to be read to its end."""
    parser = markdown_parser()
    tokens = parser.parse(markdown)
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return None
    return str(parser.renderer.render(tokens, parser.options, {}))


@functools.cache
def markdown_parser() -> MarkdownIt:
    """Return the parser that all bodies share."""
    from markdown_it import MarkdownIt  # 60 ms, and a folder of HTML never needs it

    parser = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING})
    return parser.enable(["table", "strikethrough"])
