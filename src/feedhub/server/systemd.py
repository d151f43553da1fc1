"""What systemd is told (sd_notify(3)); elsewhere nothing happens."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def notify(state: str, environ: Mapping[str, str] = os.environ) -> None:
    """Tell the service manager a state such as `READY=1`; one that does not listen is no fault."""
    place = environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    address = f"\0{place[1:]}" if place.startswith("@") else place
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        try:
            out.connect(address)
            out.send(state.encode())
        except OSError:
            return


def watchdog_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """Return how often a sign of life is due, at half the time that is allowed; 0 for never."""
    allowed = environ.get("WATCHDOG_USEC", "0")
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(allowed) / 2_000_000 if ours and allowed.isdigit() else 0
