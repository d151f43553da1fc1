"""What a request says in its header fields, as far as an answer depends on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feedhub.document.negotiation import choose_coding
from feedhub.document.preconditions import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

    from feedhub.server.snapshot import Header

    Fields = Mapping[bytes, bytes]

# What a request may set conditions with (RFC 9110, 13.1).
_CONDITIONS = {
    name.encode(): name
    for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
}
# All fields that an answer, or the line that is logged of it, may depend on.
READ = frozenset((*_CONDITIONS, b"host", b"accept-encoding", b"a-im", b"referer", b"user-agent"))


def fields_of(headers: list[Header]) -> Fields:
    """Return the header fields by name in lower case; lines of one name are joined (9110, 5.3)."""
    fields = dict(headers)
    if len(fields) < len(headers):
        fields = {}
        for name, value in headers:
            fields[name] = fields[name] + b", " + value if name in fields else value
    return fields


def coding_of(fields: Fields) -> str:
    """Return the content coding to answer in, "" for none (RFC 9110, 12.5.3)."""
    return choose_coding(fields.get(b"accept-encoding", b"").decode("latin-1"))


def status_for(fields: Fields, etag: str, last_modified: int) -> int:
    """Return 200, 304 or 412, as the preconditions say (RFC 9110, 13.2.2)."""
    conditions = {
        name: fields[key].decode("latin-1") for key, name in _CONDITIONS.items() if key in fields
    }
    return evaluate(conditions, etag, last_modified)


def names_one_host(scope: Scope, fields: Fields) -> bool:
    """HTTP/1.1 asks for exactly one (RFC 9112, 3.2); which one counts for nothing here."""
    if scope["http_version"] != "1.1":
        return True
    host = fields.get(b"host")
    return host is not None and b"," not in host
