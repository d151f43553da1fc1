"""The strict reader of YAML: it checks each event of libyaml before it builds anything."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

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
from feedhub.sources.gate_neighbours import may_stand_twice
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
    node_error,
    too_deep,
    too_many,
)

#: Returns the next event. PyYAML's types say that a mark may be missing; libyaml always sets it,
#: hence Any.
NextEvent: TypeAlias = Callable[[], Any]

# What all aliases of a file may stand for, in characters: as much as could be written out. Each
# value counts for some more, so that this bounds how many there are.
MAX_ALIASED, VALUE_CHARACTERS = 256 * 1024, 12

# libyaml takes the first three for line ends and skips the fourth at the start of a line: each can
# move a key to where its author does not see it.
_AMBIGUOUS = "\x85\u2028\u2029\ufeff"
_QUOTES = ("'", '"')

_ADVICE = {
    "mapping values are not allowed in this context": (
        "a colon stands inside an unquoted value, or the indentation is wrong; quote the value"
    ),
    "found character that cannot start any token": (
        "a value begins with a character that YAML reserves; quote the value"
    ),
    "found unexpected end of stream": "a quoted value is never closed; add the missing quote",
    "found unexpected document indicator": "a quoted value is never closed; add the missing quote",
    "could not find expected ':'": "a key has no colon after it; add one, or quote the text",
    "did not find expected key": (
        "the indentation is wrong, or text follows a closed quote; align the keys, quote once"
    ),
    "did not find expected '-' indicator": "a list is indented unevenly; align its items",
    "did not find expected ',' or ']'": "a list is not closed; add the comma or the bracket",
    "did not find expected ',' or '}'": "a mapping is not closed; add the comma or the brace",
    "did not find expected <document start>": (
        "a line of dots or a directive ends the YAML too early; remove it"
    ),
    "found unknown escape character": (
        "a quoted value holds a backslash that begins no escape; double it, or use single quotes"
    ),
}
_TAB = "a tab stands here; indent with spaces, and write one behind the colon"
_INVISIBLE = "an invisible character stands outside quotes; delete it"
_TAG = "a tag stands here; remove it, or quote the value"
_GENERAL = "the YAML cannot be read here; check the quotes, colons and indentation of this line"
# libyaml finds these far behind their cause, and says in the context where that began.
_BLAME_CONTEXT = frozenset(
    {
        "found unexpected end of stream",
        "found unexpected document indicator",
        "could not find expected ':'",
    }
)


class Yaml(NamedTuple):
    """The mapping of a document, and each key that stands there again, with line and column."""

    fields: Mapping
    repeated: tuple[tuple[str, int, int], ...]


def read_yaml(text: str) -> Yaml:
    """Return the mapping in `text`, a file's head from its `---` line on, so that lines agree.

    An alias is the node of its anchor, with that one's lines. Raises ArticleError for anything but
    one mapping without tags, merge keys, or doubled keys that feedhub might read, at most MAX_DEPTH
    deep and of at most MAX_NODES events. Values of `secured` keys are not kept; of a doubled key
    the last one is.
    """
    try:
        return read_document(text)
    except FeedhubError:
        raise
    except Exception as error:  # PyYAML raises more than YAMLError
        failure = yaml_error(error, text)
    # Raised here, the error has no context: libyaml's may quote the file.
    raise failure


def yaml_error(error: Exception, text: str) -> ArticleError:
    """Return an ArticleError with advice for an error of PyYAML in `text`."""
    if isinstance(error, yaml.reader.ReaderError) and (found := CONTROL.search(text)):
        message = "a control character stands in the front matter; delete it"
        return error_at(text, found.start(), "control-character", message)
    problem = getattr(error, "problem", None)
    mark = getattr(error, "problem_mark", None)
    if problem in _BLAME_CONTEXT:
        mark = getattr(error, "context_mark", None) or mark
    index = mark.index if mark else 0
    if index and text[index - 1] in _AMBIGUOUS:
        return error_at(text, index - 1, "invisible-character", _INVISIBLE)
    advice = _TAB if text[index : index + 1] == "\t" else _ADVICE.get(str(problem), _GENERAL)
    return error_at(text, index, "yaml-syntax", advice)


def parse_events(text: str) -> Iterator[Any]:
    """Yield the events of libyaml for `text`, their lines counted by line feeds alone."""
    try:
        from yaml._yaml import CParser
    except ImportError:
        message = "PyYAML is installed without libyaml; install one of its binary wheels"
        raise FeedhubError(message) from None
    events = iter(CParser(text).get_event, None)
    ambiguous = any(map(text.__contains__, _AMBIGUOUS))
    return _check_line_breaks(events, text) if ambiguous else events


def _check_line_breaks(events: Iterator[Any], text: str) -> Iterator[Any]:
    """Pass events on; refuse ambiguous line breaks outside quotes and count only line feeds."""
    ambiguous = [found.start() for found in re.finditer(f"[{_AMBIGUOUS}]", text)]
    line_feeds = [-1, *(found.start() for found in re.finditer("\n", text))]
    passed = 0
    for event in events:
        start, end = event.start_mark.index, event.end_mark.index
        quoted = type(event) is ScalarEvent and event.style in _QUOTES
        while passed < len(ambiguous) and ambiguous[passed] < end:
            if not quoted or ambiguous[passed] < start:
                raise error_at(text, ambiguous[passed], "invisible-character", _INVISIBLE)
            passed += 1
        line = bisect_left(line_feeds, start) - 1
        event.start_mark = Mark("", start, line, start - line_feeds[line] - 1, None, 0)
        yield event


def read_document(text: str) -> Yaml:
    """Return the one document of `text`, a mapping; raises ArticleError or an error of PyYAML."""
    events = parse_events(text)
    take = islice(events, MAX_NODES).__next__
    reader = NodeReader(take)
    try:
        take()  # the stream begins
        take()  # the document begins, with the opening fence
        root = reader.read_node(take(), 0)
        if type(root) is Scalar and root.plain and not root.text:
            root = Mapping({}, root.line, root.column)
        if type(root) is not Mapping:
            message = (
                "the front matter is not made of keys and values; write lines such as `key: value`"
            )
            raise node_error(root, "not-a-mapping", message)
        take()  # the document ends
        last = take()
    except StopIteration:
        raise too_many(*position_of(next(events))) from None
    if type(last) is not StreamEndEvent:
        raise event_error(last, "yaml-documents", "a second YAML document begins here; keep one")
    return Yaml(root, tuple(reader.repeated))


class NodeReader:
    """Makes nodes from events, and remembers which have an anchor, and which keys stand twice."""

    def __init__(self, take: NextEvent) -> None:
        self._take = take
        self._anchored: dict[str, Node] = {}
        self._aliased = 0
        self.repeated: list[tuple[str, int, int]] = []

    def read_node(self, event: Any, depth: int) -> Node:
        """Return the node that begins with `event`, inside `depth` collections."""
        kind, anchor = type(event), event.anchor
        if kind is AliasEvent:
            return self._resolve(event, depth)
        if event.tag is not None:
            raise event_error(event, "yaml-tag", _TAG)
        # Inside the node its anchor stands for nothing: neither for it nor for an earlier one.
        if anchor is not None:
            self._anchored.pop(anchor, None)
        node: Node
        if kind is MappingStartEvent:
            node = self._read_mapping(event, depth + 1)
        elif kind is SequenceStartEvent:
            node = self._read_sequence(event, depth + 1)
        else:
            mark = event.start_mark
            node = Scalar(event.value, mark.line + 1, mark.column + 1, not event.style)
        if anchor is not None:
            self._anchored[anchor] = node
        return node

    def _resolve(self, event: Any, depth: int) -> Node:
        """Return the node for which an alias stands, if it could be written out there."""
        node = self._anchored.get(event.anchor)
        if node is None:
            message = "an alias of nothing stands here; write its value out, or quote it"
            raise event_error(event, "yaml-alias", message)
        length, height = measure(node)
        self._aliased += length
        if self._aliased > MAX_ALIASED:
            raise too_many(*position_of(event))
        if depth + height > MAX_DEPTH:
            raise too_deep(*position_of(event))
        return node

    def _read_sequence(self, start: Any, depth: int) -> Sequence:
        line, column = check_depth(start, depth)
        items = []
        while type(event := self._take()) is not SequenceEndEvent:
            items.append(self.read_node(event, depth))
        return Sequence(tuple(items), line, column)

    def _read_mapping(self, start: Any, depth: int) -> Mapping:
        line, column = check_depth(start, depth)
        entries: dict[str, Node] = {}
        taken: set[str] = set()
        while type(event := self._take()) is not MappingEndEvent:
            key = read_key(event)
            folded = key.casefold()
            if folded in taken or not key.isprintable():
                if not (key.isprintable() and may_stand_twice(key)):
                    raise key_error(folded, taken, depth, *position_of(event))
                self.repeated.append((key, *position_of(event)))
            taken.add(folded)
            if folded == SECURED:
                skip_value(self._take, depth)
            else:
                entries[key] = self.read_node(self._take(), depth)
        return Mapping(entries, line, column)


def measure(node: Node) -> tuple[int, int]:
    """Return how many characters a node counts for, and how many collections deep it is."""
    if isinstance(node, Scalar):
        return VALUE_CHARACTERS + len(node.text), 0
    if isinstance(node, Mapping):
        own, inner = sum(map(len, node.entries)), tuple(node.entries.values())
    else:
        own, inner = 0, node.items
    lengths, heights = zip(*map(measure, inner), strict=True) if inner else ((), ())
    return VALUE_CHARACTERS + own + sum(lengths), 1 + max(heights, default=0)


def read_key(event: Any) -> str:
    """Return the key of a mapping from its event; raises ArticleError unless it is a plain word."""
    if event.anchor is not None or event.tag is not None:
        check_properties(event)
    if type(event) is not ScalarEvent:
        message = "a list or a mapping stands as a key; write a word"
        raise event_error(event, "yaml-key", message)
    key: str = event.value
    if key == "<<" and not event.style:
        message = "the merge key of YAML 1.1 is not allowed; write the keys out"
        raise event_error(event, "yaml-merge", message)
    return key


def skip_value(take: NextEvent, outer_depth: int) -> None:
    """Skip one value without storing it: no alias may stand for what is in it, either."""
    depth = outer_depth
    while True:
        event = take()
        if isinstance(event, CollectionStartEvent):
            depth += 1
            check_properties(event)
            check_depth(event, depth)
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        else:
            check_properties(event)
        if depth == outer_depth:
            return


def check_depth(event: Any, depth: int) -> tuple[int, int]:
    """Return line and column of a collection that may begin at `depth`, itself counted."""
    position = position_of(event)
    if depth > MAX_DEPTH:
        raise too_deep(*position)
    return position


def check_properties(event: Any) -> None:
    """Raise ArticleError for an alias, an anchor or a tag (YAML 1.2.2, 6.9)."""
    if type(event) is AliasEvent:
        message = "an alias stands here; write its value out, or quote it"
        raise event_error(event, "yaml-alias", message)
    if event.anchor is not None:
        message = "an anchor stands here; remove it, or quote the value"
        raise event_error(event, "yaml-anchor", message)
    if event.tag is not None:
        raise event_error(event, "yaml-tag", _TAG)


def position_of(event: Any) -> tuple[int, int]:
    """Return line and column of an event, from 1."""
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def event_error(event: Any, code: str, message: str) -> ArticleError:
    """Return the error `code` at the line and column of an event."""
    line, column = position_of(event)
    return ArticleError(code, message, line=line, column=column)
