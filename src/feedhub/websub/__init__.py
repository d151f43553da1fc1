"""The hub and search engines, which are told of changes once strangers can see them."""

from __future__ import annotations

from feedhub.websub.hub import HubSession
from feedhub.websub.indexnow import IndexNowSession

__all__ = ["SESSIONS"]

SESSIONS = (HubSession, IndexNowSession)
