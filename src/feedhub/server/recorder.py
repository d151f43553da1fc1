"""What is noted of answers: counts, and a line of the log for each, written up in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from feedhub.server.access_log import AccessLog, Client, Exchange, Line, Noted
    from feedhub.server.metrics import Metrics, Tally

# Lines that are written up at once: who asks meanwhile waits for a tenth of a millisecond.
_MOST = 128


class RequestLabels(NamedTuple):
    """Equal answers to equal requests of one second: only who asks, and how long it takes, differ.

    `size` is that of a body in bytes.
    """

    line: Line
    tally: Tally
    size: int


class RequestRecorder:
    """Notes answers in the order in which they go out.

    Writing up a hundred lines takes a fifth of the time of writing up each beside its request;
    writing up thousands at once would hold up whoever asks next.
    """

    def __init__(self, log: AccessLog, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics
        self._noted: list[Noted] = []

    def note(self, labels: RequestLabels, client: Client, seconds: float) -> None:
        """Note an answer to a client, `seconds` from its request until its last byte was handed on.

        With so many that it is worth it, all are written up.
        """
        line, tally, size = labels
        tally.answers += 1
        tally.size += size
        tally.seconds += seconds
        self._noted.append((line, client, seconds))
        if len(self._noted) >= _MOST:
            self.write_up()

    def labels(self, exchange: Exchange, name: str, second: int) -> RequestLabels:
        """Return where equal answers are noted; `name` is the format of a document or ""."""
        tally = self._metrics.tally(name, exchange.status)
        return RequestLabels(self._log.line(exchange, second), tally, exchange.size)

    def write_up(self) -> None:
        """Have the lines of what was noted written."""
        self._log.add(self._noted)
        self._noted.clear()
        self._log.flush()

    def settle(self) -> None:
        """Write up, and have the counts handed on."""
        self.write_up()
        self._metrics.settle()
