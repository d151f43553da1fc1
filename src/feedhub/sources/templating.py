"""What Jekyll, Hugo and Eleventy would have filled in: put in where we can, else taken out."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict

_MAX_TAG = 2_000  # characters; a longer one is writing, not a tag
_EVENT = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})|(?P<ticks>`+)|\\[`{]"
    r"|(?P<liquid>\{%)|(?P<hugo>\{\{[<%])|(?P<value>\{\{)"
    r'|(?P<kramdown>\{:(?:toc|[ ]?[.#][\w-][^{}\n]{0,200}|[ ]?[a-z-]+="[^{}\n]{0,200})\})',
    re.MULTILINE,
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LITERAL = re.compile(r"""[-\s]*(?:"([^"]*)"|'([^']*)')\s*(?:\|\s*([a-z_]+))?""")
_SITE = re.compile(r"[-\s]*site\.(baseurl|url)[-\s]*")
_PATH_FILTERS = frozenset({"relative_url", "absolute_url", "url", "prepend"})
_SHORTCODE = re.compile(r"\s*(/?)\s*([\w./-]*)(.*)", re.DOTALL)
_ARGUMENT = re.compile(r"""(?:([\w-]+)=)?(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`|([^\s"`=]+))""")
_VIDEO_ID = re.compile(r"[\w-]{1,40}", re.ASCII)
_VIDEOS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}


def strip_templating(markdown: str, *, base_path: str = "") -> str:
    """Return `markdown` without Liquid tags and Hugo shortcodes; code blocks and spans stay.

    `{% highlight %}` becomes a fenced block, `figure` an image, a video shortcode a link, and
    addresses made by filters of the site start with `base_path`. What only the site's generator
    knows is dropped. The time taken grows with the length, whatever the text.
    """
    return _Body(markdown, base_path.rstrip("/")).stripped()


class _Body:
    """One body, read once from its start to its end."""

    def __init__(self, text: str, base_path: str) -> None:
        self._text = text
        self._base_path = base_path
        self._absent: set[str] = set()
        self._ticks: dict[int, list[int]] | None = None

    def stripped(self) -> str:
        kept: list[str] = []
        position = 0
        while match := _EVENT.search(self._text, position):
            kept.append(self._text[position : match.start()])
            put, position = self._event(match)
            kept.append(put)
        kept.append(self._text[position:])
        return "".join(kept)

    def _event(self, match: re.Match[str]) -> tuple[str, int]:
        """Return what stands for the event and where the text goes on."""
        if match["fence"]:
            return self._verbatim(match.start(), self._fence_end(match))
        if match["ticks"]:
            return self._verbatim(match.start(), self._span_end(match))
        if match["liquid"]:
            return self._liquid(match.end())
        if match["hugo"]:
            return self._shortcode(match.end(), match[0][-1])
        if match["value"]:
            return self._value(match.end())
        return ("" if match["kramdown"] else match[0]), match.end()

    def _verbatim(self, start: int, end: int) -> tuple[str, int]:
        return self._text[start:end], end

    def _fence_end(self, match: re.Match[str]) -> int:
        fence = match["fence"]
        close = re.compile(rf"^[ \t>]*{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
        end = close.search(self._text, match.end())
        return end.end() if end else len(self._text)

    def _span_end(self, match: re.Match[str]) -> int:
        """Find the next run of as many backticks in the same paragraph (CommonMark 0.31, 6.1)."""
        size, start = len(match["ticks"]), match.end()
        runs = self._runs()[size]
        place = bisect_left(runs, start)
        if place == len(runs) or _BLANK_LINE.search(self._text, start, runs[place]):
            return start
        return runs[place] + size

    def _runs(self) -> dict[int, list[int]]:
        if self._ticks is None:
            self._ticks = defaultdict(list)
            for run in re.finditer("`+", self._text):
                self._ticks[len(run[0])].append(run.start())
        return self._ticks

    def _tag(self, start: int, close: str) -> tuple[str, int] | None:
        end = self._text.find(close, start, start + _MAX_TAG)
        return (self._text[start:end], end + len(close)) if end >= 0 else None

    def _liquid(self, start: int) -> tuple[str, int]:
        tag = self._tag(start, "%}")
        if not tag:
            return "{%", start
        inner, after = tag
        name, _, words = inner.strip("- \t\r\n").partition(" ")
        if name not in ("raw", "comment", "highlight"):
            return "", after
        block = self._until(rf"\{{%-?\s*end{name}\s*-?%\}}", after)
        if not block:
            return "", after
        content, after = block
        put = {"raw": content, "comment": "", "highlight": _fenced(content, words)}
        return put[name], after

    def _until(self, closing: str, start: int) -> tuple[str, int] | None:
        """Return what lies before the closing tag and its end; remember if there is none."""
        match = None if closing in self._absent else re.compile(closing).search(self._text, start)
        if not match:
            self._absent.add(closing)
            return None
        return self._text[start : match.start()], match.end()

    def _value(self, start: int) -> tuple[str, int]:
        tag = self._tag(start, "}}")
        if not tag:
            return "{{", start
        inner, after = tag
        if site := _SITE.fullmatch(inner):
            return (self._base_path if site[1] == "baseurl" else ""), after
        literal = _LITERAL.match(inner)
        if not literal:
            return "", after
        words = literal[1] if literal[1] is not None else literal[2]
        return (self._rooted(words) if literal[3] in _PATH_FILTERS else words), after

    def _rooted(self, path: str) -> str:
        if not self._base_path or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#", path):
            return path
        return f"{self._base_path}/{path.removeprefix('/')}"

    def _shortcode(self, start: int, bracket: str) -> tuple[str, int]:
        tag = self._tag(start, {"<": ">}}", "%": "%}}"}[bracket])
        if not tag:
            return "{{" + bracket, start
        inner, after = tag
        _, slash, name, words, _ = _SHORTCODE.split(inner, maxsplit=1)
        if slash:
            return "", after
        arguments = _arguments(words)
        if name != "highlight":
            return _shown(name, arguments), after
        block = self._until(r"\{\{[<%]\s*/\s*highlight\s*[>%]\}\}", after)
        if not block:
            return "", after
        return _fenced(block[0], arguments.get("0", "")), block[1]


def _arguments(text: str) -> dict[str, str]:
    """Return named arguments by name, the others by their number."""
    found: dict[str, str] = {}
    for name, quoted, raw, bare in _ARGUMENT.findall(text):
        found.setdefault(name or str(len(found)), quoted.replace('\\"', '"') or raw or bare)
    return found


def _shown(name: str, arguments: dict[str, str]) -> str:
    first = arguments.get("0", "")
    if name == "figure":
        return _image(arguments)
    if name in ("ref", "relref"):
        return arguments.get("path", first)
    video = arguments.get("id", first)
    if name in _VIDEOS and _VIDEO_ID.fullmatch(video):
        return f"<{_VIDEOS[name]}{video}>"
    return ""


def _image(arguments: dict[str, str]) -> str:
    source = re.sub(r"[<>\n]", "", arguments.get("src", ""))
    if not source:
        return ""
    caption = arguments.get("caption", "")
    words = re.sub(r"([\\\[\]])", r"\\\1", " ".join(arguments.get("alt", caption).split()))
    title = " ".join((arguments.get("title", "") or caption).split())
    title = re.sub(r'([\\"])', r"\\\1", title)
    return f"![{words}](<{source}>" + (f' "{title}")' if title else ")")


def _fenced(content: str, words: str) -> str:
    """Return a fenced block that its content cannot close."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    language = re.sub(r"[^\w+#.-].*", "", words.strip(), flags=re.DOTALL)
    return f"\n{fence}{language}\n{content.strip(chr(10))}\n{fence}\n"
