"""Asking servers of images for what the files of articles do not say: type, length, size.

Only images of published articles are asked for, one at a time from each host, and the answers are
kept in the catalog; the next sync puts them into the feeds.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feedhub.catalog.images import ImageRecord
from feedhub.probe.asking import ask
from feedhub.probe.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from feedhub.catalog import Catalog
    from feedhub.catalog.images import State, Wanted
    from feedhub.probe.asking import Outcome

__all__ = ["Report", "Wire", "probe"]

_HOUR, _DAY = 3_600, 86_400
# Hosts that are asked side by side, and how many failures end a visit to one.
_HOSTS, _TRIALS = 8, 3
# Answers that are kept together.
_BATCH = 20
# Seconds until an image is asked for again: the first wait, twice as long after each further
# failure, and the longest.
_WAITS = {"gone": _DAY, "failing": _HOUR, "busy": _HOUR}
_LONGEST = 30 * _DAY


@dataclass(slots=True)
class Report:
    """What came of a round: images by state, how many were left for the next, what was wrong.

    `troubles` are an address and what is wrong with it.
    """

    states: dict[State, int] = field(default_factory=dict)
    left: int = 0
    troubles: list[tuple[str, str]] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many images were asked for."""
        return sum(self.states.values())


async def probe(
    catalog: Catalog,
    wire: Wire,
    *,
    days: int,
    seconds: float,
    on_progress: Callable[[], object] = lambda: None,
) -> Report:
    """Ask for what the catalog's images lack, and keep the answers; return what came of it.

    What is known, or is no image, is asked for again after `days`. No request begins when `seconds`
    are over; the rest is left for the next round. `on_progress` is called for each image. Raises
    CatalogError.
    """
    return await _Round(catalog, wire, days=days, seconds=seconds, on_progress=on_progress).run()


@dataclass(slots=True)
class _Host:
    """What is still to be asked of one host, and how often it failed in a row."""

    images: deque[Wanted] = field(default_factory=deque)
    failed: int = 0


class _Round:
    """One round: hosts side by side, taking turns, the images of one after the other."""

    def __init__(
        self,
        catalog: Catalog,
        wire: Wire,
        *,
        days: int,
        seconds: float,
        on_progress: Callable[[], object],
    ) -> None:
        self._catalog = catalog
        self._wire = wire
        self._again = days * _DAY
        self._end = time.monotonic() + seconds
        self._on_progress = on_progress
        self._report = Report()
        self._answers: list[ImageRecord] = []
        self._version, self._used = catalog.version(), catalog.images.used()

    async def run(self) -> Report:
        """Ask all hosts; what was learned is kept whatever ends the round."""
        hosts: defaultdict[str, _Host] = defaultdict(_Host)
        for wanted in self._catalog.images.wanted(int(time.time())):
            hosts[urlsplit(wanted.url).netloc].images.append(wanted)
        waiting = deque(hosts.values())
        total = sum(len(host.images) for host in waiting)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_HOSTS):
                    group.create_task(self._ask_in_turn(waiting))
        except ExceptionGroup as failed:  # the first has ended the others
            raise failed.exceptions[0] from None
        finally:
            self._keep()
        self._report.left = total - self._report.asked
        return self._report

    async def _ask_in_turn(self, waiting: deque[_Host]) -> None:
        """Ask one thing of host after host: none waits until another has told all it has."""
        while waiting and time.monotonic() < self._end:
            host = waiting.popleft()
            if await self._ask(host):
                waiting.append(host)

    async def _ask(self, host: _Host) -> bool:
        """Ask for the next image; tell whether the host may be asked for another.

        One that is busy or does not answer is left alone.
        """
        wanted = host.images.popleft()
        if self._is_used(wanted.url):
            outcome = await ask(self._wire, wanted.url, sized=wanted.sized)
            self._take(wanted, outcome)
            host.failed = host.failed + 1 if outcome.state == "failing" else 0
            if outcome.state == "busy":
                return False
        return bool(host.images) and host.failed < _TRIALS

    def _is_used(self, url: str) -> bool:
        """Tell whether a published article has the image still: another process may have synced."""
        version = self._catalog.version()
        if version != self._version:
            self._version, self._used = version, self._catalog.images.used()
        return url in self._used

    def _take(self, wanted: Wanted, outcome: Outcome) -> None:
        states = self._report.states
        states[outcome.state] = states.get(outcome.state, 0) + 1
        if outcome.reason:
            self._report.troubles.append((wanted.url, outcome.reason))
        self._answers.append(self._answer(wanted, outcome))
        self._on_progress()
        if len(self._answers) >= _BATCH:
            self._keep()

    def _answer(self, wanted: Wanted, outcome: Outcome) -> ImageRecord:
        now, first = int(time.time()), _WAITS.get(outcome.state)
        if first is None:
            return ImageRecord(wanted.url, outcome.state, now, now + self._again, 0, outcome.facts)
        wait = max(first * 2 ** min(wanted.failures, 10), outcome.after)
        again = now + int(min(wait, _LONGEST))
        return ImageRecord(wanted.url, outcome.state, now, again, wanted.failures + 1)

    def _keep(self) -> None:
        """Keep what was learned of images that are still used."""
        answers, self._answers = self._answers, []
        if answers:
            self._catalog.images.put(a for a in answers if self._is_used(a.url))
