"""`feedhub feeds`: list every feed, or those that --only names."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime

from feedhub.cli import console, options
from feedhub.dates import format_rfc3339
from feedhub.errors import ConfigError, did_you_mean
from feedhub.feed import FeedState, feed_path
from feedhub.text import label_key

EXAMPLES = (
    "articles",
    "articles --only AI --only topics/machine-learning",
    "articles --json",
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.add_source(parser)
    options.add_config(parser)
    options.add_formats(parser)
    options.add_drafts(parser)
    parser.add_argument(
        "--only",
        metavar="FEED",
        action="append",
        default=[],
        help="list this feed: a label such as AI, or a path such as topics/ai; repeatable",
    )
    options.add_json(parser, "list")


def run(args: Namespace) -> int:
    """List the feeds; return 1 if articles were rejected."""
    with options.open_in_memory(args) as (site, _, source):
        changes = site.sync(source, datetime.now(UTC))
        states = select(site.states(), args.only)
        rows = [(state, site.address(state)) for state in states]
    errors = console.print_problems(changes.problems, args.source)
    sys.stdout.write(as_json(rows) if args.json else as_table(rows))
    return 1 if errors else 0


def select(states: list[FeedState], names: Sequence[str]) -> list[FeedState]:
    """Return the feeds of these names, or all if there is no name; ConfigError if one is unknown.

    A name is a label such as `Computer Vision`, or a path such as `topics/computer-vision`.
    """

    def names_of(state: FeedState) -> tuple[str, ...]:
        path = feed_path(state.kind, state.slug)
        return (state.label, path) if state.label else (path,)

    wanted = {label_key(name) for name in names}
    keys = [{label_key(name) for name in names_of(state)} for state in states]
    for name in names:
        if not any(label_key(name) in known for known in keys):
            every_name = [known for state in states for known in names_of(state)]
            hint = did_you_mean(name, every_name) or "; run feedhub feeds SOURCE to list all feeds"
            raise ConfigError(f"there is no feed {name!r}{hint}")
    return [state for state, known in zip(states, keys, strict=True) if not names or wanted & known]


def as_json(rows: Sequence[tuple[FeedState, str]]) -> str:
    """Return feeds and their addresses as a JSON list of objects."""
    objects = [
        {
            "kind": state.kind,
            "label": state.label,
            "count": state.count,
            "newest": format_rfc3339(state.newest) if state.newest else None,
            "address": address,
        }
        for state, address in rows
    ]
    return json.dumps(objects, ensure_ascii=False, indent=2) + "\n"


def as_table(rows: Sequence[tuple[FeedState, str]]) -> str:
    """Return feeds and their addresses as a table."""
    head = ("KIND", "FEED", "ARTICLES", "NEWEST", "ADDRESS")
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
    return console.format_table(head, cells, numeric={2}, cut=1)
