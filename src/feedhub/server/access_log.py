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
    from collections.abc import Iterable, Sequence

Form = Literal["text", "json"]
Client = tuple[str, int] | None
# A line of the log before and after its client.
Line = tuple[str, str]
# An answer that went out to a client, so many seconds after its request had come.
Noted = tuple[Line, Client, float]

_MOST_HELD = 16_000_000  # characters that wait to be written
_BATCH = 256  # lines that are put together to be written
_HERE = "unix:"  # who came through a socket of this machine has no address
# The same readers ask for the same feeds again and again.
_WORDS_KEPT = 4_096
_PIECE = 4_096  # PIPE_BUF of Linux (pipe(7))
# What a stranger may make a line longer by; an address of ours may be long.
_LONGEST, _LONGEST_TARGET = 200, 2_000
_ODD = re.compile(r"[^ !#-\[\]-~]")
_HALF = re.compile(r"\\(?:x[0-9A-F]?)?$")  # what cutting leaves of an escape


class Exchange(NamedTuple):
    """A request and its answer, but for who asked and how long it took; `size` in bytes."""

    method: str
    target: str
    version: str
    referer: str
    user_agent: str
    status: int
    size: int


class AccessLog:
    """Lines are collected, and written by `flush`: no request waits for whoever reads them."""

    def __init__(self, out: TextIO, form: Form = "text") -> None:
        self._out = _Outlet(out)
        self._form = _JSON if form == "json" else _TEXT
        self._lines: list[str] = []
        self._held = 0

    def line(self, exchange: Exchange, second: int) -> Line:
        """Return what the lines of equal exchanges within one second of Unix time share."""
        return self._form.line(exchange, _moment(second))

    def add(self, noted: Iterable[Noted]) -> None:
        """Make lines of answers; while nobody takes the lines off, newer ones are lost."""
        if self._held < _MOST_HELD:
            lines = self._form.lines(noted)
            self._lines += lines
            self._held += sum(map(len, lines))

    def flush(self) -> None:
        """Write as much as is taken at once; what is not waits for the next time.

        Workers share one output: what is written at once is short enough to arrive in one piece.
        """
        for place in range(0, len(self._lines), _BATCH):
            batch = self._lines[place : place + _BATCH]
            taken = self._write(batch)
            if taken < len(batch):
                gone = place + taken
                self._held -= sum(map(len, self._lines[:gone]))
                del self._lines[:gone]
                return
        self._lines.clear()
        self._held = 0

    def _write(self, lines: Sequence[str]) -> int:
        """Return how many of the lines were taken."""
        text, place = "".join(lines), 0
        while place < len(text):
            end = _end_of_piece(text, place)
            if not self._out.take(text[place:end]):
                return text.count("\n", 0, place)
            place = end
        return len(lines)


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


@lru_cache(1)
def _moment(second: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(second))


def _end_of_piece(text: str, place: int) -> int:
    """Return where the last line ends that fits in a piece from there, or the first one."""
    end = text.rfind("\n", place, place + _PIECE)
    return (end if end >= 0 else text.index("\n", place)) + 1


def _name_of(client: Client) -> str:
    return escape(client[0] if client and client[0] else _HERE)


class _Text:
    """As nginx writes it: the client stands first."""

    def line(self, exchange: Exchange, moment: str) -> Line:
        words = (exchange.method, exchange.referer or "-", exchange.user_agent or "-")
        method, referer, user_agent = map(escape, words)
        target = escape(exchange.target, _LONGEST_TARGET)
        request = f'"{method} {target} HTTP/{exchange.version}"'
        told = f'{exchange.status} {exchange.size} "{referer}" "{user_agent}"'
        return "", f" - - [{moment}] {request} {told}\n"

    def lines(self, noted: Iterable[Noted]) -> list[str]:
        return [f"{_name_of(client)}{rest}" for (_, rest), client, _ in noted]


class _Json:
    """The same by name; seconds end the line."""

    def line(self, exchange: Exchange, moment: str) -> Line:
        fields: dict[str, object] = {}
        for name, value in exchange._asdict().items():
            longest = _LONGEST_TARGET if name == "target" else _LONGEST
            fields[name] = escape(value, longest) if isinstance(value, str) else value
        rest = json.dumps(fields).removeprefix("{").removesuffix("}")
        return f'{{"time": "{moment}", "client": ', f', {rest}, "seconds": '

    def lines(self, noted: Iterable[Noted]) -> list[str]:
        return [
            f"{first}{json.dumps(_name_of(client))}{rest}{seconds:.6f}}}\n"
            for (first, rest), client, seconds in noted
        ]


_TEXT, _JSON = _Text(), _Json()
