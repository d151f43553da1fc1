"""The configuration: feedhub.toml, FEEDHUB_* and options become one frozen Config."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from feedhub.config import rules
from feedhub.config.podcasts import PodcastConfig
from feedhub.config.reading import (
    PURGE_TOKEN,
    SECRETS,
    WEBHOOK_SECRET,
    find_line,
    from_environ,
    from_file,
    from_options,
)
from feedhub.config.tables import (
    SECTIONS,
    Config,
    CustomConfig,
    FeedsConfig,
    HttpConfig,
    PurgeConfig,
    RenderConfig,
    SiteConfig,
    SourceConfig,
    WebhookConfig,
    WebsubConfig,
)
from feedhub.errors import ConfigError

__all__ = [
    "CONFIG_FILE",
    "PURGE_TOKEN",
    "SECRETS",
    "WEBHOOK_SECRET",
    "Config",
    "CustomConfig",
    "FeedsConfig",
    "HttpConfig",
    "PodcastConfig",
    "PurgeConfig",
    "RenderConfig",
    "SiteConfig",
    "SourceConfig",
    "WebhookConfig",
    "WebsubConfig",
    "default_authority",
    "find_line",
    "load_config",
    "starter_toml",
]

CONFIG_FILE = Path("feedhub.toml")


def load_config(
    path: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] = MappingProxyType({}),
) -> Config:
    """Return the configuration of a file, FEEDHUB_* in `environ` and `overrides`; the last wins.

    `path` None means feedhub.toml in the current folder, if it exists. Overrides are keyed
    `site.base_url`; None stands for one not given. An empty `site.authority` or `source.base_url`
    is filled in. Raises ConfigError with file and line, or the variable, and the key.
    """
    file = CONFIG_FILE if path is None and CONFIG_FILE.exists() else path
    values = from_file(file) if file else {}
    values |= from_environ(environ)
    values |= from_options(overrides)
    sections: dict[str, dict[str, object]] = {name: {} for name in SECTIONS}
    # Only what is set is passed on: the classes have the defaults.
    for name, value in values.items():
        section, _, key = name.partition(".")
        sections[section][key] = value
    config = Config(**{name: SECTIONS[name](**settings) for name, settings in sections.items()})
    if bool(config.purge.service) != bool(config.purge.endpoint):
        # Documents that a cache keeps for a day must be purged.
        raise ConfigError("purge.service and purge.endpoint need each other: set both, or neither")
    base_url = config.site.base_url
    # Not in the tables: these defaults depend on another key.
    authority = config.site.authority or default_authority(base_url)
    return replace(
        config,
        site=replace(config.site, authority=authority),
        source=replace(config.source, base_url=config.source.base_url or base_url),
    )


def default_authority(base_url: str) -> str:
    """Return the authority of ids (RFC 4151) for a site at `base_url`: its host, and 2026.

    Raises ConfigError if the host cannot be one, such as an IPv6 address.
    """
    try:
        return rules.authority(f"{urlsplit(base_url).hostname},2026")
    except ValueError:
        why = "the host of site.base_url cannot be part of an id"
        raise ConfigError(f"site.authority must be set: {why}") from None


def starter_toml() -> str:
    """Return the feedhub.toml of `feedhub init`: each key with an explanation and its default.

    A list of tables is empty by default; it is shown by a commented example.
    """
    lines = ["# The configuration of feedhub, with the default of each key."]
    lines.append("# Variables (FEEDHUB_*) and command line options override it.")
    for name, section in SECTIONS.items():
        lines += ["", f"# {section.__doc__}", f"[{name}]"]
        for key in fields(section):
            lines.append(f"# {key.metadata['about']}")
            if "record" in key.metadata:
                lines.append(f"# [[{name}.{key.name}]]")
                for part in fields(key.metadata["record"]):
                    lines.append(f"# {part.name} = {json.dumps(part.metadata['example'])}")
            else:
                lines.append(f"{key.name} = {json.dumps(key.default, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
