"""YAML as a tree, read from libyaml's events so that nothing is composed before it is checked."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeAlias

import yaml
from yaml.error import Mark
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from feedhub.errors import ArticleError, FeedhubError
from feedhub.sources.tree import (
    CONTROL,
    MAX_DEPTH,
    MAX_NODES,
    SECURED,
    Mapping,
    Node,
    Scalar,
    Sequence,
    error_at,
    key_error,
    too_deep,
    too_many,
    wrong,
)

# The event classes of PyYAML say that a mark may be missing; libyaml's never is, hence Any.
_Take: TypeAlias = Callable[[], Any]

# libyaml takes the first three for line ends and skips the fourth at the start of a line: each can
# move a key to where its author does not see it.
_SLY = "\x85\u2028\u2029\ufeff"
_QUOTES = ("'", '"')

_ADVICE = {
    "mapping values are not allowed in this context": (
        "A colon stands inside an unquoted value, or the indentation is wrong; quote the value."
    ),
    "found character that cannot start any token": (
        "A value begins with a character that YAML reserves, or with a tab; quote the value."
    ),
    "found unexpected end of stream": "A quoted value is never closed; add the missing quote.",
    "found unexpected document indicator": "A quoted value is never closed; add the missing quote.",
    "could not find expected ':'": "A key has no colon after it; add one, or quote the text.",
    "did not find expected key": (
        "The indentation is wrong, or text follows a closed quote; align the keys, quote once."
    ),
    "did not find expected '-' indicator": "A list is indented unevenly; align its items.",
    "did not find expected ',' or ']'": "A list is not closed; add the comma or the bracket.",
    "did not find expected ',' or '}'": "A mapping is not closed; add the comma or the brace.",
    "did not find expected <document start>": (
        "A line of dots or a directive ends the YAML too early; remove it."
    ),
    "found unknown escape character": (
        "A quoted value holds a backslash that begins no escape; double it, or use single quotes."
    ),
}
_INVISIBLE = "An invisible character stands outside quotes; delete it."
_GENERAL = "The YAML cannot be read here; check the quotes, colons and indentation of this line."
# These are found far behind what causes them.
_BLAME_CONTEXT = frozenset(
    {
        "found unexpected end of stream",
        "found unexpected document indicator",
        "could not find expected ':'",
    }
)


def read_yaml(text: str) -> Mapping:
    """Return the mapping in `text`, a file's head from its `---` line on, so that lines agree.

    Raises ArticleError for anything but one mapping without anchors, aliases, tags, merge keys or
    doubled keys, at most MAX_DEPTH deep and of at most MAX_NODES events. Values of `secured` keys
    are not kept.
    """
    try:
        return _document(text)
    except FeedhubError:
        raise
    except Exception as error:  # PyYAML raises more than YAMLError
        failure = _translated(error, text)
    # Raised here, the error has no context: libyaml's may quote the file.
    raise failure


def _translated(error: Exception, text: str) -> ArticleError:
    if isinstance(error, yaml.reader.ReaderError) and (found := CONTROL.search(text)):
        message = "A control character stands in the front matter; delete it."
        return error_at(text, found.start(), "control-character", message)
    problem = getattr(error, "problem", None)
    mark = getattr(error, "problem_mark", None)
    if problem in _BLAME_CONTEXT:
        mark = getattr(error, "context_mark", None) or mark
    index = mark.index if mark else 0
    if index and text[index - 1] in _SLY:
        return error_at(text, index - 1, "invisible-character", _INVISIBLE)
    return error_at(text, index, "yaml-syntax", _ADVICE.get(str(problem), _GENERAL))


def _events(text: str) -> Iterator[Any]:
    try:
        from yaml._yaml import CParser
    except ImportError:
        message = "PyYAML is installed without libyaml; install one of its binary wheels."
        raise FeedhubError(message) from None
    events = iter(CParser(text).get_event, None)
    return _careful(events, text) if any(map(text.__contains__, _SLY)) else events


def _careful(events: Iterator[Any], text: str) -> Iterator[Any]:
    """Pass events on, refusing sly characters outside quotes and counting only line feeds."""
    sly = [found.start() for found in re.finditer(f"[{_SLY}]", text)]
    ends = [-1, *(found.start() for found in re.finditer("\n", text))]
    passed = 0
    for event in events:
        start, end = event.start_mark.index, event.end_mark.index
        quoted = type(event) is ScalarEvent and event.style in _QUOTES
        while passed < len(sly) and sly[passed] < end:
            if not quoted or sly[passed] < start:
                raise error_at(text, sly[passed], "invisible-character", _INVISIBLE)
            passed += 1
        line = bisect_left(ends, start) - 1
        event.start_mark = Mark("", start, line, start - ends[line] - 1, None, 0)
        yield event


def _document(text: str) -> Mapping:
    events = _events(text)
    take = islice(events, MAX_NODES).__next__
    try:
        take()  # the stream begins
        take()  # the document begins, with the opening fence
        root = _root(_node(take, take(), 0))
        take()  # the document ends
        behind = take()
    except StopIteration:
        raise too_many(*_place(next(events))) from None
    if type(behind) is not StreamEndEvent:
        raise _error(behind, "yaml-documents", "A second YAML document begins here; keep one.")
    return root


def _root(node: Node) -> Mapping:
    if type(node) is Mapping:
        return node
    if type(node) is Scalar and node.plain and not node.text:
        return Mapping({}, node.line, node.column)
    message = "The front matter is not made of keys and values; write lines such as `key: value`."
    raise wrong(node, "not-a-mapping", message)


def _node(take: _Take, event: Any, outside: int) -> Node:
    """Return the node that `event` begins, `outside` so many collections."""
    kind = type(event)
    if kind is MappingStartEvent:
        return _mapping(take, event, outside + 1)
    if kind is SequenceStartEvent:
        return _sequence(take, event, outside + 1)
    return _scalar(event)


def _scalar(event: Any) -> Scalar:
    if event.anchor is not None or event.tag is not None:
        raise _refused(event)
    mark = event.start_mark
    return Scalar(event.value, mark.line + 1, mark.column + 1, not event.style)


def _sequence(take: _Take, start: Any, depth: int) -> Sequence:
    line, column = _enter(start, depth)
    items = []
    while type(event := take()) is not SequenceEndEvent:
        items.append(_node(take, event, depth))
    return Sequence(tuple(items), line, column)


def _mapping(take: _Take, start: Any, depth: int) -> Mapping:
    line, column = _enter(start, depth)
    entries: dict[str, Node] = {}
    taken: set[str] = set()
    while type(event := take()) is not MappingEndEvent:
        key = _key(event)
        folded = key.casefold()
        if folded in taken or not key.isprintable():
            raise key_error(folded, taken, depth, _place(event))
        taken.add(folded)
        if folded == SECURED:
            _skip(take, depth)
        else:
            entries[key] = _node(take, take(), depth)
    return Mapping(entries, line, column)


def _key(event: Any) -> str:
    if event.anchor is not None or event.tag is not None:
        raise _refused(event)
    if type(event) is not ScalarEvent:
        message = "A list or a mapping stands as a key; write a word."
        raise _error(event, "yaml-key", message)
    key: str = event.value
    if key == "<<" and not event.style:
        message = "The merge key of YAML 1.1 is not allowed; write the keys out."
        raise _error(event, "yaml-merge", message)
    return key


def _skip(take: _Take, outside: int) -> None:
    """Pass over one value, keeping nothing of it but refusing in it what is refused elsewhere."""
    depth = outside
    while True:
        event = take()
        if isinstance(event, CollectionStartEvent):
            depth += 1
            _enter(event, depth)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        else:
            _scalar(event)
        if depth == outside:
            return


def _enter(event: Any, depth: int) -> tuple[int, int]:
    """Return where a collection begins, checked; `depth` counts it too."""
    if event.anchor is not None or event.tag is not None:
        raise _refused(event)
    place = _place(event)
    if depth > MAX_DEPTH:
        raise too_deep(*place)
    return place


def _refused(event: Any) -> ArticleError:
    if type(event) is AliasEvent:
        message = "An alias stands here; write its value out, or quote it."
        return _error(event, "yaml-alias", message)
    if event.anchor is not None:
        message = "An anchor stands here; remove it, or quote the value."
        return _error(event, "yaml-anchor", message)
    return _error(event, "yaml-tag", "A tag stands here; remove it, or quote the value.")


def _place(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _error(event: Any, code: str, message: str) -> ArticleError:
    line, column = _place(event)
    return ArticleError(code, message, line=line, column=column)
