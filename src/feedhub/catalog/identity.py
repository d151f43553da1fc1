"""What ids are made of besides the files: a sync that would change published ones is refused."""

from __future__ import annotations

from collections.abc import Iterable

from feedhub.catalog.database import Database
from feedhub.catalog.state import Identity, write_record
from feedhub.errors import NewIdsError
from feedhub.fingerprint import digest
from feedhub.sources.adopted_ids import AdoptedIds
from feedhub.sources.article_path import collection_name, tag_uri

# Under such an address a site is tried out, and nobody subscribes.
_TRIAL_HOSTS = ("127.0.0.1", "localhost")
# Of two ids with one digest, the loss of one would not be noticed.
_DIGEST_SIZE = 8


def refuse_new_ids(
    database: Database,
    known: Identity,
    authority: str,
    collection: str,
    adopted: AdoptedIds,
    *,
    renamed: int,
) -> None:
    """Raise NewIdsError if readers know ids that this sync has not given again.

    They are of another authority or name of the source, or were adopted and are missing now; or
    others were adopted after they had been published, those of so many `renamed` articles.
    """
    keys = []
    if known.authority and known.authority != authority:
        keys.append(f'site.authority = "{known.authority}"')
    if known.collection and known.collection != collection:
        keys.append(f'source.collection = "{known.collection}"')
    advice = [f"set {' and '.join(keys)} to keep the ids"] if keys else []
    lost = _split(known.adopted) - _short_digests(row.id for row in adopted.rows)
    if lost:  # unless the file itself has the same id
        lost -= _short_digests(row[0] for row in database.iterate(_SHOWN_IDS))
    if lost:
        ids = f"{len(lost)} ids" if len(lost) > 1 else "1 id"
        advice.append(f"restore the file of source.ids, which lacks {ids} of the earlier feed")
    if renamed and not _is_trial(authority):
        ids = f"the ids of {renamed} articles" if renamed > 1 else "the id of 1 article"
        others = "others" if renamed > 1 else "another"
        advice.append(
            f"take {ids} out of the file of source.ids, which feedhub has published with {others}"
        )
    if advice:
        raise NewIdsError(
            "the ids of published articles would change, and readers would show them all as new: "
            f"{', and '.join(advice)}, or give --accept-new-ids"
        )


def remember_identity(
    database: Database, authority: str, collection: str, adopted: AdoptedIds
) -> None:
    """Note what the ids of the published articles are made of, if there are any."""
    if _is_trial(authority) or not database.fetch_value(_ANY_SHOWN):
        return
    uses_authority = _any_begins(database, tag_uri(authority, ""))
    uses_collection = _any_begins(database, f"{tag_uri(authority, collection_name(collection))}/")
    shown = (row.id for row in adopted.rows if database.fetch_value(_IS_SHOWN, (row.id,)))
    record = Identity(
        authority=authority if uses_authority else "",
        collection=collection if uses_collection else "",
        adopted=b"".join(sorted(_short_digests(shown))),
    )
    write_record(database, record)


def _is_trial(authority: str) -> bool:
    return authority.partition(",")[0] in _TRIAL_HOSTS


def _short_digests(ids: Iterable[str]) -> set[bytes]:
    return {digest(identity)[:_DIGEST_SIZE] for identity in ids}


def _split(digests: bytes) -> set[bytes]:
    return {digests[at : at + _DIGEST_SIZE] for at in range(0, len(digests), _DIGEST_SIZE)}


def _any_begins(database: Database, prefix: str) -> bool:
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return bool(database.fetch_value(_ANY_BETWEEN, (prefix, end)))


_SHOWN_IDS = "SELECT id FROM articles WHERE state = 'shown'"
_IS_SHOWN = "SELECT EXISTS (SELECT 1 FROM articles WHERE id = ? AND state = 'shown')"
_ANY_SHOWN = "SELECT EXISTS (SELECT 1 FROM articles WHERE state = 'shown')"
_ANY_BETWEEN = """
SELECT EXISTS (SELECT 1 FROM articles WHERE id >= ? AND id < ? AND state = 'shown')
"""
