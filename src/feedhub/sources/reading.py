"""One file becomes one Reading: front matter, then the public gate, and only then the article."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from feedhub.errors import ArticleError, Problem
from feedhub.sources import ReadOptions, ReadResult, parts
from feedhub.sources.article_path import Place, place_of
from feedhub.sources.assembly import ArticleFile, make_article
from feedhub.sources.dates import date_in_name
from feedhub.sources.fields import Fields
from feedhub.sources.frontmatter import FrontMatter, read_front_matter
from feedhub.sources.gate import Flags, Verdict, judge
from feedhub.sources.tree import Scalar, as_bool

if TYPE_CHECKING:
    from feedhub.sources.tree import Node

# Pelican's words, and those of WordPress that its exporters leave.
_STATUS_HIDES = {
    **dict.fromkeys(("published", "publish"), False),
    **dict.fromkeys(("draft", "hidden", "skip", "pending", "private", "trash"), True),
}
# A data file may begin with YAML's sign for the start of a document, and has no second one.
_DATA = ("yml", "yaml")
# Eleventy's words for "ask the file system", which says nothing that lasts.
_NO_DATE = {"last modified", "created", "git last modified", "git created"}


def read_article(
    path: str, data: bytes, *, root: str, generator: str, options: ReadOptions, now: datetime
) -> ReadResult:
    """Read the bytes of the file at `path` below the folder named `root`, as of `now`.

    `generator` is what the site is made with, or "". Raises ArticleError where the file cannot be
    trusted.
    """
    place = place_of(path, root, generator)
    matter = _front_matter(place, data)
    if matter is None:
        return ReadResult(state="plain")
    file = _open(path, matter, place, options)
    verdict, date = _pass_gate(file, now)
    if verdict.state == "undated":
        return ReadResult(state="undated", problems=(_undated(path),))
    if date is None or verdict.state != "shown":
        return ReadResult(state=verdict.state, due=verdict.due)
    return _shown(file, date, verdict, now)


def _front_matter(place: Place, data: bytes) -> FrontMatter | None:
    """Return front matter, or None where the file is no article though it looks like one."""
    if place.is_list:
        return None
    try:
        return read_front_matter(data)
    except ArticleError as error:
        if error.code == "no-closing-fence" and place.suffix in _DATA:
            return None
        raise


def _undated(path: str) -> Problem:
    message = "there is no date, so this is no article: give it one if it should be"
    return Problem(path=path, level="info", code="undated", message=message)


def _open(path: str, matter: FrontMatter, place: Place, options: ReadOptions) -> ArticleFile:
    problems: list[Problem] = []
    return ArticleFile(
        place=place,
        options=options,
        fields=Fields(matter.fields, path, problems),
        body=matter.body,
        problems=problems,
    )


def _pass_gate(file: ArticleFile, now: datetime) -> tuple[Verdict, datetime | None]:
    """Ask the gate, flags first: nothing else of a hidden file needs to be valid, or is read."""
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
    drafts = (
        _flag(fields, "is_draft"),
        _flag(fields, "is_excluded"),
        _hiding_status(fields),
        _has_no_page(fields),
    )
    return Flags(
        published=_flag(fields, "is_published"),
        removed=_flag(fields, "is_removed"),
        draft=file.place.is_draft or any(drafts),
    )


def _flag(fields: Fields, field: str) -> bool | None:
    node = fields.given(field)
    return None if node is None else as_bool(node)


def _has_no_page(fields: Fields) -> bool:
    """Say whether Eleventy is told to write no page, and the article is nowhere else."""
    page = fields.node("page_url")
    if not isinstance(page, Scalar) or page.text != "false":
        return False
    return not any(fields.node(link) for link in ("web_url", "canonical_url", "original_url"))


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
    named = date_in_name(file.place.name)
    return datetime.combine(named[0], time(), file.options.zone) if named else None


def _says_no_date(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text.strip().lower() in _NO_DATE


def _shown(file: ArticleFile, date: datetime, verdict: Verdict, now: datetime) -> ReadResult:
    """Make the article; an update dated in the future counts when its time has come."""
    stated = file.fields.want("updated", parts.date_reader(file.options.zone), None)
    later = [moment for moment in (verdict.due, stated) if moment and moment > now]
    updated = stated if stated and stated <= now else None
    return ReadResult(
        state="shown",
        article=make_article(file, date, updated),
        dated_update=updated is not None,
        due=min(later, default=None),
        problems=tuple(file.problems),
    )
