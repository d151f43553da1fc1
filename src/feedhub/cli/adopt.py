"""`feedhub adopt`: take over the ids of an earlier feed, so that what was read stays read."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

from feedhub.adopt import adopt, read_old_feeds
from feedhub.cli import console, options
from feedhub.errors import ConfigError, output_errors
from feedhub.sources.adopted_ids import encode_adopted_ids, read_adopted_ids

EXAMPLES = ("old/feed.xml articles --dry-run", "old articles")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "old", metavar="OLD", type=options.path, help="earlier feed, or a folder of such feeds"
    )
    options.add_source(parser)
    options.add_config(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would be taken over, and write nothing"
    )
    parser.set_defaults(drafts=False)


def run(args: Namespace) -> int:
    """Write the file of adopted ids; return 1 if an entry gave its id to no article."""
    file = Path(options.config_of(args).source.ids)
    if file == Path():
        raise ConfigError('source.ids: give it the name of a file, such as "ids.jsonl"')
    with options.open_in_memory(args) as (site, catalog, source):
        changes = site.sync(source, datetime.now(UTC))
        articles = [(path, article.url) for path, article in catalog.articles()]
    console.print_problems(changes.problems, args.source)
    known = ids = read_adopted_ids(file).rows
    passed_over = 0
    for feed in read_old_feeds(args.old):
        adoption = adopt(feed.content, articles, ids)
        ids = adoption.ids
        passed_over += len(adoption.passed_over)
        if not console.is_quiet():
            print(
                f"{console.escape(str(feed.path))}: {len(feed.content.entries)} entries, "
                f"{adoption.added} new ids, {adoption.known} known"
            )
            for name, reason in adoption.passed_over:
                print(f"  {console.escape(name)}: {console.escape(reason)}")
    if ids != known and not args.dry_run:
        new = file.with_name(f"{file.name}.new")
        with output_errors(file):
            new.write_bytes(encode_adopted_ids(ids))
            new.replace(file)
    if not console.is_quiet():
        written = "would be written" if args.dry_run else "was written: commit it"
        print(f"{file}: {len(ids)} ids; it {written if ids != known else 'stays as it is'}")
    return 1 if passed_over else 0
