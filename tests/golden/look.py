"""Finding things in the documents of a feed."""

from __future__ import annotations

import json

from lxml import etree

NAMES = {
    "a": "http://www.w3.org/2005/Atom",
    "c": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
    "m": "http://search.yahoo.com/mrss/",
}


def _tree(name, feed):
    return etree.fromstring(feed.encode(name))


def find(name, feed, path):
    """Return what an XPath finds in the document of a feed."""
    return _tree(name, feed).xpath(path, namespaces=NAMES)


def items(feed):
    """Return the items of the JSON feed."""
    return json.loads(feed.encode("json"))["items"]
