"""How the server is: what an operator, a load balancer and an alarm want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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


def status_of(library: Library, trouble: str = "") -> Status:
    """Return how the server is; `trouble` is what is wrong beside the catalog."""
    edition, synced = library.edition, library.synced
    return Status(
        ready=edition is not None,
        problem=library.problem or trouble,
        generation=edition.generation if edition else 0,
        documents=len(edition.entries) if edition else 0,
        articles=synced.get("articles", {}),
        rejected=synced.get("rejected", 0),
        synced=synced.get("at", 0.0),
        seconds=synced.get("seconds", 0.0),
    )
