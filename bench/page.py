"""Put the tables of the results into docs/performance.md, between the comments that name them.

    python -m bench.page

The text around the tables stays as it is.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import plot, profile, render_tables, serve
from bench.environment import RESULTS
from bench.machine import ROOT, table

PAGE = ROOT / "docs" / "performance.md"
TABLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "render": render_tables.markdown,
    "serve": serve.markdown,
    "profile": profile.markdown,
}


def main() -> None:
    """Write the tables into the page, and the plot next to it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help=f"results: {', '.join(TABLES)}; default: all",
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    results = {
        name: json.loads((options.results / f"{name}.json").read_text(encoding="utf-8"))
        for name in options.names or TABLES
        if (options.results / f"{name}.json").exists()
    }
    text = options.page.read_text(encoding="utf-8")
    for name, result in results.items():
        text = replace_section(text, name, f"{TABLES[name](result)}\n{table(result['about'])}")
    options.page.write_text(text, encoding="utf-8")
    if "render" in results:
        drawing = plot.svg(plot.panels(results["render"]["rows"]))
        (options.page.parent / "performance.svg").write_text(drawing, encoding="utf-8")


def replace_section(text: str, name: str, content: str) -> str:
    """Return a page with new content between `<!-- name -->` and `<!-- /name -->`."""
    section = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    content = content.strip()
    changed, times = section.subn(lambda match: f"{match[1]}\n{content}\n\n{match[2]}", text)
    if times != 1:
        raise SystemExit(f"the page must have one section for {name}, but has {times}")
    return changed


if __name__ == "__main__":
    main()
