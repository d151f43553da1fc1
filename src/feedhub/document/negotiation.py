"""Which content coding a request accepts (RFC 9110, 12.5.3), and weights in general."""

from __future__ import annotations

import re
from functools import lru_cache

# Real clients send a few dozen values. Longer ones are not cached, so that a stranger who invents
# some cannot fill the memory.
CACHE_SIZE, MAX_CACHED_LENGTH = 256, 256
_ITEM = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII,
)
# The codings that feedhub has, the smallest first: it wins if a client accepts both as gladly.
_AVAILABLE = ("br", "gzip")


def choose_coding(accept: str) -> str:
    """Return `br`, `gzip`, or "" for none; `accept` is Accept-Encoding, "" if missing.

    Names count in any case, `x-gzip` is `gzip`, a weight of 0 forbids, and items that break the
    grammar are ignored. If nothing is acceptable the answer has no coding.
    """
    return (best_coding if len(accept) <= MAX_CACHED_LENGTH else best_coding.__wrapped__)(accept)


@lru_cache(CACHE_SIZE)
def best_coding(accept: str) -> str:
    """Return what `choose_coding` does, from a cache."""
    weights = weights_of(accept)
    other = weights.get("*", 0.0)
    best = max(_AVAILABLE, key=lambda name: weights.get(name, other))
    weight = weights.get(best, other)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else ""


def weights_of(accept: str) -> dict[str, float]:
    """Return the weight of each name in a list such as Accept-Encoding; the first of two counts."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        if match := _ITEM.fullmatch(item):
            name = match[1].lower()
            weights.setdefault("gzip" if name == "x-gzip" else name, float(match[2] or 1))
    return weights
