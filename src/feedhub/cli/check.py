"""`feedhub check`: print every problem of every file, and unknown names in the configuration."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from feedhub.catalog import Catalog
from feedhub.check import FORMATS, check
from feedhub.cli import console, options
from feedhub.config import CONFIG_FILE, Config, find_line
from feedhub.errors import Problem, did_you_mean
from feedhub.feed import feed_path
from feedhub.formats import is_document
from feedhub.site.settings import named_selection
from feedhub.text import label_key, slugify

EXAMPLES = ("articles", "articles --format github")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.add_source(parser)
    options.add_config(parser)
    options.add_drafts(parser)
    parser.add_argument(
        "--format",
        choices=("text", "json", "github"),
        default="text",
        help="text (the default), json, or github for workflow commands",
    )


def run(args: Namespace) -> int:
    """Print every problem of every file; return 1 if one is an error."""
    with options.open_in_memory(args) as (site, catalog, source):
        problems = check(site, catalog, source, datetime.now(UTC))
        file = args.config or CONFIG_FILE
        problems += unknown_names(options.config_of(args), catalog, file)
    # Programs get every problem.
    shown = console.fold_problems(problems) if args.format == "text" else problems
    if args.format == "text" and console.use_colours(sys.stdout):
        sys.stdout.write("".join(map(_coloured, shown)))
    else:
        sys.stdout.write(FORMATS[args.format](shown))
    return 1 if any(problem.level == "error" for problem in problems) else 0


def _coloured(problem: Problem) -> str:
    """Return a problem as a line in colours: `path:line:column: level code message`."""
    path = f"{console.escape(problem.path)}:{problem.line}:{problem.column}:"
    position = console.paint(path, console.BOLD, sys.stdout)
    level = console.paint(problem.level, console.LEVEL_COLOURS[problem.level], sys.stdout)
    code = console.paint(problem.code, console.DIM, sys.stdout)
    return f"{position} {level} {code} {console.escape(problem.message)}\n"


def unknown_names(config: Config, catalog: Catalog, file: Path) -> Iterator[Problem]:
    """Yield a warning for each label and feed that the configuration names but no article has.

    `catalog` has been synced; `file` is that of the configuration, if it exists.
    """
    slugs: dict[str, dict[str, str]] = {}  # by kind of feed and key of the label
    for kind, key, slug in catalog.feed_slugs():
        slugs.setdefault(kind, {})[key] = slug
    paths = [feed_path(kind, slug) for kind, labels in slugs.items() for slug in labels.values()]
    text = file.read_text(encoding="utf-8-sig") if file.is_file() else ""

    def warning(message: str, name: str, *key: str) -> Problem:
        line = find_line(text, key, name)
        return Problem(
            path=str(file), line=line, level="warning", code="unknown-name", message=message
        )

    for number, custom in enumerate(config.feeds.custom):
        selection = named_selection(custom).selection
        for prefix, labels in (("", selection.wanted), ("not_", selection.unwanted)):
            for kind, label in labels:
                known = slugs.get(kind, {})
                if label_key(label) not in known and slugify(label) not in known.values():
                    yield warning(
                        f"feeds.custom {custom.name!r}: no article has the {kind} {label!r}"
                        f"{did_you_mean(label_key(label), known)}",
                        label,
                        *("feeds", "custom", str(number), f"{prefix}{kind}"),
                    )
    for podcast in config.feeds.podcast:
        if podcast.name not in paths:
            message = f"feeds.podcast: {podcast.name!r} is not a feed"
            message += did_you_mean(podcast.name, paths)
            yield warning(message, podcast.name, "feeds", "podcast")
    for old, new in config.feeds.moved:
        if (new.rpartition(".")[0] if is_document(new) else new) not in paths:
            message = f"feeds.moved: {old!r} leads to {new!r}, which is not a feed"
            yield warning(f"{message}{did_you_mean(new, paths)}", new, "feeds", "moved")
