"""The two logs of a server: a line for each response, and a line for each event.

The access log has the combined format of nginx, or JSON. Values from clients are escaped.
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Literal, NamedTuple, TextIO

from feedhub.text import printable

LogFormat = Literal["text", "json"]
Client = tuple[str, int] | None
UNIX = "unix:"  # a client of a Unix socket, which has no address
# A line of the access log before and after its client.
LineParts = tuple[str, str]
# The line of a response, its client, and the seconds since its request came.
TimedLine = tuple[LineParts, Client, float]

MAX_PENDING = 16_000_000  # characters that wait to be written
BATCH_LINES = 256
# A pipe takes this many bytes in one piece (PIPE_BUF of Linux, pipe(7)).
MAX_PIECE = 4_096
MAX_FIELD, MAX_TARGET = 200, 2_000  # characters; an address of ours may be long
# The same readers ask for the same feeds again and again.
ESCAPE_CACHE_SIZE = 4_096
_UNSAFE = re.compile(r"[^ !#-\[\]-~]")
_CUT_ESCAPE = re.compile(r"\\(?:x[0-9A-F]?)?$")


class AccessRecord(NamedTuple):
    """A request and its response, without the client and the time; `size` is in bytes."""

    method: str
    target: str
    version: str
    referer: str
    user_agent: str
    status: int
    size: int


class AccessLog:
    """Collects lines and writes them in `flush`: no request waits for the reader of the log."""

    def __init__(self, out: TextIO, log_format: LogFormat = "text") -> None:
        self._writer = LineWriter(out)
        self._formatter = JsonFormatter() if log_format == "json" else CombinedFormatter()
        self._lines: list[str] = []
        self._pending = 0

    def line_parts(self, record: AccessRecord, second: int) -> LineParts:
        """Return what the lines of equal records within one second of Unix time share."""
        return self._formatter.line_parts(record, second)

    def add(self, timed_lines: Iterable[TimedLine]) -> None:
        """Queue lines. They are dropped while MAX_PENDING characters wait to be written."""
        if self._pending < MAX_PENDING:
            lines = self._formatter.lines(timed_lines)
            self._lines += lines
            self._pending += sum(map(len, lines))

    def flush(self) -> None:
        """Write the lines that the output takes without waiting, and keep the rest."""
        for start in range(0, len(self._lines), BATCH_LINES):
            batch = self._lines[start : start + BATCH_LINES]
            count = self._writer.write_lines(batch)
            if count < len(batch):
                written = start + count
                self._pending -= sum(map(len, self._lines[:written]))
                del self._lines[:written]
                return
        self._lines.clear()
        self._pending = 0


class LineWriter:
    """Writes lines to a file or a pipe without waiting, and without a buffer of its own."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        try:
            self._descriptor = out.fileno()
        except OSError:
            self._descriptor = -1
        self._poll = select.poll()
        if self._descriptor >= 0:
            self._poll.register(self._descriptor, select.POLLOUT)

    def write_lines(self, lines: Sequence[str]) -> int:
        """Write lines until the output is full, and return how many were written.

        Workers share one output: each piece is short enough not to be mixed with another's.
        """
        text, start = "".join(lines), 0
        while start < len(text):
            end = text.rfind("\n", start, start + MAX_PIECE)
            end = (end if end >= 0 else text.index("\n", start)) + 1
            if not self.write(text[start:end]):
                return text.count("\n", 0, start)
            start = end
        return len(lines)

    def write(self, piece: str) -> bool:
        """Write a piece, or return False if the output is full.

        A piece that can never be written is dropped: a broken log must not stop the server.
        """
        if self._descriptor < 0:
            self._out.write(piece)
            return True
        if not self._poll.poll(0):
            return False
        with suppress(OSError):
            os.write(self._descriptor, piece.encode())
        return True


def escape(text: str, max_length: int = MAX_FIELD) -> str:
    r"""Return header bytes, decoded as Latin-1, in printable ASCII of limited length.

    Quotes, the backslash and everything else become `\xNN`, one for each byte.
    """
    # Long texts are rare and would fill the cache.
    return (_escape if len(text) <= MAX_FIELD else _escape.__wrapped__)(text, max_length)


@lru_cache(ESCAPE_CACHE_SIZE)
def _escape(text: str, max_length: int) -> str:
    escaped = _UNSAFE.sub(lambda match: f"\\x{ord(match[0]) & 0xFF:02X}", text[:max_length])
    return escaped if len(escaped) <= max_length else _CUT_ESCAPE.sub("", escaped[:max_length])


@lru_cache(1)
def format_log_time(second: int) -> str:
    """Return a second of Unix time as the common log format writes it."""
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))


@lru_cache(1)
def format_json_time(second: int) -> str:
    """Return a second of Unix time as both logs have it in JSON (RFC 3339)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def client_name(client: Client) -> str:
    """Return the address of a client; through a Unix socket, without a proxy, it has none."""
    return escape(client[0] if client and client[0] else UNIX)


class CombinedFormatter:
    """Formats lines as nginx does: the client stands first."""

    def line_parts(self, record: AccessRecord, second: int) -> LineParts:
        """Return a line without its client."""
        fields = (record.method, record.referer or "-", record.user_agent or "-")
        method, referer, user_agent = map(escape, fields)
        request = f'"{method} {escape(record.target, MAX_TARGET)} HTTP/{record.version}"'
        response = f'{record.status} {record.size} "{referer}" "{user_agent}"'
        return "", f" - - [{format_log_time(second)}] {request} {response}\n"

    def lines(self, timed_lines: Iterable[TimedLine]) -> list[str]:
        """Return whole lines."""
        return [f"{client_name(client)}{rest}" for (_, rest), client, _ in timed_lines]


class JsonFormatter:
    """Formats lines as JSON objects, which end with the seconds that the response took."""

    def line_parts(self, record: AccessRecord, second: int) -> LineParts:
        """Return a line without its client and its seconds."""
        fields: dict[str, object] = {}
        for name, value in record._asdict().items():
            max_length = MAX_TARGET if name == "target" else MAX_FIELD
            fields[name] = escape(value, max_length) if isinstance(value, str) else value
        rest = json.dumps(fields).removeprefix("{").removesuffix("}")
        return f'{{"time": "{format_json_time(second)}", "client": ', f', {rest}, "seconds": '

    def lines(self, timed_lines: Iterable[TimedLine]) -> list[str]:
        """Return whole lines."""
        return [
            f"{first}{json.dumps(client_name(client))}{rest}{seconds:.6f}}}\n"
            for (first, rest), client, seconds in timed_lines
        ]


class EventLog:
    """Writes what happens to the server itself to standard error, one line for each event."""

    def __init__(self, log_format: LogFormat = "text") -> None:
        self._format = log_format

    def log(self, text: str) -> None:
        """Write an event; a log that cannot be written does not stop the server."""
        line = printable(" ".join(text.split()))
        if self._format == "json":
            line = json.dumps({"time": format_json_time(int(time.time())), "event": line})
        else:
            line = f"feedhub: {line}"
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)
