"""Adopted ids: what an earlier feed calls the articles, in a small file that is committed.

`feedhub adopt` writes it, one article a line. An article has the id of its path there, else that of
its address: so it keeps the id when either changes.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from feedhub.errors import ConfigError
from feedhub.fingerprint import fingerprint


class AdoptedId(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The id of an article, its address in the earlier feed or now, and its path, "" if unknown."""

    id: str
    url: str
    path: str = ""


class AdoptedIds:
    """The adopted ids of a source; `fingerprint` is "" where there are none."""

    def __init__(self, rows: tuple[AdoptedId, ...] = ()) -> None:
        self.rows = rows
        self._by_path = {row.path: row.id for row in rows if row.path}
        self._by_url = {row.url: row.id for row in rows}
        values = [(row.id, row.url, row.path) for row in rows]
        self.fingerprint = fingerprint(values) if rows else ""

    def find(self, path: str, url: str) -> str:
        """Return the id of the article at a path with an address, or "" if it has none here."""
        return self._by_path.get(path) or self._by_url.get(url, "")


NONE_ADOPTED = AdoptedIds()


def read_adopted_ids(path: Path) -> AdoptedIds:
    """Return the ids in the file at `path`, none if there is no file; raises ConfigError."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return NONE_ADOPTED
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = _decoder.decode(line)
        except msgspec.MsgspecError as error:
            advice = 'write {"id": "…", "url": "…"}, or restore the file'
            raise ConfigError(
                f"{path}:{number}: this is no adopted id: {error}; {advice}"
            ) from None
        rows.append(row)
    return AdoptedIds(tuple(rows))


def encode_adopted_ids(rows: tuple[AdoptedId, ...]) -> bytes:
    """Return the file with these ids, in order of address, so that versions can be compared."""
    ordered = sorted(rows, key=lambda row: (row.url, row.id))
    return b"".join(msgspec.json.encode(row) + b"\n" for row in ordered)


_decoder = msgspec.json.Decoder(AdoptedId)
