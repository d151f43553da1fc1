"""Templates in bodies are never filled in: a tag is text, and what a block hides is left out."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from typing import NamedTuple

# Blocks whose text stands elsewhere, or nowhere: comments, conditions, variables.
_BLOCKS = "comment|if|unless|case|capture|set|macro"
_EVENT = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})|(?P<ticks>`+)|\\`"
    rf"|\{{%[-~+]?\s{{0,9}}(?P<block>{_BLOCKS})\b|(?P<shortcode>\{{\{{[<%]\s{{0,9}}comment\b)"
    r"|(?P<comment>\{::comment\}|\{\{!--|\{\{!|\{\{?/\*|\{#)"
    r"|(?P<tag>\{\{[^{}]{1,500}\}\}|\{%[^{}]{1,500}%\}|\{::)",
    re.MULTILINE,
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_NESTED = {
    name: re.compile(rf"\{{%[-~+]?\s{{0,9}}(?:({name})\b|end{name}\b[^{{}}]{{0,99}}%\}})")
    for name in _BLOCKS.split("|")
}
_SHORTCODE_END = re.compile(r"\{\{[<%]\s{0,9}/\s{0,9}comment\s{0,9}[>%]\}\}")
_KRAMDOWN_END = re.compile(r"\{:/(?:comment)?\}")
_COMMENT_ENDS = {"{{!--": "--}}", "{{!": "}}", "{{/*": "*/}}", "{/*": "*/}", "{#": "#}"}


class Templated(NamedTuple):
    """A body without what its templates hide.

    `hidden` and `tag` are where, in the body as it was, the first text that was left out began and
    the first other tag stands; -1 where there is none.
    """

    text: str
    hidden: int
    tag: int


def leave_out_hidden(body: str) -> Templated:
    """Return a body without the comments and conditional blocks of template languages.

    Code stays, and so does any other tag. A block that is never closed hides the rest. The time
    taken grows with the length, whatever the text.
    """
    return _Scanner(body).scan()


class _Scanner:
    """Reads one body once, from its start to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        # Ends that do not occur any more: a search for each start would take quadratic time.
        self._absent: set[str] = set()
        # Where the runs of backticks begin, by their length; None until a span needs it.
        self._backticks: dict[int, list[int]] | None = None

    def scan(self) -> Templated:
        """Return the whole body without what is hidden."""
        pieces: list[str] = []
        index, hidden, tag = 0, -1, -1
        copied = 0
        while match := _EVENT.search(self._text, index):
            start, index = match.span()
            if match["fence"]:
                index = self._fence_end(match["fence"], index)
            elif match["ticks"]:
                index = self._code_span_end(index, len(match["ticks"]))
            elif match["tag"]:
                tag = start if tag < 0 else tag
            elif (end := self._hidden_end(match)) >= 0:
                pieces.append(self._text[copied:start])
                hidden = start if hidden < 0 else hidden
                index = copied = end
        return Templated("".join([*pieces, self._text[copied:]]), hidden, tag)

    def _hidden_end(self, match: re.Match[str]) -> int:
        """Return where a block that hides its text ends, or -1 if nothing begins here."""
        text, end = self._text, match.end()
        if match["block"]:
            depth = 1
            for inner in _NESTED[match["block"]].finditer(text, end):
                depth += 1 if inner[1] else -1
                if not depth:
                    return inner.end()
            return len(text)
        if match["shortcode"] or match["comment"] == "{::comment}":
            closing = _SHORTCODE_END if match["shortcode"] else _KRAMDOWN_END
            found = closing.search(text, end)
            return found.end() if found else len(text)
        # These signs occur in other texts too, so that only a whole pair is a comment.
        mark = _COMMENT_ENDS.get(match["comment"], "")
        position = text.find(mark, end) if mark and mark not in self._absent else -1
        if position < 0:
            self._absent.add(mark)
            return -1
        return position + len(mark)

    def _fence_end(self, fence: str, start: int) -> int:
        """Return where a fenced block of code ends."""
        close = re.compile(rf"^[ \t>]*{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
        found = close.search(self._text, start)
        return found.end() if found else len(self._text)

    def _code_span_end(self, start: int, length: int) -> int:
        """Return where the next run of as many backticks in the paragraph ends, or `start`.

        CommonMark 0.31, 6.1.
        """
        if self._backticks is None:
            self._backticks = defaultdict(list)
            for run in re.finditer("`+", self._text):
                self._backticks[len(run[0])].append(run.start())
        runs = self._backticks[length]
        next_run = bisect_left(runs, start)
        if next_run == len(runs) or _BLANK_LINE.search(self._text, start, runs[next_run]):
            return start
        return runs[next_run] + length
