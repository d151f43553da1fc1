"""When what failed is sent again: the same for all receivers."""

from __future__ import annotations

from feedhub.dates import from_timestamp

# All times are seconds. The wait after a failure doubles with each further one, up to the maximum.
_FIRST_RETRY, _MAX_RETRY = 5.0, 600.0
# After a day every reader that polls has the change, and a ping is of no use any more.
MAX_AGE = 86_400.0
# The public address is requested again after half the time since the change, within these bounds.
_MIN_LOOK_INTERVAL, _MAX_LOOK_INTERVAL = 0.5, 60.0
# A feedhub server shows a change within seconds: what takes longer is reported to the operator.
LATE_AFTER = 30.0
# Servers on one catalog follow it one by one: where the first shows the change, others may not yet.
FOLLOW_TIME = 2.0
_MAX_TRIES = 30  # more are not counted: 2 to that power would be no number of seconds


def wait_after(tries: int) -> float:
    """Return how long to wait after a failure that so many others came before."""
    return min(_MAX_RETRY, _FIRST_RETRY * 2.0**tries)


def one_more(tries: int) -> int:
    """Return the number of failures after one more."""
    return min(tries + 1, _MAX_TRIES)


def pause(retry_after: float) -> float:
    """Return how much of what `Retry-After` asks for is granted."""
    return min(retry_after, MAX_AGE)


def look_interval(age: float) -> float:
    """Return when to look again whether a change of this age is public."""
    if age < FOLLOW_TIME:
        return FOLLOW_TIME - age
    return min(_MAX_LOOK_INTERVAL, max(_MIN_LOOK_INTERVAL, age / 2))


def format_time(timestamp: float) -> str:
    """Return a Unix time as messages have it."""
    return f"{from_timestamp(timestamp):%Y-%m-%d %H:%M:%S} UTC"
