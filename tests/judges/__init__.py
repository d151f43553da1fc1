"""Judges of feedhub's documents: feed readers of others, schemas, and rules of the standards."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import feedparser
import jsonschema
import pytest

_HERE = Path(__file__).parent
_INSTALL = "npm --prefix tests/judges ci"


def read_with_node(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return what feedsmith, and for XML rss-parser, read in each file; skip without them.

    Each reading is a dict of path, parser, format, title and items (see read_feeds.mjs).
    """
    node = shutil.which("node")
    if node is None or not (_HERE / "node_modules").is_dir():
        pytest.skip(f"needs node and the readers of tests/judges: {_INSTALL}")
    listed = "\n".join(str(path) for path in paths)
    run = subprocess.run(
        [node, _HERE / "read_feeds.mjs"], input=listed, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    readings: list[dict[str, Any]] = json.loads(run.stdout)
    assert not [reading for reading in readings if "error" in reading]
    return readings


def feedparser_read(path: Path) -> Any:
    """Return what feedparser reads in a file; fail if it finds anything wrong."""
    reading = feedparser.parse(path.read_bytes())
    assert not reading.bozo, f"{path}: {reading.get('bozo_exception')!r}"
    assert reading.version in {"rss20", "atom10"}
    return reading


def json_feed_schema() -> jsonschema.Draft202012Validator:
    """Return a validator for JSON Feed 1.1: `.validate(document)`, `.iter_errors(document)`."""
    schema = json.loads((_HERE / "jsonfeed-1.1.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)
