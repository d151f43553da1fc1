"""What Pelican would have made of its own signs in a body, as far as the file alone can tell."""

from __future__ import annotations

import re

_LINK = re.compile(
    r"""(?<=[("'<])\{(static|attach|filename|author|category|tag|index)\}([^\s)"'>]*)"""
)
# Python-Markdown's sign for the language of an indented block.
_LANGUAGE = re.compile(r"^(?: {4}|\t):::\w+\n", re.MULTILINE)
_WRITING = (".md", ".markdown", ".mkd", ".rst", ".html", ".htm")
# No format keeps such an address: the words of the link stay, the link goes.
_NOWHERE = "unknown:"


def fill_pelican(markdown: str, *, base_path: str, folders: tuple[str, ...]) -> str:
    """Return `markdown` with addresses for files; links to other pages lose theirs.

    Static files keep their path below the content folder, in which the file itself lies in
    `folders`; attached ones lie beside the page that attaches them.
    """

    def address(match: re.Match[str]) -> str:
        kind, path = match[1], match[2]
        if kind in ("author", "category", "tag", "index") or path.lower().endswith(_WRITING):
            return _NOWHERE
        if kind == "attach":
            return path.rpartition("/")[2] if path.startswith("/") else path
        return "/".join((base_path, *(() if path.startswith("/") else folders), path.lstrip("/")))

    return _LINK.sub(address, _LANGUAGE.sub("", markdown))
