"""Result files: JSON for programs, Markdown for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.machine import table


def write_report(folder: Path, name: str, result: dict[str, Any], markdown: str) -> None:
    """Write `name`.json and `name`.md; `result["about"]` is the result of `about`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    text = f"{markdown}\n{table(result['about'])}\n"
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
