"""The recorder of responses: it counts them, and writes their log lines in batches."""

from __future__ import annotations

from typing import NamedTuple

from feedhub.server.logs import AccessLog, AccessRecord, Client, LineParts, TimedLine
from feedhub.server.metrics import Metrics, RequestCounts

# Lines that are written at once: the next request waits a tenth of a millisecond for them.
MAX_BATCH = 128


class RequestLabels(NamedTuple):
    """The parts of a record that equal responses within one second share.

    Only the client and the time that it took differ. `size` is that of the body in bytes.
    """

    line: LineParts
    counts: RequestCounts
    size: int


class RequestRecorder:
    """Records responses in the order in which they are sent.

    To write a hundred lines at once takes a fifth of the time of writing each with its request;
    thousands at once would hold up the next request.
    """

    def __init__(self, log: AccessLog, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics
        self._pending: list[TimedLine] = []

    def record(self, labels: RequestLabels, client: Client, seconds: float) -> None:
        """Record a response, sent to `client` so many seconds after its request came.

        A full batch is written.
        """
        line, counts, size = labels
        counts.requests += 1
        counts.size += size
        self._pending.append((line, client, seconds))
        if len(self._pending) >= MAX_BATCH:
            self.flush()

    def labels(self, record: AccessRecord, format_name: str, second: int) -> RequestLabels:
        """Return the labels of a response; `format_name` is "" unless it is a document."""
        counts = self._metrics.counts(format_name, record.status)
        return RequestLabels(self._log.line_parts(record, second), counts, record.size)

    def flush(self) -> None:
        """Write the pending lines to the log, and count how long they took."""
        self._log.add(self._pending)
        self._metrics.request_seconds.observe_all([seconds for _, _, seconds in self._pending])
        self._pending.clear()
        self._log.flush()

    def flush_all(self) -> None:
        """Write the pending lines, and pass the counts on to Prometheus."""
        self.flush()
        self._metrics.flush()
