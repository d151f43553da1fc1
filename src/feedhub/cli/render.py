"""`feedhub render`: write the feeds of a folder to another, once or whenever something changes."""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from feedhub.catalog import Catalog
from feedhub.cli import console, options
from feedhub.config import CONFIG_FILE, Config
from feedhub.errors import ConfigError, OutputError, ShrinkError
from feedhub.fork_map import processors
from feedhub.render import RenderReport
from feedhub.render import render as render_site
from feedhub.render.folder import OWN_FOLDER
from feedhub.render.size import OutputSize
from feedhub.site import Site, source_of
from feedhub.sources import open_source

EXAMPLES = (
    "articles public --base-url https://feeds.example.org",
    "articles public --watch",
    "articles preview --drafts",
)
# Where generators write the feed of a site.
OLD_FEEDS = ("feed.xml", "index.xml", "atom.xml", "rss.xml", "feed.json")
# GitHub Pages takes 1 GB, and every upload costs time.
LARGE_BYTES = 500_000_000
# What makes a part of the output smaller; a part of less than a tenth is not worth a line.
SMALLER = {
    "feeds": ("feeds", "feeds.formats, feeds.kinds or feeds.limit"),
    "archives": ("archives", "feeds.archive_from, feeds.archives or feeds.formats"),
    "pages": ("pages", "html in feeds.formats, or feeds.kinds"),
    "compressed": ("compressed copies", "render.compress"),
    "assets": ("copies of pictures, audio and video", "source.assets"),
}
SMALL_SHARE = 0.1


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.add_source(parser)
    parser.add_argument("out", metavar="OUT", type=options.path, help="folder to write to")
    options.add_config(parser)
    options.add_catalog(
        parser, "file that remembers what was read; default: one in the user's cache folder"
    )
    options.add_formats(parser)
    options.add_drafts(parser)
    options.add_watch(
        parser, "keep running; render again when a file changes or a scheduled article is due"
    )
    options.add_permissions(parser)
    options.add_workers(parser)
    options.add_json(parser, "summary")


def run(args: Namespace) -> int:
    """Render once, or until SIGTERM with --watch; return the exit code."""
    config = options.config_of(args)
    check_paths(args, config)
    options.warn_of_default_url(config)
    warn_of_old_feed(args, config)
    options.debug_inputs(args, config, options.catalog_path(args, config))
    with closing(options.OpenCatalog()) as catalog:
        if not args.watch:
            return render(args, config, catalog)[0]
        # Imported here because only --watch needs it.
        from feedhub.cli.watch import Round, watch

        def render_again(this: Round) -> tuple[int, datetime | None]:
            nonlocal config
            config = options.config_of(args)
            if this.paths is None:
                catalog.close()
            return render(args, config, catalog, this.paths, is_check=this.is_check)

        def inputs() -> Iterator[Path]:
            yield args.config or CONFIG_FILE
            yield from options.ids_files(config)

        return watch(open_source(args.source), render_again, out=args.out, inputs=inputs)


def warn_of_old_feed(args: Namespace, config: Config) -> None:
    """Warn at the first render beside a feed whose readers would see everything as new."""
    if (args.out / OWN_FOLDER).exists() or Path(config.source.ids).is_file():
        return
    old = next((file for name in OLD_FEEDS if (file := args.out / name).is_file()), None)
    if old is not None:
        console.warn(
            f"{old}: readers of this feed would show everything as new; "
            f"feedhub adopt {old} {args.source} keeps what they have read"
        )


def check_paths(args: Namespace, config: Config) -> None:
    """Raise an error if source, output and catalog cannot be used together."""
    options.check_source(args)
    out = os.path.realpath(args.out)
    if out == open_source(args.source).key:
        raise OutputError(f"{args.out}: this is SOURCE; choose another folder to write to")
    catalog = options.catalog_path(args, config)
    if isinstance(catalog, Path) and os.path.realpath(catalog).startswith(os.path.join(out, "")):  # noqa: PTH118 - ends with a slash
        raise ConfigError(f"{catalog}: the catalog must not be in the output folder")


def render(
    args: Namespace,
    config: Config,
    catalog: options.OpenCatalog,
    paths: Collection[str] | None = None,
    *,
    is_check: bool = False,
) -> tuple[int, datetime | None]:
    """Render and print a summary; return the exit code and when time alone changes the output.

    `paths` are the files that may have changed since the last render, None stands for all. With
    `is_check` a render that changes nothing prints none.
    """
    check_paths(args, config)
    return catalog.use(
        options.catalog_path(args, config),
        lambda opened: render_with(opened, args, config, paths, is_check=is_check),
    )


def render_with(
    catalog: Catalog,
    args: Namespace,
    config: Config,
    paths: Collection[str] | None,
    *,
    is_check: bool,
) -> tuple[int, datetime | None]:
    """Render with an open catalog and print a summary; return what `render` returns."""
    start = time.monotonic()
    try:
        with console.progress() as on_progress:
            report = render_site(
                Site(catalog, config, drafts=args.drafts),
                catalog,
                source_of(args.source, config, drafts=args.drafts),
                args.out,
                now=datetime.now(UTC),
                paths=paths,
                compress=config.render.compress,
                drafts=args.drafts,
                allow_shrink=args.allow_shrink,
                accept_new_ids=args.accept_new_ids,
                processes=args.workers or processors(),
                on_progress=on_progress,
                on_damaged_ledger=options.report_damaged_ledger,
            )
    except ShrinkError as error:
        console.print_problems(error.problems, args.source)
        console.error(str(error))
        return error.exit_code, catalog.next_due()
    due = catalog.next_due()
    if is_check and not (report.changes.read or report.written or report.removed):
        return 0, due
    errors = console.print_problems(report.changes.problems, args.source)
    if report.lost_codings:
        console.warn(
            f"{args.out}: the compressed copies were removed; if your web server sends such files, "
            f"set render.compress to {json.dumps(report.lost_codings)}"
        )
    if args.json or not console.is_quiet():
        print(summary(report, time.monotonic() - start, as_json=args.json))
    return 1 if errors else 0, due


def summary(report: RenderReport, seconds: float, *, as_json: bool) -> str:
    """Return what a render did, in a few lines or as one JSON object."""
    changes = report.changes
    without_address = sum(problem.code == "no-address" for problem in changes.problems)
    hidden = options.hidden_articles(changes)
    if as_json:
        articles = {
            "found": changes.articles,
            "read": changes.read,
            "published": report.published,
            "hidden": hidden,
            "rejected": changes.rejected,
            "without_address": without_address,
        }
        documents = {
            "written": report.written,
            "unchanged": report.unchanged,
            "removed_files": report.removed,
        }
        files = {
            "written": report.size.written_files,
            "written_bytes": report.size.written_bytes,
            "total": report.size.files,
            "bytes": report.size.bytes,
        }
        return json.dumps(
            {
                "articles": articles,
                "documents": documents,
                "files": files,
                "seconds": round(seconds, 3),
            }
        )
    about_feed = [problem for problem in changes.problems if problem.code == "summaries"]
    summaries = "".join(f"{problem.path}: {problem.message}\n" for problem in about_feed)
    have = "1 article has" if without_address == 1 else f"{without_address} articles have"
    addresses = (
        f"addresses: {have} none of their own; the file's path stands in: "
        "give each a url in front matter, or set source.permalink\n"
    )
    return (
        f"{options.describe_articles(changes)}\n"
        f"{addresses if without_address else ''}{summaries}"
        f"documents: {report.written} written, {report.unchanged} unchanged, "
        f"{report.removed} files removed\n"
        f"{describe_size(report.size)}"
        f"{seconds:.2f} seconds"
    )


def describe_size(size: OutputSize) -> str:
    """Return the lines about what was written, and about what would make a large folder smaller."""
    lines = [
        f"files: {size.written_files} written ({megabytes(size.written_bytes)}), "
        f"{size.files} in the folder ({megabytes(size.bytes)})"
    ]
    if size.bytes > LARGE_BYTES:
        lines.append("the folder is large; keys of the configuration that make it smaller:")
        for part, count in sorted(size.parts.items(), key=lambda row: -row[1]):
            if count > SMALL_SHARE * size.bytes:
                name, keys = SMALLER[part]
                lines.append(f"  {megabytes(count)} are {name}: {keys}")
    return "".join(f"{line}\n" for line in lines)


def megabytes(count: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{-(-count // 1000)} kB"
