"""The metadata of a package that depend on where the project lives: its URLs, and README's links.

A page of PyPI has no files beside it, so links and pictures of README lead to the repository there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

# The release sets the variable, so that a fork names itself.
REPOSITORY = os.environ.get("FEEDHUB_REPOSITORY", "https://github.com/example/feedhub")
_LINK = re.compile(r"(!?)(\[[^\]\n]*\])\((?!https?:|mailto:|#)([^)\s]+)\)")


class ProjectUrls(MetadataHookInterface):
    """Adds `urls` and `readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add what pyproject.toml calls dynamic."""
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        content = with_absolute_links(text, metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": content}
        metadata["urls"] = {
            "Homepage": REPOSITORY,
            "Documentation": f"{REPOSITORY}/tree/main/docs",
            "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
            "Issues": f"{REPOSITORY}/issues",
            "Source": REPOSITORY,
        }


def with_absolute_links(text: str, version: str) -> str:
    """Return Markdown whose relative links lead to the repository as it was at this version."""

    def absolute(found: re.Match[str]) -> str:
        mark, label, path = found.groups()
        kind = "raw" if mark else "blob"
        return f"{mark}{label}({REPOSITORY}/{kind}/v{version}/{path})"

    return _LINK.sub(absolute, text)
