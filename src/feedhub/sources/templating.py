"""Template tags in bodies: replaced if the file alone says by what, else removed.

Liquid and shortcodes of Jekyll, Hugo and Eleventy, and the links of Pelican.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict

MAX_TAG = 2_000  # characters; a longer one is prose, not a tag
_EVENT = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})|(?P<ticks>`+)|\\[`{]"
    r"|(?P<liquid>\{%)|(?P<hugo>\{\{[<%])|(?P<value>\{\{)"
    r'|(?P<kramdown>\{:(?:toc|[ ]?[.#][\w-][^{}\n]{0,200}|[ ]?[a-z-]+="[^{}\n]{0,200})\})',
    re.MULTILINE,
)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LITERAL = re.compile(r"""[-\s]*(?:"([^"]*)"|'([^']*)')\s*(?:\|\s*([a-z_]+))?""")
_CLOSINGS = {
    name: re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}") for name in ("raw", "comment", "highlight")
}
_SHORTCODE_CLOSING = re.compile(r"\{\{[<%]\s*/\s*highlight\s*[>%]\}\}")
_SITE = re.compile(r"[-\s]*site\.(baseurl|url)[-\s]*")
_PATH_FILTERS = frozenset({"relative_url", "absolute_url", "url", "prepend"})
_SHORTCODE = re.compile(r"\s*(/?)\s*([\w./-]*)(.*)", re.DOTALL)
_ARGUMENT = re.compile(r"""(?:([\w-]+)=)?(?:"((?:[^"\\]++|\\.)*+)"|`([^`]*)`|([^\s"`=]+))""")
_VIDEO_ID = re.compile(r"[\w-]{1,40}", re.ASCII)
_VIDEOS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}

# Pelican's links to other files, in Markdown or HTML.
_PELICAN_LINK = re.compile(
    r"""(?<=[("'<])\{(static|attach|filename|author|category|tag|index)\}([^\s)"'>]*)"""
)
# Python-Markdown's sign for the language of an indented block.
_PELICAN_LANGUAGE = re.compile(r"^(?: {4}|\t):::\w+\n", re.MULTILINE)
_PELICAN_SOURCES = (".md", ".markdown", ".mkd", ".rst", ".html", ".htm")
# The HTML cleaner drops this scheme: the text of the link stays, the link goes.
_NO_ADDRESS = "unknown:"


def fill_pelican(markdown: str, *, base_path: str, folders: tuple[str, ...]) -> str:
    """Return `markdown` with addresses for files; links to other pages lose theirs.

    Static files keep their path below the content folder, in which the file itself lies in
    `folders`; attached ones lie next to the page that attaches them.
    """

    def address(match: re.Match[str]) -> str:
        kind, path = match[1], match[2]
        is_page = kind in ("author", "category", "tag", "index")
        if is_page or path.lower().endswith(_PELICAN_SOURCES):
            return _NO_ADDRESS
        if kind == "attach":
            return path.rpartition("/")[2] if path.startswith("/") else path
        return "/".join((base_path, *(() if path.startswith("/") else folders), path.lstrip("/")))

    return _PELICAN_LINK.sub(address, _PELICAN_LANGUAGE.sub("", markdown))


def strip_templating(markdown: str, *, base_path: str = "") -> str:
    """Return `markdown` without Liquid tags and Hugo shortcodes; code blocks and spans stay.

    `{% highlight %}` becomes a fenced block, `figure` an image, a video shortcode a link, and
    addresses made by filters of the site start with `base_path`. What only the site's generator
    knows is dropped. The time taken grows with the length, whatever the text.
    """
    return TemplateStripper(markdown, base_path.rstrip("/")).strip()


class TemplateStripper:
    """Reads one body once, from its start to its end.

    The methods that return a text and an index return what stands for a sign of the body, and where
    the body goes on after it.
    """

    def __init__(self, text: str, base_path: str) -> None:
        self._text = text
        self._base_path = base_path
        # Closing tags that do not occur any more: a search for each tag would take quadratic time.
        self._absent: set[re.Pattern[str]] = set()
        # Where the runs of backticks begin, by their length; None until a span needs it.
        self._backticks: dict[int, list[int]] | None = None

    def strip(self) -> str:
        """Return the whole body without its templating."""
        pieces: list[str] = []
        index = 0
        while match := _EVENT.search(self._text, index):
            pieces.append(self._text[index : match.start()])
            replacement, index = self._replace(match)
            pieces.append(replacement)
        pieces.append(self._text[index:])
        return "".join(pieces)

    def _replace(self, match: re.Match[str]) -> tuple[str, int]:
        start, end = match.span()
        if match["fence"]:
            fence = match["fence"]
            close = re.compile(rf"^[ \t>]*{fence[0]}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
            found = close.search(self._text, end)
            end = found.end() if found else len(self._text)
            return self._text[start:end], end
        if match["ticks"]:
            end = self._code_span_end(end, len(match["ticks"]))
            return self._text[start:end], end
        if match["liquid"]:
            return self._liquid_tag(end)
        if match["hugo"]:
            return self._shortcode(end, match[0][-1])
        if match["value"]:
            return self._value(end)
        return ("" if match["kramdown"] else match[0]), end

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

    def _find_tag_end(self, start: int, close: str) -> tuple[str, int] | None:
        """Return the inside of a tag and where it ends, or None if it is too long for one."""
        end = self._text.find(close, start, start + MAX_TAG)
        return (self._text[start:end], end + len(close)) if end >= 0 else None

    def _liquid_tag(self, start: int) -> tuple[str, int]:
        tag = self._find_tag_end(start, "%}")
        if not tag:
            return "{%", start
        inner, end = tag
        name, _, words = inner.strip("- \t\r\n").partition(" ")
        if name not in _CLOSINGS:
            return "", end
        block = self._read_block(_CLOSINGS[name], end)
        if not block:
            return "", end
        content, end = block
        texts = {"raw": content, "comment": "", "highlight": fence_code(content, words)}
        return texts[name], end

    def _read_block(self, closing: re.Pattern[str], start: int) -> tuple[str, int] | None:
        """Return what lies before the closing tag and where that ends; None if there is none."""
        match = None if closing in self._absent else closing.search(self._text, start)
        if not match:
            self._absent.add(closing)
            return None
        return self._text[start : match.start()], match.end()

    def _value(self, start: int) -> tuple[str, int]:
        tag = self._find_tag_end(start, "}}")
        if not tag:
            return "{{", start
        inner, end = tag
        if site := _SITE.fullmatch(inner):
            return (self._base_path if site[1] == "baseurl" else ""), end
        literal = _LITERAL.match(inner)
        if not literal:
            return "", end
        text = literal[1] if literal[1] is not None else literal[2]
        is_path = literal[3] in _PATH_FILTERS and bool(self._base_path)
        if is_path and not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#", text):
            text = f"{self._base_path}/{text.removeprefix('/')}"
        return text, end

    def _shortcode(self, start: int, bracket: str) -> tuple[str, int]:
        tag = self._find_tag_end(start, {"<": ">}}", "%": "%}}"}[bracket])
        if not tag:
            return "{{" + bracket, start
        inner, end = tag
        _, slash, name, words, _ = _SHORTCODE.split(inner, maxsplit=1)
        if slash:
            return "", end
        arguments: dict[str, str] = {}  # those without a name by their number
        for key, quoted, raw, bare in _ARGUMENT.findall(words):
            value = quoted.replace('\\"', '"') or raw or bare
            arguments.setdefault(key or str(len(arguments)), value)
        if name != "highlight":
            return replace_shortcode(name, arguments), end
        block = self._read_block(_SHORTCODE_CLOSING, end)
        if not block:
            return "", end
        return fence_code(block[0], arguments.get("0", "")), block[1]


def replace_shortcode(name: str, arguments: dict[str, str]) -> str:
    """Return the Markdown for one of Hugo's own shortcodes, "" for others."""
    first = arguments.get("0", "")
    if name == "figure":
        return figure_to_markdown(arguments)
    if name in ("ref", "relref"):
        return arguments.get("path", first)
    video = arguments.get("id", first)
    if name in _VIDEOS and _VIDEO_ID.fullmatch(video):
        return f"<{_VIDEOS[name]}{video}>"
    return ""


def figure_to_markdown(arguments: dict[str, str]) -> str:
    """Return the image of Hugo's shortcode `figure`, or "" where it has no address."""
    source = re.sub(r"[<>\n]", "", arguments.get("src", ""))
    if not source:
        return ""
    caption = arguments.get("caption", "")
    words = re.sub(r"([\\\[\]])", r"\\\1", " ".join(arguments.get("alt", caption).split()))
    title = " ".join((arguments.get("title", "") or caption).split())
    title = re.sub(r'([\\"])', r"\\\1", title)
    return f"![{words}](<{source}>" + (f' "{title}")' if title else ")")


def fence_code(content: str, words: str) -> str:
    """Return a fenced block that its content cannot close; `words` begin with its language."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    language = re.sub(r"[^\w+#.-].*", "", words.strip(), flags=re.DOTALL)
    return f"\n{fence}{language}\n{content.strip(chr(10))}\n{fence}\n"
