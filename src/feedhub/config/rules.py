"""The types of keys and the rules for their values.

A rule takes a value of the default's type; it returns the value as Config holds it, or raises
ValueError with what is wrong.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import Field, field, fields
from datetime import date
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from feedhub.errors import did_you_mean
from feedhub.messages.tags import parse_language

# The value of source.assets that asks for copies.
COPY = "copy"
PLACEHOLDERS = ("path", "folder", "stem", "slug", "title", "category", "year", "month", "day")

# What XML 1.0 forbids (2.2), and what breaks a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
# Labels have at most 63 characters (RFC 1035, 2.3.4); names of internal hosts have underscores.
_HOST = re.compile(r"(?:(?:^|\.)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+")
# Reserved and unreserved characters, and the percent sign (RFC 3986, 2).
_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
# An authority is a host name or e-mail address, and a date (RFC 4151, 2.1).
_DNS = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_AUTHORITY = re.compile(
    rf"(?:[a-z0-9._-]+@)?{_DNS}(?:\.{_DNS})*,(\d{{4}})(-\d\d)?(-\d\d)?", re.ASCII
)
_SLUG = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
_TYPES = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a decimal number",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


class InvalidSettingError(Exception):
    """A key or its value is wrong; `path` is its position in the tables of the file."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def key(
    default: Any,
    about: str,
    must: str = "",
    rule: Callable[[Any], Any] | None = None,
    **metadata: Any,
) -> Any:
    """Return a dataclass field with its explanation, what it must be, and the rule for values."""
    kind = type(default)
    metadata |= {"about": about, "must": must or _TYPES[kind], "rule": rule or kind}
    return field(default=default, metadata=metadata)


def integer(default: int, about: str, low: int, high: int) -> Any:
    """Return a field for a whole number from `low` to `high`."""

    def rule(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"it is {value}")
        return value

    return key(default, about, f"a whole number ({low} to {high})", rule)


def record_key(
    default: Any,
    example: Any,
    must: str = "",
    rule: Callable[[Any], Any] | None = None,
    needed: str = "",
) -> Any:
    """Return a field of a table in a list of tables; `example` is for the starter file.

    `needed` is why a table must have the field, "" if it need not.
    """
    return key(default, "", must, rule, example=example, needed=needed)


def records(record: Any, about: str) -> Any:
    """Return a field for a list of tables, each with the fields of a dataclass and a `name`."""
    return key((), about, "a list of tables", record=record)


def validate(name: str, key: Field[Any], value: object, *path: str) -> object:
    """Return `value` as the field `key` holds it; raise InvalidSettingError if it cannot."""
    kind, must = type(key.default), f"{name} must be {key.metadata['must']}"
    if "record" in key.metadata:
        return _validate_records(name, key.metadata["record"], value, must, path)
    if kind is float and type(value) is int:  # `min_quality = 3` is 3.0
        value = float(value)
    value = tuple(value) if isinstance(value, list) else value
    if type(value) is not kind:  # `isinstance` would take true for a number
        found = _TYPES.get(type(value), "a date or time")
        raise InvalidSettingError(f"{must}, not {found}", *path)
    texts = value if isinstance(value, tuple) else (str(value),)
    if not all(isinstance(text, str) for text in texts):
        raise InvalidSettingError(f"{must}, each in quotes", *path)
    if any(_CONTROL.search(text) for text in texts):
        raise InvalidSettingError(f"{must}, without control characters", *path)
    try:
        return key.metadata["rule"](value)
    except ValueError as error:
        raise InvalidSettingError(f"{must}: {error}", *path) from None


def _validate_records(
    name: str, record: Any, value: object, must: str, path: tuple[str, ...]
) -> tuple[object, ...]:
    """Return the records of a list of tables; their names must differ."""
    if not isinstance(value, list | tuple) or not all(isinstance(table, dict) for table in value):
        raise InvalidSettingError(f"{must}: [[{name}]]", *path)
    keys = {key.name: key for key in fields(record)}
    made: dict[str, object] = {}
    for number, table in enumerate(value):
        position = (*path, str(number))
        for word in table:
            if word not in keys:
                hint = did_you_mean(word, keys) or f"; choose from {', '.join(keys)}"
                quoted = word if word.isidentifier() else ascii(word)
                message = f"{name}.{quoted} is not a known key{hint}"
                raise InvalidSettingError(message, *position, word)
        for word, part in keys.items():
            if part.metadata["needed"] and word not in table:
                message = f"{name}.{word} is missing: {part.metadata['needed']}"
                raise InvalidSettingError(message, *position)
        settings = {
            word: validate(f"{name}.{word}", keys[word], setting, *position, word)
            for word, setting in table.items()
        }
        if (title := str(settings["name"])) in made:
            message = f"{name}.name must be unique: {title!r} is used twice"
            raise InvalidSettingError(message, *position, "name")
        made[title] = record(**settings)
    return tuple(made.values())


def optional(rule: Callable[[str], str]) -> Callable[[str], str]:
    """Return a rule that takes the empty text, or what `rule` takes."""
    return lambda text: rule(text) if text else ""


def non_empty(text: str) -> str:
    """Return text without white space around it; refuse an empty one."""
    if not text.strip():
        raise ValueError("it is empty")
    return text.strip()


def _host(parts: SplitResult) -> str:
    """Return the host in lower case and ASCII, an IPv6 address in brackets."""
    host = parts.hostname or ""
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    if not host.isascii():
        import idna  # imported here because most hosts are ASCII

        host = idna.encode(host, uts46=True).decode("ascii")
    if not _HOST.fullmatch(host):
        raise ValueError("the host is missing or is not a host name")
    return host


def url(text: str) -> str:
    """Return an absolute http(s) URL with scheme and host in lower case (RFC 3986, 6.2.2.1)."""
    try:
        parts = urlsplit(text)
    except ValueError:  # its message may hold a password
        raise ValueError("it is not a URL") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError("it must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("it contains a user name")
    port = "" if parts.port is None else f":{parts.port}"
    normal = parts._replace(netloc=_host(parts) + port).geturl()
    if not _URL.fullmatch(normal):
        raise ValueError("percent-encode spaces and non-ASCII characters")
    return normal


def urls(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return absolute http(s) URLs, each once."""
    return unique_names(tuple(map(url, texts)))


def base_url(text: str) -> str:
    """Return a URL that paths are added to: no query, no fragment, no slash at its end."""
    if "?" in text or "#" in text:
        raise ValueError("it contains a query or a fragment")
    return url(text).rstrip("/")


def assets(text: str) -> str:
    """Return the address of the files of the source, or the word COPY."""
    return text if text == COPY else base_url(text)


def language(text: str) -> str:
    """Return a tag of registered parts (RFC 5646, 2.2.9), also that of a language's name."""
    try:
        return parse_language(text)
    except ValueError as error:
        message = f"{error}: write one such as de or pt-BR, or a name such as German"
        raise ValueError(message) from None


def authority(text: str) -> str:
    """Return the authority of tag URIs (RFC 4151, 2.1)."""
    if not (match := _AUTHORITY.fullmatch(text)):
        raise ValueError("write it as example.org,2026 (RFC 4151)")
    # A day that does not exist would make every id invalid; month and day may be left out.
    date.fromisoformat(f"{match[1]}{match[2] or '-01'}{match[3] or '-01'}")
    return text


def permalink(pattern: str) -> str:
    """Return a path or URL with known placeholders, of which one differs for each article."""
    if not pattern.startswith("/"):
        url(pattern)
    names = re.findall(r":([A-Za-z_]+)", pattern)
    if unknown := [name for name in names if name not in PLACEHOLDERS]:
        raise ValueError(f":{unknown[0]} is not known; choose from :{', :'.join(PLACEHOLDERS)}")
    if not {"path", "stem", "slug", "title"} & set(names):
        raise ValueError("without :path, :stem, :slug or :title articles would share one address")
    return pattern


def folder_permalinks(rows: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the folder and the permalink pattern of each row."""
    pairs = [tuple(part.strip() for part in row.split("->")) for row in rows]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError("write posts -> /blog/:slug/")
    folders = unique_names(tuple(pair[0].strip("/") for pair in pairs))
    return tuple(zip(folders, (permalink(pair[1]) for pair in pairs), strict=True))


def slug(text: str) -> str:
    """Return a name that can be part of an address as it is."""
    if not _SLUG.fullmatch(text):
        raise ValueError(f"it is {text!r}")
    return text


def folder_name(text: str) -> str:
    """Return the name of a folder."""
    if "/" in text or not text.strip():
        raise ValueError("it is not the name of a folder")
    return text


def selector(text: str) -> str:
    """Return a CSS selector."""
    from cssselect import SelectorError, parse  # few configurations have one

    try:
        parse(text)
    except SelectorError as error:
        raise ValueError(str(error)) from None
    return text


def selectors(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return CSS selectors."""
    return tuple(map(selector, unique_names(texts)))


def site_paths(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return paths below a folder, without slashes around them."""
    paths = unique_names(tuple(path.strip().strip("/") for path in paths))
    if any(part in (".", "..") for path in paths for part in path.split("/")):
        raise ValueError("a path leads out of the folder")
    return paths


def score(value: float) -> float:
    """Return a number to compare scores with."""
    # The parameter of a search has six digits at most (`selection.py`).
    if not 0 <= value < 1_000_000:
        raise ValueError(f"it is {value}")
    return value


def timezone(name: str) -> str:
    """Return the name of a time zone; refuse one that does not exist."""
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError, ValueError):  # OSError for a folder such as `Europe`
        raise ValueError("there is no such time zone") from None


def unique_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names; refuse an empty one and one that is listed twice."""
    if not all(names) or len(set(names)) < len(names):
        raise ValueError("a name is empty or listed twice")
    return names


def at_least_one_name(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return unique names, at least one."""
    if not names:
        raise ValueError("it is empty")
    return unique_names(names)


def feed_paths(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return paths of feeds without slashes around them."""
    return unique_names(tuple(name.strip().strip("/") for name in names))


def feed_moves(moves: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the old and the new path of each move; no move may lead to another."""
    pairs = [tuple(feed_paths(tuple(move.split("->")))) for move in moves]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError("write topics/old -> topics/new")
    old = unique_names(tuple(pair[0] for pair in pairs))
    # A chain of moves would be a chain of redirects, or a loop.
    if set(old) & {pair[1] for pair in pairs}:
        raise ValueError("the target of a move must not move itself")
    return tuple((pair[0], pair[1]) for pair in pairs)


def choice(*words: str) -> Callable[[str], str]:
    """Return a rule that takes only these words."""

    def rule(text: str) -> str:
        if text not in words:
            raise ValueError(f"it is {text!r}")
        return text

    return rule


def indexnow_key(text: str) -> str:
    """Return a key that search engines accept (indexnow.org/documentation)."""
    if not re.fullmatch("[A-Za-z0-9-]{8,128}", text):
        raise ValueError("it has other characters, or too few or too many")
    return text


def proxies(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses of machines or networks, and `unix:` for those with a Unix socket."""
    for name in names:
        if name != "unix:":
            ipaddress.ip_network(name)  # an address is a network of one
    return unique_names(names)


def content_codings(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return unique content codings that feedhub can make."""
    if not set(names) <= {"gzip", "br"}:
        raise ValueError("choose from gzip and br")
    return unique_names(names)
