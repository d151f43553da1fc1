"""Which content coding a request accepts (RFC 9110, 12.5.3), and weights in general."""

from __future__ import annotations

import re
from functools import lru_cache

# As many as real clients send; a stranger's odd ones push each other out.
_KEPT, _LONGEST_KEPT = 256, 256
_ITEM = re.compile(
    r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII,
)
# What we make, the best first where the client likes both as much.
_OURS = ("br", "gzip")


def choose_coding(accept: str) -> str:
    """Return `br`, `gzip`, or "" for none; `accept` is Accept-Encoding, "" where there is none.

    Names count in any case, `x-gzip` is `gzip`, a weight of 0 forbids, and what does not follow the
    grammar is passed over. Where nothing is acceptable the answer has no coding.
    """
    return (_choose if len(accept) <= _LONGEST_KEPT else _choose.__wrapped__)(accept)


@lru_cache(_KEPT)
def _choose(accept: str) -> str:
    weights = weights_of(accept)
    everything = weights.get("*", 0.0)
    best = max(_OURS, key=lambda name: weights.get(name, everything))
    weight = weights.get(best, everything)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else ""


def weights_of(accept: str) -> dict[str, float]:
    """Return the weight of each name in a list such as Accept-Encoding; the first of two counts."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        if match := _ITEM.fullmatch(item):
            name = match[1].lower()
            weights.setdefault("gzip" if name == "x-gzip" else name, float(match[2] or 1))
    return weights
