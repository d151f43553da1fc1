"""No regular expression takes more than linear time, whatever it is given.

Each pattern of feedhub is attacked with texts made from its own parts (`tests/patterns.py`).
"""

from __future__ import annotations

import re
import signal
import time
from collections import deque
from types import FrameType
from typing import Any

import pytest

from tests.patterns import ANCHORED, Found, attacks, find_patterns, text_of

# The worst attacks are found with short texts, then measured with long ones.
_SHORT, _LONG, _LONGEST = 2_000, 60_000, 240_000
# No pattern needs a tenth of this for the longest text; squares need minutes.
_MAX_SECONDS = 0.5
# Four times the text may take a little more than four times as long, if time can be measured.
_MAX_GROWTH, _MEASURABLE = 6.0, 0.1


class TooSlowError(Exception):
    """A pattern has used all of its CPU time."""


def stop(_number: int, _frame: FrameType | None) -> None:
    raise TooSlowError


@pytest.fixture(scope="module")
def found() -> list[Found]:
    """Every pattern of feedhub."""
    return find_patterns()


def cost(pattern: re.Pattern[Any], method: str, text: Any) -> float:
    """Return the CPU seconds of one call, or infinity if it needs more than `_MAX_SECONDS`."""
    previous = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, _MAX_SECONDS)
    start = time.process_time()
    try:
        result = getattr(pattern, method)(text)
        if method == "finditer":
            deque(result, 0)
    except TooSlowError:
        return float("inf")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
    return time.process_time() - start


def slow_calls(found: Found) -> list[str]:
    """Return the methods and attacks by which a pattern takes longer than linear time."""
    pattern, slow = found.pattern, []
    for method in sorted(ANCHORED) if found.anchored else ("fullmatch", "finditer"):
        costs: dict[tuple[str, str], float] = {}
        for attack in attacks(pattern):
            costs[attack] = cost(pattern, method, text_of(pattern, attack, _SHORT))
            if costs[attack] > _MAX_SECONDS:
                break
        for attack in sorted(costs, key=costs.__getitem__, reverse=True)[:2]:
            long = cost(pattern, method, text_of(pattern, attack, _LONG))
            if long > _MAX_SECONDS:
                slow.append(f"{method} {attack!r}")
                break
            longest = cost(pattern, method, text_of(pattern, attack, _LONGEST))
            if longest > max(_MAX_GROWTH * long, _MEASURABLE):
                slow.append(f"{method} {attack!r}: {long:.3f} s, then {longest:.3f} s")
    return slow


def test_every_pattern_is_found(found):
    places = {pattern.place for pattern in found}

    assert len(places) > 100
    # One of each kind: in a module, in a collection, in a function, with a hole.
    for place in (
        r"feedhub\.sources\.values\._DURATION",
        r"feedhub\.probe\.image_header\._TYPES",
        r"feedhub\.sources\.fields:\d+",
        r"feedhub\.config\.reading:\d+",
    ):
        assert any(re.fullmatch(place, name) for name in places), place


@pytest.mark.parametrize(
    "source",
    [
        r"\{\{-?(.*?)-?\}\}",
        r"P[0-9WD.]*[0-9.]+[YM]",
        r"(?:a|aa)+b",
        r"</?([A-Za-z][^\s/<>]*)[^<>]*>",
        r"\s*,\s*",
        r"(?:^|/)[^/]*(?:feed|rss)[^/]*\.xml",
    ],
)
def test_the_attacks_find_slow_patterns(source):
    assert slow_calls(Found("here", re.compile(source), anchored=False))


def test_no_pattern_takes_more_than_linear_time(found):
    slow = {pattern.place: calls for pattern in found if (calls := slow_calls(pattern))}

    assert not slow
