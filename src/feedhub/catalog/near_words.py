"""The words of articles that are near to those of a search that finds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import SequenceMatcher

from feedhub.catalog.database import Database
from feedhub.catalog.search import count
from feedhub.selection import Selection, single_values

MAX_SUGGESTIONS = 3
# So similar are "robot" and "robots", "color" and "colour", but not "robot" and "robust".
MIN_SIMILARITY = 0.77
# Of shorter words every other word is near.
MIN_LENGTH = 3


def near_words(database: Database, selection: Selection) -> tuple[str, ...]:
    """Return the texts of a few searches that find something, the most similar first.

    Each is the selection's own with one word replaced by one that articles have.
    """
    found: dict[str, float] = {}
    for changed, similarity in sorted(changes(database, selection), key=lambda pair: -pair[1]):
        text = single_values(changed)["q"]
        if text not in found and count(database, changed):
            found[text] = similarity
            if len(found) == MAX_SUGGESTIONS:
                break
    return tuple(found)


def changes(database: Database, selection: Selection) -> Iterator[tuple[Selection, float]]:
    """Yield the selection with one word replaced by a similar one, and how similar that is."""
    for number, term in enumerate(selection.terms):
        for position, word in enumerate(() if term.excluded else term.words):
            for other, similarity in similar_words(database, word):
                words = (*term.words[:position], other, *term.words[position + 1 :])
                terms = list(selection.terms)
                terms[number] = term._replace(words=words)
                yield replace(selection, terms=tuple(terms)), similarity


def similar_words(database: Database, word: str) -> list[tuple[str, float]]:
    """Return the words of articles that begin with the same letter and look like a word."""
    if len(word) < MIN_LENGTH:
        return []
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(word)
    found = []
    bounds = (word[0], chr(ord(word[0]) + 1), len(word) - 3, len(word) + 3)
    for other in database.words_between(*bounds):
        matcher.set_seq1(other)
        if (
            other != word
            and matcher.real_quick_ratio() >= MIN_SIMILARITY
            and matcher.quick_ratio() >= MIN_SIMILARITY
            and matcher.ratio() >= MIN_SIMILARITY
        ):
            found.append((other, matcher.ratio()))
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))[: 2 * MAX_SUGGESTIONS]
