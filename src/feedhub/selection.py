"""What a search asks for: parameters become one selection in one form, or a clear refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from feedhub.dates import format_rfc3339
from feedhub.errors import FeedhubError
from feedhub.kinds import FACETS, KINDS
from feedhub.text import one_line
from feedhub.tokenizer import tokenize

DEFAULT_LIMIT, MOST_ENTRIES = 50, 200
_NOT = "not_"
_LISTS = (*FACETS, *(_NOT + facet for facet in FACETS))
_SINGLE = ("all", "limit", "min_quality", "q", "since")
_MOST_VALUES, _LONGEST, _LONGEST_QUERY = 50, 200, 65_536
_MOST_TERMS, _MOST_LETTERS, _LONGEST_SEARCH = 12, 200, 1_000

_BROKEN = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SWITCH = {"1": True, "true": True, "on": True, "0": False, "false": False}
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_WHOLE = re.compile(r"[0-9]{1,4}")
_DAY = r"\d{4}-\d\d-\d\d"
_MOMENT = re.compile(rf"{_DAY}(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+ -]\d\d:\d\d)?)?", re.ASCII)
# A word, a phrase in quotes, either with a star behind it or a minus before it.
_TERM = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)"?(?P<star>\*)?|(?P<word>[^\s"]+))')
_QUOTES = str.maketrans("“”„«»", '"""""')


class SelectionError(FeedhubError):
    """A parameter is nonsense; `name` says which, the message why; no value is repeated."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name
        self.why = why


class Term(NamedTuple):
    """Words that stand side by side; with `prefix` the last may go on, `excluded` ones must not
    stand there.
    """

    words: tuple[str, ...]
    prefix: bool = False
    excluded: bool = False

    def __str__(self) -> str:
        text = " ".join(self.words)
        text = f'"{text}"' if len(self.words) > 1 else text
        return f"{'-' * self.excluded}{text}{'*' * self.prefix}"

    @property
    def quoted(self) -> str:
        """Return the words as people read them."""
        return f"“{' '.join(self.words)}{'…' * self.prefix}”"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which articles are wanted, the newest `limit` of them.

    `wanted` and `unwanted` are pairs of facet and label, in order. An article must have one of the
    wanted labels of each facet named, with `every` all of them, and none of the unwanted. All
    `terms` must hold.
    """

    wanted: tuple[tuple[str, str], ...] = ()
    unwanted: tuple[tuple[str, str], ...] = ()
    every: bool = False
    min_quality: float | None = None
    since: datetime | None = None
    terms: tuple[Term, ...] = ()
    limit: int = DEFAULT_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSelection:
    """A selection that is a feed of its own: the name is its address, the title for people."""

    name: str
    title: str
    selection: Selection


def parse_query(query: bytes) -> Selection:
    """Return what the query of an address asks for; raises SelectionError.

    Names that nobody knows are passed over, and so is a value that is empty: forms send those.
    """
    if len(query) > _LONGEST_QUERY:
        raise SelectionError("the query", "is too long")
    values: dict[str, list[str]] = {}
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        known = unquote_to_bytes(name).decode("latin-1")
        if known in _LISTS or known in _SINGLE:
            values.setdefault(known, []).append(_decoded(known, value))
    return make_selection(values)


def make_selection(values: Mapping[str, Sequence[str]]) -> Selection:
    """Return the selection of parameters that are decoded; raises SelectionError."""
    given = {name: _tidy(name, texts) for name, texts in values.items()}
    single = {name: _one(name, given.get(name, ())) for name in _SINGLE}
    return normalized(
        Selection(
            wanted=tuple((facet, text) for facet in FACETS for text in given.get(facet, ())),
            unwanted=tuple((f, text) for f in FACETS for text in given.get(_NOT + f, ())),
            every=_switch(single["all"]),
            min_quality=_quality(single["min_quality"]),
            since=_since(single["since"]),
            terms=_terms(single["q"]),
            limit=_limit(single["limit"]),
        )
    )


def normalized(selection: Selection) -> Selection:
    """Return what selects the same articles, each part once and in order."""
    wanted = tuple(sorted(set(selection.wanted)))
    facets = [facet for facet, _ in wanted]
    return replace(
        selection,
        wanted=wanted,
        unwanted=tuple(sorted(set(selection.unwanted))),
        every=selection.every and len(set(facets)) < len(facets),
        terms=tuple(sorted(set(selection.terms), key=lambda term: (term.excluded, term))),
    )


def canonical_query(selection: Selection) -> str:
    """Return the query of the one address that a selection has; "" for the newest of everything."""
    pairs = [
        *selection.wanted,
        *((_NOT + facet, text) for facet, text in selection.unwanted),
        *((name, text) for name, text in _texts(selection) if text),
    ]
    return "&".join(f"{name}={quote(text, safe=':*')}" for name, text in sorted(pairs))


def describe(selection: Selection, label: Callable[[str, str], str]) -> str:
    """Return a selection in words; `label` gives the name of a facet's value."""
    joint = " and " if selection.every else " or "
    parts = [
        _named(KINDS[facet].preposition, joint, selection.wanted, facet, label)
        for facet in FACETS
        if facet in dict(selection.wanted)
    ]
    parts += [
        _named(f"not {KINDS[facet].preposition}", " or ", selection.unwanted, facet, label)
        for facet in FACETS
        if facet in dict(selection.unwanted)
    ]
    texts = dict(_texts(selection))
    for word, joint, excluded in (("with", " and ", False), ("without", " or ", True)):
        terms = [term.quoted for term in selection.terms if term.excluded is excluded]
        parts += [f"{word} {joint.join(terms)}"] if terms else []
    parts += [f"of quality {texts['min_quality']} or more"] if texts["min_quality"] else []
    parts += [f"since {texts['since']}"] if texts["since"] else []
    return ", ".join(parts) or "about everything"


def _named(
    word: str,
    joint: str,
    pairs: Iterable[tuple[str, str]],
    facet: str,
    label: Callable[[str, str], str],
) -> str:
    return f"{word} {joint.join(label(facet, text) for f, text in pairs if f == facet)}"


def _texts(selection: Selection) -> list[tuple[str, str]]:
    """Return the parameters that may stand only once, as text, "" where they say nothing."""
    quality, limit, since = selection.min_quality, selection.limit, selection.since
    return [
        ("all", "1" if selection.every else ""),
        ("limit", "" if limit == DEFAULT_LIMIT else str(limit)),
        ("min_quality", "" if quality is None else f"{quality:.6f}".rstrip("0").rstrip(".")),
        ("q", " ".join(map(str, selection.terms))),
        ("since", format_rfc3339(since).removesuffix("T00:00:00Z") if since else ""),
    ]


def _decoded(name: str, value: bytes) -> str:
    if _BROKEN.search(value):
        raise SelectionError(name, "has a % without two hexadecimal digits")
    try:
        return unquote_to_bytes(value.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise SelectionError(name, "is not UTF-8") from None


def _tidy(name: str, texts: Sequence[str]) -> tuple[str, ...]:
    given = tuple(filter(None, map(one_line, texts)))
    if len(given) > _MOST_VALUES:
        raise SelectionError(name, f"is given more than {_MOST_VALUES} times")
    longest = _LONGEST_SEARCH if name == "q" else _LONGEST
    if any(len(text) > longest for text in given):
        raise SelectionError(name, f"is longer than {longest} characters")
    return given


def _one(name: str, texts: Sequence[str]) -> str:
    if len(set(texts)) > 1:
        raise SelectionError(name, "is given more than once")
    return texts[0] if texts else ""


def _switch(text: str) -> bool:
    if text not in (*_SWITCH, ""):
        raise SelectionError("all", "must be 1 or 0")
    return _SWITCH.get(text, False)


def _quality(text: str) -> float | None:
    if text and not _NUMBER.fullmatch(text):
        raise SelectionError("min_quality", "must be a number such as 80 or 0.5")
    return float(text) if text else None


def _limit(text: str) -> int:
    if text and not (_WHOLE.fullmatch(text) and 1 <= int(text) <= MOST_ENTRIES):
        raise SelectionError("limit", f"must be a whole number from 1 to {MOST_ENTRIES}")
    return int(text) if text else DEFAULT_LIMIT


def _since(text: str) -> datetime | None:
    """Return the moment from which articles count; a zone that is not named is UTC."""
    if not text:
        return None
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # which a plus in a query becomes
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise SelectionError(
            "since", "must be a date such as 2020-06-01 or 2020-06-01T12:00:00Z"
        ) from None


def _terms(text: str) -> tuple[Term, ...]:
    if not text:
        return ()
    found = [term for match in _TERM.finditer(text.translate(_QUOTES)) if (term := _term(match))]
    if not found:
        raise SelectionError("q", "has no word in it")
    if len(found) > _MOST_TERMS:
        raise SelectionError("q", f"has more than {_MOST_TERMS} words or phrases")
    if sum(len(word) for term in found for word in term.words) > _MOST_LETTERS:
        raise SelectionError("q", f"has more than {_MOST_LETTERS} letters")
    return tuple(found)


def _term(match: re.Match[str]) -> Term | None:
    plain = match["word"] or ""
    found = tuple(tokenize(plain or match["phrase"] or ""))
    prefix = bool(match["star"]) or plain.endswith("*")
    return Term(found, prefix, bool(match["minus"])) if found else None
