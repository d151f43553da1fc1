"""`feedhub adopt`: take over the ids of an earlier feed, so that what was read stays read."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from feedhub.adopt import Adoption, OldFeed, adopt, move_of, read_old_feeds
from feedhub.cli import console, options
from feedhub.config import CONFIG_FILE, Config
from feedhub.config.writing import add_move
from feedhub.errors import ConfigError, output_errors
from feedhub.sources.adopted_ids import AdoptedId, encode_adopted_ids, read_adopted_ids

EXAMPLES = ("old/feed.xml articles --dry-run", "old/feed.xml articles --moved", "old articles")
# So many entries are named for one reason; the others are counted.
MAX_NAMED = 5


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "old", metavar="OLD", type=options.path, help="earlier feed, or a folder of such feeds"
    )
    options.add_source(parser)
    options.add_config(parser)
    parser.add_argument(
        "--moved",
        action="store_true",
        help="also write to feeds.moved that the address of OLD leads to the feed of all articles",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be taken over, and write nothing"
    )
    parser.set_defaults(drafts=False)


def run(args: Namespace) -> int:
    """Write the file of adopted ids; return 1 if an entry gave its id to no article."""
    config = options.config_of(args)
    file = Path(config.source.ids)
    if file == Path():
        raise ConfigError('source.ids: give it the name of a file, such as "ids.jsonl"')
    with options.open_in_memory(args) as (site, catalog, source):
        changes = site.sync(source, datetime.now(UTC))
        articles = [(path, article.url) for path, article in catalog.articles()]
    console.print_problems(changes.problems, args.source)
    known = ids = read_adopted_ids(file).rows
    moves: set[tuple[str, str]] = set()
    passed_over = 0
    for feed in read_old_feeds(args.old):
        if args.moved:
            moves.add(move_of(feed, config.site.base_url, config.feeds.formats))
        adoption = adopt(feed.content, articles, ids)
        ids = adoption.ids
        passed_over += len(adoption.passed_over)
        print_lines(report(feed, adoption))
    if len(moves) > 1:
        raise ConfigError(f"{args.old}: has feeds of several addresses; give --moved with one feed")
    if ids != known and not args.dry_run:
        write_ids(file, ids)
    written = "would be written" if args.dry_run else "was written: commit it"
    print_lines([f"{file}: {len(ids)} ids; it {written if ids != known else 'stays as it is'}"])
    for old, new in moves:
        move(args, config, old, new)
    return 1 if passed_over else 0


def report(feed: OldFeed, adoption: Adoption) -> Iterator[str]:
    """Yield what one feed gave, and for each reason some of the entries that gave nothing."""
    path, entries = console.escape(str(feed.path)), len(feed.content.entries)
    ids = f"{adoption.added} new ids, {adoption.known} known"
    yield f"{path}: {entries} entries, {adoption.met} meet an article; {ids}"
    by_reason: dict[str, list[str]] = {}
    for name, reason in adoption.passed_over:
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        named = len(names) if console.is_verbose() else MAX_NAMED
        for name in names[:named]:
            yield f"  {console.escape(name)}: {console.escape(reason)}"
        if len(names) > named:
            more = len(names) - named
            yield f"  {more} more: {console.escape(reason)} (--verbose names them)"


def write_ids(file: Path, ids: tuple[AdoptedId, ...]) -> None:
    """Replace the file of adopted ids, all at once."""
    new = file.with_name(f"{file.name}.new")
    with output_errors(file):
        new.write_bytes(encode_adopted_ids(ids))
        new.replace(file)


def move(args: Namespace, config: Config, old: str, new: str) -> None:
    """Write to the configuration that an old address leads to a document of today."""
    file = args.config or CONFIG_FILE
    row = f"{file}: feeds.moved: {console.escape(old)} -> {new}"
    known = dict(config.feeds.moved).get(old)
    if old == new:
        print_lines([f"{row}: nothing is written, for this is one address"])
    elif known is not None:
        print_lines([f"{row}: nothing is written, for it leads to {known} already"])
    elif args.dry_run:
        print_lines([f"{row} would be written"])
    else:
        add_move(file, old, new)
        print_lines([f"{row} was written"])


def print_lines(lines: Iterable[str]) -> None:
    """Print lines, unless --quiet is given."""
    if not console.is_quiet():
        for line in lines:
            print(line)
