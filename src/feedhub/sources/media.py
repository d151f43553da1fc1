"""Audio and video of an article, in the forms that podcast themes and exports write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain, islice

from msgspec.structs import replace

from feedhub import limits
from feedhub.article import Image, Media
from feedhub.sources.fields import Fields
from feedhub.sources.tree import Mapping, Node, Scalar, as_text, node_error
from feedhub.sources.urls import audio_or_video_type
from feedhub.sources.values import items_of, read_duration, read_title

_FIELDS = ("enclosures", "audio", "video")
# The names of length and duration beside the name of the file, the most certain first.
_FACTS = (("audio_size", "audio_time"), ("media_size", "media_time"))
_MEDIA_TYPE = re.compile(r"(audio|video)/[a-z0-9][a-z0-9.+-]{0,60}")
# Of many programs, with the registered ones.
_OTHER_TYPES = {"audio/mp3": "audio/mpeg", "audio/m4a": "audio/x-m4a", "audio/x-wav": "audio/wav"}
# WordPress: address, length and type one after the other, then what PowerPress knows.
_WORDPRESS = re.compile(
    r"(?P<url>\S+)\s+(?P<length>[0-9]{1,15})\s+(?P<type>(?:audio|video)/\S{1,60})(?P<more>\s.*)?",
    re.DOTALL,
)
_POWERPRESS_DURATION = re.compile(r'"duration";s:[0-9]{1,2}:"([0-9:]{1,12})"')
_SIZE = re.compile(r"[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4}")
# A text without an ending that tells, but an address nevertheless.
_ADDRESS = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?/")
_TIME = re.compile(r"\s*(?:PT?[0-9]|[0-9]+:)")
_SECONDS = re.compile(r"([0-9]{1,9})(?:\.[0-9]{1,9})?")


def find_media(
    fields: Fields, read_address: Callable[[Node], str], images: Iterable[Image] = ()
) -> tuple[Media, ...]:
    """Return the audio and video files that an article names, each address once.

    Those among its `images` are the last. What stands beside the name of the file is of the first.
    """

    def read(item: Node) -> Media | None:
        return read_file(fields, item, read_address)

    named = (items_of(node) for node in map(fields.node, _FIELDS) if node)
    items = tuple(chain.from_iterable(named))
    found: dict[str, Media] = {}
    for item in fields.at_most(limits.MAX_MEDIA, items, "audio and video files", *_FIELDS):
        file = fields.read_node_or_warn(item, read, None)
        if file is not None:
            found.setdefault(file.url, file)
    for image in images:
        if media_type := audio_or_video_type(image.url):
            file = Media(url=image.url, media_type=media_type, title=image.title)
            found.setdefault(file.url, file)
    if not found:
        return ()
    first, *others = islice(found.values(), limits.MAX_MEDIA)
    for size, time in _FACTS:
        first = with_facts(fields, first, size, time)
    return (first, *others)


def read_file(fields: Fields, node: Node, read_address: Callable[[Node], str]) -> Media | None:
    """Read one file: an address, a mapping with one, or an enclosure of WordPress.

    None for a text that is no address, as `podcast: true` and the number of an episode are.
    """
    if isinstance(node, Scalar):
        text = (as_text(node) or "").strip()
        if match := _WORDPRESS.fullmatch(text):
            duration = _POWERPRESS_DURATION.search(match["more"] or "")
            return Media(
                url=read_address(node._replace(text=match["url"])),
                media_type=read_type(node._replace(text=match["type"])),
                length=int(match["length"]) or None,
                duration=read_time(node._replace(text=duration[1])) if duration else None,
            )
        if not audio_or_video_type(text) and not _ADDRESS.match(text):
            return None
        url = read_address(node)
        return Media(url=url, media_type=type_of(fields, node, url))
    inner = fields.nested(node)
    address = inner.node("media_url")
    if isinstance(address, Mapping):  # `enclosure: {url: {…}}` is of no program that is known
        raise node_error(node, "wrong-type", "the address of the file must be text")
    if address is None or not (url := read_address(address)):
        return None
    stated = inner.read_or_warn("media_type", read_type, "")
    file = Media(
        url=url,
        media_type=stated or type_of(inner, address, url),
        title=inner.read_or_warn("media_title", read_title, ""),
    )
    return with_facts(inner, file, "media_size", "media_time")


def type_of(fields: Fields, node: Node, url: str) -> str:
    """Return the type that the address shows; say that it is unknown where it shows none."""
    media_type = audio_or_video_type(url)
    if not media_type:
        message = "the address does not show whether this is audio or video, and of which type; "
        message += "say its type, or let feedhub probe find it: until then no feed has the file"
        fields.warn("no-media-type", message, node.line, node.column, "info")
    return media_type


def read_type(node: Node) -> str:
    """Read the media type of an audio or video file."""
    text = (as_text(node) or "").partition(";")[0].strip().lower()
    text = _OTHER_TYPES.get(text, text)
    if text in ("audio", "video"):
        return ""
    if not _MEDIA_TYPE.fullmatch(text):
        message = "the type is not one of audio or video, such as audio/mpeg"
        raise node_error(node, "bad-media-type", message)
    return text


def with_facts(fields: Fields, file: Media, size_field: str, time_field: str) -> Media:
    """Return a file with the length in bytes and the duration that two fields state.

    What it has already stays. `length` is either of the two: 26345, or 12:30.
    """
    size, time = fields.node(size_field), fields.node(time_field)
    length = read_size(size) if size else None
    if time is None and isinstance(size, Scalar) and _TIME.match(size.text):
        time = size
    duration = fields.read_node_or_warn(time, read_time, None) if time else None
    return replace(file, length=file.length or length, duration=file.duration or duration)


def read_size(node: Node) -> int | None:
    """Read a number of bytes, or None for anything else, such as 13.7 MB, and for 0."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    return int(text.replace(",", "")) or None if _SIZE.fullmatch(text) else None


def read_time(node: Node) -> int | None:
    """Read a duration: seconds, or what an article's own may be; None for 0."""
    text = (as_text(node) or "").strip()
    seconds = _SECONDS.fullmatch(text)
    return (int(seconds[1]) if seconds else read_duration(node)) or None
