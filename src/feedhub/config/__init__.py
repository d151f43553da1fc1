"""feedhub.toml and FEEDHUB_* become one frozen Config; mistakes are told with their place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from feedhub.config import reading, rules
from feedhub.config.tables import (
    SECTIONS,
    Config,
    CustomConfig,
    FeedsConfig,
    HttpConfig,
    RenderConfig,
    SiteConfig,
    SourceConfig,
    WebsubConfig,
)
from feedhub.errors import ConfigError

__all__ = [
    "Config",
    "CustomConfig",
    "FeedsConfig",
    "HttpConfig",
    "RenderConfig",
    "SiteConfig",
    "SourceConfig",
    "WebsubConfig",
    "default_authority",
    "load_config",
    "starter_toml",
]

_FILE = Path("feedhub.toml")
_HEAD = (
    "# The configuration of feedhub. Every line shows the default; FEEDHUB_* and flags win over it."
)


def load_config(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] = MappingProxyType({}),
) -> Config:
    """Return the configuration of a file, FEEDHUB_* in `environ` and `overrides`; the last wins.

    `path` None means feedhub.toml in the current folder, where there is one. Overrides are keyed
    `site.base_url`; None stands for one not given. An empty `site.authority` or `source.base_url`
    comes back filled in. Raises ConfigError with file and line, or the variable, and the key.
    """
    place = _FILE if path is None and _FILE.exists() else path
    values = reading.from_file(place) if place else {}
    values |= reading.from_environ(environ)
    values |= reading.from_flags(overrides)
    return _filled_in(_built(values))


def default_authority(base_url: str) -> str:
    """Return the authority of ids (RFC 4151) for a site at `base_url`: its host, and 2026.

    Raises ConfigError where the host cannot be one, as an IPv6 address cannot.
    """
    try:
        return rules.authority(f"{urlsplit(base_url).hostname},2026")
    except ValueError:
        why = "the host of site.base_url cannot be part of an id"
        raise ConfigError(f"site.authority must be set: {why}") from None


def starter_toml() -> str:
    """Return the feedhub.toml that `feedhub init` writes: each key, explained, with its default."""
    lines = [_HEAD]
    for name, section in SECTIONS.items():
        lines += ["", f"# {section.__doc__}", f"[{name}]"]
        for known in fields(section):
            if "record" in known.metadata:
                lines += [f"# {known.metadata['about']}", *_example(name, known)]
                continue
            value = json.dumps(known.default, ensure_ascii=False)
            lines += [f"# {known.metadata['about']}", f"{known.name} = {value}"]
    return "\n".join(lines) + "\n"


def _example(section: str, known: Field[Any]) -> list[str]:
    """Return the lines of a list of tables: an example, for its default is that there is none."""
    keys = fields(known.metadata["record"])
    shown = [f"# {key.name} = {json.dumps(key.metadata['example'])}" for key in keys]
    return [f"# [[{section}.{known.name}]]", *shown]


def _built(values: reading.Values) -> Config:
    sections: dict[str, dict[str, object]] = {name: {} for name in SECTIONS}
    for name, value in values.items():
        section, _, key = name.partition(".")
        sections[section][key] = value
    return Config(**{name: SECTIONS[name](**given) for name, given in sections.items()})


def _filled_in(config: Config) -> Config:
    origin = config.site.base_url
    authority = config.site.authority or default_authority(origin)
    source_url = config.source.base_url or origin
    return replace(
        config,
        site=replace(config.site, authority=authority),
        source=replace(config.source, base_url=source_url),
    )
