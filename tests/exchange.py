"""One HTTP exchange over a raw socket: exact bytes out, one strictly parsed response back."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Address = tuple[str, int] | str | Path  # host and port, or the path of a unix socket
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: ([\t -~\x80-\xff]*))?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)")
_CLOSE = re.compile(rb"(?im)^connection:[ \t]*close[ \t]*\r?$")
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)(?:;.*)?")


class ClosedError(ConnectionError):
    """The connection ended before a response, or within one."""


class MalformedError(AssertionError):
    """The response is invalid (RFC 9112)."""


class Addressed(Protocol):
    """Something that listens: a server, a proxy."""

    @property
    def address(self) -> Address: ...


@dataclass(frozen=True)
class Response:
    """One response; names of header fields in lower case, values decoded as latin-1.

    `rest` is what followed on a connection that was to be closed: nothing, in a correct response.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes
    rest: bytes = b""

    def all(self, name: str) -> list[str]:
        """Return the values of every line of a header field."""
        return [value for key, value in self.headers if key == name.lower()]

    def header(self, name: str) -> str | None:
        """Return a header field's value, None where there is none; two lines of one are wrong."""
        values = self.all(name)
        assert len(values) <= 1, f"{len(values)} lines of {name}: {values}"
        return values[0] if values else None

    def __getitem__(self, name: str) -> str:
        """Return the value of a header field that must be there."""
        value = self.header(name)
        assert value is not None, f"{self.status} without {name}: {self.headers}"
        return value


class _Stream:
    """A reader of a socket, by line and by length."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self.begun = False

    def _more(self) -> bool:
        try:
            arrived = self._connection.recv(65_536)
        except ConnectionError:
            arrived = b""
        self.begun = self.begun or bool(arrived)
        self._buffer += arrived
        return bool(arrived)

    def line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            if not self._more():
                raise ClosedError(f"closed after {self._buffer[:200]!r}")
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def take(self, length: int) -> bytes:
        parts, missing = [], length
        while missing:
            if not self._buffer and not self._more():
                raise ClosedError(f"closed {missing} of {length} bytes before the end of a body")
            parts.append(self._buffer[:missing])
            self._buffer = self._buffer[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)

    def rest(self) -> bytes:
        while self._more():
            pass
        taken, self._buffer = self._buffer, b""
        return taken


def exchange(address: Address, raw: bytes, timeout: float = 10) -> Response:
    """Send exactly these bytes and return the final response to the first request of them.

    Raises ClosedError where the server hangs up, MalformedError where the response is invalid and
    TimeoutError where there is none.
    """
    with _connect(address, timeout) as connection:
        with contextlib.suppress(ConnectionError):  # the response may come before all is read
            connection.sendall(raw)
        return read_response(connection, raw)


def read_response(connection: socket.socket, raw: bytes) -> Response:
    """Read one final response from a socket; `raw` is its request."""
    stream = _Stream(connection)
    status, reason, headers = _head(stream)
    while 100 <= status < 200:
        status, reason, headers = _head(stream)
    body = _body(stream, status, headers, head=raw.lstrip(b"\r\n").startswith(b"HEAD "))
    closing = _CLOSE.search(raw) is not None or ("connection", "close") in headers
    return Response(status, reason, headers, body, stream.rest() if closing else b"")


def request(
    server: Addressed | Address,
    method: str,
    target: str | bytes,
    headers: Sequence[tuple[str, str | bytes]] = (),
    *,
    version: str = "1.1",
    host: str | None = "feeds.example.org",
    body: bytes = b"",
    timeout: float = 10,
) -> Response:
    """Send one request with Connection: close to a server or an address; return the response.

    `host=None` sends no Host. Nothing may follow the response.
    """
    lines: list[tuple[str, str | bytes]] = [] if host is None else [("Host", host)]
    lines += [*headers, ("Connection", "close")]
    raw = b"%s %s HTTP/%s\r\n" % (_bytes(method), _bytes(target), _bytes(version))
    raw += b"".join(b"%s: %s\r\n" % (_bytes(name), _bytes(value)) for name, value in lines)
    address = server if isinstance(server, tuple | str | Path) else server.address
    response = exchange(address, raw + b"\r\n" + body, timeout)
    assert response.rest == b"", f"{response.rest[:200]!r} follows the response"
    return response


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _connect(address: Address, timeout: float) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(str(address))
    except BaseException:
        connection.close()
        raise
    return connection


def _head(stream: _Stream) -> tuple[int, str, list[tuple[str, str]]]:
    first = stream.line()
    if not (status := _STATUS.fullmatch(first)):
        raise MalformedError(f"no status line: {first[:200]!r}")
    headers = []
    while line := stream.line():
        if not (field := _FIELD.fullmatch(line)):
            raise MalformedError(f"no header field: {line[:200]!r}")
        name, value = field[1].decode("latin-1").lower(), field[2].decode("latin-1")
        headers.append((name, value.rstrip(" \t")))
    return int(status[1]), (status[2] or b"").decode("latin-1"), headers


def _body(stream: _Stream, status: int, headers: list[tuple[str, str]], *, head: bool) -> bytes:
    """Read a body by its framing (RFC 9112, 6.3)."""
    lengths = {value for name, value in headers if name == "content-length"}
    coding = [value.lower() for name, value in headers if name == "transfer-encoding"]
    if len(lengths) > 1 or any(not length.isdecimal() for length in lengths):
        raise MalformedError(f"Content-Length {lengths}")
    if lengths and coding:
        raise MalformedError("both Content-Length and Transfer-Encoding")
    if head or status in {204, 304}:
        return b""
    if coding == ["chunked"]:
        return b"".join(iter(lambda: _chunk(stream), b""))
    if coding:
        raise MalformedError(f"Transfer-Encoding {coding}")
    return stream.take(int(lengths.pop())) if lengths else stream.rest()


def _chunk(stream: _Stream) -> bytes:
    line = stream.line()
    if not (size := _CHUNK.fullmatch(line)):
        raise MalformedError(f"no chunk size: {line[:200]!r}")
    chunk = stream.take(int(size[1], 16))
    ending = stream.line()
    if ending and not chunk:
        raise MalformedError(f"trailer {ending[:200]!r}")
    if ending:
        raise MalformedError(f"{ending[:200]!r} after a chunk")
    return chunk
