"""Which processor core a program runs on: servers and clients must not take each other's time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

SERVER, CLIENT = 0, 1


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Put what is started here on one core, for good; a machine with one core stays as it is."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        yield
        return
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
