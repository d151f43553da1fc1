"""The metrics that one server process counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# If several processes count together, prometheus-client wants a folder for their counts here.
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds


class RequestCounts:
    """Requests, bytes and seconds of one format and status that Prometheus has not got yet."""

    __slots__ = ("requests", "seconds", "size")

    def __init__(self) -> None:
        self.requests = self.size = 0
        self.seconds = 0.0


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
        self._seconds = Counter(
            "feedhub_request_seconds",
            "Seconds from each request to the last byte of its response.",
            registry=self.registry,
        )
        self.build_seconds = Histogram(
            "feedhub_build_seconds",
            "Seconds to build a document.",
            buckets=_BUCKETS,
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
                self._seconds.inc(counts.seconds)
                counts.requests = counts.size = 0
                counts.seconds = 0.0
