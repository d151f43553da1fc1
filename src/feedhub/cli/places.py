"""Where a command reads and remembers: its configuration, its source, its catalog."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from feedhub.config import Config, SiteConfig, load_config
from feedhub.errors import ConfigError

if TYPE_CHECKING:
    from argparse import Namespace


def config_of(options: Namespace) -> Config:
    """Return the configuration that a command's options, the environment and the file give."""
    formats = getattr(options, "formats", None)
    overrides = {
        "site.base_url": options.base_url,
        "feeds.formats": None if formats is None else [name.strip() for name in formats.split(",")],
    }
    return load_config(options.config, os.environ, overrides)


def warn_of_default_address(config: Config) -> None:
    """Say that nobody has configured where the feeds are published."""
    address = SiteConfig().base_url
    if config.site.base_url == address:
        advice = "give --base-url, or set site.base_url"
        print(f"feedhub: every address begins with {address}: {advice}", file=sys.stderr)


def check_source(options: Namespace) -> None:
    """Raise ConfigError where the source is no folder."""
    place: Path = options.source
    if not place.is_dir():
        what = "is not a folder" if place.exists() else "does not exist"
        raise ConfigError(f"{place}: {what}; SOURCE is the folder of article files")


def catalog_place(options: Namespace, config: Config) -> Path:
    """Return the catalog's file: by default one in the cache for each source and configuration.

    A server has one of its own: a render with other flags must not take it away.
    """
    if options.catalog:
        return Path(options.catalog)
    parts = (
        os.path.realpath(options.source),
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
