"""The public gate: the one place that decides whether an article may be shown."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Flags(NamedTuple):
    """The fields of a file that decide whether it is shown; None for an absent one."""

    published: bool | None = None
    removed: bool | None = None
    draft: bool | None = None
    date: datetime | None = None
    expires: datetime | None = None


class Verdict(NamedTuple):
    """The state of an article: `shown`, or why not; `due` is when time alone will change it."""

    state: str
    due: datetime | None = None


def judge(flags: Flags, now: datetime, *, drafts: bool = False) -> Verdict:
    """Return the verdict at `now`; `drafts` shows unpublished articles, for a local preview only.

    Withdrawal comes first, so that nothing else of a hidden file needs to be valid.
    """
    if flags.removed:
        return Verdict("removed")
    if not drafts and (flags.published is False or flags.draft):
        return Verdict("unpublished")
    if flags.date is None:
        return Verdict("undated")
    if flags.expires is not None and flags.expires <= now:
        return Verdict("expired")
    if flags.date > now:
        return Verdict("scheduled", flags.date)
    return Verdict("shown", flags.expires)
