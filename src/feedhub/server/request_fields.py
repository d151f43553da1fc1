"""The header fields of a request on which its response depends."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from feedhub.document.negotiation import choose_coding
from feedhub.document.preconditions import evaluate
from feedhub.server.snapshot import Header

Fields = Mapping[bytes, bytes]

# Preconditions (RFC 9110, 13.1).
_CONDITIONS = {
    name.encode(): name
    for name in ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
}
# All fields that the response, or its line in the log, may depend on.
RELEVANT_FIELDS = frozenset(
    (
        *_CONDITIONS,
        *(b"host", b"accept", b"accept-encoding", b"a-im", b"sec-fetch-dest"),
        *(b"referer", b"user-agent"),
    )
)


def merge_fields(headers: list[Header]) -> Fields:
    """Return the values by lower-case name; lines of one name are joined (RFC 9110, 5.3)."""
    fields = dict(headers)
    if len(fields) < len(headers):
        fields = {}
        for name, value in headers:
            fields[name] = fields[name] + b", " + value if name in fields else value
    return fields


def preferred_coding(fields: Fields) -> str:
    """Return the content coding of the response, "" for none (RFC 9110, 12.5.3)."""
    return choose_coding(fields.get(b"accept-encoding", b"").decode("latin-1"))


def precondition_status(fields: Fields, etag: str, last_modified: int) -> int:
    """Return 200, 304 or 412 (RFC 9110, 13.2.2); `last_modified` is a Unix time."""
    conditions = {
        name: fields[key].decode("latin-1") for key, name in _CONDITIONS.items() if key in fields
    }
    return evaluate(conditions, etag, last_modified)


def wants_page(fields: Fields) -> bool:
    """Return whether a client prefers a page for people, as only browsers do."""
    return fields.get(b"accept", b"").lstrip().lower().startswith(b"text/html")


def opens_document(fields: Fields) -> bool:
    """Return whether a person opens the address in a browser (W3C Fetch Metadata, 2.1)."""
    return fields.get(b"sec-fetch-dest") == b"document" and wants_page(fields)


def has_one_host(scope: Scope, fields: Fields) -> bool:
    """Return whether a request has exactly one Host, as HTTP/1.1 demands (RFC 9112, 3.2).

    Which one it is does not matter: every URL is made from the configuration.
    """
    if scope["http_version"] != "1.1":
        return True
    host = fields.get(b"host")
    return host is not None and b"," not in host
