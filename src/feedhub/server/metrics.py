"""The metrics that one server process counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)

# If several processes count together, prometheus-client wants a folder for their counts here.
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Seconds. Nearly every response is a 304, which takes less than the smallest.
REQUEST_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_BUILD_BUCKETS = REQUEST_BUCKETS[2:]

# When a counter was created is a second series for each that no alert or dashboard uses.
disable_created_metrics()  # type: ignore[no-untyped-call]


class RequestCounts:
    """Requests and bytes of one format and status that Prometheus has not got yet."""

    __slots__ = ("requests", "size")

    def __init__(self) -> None:
        self.requests = self.size = 0


class BatchHistogram(Histogram):
    """A histogram that takes many values at once: `observe` costs as much as a whole 304."""

    def observe_all(self, values: Collection[float]) -> None:
        """Count values, as `observe` would each of them."""
        self._sum.inc(sum(values))
        for bound, bucket in zip(self._upper_bounds, self._buckets, strict=True):
            if not values:
                return  # nearly always after the first bucket
            larger = [value for value in values if value > bound]
            if len(larger) < len(values):
                bucket.inc(len(values) - len(larger))
            values = larger


class Metrics:
    """The metrics of one process; with MULTIPROCESS_FOLDER set they are added up on disk."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "feedhub_requests",
            "Requests by format and status.",
            ["format", "status"],
            registry=self.registry,
        )
        self._bytes = Counter(
            "feedhub_response_bytes", "Bytes of the bodies sent.", registry=self.registry
        )
        self.request_seconds = BatchHistogram(
            "feedhub_request_seconds",
            "Seconds from each request to the last byte of its response.",
            buckets=REQUEST_BUCKETS,
            registry=self.registry,
        )
        self.build_seconds = Histogram(
            "feedhub_build_seconds",
            "Seconds to build a document.",
            buckets=_BUILD_BUCKETS,
            registry=self.registry,
        )
        self.errors = Counter(
            "feedhub_errors",
            "Requests that failed because of an unexpected error.",
            registry=self.registry,
        )
        self.connection_errors = Counter(
            "feedhub_connection_errors",
            "Connections that ended because of an unexpected error.",
            registry=self.registry,
        )
        self.cache_bytes = Gauge(
            "feedhub_cache_bytes",
            "Bytes of the built documents in memory.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.event_streams = Gauge(
            "feedhub_event_streams",
            "Open streams of changes.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.events = Counter(
            "feedhub_events", "Events with articles that streams were sent.", registry=self.registry
        )
        self.event_streams_refused = Counter(
            "feedhub_event_streams_refused",
            "Streams that were refused, for too many are open.",
            registry=self.registry,
        )
        self.event_streams_dropped = Counter(
            "feedhub_event_streams_dropped",
            "Streams that were closed because the client read too slowly.",
            registry=self.registry,
        )
        self.cached_resources = Gauge(
            "feedhub_cached_resources",
            "Addresses of which the tags and header fields are in memory.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._counts: dict[tuple[str, int], RequestCounts] = {}

    def counts(self, format_name: str, status: int) -> RequestCounts:
        """Return the counts of a format and a status; `format_name` may be ""."""
        return self._counts.setdefault((format_name, status), RequestCounts())

    def flush(self) -> None:
        """Pass the counts on to Prometheus.

        Each call of its client costs as much as a whole 304, so it is not called for each request.
        """
        for (name, status), counts in self._counts.items():
            if counts.requests:
                self._requests.labels(name or "none", status).inc(counts.requests)
                self._bytes.inc(counts.size)
                counts.requests = counts.size = 0
