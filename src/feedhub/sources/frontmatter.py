"""Front matter: the fenced block of YAML or TOML that heads an article file, and the body after."""

from __future__ import annotations

import re
from typing import NamedTuple

from feedhub.errors import ArticleError
from feedhub.sources.simple_yaml import read_simple_yaml
from feedhub.sources.toml_tree import read_toml
from feedhub.sources.tree import Mapping, error_at
from feedhub.sources.yaml_tree import read_yaml

MAX_BYTES = 256 * 1024

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?(?:---|\+\+\+)[ \t]*(?:[\r\n]|\Z)")
_DOTS = re.compile(r"^\.\.\.[ \t]*(?:\n|\Z)", re.MULTILINE)
_UTF8_MARK = "\ufeff".encode()
_UTF16_STARTS = (b"\xff\xfe", b"\xfe\xff", b"-\0-\0-\0", b"\0-\0-\0-", b"+\0+\0+\0", b"\0+\0+\0+")


class FrontMatter(NamedTuple):
    """The fields of one file, and its body with the line it begins at.

    `repeated` are the keys that stand there again and that nothing reads, with line and column.
    """

    fields: Mapping
    body: str
    body_line: int
    repeated: tuple[tuple[str, int, int], ...] = ()


def read_front_matter(data: bytes) -> FrontMatter | None:
    """Return the front matter and body of a whole file, or None where its first line is no fence.

    `---` fences YAML, `+++` TOML; `...` may close YAML. Line ends of the body become line feeds;
    else it is as written. Raises ArticleError, its line counted in the file, for anything that
    could be misread.
    """
    if not _OPENING.match(data):
        if data.startswith(_UTF16_STARTS):
            raise ArticleError("not-utf8", "the file is UTF-16; save it as UTF-8")
        return None
    if len(data) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB; shorten it"
        raise ArticleError("too-large", message)
    simple = read_simple_front_matter(data)
    if simple:
        return simple
    head, body = split_front_matter(decode(data))
    body_line = head.count("\n") + 2
    if head.startswith("+"):
        return FrontMatter(read_toml(head), body, body_line)
    fields, repeated = read_yaml(head)
    return FrontMatter(fields, body, body_line, repeated)


def read_simple_front_matter(data: bytes) -> FrontMatter | None:
    """Return the front matter and body if it is simple YAML, as most is, else None."""
    data = data.removeprefix(_UTF8_MARK)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    fence = data.find(b"\n---") + 1
    if not fence or data[fence + 3 : fence + 4] not in (b"\n", b""):
        return None
    fields = read_simple_yaml(data[:fence])
    try:
        body = data[fence + 4 :].decode()
    except UnicodeDecodeError:
        return None
    return FrontMatter(fields, body, data.count(b"\n", 0, fence) + 2) if fields else None


def decode(data: bytes) -> str:
    """Return the text of UTF-8 `data` without a byte order mark, every line end a line feed."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        start = error.start
    else:
        return unify_line_ends(text)
    before = unify_line_ends(data[:start].decode())
    message = "the file holds bytes that are not UTF-8; save it as UTF-8"
    # Raised here, the error has no context: Python's carries the file.
    raise error_at(before, len(before), "not-utf8", message)


def unify_line_ends(text: str) -> str:
    """Return text without a byte order mark, every line end a line feed."""
    text = text.removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def split_front_matter(text: str) -> tuple[str, str]:
    """Return the opening fence with the block under it, and the body after the closing fence."""
    # A torn file must never pass for a whole one, so only a closing fence ends the block.
    fence = text.find(f"\n{text[:3]}") + 1
    # YAML's sign for the end of a document closes the block where no fence does.
    if not fence and text[0] == "-" and (dots := _DOTS.search(text)):
        return text[: dots.start()], text[dots.end() :]
    if not fence:
        message = "the front matter is never closed; put a line with the opening fence after it"
        raise ArticleError("no-closing-fence", message)
    line, _, body = text[fence:].partition("\n")
    if line[3:].strip(" \t"):
        # Cut after its third character, the line would be a closing fence.
        message = "a line begins with the fence but goes on; leave the fence alone on its line"
        raise error_at(text, fence, "bad-fence", message)
    return text[:fence], body
