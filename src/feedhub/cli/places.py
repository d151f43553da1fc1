"""Where a command reads and remembers: its configuration, its source, its catalog."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.cli.console import detail, remark, verbose
from feedhub.config import Config, SiteConfig, load_config
from feedhub.errors import ConfigError
from feedhub.sources import open_source

if TYPE_CHECKING:
    from argparse import Namespace


def config_of(options: Namespace) -> Config:
    """Return the configuration that a command's options, the environment and the file give."""
    formats = getattr(options, "formats", None)
    overrides = {
        "site.base_url": options.base_url,
        "feeds.formats": None if formats is None else [name.strip() for name in formats.split(",")],
    }
    config = load_config(options.config, os.environ, overrides)
    return _decided(config, served=getattr(options, "command", "") in ("serve", "sync"))


def _decided(config: Config, *, served: bool) -> Config:
    """Return the configuration with a word for each `auto`: what only a server can do."""

    def decided(word: str, auto: str = "yes" if served else "no") -> str:
        return auto if word == "auto" else word

    feeds = config.feeds
    search = decided(feeds.search)
    builder = decided(feeds.builder, search)  # which is of no use where nobody answers
    feeds = replace(feeds, builder=builder, search=search, stories=decided(feeds.stories))
    return replace(config, feeds=feeds)


def warn_of_default_address(config: Config) -> None:
    """Say that nobody has configured where the feeds are published."""
    address = SiteConfig().base_url
    if config.site.base_url == address:
        advice = "give --base-url, or set site.base_url"
        remark(f"every address begins with {address}: {advice}")


def tell_places(options: Namespace, config: Config, catalog: Path | None = None) -> None:
    """Say to whom it interests what is read and where it is kept."""
    if not verbose():
        return
    file = options.config or Path("feedhub.toml")
    there = file.is_file()
    detail(f"configuration: {file}" if there else "configuration: no feedhub.toml, so the defaults")
    variables = sorted(name for name in os.environ if name.startswith("FEEDHUB_"))
    if variables:
        detail(f"variables: {', '.join(variables)}")
    detail(f"addresses begin with {config.site.base_url}")
    if catalog is not None:
        detail(f"catalog: {catalog}")


def check_named(options: Namespace, what: str) -> None:
    """Raise ConfigError where neither a source nor a catalog is named; `what` is wanted of it."""
    if options.source is None and options.catalog is None:
        raise ConfigError(f"say {what}: SOURCE, or --catalog FILE that feedhub sync keeps")


def check_source(options: Namespace) -> None:
    """Raise ConfigError where there is nothing to read at the source's address."""
    open_source(options.source).check()


def catalog_place(options: Namespace, config: Config) -> Path:
    """Return the catalog's file: by default one in the cache for each source and configuration.

    A server has one of its own: a render with other flags must not take it away.
    """
    if options.catalog:
        return Path(options.catalog)
    parts = (
        open_source(options.source).key,
        options.config and os.path.realpath(options.config),
        config.site.base_url,
        options.drafts,
        *(["serve"] if options.command == "serve" else []),
    )
    name = hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return _cache_folder() / "feedhub" / f"{name}.sqlite"


def _cache_folder() -> Path:
    """Return the user's cache folder (XDG Base Directory); importing a library costs 33 ms."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):  # noqa: PTH117 - the text as given; relative ones are ignored
        return Path(given)
    home = Path.home()
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"
