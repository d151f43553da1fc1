"""What HTML and feeds have no place for: publisher, related coverage, scores.

It stands in `<meta name="feedhub:quality" content="3">` of the page, or in a file beside it, named
after it: `post/index.feedhub.json` for `post/index.html`. Both have the names of front matter.
"""

from __future__ import annotations

from datetime import tzinfo

from msgspec import Struct

from feedhub.article import Provider, Related
from feedhub.errors import ArticleError, Problem
from feedhub.sources.fields import Fields
from feedhub.sources.tree import Mapping, Node, as_number
from feedhub.sources.values import read_provider, read_related
from feedhub.sources.yaml_tree import read_yaml

NAMES = ("provider", "related", "quality", "heat")
MAX_SIDE_FILE_BYTES = 256 * 1024


class Additions(Struct, frozen=True, kw_only=True):
    """What a page adds to its entry, and the problems of reading that."""

    provider: Provider | None = None
    related: tuple[Related, ...] = ()
    quality: float | None = None
    heat: float | None = None
    problems: tuple[Problem, ...] = ()


def side_file_of(page: str) -> str:
    """Return the path of the file beside a page."""
    return f"{page.rpartition('.')[0]}.feedhub.json"


def read_additions(
    page: str, meta: tuple[tuple[str, str], ...], side_file: bytes, zone: tzinfo
) -> Additions:
    """Return what `meta` elements and the side file add; the file wins.

    What cannot be read is left out, with a problem.
    """
    problems: list[Problem] = []
    nodes: dict[str, Node] = {}
    for name, text in meta:
        if name in NAMES:
            # A value such as `{"name": "Reuters"}` is YAML too.
            nodes |= mapping_of(f"{name}: {' '.join(text.split())}", page, problems)
    if side_file:
        text = side_file.decode("utf-8-sig", "replace")
        nodes |= mapping_of(text, side_file_of(page), problems)
    fields = Fields(Mapping(nodes, 1, 1), page, problems)
    nothing: tuple[Related, ...] = ()
    return Additions(
        provider=fields.read_or_warn("provider", lambda node: read_provider(fields, node), None),
        related=fields.read_or_warn(
            "related", lambda node: read_related(fields, node, "", zone), nothing
        ),
        quality=fields.read_or_warn("quality", as_number, None),
        heat=fields.read_or_warn("heat", as_number, None),
        problems=tuple(problems),
    )


def mapping_of(text: str, path: str, problems: list[Problem]) -> dict[str, Node]:
    """Return the known values of a mapping in YAML or JSON; add a problem where it is none."""
    try:
        entries = read_yaml(f"---\n{text}\n").fields.entries
    except ArticleError as error:
        message = f"{error}; left out"
        problems.append(Problem(path=path, level="warning", code=error.code, message=message))
        return {}
    return {name: node for name, node in entries.items() if name in NAMES}
