"""What a file says to the gate: its flags first, and only if none hides it its dates."""

from __future__ import annotations

import re
from datetime import datetime, time, tzinfo
from difflib import get_close_matches

from feedhub.limits import MAX_WORD
from feedhub.sources.article_page import ArticleFile
from feedhub.sources.article_path import date_in_name
from feedhub.sources.fields import NAMES, Fields, normal_key
from feedhub.sources.gate import Flags, Verdict, judge
from feedhub.sources.gate_neighbours import PRIVATE, PUBLIC
from feedhub.sources.tree import Mapping, Node, Scalar, as_bool, node_error
from feedhub.sources.values import date_reader, has_far_offset

# The words of Pelican, and those of WordPress that its exporters leave: whether each hides.
_STATUS_HIDES = {
    **dict.fromkeys(("published", "publish"), False),
    **dict.fromkeys(("draft", "hidden", "skip", "pending", "private", "trash"), True),
}
# Words that may hide, in some languages: a status with one near to them is never guessed at.
_MAY_HIDE = PRIVATE | set(
    """todo idea review revise revision unfinished incomplete planned progress paused hold later
    expired retracted withheld hide remove delete wip not dont wait waiting entwurf privat versteckt
    verborgen gesperrt brouillon prive borrador privado bozza privato rascunho concept koncept szkic
    kladde utkast luonnos vazlat taslak gone offline closed dead killed rejected cancelled canceled
    spam denied blocked banned revoked confidential disabled inactive unready staged staging rough
    tbd stub future ebauche inedit nicht niet piszkozat abgelehnt zurueckgezogen
    editing needs pre parked backlog""".split()  # noqa: SIM905 - a list of as many lines
)
# Words that are near to those, and hide nothing where they stand alone.
_DONE = frozenset({"active", "complete", "completed", "finished", "ready", "resolved", "reviewed"})
_WORDS = re.compile(r"[a-z]+")
# Eleventy's words for "ask the file system", which says nothing that lasts.
_NO_DATE = {"last modified", "created", "git last modified", "git created"}


def pass_gate(file: ArticleFile, now: datetime) -> tuple[Verdict, datetime | None]:
    """Return the gate's verdict, and the article's date unless a flag already hides it.

    Flags come first: nothing else of a hidden file needs to be valid, or is read.
    """
    fields, drafts = file.fields, file.options.drafts
    hidden = (
        read_flag(fields, "is_draft"),
        read_flag(fields, "is_excluded"),
        has_hiding_status(fields),
        has_no_page(fields),
    )
    flags = Flags(
        published=read_flag(fields, "is_published"),
        removed=read_flag(fields, "is_removed"),
        draft=file.path.is_draft or any(hidden),
    )
    verdict = judge(flags, now, drafts=drafts)
    if verdict.state != "undated":
        return verdict, None
    date = read_date(file)
    if date is None:
        return verdict, None
    # A file may state several: it is shown from the last day on, and to the first end.
    read, first = date_reader(file.options.zone), fields.node("published")
    others = [node for node in fields.nodes("published", without="date") if node is not first]
    flags = flags._replace(
        date=max([date, *map(read, others)]),
        expires=min(map(read, fields.nodes("expires")), default=None),
    )
    return judge(flags, now, drafts=drafts), date


def read_flag(fields: Fields, field: str) -> bool | None:
    """Return a flag, or None where its key is absent; raises ArticleError that withdraws."""
    node = fields.raw_node(field)
    return None if node is None else as_bool(node)


def has_no_page(fields: Fields) -> bool:
    """Return whether the file tells Eleventy to write no page, and the article is nowhere else."""
    page = fields.node("page_url")
    if not isinstance(page, Scalar) or page.text != "false":
        return False
    return not any(fields.node(link) for link in ("web_url", "canonical_url", "original_url"))


def has_hiding_status(fields: Fields) -> bool:
    """Return whether the status hides the article; raises ArticleError that withdraws."""
    node = fields.node("status")
    if node is None:
        return False
    text = node.text.strip().lower() if isinstance(node, Scalar) else ""
    if text in _STATUS_HIDES or text in PUBLIC:
        return _STATUS_HIDES.get(text, False)
    words = _WORDS.findall(text) if text.isascii() and len(text) <= MAX_WORD else ()
    near = text not in _DONE and any(
        get_close_matches(word, _MAY_HIDE, n=1, cutoff=0.8) for word in words
    )
    if not words or near:
        message = "the status may be meant to hide this article: write published, draft or hidden"
        raise node_error(node, "bad-status", message, withdraws=True)
    fields.warn_about("status", "unknown-status", "the status is not known, and hides nothing")
    return False


def read_date(file: ArticleFile) -> datetime | None:
    """Return when the article was published: its field, else the date before the file's name."""
    fields, zone = file.fields, file.options.zone
    node = fields.node("published") or fields.node("published_elsewhere")
    if isinstance(node, Mapping):
        node = created_node(fields.nested(node), node)
    asks_file_system = isinstance(node, Scalar) and node.text.strip().lower() in _NO_DATE
    if node is not None and not asks_file_system:
        if has_far_offset(node):
            message = "no place is that far from UTC: look at the offset of the date"
            fields.warn("odd-offset", message, node.line, node.column)
        return date_reader(zone)(node)
    named = date_in_name(file.path.name)
    return datetime.combine(named[0], time(), zone) if named else None


def created_node(dates: Fields, node: Mapping) -> Node:
    """Return the date of publication from a mapping such as `created: ..., updated: ...`.

    Raises ArticleError where it has any other key: that might be a later date.
    """
    names = (*NAMES["created"], *NAMES["updated"])
    created = dates.node("created")
    if created is None or not {*map(normal_key, node.entries)} <= {*map(normal_key, names)}:
        message = "the date is a mapping; it may hold created, published and updated"
        raise node_error(node, "bad-date", message)
    return created


def read_update(fields: Fields, zone: tzinfo) -> datetime | None:
    """Return when the file says it was updated; a date that cannot be read is left out."""
    node = fields.node("published")
    if isinstance(node, Mapping) and not fields.node("updated"):
        fields = fields.nested(node)
    return fields.read_or_warn("updated", date_reader(zone), None)
