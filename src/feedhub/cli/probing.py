"""`feedhub probe`: asks for what is not known of images, and tells what came of it."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import closing
from typing import TYPE_CHECKING

from feedhub import __version__
from feedhub.catalog import Catalog, leave_readable
from feedhub.cli.console import detail, quiet
from feedhub.cli.output import progress
from feedhub.cli.places import catalog_place, check_named, check_source, config_of, tell_places
from feedhub.errors import CatalogError
from feedhub.site.settings import config_of_catalog

if TYPE_CHECKING:
    from argparse import Namespace

    from feedhub.catalog.images import State
    from feedhub.probe import ProbeReport

_WORDS: dict[State, str] = {
    "known": "known now",
    "none": "no image",
    "gone": "not there",
    "failing": "failing",
    "busy": "at a busy host",
}


def probe(options: Namespace) -> int:
    """Ask for what the images in a catalog lack; the next sync or render tells it to readers."""
    check_named(options, "whose images")
    config = config_of(options)
    if options.source is not None:
        check_source(options)
    place = catalog_place(options, config)
    tell_places(options, config, place)
    start = time.monotonic()
    try:
        with closing(Catalog(place, kept=True)) as catalog:
            if catalog.noted("private") == "True":
                raise CatalogError(f"{place}: this catalog holds drafts, of which nobody hears")
            report = _asked(options, catalog, config_of_catalog(catalog).site.base_url)
    finally:
        leave_readable(place)
    _tell(options, report, time.monotonic() - start)
    return 0


def _asked(options: Namespace, catalog: Catalog, site: str) -> ProbeReport:
    from feedhub.http_client import HttpClient
    from feedhub.probe import PAUSE, probe

    agent = f"feedhub/{__version__} (+{site}/)"

    async def run() -> ProbeReport:
        with progress(" images") as on_progress:
            async with HttpClient(agent, pause=PAUSE) as client:
                return await probe(
                    catalog,
                    client,
                    days=options.days,
                    seconds=options.seconds,
                    on_progress=on_progress,
                )

    return asyncio.run(run())


def _tell(options: Namespace, report: ProbeReport, seconds: float) -> None:
    for url, reason in report.errors:
        detail(f"{url}: {reason}")
    states = {state: report.states.get(state, 0) for state in _WORDS}
    if options.json:
        numbers = {"asked": report.requested} | states | {"left": report.left}
        print(json.dumps({"images": numbers, "seconds": round(seconds, 3)}))
    elif not quiet():
        told = [f"{count} {_WORDS[state]}" for state, count in states.items() if count]
        told = [f"{report.requested} asked for", *told, f"{report.left} left"]
        print(f"images: {', '.join(told)}; {seconds:.2f} seconds")
