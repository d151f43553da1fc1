"""The rules for article files, wherever they are: which names count, and what decides the reading.

It imports no parser: most runs read nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from feedhub.errors import Problem
from feedhub.fingerprint import Value, fingerprint, named_values
from feedhub.sources import ReadOptions
from feedhub.sources.urls import ASSET_SUFFIXES
from feedhub.text import UNPRINTABLE

SUFFIXES = (".md", ".markdown", ".html", ".txt", ".yml", ".yaml")
# Files that may be meant to be articles, and what to do with them.
_OTHER_SUFFIXES = {
    **dict.fromkeys((".mkd", ".mdown", ".mdwn", ".mdx"), "rename them to .md"),
    **dict.fromkeys((".htm", ".xhtml"), "rename them to .html"),
    **dict.fromkeys(
        (".rst", ".adoc", ".asciidoc", ".org", ".textile", ".ipynb", ".qmd", ".rmd", ".tex"),
        "let a generator build a site of them, and give feedhub that, or convert them to Markdown",
    ),
}
# A folder with this file is the output of a render, which may be in the source: no articles.
MANIFEST = ".feedhub/manifest.json"
# Raise it when the same bytes are read differently by newer code: the catalog then reads every
# file again.
READER_VERSION = 15


def suffixes_of(options: ReadOptions) -> tuple[str, ...]:
    """Return how the names of the files end that count.

    Where articles may show pictures of the source, these count too: articles are read again when
    one comes or goes.
    """
    return SUFFIXES + ASSET_SUFFIXES if options.assets else SUFFIXES


def is_asset(path: str) -> bool:
    """Return whether a file is no text but a picture, audio or video."""
    return path.lower().endswith(ASSET_SUFFIXES)


def signature_of(options: ReadOptions, *, root: Value, generator: str) -> str:
    """Return a text that changes when the same bytes below `root` would be read differently."""
    values = named_values(
        root=root,
        generator=generator,
        authority=options.authority,
        collection=options.collection,
        base_url=options.base_url,
        permalinks=options.permalinks,
        zone=str(options.zone),
        ignore=options.ignore,
        drafts=options.drafts,
        unknown_keys=options.unknown_keys,
        adopted=options.adopted.fingerprint,
        assets=options.assets,
        copies=options.copies,
    )
    return fingerprint(READER_VERSION, values)


class PassedOver:
    """The files that a scan passes over because of their ending, counted."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}  # by ending: how many, and the first path

    def add(self, path: str) -> None:
        """Count a file that is no article, if its ending is one of texts."""
        ending = ending_of(path)
        if ending and not UNPRINTABLE.search(path):
            count, first = self._found.get(ending, (0, path))
            self._found[ending] = (count + 1, min(first, path))

    def problems(self) -> Iterator[Problem]:
        """Yield a problem for each ending, at the first such file."""
        for ending, (count, path) in sorted(self._found.items()):
            files = f"{count} files that end" if count > 1 else "a file that ends"
            message = f"{files} in {ending} are passed over: {_OTHER_SUFFIXES[ending]}"
            message = message if count > 1 else message.replace(" are ", " is ")
            yield Problem(path=path, level="info", code="other-ending", message=message)


def ending_of(path: str) -> str:
    """Return how a path ends if that may be meant to be an article and is none, else ""."""
    ending = path[path.rfind(".") :].lower()
    return ending if ending in _OTHER_SUFFIXES else ""


def bad_name(path: str) -> Problem | None:
    """Return the problem of a path that could forge a line of a log, or None."""
    if not UNPRINTABLE.search(path):
        return None
    message = "the name holds characters that cannot be shown: rename it"
    return Problem(path=ascii(path)[1:-1], code="bad-name", message=message)


def unreadable(path: str, error: OSError) -> Problem:
    """Return the problem of a path that the system does not let us read."""
    reason = error.strerror or type(error).__name__
    return Problem(path=path, code="unreadable", message=f"cannot be read: {reason}")


def link_outside(path: str) -> Problem:
    """Return the problem of a link out of the source folder."""
    message = "the link leads out of the folder: copy the file here instead"
    return Problem(path=path, level="warning", code="link-outside", message=message)
