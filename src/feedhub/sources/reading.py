"""One file becomes one Reading: front matter, then the public gate, and only then the article."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from feedhub.sources import parts
from feedhub.sources.assembly import ArticleFile, make_article
from feedhub.sources.dates import date_in_name
from feedhub.sources.fields import Fields
from feedhub.sources.frontmatter import FrontMatter, read_front_matter
from feedhub.sources.gate import Flags, Verdict, judge
from feedhub.sources.records import Reading, ReadOptions
from feedhub.sources.tree import Scalar, as_bool, as_text

if TYPE_CHECKING:
    from feedhub.errors import Problem
    from feedhub.sources.tree import Node

_STATUS_HIDES = {"published": False, "draft": True, "hidden": True, "skip": True}
# Eleventy's words for "ask the file system", which says nothing that lasts.
_NO_DATE = {"last modified", "created", "git last modified", "git created"}


def read_article(
    path: str, data: bytes, *, root: str, options: ReadOptions, now: datetime
) -> Reading:
    """Read the bytes of the file at `path` below the folder named `root`, as it is to be shown at `now`.

    Raises ArticleError where the file cannot be trusted.
    """
    matter = read_front_matter(data)
    if matter is None:
        return Reading(state="plain")
    file = _open(path, matter, root, options)
    verdict, date = _pass_gate(file, now)
    if date is None or verdict.state != "shown":
        return Reading(state=verdict.state, due=verdict.due)
    return _shown(file, date, verdict, now)


def _open(path: str, matter: FrontMatter, root: str, options: ReadOptions) -> ArticleFile:
    *folders, name = path.split("/")
    stem, _, suffix = name.rpartition(".")
    problems: list[Problem] = []
    return ArticleFile(
        folders=tuple(folders),
        stem=stem,
        suffix=suffix.lower(),
        root=root,
        options=options,
        fields=Fields(matter.fields, path, problems),
        body=matter.body,
        problems=problems,
    )


def _pass_gate(file: ArticleFile, now: datetime) -> tuple[Verdict, datetime | None]:
    """Ask the gate, flags first: nothing else of a hidden file needs to be valid, or is even read."""
    flags = _flags(file)
    verdict = judge(flags, now, drafts=file.options.drafts)
    if verdict.state != "undated":
        return verdict, None
    date = _published(file)
    expires = file.fields.need("expires", parts.date_reader(file.options.zone))
    flags = flags._replace(date=date, expires=expires)
    return judge(flags, now, drafts=file.options.drafts), date


def _flags(file: ArticleFile) -> Flags:
    fields = file.fields
    drafts = (_flag(fields, "is_draft"), _flag(fields, "is_excluded"), _hiding_status(fields))
    return Flags(
        published=_flag(fields, "is_published"),
        removed=_flag(fields, "is_removed"),
        draft="_drafts" in file.folders or any(drafts),
    )


def _flag(fields: Fields, field: str) -> bool | None:
    node = fields.given(field)
    return None if node is None else as_bool(node)


def _hiding_status(fields: Fields) -> bool:
    node = fields.node("status")
    if node is None:
        return False
    text = node.text.strip().lower() if isinstance(node, Scalar) else ""
    if text not in _STATUS_HIDES:
        error = parts.refuse(node, "bad-status", "status must be published, draft, hidden or skip")
        error.withdraws = True
        raise error
    return _STATUS_HIDES[text]


def _published(file: ArticleFile) -> datetime | None:
    node = file.fields.node("published")
    if node is not None and not _says_no_date(node):
        return parts.date_reader(file.options.zone)(node)
    named = date_in_name(file.stem)
    return datetime.combine(named[0], time(), file.options.zone) if named else None


def _says_no_date(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text.strip().lower() in _NO_DATE


def _shown(file: ArticleFile, date: datetime, verdict: Verdict, now: datetime) -> Reading:
    """Make the article; an update dated in the future counts when its time has come."""
    stated = file.fields.want("updated", parts.date_reader(file.options.zone), None)
    later = [moment for moment in (verdict.due, stated) if moment and moment > now]
    updated = stated if stated and stated <= now else None
    return Reading(
        state="shown",
        article=make_article(file, date, updated),
        dated_update=updated is not None,
        due=min(later, default=None),
        problems=tuple(file.problems),
    )
