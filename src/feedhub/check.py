"""Checking a source: every problem of every file, and those that only show when files stand side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from feedhub.errors import Problem
from feedhub.feed import KINDS
from feedhub.text import slugify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from feedhub.catalog import Catalog
    from feedhub.site import Site
    from feedhub.sources import Source


def check(site: Site, catalog: Catalog, source: Source, now: datetime) -> list[Problem]:
    """Return every problem of the source, in order of place; `catalog` is an empty one in memory."""
    problems = [*site.sync(source, now).problems]
    problems += _shared_addresses(catalog, source)
    problems += _shared_slugs(site)
    return sorted(problems, key=lambda problem: (problem.path, problem.line, problem.column))


def _shared_addresses(catalog: Catalog, source: Source) -> Iterator[Problem]:
    """Two files with one address are one story told twice to every subscriber."""
    first: dict[str, str] = {}
    for path, article in catalog.articles():
        other = first.setdefault(article.url, path)
        if other != path:
            yield Problem(
                path=source.locate(path),
                level="warning",
                code="duplicate-url",
                message=f"the address is also that of {source.locate(other)}: remove one of the two",
            )


def _shared_slugs(site: Site) -> Iterator[Problem]:
    for state in site.states():
        if state.label and state.slug != slugify(state.label):
            message = f"another label has its address, so it is at {site.address(state)}"
            yield Problem(
                path=f"{KINDS[state.kind].folder}/{state.slug}",
                level="warning",
                code="slug-collision",
                message=f"{state.kind} {state.label!r}: {message}; rename one of the two",
            )


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
