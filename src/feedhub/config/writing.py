"""Adding a row to feedhub.toml: what its owner has written, comments too, stays as it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

from feedhub.config.reading import Values, from_file
from feedhub.errors import ConfigError, output_errors


def add_move(path: Path, old: str, new: str) -> None:
    """Add `old -> new` to `feeds.moved` of the file at `path`, which need not exist.

    Raises ConfigError, and leaves the file as it is, if anything else in it would change.
    """
    file = path.resolve()  # the file behind a link, not the link
    expected = from_file(file) if file.exists() else {}
    moves = cast("tuple[tuple[str, str], ...]", expected.get("feeds.moved", ()))
    expected["feeds.moved"] = (*moves, (old, new))
    changed = file.with_name(f"{file.name}.new")
    with output_errors(file):
        before = file.read_bytes() if file.exists() else b""
        changed.write_bytes(_with_move(before, f"{old} -> {new}"))
        if file.exists():
            shutil.copymode(file, changed)
        if _reads_as(changed, expected):
            changed.replace(file)
            return
        changed.unlink()
    raise ConfigError(f'{path}: cannot be changed; add "{old} -> {new}" to feeds.moved yourself')


def _reads_as(path: Path, expected: Values) -> bool:
    try:
        return from_file(path) == expected
    except ConfigError:  # the rules for moves, or the length of the file
        return False


def _with_move(data: bytes, move: str) -> bytes:
    import tomlkit  # no other command changes the file

    text = data.decode("utf-8-sig")
    newline = "\r\n" if "\r\n" in text else "\n"
    document = tomlkit.parse(text.replace("\r\n", "\n"))
    feeds = document.setdefault("feeds", tomlkit.table())
    feeds.setdefault("moved", tomlkit.array()).append(move)
    return tomlkit.dumps(document).replace("\n", newline).encode()
