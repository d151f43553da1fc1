"""The probe: asks servers for what article files do not say of images, audio and video.

That is type, length and size in pixels. Only what published articles name is looked up, one file at
a time from each host. The catalog keeps the results, and the next sync puts them into the feeds.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from feedhub.catalog import Catalog
from feedhub.catalog.images import ImageRecord, State, WantedImage
from feedhub.http_client import HttpClient
from feedhub.probe.lookup import IMAGE, MEDIA, LookupResult, look_up

__all__ = ["PAUSE", "ProbeReport", "probe"]

PAUSE = 0.5  # seconds between two requests to one host
_HOUR, _DAY = 3_600, 86_400
_PARALLEL_HOSTS = 8
_MAX_FAILURES = 3  # in a row: then a host is left alone until the next run
_BATCH = 20  # records that are written together
# Seconds until an image is looked up again: after the first failure, twice as long after each
# further one, and at most.
_FIRST_RETRY = {"gone": _DAY, "failing": _HOUR, "busy": _HOUR}
_MAX_RETRY = 30 * _DAY


@dataclass(slots=True)
class ProbeReport:
    """The results of a run: how many images by state, and how many are left for the next.

    `errors` are pairs of an address and what is wrong with it.
    """

    states: dict[State, int] = field(default_factory=dict)
    left: int = 0
    errors: list[tuple[str, str]] = field(default_factory=list)

    @property
    def requested(self) -> int:
        """How many images were looked up."""
        return sum(self.states.values())


async def probe(
    catalog: Catalog,
    client: HttpClient,
    *,
    days: int,
    seconds: float,
    on_progress: Callable[[], object] = lambda: None,
) -> ProbeReport:
    """Look up what the catalog's images lack, write the results and report them.

    What is known, or is no image, is looked up again after `days`. No request begins after
    `seconds`; the rest is left for the next run. `on_progress` is called for each image. Raises
    CatalogError.
    """
    return await ProbeRun(catalog, client, days, seconds, on_progress).run()


@dataclass(slots=True)
class HostQueue:
    """The images to look up at one host, and how many in a row failed."""

    images: deque[WantedImage] = field(default_factory=deque)
    failures: int = 0


@dataclass(slots=True)
class ProbeRun:
    """One run over all hosts: some in parallel, by turns, the images of each one by one."""

    catalog: Catalog
    client: HttpClient
    days: int
    seconds: float
    on_progress: Callable[[], object]
    start: float = field(default_factory=time.monotonic)
    report: ProbeReport = field(default_factory=ProbeReport)
    records: list[ImageRecord] = field(default_factory=list)  # not written yet
    version: int = -1  # of the catalog that `used` is of
    used: set[str] = field(default_factory=set)

    async def run(self) -> ProbeReport:
        """Look up all images; the results are written, whatever ends the run."""
        hosts: defaultdict[str, HostQueue] = defaultdict(HostQueue)
        for wanted in self.catalog.images.wanted(int(time.time())):
            hosts[urlsplit(wanted.url).netloc].images.append(wanted)
        waiting = deque(hosts.values())
        total = sum(len(host.images) for host in waiting)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_PARALLEL_HOSTS):
                    group.create_task(self._work(waiting))
        except ExceptionGroup as failed:  # the first has ended the others
            raise failed.exceptions[0] from None
        finally:
            self._write()
        self.report.left = total - self.report.requested
        return self.report

    async def _work(self, waiting: deque[HostQueue]) -> None:
        """Look up one image of each waiting host in turn, until all are done or time is over.

        A host that is busy, or fails too often, is left alone.
        """
        while waiting and time.monotonic() < self.start + self.seconds:
            host = waiting.popleft()
            wanted = host.images.popleft()
            if self._is_used(wanted.url):
                kind = MEDIA if wanted.is_media else IMAGE
                result = await look_up(self.client, wanted.url, sized=wanted.sized, kind=kind)
                self._record(wanted, result)
                host.failures = host.failures + 1 if result.state == "failing" else 0
                if result.state == "busy":
                    continue
            if host.images and host.failures < _MAX_FAILURES:
                waiting.append(host)

    def _is_used(self, url: str) -> bool:
        """Return whether a published article still has the image: another process may sync."""
        version = self.catalog.version()
        if version != self.version:
            self.version, self.used = version, self.catalog.images.used()
        return url in self.used

    def _record(self, wanted: WantedImage, result: LookupResult) -> None:
        """Count a result, and note when the image may be looked up again."""
        states = self.report.states
        states[result.state] = states.get(result.state, 0) + 1
        if result.reason:
            self.report.errors.append((wanted.url, result.reason))
        now, failures, wait = int(time.time()), 0, float(self.days * _DAY)
        if first := _FIRST_RETRY.get(result.state):
            failures = wanted.failures + 1
            wait = max(first * 2 ** min(wanted.failures, 10), result.retry_after)
            wait = min(wait, _MAX_RETRY)
        self.records.append(
            ImageRecord(wanted.url, result.state, now, now + int(wait), failures, result.facts)
        )
        self.on_progress()
        if len(self.records) >= _BATCH:
            self._write()

    def _write(self) -> None:
        """Write the records of images that are still used."""
        records, self.records = self.records, []
        if records:
            self.catalog.images.put(record for record in records if self._is_used(record.url))
