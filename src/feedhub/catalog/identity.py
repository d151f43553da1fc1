"""What ids are made of besides the files: a sync that would change published ones is refused."""

from __future__ import annotations

from feedhub.catalog.database import Database
from feedhub.catalog.state import Identity, write_record
from feedhub.errors import NewIdsError
from feedhub.fingerprint import digest
from feedhub.sources.adopted_ids import NONE_ADOPTED, AdoptedIds
from feedhub.sources.article_path import collection_name, tag_uri

# Under such an address a site is tried out, and nobody subscribes.
_TRIAL_HOSTS = ("127.0.0.1", "localhost")
# Of two ids with one digest, the loss of one would not be noticed.
_DIGEST_SIZE = 8


def refuse_new_ids(
    known: Identity, authority: str, collection: str, adopted: AdoptedIds | None
) -> None:
    """Raise NewIdsError if readers know ids that the source would not give again.

    Those are of another authority or another name of the source, or are missing among the `adopted`
    ones; None is for a source that adopts none.
    """
    keys = []
    if known.authority and known.authority != authority:
        keys.append(f'site.authority = "{known.authority}"')
    if known.collection and known.collection != collection:
        keys.append(f'source.collection = "{known.collection}"')
    advice = [f"set {' and '.join(keys)} to keep the ids"] if keys else []
    kept = _split(known.adopted) if adopted is None else _short_digests(adopted)
    lost = len(_split(known.adopted) - kept)
    if lost:
        ids = f"{lost} ids" if lost > 1 else "1 id"
        advice.append(f"restore the file of source.ids, which lacks {ids} of the earlier feed")
    if advice:
        raise NewIdsError(
            "the ids of published articles would change, and readers would show them all as new: "
            f"{', and '.join(advice)}, or give --accept-new-ids"
        )


def remember_identity(
    database: Database, authority: str, collection: str, adopted: AdoptedIds | None
) -> None:
    """Note what the ids of the published articles are made of, if there are any."""
    if authority.partition(",")[0] in _TRIAL_HOSTS or not database.fetch_value(_ANY_SHOWN):
        return
    uses_authority = _any_begins(database, tag_uri(authority, ""))
    uses_collection = _any_begins(database, f"{tag_uri(authority, collection_name(collection))}/")
    shown = _adopted_and_shown(database, adopted or NONE_ADOPTED)
    record = Identity(
        authority=authority if uses_authority else "",
        collection=collection if uses_collection else "",
        adopted=b"".join(sorted(_short_digests(shown))),
    )
    write_record(database, record)


def _adopted_and_shown(database: Database, adopted: AdoptedIds) -> AdoptedIds:
    """Return the adopted ids that published articles have."""
    rows = (row for row in adopted.rows if database.fetch_value(_IS_SHOWN, (row.id,)))
    return AdoptedIds(tuple(rows))


def _short_digests(adopted: AdoptedIds) -> set[bytes]:
    return {digest(row.id)[:_DIGEST_SIZE] for row in adopted.rows}


def _split(digests: bytes) -> set[bytes]:
    return {digests[at : at + _DIGEST_SIZE] for at in range(0, len(digests), _DIGEST_SIZE)}


def _any_begins(database: Database, prefix: str) -> bool:
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return bool(database.fetch_value(_ANY_BETWEEN, (prefix, end)))


_IS_SHOWN = "SELECT EXISTS (SELECT 1 FROM articles WHERE id = ? AND state = 'shown')"
_ANY_SHOWN = "SELECT EXISTS (SELECT 1 FROM articles WHERE state = 'shown')"
_ANY_BETWEEN = """
SELECT EXISTS (SELECT 1 FROM articles WHERE id >= ? AND id < ? AND state = 'shown')
"""
