"""Parsing of access-log lines: the combined format, and the JSON of feedhub, nginx and Caddy."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, cast

import msgspec

from feedhub.dates import SHORT_MONTHS

# Address, minute, second, zone, request, status, size and user agent of one line. Values that are
# bytes are still escaped as in the log: the counters decode each distinct one only once. In rows
# from JSON the minute is the time in seconds since 1970, the second is 0, and the request is
# (method, target, content coding); the coding is "" if the log does not name it.
LogRow = tuple[Any, Any, Any, Any, Any, Any, Any, Any]

NOT_A_LOG_LINE = "this is no line of an access log in the combined format or in JSON"
TRUNCATED = "this line is cut off or garbled, or lacks fields of its format"
INCOMPLETE_JSON = "this JSON lacks an address, a time, a request or a status"
SECONDS_PER_DAY = 86_400

_MONTHS = [name.encode() for name in SHORT_MONTHS]
_TIME = (
    rb"((?:0[1-9]|[12]\d|3[01])/(?:%b)/(?:19[789]|2\d\d)\d"
    rb":(?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d|60) ([+-][01]\d[0-5]\d)"
) % b"|".join(_MONTHS)
_TIME_PATTERN = re.compile(_TIME)
# Possessive, like all repeats below: a hostile line of megabytes must not make it backtrack.
_QUOTED = rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
_COMBINED = re.compile(
    # Some servers write the name of the host before the address.
    rb"^(?:(?![\dA-Fa-f.:]+ )[^\s{]++ (?=[\dA-Fa-f]*[.:][\dA-Fa-f.:]* ))?+"
    rb"([^\s{]{1,64}) [^\[\n]{1,512}\[%b\] "
    rb'"(%b)" ([1-5]\d\d) (\d{0,15})-? "%b" "(%b)"(?:[ \r][^\n]*)?$'
    % (_TIME, _QUOTED, _QUOTED, _QUOTED),
    re.MULTILINE,
)
_LINE_START = re.compile(rb"[^\s{]{1,64} [^\[\n]{1,512}\[\d\d/|\{")
_ESCAPE = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|([\\"]))')
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# Bounds for numbers in JSON: later times and larger sizes are errors of the log.
_MAX_TIME, _MAX_SIZE = 1 << 36, 10**15


def parse_lines(chunk: bytes) -> tuple[list[LogRow], list[tuple[int, str]]]:
    """Return the rows of whole lines, and the number (from 0) and error of each unreadable line.

    Empty lines are skipped. No input raises.
    """
    lines = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
    rows: list[LogRow] = []
    if chunk.startswith(b"{"):
        try:
            rows = [_json_row(line) for line in _DECODER.decode_lines(chunk)]
        except ValueError:
            rows = []
    elif chunk:
        rows = _COMBINED.findall(chunk)
    # A chunk of good lines in one format, as nearly all are, needs no loop in Python.
    if len(rows) == lines:
        return rows, []
    # Some line is empty, bad, or in another format than the first one.
    rows, errors = [], []
    for number, line in enumerate(chunk.split(b"\n")):
        if line.strip():
            row = parse_line(line.rstrip(b"\r"))
            if isinstance(row, str):
                errors.append((number, row))
            else:
                rows.append(row)
    return rows, errors


def parse_line(line: bytes) -> LogRow | str:
    """Return the row of a line, or the reason why it cannot be read."""
    if match := _COMBINED.match(line):
        return cast("LogRow", match.groups())
    if not line.startswith(b"{"):
        return TRUNCATED if _LINE_START.match(line) else NOT_A_LOG_LINE
    # nginx may log any bytes, but JSON is UTF-8.
    try:
        decoded = _DECODER.decode(line.decode("utf-8", "replace").encode())
    except ValueError:
        return TRUNCATED
    try:
        return _json_row(decoded)
    except ValueError:
        return INCOMPLETE_JSON


def unescape(text: bytes | str) -> str:
    r"""Return a text as the client sent it: `\xNN`, `\"` and `\\` stand for one byte each."""
    if isinstance(text, str):
        return text
    if b"\\" in text:
        text = _ESCAPE.sub(lambda m: bytes.fromhex(m[1].decode()) if m[1] else m[2], text)
    return text.decode("utf-8", "replace")


def parse_request(request: bytes | tuple[str, str, str]) -> tuple[str, str, str]:
    """Return method, target and content coding of a row's request, "" for each that is unknown."""
    if isinstance(request, tuple):
        return request
    method, _, rest = unescape(request).partition(" ")
    target, _, _ = rest.rpartition(" HTTP/")
    return method, target or rest, ""


def minute_to_seconds(minute: bytes | int, zone: bytes) -> int:
    """Return the start of a row's minute in seconds since 1970; 31 February is 3 March."""
    if isinstance(minute, int):
        return minute
    day, month, year = minute[:11].split(b"/")
    first = date(int(year), _MONTHS.index(month) + 1, 1).toordinal() - _EPOCH_DAY
    days = first + int(day) - 1
    offset = int(zone[:3]) * 60 + int(zone[:1] + zone[3:])
    return days * SECONDS_PER_DAY + (int(minute[12:14]) * 60 + int(minute[15:17]) - offset) * 60


# The garbage collector need not look at these structs: they hold no references to containers that
# refer back. With it, parsing takes a tenth longer.
class JsonHeaders(msgspec.Struct, gc=False):
    """The header fields that Caddy logs and that are counted."""

    agent: tuple[str, ...] = msgspec.field(default=("",), name="User-Agent")
    coding: tuple[str, ...] = msgspec.field(default=("",), name="Content-Encoding")


class CaddyRequest(msgspec.Struct, gc=False):
    """The `request` of Caddy's log (caddyserver.com/docs/caddyfile/directives/log)."""

    remote_ip: str = ""
    client_ip: str = ""
    method: str = ""
    uri: str = ""
    headers: JsonHeaders = msgspec.field(default_factory=JsonHeaders)


class JsonLine(msgspec.Struct, gc=False):
    """All keys that feedhub, deploy/nginx, Caddy, and nginx with its own names use."""

    time: str | float = ""
    ts: str | float = ""
    time_iso8601: str = ""
    time_local: str = ""
    client: str = ""
    remote_addr: str = ""
    method: str = ""
    request_method: str = ""
    target: str = ""
    request_uri: str = ""
    request: str | CaddyRequest = ""
    version: str = ""
    status: int | str = 0
    size: int | str = 0
    bytes: int | str = 0
    body_bytes_sent: int | str = 0
    user_agent: str = ""
    agent: str = ""
    http_user_agent: str = ""
    coding: str = ""
    resp_headers: JsonHeaders = msgspec.field(default_factory=JsonHeaders)


_DECODER = msgspec.json.Decoder(JsonLine)


def _json_row(line: JsonLine) -> LogRow:
    """Return the row of a decoded line; raises ValueError if something is missing."""
    status = int(line.status)
    if not 100 <= status <= 599:
        raise ValueError
    if isinstance(line.request, CaddyRequest):
        return _caddy_row(line, line.request, status)
    time = _parse_time(line.time or line.time_iso8601 or line.ts or line.time_local)
    address = line.client or line.remote_addr
    method, target = line.method or line.request_method, line.target or line.request_uri
    if not address or not (line.request or (method and target)):
        raise ValueError
    if line.request:
        method, target, _ = parse_request(line.request.encode())
    agent: str | bytes = line.user_agent or line.agent or line.http_user_agent
    if line.version:  # only feedhub's own log has it, and escapes inside JSON as in its text form
        target, agent = unescape(target.encode()), str(agent).encode()
    size = _parse_size(line.size or line.bytes or line.body_bytes_sent)
    return address, time, 0, b"", (method, target, line.coding), status, size, agent


def _caddy_row(line: JsonLine, request: CaddyRequest, status: int) -> LogRow:
    address = request.client_ip or request.remote_ip
    if not (address and request.method and request.uri):
        raise ValueError
    # A 304 never names a coding, whatever the 200 had.
    coding = "".join(line.resp_headers.coding[:1]) or ("" if status == 304 else "identity")
    agent = "".join(request.headers.agent[:1])
    target = (request.method, request.uri, coding)
    return address, _parse_time(line.ts), 0, b"", target, status, _parse_size(line.size), agent


def _parse_size(value: int | str) -> int:
    """Return a size in bytes; raises ValueError if it is no number or too large."""
    size = int(value)
    if size > _MAX_SIZE:
        raise ValueError
    return max(0, size)


def _parse_time(value: str | float) -> int:
    """Return a time in seconds since 1970; raises ValueError if it is none."""
    if isinstance(value, str):
        value = _parse_time_text(value)
    if not 0 < value < _MAX_TIME:
        raise ValueError
    return int(value)


# Many lines have the same second.
@lru_cache(1024)
def _parse_time_text(text: str) -> float:
    """Return the time of a text in the combined format or RFC 3339; UTC if it has no zone."""
    if match := _TIME_PATTERN.fullmatch(text.encode()):
        return minute_to_seconds(match[1], match[3]) + int(match[2])
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
