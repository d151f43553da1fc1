"""What RSS says of a podcast: the names of Apple Podcasts and of the podcast namespace.

They stand in the feeds of podcasts only. Atom and JSON Feed have no podcasts.
"""

from __future__ import annotations

import re
from typing import Any

from lxml.etree import SubElement

from feedhub.feed import Podcast

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"
# As `entries` writes them; within a text of an item `<` is escaped.
_ENCLOSURE = re.compile(rb'<enclosure url="([^"]*)" length="[0-9]+" type="[^"]*"/>')
_DURATION = re.compile(
    rb'<media:content url="([^"]*)" type="[^"]*" medium="audio"(?: fileSize="[0-9]+")?'
    rb' duration="([0-9]+)"'
)


def namespaces(podcast: Podcast) -> dict[str, str]:
    """Return the namespaces of a podcast's document."""
    own = {"podcast": PODCAST} if podcast.guid or podcast.locked else {}
    return {"itunes": ITUNES} | own


def add_channel_elements(channel: Any, podcast: Podcast) -> None:
    """Add what podcast directories require of a channel, and what else is stated."""
    SubElement(channel, f"{{{ITUNES}}}author").text = podcast.author
    owner = SubElement(channel, f"{{{ITUNES}}}owner")
    SubElement(owner, f"{{{ITUNES}}}name").text = podcast.author
    SubElement(owner, f"{{{ITUNES}}}email").text = podcast.email
    SubElement(channel, f"{{{ITUNES}}}image", href=podcast.image)
    for name, part in podcast.categories:
        category = SubElement(channel, f"{{{ITUNES}}}category", text=name)
        if part:
            SubElement(category, f"{{{ITUNES}}}category", text=part)
    SubElement(channel, f"{{{ITUNES}}}explicit").text = str(podcast.explicit).lower()
    if podcast.kind:
        SubElement(channel, f"{{{ITUNES}}}type").text = podcast.kind
    if podcast.guid:
        SubElement(channel, f"{{{PODCAST}}}guid").text = podcast.guid
    if podcast.locked:
        locked = SubElement(channel, f"{{{PODCAST}}}locked", owner=podcast.email)
        locked.text = podcast.locked


def with_duration(item: bytes) -> bytes:
    """Return an item of RSS with the duration of its audio enclosure, if it has one.

    An item is encoded once for all feeds, and only those of podcasts have this element.
    """
    enclosure = _ENCLOSURE.search(item)
    duration = dict(_DURATION.findall(item)).get(enclosure[1]) if enclosure else None
    if not (enclosure and duration):
        return item
    end = enclosure.end()
    element = b"\n      <itunes:duration>%s</itunes:duration>" % duration
    return item[:end] + element + item[end:]
