"""The options that several commands share: their arguments, and what their values stand for."""

from __future__ import annotations

import hashlib
import os
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from feedhub.catalog import Catalog, CatalogAddress, Changes, is_address, name_of
from feedhub.cli import console
from feedhub.config import CONFIG_FILE, SECRETS, Config, SiteConfig, load_config
from feedhub.errors import ConfigError, DamagedError
from feedhub.site import Site, source_of
from feedhub.sources import Source, open_source

T = TypeVar("T")
# Why an article is not published, in the order of a summary, and how that is written.
HIDDEN_STATES = {
    "unpublished": "unpublished",
    "removed": "removed",
    "scheduled": "scheduled",
    "expired": "expired",
    "undated": "undated",
    "repeated": "at the address of another",
    "plain": "without front matter",
}
# Of the processes that a server starts: those that serve requests come first.
NICENESS = 10


def path(text: str) -> Path:
    """Return a path; refuse an empty one, which an unset variable of a shell gives."""
    if not text:
        raise ArgumentTypeError("the path is empty: give a file or folder")
    return Path(text)


def source(text: str) -> str:
    """Return the address of a source; a path as pathlib writes it: `./articles` is `articles`."""
    return text if "://" in text else str(path(text))


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return an argument type for whole numbers from `low` to `high`."""

    def parse(text: str) -> int:
        if text.isdecimal() and low <= int(text) <= high:
            return int(text)
        raise ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")

    return parse


def add_source(
    parser: ArgumentParser, about: str = "folder of article files", *, required: bool = True
) -> None:
    """Add the folder of article files."""
    nargs = None if required else "?"
    parser.add_argument("source", metavar="SOURCE", type=source, nargs=nargs, help=about)


def catalog(text: str) -> CatalogAddress:
    """Return the address of a catalog: of a file, or of a PostgreSQL database."""
    return text if is_address(text) else path(text)


def add_catalog(parser: ArgumentParser, about: str, *, required: bool = False) -> None:
    """Add the file of the catalog, or the address of its database."""
    parser.add_argument("--catalog", metavar="PATH", type=catalog, required=required, help=about)


def add_config(parser: ArgumentParser) -> None:
    """Add the configuration file and the address of the site."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=path,
        help="configuration file; default: feedhub.toml, if it exists",
    )
    parser.add_argument(
        "--base-url", metavar="URL", help="where the feeds are published; overrides site.base_url"
    )


def add_catalog_input(parser: ArgumentParser) -> None:
    """Add SOURCE or --catalog, for a command that uses the catalog that another has written.

    It is never one of drafts: no other server may learn of them.
    """
    about = "folder that was given to feedhub render, to find its catalog"
    add_source(parser, about, required=False)
    add_config(parser)
    add_catalog(parser, "catalog that feedhub render or sync has written")
    parser.set_defaults(drafts=False)


def add_formats(parser: ArgumentParser) -> None:
    """Add the formats of the feeds."""
    parser.add_argument(
        "--formats", metavar="LIST", help="such as rss,atom,json; overrides feeds.formats"
    )


def add_drafts(parser: ArgumentParser) -> None:
    """Add the switch that includes unpublished articles."""
    parser.add_argument(
        "--drafts",
        action="store_true",
        help="include unpublished articles, for a preview; every title then says so",
    )


def add_watch(parser: ArgumentParser, about: str) -> None:
    """Add the switch that keeps a command running."""
    parser.add_argument("--watch", action="store_true", help=about)


def add_permissions(parser: ArgumentParser) -> None:
    """Add the switches that allow what is refused because it is rarely meant."""
    parser.add_argument(
        "--allow-shrink",
        action="store_true",
        help="publish even if nothing, or less than half of what was published, is left",
    )
    parser.add_argument(
        "--accept-new-ids",
        action="store_true",
        help="publish even if the ids of published articles change; readers show them all as new",
    )


def add_workers(parser: ArgumentParser) -> None:
    """Add how many processes share the work."""
    parser.add_argument(
        "--workers",
        metavar="N",
        type=integer(1, 1_000),
        help="processes that read and write; default: one for each processor, up to 8",
    )


def add_json(parser: ArgumentParser, what: str) -> None:
    """Add the switch that prints the result as JSON."""
    parser.add_argument("--json", action="store_true", help=f"print the {what} as JSON")


def hidden_articles(changes: Changes) -> dict[str, int]:
    """Return how many articles are not published, by state, in the order of HIDDEN_STATES."""
    return {state: changes.states[state] for state in HIDDEN_STATES if changes.states.get(state)}


def describe_articles(changes: Changes) -> str:
    """Return the line of a summary that counts the articles."""
    hidden = hidden_articles(changes)
    reasons = ", ".join(f"{count} {HIDDEN_STATES[state]}" for state, count in hidden.items())
    return (
        f"articles: {changes.articles} found, {changes.read} read, {changes.published} published, "
        f"{sum(hidden.values())} hidden{f' ({reasons})' if reasons else ''}, "
        f"{changes.rejected} rejected"
    )


def add_parent(parser: ArgumentParser) -> None:
    """Add what a server tells the processes that it starts; the help does not name it.

    They end when `--parent` is no longer their parent; without a base URL, `--listening` is it.
    """
    parser.add_argument("--parent", metavar="PID", type=int, help=SUPPRESS)
    parser.add_argument("--listening", metavar="URL", help=SUPPRESS)


def config_of(args: Namespace) -> Config:
    """Return the configuration of the file, the environment and the options of a command.

    `auto` is replaced: it means yes for a server, and no for a folder, where nothing answers a
    search; nor are there streams of changes.
    """
    formats = getattr(args, "formats", None)
    overrides = {
        "site.base_url": args.base_url,
        "feeds.formats": None if formats is None else [name.strip() for name in formats.split(",")],
    }
    config = load_config(args.config, os.environ, overrides)
    auto = "yes" if getattr(args, "command", "") in ("serve", "sync") else "no"
    feeds = config.feeds
    search = auto if feeds.search == "auto" else feeds.search
    builder = search if feeds.builder == "auto" else feeds.builder  # it builds searches
    stories = auto if feeds.stories == "auto" else feeds.stories
    feeds = replace(feeds, search=search, builder=builder, stories=stories)
    http = config.http if auto == "yes" else replace(config.http, events=0)
    listening = getattr(args, "listening", None)
    if listening and config.site.base_url == SiteConfig().base_url:
        config = at_base_url(config, listening)
    ids = config.source.ids and str((args.config or CONFIG_FILE).parent / config.source.ids)
    return replace(config, feeds=feeds, http=http, source=replace(config.source, ids=ids))


def is_configured(args: Namespace) -> bool:
    """Return whether a command has a configuration file or variables of its own."""
    own = (name for name in os.environ if not name.startswith(SECRETS))
    variables = any(name.startswith("FEEDHUB_") for name in own)
    return args.config is not None or CONFIG_FILE.exists() or variables


def at_base_url(config: Config, base_url: str) -> Config:
    """Return a configuration without a base URL of its own with the one of a server."""
    source = config.source
    if source.base_url == config.site.base_url:
        source = replace(source, base_url=base_url)
    return replace(config, site=replace(config.site, base_url=base_url), source=source)


def ids_files(config: Config) -> tuple[Path, ...]:
    """Return the file of adopted ids, whether it is there or not; none if none is configured."""
    return (Path(config.source.ids),) if config.source.ids else ()


def warn_of_default_url(config: Config, listening: str | None = None) -> None:
    """Warn if the address of the site has not been configured."""
    base_url = config.site.base_url
    if base_url in (SiteConfig().base_url, listening):
        console.warn(f"every address begins with {base_url}: set site.base_url or give --base-url")


def debug_inputs(args: Namespace, config: Config, catalog: CatalogAddress | None = None) -> None:
    """Print which configuration, variables and catalog are used, if --verbose is given."""
    file = args.config or CONFIG_FILE
    console.debug(
        f"configuration: {file}" if file.is_file() else "configuration: defaults, no feedhub.toml"
    )
    if variables := sorted(name for name in os.environ if name.startswith("FEEDHUB_")):
        console.debug(f"variables: {', '.join(variables)}")
    console.debug(f"base URL: {config.site.base_url}")
    if catalog is not None:
        console.debug(f"catalog: {name_of(catalog)}")


def require_input(args: Namespace) -> None:
    """Raise ConfigError if neither a source nor a catalog is given."""
    if args.source is None and args.catalog is None:
        raise ConfigError("give SOURCE or --catalog PATH")


def check_source(args: Namespace) -> None:
    """Raise ConfigError if there is nothing to read at the source's address."""
    open_source(args.source).check()


def catalog_path(args: Namespace, config: Config) -> CatalogAddress:
    """Return where the catalog is: by default a file for each source and configuration.

    A server has one of its own: a render with other options must not replace it.
    """
    if args.catalog:
        return catalog(str(args.catalog))
    identity = (
        open_source(args.source).key,
        args.config and os.path.realpath(args.config),
        config.site.base_url,
        args.drafts,
        *(["serve"] if args.command == "serve" else []),
    )
    name = hashlib.sha256(repr(identity).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return cache_folder() / "feedhub" / f"{name}.sqlite"


def ledger_path(address: CatalogAddress) -> Path:
    """Return the ledger of a sync: beside the catalog, or in the user's cache folder."""
    if isinstance(address, Path):
        return address.with_name(f"{address.name}.ledger")
    name = hashlib.sha256(name_of(address).encode()).hexdigest()[:16]
    folder = cache_folder() / "feedhub"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.ledger"


def cache_folder() -> Path:
    """Return the user's cache folder (XDG Base Directory); importing platformdirs costs 33 ms."""
    folder = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(folder):  # noqa: PTH117 - the standard says to ignore relative ones
        return Path(folder)
    home = Path.home()
    return home / "Library" / "Caches" if sys.platform == "darwin" else home / ".cache"


def report_damaged_ledger(path: Path) -> None:
    """Print that a ledger is of no use."""
    console.error(f"{path}: the ledger is damaged and is made anew; dates that it knew are lost")


class OpenCatalog:
    """The catalog of a command that uses it again and again: open from one time to the next.

    To close one seals it, and to open one checks the seal, both of which read all of it.
    """

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._identity: object = None

    def use(self, address: CatalogAddress, use: Callable[[Catalog], T]) -> T:
        """Return what `use` returns of the catalog; a damaged file is made anew first."""

        def report() -> None:
            console.error(f"{name_of(address)}: the catalog was damaged and is made anew")

        lost = self._catalog is None or self._catalog.is_lost()
        if lost or self._catalog is None or self._identity != identity_of(address):
            self.close()
            self._catalog = Catalog(address, on_damage=report)
            self._identity = identity_of(address)
        try:
            return use(self._catalog)
        except DamagedError:
            self._catalog.remove()
            self.close()
        report()
        self._catalog = Catalog(address)
        self._identity = identity_of(address)
        return use(self._catalog)

    def close(self) -> None:
        """Close the catalog; the next use opens it."""
        if self._catalog is not None:
            self._catalog.close()
            self._catalog = None


def identity_of(address: CatalogAddress) -> tuple[object, ...]:
    """Return what changes when the file at a path is removed or another takes its place."""
    try:
        status = Path(address).stat()
    except OSError:
        return (address,)
    return (address, status.st_dev, status.st_ino)


@contextmanager
def open_in_memory(args: Namespace) -> Iterator[tuple[Site, Catalog, Source]]:
    """Open the source with an empty catalog in memory, for a command that writes nothing."""
    config = config_of(args)
    check_source(args)
    debug_inputs(args, config)
    with closing(Catalog(None)) as catalog:
        checks = args.command == "check"
        source = source_of(args.source, config, drafts=args.drafts, unknown_keys=checks)
        yield Site(catalog, config, drafts=args.drafts), catalog, source
