"""What ids are made of besides the files: a sync that would change published ones is refused."""

from __future__ import annotations

from feedhub.catalog.database import Database
from feedhub.catalog.state import Identity, write_record
from feedhub.errors import NewIdsError
from feedhub.sources.article_path import collection_name, tag_uri

# Under such an address a site is tried out, and nobody subscribes.
_TRIAL_HOSTS = ("127.0.0.1", "localhost")


def refuse_new_ids(known: Identity, authority: str, collection: str) -> None:
    """Raise NewIdsError if readers know ids of another authority, or another name of the source."""
    keys = []
    if known.authority and known.authority != authority:
        keys.append(f'site.authority = "{known.authority}"')
    if known.collection and known.collection != collection:
        keys.append(f'source.collection = "{known.collection}"')
    if keys:
        raise NewIdsError(
            "the ids of published articles would change, and readers would show them all as new: "
            f"set {' and '.join(keys)} to keep the ids, or give --accept-new-ids"
        )


def remember_identity(database: Database, authority: str, collection: str) -> None:
    """Note what the ids of the published articles are made of, if there are any."""
    if authority.partition(",")[0] in _TRIAL_HOSTS or not database.fetch_value(_ANY_SHOWN):
        return
    uses_authority = _any_begins(database, tag_uri(authority, ""))
    uses_collection = _any_begins(database, f"{tag_uri(authority, collection_name(collection))}/")
    record = Identity(
        authority=authority if uses_authority else "",
        collection=collection if uses_collection else "",
    )
    write_record(database, record)


def _any_begins(database: Database, prefix: str) -> bool:
    end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
    return bool(database.fetch_value(_ANY_BETWEEN, (prefix, end)))


_ANY_SHOWN = "SELECT EXISTS (SELECT 1 FROM articles WHERE state = 'shown')"
_ANY_BETWEEN = """
SELECT EXISTS (SELECT 1 FROM articles WHERE id >= ? AND id < ? AND state = 'shown')
"""
