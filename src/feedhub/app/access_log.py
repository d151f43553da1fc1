"""One line for each answer, as nginx writes it (combined) or as JSON; strangers' words escaped."""

from __future__ import annotations

import json
import os
import re
import select
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Form = Literal["text", "json"]

_MOST_LINES = 100_000
# The same readers ask for the same feeds again and again.
_WORDS_KEPT = 4_096
_PIECE = 4_096  # PIPE_BUF of Linux (pipe(7))
# What a stranger may make a line longer by; an address of ours may be long.
_LONGEST, _LONGEST_TARGET = 200, 2_000
_ODD = re.compile(r"[^ !#-\[\]-~]")
_HALF = re.compile(r"\\(?:x[0-9A-F]?)?$")  # what cutting leaves of an escape


class Exchange(NamedTuple):
    """One request and its answer; `size` in bytes, `seconds` until the last byte was handed on."""

    client: str
    method: str
    target: str
    version: str
    referer: str
    user_agent: str
    status: int
    size: int
    seconds: float


class AccessLog:
    """Lines are collected, and written by `flush`: no request waits for whoever reads them."""

    def __init__(
        self, out: TextIO, form: Form = "text", clock: Callable[[], float] = time.time
    ) -> None:
        self._out = _Outlet(out)
        self._line = _json_line if form == "json" else _text_line
        self._clock = clock
        self._lines: list[str] = []
        self._second = 0
        self._moment = ""

    def add(self, exchange: Exchange) -> None:
        """Note one answer; while nobody takes the lines off, newer ones are lost."""
        if len(self._lines) >= _MOST_LINES:
            return
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))
        self._lines.append(self._line(exchange, self._moment))

    def flush(self) -> None:
        """Write as much as is taken at once; what is not waits for the next time.

        Workers share one output: what is written at once is short enough to arrive in one piece.
        """
        lines, self._lines = self._lines, []
        for place, size in _pieces(lines):
            if not self._out.take("".join(lines[place : place + size])):
                self._lines = lines[place:]
                return


class _Outlet:
    """Where lines go: nothing with a descriptor is waited for, nothing stays in a buffer."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        try:
            self._descriptor = out.fileno()
        except OSError:
            self._descriptor = -1
        self._ready = select.poll()
        if self._descriptor >= 0:
            self._ready.register(self._descriptor, select.POLLOUT)

    def take(self, piece: str) -> bool:
        """Write a piece, or return False where that would mean to wait.

        What can never be written is dropped: a log that is gone stops nothing.
        """
        if self._descriptor < 0:
            self._out.write(piece)
            return True
        if not self._ready.poll(0):
            return False
        with suppress(OSError):
            os.write(self._descriptor, piece.encode())
        return True


def _pieces(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where each piece begins and how many lines fit in it, at least one."""
    place = 0
    while place < len(lines):
        size, length = 1, len(lines[place])
        while place + size < len(lines) and length + len(lines[place + size]) <= _PIECE:
            length += len(lines[place + size])
            size += 1
        yield place, size
        place += size


def escape(text: str, longest: int = _LONGEST) -> str:
    r"""Return header bytes, decoded as Latin-1, in printable ASCII and no longer than that.

    Everything else, quotes and the backslash become `\xNN`, one for each byte.
    """
    return (_escape if len(text) <= _LONGEST else _escape.__wrapped__)(text, longest)


@lru_cache(_WORDS_KEPT)
def _escape(text: str, longest: int) -> str:
    escaped = _ODD.sub(_escaped, text[:longest])
    return escaped if len(escaped) <= longest else _HALF.sub("", escaped[:longest])


def _escaped(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]) & 0xFF:02X}"


def _text_line(exchange: Exchange, moment: str) -> str:
    words = (exchange.method, exchange.referer or "-", exchange.user_agent or "-")
    method, referer, user_agent = map(escape, words)
    target = escape(exchange.target, _LONGEST_TARGET)
    return (
        f'{escape(exchange.client)} - - [{moment}] "{method} {target} HTTP/{exchange.version}" '
        f'{exchange.status} {exchange.size} "{referer}" "{user_agent}"\n'
    )


def _json_line(exchange: Exchange, moment: str) -> str:
    fields: dict[str, object] = {"time": moment}
    for name, value in exchange._asdict().items():
        longest = _LONGEST_TARGET if name == "target" else _LONGEST
        fields[name] = escape(value, longest) if isinstance(value, str) else value
    fields["seconds"] = round(exchange.seconds, 6)
    return json.dumps(fields) + "\n"
