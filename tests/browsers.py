"""A real browser, led by Playwright through one of the scripts of tests/judges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

JUDGES = Path(__file__).parent / "judges"
_BROWSERS = ("chromium", "google-chrome", "chromium-browser")
# Where pictures of the pages are kept to be looked at.
_PICTURES = "SCREENSHOTS"


def require_browser(*packages: str) -> str:
    """Return the browser's program; skip where it, what leads it, or another package is missing."""
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        pytest.skip("needs a browser: apt-get install chromium")
    if not all(
        (JUDGES / "node_modules" / name).is_dir() for name in ("playwright-core", *packages)
    ):
        pytest.skip("needs the judges of tests/judges: npm --prefix tests/judges ci")
    return browser


def pictures_in(folder: Path) -> Path:
    """Return where pictures are left: where the caller of the tests wants them, else `folder`."""
    pictures = Path(os.environ.get(_PICTURES) or folder)
    pictures.mkdir(parents=True, exist_ok=True)
    return pictures


def browse(script: str, home: Path, browser: str, *words: object) -> dict[str, Any]:
    """Return what a script of tests/judges saw; it is given the browser and the words."""
    ran = subprocess.run(
        ["node", str(JUDGES / script), browser, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=os.environ | {"HOME": str(home)},
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found
