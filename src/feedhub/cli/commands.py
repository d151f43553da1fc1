"""The commands: each takes its options, does one thing and returns an exit code."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.catalog import Catalog
from feedhub.cli.console import quiet, shows_colours, wrong
from feedhub.cli.output import print_problems, problem_lines, progress, summary
from feedhub.cli.places import (
    catalog_place,
    check_source,
    config_of,
    tell_places,
    warn_of_default_address,
)
from feedhub.config import starter_toml
from feedhub.errors import ConfigError, OutputError, ShrinkError
from feedhub.fork_map import processors
from feedhub.site import Site, source_of
from feedhub.sources import open_source

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from feedhub.config import Config
    from feedhub.render import Report
    from feedhub.sources import Source


def render(options: Namespace) -> int:
    """Write the feeds of a folder to another, once or whenever something changes."""
    config = config_of(options)
    _check_places(options, config)
    warn_of_default_address(config)
    tell_places(options, config, catalog_place(options, config))
    if options.watch:
        from feedhub.cli.watch import watch

        file = options.config or Path("feedhub.toml")
        source = open_source(options.source)
        return watch(source, lambda: _render_once(options), out=options.out, config=file)
    return _render_once(options)[0]


def _render_once(options: Namespace) -> tuple[int, datetime | None]:
    """Render and tell; return the exit code and when time alone will change the output."""
    config = config_of(options)
    _check_places(options, config)
    with closing(Catalog(catalog_place(options, config))) as catalog:
        try:
            code = _render(options, config, catalog)
        except ShrinkError as error:
            print_problems(error.problems, options.source)
            wrong(str(error))
            code = error.exit_code
        return code, catalog.next_due()


def _render(options: Namespace, config: Config, catalog: Catalog) -> int:
    from feedhub.render import render as render_site

    start = time.monotonic()
    with progress() as on_progress:
        report = render_site(
            Site(catalog, config, drafts=options.drafts),
            catalog,
            source_of(options.source, config, drafts=options.drafts),
            options.out,
            now=datetime.now(UTC),
            compress=config.render.compress,
            drafts=options.drafts,
            allow_shrink=options.allow_shrink,
            processes=options.workers or processors(),
            on_progress=on_progress,
        )
    return _tell(options, report, time.monotonic() - start)


def _tell(options: Namespace, report: Report, seconds: float) -> int:
    errors = print_problems(report.changes.problems, options.source)
    if options.json or not quiet():
        print(summary(report, seconds, as_json=options.json))
    return 1 if errors else 0


def serve(options: Namespace) -> int:
    """Answer readers, from a catalog that is kept up to date beside."""
    from feedhub.cli import serving

    return serving.serve(options)


def sync(options: Namespace) -> int:
    """Bring a catalog up to date, once or whenever something changes."""
    from feedhub.cli import syncing

    return syncing.sync(options)


def check(options: Namespace) -> int:
    """Tell every problem of every file."""
    from feedhub.check import FORMATS
    from feedhub.check import check as check_source
    from feedhub.cli.naming import named_nowhere

    with _looking(options) as (site, catalog, source):
        problems = check_source(site, catalog, source, datetime.now(UTC))
        problems += named_nowhere(config_of(options), catalog, options.config)
    as_text = problem_lines if shows_colours(sys.stdout) else FORMATS["text"]
    written = as_text if options.format == "text" else FORMATS[options.format]
    sys.stdout.write(written(problems))
    return 1 if any(problem.level == "error" for problem in problems) else 0


def feeds(options: Namespace) -> int:
    """List every feed."""
    from feedhub.cli.feeds import as_json, as_table, chosen

    with _looking(options) as (site, _, source):
        changes = site.sync(source, datetime.now(UTC))
        states = chosen(site.states(), options.only)
        rows = [(state, site.address(state)) for state in states]
    errors = print_problems(changes.problems, options.source)
    sys.stdout.write(as_json(rows) if options.json else as_table(rows))
    return 1 if errors else 0


@contextmanager
def _looking(options: Namespace) -> Iterator[tuple[Site, Catalog, Source]]:
    """Open the source beside an empty catalog in memory: nothing is written, nothing kept."""
    config = config_of(options)
    check_source(options)
    tell_places(options, config)
    with closing(Catalog(None)) as catalog:
        source = source_of(options.source, config, drafts=options.drafts)
        yield Site(catalog, config, drafts=options.drafts), catalog, source


def init(options: Namespace) -> int:
    """Write a commented configuration."""
    try:
        file = options.file.open("x", encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"{options.file}: exists already and is left alone") from None
    except OSError as error:
        raise ConfigError(f"{options.file}: cannot be written: {error.strerror}") from None
    try:
        with file:
            file.write(starter_toml())
    except OSError as error:
        options.file.unlink()  # or the next try would leave a part of it alone
        raise ConfigError(f"{options.file}: cannot be written: {error.strerror}") from None
    if not quiet():
        print(f"{options.file} is written: set site.base_url first")
    return 0


def ping(options: Namespace) -> int:
    """Tell the hub what has changed, once or whenever something does."""
    from feedhub.cli import ping

    return ping.ping(options)


def probe(options: Namespace) -> int:
    """Ask for what is not known of images."""
    from feedhub.cli import probing

    return probing.probe(options)


def completion(options: Namespace) -> int:
    """Print a script by which a shell completes what is typed."""
    from feedhub.cli.completion import completion

    return completion(options)


def _check_places(options: Namespace, config: Config) -> None:
    check_source(options)
    out = os.path.realpath(options.out)
    if out == open_source(options.source).key:
        raise OutputError(f"{options.out}: this is the source; choose another folder to write to")
    catalog = catalog_place(options, config)
    if os.path.realpath(catalog).startswith(os.path.join(out, "")):  # noqa: PTH118 - ends with a slash
        raise ConfigError(f"{catalog}: the catalog must not lie in the output folder")


def stats(options: Namespace) -> int:
    """Tell who reads the feeds."""
    from feedhub.cli import stats

    return stats.stats(options)
