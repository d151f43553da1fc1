"""The text of a body: for summaries what a person reads first, for the index every word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from feedhub.sources.bodies.tree import children, words
from feedhub.text import one_line

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode as Node

# Elements that do not divide words; all others do, as blocks and line breaks do on a screen.
INLINE = words(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q "
    "rb rp rt rtc ruby s samp small span strike strong sub sup time tt u var wbr"
)
# Elements without words of their own, which divide those beside them.
_GAPS = words("audio br img video")
# How a ruby is pronounced stands between its words.
_ASIDE_IN_WORDS = frozenset({"rp", "rt", "rtc"})
# What is no sentence.
_NO_SENTENCES = frozenset({"caption", "figcaption", "pre"})
_HEADINGS = words("h1 h2 h3 h4 h5 h6 hgroup")
_ITEMS = words("dd dt li summary")
# The titles of GitHub's notices, and what stands for a block that is one.
_NOTICES = words("Note Tip Important Warning Caution")
_NOTICE = "notice"
_NO_PROSE = _HEADINGS | {_NOTICE}
_CELLS = frozenset({"td", "th"})
# A cell with more text than this is a part of a page's layout, not of a table.
_LAYOUT_CELL = 80
# On the way back from a footnote.
_ARROWS = "\u2191\u21a9\u21b5\u23ce\ufe0e\ufe0f^ "


class Run(NamedTuple):
    """Text that nothing divides, and the names of the blocks in which it stands."""

    text: str
    blocks: tuple[str, ...]

    @property
    def is_cell(self) -> bool:
        """Whether the text says nothing without the other cells of its table."""
        return self.blocks[-1] in _CELLS and len(self.text) < _LAYOUT_CELL

    @property
    def is_prose(self) -> bool:
        """Whether the text is a paragraph with letters in it."""
        if self.is_cell or self.blocks[-1] in _ITEMS or not _NO_PROSE.isdisjoint(self.blocks):
            return False
        return any(map(str.isalnum, self.text))


_END = Run("", ("",))


def all_text(root: Node) -> str:
    """Return the words of a tree on one line."""
    return " ".join(run.text for run in runs(root, _ASIDE_IN_WORDS))


def first_text(root: Node) -> str:
    """Return the first paragraph with any letter in it, else all text but code, captions, cells."""
    others = []
    for run in runs(root, _ASIDE_IN_WORDS | _NO_SENTENCES):
        if run.is_prose:
            return run.text
        if not run.is_cell:
            others.append(run.text)
    return " ".join(others)


def first_heading(root: Node) -> Node | None:
    """Return the heading of the first level that begins a tree, but for blanks and comments."""
    for node in children(root):
        if not node.is_comment_node and (node.tag != "-text" or (node.text_content or "").strip()):
            return node if node.tag == "h1" else None
    return None


def text_before_more(root: Node) -> str:
    """Return the sentences before the comment `more`, or "" where there is none."""
    texts: list[str] = []
    for run in runs(root, _ASIDE_IN_WORDS | _NO_SENTENCES):
        if run is _END:
            return " ".join(texts)
        if not run.is_cell:
            texts.append(run.text)
    return ""


def runs(root: Node, skipped: frozenset[str]) -> Iterator[Run]:
    """Yield the runs of text below `root`, and `_END` where a comment says `more`."""
    pieces: list[str] = []
    blocks: list[str] = [""]

    def take() -> Iterator[Run]:
        text = one_line("".join(pieces))
        pieces.clear()
        if text:
            yield Run(text, tuple(blocks))

    # Nodes to visit, and None where the innermost block ends.
    waiting: list[Node | None] = [root]
    while waiting:
        node = waiting.pop()
        if node is None:
            yield from take()
            blocks.pop()
            continue
        tag = node.tag or ""
        if tag == "-text":
            pieces.append(node.text_content or "")
        elif tag in _GAPS:
            pieces.append(" ")
        elif tag == "-comment":
            if is_more(node):
                yield from take()
                yield _END
        elif tag in skipped or is_note_mark(node, tag):
            if tag not in INLINE:
                yield from take()
        else:
            if tag not in INLINE:
                yield from take()
                blocks.append(_NOTICE if is_notice(node) else tag)
                waiting.append(None)
            waiting.extend([*children(node)][::-1])


def is_more(comment: Node) -> bool:
    """Return whether a comment is Jekyll's and Hugo's sign for the end of the summary."""
    return (comment.comment_content or "").strip().lower() == "more"


def is_notice(node: Node) -> bool:
    """Return whether a block is one of GitHub's notices, as repairs leave them."""
    if node.tag != "blockquote":
        return False
    title = node.css_first("blockquote > p:first-child > strong")
    paragraph = title.parent if title is not None else None
    return (
        paragraph is not None
        and paragraph.parent == node
        and paragraph.text(strip=True) in _NOTICES
    )


def is_note_mark(node: Node, tag: str) -> bool:
    """Return whether an element is the number of a footnote, or the way back from one."""
    if tag == "sup":
        link = node.first_child
        return link is not None and link.next is None and leads_within(link)
    return tag == "a" and leads_within(node) and not node.text(strip=True).strip(_ARROWS)


def leads_within(node: Node) -> bool:
    """Return whether a node is a link to another place of the body."""
    return node.tag == "a" and (node.attributes.get("href") or "").startswith("#")
