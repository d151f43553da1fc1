"""Check a source: find every problem of every file, and those that only two files together have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from feedhub.catalog import Catalog, Changes
from feedhub.errors import Problem
from feedhub.feed import FeedState, labels_of
from feedhub.kinds import LABEL_KINDS
from feedhub.site import Site
from feedhub.sources import Source, has_home_page
from feedhub.text import label_key, slugify

# Why a file is not published, in the words of a message.
REASONS = {
    "unpublished": "hidden by their front matter",
    "removed": "removed",
    "scheduled": "scheduled",
    "expired": "expired",
    "undated": "without a date",
    "plain": "without front matter",
    "duplicate": "with the id of another",
    "rejected": "rejected",
}


def check(site: Site, catalog: Catalog, source: Source, now: datetime) -> list[Problem]:
    """Return every problem of the source by path and line; `catalog` must be empty, in memory."""
    changes = site.sync(source, now)
    problems = [*changes.problems]
    if not changes.published:
        problems.append(nothing_published(changes, source))
    problems += unexpected_slugs(site, catalog, source)
    return sorted(problems, key=lambda problem: (problem.path, problem.line, problem.column))


def nothing_published(changes: Changes, source: Source) -> Problem:
    """Return the problem of a source without a single article to publish."""
    counts = [f"{count} {REASONS.get(state, state)}" for state, count in changes.states.items()]
    message = f"nothing can be published: {', '.join(sorted(counts)) or 'there are no files'}"
    advice = "; an article begins with a line ---, its title and date, and a line ---"
    path = source.locate("").rstrip("/")
    if has_home_page(path):
        advice += "; if this is a site made by a generator, it has no feed"
    return Problem(path=path, code="nothing-published", message=message + advice)


def unexpected_slugs(site: Site, catalog: Catalog, source: Source) -> Iterator[Problem]:
    """Yield a warning for each label whose feed has another slug than the label's own.

    The warning is for the first file that has the label.
    """
    states = [state for state in site.states() if state.kind in LABEL_KINDS and state.label]
    unexpected = [state for state in states if state.slug != slugify(state.label)]
    if not unexpected:
        return
    first_paths: dict[tuple[str, str], str] = {}  # by kind and key of the label
    for path, article in catalog.articles():
        for label in labels_of(article, LABEL_KINDS):
            first_paths.setdefault((label.kind, label.key), path)
    for state in unexpected:
        path = first_paths[state.kind, label_key(state.label)]
        yield _warning(source.locate(path), "slug-collision", _slug_message(site, state))


def _slug_message(site: Site, state: FeedState) -> str:
    """Return why the feed of a label has another slug, and what to do."""
    label, feed = f"{state.kind} {state.label!r}", f"its feed is {site.address(state)}"
    slug = slugify(state.label)
    if not slug:
        return f"the {label} has no letter or digit, so {feed}: rename it"
    others = (o for o in site.states() if (o.kind, o.slug) == (state.kind, slug))
    similar = next((repr(other.label) for other in others), "that of a retired feed")
    return f"the {label} is too similar to {similar}, so {feed}: rename one of the two"


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
    """Return the problems as workflow commands, which GitHub shows next to the changed lines."""

    def escape(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    lines = []
    for problem in problems:
        level = {"info": "notice"}.get(problem.level, problem.level)
        path = escape(problem.path).replace(":", "%3A").replace(",", "%2C")
        properties = f"file={path},line={problem.line},col={problem.column},title={problem.code}"
        lines.append(f"::{level} {properties}::{escape(problem.message)}\n")
    return "".join(lines)


FORMATS = {"text": as_text, "json": as_json, "github": as_github}
