"""What a session with a receiver reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from feedhub.delivery.retries import LATE_AFTER, look_interval


@dataclass(slots=True)
class DeliveryReport:
    """How many changes receivers accepted, and how many wait.

    `errors` are lines for the operator. `waiting_reason` says why a change waits that did not
    fail, and `late` whether it waits for longer than it should.
    """

    sent: int = 0
    waiting: int = 0
    errors: list[str] = field(default_factory=list)
    waiting_reason: str = ""
    late: bool = False

    @classmethod
    def of(cls, reports: Sequence[Self]) -> Self:
        """Return the report of several sessions."""
        return cls(
            sent=sum(report.sent for report in reports),
            waiting=sum(report.waiting for report in reports),
            errors=[line for report in reports for line in report.errors],
            waiting_reason=next((r.waiting_reason for r in reports if r.waiting_reason), ""),
            late=any(report.late for report in reports),
        )

    def error(self, line: str) -> None:
        """Add a line for the operator."""
        self.errors.append(line)

    def wait_to_be_public(self, reason: str, age: float) -> float:
        """Note why a change of this age is not sent yet; return after how long to look again."""
        self.waiting_reason = self.waiting_reason or reason
        self.late |= age > LATE_AFTER
        return look_interval(age)
