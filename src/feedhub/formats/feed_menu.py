"""Feed menus: the feeds of a site for readers to choose from (draft-nottingham-feed-menu-01)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from feedhub.feed import Channel, Feed
from feedhub.text import cut

# What the draft recommends.
MAX_TITLE, MAX_DESCRIPTION = 50, 140


def encode(
    channel: Channel, groups: Mapping[str, Sequence[Feed]], suffixes: Mapping[str, str]
) -> bytes:
    """Return the menu of the feeds of a site, given by the heading of their kind or "".

    `suffixes` are how their addresses in RSS and Atom end, by the name of the format.
    """
    items: list[dict[str, object]] = []
    for heading, feeds in groups.items():
        entries: list[dict[str, object]] = [feed_item(feed, suffixes) for feed in feeds]
        items += [{"feed-menu": heading, "items": entries}] if heading else entries
    menu = {"feed-menu": cut(channel.display_title(channel.title), MAX_TITLE), "items": items}
    return msgspec.json.format(msgspec.json.encode(menu), indent=2) + b"\n"


def feed_item(feed: Feed, suffixes: Mapping[str, str]) -> dict[str, object]:
    """Return what a menu says of a feed: its name, what it has, and where it is."""
    description = {"description": cut(feed.description, MAX_DESCRIPTION)}
    return {
        "feed-title": cut(feed.label or feed.title, MAX_TITLE),
        **(description if feed.description else {}),
        **{name: feed.channel.url(feed.path + suffix) for name, suffix in suffixes.items()},
    }
