"""Asking for one image, and what its server says of it."""

from __future__ import annotations

import re
import time
import zlib
from typing import TYPE_CHECKING, NamedTuple

import httpx

from feedhub.catalog.images import ImageFacts
from feedhub.dates import parse_http_date
from feedhub.http_client import PrivateAddressError
from feedhub.probe.picture import is_page, picture_of, tells_all
from feedhub.probe.wire import BODY, TROUBLES, LedAstrayError, Reply, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from feedhub.catalog.images import State

_RANGE = {"range": f"bytes=0-{BODY - 1}"}
_TYPE = re.compile(r"image/[a-z0-9][a-z0-9.+-]{0,60}")
_MISNAMED = {"image/jpg": "image/jpeg"}  # by many servers
_TOTAL = re.compile(r"bytes 0-\d{1,15}/(\d{1,15})")
_NUMBER = re.compile(r"\d{1,15}")
# RFC 9110, 15.5 and 15.6; RFC 6585, 4.
_BUSY, _PASSING = (429, 503), (408, 425)
# What lies in a compressed answer is looked at as far as this, in bytes.
_UNPACKED = BODY


class Outcome(NamedTuple):
    """What came of asking; `reason` is for the operator, `after` the wait in seconds asked for."""

    state: State
    facts: ImageFacts = ImageFacts()
    reason: str = ""
    after: float = 0.0


async def ask(wire: Wire, url: str, *, sized: bool) -> Outcome:
    """Ask for an image: HEAD first, then, where it does not tell all, the first bytes.

    `sized` asks for the size in pixels too, which no HEAD tells. Raises nothing.
    """
    try:
        return await _ask(wire, url, sized=sized)
    except (LedAstrayError, PrivateAddressError) as error:
        return Outcome("none", reason=str(error))
    except TimeoutError:
        return Outcome("failing", reason="does not answer in time")
    except TROUBLES as error:
        return Outcome("failing", reason=str(error) or type(error).__name__)


async def _ask(wire: Wire, url: str, *, sized: bool) -> Outcome:
    head = await _head(wire, url)
    if head is not None and head.status in _BUSY:
        return _busy(head)
    told, place = ImageFacts(), url
    if head is not None and head.status == 200:
        told, place = _by_fields(head), head.url
    if not sized and told.media_type and told.length:
        return Outcome("known", told)
    return _judged(await wire.exchange("GET", place, _RANGE, tells_all), told)


async def _head(wire: Wire, url: str) -> Reply | None:
    """Ask for the header alone; some servers know no better than to hang up."""
    try:
        return await wire.exchange("HEAD", url)
    except httpx.RemoteProtocolError:
        return None


def _by_fields(reply: Reply) -> ImageFacts:
    """Return what the header alone tells; a length of 0, or of what is coded, tells nothing."""
    media_type = reply.fields.get("content-type", "").partition(";")[0].strip().lower()
    media_type = _MISNAMED.get(media_type, media_type)
    length = reply.fields.get("content-length", "")
    plain = _NUMBER.fullmatch(length) and not _coding(reply.fields)
    return ImageFacts(
        media_type if _TYPE.fullmatch(media_type) else "", int(length) or None if plain else None
    )


def _coding(fields: Mapping[str, str]) -> str:
    return fields.get("content-encoding", "").strip().lower().replace("identity", "")


def _judged(reply: Reply, told: ImageFacts) -> Outcome:
    """Return what came of a GET; `told` is what the HEAD before said."""
    status = reply.status
    if status in _BUSY:
        return _busy(reply)
    if status in _PASSING or status >= 500:
        return Outcome("failing", reason=f"answers {status}")
    if status not in (200, 206):
        return Outcome("gone", reason=f"answers {status}")
    start = _unpacked(reply)
    picture, fields = picture_of(start), _by_fields(reply)
    media_type = picture.media_type or ("" if is_page(start) or not start else fields.media_type)
    if not media_type:
        return Outcome("none", reason="is not an image")
    length = _length(reply, fields, told)
    return Outcome("known", ImageFacts(media_type, length, picture.width, picture.height))


def _length(reply: Reply, fields: ImageFacts, told: ImageFacts) -> int | None:
    """Return the length that a reader would get, in bytes; what HEAD said counts last."""
    if _coding(reply.fields):
        return None
    seen = len(reply.start)
    if reply.status == 206:
        total = _TOTAL.fullmatch(reply.fields.get("content-range", ""))
        length = int(total[1]) if total else told.length
    else:
        length = seen if reply.whole else fields.length or told.length
    return length if length and length >= seen else None


def _unpacked(reply: Reply) -> bytes:
    """Return the first bytes of the image itself, which a server may send compressed unasked."""
    coding = _coding(reply.fields)
    if not coding:
        return reply.start
    if coding not in ("gzip", "x-gzip"):
        return b""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(reply.start, _UNPACKED)
    except zlib.error:
        return b""


def _busy(reply: Reply) -> Outcome:
    """Return how long a server wants to be left alone (RFC 9110, 10.2.3)."""
    after = reply.fields.get("retry-after", "").strip()
    seconds = 0.0
    if _NUMBER.fullmatch(after):
        seconds = float(after)
    elif moment := parse_http_date(after):
        seconds = max(0.0, moment - time.time())
    return Outcome("busy", reason=f"answers {reply.status}", after=seconds)
