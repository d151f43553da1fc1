"""The lock files: complete, installable with the oldest pip in use, installed in one way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

LOCKS = ("requirements.lock", "requirements-dev.lock")
# Python 3.11 and Debian 12 come with this one.
OLD_PIP = "pip==23.0.1"
# Folders and files that tell a person or a machine how to install.
INSTRUCTIONS = ("Makefile", "*.md", "docs/**/*", "deploy/**/*", ".ci/*", ".github/**/*")
INSTALL = re.compile(r"install\s(?P<options>[^\n]*?)-r \S*requirements\S*\.lock")


def pip(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pip with its usual cache, which the tests' own environment hides."""
    command = [
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--quiet",
        "--quiet",
        *arguments,
    ]
    environment = {name: text for name, text in os.environ.items() if name != "XDG_CACHE_HOME"}
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason=f"{OLD_PIP} runs on no newer Python")
def test_the_lock_of_a_server_resolves_with_the_oldest_pip_in_use(tmp_path: Path):
    """Without --no-deps, unlike the Makefile: pip then complains of anything that a lock lacks."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path], check=True)
    python = tmp_path / "bin" / "python"
    installed = pip(python, "install", OLD_PIP)
    if installed.returncode != 0:
        pytest.skip(f"{OLD_PIP} cannot be fetched from the package registry: {installed.stderr}")
    resolved = pip(python, "install", "--dry-run", "--require-hashes", "-r", str(ROOT / LOCKS[0]))
    assert resolved.returncode == 0, resolved.stderr


def test_both_locks_lack_nothing():
    """By uv, which fetches metadata alone: pip would fetch each tool of a developer whole."""
    files = [option for lock in LOCKS for option in ("-r", str(ROOT / lock))]
    uv = Path(sys.executable).parent / "uv"
    options = ["--python", sys.executable, "--quiet", "--dry-run", "--reinstall"]
    resolved = subprocess.run(
        [uv, "pip", "install", *options, "--require-hashes", *files],
        capture_output=True,
        text=True,
    )
    assert resolved.returncode == 0, resolved.stderr


def test_every_instruction_to_install_a_lock_takes_it_as_it_is():
    """Without --no-deps an old pip resolves again; without --require-hashes it checks nothing."""
    found = {}
    for path in sorted({path for form in INSTRUCTIONS for path in ROOT.glob(form)}):
        if path.is_file() and path.suffix not in {".png", ".svg"}:
            text = re.sub(r"\\\n\s*", "", path.read_text(encoding="utf-8"))
            for match in INSTALL.finditer(text):
                found[f"{path.relative_to(ROOT)}: {match[0]}"] = match["options"].strip()
    assert {"Makefile", "README.md"} < {name.partition(":")[0] for name in found}
    wrong = [name for name, options in found.items() if options != "--no-deps --require-hashes"]
    assert wrong == []
