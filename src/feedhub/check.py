"""Checking a source: every problem of every file, and what only shows side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from feedhub.errors import Problem
from feedhub.feed import labels_of
from feedhub.kinds import LABEL_KINDS
from feedhub.text import label_key, slugify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from feedhub.catalog import Catalog
    from feedhub.feed import FeedState
    from feedhub.site import Site
    from feedhub.sources import Source


def check(site: Site, catalog: Catalog, source: Source, now: datetime) -> list[Problem]:
    """Return every problem of the source, in order of place; `catalog` is empty, in memory."""
    problems = [*site.sync(source, now).problems]
    problems += _shared_addresses(catalog, source)
    problems += _odd_slugs(site, catalog, source)
    return sorted(problems, key=lambda problem: (problem.path, problem.line, problem.column))


def _shared_addresses(catalog: Catalog, source: Source) -> Iterator[Problem]:
    """Two files with one address are one story told twice to every subscriber."""
    first: dict[str, str] = {}
    for path, article in catalog.articles():
        other = first.setdefault(article.url, path)
        if other != path:
            message = f"the address is also that of {source.locate(other)}: remove one of the two"
            yield _warning(source.locate(path), "duplicate-url", message)


def _odd_slugs(site: Site, catalog: Catalog, source: Source) -> Iterator[Problem]:
    """Labels whose feed is not where one would look, each told at the first file that has it."""
    labelled = [state for state in site.states() if state.kind in LABEL_KINDS and state.label]
    odd = [state for state in labelled if state.slug != slugify(state.label)]
    places = _first_places(catalog) if odd else {}
    for state in odd:
        path = source.locate(places[state.kind, label_key(state.label)])
        yield _warning(path, "slug-collision", _slug_message(site, state))


def _slug_message(site: Site, state: FeedState) -> str:
    name, address = f"{state.kind} {state.label!r}", site.address(state)
    slug = slugify(state.label)
    if not slug:
        return f"the {name} has no letter or digit, so its feed is {address}: rename it"
    others = (o for o in site.states() if (o.kind, o.slug) == (state.kind, slug))
    like = next((repr(other.label) for other in others), "one whose feed is retired")
    return f"the {name} is too like {like}, so its feed is {address}: rename one of the two"


def _first_places(catalog: Catalog) -> dict[tuple[str, str], str]:
    """Return the path of the first article that has a label, by kind and key of the label."""
    places: dict[tuple[str, str], str] = {}
    for path, article in catalog.articles():
        for label in labels_of(article, LABEL_KINDS):
            places.setdefault((label.kind, label.key), path)
    return places


def _warning(path: str, code: str, message: str) -> Problem:
    return Problem(path=path, level="warning", code=code, message=message)


def as_text(problems: Iterable[Problem]) -> str:
    """Return one line for each problem: `path:line:column: level code message`."""
    return "".join(f"{problem}\n" for problem in problems)


def as_json(problems: Iterable[Problem]) -> str:
    """Return the problems as a JSON list of objects with the keys of Problem."""
    rows = [{key: getattr(problem, key) for key in Problem.__slots__} for problem in problems]
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def as_github(problems: Iterable[Problem]) -> str:
    """Return the problems as workflow commands, which GitHub shows beside the lines of a change."""
    return "".join(map(_github, problems))


def _github(problem: Problem) -> str:
    level = {"info": "notice"}.get(problem.level, problem.level)
    place = f"file={_property(problem.path)},line={problem.line},col={problem.column}"
    return f"::{level} {place},title={problem.code}::{_value(problem.message)}\n"


def _value(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _value(text).replace(":", "%3A").replace(",", "%2C")


FORMATS = {"text": as_text, "json": as_json, "github": as_github}
