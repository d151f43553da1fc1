"""What a value must be: each rule returns it as Config holds it, or says why it is refused."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import Field, field, fields
from datetime import date
from types import MappingProxyType
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from feedhub.messages import did_you_mean

PLACEHOLDERS = ("year", "month", "day", "slug", "stem", "category", "path", "collection")

# What XML 1.0 forbids (2.2), and what breaks a line.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_HOST = re.compile(r"(?:(?:^|\.)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+")
_URL = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_DNS = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_AUTHORITY = re.compile(
    rf"(?:[a-z0-9._-]+@)?{_DNS}(?:\.{_DNS})*,(\d{{4}})(-\d\d)?(-\d\d)?", re.ASCII
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
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


class RefusedError(Exception):
    """A key or its value is wrong; `path` is where it stands in the tables of the file."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.path = path


def key(
    default: Any, about: str, must: str = "", accept: Callable[[Any], Any] | None = None
) -> Any:
    """Return a dataclass field that carries its explanation, what it must be, and its rule.

    The rule takes a value of the default's type; it returns it as Config holds it, or raises
    ValueError.
    """
    return field(
        default=default,
        metadata={
            "about": about,
            "must": must or _TYPES[type(default)],
            "accept": accept or type(default),
        },
    )


def count(default: int, about: str, low: int, high: int) -> Any:
    """Return a field that holds a whole number from `low` to `high`."""

    def accept(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"it is {value}")
        return value

    return key(default, about, f"a whole number ({low} to {high})", accept)


def part(
    default: Any, example: Any, must: str = "", accept: Callable[[Any], Any] | None = None
) -> Any:
    """Return a field of a table that stands in a list; `example` is for the starter file."""
    made = key(default, "", must, accept)
    made.metadata = MappingProxyType({**made.metadata, "example": example})
    return made


def records(record: Any, about: str) -> Any:
    """Return a field that holds tables, each the fields of a dataclass; every one has a name."""
    made = key((), about, "a list of tables")
    made.metadata = MappingProxyType({**made.metadata, "record": record})
    return made


def accepted(name: str, known: Field[Any], value: object, *path: str) -> object:
    """Return `value` as the field `known` holds it; RefusedError says what `name` must be."""
    kind, must = type(known.default), f"{name} must be {known.metadata['must']}"
    if "record" in known.metadata:
        return _tables(name, known.metadata["record"], value, must, path)
    if kind is float and type(value) is int:
        value = float(value)
    given = tuple(value) if isinstance(value, list) else value
    if type(given) is not kind:
        raise RefusedError(f"{must}, not {_TYPES.get(type(value), 'a date or time')}", *path)
    texts = given if isinstance(given, tuple) else (str(given),)
    if not all(isinstance(text, str) for text in texts):
        raise RefusedError(f"{must}, each in quotes", *path)
    if any(_CONTROL.search(text) for text in texts):
        raise RefusedError(f"{must}, without control characters", *path)
    try:
        return known.metadata["accept"](given)
    except ValueError as error:
        raise RefusedError(f"{must}: {error}", *path) from None


def _tables(
    name: str, record: Any, value: object, must: str, path: tuple[str, ...]
) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(table, dict) for table in value):
        raise RefusedError(f"{must}: [[{name}]]", *path)
    made = [_table(name, record, t, (*path, str(place))) for place, t in enumerate(value)]
    for place, one in enumerate(made):
        if one.name in (other.name for other in made[:place]):
            told = f"{name}.name must be another for each: {one.name!r} stands there twice"
            raise RefusedError(told, *path, str(place), "name")
    return tuple(made)


def _table(name: str, record: Any, table: dict[str, object], path: tuple[str, ...]) -> Any:
    known = {one.name: one for one in fields(record)}
    for given in table:
        if given not in known:
            hint = did_you_mean(given, known) or f"; known are {', '.join(known)}"
            told = given if given.isidentifier() else ascii(given)
            raise RefusedError(f"{name}.{told} is not a known key{hint}", *path, given)
    if "name" not in table:
        raise RefusedError(f"{name}.name is missing: it is the address of the feed", *path)
    return record(
        **{
            given: accepted(f"{name}.{given}", known[given], value, *path, given)
            for given, value in table.items()
        }
    )


def optional(accept: Callable[[str], str]) -> Callable[[str], str]:
    """Return a rule that lets the empty text pass and leaves the rest to `accept`."""
    return lambda text: accept(text) if text else ""


def filled(text: str) -> str:
    """Text with something in it."""
    if not text.strip():
        raise ValueError("it is empty")
    return text.strip()


def _host(parts: SplitResult) -> str:
    """Return the host in lower case and ASCII, an IPv6 address in brackets."""
    host = parts.hostname or ""
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    if not host.isascii():
        import idna  # most hosts are ASCII

        host = idna.encode(host, uts46=True).decode("ascii")
    if not _HOST.fullmatch(host):
        raise ValueError("the host is missing or no host name")
    return host


def url(text: str) -> str:
    """Return an absolute http(s) URL with scheme and host in lower case (RFC 3986, 6.2.2.1)."""
    try:
        parts = urlsplit(text)
    except ValueError:  # its message may hold a password
        raise ValueError("this is no address") from None
    if parts.scheme not in {"http", "https"}:
        raise ValueError("it must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("it holds a user name")
    port = "" if parts.port is None else f":{parts.port}"
    whole = parts._replace(netloc=_host(parts) + port).geturl()
    if not _URL.fullmatch(whole):
        raise ValueError("percent-encode white space and what is not ASCII")
    return whole


def base_url(text: str) -> str:
    """Return a URL that paths are added to: no query, no fragment, no slash at its end."""
    if "?" in text or "#" in text:
        raise ValueError("it holds a query or a fragment")
    return url(text).rstrip("/")


def language(text: str) -> str:
    """Return a language tag (RFC 5646, 2.1)."""
    if not _LANGUAGE.fullmatch(text):
        raise ValueError("its parts are letters and digits joined by hyphens (RFC 5646)")
    return text


def authority(text: str) -> str:
    """Return the authority of tag URIs (RFC 4151, 2.1)."""
    if not (match := _AUTHORITY.fullmatch(text)):
        raise ValueError("write it as example.org,2026 (RFC 4151)")
    date.fromisoformat(f"{match[1]}{match[2] or '-01'}{match[3] or '-01'}")
    return text


def permalink(pattern: str) -> str:
    """Return a path or address whose placeholders are known and tell articles apart."""
    if not pattern.startswith("/"):
        url(pattern)
    names = re.findall(r":([A-Za-z_]+)", pattern)
    if unknown := [name for name in names if name not in PLACEHOLDERS]:
        raise ValueError(f":{unknown[0]} is not known; known are :{', :'.join(PLACEHOLDERS)}")
    if not {"slug", "stem", "path"} & set(names):
        raise ValueError("without :slug, :stem or :path all articles share one address")
    return pattern


def slug(text: str) -> str:
    """Return a name that can stand in an address as it is."""
    if not _SLUG.fullmatch(text):
        raise ValueError("it is something else")
    return text


def quality(value: float) -> float:
    """Return a number that a score can be compared with."""
    if not 0 <= value < 1_000_000:
        raise ValueError(f"it is {value}")
    return value


def timezone(name: str) -> str:
    """Return the name of a time zone that exists."""
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError, ValueError):
        raise ValueError("there is no such time zone") from None


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names none of which is empty or stands there twice."""
    if not all(names) or len(set(names)) < len(names):
        raise ValueError("a name is empty or stands there twice")
    return names


def some(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return distinct names, at least one."""
    if not names:
        raise ValueError("it is empty")
    return distinct(names)


def paths(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return paths of feeds, without the slash that may begin one."""
    return distinct(tuple(name.strip().strip("/") for name in names))


def moves(rules: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the old and the new path of each rule; no path leads on to another."""
    pairs = [tuple(paths(tuple(rule.split("->")))) for rule in rules]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError("write topics/old -> topics/new")
    old = distinct(tuple(pair[0] for pair in pairs))
    if set(old) & {pair[1] for pair in pairs}:
        raise ValueError("a path that something moves to moves itself")
    return tuple((pair[0], pair[1]) for pair in pairs)


def one_of(*known: str) -> Callable[[str], str]:
    """Return a rule that takes a few words only."""

    def accept(text: str) -> str:
        if text not in known:
            raise ValueError(f"it is {text!r}")
        return text

    return accept


def networks(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return addresses of machines or networks."""
    for name in names:
        ipaddress.ip_network(name)
    return distinct(names)


def codings(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return distinct content codings that feedhub makes."""
    if not set(names) <= {"gzip", "br"}:
        raise ValueError("known are gzip and br")
    return distinct(names)
