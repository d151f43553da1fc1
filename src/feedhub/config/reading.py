"""Reading values from feedhub.toml, from FEEDHUB_* variables and from the options of a command."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from feedhub.config.rules import InvalidSettingError, validate
from feedhub.config.tables import KEYS, SECTIONS
from feedhub.errors import ConfigError, did_you_mean

Values = dict[str, object]

MAX_FILE_BYTES = 32_768  # `find_line` parses every beginning of the file
VARIABLES = {
    f"FEEDHUB_{name.replace('.', '_').upper()}": name
    for name, key in KEYS.items()
    if "record" not in key.metadata  # tables do not fit into a variable
}
# Read where it is used, and never part of the configuration, which the catalog stores.
PURGE_TOKEN = "FEEDHUB_PURGE_TOKEN"  # noqa: S105 - the name of a variable
# Followed by the name of a webhook.
WEBHOOK_SECRET = "FEEDHUB_WEBHOOK_SECRET_"  # noqa: S105 - the beginning of names
SECRETS = (PURGE_TOKEN, WEBHOOK_SECRET)


def from_file(path: Path) -> Values:
    """Return the checked values of a TOML file, keyed `site.base_url`; ConfigError has the line."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path}: is longer than {MAX_FILE_BYTES} bytes")
    try:
        # Some editors begin a file with a byte order mark.
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        return dict(_checked_values(tomllib.loads(text)))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: the file is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        what, _, position = str(error).partition(" (at ")
        number = re.search(r"line (\d+)", position)
        line = int(number[1]) if number else text.count("\n") + 1
        raise ConfigError(f"{path}:{line}: the file is not valid TOML: {what}") from None
    except InvalidSettingError as error:
        raise ConfigError(f"{path}:{find_line(text, error.path)}: {error}") from None


def from_environ(environ: Mapping[str, str]) -> Values:
    """Return the checked values of the FEEDHUB_* variables; ConfigError names the variable."""
    values = {}
    for variable, text in environ.items():
        if not variable.startswith("FEEDHUB_") or variable.startswith(SECRETS):
            continue
        # A misspelled variable would otherwise have no effect.
        if variable not in VARIABLES:
            hint = did_you_mean(variable, VARIABLES)
            raise ConfigError(f"{_quote(variable)} is not a known variable{hint}")
        name = VARIABLES[variable]
        try:
            values[name] = validate(name, KEYS[name], _parse(text, type(KEYS[name].default)))
        except InvalidSettingError as error:
            raise ConfigError(f"{variable}: {error}") from None
    return values


def from_options(options: Mapping[str, object]) -> Values:
    """Return the checked values of options keyed `site.base_url`; None is one not given."""
    values = {}
    for name, value in options.items():
        if name not in KEYS:
            hint = did_you_mean(name, KEYS)
            raise ConfigError(f"{_quote(*name.split('.'))} is not a known key{hint}")
        try:
            if value is not None:
                values[name] = validate(name, KEYS[name], value)
        except InvalidSettingError as error:
            raise ConfigError(str(error)) from None
    return values


def _checked_values(tables: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield each key of the tables of a file as `site.base_url`, with its checked value."""
    for section, table in tables.items():
        if section not in SECTIONS:
            hint = did_you_mean(section, [*SECTIONS, *KEYS])
            message = f"{_quote(section)} is not a known section{hint}"
            raise InvalidSettingError(message, section)
        if not isinstance(table, dict):
            raise InvalidSettingError(f"{section} must be a table: [{section}]", section)
        for key, value in table.items():
            name = f"{section}.{key}"
            if name not in KEYS:
                message = f"{_quote(section, key)} is not a known key{did_you_mean(name, KEYS)}"
                raise InvalidSettingError(message, section, key)
            yield name, validate(name, KEYS[name], value, section, key)


def find_line(text: str, path: Sequence[str], value: str = "") -> int:
    """Return the line of a TOML file where the statement begins that first names the key `path`.

    With a value, return the first line from there on that has it as an entry of a list, if any.
    A key that is not in the file gives 1.
    """
    if _lacks(text, path):
        return 1
    # Only whole statements parse: the one sought begins after the longest beginning of the file
    # that parses and lacks the key. The empty beginning is one.
    lines = text.split("\n")
    ends = range(len(lines) - 1, -1, -1)
    first = next(end for end in ends if _lacks("\n".join(lines[:end]), path))
    entry = re.compile(rf"""(?:["']|->\s*)/?{re.escape(value)}/?\s*["']""")
    entries = (n for n in range(first, len(lines)) if value and entry.search(lines[n]))
    return next(entries, first) + 1


def _lacks(beginning: str, path: Sequence[str]) -> bool:
    """Return whether the beginning of a file parses and does not have the key."""
    try:
        value: Any = tomllib.loads(beginning)
    except tomllib.TOMLDecodeError:
        return False
    for part in path:
        if isinstance(value, list):
            value = {str(number): item for number, item in enumerate(value)}
        if not isinstance(value, dict) or part not in value:
            return True
        value = value[part]
    return False


def _parse(text: str, kind: type) -> object:
    """Return the value that a variable's text stands for, or the text if it is of another type."""
    if kind is tuple:
        return tuple(part.strip() for part in text.split(",")) if text.strip() else ()
    if kind is bool:
        return {"true": True, "false": False}.get(text, text)
    # `int` alone accepts digits of other scripts, and takes long for very long numbers.
    return int(text) if kind is int and re.fullmatch(r"-?[0-9]{1,18}", text) else text


def _quote(*path: str) -> str:
    """Return a key as TOML writes it: quoted where a bare key cannot hold it."""
    return ".".join(p if re.fullmatch(r"[A-Za-z0-9_-]+", p) else json.dumps(p) for p in path)
