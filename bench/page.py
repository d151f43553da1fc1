"""Put the results into docs/performance.md, between the comments that name them.

    python -m bench.page

Only what was measured goes in; what stands around it is for people to write.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import plot, profile, serve, tables
from bench.machine import ROOT, table
from bench.places import RESULTS

PAGE = ROOT / "docs" / "performance.md"
_TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "render": tables.markdown,
    "serve": serve.markdown,
    "profile": profile.markdown,
}


def main() -> None:
    """Fill the page and draw the plot beside it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "names", metavar="NAME", nargs="*", help=f"which: {', '.join(_TABLES)}; default: all"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    results = {
        name: json.loads((options.results / f"{name}.json").read_text(encoding="utf-8"))
        for name in options.names or _TABLES
        if (options.results / f"{name}.json").exists()
    }
    text = options.page.read_text(encoding="utf-8")
    for name, told in results.items():
        text = filled(text, name, f"{_TABLES[name](told)}\n{table(told['about'])}")
    options.page.write_text(text, encoding="utf-8")
    if "render" in results:
        drawing = plot.svg(plot.panels_of(results["render"]["rows"]))
        (options.page.parent / "performance.svg").write_text(drawing, encoding="utf-8")


def filled(text: str, name: str, content: str) -> str:
    """Return a page with new content between `<!-- name -->` and `<!-- /name -->`."""
    between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    new, times = between.subn(lambda match: f"{match[1]}\n{content.strip()}\n\n{match[2]}", text)
    if times != 1:
        raise SystemExit(f"the page has no place, or several, for {name}")
    return new


if __name__ == "__main__":
    main()
