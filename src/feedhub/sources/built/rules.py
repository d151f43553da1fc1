"""Rules for pages that no feed holds any more, learned from the pages that it holds.

Where a title, a date and the text stand differs from theme to theme, but hardly within one site.
Each rule is a CSS selector, used only if it is right for nearly all entries of the feed.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple

from msgspec import Struct

from feedhub.dates import SHORT_MONTHS
from feedhub.feed_reader.dates import parse_feed_date
from feedhub.sources.built.pages import FURNITURE, Element, compile_selector, drop, select, text_of

# How many of the feed's entries a rule must be right for, and how alike two texts must be.
MIN_AGREEMENT, MIN_LIKENESS = 0.8, 0.95
# Fewer are no rule; more cost time and teach nothing.
MIN_SAMPLES, MAX_SAMPLES = 3, 20
_TITLE_TAGS = ("h1", "h2", "h3", "meta")
_DATE_TAGS = ("time", "meta", "abbr", "span", "p", "div", "i", "em")
_TEXT_TAGS = ("div", "article", "section", "main", "td")
_DATE_WORDS = re.compile(r"date|time|publish|posted", re.IGNORECASE)
# A day as people write it: `2024-05-26`, `2024年5月26日`, `May 26, 2024`, `26 May 2024`.
_MONTHS = "|".join(SHORT_MONTHS)
_SHOWN_DATE = re.compile(
    r"(?P<year1>[0-9]{4}) ?[-/.年] ?(?P<month>[0-9]{1,2}) ?[-/.月] ?(?P<day>[0-9]{1,2})(?![0-9])"
    rf"|(?:(?P<day1>[0-9]{{1,2}})\.? )?\b(?P<name>(?:{_MONTHS})[a-z]*)\.?"
    r"(?: (?P<day2>[0-9]{1,2})(?:st|nd|rd|th)?,?)? (?P<year2>[0-9]{4})"
)
MAX_DATE_TEXT = 200
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_VALUE = re.compile(r"[\w:.-]+")
_WORD = re.compile(r"\w+")


class Rules(Struct, frozen=True, array_like=True):
    """Where title, date and text of an article stand; `text` is "" where the feed cannot teach it.

    A page with more titles or dates than `titles` and `dates`, which pages of articles have at
    most, is a list.
    """

    title: str
    date: str
    text: str
    titles: int
    dates: int


class PageSample(NamedTuple):
    """A page of an entry, and what the feed says of it; `words` are those of its full text."""

    root: Element
    title: str
    published: datetime
    words: Counter[str]


def learn_rules(samples: list[PageSample], zone: tzinfo) -> Rules | None:
    """Return the rules that the samples teach, or None if they agree on no title and date."""
    if len(samples) < MIN_SAMPLES:
        return None
    title = best_selector(
        samples,
        lambda sample: (
            selector
            for element in sample.root.iter(*_TITLE_TAGS)
            if title_of(element) == sample.title
            for selector in selectors_of(element)
        ),
        lambda sample, element: title_of(element) == sample.title,
    )
    date = best_selector(
        samples,
        lambda sample: (
            selector
            for element in sample.root.iter(*_DATE_TAGS)
            if may_be_date(element) and is_day(element, sample.published, zone)
            for selector in selectors_of(element)
        ),
        lambda sample, element: is_day(element, sample.published, zone),
    )
    if not title or not date:
        return None
    return Rules(
        title=title,
        date=date,
        text=learn_text(samples),
        titles=max(len(compile_selector(title)(sample.root)) for sample in samples),
        dates=max(len(compile_selector(date)(sample.root)) for sample in samples),
    )


def learn_text(samples: list[PageSample]) -> str:
    """Return the selector of the element that holds the feed's full text, or ""."""
    full = [sample._replace(root=bare(sample.root)) for sample in samples if sample.words]
    if len(full) < MIN_SAMPLES:
        return ""

    def is_text(sample: PageSample, element: Element) -> bool:
        return likeness(words_of(element), sample.words) >= MIN_LIKENESS

    return best_selector(
        full,
        lambda sample: (
            selector
            for element in sample.root.iter(*_TEXT_TAGS)
            if is_text(sample, element)
            for selector in selectors_of(element)
        ),
        is_text,
    )


def best_selector(
    samples: list[PageSample],
    candidates: Callable[[PageSample], Iterable[str]],
    is_right: Callable[[PageSample, Element], bool],
) -> str:
    """Return the selector whose first element is right on most samples, or "" where too few are."""
    votes = Counter(
        selector for sample in samples for selector in dict.fromkeys(candidates(sample))
    )
    best, best_right = "", 0
    for selector, count in votes.most_common():
        if count <= best_right:
            break
        first = (next(iter(compile_selector(selector)(sample.root)), None) for sample in samples)
        right = sum(
            element is not None and is_right(sample, element)
            for sample, element in zip(samples, first, strict=True)
        )
        if right > best_right:
            best, best_right = selector, right
    return best if best_right >= MIN_AGREEMENT * len(samples) else ""


def selectors_of(element: Element) -> Iterator[str]:
    """Yield the selectors that may stand for an element, the most telling first."""
    tag = str(element.tag)
    for name in ("itemprop", "property", "name"):
        value = element.get(name, "")
        if _VALUE.fullmatch(value):
            yield f'{tag}[{name}="{value}"]'
    for name in element.get("class", "").split():
        if _NAME.fullmatch(name):
            yield f"{tag}.{name}"
    if tag != "meta":
        yield tag


def title_of(element: Element) -> str:
    """Return the title that an element shows or states."""
    return element.get("content", "").strip() if element.tag == "meta" else text_of(element)


def date_of(element: Element, zone: tzinfo) -> datetime | None:
    """Return the date that an element states or shows."""
    for text in (element.get("datetime"), element.get("content"), element.get("title")):
        if text and (moment := parse_feed_date(text, zone)):
            return moment
    return None if element.tag == "meta" else parse_shown_date(text_of(element), zone)


def parse_shown_date(text: str, zone: tzinfo) -> datetime | None:
    """Return the first day in a short text such as `Posted on May 26, 2024`, or None."""
    match = _SHOWN_DATE.search(text[:MAX_DATE_TEXT])
    if not match:
        return None
    if match["name"]:
        words = f"{match['day1'] or match['day2']} {match['name'][:3]} {match['year2']} 00:00"
        return parse_feed_date(words, zone)
    return parse_feed_date(f"{match['year1']}-{match['month']}-{match['day']}", zone)


def may_be_date(element: Element) -> bool:
    """Return whether it is worth while to read the date of an element."""
    names = " ".join(element.get(name, "") for name in ("class", "itemprop", "property", "name"))
    return element.tag in ("time", "i", "em") or bool(_DATE_WORDS.search(names))


def is_day(element: Element, published: datetime, zone: tzinfo) -> bool:
    """Return whether an element has the day, in the site's time zone, on which it was published."""
    moment = date_of(element, zone)
    if moment is None:
        return False
    # A page shows the day where its author is; the feed has the second.
    return abs((moment - published).total_seconds()) < 86_400


def bare(root: Element) -> Element:
    """Return a copy of a page without what is never part of a text."""
    root = copy.deepcopy(root)
    for element in list(select(root, FURNITURE)):
        drop(element)
    return root


def words_of(element: Element) -> Counter[str]:
    """Return how often each word stands in an element."""
    return count_words(text_of(element))


def count_words(text: str) -> Counter[str]:
    """Return how often each word stands in a text."""
    return Counter(_WORD.findall(text.lower()))


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """Return how much two texts have in common, from 0 to 1 (the F1 measure)."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0
