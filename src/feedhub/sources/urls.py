"""Addresses as every format can carry them: absolute http(s), pure ASCII, one spelling each."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import urljoin, urlsplit

from feedhub.text import unescape_once

MAX_LENGTH = 4096  # readers and proxies cut or refuse longer ones

# Checked before urllib sees the address: it drops tabs and line ends without a word.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HTTP = re.compile(r"https?://", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::([0-9]{0,5}))?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
# RFC 3986, 3.3 to 3.5: what may stand in a path, query or fragment; a lone % may not.
_ILLEGAL_IN_PATH = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]")
_ILLEGAL_IN_QUERY = re.compile(r"%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]")
# An address as `absolute_url` writes most of them: nothing to decode, to quote, to fold or to add.
_ESCAPE, _IN_PATH = "%[0-9A-Fa-f]{2}", r"[A-Za-z0-9\-._~!$&'()*+,=:@/]"
_ALL_IN_PATH = "".join(filter(re.compile(_IN_PATH).fullmatch, map(chr, range(128)))).encode()
_PATH = f"{_IN_PATH}*+(?:{_ESCAPE}{_IN_PATH}*+)*+"
_QUERY = rf"(?:\?|{_ESCAPE}|{_IN_PATH}++)++"
_NORMAL = re.compile(
    rf"https?://(?=[^/]{{1,253}}/){_LABEL}(?:\.{_LABEL})*+\.?/{_PATH}(?:\?{_QUERY})?(?:#{_QUERY})?"
)
_ENTITY_LEFT = re.compile(r"(&(?:#?[A-Za-z0-9]+));")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class UrlError(ValueError):
    """Why an address cannot be used; the message never quotes it."""


def absolute_url(raw: str, base: str = "") -> str:
    """Return `raw`, resolved on `base`, as an absolute http(s) URI of at most 4,096 characters.

    Pure ASCII. HTML entities are decoded once; escapes such as %2F, doubled slashes and the order
    of the query stay as they are. Using the result as `raw` again changes nothing. Raises UrlError
    (RFC 3986; RFC 5891).
    """
    return raw if is_normal(raw) else _absolute_url(raw, base)


def is_normal(raw: str) -> bool:
    """Say whether `absolute_url` returns `raw` itself, for most of those that it does."""
    scheme, _, rest = raw.partition("://")
    host, slash, path = rest.partition("/")
    if slash and path.isascii() and not path.encode().translate(None, _ALL_IN_PATH):
        return scheme in _DEFAULT_PORTS and len(raw) <= MAX_LENGTH and _is_host(host)
    return len(raw) <= MAX_LENGTH and bool(_NORMAL.fullmatch(raw))


@lru_cache(maxsize=4096)
def _is_host(host: str) -> bool:
    return len(host) <= 253 and bool(_HOST.fullmatch(host))


def _absolute_url(raw: str, base: str) -> str:
    text = unescape_once(raw.strip()).strip()
    if not text:
        raise UrlError("the address is empty")
    if _FORBIDDEN.search(text):
        raise UrlError("the address holds a control or direction character")
    url = _normalised(_resolved(text, base))
    if len(url) > MAX_LENGTH:
        raise UrlError(f"the address is longer than {MAX_LENGTH} characters")
    return url


def rooted_url(raw: str, base: str) -> str:
    """Return `raw` as `absolute_url` does, but start `/x` at the path of `base`, not at its host.

    Front matter written for a site under `https://host/site` says `/assets/i.png` for
    `https://host/site/assets/i.png`. Raises UrlError.
    """
    text = raw.strip()
    if text.startswith("/") and not text.startswith("//"):
        root = _split(base)[2].rstrip("/")
        text = text if _starts_at(text, root) else root + text
    return absolute_url(text, base)


def _starts_at(path: str, root: str) -> bool:
    return path.startswith(root) and path[len(root) :][:1] in ("", "/", "?", "#")


def _resolved(text: str, base: str) -> str:
    if text.startswith("//"):
        text = ("http:" if base[:5].lower() == "http:" else "https:") + text
    if _SCHEME.match(text):
        return text
    try:
        return urljoin(base, text)
    except ValueError:
        raise UrlError("the address cannot be read") from None


def _split(url: str) -> tuple[str, str, str, str, str]:
    try:
        return urlsplit(url)
    except ValueError:  # a broken IPv6 host, or one that turns into another under NFKC
        raise UrlError("the host of the address cannot be read") from None


def _normalised(url: str) -> str:
    if not _HTTP.match(url):
        raise UrlError("the address is not an absolute http or https address")
    scheme, netloc, path, query, fragment = _split(url)
    result = f"{scheme}://{_authority(netloc, scheme)}{_quote(path, _ILLEGAL_IN_PATH) or '/'}"
    if query:
        result += "?" + _quote(query, _ILLEGAL_IN_QUERY)
    if fragment:
        result += "#" + _quote(fragment, _ILLEGAL_IN_QUERY)
    # What still looks like an entity is meant so: nobody may decode it a second time.
    return _ENTITY_LEFT.sub(r"\1%3B", result)


def _quote(part: str, illegal: re.Pattern[str]) -> str:
    return illegal.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), part)


def _authority(netloc: str, scheme: str) -> str:
    if "@" in netloc:
        raise UrlError("the address carries a user name")
    match = _AUTHORITY.fullmatch(netloc)
    if not match:
        raise UrlError("the host or port of the address is not valid")
    address, name, port = match.groups()
    host = _host_address(address) if address else _host_name(name)
    return host + _port(port, scheme)


def _port(digits: str | None, scheme: str) -> str:
    number = int(digits) if digits else _DEFAULT_PORTS[scheme]
    if not 0 < number < 65536:
        raise UrlError("the port of the address is not valid")
    return "" if number == _DEFAULT_PORTS[scheme] else f":{number}"


def _host_address(text: str) -> str:
    try:
        return f"[{IPv6Address(text).compressed}]"
    except AddressValueError:
        raise UrlError("the host of the address is not an IPv6 address") from None


def _host_name(name: str) -> str:
    if len(name) > 253:
        raise UrlError("the host of the address is too long")
    host = name.lower() if name.isascii() else _idna(name)
    if not _HOST.fullmatch(host) or len(host) > 254:
        raise UrlError("the host of the address is not a valid name")
    return host


def _idna(name: str) -> str:
    import idna  # 20 ms, and few hosts need it

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except UnicodeError:
        raise UrlError("the host of the address is not a valid name") from None
