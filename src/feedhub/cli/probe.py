"""`feedhub probe`: request what articles do not say of images, audio and video, and print it."""

from __future__ import annotations

import asyncio
import json
import time
from argparse import ArgumentParser, Namespace
from contextlib import closing
from typing import TYPE_CHECKING

from feedhub import __version__
from feedhub.catalog import Catalog, SyncState, leave_readable, name_of
from feedhub.catalog.images import State
from feedhub.cli import console, options
from feedhub.errors import CatalogError
from feedhub.site.settings import config_of_catalog

# httpx takes long to load, and --help and completion do not need it.
if TYPE_CHECKING:
    from feedhub.probe import ProbeReport

EXAMPLES = ("articles", "--catalog /var/lib/feedhub/catalog.db --seconds 3600")
# How the summary names each state of an image.
STATE_NAMES: dict[State, str] = {
    "known": "found",
    "none": "of another type",
    "gone": "missing",
    "failing": "failed",
    "busy": "at a busy host",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    options.add_catalog_input(parser)
    parser.add_argument(
        "--days",
        metavar="N",
        type=options.integer(1, 1_000),
        default=90,
        help="request known images again after N days; default: 90",
    )
    parser.add_argument(
        "--seconds",
        metavar="N",
        type=options.integer(1, 604_800),
        default=600,
        help="start no request after N seconds; the next run does the rest; default: 600",
    )
    options.add_json(parser, "summary")


def run(args: Namespace) -> int:
    """Request images and save the results; the next sync or render puts them into the feeds."""
    options.require_input(args)
    config = options.config_of(args)
    if args.source is not None:
        options.check_source(args)
    path = options.catalog_path(args, config)
    options.debug_inputs(args, config, path)
    start = time.monotonic()
    try:
        with closing(Catalog.open_existing(path, read_only=False)) as catalog:
            if catalog.read(SyncState).private:
                raise CatalogError(
                    f"{name_of(path)}: the catalog contains drafts; probe a public one"
                )
            report = asyncio.run(probe_images(args, catalog))
    finally:
        leave_readable(path)
    for url, reason in report.errors:
        console.debug(f"{url}: {reason}")
    seconds = time.monotonic() - start
    counts = {state: report.states.get(state, 0) for state in STATE_NAMES}
    if args.json:
        images = {"requested": report.requested} | counts | {"left": report.left}
        print(json.dumps({"images": images, "seconds": round(seconds, 3)}))
    elif not console.is_quiet():
        results = [f"{count} {STATE_NAMES[state]}" for state, count in counts.items() if count]
        summary = ", ".join([f"{report.requested} requested", *results, f"{report.left} left"])
        print(f"images: {summary}; {seconds:.2f} seconds")
    return 0


async def probe_images(args: Namespace, catalog: Catalog) -> ProbeReport:
    """Request the images of a catalog within the limits of the options."""
    from feedhub.http_client import HttpClient
    from feedhub.probe import PAUSE, probe

    # The address tells an administrator who sends the requests.
    agent = f"feedhub/{__version__} (+{config_of_catalog(catalog).site.base_url}/)"
    with console.progress(" images") as on_progress:
        async with HttpClient(agent, pause=PAUSE) as client:
            return await probe(
                catalog, client, days=args.days, seconds=args.seconds, on_progress=on_progress
            )
