"""Lines of access logs become rows: combined, and JSON as feedhub, nginx and Caddy write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from feedhub.dates import SHORT_MONTHS

if TYPE_CHECKING:
    from collections.abc import Iterator

# Address, minute, second of it, zone, request, status, size, user agent. What is bytes is still
# escaped as the log has it; else a minute is seconds since 1970 and the second is 0, a request is
# method, target and coding. So nothing is decoded again that has been met before. A coding is ""
# where the log does not tell it.
Row = tuple[Any, Any, Any, Any, Any, Any, Any, Any]

NOT_A_LINE = "this is no line of an access log in the combined format or in JSON"
CUT = "this line is cut off or garbled, or lacks fields of its format"
NOT_AN_ANSWER = "this JSON lacks an address, a time, a request or a status"

_MONTHS = [name.encode() for name in SHORT_MONTHS]
_MOMENT = (
    rb"((?:0[1-9]|[12]\d|3[01])/(?:%b)/(?:19[789]|2\d\d)\d"
    rb":(?:[01]\d|2[0-3]):[0-5]\d):([0-5]\d|60) ([+-][01]\d[0-5]\d)"
) % b"|".join(_MONTHS)
_QUOTED = rb'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
_COMBINED = re.compile(
    # Some write the name of the host before the address.
    rb"^(?:(?![\dA-Fa-f.:]+ )[^\s{]++ (?=[\dA-Fa-f]*[.:][\dA-Fa-f.:]* ))?+"
    rb"([^\s{]{1,64}) [^\[\n]{1,512}\[%b\] "
    rb'"(%b)" ([1-5]\d\d) (\d{0,15})-? "%b" "(%b)"(?:[ \r][^\n]*)?$'
    % (_MOMENT, _QUOTED, _QUOTED, _QUOTED),
    re.MULTILINE,
)
_DATE = re.compile(_MOMENT)
_BEGUN = re.compile(rb"[^\s{]{1,64} [^\[\n]{1,512}\[\d\d/|\{")
_ESCAPE = re.compile(rb'\\(?:x([0-9A-Fa-f]{2})|([\\"]))')
_EPOCH = date(1970, 1, 1).toordinal()
_LATEST, _LARGEST = 1 << 36, 10**15
DAY = 86_400


class Record(NamedTuple):
    """One answer as a person would read it; `second` since 1970, `size` in bytes, "" not told."""

    address: str
    second: int
    method: str
    target: str
    status: int
    size: int
    agent: str
    coding: str = ""


def rows_of(chunk: bytes) -> tuple[list[Row], list[tuple[int, str]]]:
    """Return the rows of whole lines, and which lines (from 0) cannot be read, and why.

    Empty lines are neither. No line raises.
    """
    lines = chunk.count(b"\n") + (not chunk.endswith(b"\n"))
    rows: list[Row] = []
    if chunk.startswith(b"{"):
        rows = _json_rows(chunk)
    elif chunk:
        rows = _COMBINED.findall(chunk)
    return (rows, []) if len(rows) == lines else _one_by_one(chunk)


def record_of(row: Row) -> Record:
    """Return a row in plain words."""
    address, minute, second, zone, request, status, size, agent = row
    seconds = minute_of(minute, zone) + int(second)
    method, target, coding = request_of(request)
    texts = (plain(address), seconds, method, target, int(status), int(size or 0), plain(agent))
    return Record(*texts, coding)


def plain(text: bytes | str) -> str:
    r"""Return text of a log as it was sent: `\xNN`, `\"` and `\\` stand for one byte each."""
    if isinstance(text, str):
        return text
    if b"\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return text.decode("utf-8", "replace")


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if match[1] else match[2]


def request_of(request: bytes | tuple[str, str, str]) -> tuple[str, str, str]:
    """Return method, target and content coding; "" where there is none."""
    if isinstance(request, tuple):
        return request
    method, _, rest = plain(request).partition(" ")
    target, _, _ = rest.rpartition(" HTTP/")
    return method, target or rest, ""


def minute_of(minute: bytes | int, zone: bytes) -> int:
    """Return when a minute began, in seconds since 1970; 31 February is the third of March."""
    if isinstance(minute, int):
        return minute
    day, month, year = minute[:11].split(b"/")
    first = date(int(year), _MONTHS.index(month) + 1, 1).toordinal() - _EPOCH
    days = first + int(day) - 1
    offset = int(zone[:3]) * 60 + int(zone[:1] + zone[3:])
    return days * DAY + (int(minute[12:14]) * 60 + int(minute[15:17]) - offset) * 60


# The collector looks at none of them: they refer to nothing that refers back, and a tenth of the
# time went there.
class _Headers(msgspec.Struct, gc=False):
    agent: tuple[str, ...] = msgspec.field(default=("",), name="User-Agent")
    coding: tuple[str, ...] = msgspec.field(default=("",), name="Content-Encoding")


class _Request(msgspec.Struct, gc=False):
    """What Caddy says of a request (caddyserver.com/docs/caddyfile/directives/log)."""

    remote_ip: str = ""
    client_ip: str = ""
    method: str = ""
    uri: str = ""
    headers: _Headers = msgspec.field(default_factory=_Headers)


class _Line(msgspec.Struct, gc=False):
    """The names that feedhub, deploy/nginx, Caddy, and nginx with its own names use."""

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
    request: str | _Request = ""
    version: str = ""
    status: int | str = 0
    size: int | str = 0
    bytes: int | str = 0
    body_bytes_sent: int | str = 0
    user_agent: str = ""
    agent: str = ""
    http_user_agent: str = ""
    coding: str = ""
    resp_headers: _Headers = msgspec.field(default_factory=_Headers)


_DECODER = msgspec.json.Decoder(_Line)


def _json_rows(chunk: bytes) -> list[Row]:
    """Return the rows of a chunk in which every line is a good one, else too few."""
    try:
        lines: list[_Line] = _DECODER.decode_lines(chunk)
        return [_json_row(line) for line in lines]
    except ValueError:
        return []


def _one_by_one(chunk: bytes) -> tuple[list[Row], list[tuple[int, str]]]:
    rows: list[Row] = []
    bad: list[tuple[int, str]] = []
    for place, line in enumerate(chunk.split(b"\n")):
        if not line.strip():
            continue
        row = _row(line.rstrip(b"\r"))
        if isinstance(row, str):
            bad.append((place, row))
        else:
            rows.append(row)
    return rows, bad


def _row(line: bytes) -> Row | str:
    """Return the row of a line, or what is wrong with it."""
    if match := _COMBINED.match(line):
        return cast("Row", match.groups())
    if not line.startswith(b"{"):
        return CUT if _BEGUN.match(line) else NOT_A_LINE
    try:
        decoded = _DECODER.decode(line.decode("utf-8", "replace").encode())
    except ValueError:
        return CUT
    try:
        return _json_row(decoded)
    except ValueError:
        return NOT_AN_ANSWER


def _json_row(line: _Line) -> Row:
    """Return the row of a decoded line; raises ValueError where something is missing."""
    if isinstance(line.request, _Request):
        return _caddy_row(line, line.request)
    moment = _moment(line.time or line.time_iso8601 or line.ts or line.time_local)
    address = line.client or line.remote_addr
    status = int(line.status)
    if not address or not 100 <= status <= 599:
        raise ValueError
    method, target = line.method or line.request_method, line.target or line.request_uri
    if line.request:
        method, target, _ = request_of(line.request.encode())
    elif not method or not target:
        raise ValueError
    agent: str | bytes = line.user_agent or line.agent or line.http_user_agent
    if line.version:  # feedhub's own log escapes strangers' words as its text form does
        target, agent = plain(target.encode()), str(agent).encode()
    size = _size(line.size or line.bytes or line.body_bytes_sent)
    return address, moment, 0, b"", (method, target, line.coding), status, size, agent


def _caddy_row(line: _Line, request: _Request) -> Row:
    address = request.client_ip or request.remote_ip
    status = int(line.status)
    if not (address and request.method and request.uri and 100 <= status <= 599):
        raise ValueError
    # An answer of 304 names no coding, whatever the whole one has.
    coding = "".join(line.resp_headers.coding[:1]) or ("" if status == 304 else "identity")
    agent = "".join(request.headers.agent[:1])
    asked = (request.method, request.uri, coding)
    return address, _moment(line.ts), 0, b"", asked, status, _size(line.size), agent


def _size(told: int | str) -> int:
    """Return a size in bytes; raises ValueError for what is none."""
    size = int(told)
    if size > _LARGEST:
        raise ValueError
    return max(0, size)


def _moment(told: str | float) -> int:
    """Return seconds since 1970; raises ValueError for what is no time."""
    if isinstance(told, str):
        told = _told_moment(told)
    if not 0 < told < _LATEST:
        raise ValueError
    return int(told)


@lru_cache(1024)
def _told_moment(told: str) -> float:
    if match := _DATE.fullmatch(told.encode()):
        return minute_of(match[1], match[3]) + int(match[2])
    moment = datetime.fromisoformat(told)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def records_of(chunk: bytes) -> Iterator[Record]:
    """Yield the records of whole lines, leaving out what cannot be read."""
    return map(record_of, rows_of(chunk)[0])
