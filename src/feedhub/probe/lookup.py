"""The look-up of one image, audio or video file: its type, length and size from its server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from feedhub.catalog.images import ImageFacts, State
from feedhub.http_client import (
    MAX_BODY_BYTES,
    ForbiddenAddressError,
    HttpClient,
    HttpError,
    NotHttpError,
    Reply,
)
from feedhub.probe.image_header import ImageHeader, is_page, needs_no_more, read_image_header
from feedhub.probe.media_header import media_type_of

_FIRST_BYTES = {"range": f"bytes=0-{MAX_BODY_BYTES - 1}"}
# Of many servers.
_WRONG_TYPES = {"image/jpg": "image/jpeg", "audio/mp3": "audio/mpeg"}
_CONTENT_RANGE = re.compile(r"bytes 0-\d{1,15}/(\d{1,15})")
_NUMBER = re.compile(r"\d{1,15}")
# RFC 9110, 15.5 and 15.6; RFC 6585, 4; RFC 8470, 5.2.
_BUSY, _TEMPORARY = (429, 503), (408, 425)


class FileKind(NamedTuple):
    """What is asked for: the types that count, what is read of the first bytes, and how many."""

    accept: str
    media_type: re.Pattern[str]
    read_header: Callable[[bytes], ImageHeader]
    needs_no_more: Callable[[bytes], bool]
    otherwise: str


_SUBTYPE = "[a-z0-9][a-z0-9.+-]{0,60}"
IMAGE = FileKind(
    "image/*",
    re.compile(f"image/{_SUBTYPE}"),
    read_image_header,
    needs_no_more,
    "is not an image",
)
MEDIA = FileKind(
    "audio/*, video/*",
    re.compile(f"(?:audio|video)/{_SUBTYPE}"),
    lambda start: ImageHeader(media_type_of(start)),
    bool,
    "is neither audio nor video",
)


class LookupResult(NamedTuple):
    """What a look-up found; `reason` is for the operator, `retry_after` in seconds."""

    state: State
    facts: ImageFacts = ImageFacts()
    reason: str = ""
    retry_after: float = 0.0


async def look_up(
    client: HttpClient, url: str, *, sized: bool, kind: FileKind = IMAGE
) -> LookupResult:
    """Send HEAD for a file and, where that does not say all, GET for the first bytes.

    `sized` is for the size in pixels too, which no HEAD says. Raises nothing.
    """
    accept = {"accept": kind.accept}

    def is_enough(reply: Reply) -> bool:
        # Without a length in the header bytes are counted.
        has_length = "content-length" in reply.headers or "content-range" in reply.headers
        return has_length and kind.needs_no_more(reply.body)

    try:
        try:
            head = await client.request("HEAD", url, headers=accept)
        except NotHttpError:  # some servers hang up on HEAD
            head = None
        if head is not None and head.status in _BUSY:
            return _busy(head)
        facts = ImageFacts()
        if head is not None and head.status == 200:
            facts, url = read_fields(head, kind), head.url
        if not sized and facts.media_type and facts.length:
            return LookupResult("known", facts)
        reply = await client.request("GET", url, headers=accept | _FIRST_BYTES, enough=is_enough)
        return judge(reply, facts, kind)
    except ForbiddenAddressError as error:
        return LookupResult("none", reason=str(error))
    except HttpError as error:
        return LookupResult("failing", reason=str(error))


def read_fields(reply: Reply, kind: FileKind) -> ImageFacts:
    """Return what the header says: no length of 0, and none of a compressed body."""
    media_type = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    media_type = _WRONG_TYPES.get(media_type, media_type)
    length = reply.headers.get("content-length", "")
    is_length = _NUMBER.fullmatch(length) and not reply.coding
    return ImageFacts(
        media_type if kind.media_type.fullmatch(media_type) else "",
        int(length) or None if is_length else None,
    )


def judge(reply: Reply, head: ImageFacts, kind: FileKind) -> LookupResult:
    """Return the result of a GET; `head` is what HEAD said before, and counts last."""
    status = reply.status
    if status in _BUSY:
        return _busy(reply)
    if status in _TEMPORARY or status >= 500:
        return LookupResult("failing", reason=f"answers {status}")
    if status not in (200, 206):
        return LookupResult("gone", reason=f"answers {status}")
    header, fields = kind.read_header(reply.body), read_fields(reply, kind)
    media_type = header.media_type
    if not media_type and reply.body and not is_page(reply.body):
        media_type = fields.media_type
    if not media_type:
        return LookupResult("none", reason=kind.otherwise)
    length = None
    if status == 206:
        total = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", ""))
        length = int(total[1]) if total else head.length
    elif reply.complete:
        length = len(reply.body)
    else:
        length = fields.length or head.length
    if reply.coding or (length or 0) < len(reply.body):
        length = None  # a reader gets other bytes, or the server is wrong
    return LookupResult("known", ImageFacts(media_type, length, header.width, header.height))


def _busy(reply: Reply) -> LookupResult:
    return LookupResult("busy", reason=f"answers {reply.status}", retry_after=reply.retry_after)
