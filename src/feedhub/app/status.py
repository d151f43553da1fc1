"""How the server is: what an operator, a load balancer and an alarm want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feedhub.app.library import Library


class Status(NamedTuple):
    """`ready` is false until something can be served; `problem` is "" where all is well.

    `synced` is the Unix time of the last good sync, `seconds` how long it took.
    """

    ready: bool
    problem: str
    generation: int
    documents: int
    articles: Mapping[str, int]
    rejected: int
    synced: float
    seconds: float


def status_of(library: Library, now: float, trouble: str = "") -> Status:
    """Return how the server is at the Unix time `now`; `trouble` is what is wrong beside."""
    edition, synced = library.edition, library.synced
    return Status(
        ready=edition is not None,
        problem=library.problem or trouble or _silence(synced, now),
        generation=edition.generation if edition else 0,
        documents=len(edition.entries) if edition else 0,
        articles=synced.get("articles", {}),
        rejected=synced.get("rejected", 0),
        synced=synced.get("at", 0.0),
        seconds=synced.get("seconds", 0.0),
    )


def _silence(synced: Mapping[str, Any], now: float) -> str:
    """Say that a sync that watches has been silent three times as long as it should."""
    silent = now - synced.get("at", now)
    if not synced.get("every") or silent <= 3 * synced["every"]:
        return ""
    return f"feedhub sync has given no sign of life for {int(silent)} seconds"
