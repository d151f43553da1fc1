"""The commands: each takes its options, does one thing and returns an exit code."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedhub.catalog import Catalog
from feedhub.cli.output import print_problems, progress, summary
from feedhub.config import Config, load_config, starter_toml
from feedhub.errors import ConfigError, OutputError
from feedhub.site import Site, source_of

if TYPE_CHECKING:
    from argparse import Namespace

    from feedhub.render import Report


def render(options: Namespace) -> int:
    """Write the feeds of a folder to another."""
    config = _config(options)
    place = _source(options)
    if options.out.resolve() == place.resolve():
        raise OutputError(f"{options.out}: this is the source; choose another folder to write to")
    _check_catalog_place(options)
    if options.watch:
        from feedhub.cli.watch import watch

        return watch(place, lambda: _render_once(options, config))
    return _render_once(options, config)[0]


def _render_once(options: Namespace, config: Config) -> tuple[int, datetime | None]:
    """Render and tell; return the exit code and when time alone will change the output."""
    from feedhub.render import render as render_site

    start = time.monotonic()
    with closing(Catalog(_catalog_place(options, config))) as catalog, progress() as step:
        report = render_site(
            Site(catalog, config, drafts=options.drafts),
            catalog,
            source_of(options.source, config, drafts=options.drafts),
            options.out,
            now=datetime.now(UTC),
            compress=config.render.compress,
            allow_shrink=options.allow_shrink,
            step=step,
        )
        due = catalog.next_due()
    return _tell(options, report, time.monotonic() - start), due


def _tell(options: Namespace, report: Report, seconds: float) -> int:
    errors = print_problems(report.changes.problems, options.source)
    print(summary(report, seconds, as_json=options.json))
    return 1 if errors else 0


def check(options: Namespace) -> int:
    """Tell every problem of every file."""
    from feedhub.check import FORMATS
    from feedhub.check import check as check_source

    config = _config(options)
    place = _source(options)
    with closing(Catalog(None)) as catalog:
        site = Site(catalog, config, drafts=options.drafts)
        source = source_of(place, config, drafts=options.drafts)
        problems = check_source(site, catalog, source, datetime.now(UTC))
    sys.stdout.write(FORMATS[options.format](problems))
    return 1 if any(problem.level == "error" for problem in problems) else 0


def feeds(options: Namespace) -> int:
    """List every feed."""
    config = _config(options)
    place = _source(options)
    with closing(Catalog(None)) as catalog:
        site = Site(catalog, config, drafts=options.drafts)
        changes = site.sync(source_of(place, config, drafts=options.drafts), datetime.now(UTC))
        rows = [_feed_row(site, state) for state in site.states()]
    print_problems(changes.problems, place)
    sys.stdout.write(_json(rows) if options.json else _table(rows))
    return 1 if any(problem.level == "error" for problem in changes.problems) else 0


def _feed_row(site: Site, state: Any) -> dict[str, Any]:
    return {
        "kind": state.kind,
        "label": state.label,
        "count": state.count,
        "newest": state.newest.isoformat().replace("+00:00", "Z") if state.newest else None,
        "address": site.address(state),
    }


def _json(rows: Any) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _table(rows: list[dict[str, Any]]) -> str:
    width = max((len(row["label"]) for row in rows), default=0)
    return "".join(
        f"{row['kind']:<9} {row['label']:<{width}} {row['count']:>6} "
        f"{(row['newest'] or '-')[:10]:<10} {row['address']}\n"
        for row in rows
    )


def init(options: Namespace) -> int:
    """Write a commented configuration."""
    try:
        with options.file.open("x", encoding="utf-8") as file:
            file.write(starter_toml())
    except FileExistsError:
        raise ConfigError(f"{options.file}: exists already and is left alone") from None
    except OSError as error:
        raise ConfigError(f"{options.file}: cannot be written: {error.strerror}") from None
    print(f"{options.file} is written: set site.base_url first")
    return 0


def _config(options: Namespace) -> Config:
    formats = getattr(options, "formats", None)
    overrides = {
        "site.base_url": options.base_url,
        "feeds.formats": [name.strip() for name in formats.split(",")] if formats else None,
    }
    given = {key: value for key, value in overrides.items() if value is not None}
    return load_config(options.config, os.environ, given)


def _source(options: Namespace) -> Path:
    place: Path = options.source
    if not place.is_dir():
        what = "is not a folder" if place.exists() else "does not exist"
        raise ConfigError(f"{place}: {what}; SOURCE is the folder of article files")
    return place


def _check_catalog_place(options: Namespace) -> None:
    if options.catalog and options.out.resolve() in options.catalog.resolve().parents:
        raise ConfigError(f"{options.catalog}: the catalog must not lie in the output folder")


def _catalog_place(options: Namespace, config: Config) -> Path:
    """Return the catalog's file: by default one for each source, configuration and address, under the cache."""
    if options.catalog:
        return Path(options.catalog)
    parts = (
        options.source.resolve(),
        options.config and options.config.resolve(),
        config.site.base_url,
        options.drafts,
    )
    name = hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return _cache_folder() / "feedhub" / f"{name}.sqlite"


def _cache_folder() -> Path:
    """Return the user's cache folder (XDG Base Directory); a library for it costs 33 ms of import."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):  # noqa: PTH117 - the text as given; relative ones are ignored
        return Path(given)
    home = Path.home()
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
