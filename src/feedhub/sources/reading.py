"""How one file is read: front matter, then the public gate, and only then the article."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from msgspec import structs

from feedhub.article import Article
from feedhub.errors import ArticleError, Problem, did_you_mean, name_field
from feedhub.sources import ReadOptions, ReadResult
from feedhub.sources.article_page import ArticleFile, Links, find_page
from feedhub.sources.article_path import id_of_path, parse_path
from feedhub.sources.assembly import make_article
from feedhub.sources.fields import NAMES, Fields, normal_key
from feedhub.sources.file_rules import unreadable
from feedhub.sources.flags import pass_gate, read_update
from feedhub.sources.frontmatter import read_front_matter
from feedhub.sources.gate import Verdict
from feedhub.sources.gate_neighbours import (
    has_hiding_line,
    is_hidden_elsewhere,
    unread_keys,
)
from feedhub.sources.simple_yaml import names_of
from feedhub.sources.tree import Mapping

# A title or date as Pelican writes it without fences, and Hexo before its only one.
_BARE_MATTER = re.compile(rb"\s{0,99}(?:[\w-]{1,40}:[^\n]{0,999}\n){0,9}(?i:title|date) ?: ?\S")
# Front matter below a blank line.
_LATE_MATTER = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{1,99}(?:---|\+\+\+)[ \t\r]{0,9}\n[\w-]{1,40} ?[:=]"
)
# A data file may begin with YAML's sign for the start of a document, and has no second one.
_DATA_SUFFIXES = ("yml", "yaml")
# A file is no worth more lines about keys that do not count.
MAX_REPORTED = 10
# How the file begins that git has instead of a file that Git LFS keeps.
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


def read_file(
    path: str,
    load: Callable[[str], bytes | Problem],
    root: str,
    generator: str,
    options: ReadOptions,
    now: datetime,
    place_of: Callable[[str], str],
) -> ReadResult:
    """Read one file as of `now`; a bad file is a rejected ReadResult, never an exception.

    `load` returns the bytes of a file, or why there are none; it may raise ArticleError, OSError
    and KeyError. `place_of` is that of Links.
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
        except (ArticleError, OSError, KeyError, ValueError):  # or a name that no file can have
            return ""

    try:
        loaded = load(path)
        if isinstance(loaded, Problem):
            return ReadResult(state="rejected", problems=(loaded,), retry=True)
        data = loaded
        links = Links(address_of, place_of)
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
        message = f"{problem.message}; a line may hide the article: it is not published until then"
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
        message = "the file begins like front matter: put a line --- before it and one behind it"
        if _LATE_MATTER.match(data):
            message = "front matter begins in the first line: remove what stands before its fence"
        elif article_path.suffix in _DATA_SUFFIXES or not _BARE_MATTER.match(data):
            return ReadResult(state="plain")
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
    with naming_fields(file.fields):
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
    for key, line, column in matter.repeated[:MAX_REPORTED]:
        message = f"the key {key} appears twice; feedhub does not read it: keep one of them"
        file.fields.warn("repeated-key", message, line, column)
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
    with naming_fields(file.fields):
        article = make_article(file, date, updated)
    name_at = file.fields.name_at
    adopted = options.adopted.find(path, article.url)  # readers know it from an earlier feed
    return ReadResult(
        state="shown",
        article=structs.replace(article, id=adopted) if adopted else article,
        replaced_id=article.id if adopted else "",
        own_id=article.id != id_of_path(options.authority, file.path),
        dated_update=updated is not None,
        due=min(later, default=None),
        problems=tuple(
            replace(each, message=name_field(name_at(each.line, each.column), each.message))
            for each in file.fields.problems
        ),
        links=tuple(links.addresses) if links else (),
        copies=copies_in(article, links) if links and options.copies else {},
    )


@contextmanager
def naming_fields(fields: Fields) -> Iterator[None]:
    """Let an ArticleError name the field at whose value it stands."""
    try:
        yield
    except ArticleError as error:
        raise error.named(fields.name_at(error.line, error.column)) from None


def copies_in(article: Article, links: Links) -> dict[str, str]:
    """Return the files of which an article shows a copy, with its place.

    What is looked at and then left out, such as a picture in a hidden block, is none of them.
    """
    shown = {image.url for image in article.images} | {file.url for file in article.media}
    return {
        path: place
        for path, place in links.places.items()
        if links.addresses[path] in shown or links.addresses[path] in article.content_html
    }


def report_unknown_keys(fields: Fields, mapping: Mapping) -> None:
    """Add a problem for each of the first keys that feedhub does not know."""
    names = [name for field in NAMES.values() for name in field]
    unread = unread_keys(names_of(mapping.entries))
    known = {normal_key(name) for name in (*NAMES["published_elsewhere"], "publisher")}
    for key in [key for key in unread if normal_key(key) not in known][:MAX_REPORTED]:
        node = mapping.entries[key]
        message = f"the key {key} is not known and ignored{did_you_mean(key, names)}"
        fields.warn("unknown-key", message, node.line, node.column, level="info")
