"""What is noted of answers: a line of the log for each, and counts; written up in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from feedhub.app.access_log import AccessLog, Client, Exchange, Line
    from feedhub.app.metrics import Metrics, Tally


class Account(NamedTuple):
    """Equal answers to equal requests of one second: only who asks, and how long it takes, differ.

    `size` is that of a body in bytes.
    """

    line: Line
    tally: Tally
    size: int


class Ledger:
    """Notes answers in the order in which they go out.

    `note` takes an account, a client, and the seconds from a request until the last byte of its
    answer was handed on. It does no more than keep them: writing up many answers at once takes half
    the time of writing up each beside its request.
    """

    def __init__(self, log: AccessLog, metrics: Metrics) -> None:
        self._log = log
        self._metrics = metrics
        self._noted: list[tuple[Account, Client, float]] = []
        self.note = self._noted.append

    def account(self, exchange: Exchange, name: str, second: int) -> Account:
        """Return where equal answers are noted; `name` is the format of a document or ""."""
        tally = self._metrics.tally(name, exchange.status)
        return Account(self._log.line(exchange, second), tally, exchange.size)

    def write_up(self) -> None:
        """Hand what was noted to the log and to the counts."""
        self._log.add((line, client, seconds) for (line, _, _), client, seconds in self._noted)
        for (_, tally, size), _, seconds in self._noted:
            tally.answers += 1
            tally.size += size
            tally.seconds += seconds
        self._noted.clear()

    def settle(self) -> None:
        """Write up, have the lines written, and the counts handed on."""
        self.write_up()
        self._metrics.settle()
        self._log.flush()
