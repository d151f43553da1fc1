"""Marks in a text where the words of a search stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape

from feedhub.article import Article
from feedhub.sources import bodies
from feedhub.text import cut
from feedhub.tokenizer import tokenize

Phrase = tuple[Sequence[str], bool]
"""Words that follow each other, as the tokenizer returns them; the last may go on."""

# An excerpt begins so many characters before the first word that was found.
BEFORE, LENGTH = 60, 280
_PIECE = re.compile(r"\w+")


def mark(text: str, phrases: Sequence[Phrase]) -> str | Markup:
    """Return a text with `<mark>` where a phrase stands."""
    spans = find(text, phrases) if phrases else []
    if not spans:
        return text
    parts, end = [], 0
    for start, stop in spans:
        parts += [escape(text[end:start]), Markup("<mark>{}</mark>").format(text[start:stop])]
        end = stop
    return Markup("").join([*parts, escape(text[end:])])


def excerpt_around(article: Article, phrases: Sequence[Phrase]) -> str | Markup:
    """Return the summary with its marks, or the part of the text where the first phrase stands."""
    if find(article.summary, phrases) or find(article.title, phrases):
        return mark(cut(article.summary, LENGTH), phrases)
    text = bodies.all_text(article.content_html)
    spans = find(text, phrases)
    if not spans:
        return cut(article.summary, LENGTH)
    start = spans[0][0] - BEFORE
    if start > 0:
        start = text.find(" ", start) + 1 or start
        return Markup("…") + mark(cut(text[start:], LENGTH), phrases)
    return mark(cut(text, LENGTH), phrases)


def find(text: str, phrases: Sequence[Phrase]) -> list[tuple[int, int]]:
    """Return where phrases stand in a text, as ranges that do not overlap, in order."""
    words = list(words_of(text))
    spans: list[tuple[int, int]] = []
    index = 0
    while index < len(words):
        length = max((matched(words[index:], phrase) for phrase in phrases), default=0)
        if length:
            spans.append((words[index][1], words[index + length - 1][2]))
        index += length or 1
    return spans


def words_of(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each word as the tokenizer returns it, with its start and end in the text."""
    for piece in _PIECE.finditer(text):
        start, end = piece.span()
        tokens = tokenize(piece[0])
        if len("".join(tokens)) == len(tokens) == end - start:
            # A script without spaces: each character is a word.
            yield from ((token, start + n, start + n + 1) for n, token in enumerate(tokens))
        else:
            yield from ((token, start, end) for token in tokens[:1])


def matched(words: Sequence[tuple[str, int, int]], phrase: Phrase) -> int:
    """Return how many words at the beginning are the phrase, 0 if they are not."""
    wanted, is_prefix = phrase
    found = [word for word, _, _ in words[: len(wanted)]]
    if len(found) < len(wanted) or found[:-1] != list(wanted[:-1]):
        return 0
    last = found[-1].startswith(wanted[-1]) if is_prefix else found[-1] == wanted[-1]
    return len(wanted) if last else 0
