"""What podcast directories and the W3C validator ask of a podcast, as checks, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

from lxml import etree

from tests.judges.xmlrules import is_http, local, namespace, parsed, path_of, repeated, text

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"
_CHANNEL = {"author", "owner", "image", "category", "explicit", "type"}
_ITEM = {"duration"}
# Of the table of enclosure types in Apple's "A podcaster's guide to RSS", and MP3's only name.
_TYPES = {"audio/x-m4a", "audio/mpeg", "video/quicktime", "video/mp4", "video/x-m4v"}
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DURATION = re.compile(r"[1-9][0-9]*|(?:[0-9]+:)?[0-9]{1,2}:[0-9]{2}")


def complaints(document: bytes) -> list[str]:
    """Return every breach that the bytes of a podcast show."""
    channel = parsed(document).find("channel")
    assert channel is not None
    return [complaint for rule in _RULES for complaint in rule(channel)]


def _own(parent: etree._Element, name: str) -> list[etree._Element]:
    return parent.findall(f"{{{ITUNES}}}{name}")


def _required(channel: etree._Element) -> Iterator[str]:
    for name in ("title", "link", "description", "language"):
        if not channel.findtext(name, "").strip():
            yield f"the channel has no {name}"
    for name in ("author", "owner", "image", "category", "explicit"):
        if not _own(channel, name):
            yield f"the channel has no itunes:{name}"


def _places(channel: etree._Element) -> Iterator[str]:
    for parent, known in [(channel, _CHANNEL), *((i, _ITEM) for i in channel.findall("item"))]:
        names = [local(child) for child in parent if namespace(child) == ITUNES]
        for name in {*names} - known:
            yield f"itunes:{name} has no place in {path_of(parent)}"
        for name in {*repeated(names)} - {"category"}:
            yield f"{path_of(parent)} has more than one itunes:{name}"


def _values(channel: etree._Element) -> Iterator[str]:
    for element in _own(channel, "explicit"):
        if text(element) not in ("true", "false"):
            yield f"{path_of(element)} is neither true nor false"
    for element in _own(channel, "owner"):
        if not _MAILBOX.fullmatch(element.findtext(f"{{{ITUNES}}}email", "")):
            yield f"{path_of(element)} has no e-mail address"
    for element in _own(channel, "image"):
        url = element.get("href", "")
        if not (is_http(url) and re.search(r"\.(?:jpe?g|png)(?:\?|$)", url)):
            yield f"{path_of(element)} is no JPEG or PNG"
    for element in _own(channel, "category"):
        if not element.get("text") or len(element) > 1 or text(element).strip():
            yield f"{path_of(element)} is no category"
    for element in _own(channel, "type"):
        if text(element) not in ("episodic", "serial"):
            yield f"{path_of(element)} is neither episodic nor serial"
    for element in channel.findall(f"{{{PODCAST}}}guid"):
        UUID(text(element))
    for element in channel.findall(f"{{{PODCAST}}}locked"):
        if text(element) not in ("yes", "no"):
            yield f"{path_of(element)} is neither yes nor no"


def _episodes(channel: etree._Element) -> Iterator[str]:
    for item in channel.findall("item"):
        durations, enclosures = _own(item, "duration"), item.findall("enclosure")
        types = [enclosure.get("type", "") for enclosure in enclosures]
        if len(enclosures) > 1:
            yield f"{path_of(item)} has more than one enclosure"
        for enclosure in enclosures:
            if not is_http(enclosure.get("url", "")) or not enclosure.get("length", "").isdecimal():
                yield f"{path_of(enclosure)} has no address or length"
        for media_type in types:
            if media_type.startswith(("audio/", "video/")) and media_type not in _TYPES:
                yield f"{media_type} is not a type of episodes"
        for duration in durations:
            if not _DURATION.fullmatch(text(duration)):
                yield f"{path_of(duration)} is no duration"
            if not any(media_type.startswith("audio/") for media_type in types):
                yield f"{path_of(duration)} stands beside no audio"


_RULES = (_required, _places, _values, _episodes)
