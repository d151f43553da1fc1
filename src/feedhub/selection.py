"""Which articles a search selects: parse its parameters, write them in one form, describe them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from feedhub.dates import format_rfc3339
from feedhub.errors import FeedhubError
from feedhub.kinds import FACETS, KINDS
from feedhub.messages import is_missing, messages_of
from feedhub.text import one_line
from feedhub.tokenizer import tokenize

# How many articles a search returns if it does not say, and at most.
DEFAULT_LIMIT, MAX_LIMIT = 50, 200
# Bounds of what one request may make the server parse, in bytes and characters, and look up.
MAX_QUERY_BYTES = 65_536
MAX_VALUES, MAX_VALUE_LENGTH, MAX_TEXT_LENGTH = 50, 200, 1_000
MAX_TERMS, MAX_LETTERS = 12, 200

LIST_PARAMETERS = (*FACETS, *(f"not_{facet}" for facet in FACETS))
SINGLE_PARAMETERS = ("all", "limit", "min_quality", "q", "since")

_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_BOOLEANS = {"": False, "1": True, "true": True, "on": True, "0": False, "false": False}
_QUALITY = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_LIMIT = re.compile(r"[0-9]{1,4}")
_SINCE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+ -]\d\d:\d\d)?)?", re.ASCII)
# A word, or a phrase in quotes, with a star behind it or a minus before it.
_TERM = re.compile(r'(?P<minus>-)?(?:"(?P<phrase>[^"]*)"?(?P<star>\*)?|(?P<word>[^\s"]+))')
_QUOTES = str.maketrans("“”„«»", '"""""')


class SelectionError(FeedhubError):
    """A parameter is wrong: `name` is its name, `why` the message, which never quotes its value."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name
        self.why = why


class Term(NamedTuple):
    """Words that an article must have side by side.

    With `prefix` the last word may be the beginning of a longer one; `excluded` words must not be
    in the article.
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
        """Return the words as a description shows them."""
        return f"“{' '.join(self.words)}{'…' * self.prefix}”"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The newest `limit` articles that meet all conditions.

    `wanted` and `unwanted` are pairs of facet and label, in order. An article must have one of the
    wanted labels of each facet that is named (with `every`, all of them) and none of the unwanted.
    All `terms` must hold.
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
    """A selection that is a feed of its own: `name` is in its address, `title` is for people."""

    name: str
    title: str
    selection: Selection


def parse_query(query: bytes) -> Selection:
    """Return the selection of a URL's query; raises SelectionError.

    Unknown parameters and empty values are ignored: trackers add the former, forms the latter.
    """
    if len(query) > MAX_QUERY_BYTES:
        raise SelectionError("the query", "is too long")
    values: dict[str, list[str]] = {}
    for part in query.split(b"&"):
        encoded_name, _, value = part.partition(b"=")
        name = unquote_to_bytes(encoded_name).decode("latin-1")
        if name not in LIST_PARAMETERS and name not in SINGLE_PARAMETERS:
            continue
        if _BROKEN_ESCAPE.search(value):
            raise SelectionError(name, "has a % without two hexadecimal digits")
        try:
            text = unquote_to_bytes(value.replace(b"+", b" ")).decode()
        except UnicodeDecodeError:
            raise SelectionError(name, "is not UTF-8") from None
        values.setdefault(name, []).append(text)
    return make_selection(values)


def make_selection(values: Mapping[str, Sequence[str]]) -> Selection:
    """Return the selection of decoded parameters, by name; raises SelectionError."""
    cleaned: dict[str, list[str]] = {}
    for name, texts in values.items():
        cleaned[name] = [line for line in map(one_line, texts) if line]
        if len(cleaned[name]) > MAX_VALUES:
            raise SelectionError(name, f"is given more than {MAX_VALUES} times")
        longest = MAX_TEXT_LENGTH if name == "q" else MAX_VALUE_LENGTH
        if any(len(line) > longest for line in cleaned[name]):
            raise SelectionError(name, f"is longer than {longest} characters")
    single: dict[str, str] = {}
    for name in SINGLE_PARAMETERS:
        distinct = set(cleaned.get(name, ()))
        if len(distinct) > 1:
            raise SelectionError(name, "is given more than once")
        single[name] = distinct.pop() if distinct else ""
    quality, limit = single["min_quality"], single["limit"]
    if single["all"] not in _BOOLEANS:
        raise SelectionError("all", "must be 1 or 0")
    if quality and not _QUALITY.fullmatch(quality):
        raise SelectionError("min_quality", "must be a number such as 80 or 0.5")
    if limit and not (_LIMIT.fullmatch(limit) and 1 <= int(limit) <= MAX_LIMIT):
        raise SelectionError("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return normalized(
        Selection(
            wanted=tuple((facet, text) for facet in FACETS for text in cleaned.get(facet, ())),
            unwanted=tuple(
                (facet, text) for facet in FACETS for text in cleaned.get(f"not_{facet}", ())
            ),
            every=_BOOLEANS[single["all"]],
            min_quality=float(quality) if quality else None,
            since=parse_since(single["since"]),
            terms=parse_terms(single["q"]),
            limit=int(limit) if limit else DEFAULT_LIMIT,
        )
    )


def parse_since(text: str) -> datetime | None:
    """Return a date or time as a datetime in UTC, None for ""; without a zone it is UTC already."""
    if not text:
        return None
    try:
        if not _SINCE.fullmatch(text):
            raise ValueError
        # In a query an unescaped plus is a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise SelectionError(
            "since", "must be a date such as 2020-06-01 or 2020-06-01T12:00:00Z"
        ) from None


def parse_terms(text: str) -> tuple[Term, ...]:
    """Return the words and phrases of the parameter `q`, none for ""."""
    terms = []
    for match in _TERM.finditer(text.translate(_QUOTES)):
        word = match["word"] or ""
        if words := tuple(tokenize(word or match["phrase"] or "")):
            prefix = bool(match["star"]) or word.endswith("*")
            terms.append(Term(words, prefix, excluded=bool(match["minus"])))
    if text and not terms:
        raise SelectionError("q", "has no word in it")
    if len(terms) > MAX_TERMS:
        raise SelectionError("q", f"has more than {MAX_TERMS} words or phrases")
    if sum(len(word) for term in terms for word in term.words) > MAX_LETTERS:
        raise SelectionError("q", f"has more than {MAX_LETTERS} letters")
    return tuple(terms)


def normalized(selection: Selection) -> Selection:
    """Return a selection of the same articles with each condition once and in order."""
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
        *((f"not_{facet}", text) for facet, text in selection.unwanted),
        *((name, text) for name, text in single_values(selection).items() if text),
    ]
    return "&".join(f"{name}={quote(text, safe=':*')}" for name, text in sorted(pairs))


def single_values(selection: Selection) -> dict[str, str]:
    """Return the parameters that may be given only once, by name; "" is one that says nothing."""
    quality, limit, since = selection.min_quality, selection.limit, selection.since
    return {
        "all": "1" if selection.every else "",
        "limit": "" if limit == DEFAULT_LIMIT else str(limit),
        "min_quality": "" if quality is None else f"{quality:.6f}".rstrip("0").rstrip("."),
        "q": " ".join(map(str, selection.terms)),
        "since": format_rfc3339(since).removesuffix("T00:00:00Z") if since else "",
    }


Label = Callable[[str, str], str]
"""Returns the name of a label by its facet and slug."""


def describe(selection: Selection, label: Label, language: str) -> str:
    """Return a selection in the words of a language, or in signs if it has no translation.

    The description is part of plain texts, in which English could not be marked.
    """
    messages = messages_of(language)

    def gettext(text: str) -> str:
        found = messages.gettext(text)
        if is_missing(found):
            raise LookupError
        return found

    try:
        if messages.is_of(language):
            return in_words(selection, label, gettext)
    except LookupError:
        pass
    return in_signs(selection, label)


def in_signs(selection: Selection, label: Label) -> str:
    """Return a selection as what it names, with a sign before what is unwanted or a bound."""
    values = single_values(selection)
    parts = [label(facet, text) for facet, text in selection.wanted]
    parts += [f"-{label(facet, text)}" for facet, text in selection.unwanted]
    parts += [f"{'-' * term.excluded}{term.quoted}" for term in selection.terms]
    parts += [f"≥ {values[name]}" for name in ("min_quality", "since") if values[name]]
    return ", ".join(parts) or "*"


def in_words(selection: Selection, label: Label, gettext: Callable[[str], str]) -> str:
    """Return a selection as sentences say it; `gettext` translates."""

    def join(names: Iterable[str], *, every: bool) -> str:
        joint = gettext("{first} and {second}") if every else gettext("{first} or {second}")
        return reduce(lambda first, second: joint.format(first=first, second=second), names)

    def facets(pairs: Iterable[tuple[str, str]], *, excluded: bool) -> Iterator[str]:
        for facet in FACETS:
            if names := [label(facet, text) for name, text in pairs if name == facet]:
                every = selection.every and not excluded
                text = gettext(KINDS[facet].criterion).format(label=join(names, every=every))
                yield gettext("not {criterion}").format(criterion=text) if excluded else text

    parts = [
        *facets(selection.wanted, excluded=False),
        *facets(selection.unwanted, excluded=True),
    ]
    for text, excluded in ((gettext("with {words}"), False), (gettext("without {words}"), True)):
        terms = [term.quoted for term in selection.terms if term.excluded is excluded]
        parts += [text.format(words=join(terms, every=not excluded))] if terms else []
    values = single_values(selection)
    if quality := values["min_quality"]:
        parts.append(gettext("of quality {number} or more").format(number=quality))
    if since := values["since"]:
        parts.append(gettext("since {date}").format(date=since))
    if not parts:
        return gettext("about everything")
    comma = gettext("{first}, {second}")
    return reduce(lambda first, second: comma.format(first=first, second=second), parts)
