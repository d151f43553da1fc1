"""Which addresses a stranger may send us to: public ones only."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

# The schemes of the web, with the port of each (RFC 9110, 4.2).
PORTS = {"http": 80, "https": 443}

# Addresses that stand for an IPv4 address, which a gateway will find (RFC 6052, 2.1), and those of
# a site, which Python takes for global (RFC 3879).
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")


class PrivateAddressError(OSError):
    """A host is not public, or not only."""


class Pinned(NamedTuple):
    """How a request goes to an IP address under the name it was looked up by.

    `host` is the value of the header field, `extensions` name whom the certificate must be of.
    """

    url: httpx.URL
    host: str
    extensions: dict[str, str]


async def pinned(url: httpx.URL, allowed: Callable[[str], bool] | None = None) -> Pinned:
    """Return the way to an address of the web; raises what `public_address` raises."""
    address = await public_address(url.host, url.port or PORTS[url.scheme], allowed)
    return Pinned(
        url.copy_with(host=address, fragment=None),
        url.netloc.decode("ascii"),
        {"sni_hostname": url.raw_host.decode("ascii")},
    )


async def public_address(host: str, port: int, allowed: Callable[[str], bool] | None = None) -> str:
    """Return an IP address of `host` to connect to; `allowed` tells which may be, else public ones.

    Whoever connects to it, and not to the name, cannot be led elsewhere by a second look-up.
    Raises PrivateAddressError where any address of the host is not public, OSError where it has
    none, and UnicodeError where it is no host name.
    """
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found = [str(row[4][0]) for row in rows]
    if not all((allowed or is_public)(address) for address in found):
        raise PrivateAddressError(f"{host} is not a public address")
    return found[0]


def is_public(address: str) -> bool:
    """Tell whether an IP address, given as text, can be reached from all of the Internet."""
    found = ipaddress.ip_address(address)
    inside = _inside(found) if isinstance(found, ipaddress.IPv6Address) else None
    if inside is not None:
        return is_public(str(inside))
    private = found.is_multicast or found.is_reserved or found in _SITE_LOCAL
    return found.is_global and not private


def _inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that is meant by an IPv6 address, or None."""
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
