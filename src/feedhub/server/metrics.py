"""What Prometheus can ask of the server: answers, builds, and the state of the catalog."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

    from feedhub.server.status import Status

# Where several processes count together, prometheus-client wants a folder for their counts here.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Tally:
    """What was counted of answers that are counted together, and not handed on yet."""

    __slots__ = ("answers", "seconds", "size")

    def __init__(self) -> None:
        self.answers = self.size = 0
        self.seconds = 0.0


class Metrics:
    """The counts of one process; with FOLDER in the environment they are added up on disk."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "feedhub_requests", "Answers.", ["format", "status"], registry=self.registry
        )
        self._bytes = Counter(
            "feedhub_response_bytes", "Bytes of bodies sent.", registry=self.registry
        )
        self._seconds = Counter(
            "feedhub_request_seconds",
            "Seconds between requests and the last bytes of their answers.",
            registry=self.registry,
        )
        self.build_seconds = Histogram(
            "feedhub_build_seconds",
            "Seconds to build a document.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.faults = Counter(
            "feedhub_faults", "Documents that could not be built.", registry=self.registry
        )
        self.kept = Gauge(
            "feedhub_kept_bytes",
            "Bytes of documents kept ready.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._tallies: dict[tuple[str, int], Tally] = {}

    def tally(self, name: str, status: int) -> Tally:
        """Return where answers are counted; `name` is the format of a document, or ""."""
        return self._tallies.setdefault((name, status), Tally())

    def settle(self) -> None:
        """Hand on what was counted: each call of the library costs as much as a whole answer."""
        for (name, status), tally in self._tallies.items():
            if tally.answers:
                self._answers.labels(name or "none", status).inc(tally.answers)
                self._bytes.inc(tally.size)
                self._seconds.inc(tally.seconds)
                tally.answers = tally.size = 0
                tally.seconds = 0.0


class _CatalogCollector(Collector):
    """The state of the catalog at the moment somebody asks."""

    def __init__(self, status: Callable[[], Status]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        single = {
            "feedhub_ready": ("Whether there is something to serve.", status.ready),
            "feedhub_sync_failing": (
                "Whether what is served does not follow the articles.",
                bool(status.problem),
            ),
            "feedhub_sync_timestamp_seconds": ("When the last good sync ended.", status.synced),
            "feedhub_sync_seconds": ("How long it took.", status.seconds),
            "feedhub_generation": ("How many syncs have changed a feed.", status.generation),
            "feedhub_documents": ("Documents of the site.", status.documents),
            "feedhub_rejected_files": ("Files with errors.", status.rejected),
        }
        if status.hub is not None:
            hub = status.hub
            single |= {
                "feedhub_hub_failing": ("Whether the hub cannot be told.", bool(hub.problem)),
                "feedhub_hub_told_timestamp_seconds": ("When it was told last.", hub.told),
                "feedhub_pings_waiting": ("Addresses it is to be told of.", hub.waiting),
            }
        for name, (about, value) in single.items():
            yield GaugeMetricFamily(name, about, value=float(value))
        articles = GaugeMetricFamily("feedhub_articles", "Files by state.", labels=["state"])
        for state, count in status.articles.items():
            articles.add_metric([state], count)
        yield articles
        restarts = CounterMetricFamily(
            "feedhub_process_restarts",
            "How often a process beside the server had to be started again.",
            labels=["process"],
        )
        for name, beside in status.processes.items():
            restarts.add_metric([name], beside.restarts)
        yield restarts


def exposition(own: Metrics, status: Callable[[], Status]) -> bytes:
    """Return everything in the text format of Prometheus."""
    own.settle()
    registry = CollectorRegistry()
    if FOLDER in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Passed(own.registry))
    registry.register(_CatalogCollector(status))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return generate_latest(registry)


class _Passed(Collector):
    """The metrics of another registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        yield from self._registry.collect()
