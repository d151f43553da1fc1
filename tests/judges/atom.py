"""RFC 4287 as checks on a document: each rule yields one line for everything that breaks it."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from tests.judges.xmlrules import (
    ATOM,
    HISTORY,
    MEDIA,
    is_http,
    is_uri,
    local,
    namespace,
    parsed,
    path_of,
    repeated,
    rfc3339,
    text,
)

XML = "http://www.w3.org/XML/1998/namespace"
XHTML = "http://www.w3.org/1999/xhtml"

_RELS = set(
    """
    alternate related self enclosure via next previous prev first last current prev-archive
    next-archive archives hub license replies edit search payment author canonical up
    """.split()
)
_ONE = {"id", "title", "updated"}
_AT_MOST_ONE = {
    "feed": {"generator", "icon", "logo", "rights", "subtitle"},
    "entry": {"content", "published", "rights", "source", "summary"},
}
_MANY = {"author", "category", "contributor", "link"}
_CHILDREN = {
    "feed": _ONE | _MANY | _AT_MOST_ONE["feed"] | {"entry"},
    "entry": _ONE | _MANY | _AT_MOST_ONE["entry"],
    "source": _ONE | _MANY | _AT_MOST_ONE["feed"],
    "author": {"name", "uri", "email"},
    "contributor": {"name", "uri", "email"},
}
_TEXTS = {"title", "subtitle", "summary", "rights"}
_ATTRIBUTES = {
    "link": {"href", "rel", "type", "hreflang", "title", "length"},
    "category": {"term", "scheme", "label"},
    "content": {"type", "src"},
    "generator": {"uri", "version"},
    **{name: {"type"} for name in _TEXTS},
}
_NAMESPACES = {ATOM, HISTORY, MEDIA}
_DATES = ("updated", "published")


def complaints(document: bytes) -> list[str]:
    """Return every breach of RFC 4287 that the bytes of an Atom document show, with its section."""
    feed = parsed(document)
    if feed.tag != f"{{{ATOM}}}feed":
        return [f"4.1.1 the root is {feed.tag}"]
    return [complaint for rule in _RULES for complaint in rule(feed)]


def _all(feed: etree._Element, *names: str) -> Iterator[etree._Element]:
    return feed.iter(*(f"{{{ATOM}}}{name}" for name in names))


def _of(element: etree._Element, name: str) -> list[etree._Element]:
    return element.findall(f"{{{ATOM}}}{name}")


def _rel(link: etree._Element) -> str:
    return link.get("rel", "alternate")


def _linked(element: etree._Element, rel: str) -> list[etree._Element]:
    return [link for link in _of(element, "link") if _rel(link) == rel]


def _cardinality(feed: etree._Element) -> Iterator[str]:
    for element in _all(feed, "feed", "entry"):
        for name in _ONE:
            if len(_of(element, name)) != 1:
                yield f"4.1 {path_of(element)} has not exactly one {name}"
        for name in _AT_MOST_ONE[local(element)]:
            if len(_of(element, name)) > 1:
                yield f"4.1 {path_of(element)} has more than one {name}"


def _authors(feed: etree._Element) -> Iterator[str]:
    if _of(feed, "author"):
        return
    for entry in _all(feed, "entry"):
        if not _of(entry, "author") and entry.find(f"{{{ATOM}}}source/{{{ATOM}}}author") is None:
            yield f"4.1.2 {path_of(entry)} has no author, and neither has the feed"


def _persons(feed: etree._Element) -> Iterator[str]:
    for person in _all(feed, "author", "contributor"):
        names = _of(person, "name")
        if len(names) != 1 or not text(names[0]).strip():
            yield f"3.2.1 {path_of(person)} has not exactly one name that is not empty"
        if len(_of(person, "uri")) > 1 or len(_of(person, "email")) > 1:
            yield f"3.2 {path_of(person)} has more than one uri or email"
        if any("@" not in text(email) for email in _of(person, "email")):
            yield f"3.2.3 {path_of(person)} has an email without @"


def _self_link(feed: etree._Element) -> Iterator[str]:
    found = _linked(feed, "self")
    if len(found) != 1:
        yield f"4.1.1 the feed has {len(found)} links rel=self"
    elif found[0].get("type", "application/atom+xml") != "application/atom+xml":
        yield "4.1.1 the link rel=self has another type than application/atom+xml"


def _alternates(feed: etree._Element) -> Iterator[str]:
    for element in _all(feed, "feed", "entry"):
        kinds = [(link.get("type"), link.get("hreflang")) for link in _linked(element, "alternate")]
        for kind in repeated(kinds):
            yield f"4.1.1 {path_of(element)} has two alternates with type and hreflang {kind}"


def _links(feed: etree._Element) -> Iterator[str]:
    for link in _all(feed, "link"):
        if not is_http(link.get("href", "")):
            yield f"4.2.7.1 {path_of(link)} has no absolute http(s) href"
        if _rel(link) not in _RELS and not is_uri(_rel(link)):
            yield f"4.2.7.2 {path_of(link)} has the unregistered rel {_rel(link)}"
        if "/" not in link.get("type", "a/b"):
            yield f"4.2.7.3 {path_of(link)} has no media type as its type"
        if not link.get("length", "0").isdecimal():
            yield f"4.2.7.6 {path_of(link)} has a length that is no number"


def _addresses(feed: etree._Element) -> Iterator[str]:
    for element in _all(feed, "id", "icon", "logo", "uri"):
        if not is_uri(text(element)):
            yield f"4.2 {path_of(element)} is no absolute IRI"
    for element in _all(feed, "category", "generator", "content"):
        for name in ("scheme", "uri", "src"):
            if not is_uri(element.get(name, "tag:a")):
                yield f"4.2 {path_of(element)} has a {name} that is no absolute IRI"


def _categories(feed: etree._Element) -> Iterator[str]:
    for element in _all(feed, "feed", "entry"):
        found = _of(element, "category")
        if not all(category.get("term", "").strip() for category in found):
            yield f"4.2.2.1 {path_of(element)} has a category without term"
        for pair in repeated((category.get("term"), category.get("scheme")) for category in found):
            yield f"4.2.2 {path_of(element)} has the category {pair} twice"


def _dates(feed: etree._Element) -> Iterator[str]:
    for element in _all(feed, *_DATES):
        if rfc3339(text(element)) is None:
            yield f"3.3 {path_of(element)} is no RFC 3339 date with upper-case T and Z"


def _order_of_dates(feed: etree._Element) -> Iterator[str]:
    newest = rfc3339(feed.findtext(f"{{{ATOM}}}updated", ""))
    for entry in _all(feed, "entry"):
        updated = rfc3339(entry.findtext(f"{{{ATOM}}}updated", ""))
        published = rfc3339(entry.findtext(f"{{{ATOM}}}published", "")) or updated
        if updated and published and published > updated:
            yield f"4.2.15 {path_of(entry)} is published after it is updated"
        if updated and newest and updated > newest:
            yield f"4.2.15 {path_of(entry)} is updated after the feed"


def _contents(feed: etree._Element) -> Iterator[str]:
    for entry in _all(feed, "entry"):
        content = entry.find(f"{{{ATOM}}}content")
        if content is None and not _linked(entry, "alternate"):
            yield f"4.1.2 {path_of(entry)} has neither content nor an alternate link"
        if content is not None and content.get("src") and not _of(entry, "summary"):
            yield f"4.1.2 {path_of(entry)} has content with src and no summary"


def _constructs(feed: etree._Element) -> Iterator[str]:
    for element in _all(feed, "content", *_TEXTS):
        kind = element.get("type", "text")
        inside = [child.tag for child in element]
        if kind in {"text", "html"} and inside:
            yield f"3.1.1 {path_of(element)} has elements inside, with type={kind}"
        if kind == "xhtml" and inside != [f"{{{XHTML}}}div"]:
            yield f"3.1.1.3 {path_of(element)} has something else than one xhtml:div inside"
        if kind not in {"text", "html", "xhtml"} and local(element) != "content":
            yield f"3.1.1 {path_of(element)} has the type {kind}"


def _identity(feed: etree._Element) -> Iterator[str]:
    ids = [text(found) for entry in _all(feed, "entry") for found in _of(entry, "id")]
    for twice in repeated(ids):
        yield f"4.1.1 two entries have the id {twice}"
    if feed.findtext(f"{{{ATOM}}}id") in ids:
        yield "4.2.6 an entry has the id of the feed"


def _vocabulary(feed: etree._Element) -> Iterator[str]:
    for element in feed.iter(f"{{{ATOM}}}*"):
        allowed = _CHILDREN.get(local(element), set())
        for child in element.iterchildren(f"{{{ATOM}}}*"):
            if local(child) not in allowed:
                yield f"4.1 {path_of(child)} has no place in <{local(element)}>"
        for name in element.attrib:
            known = _ATTRIBUTES.get(local(element), set()) | {f"{{{XML}}}lang", f"{{{XML}}}base"}
            if name not in known:
                yield f"2 {path_of(element)} has the attribute {name!s}"


def _namespaces(feed: etree._Element) -> Iterator[str]:
    if feed.prefix is not None:
        yield f"the root has the prefix {feed.prefix}"
    for element in feed.iter("*"):
        if namespace(element) not in _NAMESPACES and element.xpath("not(ancestor::*[@type])"):
            yield f"6 {path_of(element)} is in the unknown namespace {namespace(element)}"


_RULES = (
    _cardinality,
    _authors,
    _persons,
    _self_link,
    _alternates,
    _links,
    _addresses,
    _categories,
    _dates,
    _order_of_dates,
    _contents,
    _constructs,
    _identity,
    _vocabulary,
    _namespaces,
)
