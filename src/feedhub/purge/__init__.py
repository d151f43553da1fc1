"""Purges: a cache before the server drops what changed, by tag or by address.

`session` decides when and what, `services` has one row for each kind of cache.
"""

from __future__ import annotations

from feedhub.purge.session import PurgeSession

__all__ = ["SESSIONS"]

SESSIONS = (PurgeSession,)
