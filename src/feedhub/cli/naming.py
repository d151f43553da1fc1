"""What a configuration names that is not there: labels of selections, feeds moved to."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.errors import Problem
from feedhub.feed import feed_path
from feedhub.messages import did_you_mean
from feedhub.site.settings import named_of
from feedhub.text import label_key, slugify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feedhub.catalog import Catalog
    from feedhub.config import Config

# A kind of feed by its label's, and how its labels are known: keys and slugs.
Known = dict[str, dict[str, str]]


def named_nowhere(config: Config, catalog: Catalog, file: Path | None) -> list[Problem]:
    """Return a warning for each label and feed that is named in vain, with the nearest known.

    `catalog` has been synced; `file` is the configuration's, or None for feedhub.toml.
    """
    known: Known = {}
    for kind, key, slug in catalog.named():
        known.setdefault(kind, {})[key] = slug
    place = file or Path("feedhub.toml")
    told = [*_labels(config, known), *_feeds(config, known)]
    lines = place.read_text(encoding="utf-8").splitlines() if told and place.is_file() else []
    return [
        Problem(
            path=str(place),
            line=_line_of(word, lines),
            level="warning",
            code="unknown-name",
            message=message,
        )
        for word, message in told
    ]


def _line_of(word: str, lines: list[str]) -> int:
    """Return the line that says a word and nothing more, else one that has it within."""
    alone = re.compile(rf"""(?:["']|->\s*){re.escape(word)}\s*["']""")
    places = (at for at, line in enumerate(lines, 1) if alone.search(line))
    within = (at for at, line in enumerate(lines, 1) if word in line)
    return next(chain(places, within), 1)


def _labels(config: Config, known: Known) -> Iterator[tuple[str, str]]:
    """Yield what a selection asks for that no article has, and what to say of it."""
    for custom in config.feeds.custom:
        selection = named_of(custom).selection
        for kind, label in (*selection.wanted, *selection.unwanted):
            labels = known.get(kind, {})
            if label_key(label) not in labels and slugify(label) not in labels.values():
                near = did_you_mean(label_key(label), labels)
                told = f"no article has the {kind} {label!r}{near}"
                yield label, f"feeds.custom {custom.name!r}: {told}"


def _feeds(config: Config, known: Known) -> Iterator[tuple[str, str]]:
    paths = [feed_path(kind, slug) for kind, labels in known.items() for slug in labels.values()]
    for old, new in config.feeds.moved:
        if new not in paths:
            near = did_you_mean(new, paths)
            yield new, f"feeds.moved: {old!r} leads to {new!r}, which is no feed{near}"
