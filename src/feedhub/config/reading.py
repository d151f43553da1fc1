"""Where values come from: feedhub.toml, FEEDHUB_* variables, and the flags of a command."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from feedhub.config.rules import RefusedError, accepted
from feedhub.config.tables import KEYS, SECTIONS
from feedhub.errors import ConfigError
from feedhub.messages import did_you_mean

Values = dict[str, object]

_FILE_MAX_BYTES = 32_768  # the search for a line reads every beginning of the file
_VARIABLES = {
    f"FEEDHUB_{name.replace('.', '_').upper()}": name
    for name, known in KEYS.items()
    if "record" not in known.metadata  # tables do not fit into a variable
}


def from_file(path: Path) -> Values:
    """Return the checked values of a TOML file, keyed `site.base_url`; ConfigError has its line."""
    text = _read(path)
    try:
        return dict(_walk(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).partition(" (at ")
        line = re.search(r"line (\d+)", where)
        number = line[1] if line else text.count("\n") + 1
        raise ConfigError(f"{path}:{number}: this is not TOML: {what}") from None
    except RefusedError as error:
        raise ConfigError(f"{path}:{_line_of(error.path, text)}: {error}") from None


def from_environ(environ: Mapping[str, str]) -> Values:
    """Return the checked values of the FEEDHUB_* variables; ConfigError names the variable."""
    values = {}
    for variable, text in environ.items():
        if not variable.startswith("FEEDHUB_"):
            continue
        if variable not in _VARIABLES:
            near = did_you_mean(variable, _VARIABLES)
            raise ConfigError(f"{_told(variable)} is not a known variable{near}")
        name = _VARIABLES[variable]
        try:
            values[name] = accepted(name, KEYS[name], _typed(text, type(KEYS[name].default)))
        except RefusedError as error:
            raise ConfigError(f"{variable}: {error}") from None
    return values


def from_flags(flags: Mapping[str, object]) -> Values:
    """Return the checked values of flags keyed `site.base_url`; None is a flag not given."""
    values = {}
    for name, value in flags.items():
        if name not in KEYS:
            told = _told(*name.split("."))
            raise ConfigError(f"{told} is not a known key{did_you_mean(name, KEYS)}")
        try:
            if value is not None:
                values[name] = accepted(name, KEYS[name], value)
        except RefusedError as error:
            raise ConfigError(str(error)) from None
    return values


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > _FILE_MAX_BYTES:
        raise ConfigError(f"{path}: is longer than {_FILE_MAX_BYTES} bytes")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: this is not UTF-8") from None


def _walk(tables: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for section, table in tables.items():
        if section not in SECTIONS:
            near = did_you_mean(section, [*SECTIONS, *KEYS])
            raise RefusedError(f"{_told(section)} is not a known section{near}", section)
        if not isinstance(table, dict):
            raise RefusedError(f"{section} must be a table: [{section}]", section)
        for key, value in table.items():
            name = f"{section}.{key}"
            if name not in KEYS:
                near = did_you_mean(name, KEYS)
                raise RefusedError(f"{_told(section, key)} is not a known key{near}", section, key)
            yield name, accepted(name, KEYS[name], value, section, key)


def _line_of(path: tuple[str, ...], text: str) -> int:
    """Return the line where the statement begins that first names `path`.

    Only whole statements parse: the one sought begins after the longest beginning of the file that
    parses and does not hold the key. The empty beginning is one.
    """
    lines = text.split("\n")
    ends = range(len(lines) - 1, -1, -1)
    return next(end + 1 for end in ends if _lacks("\n".join(lines[:end]), path))


def _lacks(beginning: str, path: tuple[str, ...]) -> bool:
    """Tell whether the beginning of a file parses and does not hold the key."""
    try:
        found: Any = tomllib.loads(beginning)
    except tomllib.TOMLDecodeError:
        return False
    for part in path:
        if isinstance(found, list):
            found = dict(zip(map(str, range(len(found))), found, strict=True))
        if not isinstance(found, dict) or part not in found:
            return True
        found = found[part]
    return False


def _typed(text: str, kind: type) -> object:
    """Return what the text of a variable stands for, or the text where it is not of its kind."""
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",")) if text.strip() else ()
    if kind is bool:
        return {"true": True, "false": False}.get(text, text)
    return int(text) if kind is int and re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _told(*path: str) -> str:
    return ".".join(p if re.fullmatch(r"[A-Za-z0-9_-]+", p) else json.dumps(p) for p in path)
