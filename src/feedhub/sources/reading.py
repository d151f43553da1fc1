"""How one file is read: front matter, then the public gate, and only then the article."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, tzinfo
from difflib import get_close_matches

from msgspec import structs

from feedhub.article import Article
from feedhub.errors import ArticleError, Problem, did_you_mean
from feedhub.limits import MAX_WORD
from feedhub.sources import ReadOptions, ReadResult
from feedhub.sources.adopted_ids import AdoptedIds
from feedhub.sources.article_path import date_in_name, parse_path, tag_uri
from feedhub.sources.assembly import ArticleFile, Links, find_page, make_article
from feedhub.sources.fields import NAMES, Fields, normal_key
from feedhub.sources.file_rules import unreadable
from feedhub.sources.frontmatter import read_front_matter
from feedhub.sources.gate import Flags, Verdict, judge
from feedhub.sources.gate_neighbours import (
    PRIVATE,
    PUBLIC,
    has_hiding_line,
    is_hidden_elsewhere,
    unread_keys,
)
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
    spam denied blocked banned revoked""".split()  # noqa: SIM905 - a list of as many lines
)
_WORDS = re.compile(r"[a-z]+")
# A title or date as Pelican writes it without fences, and Hexo before its only one.
_BARE_MATTER = re.compile(rb"\s{0,99}(?:[\w-]{1,40}:[^\n]{0,999}\n){0,9}(?i:title|date) ?: ?\S")
# A data file may begin with YAML's sign for the start of a document, and has no second one.
_DATA_SUFFIXES = ("yml", "yaml")
# How the file begins that git has instead of a file that Git LFS keeps.
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
# Eleventy's words for "ask the file system", which says nothing that lasts.
_NO_DATE = {"last modified", "created", "git last modified", "git created"}


def read_file(
    path: str,
    load: Callable[[str], bytes | Problem],
    root: str,
    generator: str,
    options: ReadOptions,
    now: datetime,
) -> ReadResult:
    """Read one file as of `now`; a bad file is a rejected ReadResult, never an exception.

    `load` returns the bytes of a file, or why there are none; it may raise ArticleError, OSError
    and KeyError.
    """
    withdraws, retry, data, zone = False, False, b"", options.zone

    def address_of(other: str) -> str:
        try:
            loaded = load(other)
            if isinstance(loaded, Problem):
                return ""
            opened = open_article(
                other, loaded, root=root, generator=generator, options=options, now=now
            )
            return "" if isinstance(opened, ReadResult) else find_page(opened[0], opened[2]).url
        except (ArticleError, OSError, KeyError):
            return ""

    try:
        loaded = load(path)
        if isinstance(loaded, Problem):
            return ReadResult(state="rejected", problems=(loaded,), retry=True)
        data = loaded
        links = Links(address_of)
        result = read_article(
            path, data, root=root, generator=generator, options=options, now=now, links=links
        )
        if result.state == "plain" and has_hiding_line(data, zone, now):
            return ReadResult(state="plain", withdraws=True)
        return result
    except ArticleError as error:
        problem, withdraws = error.at(path), error.withdraws
    except OSError as error:
        problem, retry = unreadable(path, error), True
    except Exception as error:  # one bad file must never stop the others
        message = f"the file cannot be read ({type(error).__name__}): please report it"
        problem = Problem(path=path, code="unexpected", message=message)
    if not withdraws and has_hiding_line(data, zone, now):
        withdraws = True
        message = f"{problem.message}; a line hides the article: it is withdrawn"
        problem = replace(problem, message=message)
    return ReadResult(state="rejected", problems=(problem,), withdraws=withdraws, retry=retry)


def open_article(
    path: str,
    data: bytes,
    *,
    root: str,
    generator: str,
    options: ReadOptions,
    now: datetime,
    links: Links | None = None,
) -> tuple[ArticleFile, Verdict, datetime] | ReadResult:
    """Return a file that the gate lets through, with its verdict and date, else the result.

    The problems of the file are shared by its fields. Raises ArticleError where it cannot be
    trusted.
    """
    article_path = parse_path(path, root, options.collection)
    if article_path.is_list:
        return ReadResult(state="plain")
    try:
        matter = read_front_matter(data)
    except ArticleError as error:
        if error.code != "no-closing-fence" or article_path.suffix not in _DATA_SUFFIXES:
            raise
        matter = None
    if matter is None:
        if data.startswith(_LFS_POINTER):
            message = "Git LFS has the text, this is a pointer to it: keep articles in git itself"
            raise ArticleError("lfs-pointer", message)
        if article_path.suffix in _DATA_SUFFIXES or not _BARE_MATTER.match(data):
            return ReadResult(state="plain")
        message = "the file begins like front matter: put a line --- before it and one behind it"
        problem = Problem(path=path, level="info", code="no-fence", message=message)
        return ReadResult(state="plain", problems=(problem,))
    problems: list[Problem] = []
    file = ArticleFile(
        path=article_path,
        options=options,
        fields=Fields(matter.fields, path, problems),
        body=matter.body,
        body_line=matter.body_line,
        generator=generator,
        links=links,
    )
    verdict, date = pass_gate(file, now)
    if verdict.state == "undated":
        message = "there is no date, so this is no article: give it one if it should be"
        problem = Problem(path=path, level="info", code="undated", message=message)
        return ReadResult(state="undated", problems=(problem,))
    if verdict.state in ("shown", "scheduled"):
        own = file.fields.node("published_elsewhere")
        own = None if file.fields.node("published") else own
        hidden = is_hidden_elsewhere(matter.fields, options.zone, now, own)
        verdict = Verdict("unpublished") if hidden and not options.drafts else verdict
    if date is None or verdict.state != "shown":
        return ReadResult(state=verdict.state, due=verdict.due)
    if options.unknown_keys:
        report_unknown_keys(file.fields, matter.fields)
    return file, verdict, date


def read_article(
    path: str,
    data: bytes,
    *,
    root: str,
    generator: str,
    options: ReadOptions,
    now: datetime,
    links: Links | None = None,
) -> ReadResult:
    """Read the bytes of the file at `path` below the folder named `root`, as of `now`.

    `generator` is the one whose source the folder is, or "". Raises ArticleError where the file
    cannot be trusted.
    """
    opened = open_article(
        path, data, root=root, generator=generator, options=options, now=now, links=links
    )
    if isinstance(opened, ReadResult):
        return opened
    file, verdict, date = opened
    # An update dated in the future counts when its time has come.
    stated = read_update(file.fields, options.zone)
    updated = stated if stated and stated <= now else None
    later = [moment for moment in (verdict.due, stated) if moment and moment > now]
    article = make_article(file, date, updated)
    return ReadResult(
        state="shown",
        article=with_adopted_id(article, path, options.adopted),
        own_id=article.id != tag_uri(options.authority, file.path.id_path),
        dated_update=updated is not None,
        due=min(later, default=None),
        problems=tuple(file.fields.problems),
        links=tuple(links.addresses) if links else (),
    )


def with_adopted_id(article: Article, path: str, adopted: AdoptedIds) -> Article:
    """Return the article with the id that readers know from an earlier feed, if there is one."""
    identity = adopted.find(path, article.url)
    return structs.replace(article, id=identity) if identity else article


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
    expires = fields.read_or_reject("expires", date_reader(file.options.zone))
    flags = flags._replace(date=date, expires=expires)
    return judge(flags, now, drafts=drafts), date


def report_unknown_keys(fields: Fields, mapping: Mapping) -> None:
    """Add a problem for each of the first ten keys that feedhub does not know."""
    names = [name for field in NAMES.values() for name in field]
    unread = unread_keys(tuple(mapping.entries.keys()))
    known = {normal_key(name) for name in (*NAMES["published_elsewhere"], "publisher")}
    for key in [key for key in unread if normal_key(key) not in known][:10]:
        node = mapping.entries[key]
        message = f"the key {key} is not known and ignored{did_you_mean(key, names)}"
        fields.warn("unknown-key", message, node.line, node.column, level="info")


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
    words = _WORDS.findall(text) if text.isascii() else ()
    near = any(get_close_matches(word, _MAY_HIDE, n=1, cutoff=0.8) for word in words)
    if not words or near or len(text) > MAX_WORD:
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
