"""Where and with what was measured: numbers without it say nothing."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LIBRARIES = ("feedgen", "lxml", "msgspec", "pyyaml", "uvicorn", "uvloop", "httptools", "starlette")


def about(**programs: str) -> dict[str, str]:
    """Return date, machine, commit and versions; `programs` are added as they are."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {_memory()}",
        "system": f"{platform.system()} {platform.release()}",
        "commit": _commit(),
        "Python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
        **programs,
    }


def first_line(command: Sequence[object]) -> str:
    """Return the first line that a program says, on whichever of the two outputs."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).partition("\n")[0].strip()


def table(figures: dict[str, str]) -> str:
    """Return it as one paragraph."""
    return "; ".join(f"{name}: {value}" for name, value in figures.items()) + "."


def _processor() -> str:
    with suppress(OSError):
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
        return found[1] if found else platform.machine()
    return platform.processor() or platform.machine()


def _memory() -> str:
    size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{size / 2**30:.0f} GB"


def _commit() -> str:
    commit = first_line(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"])
    changed = first_line(["git", "-C", ROOT, "status", "--porcelain", "--", "src"])
    return commit + (" with changes" if changed else "")
