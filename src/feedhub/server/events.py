"""What happens to the server itself: one line each on standard error, as text or JSON."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from feedhub.text import printable

if TYPE_CHECKING:
    from feedhub.server.access_log import Form


class Events:
    """Says one thing a line; a log that cannot be written stops nothing."""

    def __init__(self, form: Form = "text") -> None:
        self._form = form

    def say(self, text: str) -> None:
        """Tell one event."""
        line = printable(" ".join(text.split()))
        if self._form == "json":
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            line = json.dumps({"time": moment, "event": line})
        else:
            line = f"feedhub: {line}"
        try:
            print(line, file=sys.stderr, flush=True)
        except (OSError, ValueError):
            return
