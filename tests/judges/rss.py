"""RSS 2.0, its Best Practices Profile and Media RSS as checks on a document, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from lxml import etree

from tests.judges.xmlrules import (
    ATOM,
    CONTENT,
    DC,
    HISTORY,
    MEDIA,
    is_http,
    local,
    namespace,
    parsed,
    path_of,
    repeated,
    rfc3339,
    text,
)

_CORE_CHANNEL = set(
    "title link description language copyright managingEditor webMaster pubDate lastBuildDate "
    "category generator docs ttl image skipHours skipDays item".split()
)
_CORE_ITEM = set(
    "title link description author category comments enclosure guid pubDate source".split()
)
_REPEATABLE = {"item", "category"}
_MEDIA = {"content", "thumbnail", "group", "player"}
_MEDIUMS = {"image", "audio", "video", "document", "executable"}
_NAMESPACES = {"", ATOM, CONTENT, DC, HISTORY, MEDIA}
_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} "
    r"[0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|[+-][0-9]{4})"
)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_PERSON = re.compile(r"[^@\s]+@[^@\s]+( \([^()]+\))?")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_NUMBER = re.compile(r"[1-9][0-9]*")
_REFERENCE = re.compile(r"(?:href|src)\s*=\s*[\"']([^\"']*)", re.IGNORECASE)
_DAYS = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}


def complaints(document: bytes) -> list[str]:
    """Return every breach that the bytes of an RSS document show, each with its rule's name."""
    root = parsed(document)
    channels = root.findall("channel")
    if root.tag != "rss" or root.get("version") != "2.0" or len(channels) != 1:
        return ["R1 this is no rss version 2.0 with one channel"]
    return [complaint for rule in _RULES for complaint in rule(channels[0])]


def _items(channel: etree._Element) -> list[etree._Element]:
    return channel.findall("item")


def _media(channel: etree._Element, name: str) -> Iterator[etree._Element]:
    return channel.iter(f"{{{MEDIA}}}{name}")


def _r1_channel(channel: etree._Element) -> Iterator[str]:
    for name in ("title", "link", "description"):
        if channel.find(name) is None:
            yield f"R1 the channel has no {name}"
    if not channel.findtext("title", "").strip():
        yield "R1 the channel's title is empty"


def _r2_item(channel: etree._Element) -> Iterator[str]:
    for item in _items(channel):
        if not item.findtext("title") and not item.findtext("description"):
            yield f"R2 {path_of(item)} has neither title nor description"


def _r3_vocabulary(channel: etree._Element) -> Iterator[str]:
    for parent, known in [(channel, _CORE_CHANNEL), *((i, _CORE_ITEM) for i in _items(channel))]:
        core = [local(child) for child in parent.iterchildren("*") if not namespace(child)]
        for name in set(core) - known:
            yield f"R3 <{name}> has no place in {path_of(parent)}"
        for name in set(repeated(core)) - _REPEATABLE:
            yield f"R3 {path_of(parent)} has more than one <{name}>"


def _r3_namespaces(channel: etree._Element) -> Iterator[str]:
    root = channel.getparent()
    declared = set() if root is None else set(root.nsmap.values())
    for element in channel.iter("*"):
        if namespace(element) not in _NAMESPACES:
            yield f"R3 {path_of(element)} is in the unknown namespace {namespace(element)}"
        if namespace(element) and namespace(element) not in declared:
            yield f"R3 the namespace of {path_of(element)} is not declared on the root"


def _r4_dates(channel: etree._Element) -> Iterator[str]:
    for element in channel.iter("pubDate", "lastBuildDate"):
        value = text(element)
        if not _DATE.fullmatch(value):
            yield f"R4 {path_of(element)} is no RFC 822 date with a 4-digit year and GMT or +0000"
        elif parsedate_to_datetime(value).strftime("%a") != value[:3]:
            yield f"R4 {path_of(element)} has the wrong weekday"


def _r6_guid(channel: etree._Element) -> Iterator[str]:
    for item in _items(channel):
        guid = item.find("guid")
        if guid is None or not text(guid):
            yield f"R6 {path_of(item)} has no guid"
        elif guid.get("isPermaLink") != "false" and not is_http(text(guid)):
            yield f'R6 {path_of(guid)} is no address and does not say isPermaLink="false"'
        elif guid.get("isPermaLink") not in {"true", "false"}:
            yield f"R6 {path_of(guid)} has no isPermaLink in lower case"


def _r7_identity(channel: etree._Element) -> Iterator[str]:
    for twice in repeated(text(guid) for guid in channel.iter("guid")):
        yield f"R7 two items have the guid {twice}"


def _r8_links(channel: etree._Element) -> Iterator[str]:
    for element in channel.iter("link", "comments", "docs"):
        if not is_http(text(element)):
            yield f"R8 {path_of(element)} is no absolute URI"


def _r9_plain_text(channel: etree._Element) -> Iterator[str]:
    for element in channel.iter("title", "category", f"{{{DC}}}creator"):
        if len(element) or re.search(r"&(amp|lt|gt|quot|#[0-9]+);", text(element)):
            yield f"R9 {path_of(element)} is escaped twice or holds elements"


def _r10_description(channel: etree._Element) -> Iterator[str]:
    for element in channel.iter("description", f"{{{CONTENT}}}encoded"):
        if len(element):
            yield f"R10 {path_of(element)} holds elements instead of escaped HTML"
        for address in _REFERENCE.findall(text(element)):
            if not re.match(r"https?://|mailto:|tel:", address):
                yield f"R10 {path_of(element)} holds the relative address {address}"


def _r11_content(channel: etree._Element) -> Iterator[str]:
    for item in _items(channel):
        names = [child.tag for child in item.iterchildren("*")]
        encoded = f"{{{CONTENT}}}encoded"
        if names.count(encoded) > 1:
            yield f"R11 {path_of(item)} has more than one content:encoded"
        if encoded in names and "description" not in names[: names.index(encoded)]:
            yield f"R11 {path_of(item)} has no description before content:encoded"


def _r12_enclosure(channel: etree._Element) -> Iterator[str]:
    for item in _items(channel):
        found = item.findall("enclosure")
        if len(found) > 1:
            yield f"R13 {path_of(item)} has more than one enclosure"
        for enclosure in found:
            if not is_http(enclosure.get("url", "")):
                yield f"R12 {path_of(enclosure)} has no absolute url"
            if not re.fullmatch("[0-9]+", enclosure.get("length", "")):
                yield f"R12 {path_of(enclosure)} has no length, not even 0"
            if not _MEDIA_TYPE.fullmatch(enclosure.get("type", "")):
                yield f"R12 {path_of(enclosure)} has no media type"


def _r14_people(channel: etree._Element) -> Iterator[str]:
    for element in channel.iter("author", "managingEditor", "webMaster"):
        if not _PERSON.fullmatch(text(element)):
            yield f"R14 {path_of(element)} is no e-mail address"
    for item in _items(channel):
        if item.find("author") is not None and item.find(f"{{{DC}}}creator") is not None:
            yield f"R14 {path_of(item)} has both author and dc:creator"
    if not all(text(creator).strip() for creator in channel.iter(f"{{{DC}}}creator")):
        yield "R14 a dc:creator is empty"


def _r15_self(channel: etree._Element) -> Iterator[str]:
    links = channel.findall(f"{{{ATOM}}}link")
    found = [link for link in links if link.get("rel") == "self"]
    if len(found) != 1 or found[0].get("type") != "application/rss+xml":
        yield "R15 the channel has not one atom:link rel=self type=application/rss+xml"
    for link in channel.iter(f"{{{ATOM}}}link"):
        if not is_http(link.get("href", "")):
            yield f"R15 {path_of(link)} has no absolute href"


def _r16_schedule(channel: etree._Element) -> Iterator[str]:
    if not _NUMBER.fullmatch(channel.findtext("ttl", "1")):
        yield "R16 ttl is no whole number of minutes"
    if not all(re.fullmatch("1?[0-9]|2[0-3]", text(hour)) for hour in channel.iter("hour")):
        yield "R16 skipHours has something else than hours"
    if not all(text(day) in _DAYS for day in channel.iter("day")):
        yield "R16 skipDays has something else than days"


def _r17_image(channel: etree._Element) -> Iterator[str]:
    image = channel.find("image")
    if image is None:
        return
    for name in ("title", "link"):
        if image.findtext(name) != channel.findtext(name):
            yield f"R17 the {name} of the image is not the channel's"
    if not is_http(image.findtext("url", "")):
        yield "R17 the image has no absolute url"
    for name, most in (("width", 144), ("height", 400)):
        value = image.findtext(name, "1")
        if not _NUMBER.fullmatch(value) or int(value) > most:
            yield f"R17 the {name} of the image is no number up to {most}"


def _r18_language(channel: etree._Element) -> Iterator[str]:
    if not _LANGUAGE.fullmatch(channel.findtext("language", "en")):
        yield "R18 language is no language tag"


def _r19_categories(channel: etree._Element) -> Iterator[str]:
    for item in _items(channel):
        names = [text(category) for category in item.findall("category")]
        for twice in repeated(names):
            yield f"R19 {path_of(item)} has the category {twice} twice"
        if any("," in name or not name.strip() for name in names):
            yield f"R19 {path_of(item)} has a category that is empty or has a comma"


def _r20_source(channel: etree._Element) -> Iterator[str]:
    for source in channel.iter("source"):
        if not is_http(source.get("url", "")) or not text(source):
            yield f"R20 {path_of(source)} has no url or no name"


def _r21_relics(channel: etree._Element) -> Iterator[str]:
    for relic in channel.iter("cloud", "textInput", "rating"):
        yield f"R21 {path_of(relic)} is there"
    if channel.findtext("docs", "") not in {"", "https://www.rssboard.org/rss-specification"}:
        yield "R21 docs is not the specification's address"


def _r22_updated(channel: etree._Element) -> Iterator[str]:
    for date in channel.iter(f"{{{DC}}}date"):
        yield f"R22 {path_of(date)} is there"
    for updated in channel.iter(f"{{{ATOM}}}updated"):
        if rfc3339(text(updated)) is None:
            yield f"R22 {path_of(updated)} is no RFC 3339 date"


def _m1_namespace(channel: etree._Element) -> Iterator[str]:
    root = channel.getparent()
    for uri in [] if root is None else root.nsmap.values():
        if "mrss" in str(uri) and uri != MEDIA:
            yield f"M1 the namespace {uri} is not {MEDIA}"


def _m2_content(channel: etree._Element) -> Iterator[str]:
    for content in _media(channel, "content"):
        if content.get("medium") not in _MEDIUMS:
            yield f"M2 {path_of(content)} has no medium that Media RSS knows"
        if not _MEDIA_TYPE.fullmatch(content.get("type", "a/b")):
            yield f"M2 {path_of(content)} has no media type as its type"
        if not re.fullmatch("[0-9]+", content.get("fileSize", "0")):
            yield f"M2 {path_of(content)} has an empty fileSize"


def _m3_sizes(channel: etree._Element) -> Iterator[str]:
    for element in channel.iter(*(f"{{{MEDIA}}}{name}" for name in _MEDIA - {"group"})):
        if not is_http(element.get("url", "")):
            yield f"M3 {path_of(element)} has no absolute url"
        for name in ("width", "height"):
            if not _NUMBER.fullmatch(element.get(name, "1")):
                yield f"M3 {path_of(element)} has a {name} that is no positive number"


def _m4_group(channel: etree._Element) -> Iterator[str]:
    for group in _media(channel, "group"):
        members = group.findall(f"{{{MEDIA}}}content")
        defaults = [member for member in members if member.get("isDefault") == "true"]
        if len(members) < 2 or len(defaults) != 1:
            yield f"M4 {path_of(group)} has less than two members or not one default"


def _m5_vocabulary(channel: etree._Element) -> Iterator[str]:
    for element in channel.iter(f"{{{MEDIA}}}*"):
        if local(element) not in _MEDIA:
            yield f"M5 {path_of(element)} is there, which readers may take for content or tags"


_RULES = (
    _r1_channel,
    _r2_item,
    _r3_vocabulary,
    _r3_namespaces,
    _r4_dates,
    _r6_guid,
    _r7_identity,
    _r8_links,
    _r9_plain_text,
    _r10_description,
    _r11_content,
    _r12_enclosure,
    _r14_people,
    _r15_self,
    _r16_schedule,
    _r17_image,
    _r18_language,
    _r19_categories,
    _r20_source,
    _r21_relics,
    _r22_updated,
    _m1_namespace,
    _m2_content,
    _m3_sizes,
    _m4_group,
    _m5_vocabulary,
)
