"""`feedhub feeds`: which feeds are listed, and how."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from feedhub.cli.table import table
from feedhub.errors import ConfigError
from feedhub.feed import feed_path
from feedhub.messages import did_you_mean
from feedhub.text import label_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feedhub.feed import FeedState

    Row = tuple[FeedState, str]
    """A feed and its public address."""

_HEAD = ("KIND", "FEED", "ARTICLES", "NEWEST", "ADDRESS")


def chosen(states: list[FeedState], names: Sequence[str]) -> list[FeedState]:
    """Return the feeds of these names, all where there is none; ConfigError for an unknown one.

    A name is a label such as `Computer Vision`, or an address such as `topics/computer-vision`.
    """
    wanted = [_named(states, name) for name in names]
    return [state for state in states if not names or any(state in some for some in wanted)]


def _named(states: list[FeedState], name: str) -> list[FeedState]:
    found = [state for state in states if label_key(name) in map(label_key, _names(state))]
    if not found:
        near = did_you_mean(name, (word for state in states for word in _names(state)))
        raise ConfigError(f"no feed is called {name!r}{near or '; feedhub feeds SOURCE lists all'}")
    return found


def _names(state: FeedState) -> tuple[str, ...]:
    path = feed_path(state.kind, state.slug)
    return (state.label, path) if state.label else (path,)


def as_json(rows: Iterable[Row]) -> str:
    """Return the feeds as a JSON list of objects."""
    objects = [
        {
            "kind": state.kind,
            "label": state.label,
            "count": state.count,
            "newest": state.newest.isoformat().replace("+00:00", "Z") if state.newest else None,
            "address": address,
        }
        for state, address in rows
    ]
    return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def as_table(rows: Iterable[Row]) -> str:
    """Return the feeds one a line."""
    cells = [
        (
            state.kind,
            state.label,
            str(state.count),
            state.newest.date().isoformat() if state.newest else "-",
            address,
        )
        for state, address in rows
    ]
    return table(_HEAD, cells, right={2}, shrinks=1)
